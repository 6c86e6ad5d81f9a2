"""How likely a candidate is right: from evidence to log-odds, term by term.

The weights of text, prior and regressions were fitted on 11,562 labelled candidates of real issues (`TEXT`); those of
own tests are steps measured there too. The others are assumptions, each marked as one, to be fitted on repositories
where candidates can be run. `tests/benchmarks/choosing.py` fits what its data holds, and measures all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from math import exp, log

from bot.core.candidate.similarity import means
from bot.core.evidence import behaviour_groups
from bot.core.evidence.behaviour import Probed, pass_anything
from bot.core.evidence.candidate_matrix import Matrix, Telling, matrix
from bot.core.evidence.observations import Case, Reproduction, reproduction
from bot.core.evidence.pool import PooledTest
from bot.core.model import Baseline, Comparison, Evidence, Likeness, RunId

CONSTANT, PRIOR, PLACE, TOKEN, REGRESSIONS, COMPANY = -1.71, 0.67, 2.2, 0.45, 0.5, 0.064
INERT = -1.9  # measured: 9 of 144 such patches were right, 30 of 100 of the others
SPECIAL = -1.0  # nearly measured: of patches with numbers of the issue 6 of 54 were right, 36 of 100 of the others
OWN_FLIP, OWN_RED = (
    0.6,
    -0.7,
)  # measured: right 52 % with tests that flip (n 91), 37 % without (n 148), 23 % with red ones
REPRO_FLIPS, REPRO_FAILS = 2.0, -2.0  # a person's word on what the problem is (assumption)
FIXED = 0.6  # as own tests that flip, but nobody of this solve wrote them (assumption)
CROSS = 3.0  # from none of the pool to all of it, as in CodeMonkeys and its like, by tests alone (assumption)
FROM_ISSUE = 0.8  # more than tests of its own, less than a person's command (assumption)
COMPARED = 0.5  # to the one and from the other: a model's word is worth one unit at most (assumption)
CURED = 1.5  # from none to all of what raises the error of the issue (assumption)
PROMISED = 2.0  # from none to all of what the issue asks for by name: as a repro command, a person's word (assumption)
HARM = -1.5  # from none to all of what was well before (assumption)
EXAMPLE_ONLY = -1.0  # special cases, where others do more (assumption)
DOES_NOTHING = -1.5  # nothing new with the inputs of the issue, where others do (assumption)
ALIKE = 1.0  # half of what the same place counts: tests see less than all of the behaviour (assumption)

READY = 0.7  # the chance of being right from which people need not be warned
PRIORS = (0.05, 0.95)  # no model is surer than that
TEXT_CAP = 0.8  # above this, text and old tests alone were never right as often as they said
RUN_CAP = 0.9  # of patches that whole benchmarks call right, a fifth is wrong; nothing above was measured


@dataclass(frozen=True, slots=True)
class Terms:
    """What each kind of evidence adds to the log-odds. The names are those of the reasons that people read."""

    prior: float = 0.0
    place: float = 0.0
    token: float = 0.0
    regressions: float = 0.0
    inert: float = 0.0
    special: float = 0.0
    own_tests: float = 0.0
    fixed: float = 0.0
    repro: float = 0.0
    cross: float = 0.0
    from_issue: float = 0.0
    alike: float = 0.0
    probes: float = 0.0
    compared: float = 0.0
    company: float = 0.0  # the same for all
    constant: float = CONSTANT

    @property
    def total(self) -> float:
        return sum((getattr(self, field.name) for field in fields(self)), 0.0)


class Kind(Enum):
    """Kinds of execution evidence that speak for a candidate."""

    REGRESSIONS = "stable tests were run and all pass"
    OWN_TESTS = "its own tests flip"
    POOL = "it passes what others wrote"
    FIXED = "tests that failed before pass"
    REPRO = "a person's command flips"


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with all that its evidence amounts to."""

    evidence: Evidence
    terms: Terms
    kinds: frozenset[Kind]
    ceiling: float = 1.0  # of its chance, because others do something else

    @property
    def confidence(self) -> float:
        """The chance that it is right. Never above what was measured for evidence of its kind.

        Old tests that go on passing are part of what was measured together with text.
        """
        return min(self.ceiling, sigmoid(self.terms.total), RUN_CAP if self.kinds - {Kind.REGRESSIONS} else TEXT_CAP)


