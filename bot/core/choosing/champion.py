"""The choice between candidates. This is what the product is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from bot.core.choosing.odds import NOTHING_BESIDE, READY, Beside, Judged, Kind, differ, proof, sigmoid, weigh
from bot.core.choosing.reasons import NOTHING_RUNS, Choice, uncertain, verdict, why, why_not
from bot.core.evidence.candidate_matrix import Matrix
from bot.core.evidence.observations import (
    Case,
    Reproduction,
    is_broken,
    is_complete,
    is_unproven,
    is_untested,
    reproduction,
)
from bot.core.evidence.pool import PooledTest
from bot.core.model import (
    Baseline,
    Decision,
    Draft,
    Evidence,
    Outcome,
    Ranked,
    RunFacts,
    RunId,
    SolveFacts,
    Task,
)

TRUST = 0.35  # below it a repository gets no pull request, unless it says otherwise


def decide(
    evidence: Sequence[Evidence],
    runs: Mapping[RunId, RunFacts],
    baseline: Baseline,
    pool: tuple[PooledTest, ...] = (),
    *,
    beside: Beside = NOTHING_BESIDE,
    publish_unproven: bool = False,
    trust: float = TRUST,
) -> Decision:
    """The unbroken candidate that is most likely right is the champion: see `weigh` for how that is found.

    It is `ready` when its chance of being right is 0.7 or more, nothing stands against it or is missing, and two kinds
    of execution evidence speak for it, or a person's repro command does; `draft` otherwise. Tests that nobody but
    their author has met are no such evidence: whoever writes a patch can write a test that only this patch passes.

    There is no champion when nothing was run that speaks for one, or when none reaches `trust`; unless somebody wants
    what is unproven all the same (`publish_unproven`: the repository, or the person who asked). How sure it is of its
    champion is bounded by how far that leads before those that were seen to do something else, because only one of
    them can be right.

    `pool` is what became of everybody's tests on everybody, `beside` what else was seen or said.

    Size, dollars and run id decide only between those of which everything observed is the same. Where a candidate
    stands in the sequence never matters. `runs` holds every run of the solve; those without evidence come last.
    """
    case = Case(tuple(evidence), runs, baseline)
    table, judged = weigh(case, pool, beside)
    ordered = sorted(judged.values(), key=lambda each: _rank(each, case))
    eligible = [each for each in ordered if publish_unproven or _may_be_trusted(each, baseline, trust)]
    eligible = [each for each in eligible if not is_broken(each.evidence)]
    bounded = {each.evidence.run: replace(each, ceiling=_ceiling(each, ordered, table, beside)) for each in ordered}
    ordered, eligible = ([bounded[each.evidence.run] for each in some] for some in (ordered, eligible))
    if eligible and not publish_unproven and eligible[0].confidence < trust:
        eligible = []
    champion, runner_up = (*eligible, None, None)[:2]
    said = Choice(case, pool, table, tuple(ordered), champion, runner_up, trust)
    return Decision(
        outcome=_outcome(champion, baseline, table),
        champion=champion.evidence.run if champion else None,
        runner_up=runner_up.evidence.run if runner_up else None,
        ranking=_ranking(said, eligible),
        reasons=why(said),
        others=why_not(said),
        uncertain=uncertain(said),
        confidence=_stated(champion) if champion else 0.0,
    )


def _ranking(said: Choice, eligible: Sequence[Judged]) -> tuple[Ranked, ...]:
    """Who was judged, in order; then who brought nothing."""
    runs = said.case.runs
    ranked = [
        Ranked(each.evidence.run, place, verdict(each, said), each in eligible, _stated(each))
        for place, each in enumerate(said.ordered, start=1)
    ]
    silent = sorted(runs.keys() - {each.run for each in ranked})
    return (
        *ranked,
        *(
            Ranked(run, place, "no candidate" if runs[run].was_begun else "not begun", False)
            for place, run in enumerate(silent, start=len(ranked) + 1)
        ),
    )


def _ceiling(judged: Judged, others: Sequence[Judged], table: Matrix, beside: Beside) -> float:
    """Two that do different things are not both right: who is chosen by a hair is right in one of two cases at most."""
    rivals = [
        other
        for other in others
        if other is not judged
        and not is_broken(other.evidence)
        and differ(judged.evidence.run, other.evidence.run, table, beside)
    ]
    leads = [judged.terms.total - rival.terms.total for rival in rivals]
    return min(map(sigmoid, leads), default=1.0)


def _may_be_trusted(judged: Judged, baseline: Baseline, trust: float) -> bool:
    return not _is_unproven(judged, baseline) and judged.confidence >= trust


def _is_unproven(judged: Judged, baseline: Baseline) -> bool:
    """Nothing that was run speaks for it, neither tests of its own nor those of others."""
    return is_unproven(judged.evidence, baseline) and Kind.POOL not in judged.kinds


def _stated(judged: Judged) -> float:
    """Nobody can read more digits out of what was measured."""
    return 0.0 if is_broken(judged.evidence) else round(judged.confidence, 3)


def _outcome(champion: Judged | None, baseline: Baseline, table: Matrix) -> Outcome:
    if champion is None:
        return Outcome.NONE
    proved = len(proof(champion, table)) >= 2 or Kind.REPRO in champion.kinds
    ready = champion.confidence >= READY and proved and is_complete(champion.evidence, baseline)
    return Outcome.READY if ready else Outcome.DRAFT


class _Rank(NamedTuple):
    """What counts, in its order; smaller is better. From `kinds` on: only between equal chances."""

    broken: bool
    fails_gates: bool
    unproven: bool
    confidence: float  # minus; it has a ceiling, so the odds come next
    odds: float
    kinds: int  # minus those of execution evidence
    without_test: bool
    regressions: int
    untested: bool
    reproduction: Reproduction
    agreement: float
    lines: int
    dollars: float
    run: RunId


def _rank(judged: Judged, case: Case) -> _Rank:
    evidence = judged.evidence
    return _Rank(
        broken=is_broken(evidence),
        fails_gates=bool(evidence.gate_failures),
        unproven=_is_unproven(judged, case.baseline),
        confidence=-round(judged.confidence, 6),
        odds=-round(judged.terms.total, 6),
        kinds=-len(judged.kinds),
        without_test=not evidence.own_tests_flip,
        regressions=len(evidence.regressions),
        untested=is_untested(evidence, case.baseline),
        reproduction=reproduction(evidence),
        agreement=-evidence.agreement,
        lines=evidence.lines_changed,
        dollars=case.runs[evidence.run].dollars,
        run=evidence.run,
    )


def publishes_unproven(task: Task) -> bool:
    """`/solve draft`, or the repository's `unproven: draft`. A revision always: its pull request is open, a person has
    said what to change there and looks at it again; what is broken is not shown to anybody."""
    return task.options.draft or task.config.pull_request.unproven or task.feedback is not None


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
