"""A solve in flight that a release left behind: its two databases and the repository, in tests/records/RELEASE.

    python -m tests.stories.left_behind DIRECTORY

writes that of the present code there, and tests/records/formats.json belongs beside it. It is run once at each release;
what is there already is never made anew, since nobody has the version that made it.
"""

from __future__ import annotations

import asyncio
import gzip
import shutil
import sqlite3
import sys
import tarfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bot.core.render.status import status_marker
from bot.simulators.github import SimIssue
from bot.simulators.github.state import Comment
from bot.simulators.model import Script
from tests.stories.world import BREAK, FIX, MAINTAINER, REGRESSION_TEST, commands, line_up

if TYPE_CHECKING:
    from tests.stories.lives import MortalWorld

RECORDS = Path(__file__).parents[1] / "records"
DATABASES = ("solvebot", "engine")
REPOSITORY = "repository.tar.gz"
CUT_OFF = "-r2 3 command"  # the first of two runs is over, the second at work
FILES = line_up(
    "breaker", "fixer", test="for t in tests/*.sh; do sh $t || exit 1; done", extra="limits: {parallel: 1}\n"
)
SCRIPTS: dict[str, Script] = {"breaker": commands(BREAK), "fixer": commands(FIX, REGRESSION_TEST)}


def restore(left: Path, data: Path) -> None:
    """The databases, before anything else is in `data`."""
    for name in DATABASES:
        text = gzip.decompress((left / f"{name}.sql.gz").read_bytes()).decode()
        with closing(sqlite3.connect(data / f"{name}.sqlite")) as database:
            database.executescript(text)


async def found_again(world: MortalWorld, left: Path) -> SimIssue:
    """The issue of the solve, on a GitHub that knows what it did then: commits, label, our comment and reaction."""
    issue = await world.issue()
    world.github.webhooks.lose(event="issues")
    await issue.label("solve-me", by=MAINTAINER)
    store = world.repo.state.git.path
    shutil.rmtree(store)
    with tarfile.open(left / REPOSITORY) as archive:
        archive.extractall(store.parent, filter="data")
    (store.parent / "repository.git").rename(store)
    [id] = await world.store.active_solves()
    facts = await world.store.facts(id)
    assert facts is not None
    assert facts.comment_id is not None
    assert facts.solve.issue.number == issue.number
    bot, now = world.github.app.bot, datetime.now(UTC)
    said = Comment(facts.comment_id, f"{status_marker(id)}\n🏁 2 attempts at work.", bot, now, now, by_app=True)
    issue.state.comments.append(said)
    return issue


async def leave(into: Path) -> None:
    from tests.stories.lives import a_mortal_world

    with TemporaryDirectory(prefix="solvebot-records-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        async with a_mortal_world(directory, SCRIPTS, FILES) as world, world.bot() as bot:
            world.models.latency = 0.3
            await world.label(await world.issue())
            await world.until(lambda: any(boundary.endswith(CUT_OFF) for boundary in world.boundaries()))
            await bot.cut_off()
            for database in DATABASES:
                with closing(sqlite3.connect(world.settings.data / f"{database}.sqlite")) as rows:
                    dump = "\n".join(rows.iterdump()).encode()
                (into / f"{database}.sql.gz").write_bytes(gzip.compress(dump, mtime=0))
            with tarfile.open(into / REPOSITORY, "w:gz") as archive:
                archive.add(world.repo.state.git.path, "repository.git")


if __name__ == "__main__":
    asyncio.run(leave(Path(sys.argv[1])))
