"""A whole solve, from the label to the pull request, whose process dies at every boundary between two steps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.core.model import Outcome, SolveFacts, Status
from bot.simulators.github import SimIssue
from bot.simulators.model import SUBMIT, bash, turns
from tests.stories.crashing import Dies
from tests.stories.lives import COUNTED, MortalWorld, a_mortal_world
from tests.stories.world import BREAK, FIX, REGRESSION_TEST, line_up

CALLS = 3  # of each model
SCRIPTS = {
    "breaker": turns(bash(f"{COUNTED}; {BREAK}"), bash(f"{COUNTED}; sh greet.sh"), bash(SUBMIT)),
    "fixer": turns(bash(f"{COUNTED}; {FIX}"), bash(f"{COUNTED}; {REGRESSION_TEST}"), bash(SUBMIT)),
}
ONE_AT_A_TIME = line_up(*SCRIPTS, test="for t in tests/*.sh; do sh $t || exit 1; done", extra="limits: {parallel: 1}\n")
"""So that nothing else is in flight when the process dies, and repetitions can be counted."""


async def solved(world: MortalWorld, issue: SimIssue, facts: SolveFacts) -> None:
    """What holds however often the bot has died."""
    assert facts.status is Status.COMPLETED, facts.error
    assert facts.decision is not None
    assert facts.decision.outcome is Outcome.READY
    champion = facts.run(facts.decision.champion)
    assert champion is not None
    assert champion.experiment.model.name == "fixer"

    [pull] = world.repo.pulls
    assert facts.pull_request is not None
    assert facts.pull_request.number == pull.number
    assert world.repo.branches.keys() == {"main", facts.pull_request.branch}
    assert f"Receipt: ${facts.dollars:.4f}" in (pull.state.body or "")
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
    """After: what is on record is never done again. Before: what was not on record is, once, and finds itself."""
    async with a_mortal_world(tmp_path, SCRIPTS, ONE_AT_A_TIME) as world:
        async with world.bot(dies=dies) as bot:
            issue = await world.issue()
            await world.label(issue)
            facts = await world.over(issue, within=280)
        await solved(world, issue, facts)
        assert sorted(bot.deaths) == sorted(world.boundaries())

        again = 2 if dies is Dies.BEFORE else 1
        assert world.models.calls == {f"simulated/{name}": CALLS * again for name in SCRIPTS}
        assert {name: world.counts(name) for name in SCRIPTS} == {name: [1, 2] for name in SCRIPTS}
        assert facts.dollars == pytest.approx(0.001 * CALLS * len(SCRIPTS))
        assert all(times <= again for times in written(world).values()), written(world)
