"""Repairs and updates whose process dies: at each kind of boundary here, at every boundary in what is `long`."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from bot.core.model import Status
from bot.simulators.github import SimIssue
from bot.simulators.github.actions.checks import ACTIONS
from tests.stories.crashing import Dies
from tests.stories.lives import Bot, MortalWorld, a_mortal_world
from tests.stories.pulls import a_pull
from tests.stories.test_repair import FILES, LOG, QUOTED
from tests.stories.test_revise_crash import stubborn
from tests.stories.test_update import ANEW, ITS_TEST

PUSH = ("freeze revision", "commit on top of head", "advance head")
REPAIR = (*PUSH, "still failing", "tell revision")
UPDATE = ("weigh", "look at base", "merge base", "record update", "answer update")
ANEW_STEPS = ("look at base", "merge base", "plan anew", "claim", *PUSH)
WHOLE = pytest.param("", marks=pytest.mark.long)


def at_steps(*names: str) -> str:
    return f" ({'|'.join(names)})$"


def made(world: MortalWorld, *kinds: str) -> Counter[str]:
    """What was asked of GitHub to be made, by the end of its path."""
    last = [request.path.rpartition("/")[2] for request in world.github.requests if request.method == "POST"]
    return Counter(kind for kind in last if kind in kinds)


async def settled(world: MortalWorld, bot: Bot, at: str, expected: tuple[str, ...]) -> None:
    """Every boundary that was to kill has killed, and nothing is left over."""
    assert sorted(bot.deaths) == sorted(name for name in world.boundaries() if re.search(at, name))
    assert {name.split(" ", 2)[-1] for name in bot.deaths} >= set(expected)
    left_over = await world.left_over()
    assert not any(left_over.values()), left_over


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dies", [Dies.AFTER, Dies.BEFORE])
@pytest.mark.parametrize("at", [at_steps(*REPAIR), WHOLE])
async def test_a_repair_makes_one_commit(tmp_path: Path, at: str, dies: Dies) -> None:
    async with a_mortal_world(tmp_path, {"fixer": stubborn(QUOTED)}, FILES) as world:
        async with world.bot(dies=dies, at=at) as bot:
            pull = await a_pull(world.github, world.repo, world.store)
            before = pull.pull.head_sha
            await world.repo.check(before, "test", "failure", log=LOG, app=ACTIONS)
            await world.until(lambda: "✅ Pushed" in words(pull), within=500)
            await world.at_rest()
        await settled(world, bot, at, REPAIR)
        facts = await world.store.latest(world.repo.id, pull.number)
        assert facts is not None
        assert facts.status is Status.COMPLETED, facts.error
        after = pull.pull.head_sha
        assert list(world.repo.state.git.commit(after).parents) == [before]
        assert len(pull.bot_comments) == 1
        assert pull.body.count(f"- {after[:10]}, a repair of `test`") == 1
        assert [check.external_id for check in world.repo.checks(after)] == [facts.solve.revises]
        assert made(world, "check-runs") == {"check-runs": 1}
        assert made(world, "commits")["commits"] <= 2


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dies", [Dies.AFTER, Dies.BEFORE])
@pytest.mark.parametrize("at", [at_steps(*UPDATE), WHOLE])
async def test_an_update_makes_one_merge_and_says_so(tmp_path: Path, at: str, dies: Dies) -> None:
    async with a_mortal_world(tmp_path, {}, FILES) as world:
        async with world.bot(dies=dies, at=at) as bot:
            pull = await a_pull(world.github, world.repo, world.store)
            before = pull.pull.head_sha
            tip = await world.repo.commit("main", {"notes.txt": "news\n"}, "News")
            await world.comment(pull, "/solve update")
            await world.until(lambda: "was merged in by" in words(pull), within=500)
            await world.at_rest()
        await settled(world, bot, at, UPDATE)
        after = pull.pull.head_sha
        assert list(world.repo.state.git.commit(after).parents) == [before, tip]
        assert len(pull.bot_comments) == 1
        assert pull.body.replace("\\", "").count(f"main was merged in by {after[:10]}") == 1
        assert len(world.repo.checks(after)) == 1


@pytest.mark.timeout(600)
@pytest.mark.long
@pytest.mark.parametrize("dies", [Dies.AFTER, Dies.BEFORE])
@pytest.mark.parametrize("at", [at_steps(*ANEW_STEPS), ""])
async def test_a_change_that_is_made_anew_is_one_commit(tmp_path: Path, at: str, dies: Dies) -> None:
    async with a_mortal_world(tmp_path, {"fixer": stubborn(ANEW, ITS_TEST)}, FILES) as world:
        async with world.bot(dies=dies, at=at) as bot:
            pull = await a_pull(world.github, world.repo, world.store)
            before = pull.pull.head_sha
            tip = await world.repo.commit("main", {"greet.sh": '#!/bin/sh\necho "hello $1"\n'}, "News")
            await world.comment(pull, "/solve update")
            await world.until(lambda: "✅ Pushed" in words(pull), within=500)
            await world.at_rest()
        await settled(world, bot, at, ANEW_STEPS)
        after = pull.pull.head_sha
        assert list(world.repo.state.git.commit(after).parents) == [before, tip]
        assert len(pull.bot_comments) == 1


def words(pull: SimIssue) -> str:
    return "".join(said.body for said in pull.bot_comments)
