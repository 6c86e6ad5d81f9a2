"""A whole revision whose process dies at every boundary between two steps, on both databases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.core.model import Status
from bot.simulators.github import Note
from bot.simulators.model import SUBMIT, Answer, Message, Script, bash
from tests.stories.crashing import Dies
from tests.stories.deaths import ON_EITHER_DATABASE
from tests.stories.lives import MortalWorld, a_mortal_world
from tests.stories.pulls import a_pull
from tests.stories.test_revise import EVERYBODY, FILES, ITS_TEST
from tests.stories.world import MAINTAINER

CALLS = 3
STEPS = {
    *("freeze revision", "look at branch", "commit on top of head", "advance head", "record push"),
    *("answer threads", "tell revision"),
}


def stubborn(*commands: str) -> Script:
    """A model that runs these, each again until it hears how it ended, and is done."""

    def script(messages: Sequence[Message]) -> Answer:
        results = [str(message["content"]) for message in messages if message["role"] == "tool"]
        return bash((*commands, SUBMIT)[sum("interrupted while this ran" not in result for result in results)])

    return script


def written(world: MortalWorld) -> Counter[str]:
    """What was asked of GitHub to be made, by the end of its path."""
    kinds = ("commits", "replies", "requested_reviewers")
    last = [request.path.rpartition("/")[2] for request in world.github.requests if request.method == "POST"]
    return Counter(kind for kind in last if kind in kinds)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("either_database", "dies"), ON_EITHER_DATABASE, indirect=["either_database"])
async def test_every_death_leaves_one_commit_and_one_answer(tmp_path: Path, either_database: str, dies: Dies) -> None:
    """On PostgreSQL at the steps that are a revision's own: there each death takes seconds to be noticed."""
    at = f" ({'|'.join(STEPS)})$" if either_database else ""
    scripts = {"fixer": stubborn(EVERYBODY, ITS_TEST)}
    async with a_mortal_world(tmp_path, scripts, FILES, either_database) as world:
        async with world.bot(dies=dies, at=at) as bot:
            pull = await a_pull(world.github, world.repo, world.store)
            before = pull.pull.head_sha
            notes = [Note("greet.sh", 1, "Everybody."), Note("tests/test_default.sh", 1, "Here, too.")]
            await pull.review("REQUEST_CHANGES", "Nobody lives alone.", by=MAINTAINER, threads=notes)
            await world.github.delivered()
            await world.until(lambda: "✅ Pushed" in "".join(said.body for said in pull.bot_comments), within=250)
            await world.at_rest()
        facts = await world.store.latest(world.repo.id, pull.number)
        assert facts is not None
        assert facts.status is Status.COMPLETED, facts.error
        assert sorted(bot.deaths) == sorted(name for name in world.boundaries() if re.search(at, name))
        assert {name.split(" ", 2)[-1] for name in bot.deaths} >= STEPS

        after = pull.pull.head_sha
        assert list(world.repo.state.git.commit(after).parents) == [before]
        assert [len(thread.comments) for thread in pull.pull.threads] == [2, 2]
        assert len(pull.bot_comments) == 1
        assert f"✅ Pushed {after[:10]}" in pull.bot_comments[0].body
        assert pull.body.count(f"- {after[:10]}, asked for by {MAINTAINER}, 2 threads") == 1
        assert [account.login for account in pull.pull.requested_reviewers] == [MAINTAINER]
        again = 2 if dies is Dies.BEFORE else 1
        assert world.models.calls == {"simulated/fixer": CALLS * (1 if either_database else again)}
        assert facts.dollars == pytest.approx(0.001 * CALLS)
        asked = written(world)
        assert asked["replies"] == 2  # a second try finds what was said
        assert asked["commits"] == again
        left_over = await world.left_over()
        assert not any(left_over.values()), left_over
