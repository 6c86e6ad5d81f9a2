"""A whole solve, from the label to the pull request, whose process dies at every boundary between two steps; and one
whose process is killed again and again, wherever it happens to be. `make drill` does more of the second."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.core.environment.help import FOUND_BY_AGENT
from bot.core.model import Outcome, SolveFacts, Status
from bot.demo.toolchain import make_toolchain
from bot.simulators.github import SimIssue
from bot.simulators.model import SUBMIT, Answer, Message, Script, bash
from tests.stories import setup_repositories
from tests.stories.crashing import Dies
from tests.stories.deaths import MOMENTS
from tests.stories.lives import COUNTED, MortalWorld, a_mortal_world, counted
from tests.stories.setup_repositories import ODD_COMMAND, is_set_up
from tests.stories.world import BREAK, FIX, REGRESSION_TEST, line_up

CALLS = 3  # of each model, when nothing is repeated


def stubborn(*commands: str) -> Script:
    """A model that runs these, each again until it hears how it ended, and is done."""

    def script(messages: Sequence[Message]) -> Answer:
        results = [str(message["content"]) for message in messages if message["role"] == "tool"]
        done = sum("interrupted while this ran" not in result for result in results)
        return bash((*commands, SUBMIT)[done])

    return script


SCRIPTS = {
    "breaker": stubborn(f"{COUNTED}; {BREAK}", f"{COUNTED}; sh greet.sh"),
    "fixer": stubborn(f"{COUNTED}; {FIX}", f"{COUNTED}; {REGRESSION_TEST}"),
}
TESTS = "for t in tests/*.sh; do sh $t || exit 1; done"


async def solved(world: MortalWorld, issue: SimIssue, facts: SolveFacts) -> None:
    """What holds however often the bot has died."""
    assert facts.status is Status.COMPLETED, facts.error
    assert facts.decision is not None
    assert facts.decision.outcome is Outcome.DRAFT
    champion = facts.run(facts.decision.champion)
    assert champion is not None
    assert champion.experiment.model.name == "fixer"

    [pull] = world.repo.pulls
    assert facts.pull_request is not None
    assert facts.pull_request.number == pull.number
    assert world.repo.branches.keys() == {"main", facts.pull_request.branch}
    assert f"Receipt: ${facts.dollars:.4f}" in (pull.state.body or "")
    assert facts.dollars == pytest.approx(0.001 * sum(run.steps for run in facts.runs))
    [comment] = issue.bot_comments
    assert f"#{pull.number}" in comment.body
    assert pull.bot_comments == []
    assert [r.content for r in issue.reactions] == ["eyes", "rocket"]
    left_over = await world.left_over()
    assert not any(left_over.values()), left_over


def written(world: MortalWorld) -> Counter[str]:
    """What was asked of GitHub to be made for the pull request."""
    kinds = ("trees", "commits", "refs", "pulls", "requested_reviewers")
    last = [request.path.rpartition("/")[2] for request in world.github.requests if request.method == "POST"]
    return Counter(kind for kind in last if kind in kinds)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dies", [Dies.AFTER, Dies.BEFORE])
async def test_no_finished_step_runs_twice(tmp_path: Path, dies: Dies) -> None:
    """After: what is on record is never done again. Before: what was not on record is, once, and finds itself.

    One run at a time, so that nothing else is in flight when the process dies, and repetitions can be counted.
    """
    files = line_up(*SCRIPTS, test=TESTS, extra="limits: {parallel: 1}\n")
    async with a_mortal_world(tmp_path, SCRIPTS, files) as world:
        async with world.bot(dies=dies) as bot:
            issue = await world.issue()
            await world.label(issue)
            facts = await world.over(issue, within=280)
        await solved(world, issue, facts)
        assert sorted(bot.deaths) == sorted(world.boundaries())

        again = 2 if dies is Dies.BEFORE else 1
        assert world.models.calls == {f"simulated/{name}": CALLS * again for name in SCRIPTS}
        assert facts.dollars == pytest.approx(0.001 * CALLS * len(SCRIPTS))
        assert {name: world.counts(name) for name in SCRIPTS} == {name: [1, 2] for name in SCRIPTS}
        assert set(written(world).values()) <= {1, again}


def looking(*commands: str) -> Script:
    """The same model looks for the environment and fixes the issue."""
    searching, fixing = stubborn(*commands), stubborn(setup_repositories.FIX)
    return lambda messages: (searching if is_set_up(messages) else fixing)(messages)


SETUP_STEPS = {
    *("signposts", "open set-up sandbox", "set-up model call", "set-up command", "leave set-up sandbox"),
    *("close set-up sandbox", "looked in vain", "try plan", "replay script", "keep environment", "plan again"),
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("dies", MOMENTS)
async def test_no_finished_step_of_the_set_up_agent_runs_twice(tmp_path: Path, dies: Dies) -> None:
    """From the first plan, which fails, to the replay of the script; with the two promises of above."""
    script = looking(f"{COUNTED}; ls", f"{COUNTED}; {ODD_COMMAND.script}")
    told = {"SETUP_AGENT": "true", "SANDBOX_TOOLCHAINS": str(make_toolchain(tmp_path / "toolchain"))}
    at = f" ({'|'.join(SETUP_STEPS)})$"
    async with a_mortal_world(tmp_path, {"fixer": script}, ODD_COMMAND.files, "", None, None, **told) as world:
        async with world.bot(dies=dies, at=at) as bot:
            issue = await world.issue()
            await world.label(issue)
            facts = await world.over(issue, within=380)
        assert facts.status is Status.COMPLETED, facts.error
        assert sorted(bot.deaths) == sorted(name for name in world.boundaries() if re.search(at, name))
        assert {name.split(" ", 2)[2] for name in bot.deaths} == SETUP_STEPS

        asked = [request for request in world.models.asked if is_set_up(request.messages)]
        assert len(asked) == 3 * (2 if dies is Dies.BEFORE else 1)
        assert counted(asked[-1].messages) == [1, 2]
        assert facts.setup_agent is not None
        assert facts.setup_agent.steps == 3
        assert facts.setup_agent.dollars == pytest.approx(0.003)
        assert facts.toolchain is not None
        assert facts.toolchain.why == FOUND_BY_AGENT
        assert facts.dollars == pytest.approx(0.003 + 0.001 * sum(run.steps for run in facts.runs))
        [pull] = world.repo.pulls
        assert f"Receipt: ${facts.dollars:.4f}" in (pull.state.body or "")
        left_over = await world.left_over()
        assert not any(left_over.values()), left_over


COMPARING = ("docket", "hear", "pool", "probe")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dies", MOMENTS)
async def test_no_finished_step_of_the_comparison_runs_twice(tmp_path: Path, dies: Dies) -> None:
    """Two that work, one of which brings a test and the other a script: an entry of the pool each."""
    scripts = {
        "fixer": stubborn(FIX, REGRESSION_TEST),
        "other": stubborn(f"cat > /tmp/repro.sh <<'EOF'\ntest \"$(sh greet.sh)\" = 'hello world'\nEOF\n{FIX}"),
    }
    at = f" ({'|'.join(COMPARING)})$"
    files = line_up(*scripts, test=TESTS, extra="limits: {parallel: 2}\n")
    async with a_mortal_world(tmp_path, scripts, files) as world:
        async with world.bot(dies=dies, at=at) as bot:
            issue = await world.issue()
            await world.label(issue)
            facts = await world.over(issue, within=280)
        assert facts.status is Status.COMPLETED, facts.error
        assert sorted(bot.deaths) == sorted(name for name in world.boundaries() if re.search(at, name))
        assert [name.split(" ", 2)[2] for name in sorted(bot.deaths)] == ["docket", "hear", "hear", "pool", "probe"]

        fixer, other = (run.id for run in facts.runs)
        assert [(test.group, test.passed_by, test.failed_by) for test in facts.pool] == [
            ("A's tests", (fixer, other), ()),
            ("B's script repro.sh", (fixer, other), ()),
        ]
        left_over = await world.left_over()
        assert not any(left_over.values()), left_over


async def killed_at_random(directory: Path, seed: int, *, kills: int, database_url: str = "") -> Counter[str]:
    """All runs together. Returns how often each model was called."""
    chance = random.Random(seed)
    files = line_up(*SCRIPTS, test=TESTS, extra="limits: {parallel: 3}\n")
    async with a_mortal_world(directory, SCRIPTS, files, database_url) as world:
        world.models.latency = 0.1
        async with world.bot() as bot:
            issue = await world.issue()
            await world.label(issue)
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(0.1, 3.0))
                await bot.end_life()
            facts = await world.over(issue)
        await solved(world, issue, facts)
        for name, times in world.models.calls.items():
            assert CALLS <= times <= CALLS + 2 * kills, name  # what a kill cut off, and what the model then asked again
        return world.models.calls


@pytest.mark.timeout(300)
async def test_killed_at_random(tmp_path: Path) -> None:
    await killed_at_random(tmp_path, 1, kills=5)
