"""What every candidate's answers to everybody's tests say: how much of the pool each passes, and who behaves alike.

A test is no better than those who vouch for it. The narrow test of an overfit patch passes on everything, so it tells
nobody apart; a wrong test of a wrong patch passes on those that share its mistake, and on nobody who is independent.
So a test weighs what its independent witnesses weigh, times how few pass it. Where a weight below has no measurement
behind it, it is an assumption, to be fitted on repositories where candidates can be run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import sqrt

from bot.core.candidate.similarity import SAME_MODEL
from bot.core.evidence.observations import Case
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import RunId

MAX_TESTS = 5_000  # of a pool; more are not looked at
SAME_TEXT = 0.1  # the vote of a nearly identical patch of the same model: one sample drawn twice (assumption)
UNBOUND = 0.5  # the voice of a test written from the issue alone, before anybody passes it (assumption)
SCRIPT = 0.7  # a script was written to look, not to judge (assumption)
NARROW = 0.1  # what is left of a test that everybody passes (assumption)
DOUBT = 0.15  # a test of this weight that everybody half passes: a pool of worthless tests says little (assumption)
ENOUGH_GROUPS = 3  # from so many on, behaving alike on them is full agreement (assumption)


@dataclass(frozen=True, slots=True)
class Column:
    """The tests of one group that give the same answers: they count once, however many they are."""

    group: str
    origin: Origin
    author: RunId | None
    passed: frozenset[RunId]
    failed: frozenset[RunId]
    voice: float  # 0 to 1: how far independent witnesses stand behind it
    weight: float


class Telling(Enum):
    """What a candidate's own tests say about it once others have met them."""

    UNMET = "unmet"  # nobody else was run on them
    TELLS = "tells"  # another one passes what yet another one fails
    NARROW = "narrow"  # all the others pass them too
    AGAINST_ONE = "against one"  # the only other one fails
    ALONE = "alone"  # several others fail, nobody else passes


@dataclass(frozen=True, slots=True)
class Matrix:
    """The pool, weighed. `case.unbroken` are the candidates that count."""

    case: Case
    columns: tuple[Column, ...]

    def share(self, run: RunId) -> float:
        """The weighted share of the pool that the run passes, 0 to 1; one half where nothing is known."""
        seen = [column for column in self.columns if run in column.passed or run in column.failed]
        passed = sum(column.weight for column in seen if run in column.passed)
        return (passed + DOUBT / 2) / (sum(column.weight for column in seen) + DOUBT)

    def lead(self, run: RunId) -> float:
        """Its share, less the mean of all unbroken candidates."""
        shares = [self.share(item.run) for item in self.case.unbroken]
        return self.share(run) - sum(shares) / len(shares) if shares and self.columns else 0.0

    def from_issue(self, run: RunId) -> float | None:
        """The share that it passes of the tests written from the issue alone; None when it met none."""
        met = [c for c in self.columns if c.origin is Origin.ISSUE and (run in c.passed or run in c.failed)]
        return sum(c.weight for c in met if run in c.passed) / sum(c.weight for c in met) if met else None

    def passes_telling(self, run: RunId) -> bool:
        """Does it pass tests that another candidate brings, and that tell others apart?"""
        return any(
            self.own_tests(column.author) is Telling.TELLS
            for column in self.columns
            if column.author not in (None, run) and column.origin is Origin.CANDIDATE and run in column.passed
        )

    def passes_others(self, run: RunId) -> bool:
        """Was it seen to pass what others wrote, in a way that says something?

        Three quarters of it, by weight. And among that a test from the issue alone, or one that somebody fails who is
        not like the base commit; or tests of two authors, itself counted: one that everybody passes may be narrow.
        """
        met = [c for c in self.columns if c.voice and (run in c.passed or run in c.failed)]
        others = [column for column in met if column.author != run]
        passed = [column for column in others if run in column.passed]
        if not passed or 4 * sum(c.weight for c in passed) < 3 * sum(c.weight for c in others):
            return False
        active = self._active()
        telling = any(column.origin is Origin.ISSUE or column.failed & active for column in passed)
        return telling or len({column.author for column in met if run in column.passed}) > 1

    def alike(self, run: RunId) -> float:
        """The share of the other unbroken candidates that behave like it, another model's counting more, 0 to 1.

        Alike are those that no test tells apart. Who passes nothing behaves like the base commit: that is no agreement.
        Nor is it one where all behave alike, because then the tests may be narrow. Few groups of tests, little said.
        """
        groups = {column.group for column in self.columns if column.voice}
        active = self._active()
        if run not in active or not any(c.failed & active and c.voice for c in self.columns):
            return 0.0
        others = {item.run: independence(self.case, run, item.run) for item in self.case.unbroken if item.run != run}
        same = sum(weight for other, weight in others.items() if other in active and not self.apart(run, other))
        return same / sum(others.values()) * min(1.0, len(groups) / ENOUGH_GROUPS) if others else 0.0

    def apart(self, one: RunId, other: RunId) -> bool:
        """Does any test tell the two apart?"""
        pair = {one, other}
        return any(column.passed & pair and column.failed & pair for column in self.columns)

    def vouched_apart(self, one: RunId, other: RunId) -> bool:
        """Does one tell them apart that somebody independent stands behind?"""
        pair = {one, other}
        return any(column.voice and column.passed & pair and column.failed & pair for column in self.columns)

    def own_tests(self, run: RunId) -> Telling:
        """What its own tests say: a test that one of the others passes and another one fails tells them apart.

        Who behaves like the base commit makes no test telling; but that it fails one is noticed.
        """
        own = [c for c in self.columns if c.author == run and c.origin is Origin.CANDIDATE]
        others = [(c.passed - {run}, c.failed - self._inert()) for c in own]
        if not any(passed or failed for passed, failed in others):
            return Telling.UNMET
        if any(passed and failed & self._active() for passed, failed in others):
            return Telling.TELLS
        return Telling.NARROW if all(passed for passed, _ in others) else self._alone(others)

    def _alone(self, others: Sequence[tuple[frozenset[RunId], frozenset[RunId]]]) -> Telling:
        failing = frozenset().union(*(failed for passed, failed in others if not passed))
        return Telling.AGAINST_ONE if len(failing) < 2 else Telling.ALONE

    def _inert(self) -> frozenset[RunId]:
        return frozenset(item.run for item in self.case.unbroken if item.inert)

    def _active(self) -> frozenset[RunId]:
        """Those that behave otherwise than the base commit, which fails every test of the pool."""
        return frozenset().union(*(column.passed for column in self.columns))


