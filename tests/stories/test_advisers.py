"""Models without a candidate of their own: one writes tests from the issue alone, one reads two near equals."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.core.evidence.pool import Origin
from bot.core.model import Answer, ModelSpec, Prices, SolveFacts, Status
from bot.simulators.model import Answer as Reply
from bot.simulators.model import Message, Say, Script, server_error, too_much_text
from tests.stories.crashing import Dies
from tests.stories.deaths import MOMENTS
from tests.stories.lives import a_mortal_world
from tests.stories.world import FIX, World, a_world, commands, line_up

STRANGER = ModelSpec("stranger", "simulator", "elsewhere/stranger", prices=Prices(0.1, 0.3))
TESTS = "for t in tests/*.sh; do sh $t || exit 1; done"
OTHER_FIX = 'printf \'test -n "$1" || set -- world\\necho "hello $1"\\n\' > greet.sh'
SPECIAL = "printf 'if [ $# = 0 ]; then echo hello world; else echo \"hello $1\"; fi\\n' > greet.sh"
TWO = {"fixer": commands(FIX), "other": commands(OTHER_FIX)}
WRITTEN = """Two tests.

FILE: tests/test_nobody.sh
````
test "$(sh greet.sh)" = "hello world" && test "$(sh greet.sh '')" = "hello world"
````

