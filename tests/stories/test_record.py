"""What people do with the pull request is remembered, and moves what is expected of its model."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.choosing.outcomes import moved, tally, with_record
from bot.core.model import Fate
from tests.stories.world import a_world

REVERT = {"greet.sh": 'echo "hello $1"\n'}


@pytest.mark.parametrize(
    ("either_database", "ends"),
    [
        ("sqlite", Fate.MERGED),
        ("sqlite", Fate.CHANGED),
        ("sqlite", Fate.CLOSED),
        ("sqlite", Fate.REVERTED),
        ("postgresql", Fate.REVERTED),
    ],
    indirect=["either_database"],
)
async def test_the_record_of_a_champion(tmp_path: Path, either_database: str, ends: Fate) -> None:
    """On PostgreSQL it is taken back by a commit."""
    async with a_world(tmp_path, database_url=either_database) as world:
        _, pull, facts = await world.published()
        assert facts.pull_request is not None
        if ends is Fate.CHANGED:
            await world.repo.commit(facts.pull_request.branch, {"more.txt": "more\n"}, "More", by="ann")
        await pull.ready_for_review(by="ann")
        await (pull.close(by="ann") if ends is Fate.CLOSED else pull.merge(by="ann"))
        if ends is Fate.REVERTED and either_database:
            await world.settled()
            said = f'Revert "Fix"\n\nThis reverts commit {pull.pull.merge_sha}.'
            await world.repo.commit("main", REVERT, said, by="ann")
        elif ends is Fate.REVERTED:
            await world.repo.commit("revert-2", REVERT, "Revert", by="ann")
            body = f"Reverts {world.repo.name}#{pull.number}"
            await (await world.repo.open_pull("Revert", body=body, head="revert-2", by="ann")).merge(by="ann")
        await world.settled()
        store = world.bot.bot.world.store
        [fared] = await store.record()
        assert (fared.model, fared.repository, fared.fate, fared.number) == ("fixer", world.repo.name, ends, 1)
        [fixer] = [model for model in await store.models() if model.name == "fixer"]
        [after] = with_record([fixer], [fared])
        assert after.prior == moved(fixer.prior, tally([fared]))
