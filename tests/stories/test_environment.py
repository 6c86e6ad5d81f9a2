"""Repositories that come up, or do not: what people read, what is spent, and what the next solve knows."""

from __future__ import annotations

from pathlib import Path

from bot.core.model import Outcome, Status
from tests.stories.world import FILES, MAINTAINER, a_world, line_up

NO_RUNNER = {"README.md": "# greet\n", "greet.sh": FILES["greet.sh"], ".github/solvebot.yml": "models: [fixer]\n"}
BROKEN = line_up("fixer", test="no-such-runner", attempts=1)


async def test_where_no_test_can_be_run_no_attempt_is_made_and_people_read_what_to_do(tmp_path: Path) -> None:
    async with a_world(tmp_path, files=NO_RUNNER) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        comment = await world.said(issue, "could not run this repository's tests")
    assert facts.status is Status.COMPLETED
    assert facts.decision is not None
    assert facts.decision.outcome is Outcome.NONE
    assert (facts.dollars, world.models.calls) == (0.0, {})
    assert "/solve draft" in comment.body
    assert ".github/solvebot.yml" in comment.body
    assert 'test: "make test"' in comment.body
    assert world.repo.pulls == []


async def test_a_command_that_is_not_there_is_told_with_its_last_words(tmp_path: Path) -> None:
    async with a_world(tmp_path, files=BROKEN) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        comment = await world.said(issue, "could not run this repository's tests")
    assert facts.dollars == 0.0
    assert "no-such-runner: command not found" in comment.body.replace("\\", "")


async def test_who_asks_for_a_draft_gets_the_unproven_one(tmp_path: Path) -> None:
    async with a_world(tmp_path, files=NO_RUNNER) as world:
        issue = await world.issue()
        await world.comment(issue, "/solve draft")
        facts = await world.over(issue)
        await world.said(issue, "draft pull request")
        [pull] = world.repo.pulls
    assert facts.decision is not None
    assert facts.decision.outcome is Outcome.DRAFT
    assert pull.pull.draft


async def test_a_repository_can_want_what_is_unproven(tmp_path: Path) -> None:
    config = "models: [fixer]\nattempts: 1\npull_request: {unproven: draft}\n"
    async with a_world(tmp_path, files={**NO_RUNNER, ".github/solvebot.yml": config}) as world:
        issue = await world.issue()
        await world.label(issue)
        await world.over(issue)
        await world.said(issue, "draft pull request")
        [pull] = world.repo.pulls
    assert pull.pull.draft


PYTHON = {
    "greet.py": "def greet(name):\n    return 'hello ' + name\n",
    "test_greet.py": "import unittest\nfrom greet import greet\n\n\nclass Greeting(unittest.TestCase):\n"
    "    def test_greet(self):\n        self.assertEqual(greet('ann'), 'hello ann')\n",
    ".github/solvebot.yml": "models: [fixer]\nattempts: 1\n",
}


async def test_the_plan_that_held_is_known_at_the_next_commit(tmp_path: Path) -> None:
    async with a_world(tmp_path, files=PYTHON) as world:
        store = world.bot.bot.world.store
        for name in ("first", "second"):
            issue = await world.issue()
            await world.label(issue)
            facts = await world.over(issue)
            await world.said(issue, "#")
            assert facts.baseline is not None
            assert facts.baseline.per_test
            kept = await store.environment(world.repo.id)
            assert kept is not None
            assert kept.toolchain == facts.toolchain
            await world.repo.commit("main", {name: b"1"}, name, by=MAINTAINER)
        steps = await world.bot.bot.engine.steps(facts.id)
    assert "read plans" not in steps
    assert "known environment" in steps
