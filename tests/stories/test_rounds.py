"""Where nobody of the first round can be trusted, a second one is told what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.core.model import Outcome, Status
from bot.simulators.model import SUBMIT, Answer, Message, Script, bash
from tests.stories.crashing import Dies
from tests.stories.deaths import MOMENTS
from tests.stories.lives import a_mortal_world
from tests.stories.world import BREAK, BREAKS, FIX, REGRESSION_TEST, a_world, line_up

BEFORE = "Others have tried this before you"


def learns(mistake: str, *fix: str) -> Script:
    """A model that makes a mistake, unless it is told what became of one."""

    def script(messages: Sequence[Message]) -> Answer:
        commands = fix if BEFORE in str(messages) else (mistake,)
        return bash((*commands, SUBMIT)[sum(message["role"] == "tool" for message in messages)])

    return script


async def test_a_second_round_finds_what_the_first_has_missed(tmp_path: Path) -> None:
    scripts = {"learner": learns(BREAK, FIX), "breaker": BREAKS}
    files = line_up(*scripts, extra="rounds: 2\n")
    async with a_world(tmp_path, scripts=scripts, files=files) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)

        assert facts.status is Status.COMPLETED, facts.error
        assert [(run.experiment.letter, run.experiment.round) for run in facts.runs] == [
            ("A", 1), ("B", 1), ("C", 2), ("D", 2),
        ]  # fmt: skip
        assert facts.champion is facts.runs[2]
        assert facts.decision is not None
        assert len(facts.decision.ranking) == 4
        assert facts.dollars == pytest.approx(0.008)
        [pull] = world.repo.pulls
        assert "### Why this patch, of 4 attempts in 2 rounds" in (pull.state.body or "")
        assert "Receipt: $0.0080" in (pull.state.body or "")
        status = await world.next_comment(issue)
        assert "> No candidate could be trusted, so there was another round: C and D were told" in status.body

        told = next(str(asked.messages) for asked in world.models.asked if BEFORE in str(asked.messages))
        assert "Attempt A changed greet.sh." in told
        assert "these tests no longer passed" in told


async def test_a_second_round_is_not_the_last_word_by_itself(tmp_path: Path) -> None:
    """Two rounds, and no more."""
    async with a_world(tmp_path, scripts={"fixer": BREAKS}, files=line_up("fixer", extra="rounds: 2\n")) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        assert [run.experiment.letter for run in facts.runs] == ["A", "B"]
        assert facts.decision is not None
        assert facts.decision.outcome is Outcome.NONE
        assert "No pull request this time" in (await world.next_comment(issue)).body


@pytest.mark.parametrize(
    ("why", "extra"),
    [
        ("nobody asked for one", ""),
        ("there is no money for one", "rounds: 2\nlimits: {dollars: 0.011}\n"),
    ],
)
async def test_no_second_round(tmp_path: Path, why: str, extra: str) -> None:
    async with a_world(tmp_path, scripts={"fixer": BREAKS}, files=line_up("fixer", extra=extra)) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        await world.next_comment(issue)
        assert [run.experiment.letter for run in facts.runs] == ["A"], why
        assert world.models.calls["simulated/fixer"] == 2


async def test_no_second_round_after_a_good_first_one(tmp_path: Path) -> None:
    async with a_world(tmp_path, files=line_up("fixer", extra="rounds: 2\n")) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        await world.next_comment(issue)
        assert len(facts.runs) == 1
        assert facts.pull_request is not None


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dies", MOMENTS)
async def test_a_death_between_two_rounds_costs_no_run_and_adds_none(tmp_path: Path, dies: Dies) -> None:
    """Nor does one where it is found out that runs are not needed."""
    names = ("learner", "twin", "spare")
    scripts = dict.fromkeys(names, learns(BREAK, FIX, REGRESSION_TEST))
    test = "for t in tests/*.sh; do sh $t || exit 1; done"
    files = line_up(*names, test=test, extra="rounds: 2\nlimits: {parallel: 1}\n")
    async with a_mortal_world(tmp_path, scripts, files) as world:
        async with world.bot(dies=dies, at=" (another round|enough)$") as bot:
            issue = await world.issue()
            await world.label(issue)
            facts = await world.over(issue, within=240)
        assert facts.status is Status.COMPLETED, facts.error
        assert {name.split(" ", 2)[2] for name in bot.deaths} == {"another round", "enough"}
        assert [(run.experiment.letter, run.was_begun) for run in facts.runs] == [
            ("A", True), ("B", True), ("C", True), ("D", True), ("E", True), ("F", False),
        ]  # fmt: skip
        assert len(facts.notes) == len(set(facts.notes))
        assert sum("another round" in note for note in facts.notes) == 1
        assert world.models.calls.total() == sum(run.steps for run in facts.runs)
        assert len(world.repo.pulls) == 1
        left_over = await world.left_over()
        assert not any(left_over.values()), left_over