def proof(judged: Judged, table: Matrix) -> frozenset[Kind]:
    """The kinds that speak for it without its own author's help."""
    unmet = table.own_tests(judged.evidence.run) is Telling.UNMET
    return judged.kinds - {Kind.OWN_TESTS} if unmet else judged.kinds


def sigmoid(odds: float) -> float:
    return 1 / (1 + exp(-max(-60.0, min(60.0, odds))))


def logit(chance: float) -> float:
    return log(chance / (1 - chance))


@dataclass(frozen=True, slots=True)
class Beside:
    """What else there may be beside evidence and pool. `issue`: its text."""

    probed: Probed | None = None
    issue: str = ""
    comparison: Comparison | None = None


NOTHING_BESIDE = Beside()


def weigh(
    case: Case, pool: Sequence[PooledTest] = (), beside: Beside = NOTHING_BESIDE
) -> tuple[Matrix, Mapping[RunId, Judged]]:
    """Every candidate's terms, and the pool by which they were made.

    How much a test of the pool counts depends on who passes it, so first each candidate is weighed without the pool.
    """
    alone = {item.run: _alone(item, case) for item in case.evidence}
    chances = {run: sigmoid(terms.total) for run, terms in alone.items()}
    table = matrix(_believed(pool, beside.probed), case, chances)
    return table, {
        item.run: Judged(item, _beside(alone[item.run], item, table, beside), _kinds(item, case.baseline, table))
        for item in case.evidence
    }


def differ(one: RunId, other: RunId, table: Matrix, beside: Beside) -> bool:
    """Were the two seen to do different things, by a test that others stand behind or with the same inputs?"""
    if table.vouched_apart(one, other):
        return True
    return beside.probed is not None and behaviour_groups.same(beside.probed, one, other) < 1.0


def _believed(pool: Sequence[PooledTest], probed: Probed | None) -> Sequence[PooledTest]:
    """Whoever passes whatever is asked has passed nothing."""
    out = pass_anything(probed) if probed else frozenset()
    return (
        [
            replace(
                test,
                passed_by=tuple(run for run in test.passed_by if run not in out),
                failed_by=(*test.failed_by, *(run for run in test.passed_by if run in out)),
            )
            for test in pool
        ]
        if out
        else pool
    )


def _beside(terms: Terms, evidence: Evidence, table: Matrix, beside: Beside) -> Terms:
    terms = replace(_with_pool(terms, evidence, table), compared=_compared(evidence.run, beside.comparison))
    terms = _with_behaviour(terms, evidence, table, beside.probed)
    if beside.probed is None:
        return terms
    return _with_probes(terms, evidence.run, table.case, beside.probed, beside.issue)


def _with_behaviour(terms: Terms, evidence: Evidence, table: Matrix, probed: Probed | None) -> Terms:
    """Behaviour, not text, makes agreement: likeness to one that does something else counts as far as it does the same.

    Not at all where a test tells the two apart that somebody independent stands behind.
    """
    if not evidence.likenesses:
        return terms

    def counted(other: Likeness) -> Likeness:
        if table.vouched_apart(evidence.run, other.run):
            return replace(other, place=0.0, token=0.0)
        share = 1.0 if probed is None else behaviour_groups.same(probed, evidence.run, other.run)
        return replace(other, place=share * other.place, token=share * other.token)

    place, token = means(evidence.run, [counted(other) for other in evidence.likenesses], table.case)
    return replace(terms, place=PLACE * place, token=TOKEN * token)


