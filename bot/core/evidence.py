"""What the evidence about candidates amounts to: what each has earned by itself, and what ranks one before another.

The order of the criteria comes from measurements on real candidate patches, not from taste: regressions are a strong
veto and a weak proof; agreement of independent candidates says more than anything else that needs no tests; and the
smallest diff is right less often than a random one, so size only decides between candidates that are equal otherwise.
`champion.py` decides with it, `reasons.py` puts it into words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from bot.core.model import Baseline, Evidence, Outcome, RunFacts, RunId

FEW_REGRESSIONS = 3  # a fix that changes behaviour on purpose breaks the tests that pin the old one: a handful ...
FEW_REGRESSIONS_SHARE = 0.05  # ... or, in a large suite, this share of it


class Reproduction(IntEnum):
    """How well the candidate was seen to solve the problem, best first."""

    COMMAND_AND_TESTS = 0  # both of the next two
    COMMAND = 1  # the repro command fails before and passes after
    TESTS = 2  # its own tests, or tests that failed on the base commit, go from red to green
    NOTHING = 3  # nothing was seen to change
    STILL_FAILS = 4  # the repro command fails before and after


def reproduction(evidence: Evidence) -> Reproduction:
    """The repro command is a person's word on what the problem is, so it outweighs tests the candidate brought."""
    tests_flip = evidence.own_tests_flip or bool(evidence.fixed)
    if evidence.repro_flips:
        return Reproduction.COMMAND_AND_TESTS if tests_flip else Reproduction.COMMAND
    if evidence.repro_before not in (None, 0) and evidence.repro_after is not None:
        return Reproduction.STILL_FAILS
    return Reproduction.TESTS if tests_flip else Reproduction.NOTHING


def is_untested(evidence: Evidence, baseline: Baseline) -> bool:
    """There were stable tests, and they were not run on this candidate."""
    return bool(baseline.stable) and evidence.stable_total == 0


def is_unproven(evidence: Evidence, baseline: Baseline) -> bool:
    """Nothing was run that speaks for it: there are no stable tests to keep, and it was not seen to solve anything."""
    return not baseline.stable and reproduction(evidence) > Reproduction.TESTS


def provable(baseline: Baseline) -> bool:
    """Could a candidate be proved here at all? Known before the first dollar is spent."""
    return baseline.runnable or baseline.repro is not None


def standing(evidence: Evidence, baseline: Baseline) -> Outcome:
    """What the candidate has earned, whatever the others did.

    `none` when it fails a gate. `none` too when it breaks stable tests, unless it was seen to solve the problem and
    breaks few of them, never all: then the broken tests may pin what the issue complains of, which is for people to
    say, so it is a draft. `ready` when stable tests exist, were run and all pass, the problem was seen to disappear,
    its own tests do not fail on it, and nothing that should have been observed is missing. `draft` in between.
    """
    if evidence.gate_failures:
        return Outcome.NONE
    solves = reproduction(evidence) <= Reproduction.TESTS
    broken = len(evidence.regressions)
    if broken:
        few = max(FEW_REGRESSIONS, int(evidence.stable_total * FEW_REGRESSIONS_SHARE))
        return Outcome.DRAFT if solves and broken <= few and broken < evidence.stable_total else Outcome.NONE
    complete = evidence.stable_total > 0 and evidence.own_tests_on_candidate is not False and not evidence.problem
    return Outcome.READY if solves and complete else Outcome.DRAFT


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision is made from. `evidence` holds one entry per judged run, `runs` every run of the solve."""

    evidence: tuple[Evidence, ...]
    runs: Mapping[RunId, RunFacts]
    baseline: Baseline

    @property
    def unbroken(self) -> tuple[Evidence, ...]:
        """Those that a pull request may hold: only they are witnesses for each other."""
        return tuple(item for item in self.evidence if standing(item, self.baseline) is not Outcome.NONE)

    def letter(self, run: RunId) -> str:
        return self.runs[run].experiment.letter

    def model(self, run: RunId) -> str:
        return self.runs[run].experiment.model.name

    def other_model(self, one: RunId, other: RunId) -> bool:
        return self.model(one) != self.model(other)


class Rank(NamedTuple):
    """The criteria in the order in which they count; smaller is better. The last makes every rank different."""

    standing: int
    fails_gates: bool
    untested: bool
    regressions: int
    reproduction: Reproduction
    disagreement: int  # minus the candidates that made the same change, those of another model counting double
    weakness: float  # minus the model's prior
    lines: int
    dollars: float
    run: RunId


_OUTCOMES = (Outcome.READY, Outcome.DRAFT, Outcome.NONE)


def rank(evidence: Evidence, case: Case) -> Rank:
    run = case.runs[evidence.run]
    return Rank(
        standing=_OUTCOMES.index(standing(evidence, case.baseline)),
        fails_gates=bool(evidence.gate_failures),
        untested=is_untested(evidence, case.baseline),
        regressions=len(evidence.regressions),
        reproduction=reproduction(evidence),
        disagreement=-sum(2 if case.other_model(evidence.run, other) else 1 for other in evidence.agrees_with),
        weakness=-run.experiment.model.prior,
        lines=evidence.lines_changed,
        dollars=run.dollars,
        run=evidence.run,
    )
