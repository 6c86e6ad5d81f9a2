"""The choice between candidates. This is what the product is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.evidence import Case, is_unproven, rank, standing
from bot.core.model import Baseline, Decision, Draft, Evidence, Outcome, Ranked, RunFacts, RunId, SolveFacts, Task
from bot.core.reasons import NOTHING_RUNS, uncertain, verdict, why


def decide(
    evidence: Sequence[Evidence], runs: Mapping[RunId, RunFacts], baseline: Baseline, *, publish_unproven: bool = False
) -> Decision:
    """The candidate that has earned most by itself is the champion: ready before draft (see `standing`).

    Between equals: one whose tests were run; then the fewest new regressions; then the best reproduction of the
    problem, red before and green after; then agreement with independent candidates, another model's counting
    double; then the model that solves more issues alone; then the smaller change; then the cheaper run; then the
    lower run id. The outcome is what the champion has earned; when no candidate has earned even a draft there is no
    champion. Where a candidate stands in the sequence never matters.

    A candidate about which nothing could be run is no champion either, unless the repository or the person who asked
    wants it all the same (`publish_unproven`).

    `runs` holds every run of the solve; those without evidence come last and say so.
    """
    case = Case(tuple(evidence), runs, baseline)
    ordered = sorted(evidence, key=lambda item: rank(item, case))
    eligible = [
        item
        for item in ordered
        if standing(item, baseline) is not Outcome.NONE and (publish_unproven or not is_unproven(item, baseline))
    ]
    champion, runner_up = (*eligible, None, None)[:2]
    ranking = [
        Ranked(item.run, place, verdict(item, champion, runner_up, case), item in eligible)
        for place, item in enumerate(ordered, start=1)
    ]
    silent = sorted(runs.keys() - {item.run for item in evidence})
    ranking += [Ranked(run, place, "no candidate", False) for place, run in enumerate(silent, start=len(ordered) + 1)]
    return Decision(
        outcome=standing(champion, baseline) if champion else Outcome.NONE,
        champion=champion.run if champion else None,
        runner_up=runner_up.run if runner_up else None,
        ranking=tuple(ranking),
        reasons=why(champion, ordered, case),
        uncertain=uncertain(champion, ordered, case),
    )


def publishes_unproven(task: Task) -> bool:
    """`/solve draft`, or the repository's `unproven: draft`."""
    return task.options.draft or task.config.pull_request.unproven


def without_runs() -> Decision:
    """Where nothing can be proved, and nobody wants what is unproven, no run is begun."""
    return Decision(Outcome.NONE, None, None, (), (NOTHING_RUNS,), ())


def wants_draft(facts: SolveFacts, *, applies: bool) -> bool:
    """The repository's word stands over the outcome's; asking for a draft, or a conflict with the base, makes one.

    `applies`: the patch still applies to the base branch, which may have moved on.
    """
    asked_for = facts.solve.options.draft
    match facts.task.config.pull_request.draft if facts.task else Draft.AUTO:
        case Draft.ALWAYS:
            return True
        case Draft.NEVER:
            return asked_for
    undecided = facts.decision is None or facts.decision.outcome is not Outcome.READY
    return asked_for or undecided or not applies