FILE: tests/conftest.py
````
import os
````
"""
NO_TEST = "The issue does not say enough."


def is_asked_for_tests(messages: Sequence[Message]) -> bool:
    return "test engineer" in str(messages[0]["content"])


def adviser(tests: str, chosen: Callable[[str], str]) -> Script:
    """`chosen`: what it answers to a question that shows two patches."""

    def script(messages: Sequence[Message]) -> Reply:
        if is_asked_for_tests(messages):
            return Say(tests)
        return Say(f"I have read both.\n\n{chosen(str(messages[1]['content']))}")

    return script


def with_default(question: str) -> str:
    """Prefers the patch that uses a default value, wherever it is shown."""
    first = re.search(r"<first-(\w+)>(.*?)</first-\1>", question, re.DOTALL)
    assert first is not None
    return "FIRST" if ":-world" in first[2] else "SECOND"


async def solved(world: World, script: Script) -> tuple[SolveFacts, str]:
    """The facts, and all that people read: pull request, status comment, `/solve explain`."""
    world.models.script(STRANGER.model_id, script, dollars_per_call=0.001)
    await world.bot.bot.world.store.save_model(STRANGER)
    issue = await world.issue()
    await world.label(issue)
    facts = await world.over(issue)
    assert facts.status is Status.COMPLETED, facts.error
    assert facts.dollars == pytest.approx(0.001 * world.models.calls.total())
    await world.said(issue, "<!-- solvebot solve=")
    await world.comment(issue, "/solve explain")
    explained = (await world.next_comment(issue)).body
    pulls = [pull.state.body or "" for pull in world.repo.pulls]
    return facts, "\n".join([*pulls, issue.bot_comments[0].body, explained])


async def test_tests_from_the_issue_alone_judge_everybody(tmp_path: Path) -> None:
    scripts = {"special": commands(SPECIAL), "fixer": commands(FIX)}
    async with a_world(tmp_path, scripts=scripts, files=line_up(*scripts, test=TESTS)) as world:
        facts, read = await solved(world, adviser(WRITTEN, lambda _: "NEITHER"))
        special, fixer = (run.id for run in facts.runs)
        assert facts.issue_tests is not None
        assert [file.path for file in facts.issue_tests.files] == ["tests/test_nobody.sh"]
        [test] = facts.pool
        assert (test.origin, test.author) == (Origin.ISSUE, None)
        assert (test.passed_by, test.failed_by) == ((fixer,), (special,))
        assert facts.decision is not None
        assert facts.decision.champion == fixer
        assert "tests from the issue" in read
        assert "| tests from the issue: `stranger` | 1 |" in read

        [asked] = [request for request in world.models.asked if is_asked_for_tests(request.messages)]
        told = str(asked.messages[1]["content"])
        assert "It should greet the world." in told
        assert "tests/test.sh" in told
        assert ":-world" not in told
        assert "$# = 0" not in told
        assert "tools" not in asked.request


async def test_between_near_ties_a_stranger_is_asked_in_both_orders(tmp_path: Path) -> None:
    async with a_world(tmp_path, scripts=TWO, files=line_up(*TWO, test=TESTS)) as world:
        facts, read = await solved(world, adviser(NO_TEST, with_default))
        assert facts.compared is not None
        assert sorted(facts.compared.answers) == [Answer.FIRST, Answer.SECOND]
        assert facts.compared.cost.dollars == pytest.approx(0.002)
        assert facts.decision is not None
        assert facts.decision.champion == facts.runs[0].id
        assert len(re.findall(r"Asked to compare [AB] with [AB], stranger preferred A in both orders\.", read)) == 3
        assert "| comparing: `stranger` | 2 |" in read
        assert facts.issue_tests is not None
        assert facts.issue_tests.files == ()


@pytest.mark.parametrize(
    ("chosen", "questions"),
    [
        ("FIRST", 2),
        ("", 1),
        *(pytest.param(*rest, marks=pytest.mark.long) for rest in (("SECOND", 2), ("NEITHER", 1), ("first", 1))),
        pytest.param("Patch FIRST is better.", 1, marks=pytest.mark.long),
    ],
)
async def test_who_prefers_nobody_decides_nothing(tmp_path: Path, chosen: str, questions: int) -> None:
    async with a_world(tmp_path, scripts=TWO, files=line_up(*TWO, test=TESTS), issue_tests=False) as world:
        facts, read = await solved(world, adviser(NO_TEST, lambda _: chosen))
        assert facts.compared is not None
        assert facts.compared.cost.steps == questions
        assert "stranger gave no clear preference." in read
        assert facts.decision is not None
        assert not any("a model that read both" in reason for reason in facts.decision.reasons)


async def test_a_model_that_fails_is_no_vote_and_ends_no_solve(tmp_path: Path) -> None:
    async with a_world(tmp_path, scripts=TWO, files=line_up(*TWO, test=TESTS)) as world:
        world.models.interpose(STRANGER.model_id, too_much_text(), too_much_text())
        world.models.script(STRANGER.model_id, lambda messages: server_error())
        await world.bot.bot.world.store.save_model(STRANGER)
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        await world.said(issue, "<!-- solvebot solve=")
        assert facts.status is Status.COMPLETED, facts.error
        assert facts.decision is not None
        assert facts.decision.champion is not None
        assert facts.issue_tests is not None
        assert facts.issue_tests.files == ()
        assert facts.compared is not None
        assert facts.compared.answers == (Answer.NEITHER,)
        assert world.models.calls[STRANGER.model_id] == 2


@pytest.mark.parametrize(
    ("changes", "extra"),
    [
        ({"issue_tests": False, "comparer": False}, ""),
        ({}, "limits: {dollars: 0.0205}\n"),  # no model would answer for the rest
    ],
)
async def test_nobody_is_asked(tmp_path: Path, changes: dict[str, Any], extra: str) -> None:
    files = line_up(*TWO, test=TESTS, extra=extra)
    async with a_world(tmp_path, scripts=TWO, files=files, **changes) as world:
        dear = ModelSpec("stranger", "simulator", STRANGER.model_id, prices=Prices(10.0, 30.0))
        world.models.script(STRANGER.model_id, adviser(WRITTEN, with_default))
        await world.bot.bot.world.store.save_model(dear if extra else STRANGER)
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        comment = await world.said(issue, "<!-- solvebot solve=")
        assert world.models.calls[STRANGER.model_id] == 0
        assert (facts.issue_tests, facts.compared, facts.beside_runs) == (None, None, ())
        assert "stranger" not in comment.body


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dies", MOMENTS)
async def test_nobody_is_asked_again_after_a_crash(tmp_path: Path, dies: Dies) -> None:
    """Not even where the process died before the step was on record: the answers lie with the solve."""
    at = " (tests from the issue|compare)$"
    async with a_mortal_world(tmp_path, TWO, line_up(*TWO, test=TESTS)) as world:
        world.models.script(STRANGER.model_id, adviser(NO_TEST, with_default), dollars_per_call=0.001)
        await world.store.save_model(STRANGER)
        async with world.bot(dies=dies, at=at) as bot:
            issue = await world.issue()
            await world.label(issue)
            facts = await world.over(issue, within=280)
        assert facts.status is Status.COMPLETED, facts.error
        assert [name.split(" ", 2)[2] for name in bot.deaths] == ["tests from the issue", "compare"]
        assert world.models.calls[STRANGER.model_id] == 3
        assert facts.compared is not None
        assert facts.compared.cost.steps == 2
        assert facts.dollars == pytest.approx(0.003 + 0.001 * sum(run.steps for run in facts.runs))
        left_over = await world.left_over()
        assert not any(left_over.values()), left_over
