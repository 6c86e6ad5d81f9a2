"""What was observed about a candidate, in words that decisions are made with: broken, untested, reproduced, ...

Regressions are a strong veto and a weak proof. `odds.py` weighs, `champion.py` decides, `reasons.py` says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from bot.core.model import Baseline, Evidence, RunFacts, RunId

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


def is_broken(evidence: Evidence) -> bool:
    """No pull request may hold it, whatever else speaks for it.

    It fails a gate. Or it breaks stable tests, unless it was seen to solve the problem and breaks few of them, never
    all: then the broken tests may pin what the issue complains of, which is for people to say.
    """
    broken = len(evidence.regressions)
    if evidence.gate_failures or not broken:
        return bool(evidence.gate_failures)
    few = max(FEW_REGRESSIONS, int(evidence.stable_total * FEW_REGRESSIONS_SHARE))
    return reproduction(evidence) > Reproduction.TESTS or broken > few or broken >= evidence.stable_total


def is_complete(evidence: Evidence, baseline: Baseline) -> bool:
    """Nothing that should have been observed is missing or stands against it, so that people may call it ready."""
    against = evidence.regressions or evidence.meddles or evidence.own_tests_on_candidate is False or evidence.problem
    still_fails = reproduction(evidence) is Reproduction.STILL_FAILS
    return not (against or still_fails or is_untested(evidence, baseline))


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision is made from. `evidence` holds one entry per judged run, `runs` every run of the solve."""

    evidence: tuple[Evidence, ...]
    runs: Mapping[RunId, RunFacts]
    baseline: Baseline

    @property
    def unbroken(self) -> tuple[Evidence, ...]:
        """Those that a pull request may hold: only they are witnesses for each other."""
        return tuple(item for item in self.evidence if not is_broken(item))

    def letter(self, run: RunId) -> str:
        return self.runs[run].experiment.letter

    def model(self, run: RunId) -> str:
        return self.runs[run].experiment.model.name

    def other_model(self, one: RunId, other: RunId) -> bool:
        return self.model(one) != self.model(other)