def _with_probes(terms: Terms, run: RunId, case: Case, probed: Probed, issue: str) -> Terms:
    """1.5 for what it cures beyond the mean, 2 for what it does of what the issue names, -1.5 for what it harms, -1
    when it treats special cases, -1.5 when it does nothing new; and what others do with the same inputs, where that is
    known, stands for behaving alike.
    """
    alike = behaviour_groups.alike(probed, run, case)
    value = CURED * behaviour_groups.cure(probed, run, case, issue)
    value += PROMISED * behaviour_groups.promise(probed, run, case, issue)
    value += HARM * behaviour_groups.harm(probed, run, case, issue)
    value += DOES_NOTHING * behaviour_groups.does_nothing(probed, run, case)
    if behaviour_groups.example_only(probed, run, case):
        value, terms = value + EXAMPLE_ONLY, replace(terms, special=0.0)  # the same, seen by running it
    return replace(terms, probes=value, alike=terms.alike if alike is None else ALIKE * alike)


def _compared(run: RunId, comparison: Comparison | None) -> float:
    if comparison is None or comparison.preferred == comparison.other:
        return 0.0
    return COMPARED * ((run == comparison.preferred) - (run == comparison.other))


def _alone(evidence: Evidence, case: Case) -> Terms:
    """What needs no other candidate's tests.

    As fitted: 0.67 logit(prior) + 2.2 place + 0.45 token + 0.5 (+1 clean, 0 not run, -1 breaks a few) + 0.064 n - 1.71.
    And -1.9 when nothing but comments and tests is changed; -1 when it asks for values of the issue's example. 0.6 when
    its own tests flip, -0.7 when they are red on it; 0.6 when tests that failed before pass; 2 when the repro command
    flips, -2 when it still fails.
    """
    low, high = PRIORS
    return Terms(
        prior=PRIOR * logit(max(low, min(high, case.runs[evidence.run].experiment.model.prior))),
        place=PLACE * evidence.place,
        token=TOKEN * evidence.token,
        regressions=REGRESSIONS * _regressions(evidence),
        inert=INERT if evidence.inert else 0.0,
        special=SPECIAL if evidence.special_cases else 0.0,
        own_tests=OWN_RED if evidence.own_tests_on_candidate is False else OWN_FLIP * evidence.own_tests_flip,
        fixed=FIXED * bool(evidence.fixed),
        repro=_REPRO.get(reproduction(evidence), 0.0),
        company=COMPANY * len(case.unbroken),
    )


_REPRO = {
    Reproduction.COMMAND: REPRO_FLIPS,
    Reproduction.COMMAND_AND_TESTS: REPRO_FLIPS,
    Reproduction.STILL_FAILS: REPRO_FAILS,
}


def _regressions(evidence: Evidence) -> int:
    if evidence.regressions:
        return -1
    return 1 if evidence.stable_total else 0


def _with_pool(terms: Terms, evidence: Evidence, table: Matrix) -> Terms:
    """`3 (cross - mean cross)`, 0.8 for all of the tests from the issue alone, 1 for all others behaving alike.

    Own tests that flip count in full when nobody else met them, or when they tell others apart; half when the only
    other candidate fails them; not at all when everybody passes them or nobody but the author does. Who passes such
    tests of another that tell others apart was seen to turn the same red into green, whoever wrote them.
    """
    worth = _WORTH[table.own_tests(evidence.run)]
    own = terms.own_tests * worth if terms.own_tests > 0 else terms.own_tests
    return replace(
        terms,
        own_tests=OWN_FLIP if own == 0.0 and table.passes_telling(evidence.run) else own,
        cross=CROSS * table.lead(evidence.run),
        from_issue=FROM_ISSUE * (table.from_issue(evidence.run) or 0.0),
        alike=ALIKE * table.alike(evidence.run),
    )


_WORTH = {Telling.UNMET: 1.0, Telling.TELLS: 1.0, Telling.AGAINST_ONE: 0.5, Telling.ALONE: 0.0, Telling.NARROW: 0.0}


def _kinds(evidence: Evidence, baseline: Baseline, table: Matrix) -> frozenset[Kind]:
    seen = {
        Kind.REGRESSIONS: bool(baseline.stable and evidence.stable_total and not evidence.regressions),
        Kind.OWN_TESTS: evidence.own_tests_flip and _WORTH[table.own_tests(evidence.run)] > 0,
        Kind.POOL: table.passes_others(evidence.run),
        Kind.FIXED: bool(evidence.fixed),
        Kind.REPRO: evidence.repro_flips,
    }
    return frozenset(kind for kind, is_so in seen.items() if is_so)