def matrix(pool: Sequence[PooledTest], case: Case, chances: Mapping[RunId, float]) -> Matrix:
    """The pool as the unbroken candidates answer it. `chances`: that each is right, before the pool is looked at."""
    unbroken = frozenset(item.run for item in case.unbroken)
    met = dict.fromkeys(
        (test.group, test.origin, test.author, unbroken & {*test.passed_by}, unbroken & {*test.failed_by})
        for test in pool[:MAX_TESTS]
    )
    columns = [_column(*answers, case, chances) for answers in met if answers[3]]
    sizes = Counter((column.group, column.origin, column.author) for column in columns)
    active = len(frozenset().union(*(column.passed for column in columns)))
    return Matrix(case, tuple(_weighed(c, active, sizes[c.group, c.origin, c.author]) for c in columns))


def _column(
    group: str,
    origin: Origin,
    author: RunId | None,
    passed: frozenset[RunId],
    failed: frozenset[RunId],
    case: Case,
    chances: Mapping[RunId, float],
) -> Column:
    return Column(group, origin, author, passed, failed - passed, _voice(origin, author, passed, case, chances), 0.0)


def _voice(
    origin: Origin, author: RunId | None, passed: frozenset[RunId], case: Case, chances: Mapping[RunId, float]
) -> float:
    """What stands behind a test: its passers' chances, each as far as it is independent of the author and of those
    counted before it. The author's own vote does not count, so a test that only its author passes is worthless.
    """
    total = UNBOUND if origin is Origin.ISSUE else 0.0
    counted = [author] if author is not None else []
    for run in sorted(passed - {*counted}, key=lambda run: (-chances.get(run, 0.0), run)):
        total += chances.get(run, 0.0) * min((independence(case, run, other) for other in counted), default=1.0)
        counted.append(run)
    return min(1.0, total)


def _weighed(column: Column, active: int, of_group: int) -> Column:
    """Its voice, times how few pass it. The columns of a group share the square root of their number."""
    kind = SCRIPT if column.origin is Origin.SCRIPT else 1.0
    strict = NARROW + (1 - NARROW) * (1 - len(column.passed) / active)
    return replace(column, weight=column.voice * kind * strict / sqrt(of_group))


def independence(case: Case, one: RunId, other: RunId) -> float:
    """How far two runs are two witnesses, 0 to 1: one model makes the same mistakes again."""
    if one not in case.runs or other not in case.runs or case.other_model(one, other):
        return 1.0
    alike = any(item.run == one and other in item.agrees_with for item in case.evidence)
    return SAME_TEXT if alike else SAME_MODEL
