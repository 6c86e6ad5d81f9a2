"""Why one candidate and not the other: the one or two kinds of evidence that decided, as a fact about both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.core.choosing.odds import Judged, Terms
from bot.core.choosing.phrases import breaks, how_many, keeps, listing, reproduced
from bot.core.evidence.candidate_matrix import Matrix, Telling
from bot.core.evidence.observations import Case, is_untested
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Evidence, RunId

SAID = 2  # kinds of evidence in one sentence
FELT = 0.05  # of log-odds; less than that is not worth a sentence
ROUNDED = 1e-6  # of log-odds; less than that is nothing


@dataclass(frozen=True, slots=True)
class Pair:
    ours: Judged
    theirs: Judged
    case: Case
    pool: Sequence[PooledTest]
    table: Matrix

    @property
    def letter(self) -> str:
        return self.case.letter(self.theirs.evidence.run)


def difference(champion: Judged, other: Judged, table: Matrix, pool: Sequence[PooledTest]) -> str:
    """What counts most for the champion against the other; where nothing does, the first thing that differs."""
    pair = Pair(champion, other, table.case, pool, table)
    leads = {say: lead(champion.terms) - lead(other.terms) for lead, say in _KINDS}
    most = sorted((say for say in leads if leads[say] > FELT), key=lambda say: -leads[say])[:SAID]
    return ", and ".join(say(pair) for say in most) or _between_equals(pair)


def _tested(pair: Pair) -> str:
    ours, theirs = pair.ours.evidence, pair.theirs.evidence
    if not theirs.regressions and is_untested(theirs, pair.case.baseline):
        return f"the tests could not be run on {pair.letter}"
    kept = breaks(ours, pair.case) if ours.regressions else keeps(ours, pair.case)
    return f"it {kept}, {pair.letter} breaks {len(theirs.regressions)}"


def _own_tests(pair: Pair) -> str:
    theirs = pair.theirs.evidence
    if theirs.own_tests_on_candidate is False:
        return f"{pair.letter} fails its own tests"
    if not theirs.own_tests_flip:
        return f"{pair.letter} brings no test that fails without its change"
    if pair.table.own_tests(theirs.run) is Telling.NARROW:
        return f"the tests of {pair.letter} pass on all the others too"
    return f"nobody but {pair.letter} passes its tests"


def _fixed(pair: Pair) -> str:
    return f"it fixes {how_many(len(pair.ours.evidence.fixed))} that failed before, {pair.letter} none"


def _repro(pair: Pair) -> str:
    return f"{pair.letter} {reproduced(pair.theirs.evidence)}"


def _cross(pair: Pair) -> str:
    (ours, met), (theirs, _) = _passed(pair, pair.ours.evidence.run), _passed(pair, pair.theirs.evidence.run)
    if ours <= theirs:
        return f"it passes the tests that more of the others vouch for, {pair.letter} does not"
    return f"it passes {ours} of {how_many(met)} of all candidates, {pair.letter} {theirs}"


def _passed(pair: Pair, run: RunId, of: Callable[[PooledTest], bool] = lambda test: True) -> tuple[int, int]:
    met = [test for test in pair.pool if of(test) and run in (*test.passed_by, *test.failed_by)]
    return sum(run in test.passed_by for test in met), len(met)


def _from_issue(pair: Pair) -> str:
    def of(test: PooledTest) -> bool:
        return test.origin is Origin.ISSUE

    (ours, met), (theirs, _) = _passed(pair, pair.ours.evidence.run, of), _passed(pair, pair.theirs.evidence.run, of)
    return f"of {how_many(met)} written from the issue alone it passes {ours}, {pair.letter} {theirs}"


def _alike(pair: Pair) -> str:
    return f"more of the others behave as it does than as {pair.letter} does"


def _probes(pair: Pair) -> str:
    return f"with inputs like those of the issue it does better than {pair.letter}"


def _compared(pair: Pair) -> str:
    return f"a model that read both, in both orders, prefers it to {pair.letter}"


def _agreement(pair: Pair) -> str:
    return f"its change is more like those of the others than that of {pair.letter} is"


def _prior(pair: Pair) -> str:
    ours, theirs = (pair.case.runs[each.evidence.run].experiment.model.prior for each in (pair.ours, pair.theirs))
    return f"its model solves more issues alone ({ours:.1%}, that of {pair.letter} {theirs:.1%})"


def _special(pair: Pair) -> str:
    values = pair.theirs.evidence.special_cases
    return f"{pair.letter} asks for {listing(values)}, as in the issue's own example"


def _inert(pair: Pair) -> str:
    return f"{pair.letter} changes nothing but comments and tests"


_KINDS: tuple[tuple[Callable[[Terms], float], Callable[[Pair], str]], ...] = (
    (lambda terms: terms.regressions, _tested),
    (lambda terms: terms.repro, _repro),
    (lambda terms: terms.cross, _cross),
    (lambda terms: terms.from_issue, _from_issue),
    (lambda terms: terms.own_tests, _own_tests),
    (lambda terms: terms.fixed, _fixed),
    (lambda terms: terms.alike, _alike),
    (lambda terms: terms.probes, _probes),
    (lambda terms: terms.compared, _compared),
    (lambda terms: terms.place + terms.token, _agreement),
    (lambda terms: terms.inert, _inert),
    (lambda terms: terms.special, _special),
    (lambda terms: terms.prior, _prior),
)


def _between_equals(pair: Pair) -> str:
    """In the order of `champion.py`."""
    ours, theirs = pair.ours.evidence, pair.theirs.evidence
    dollars, other_dollars = (pair.case.runs[each.run].dollars for each in (ours, theirs))
    if len(ours.regressions) != len(theirs.regressions):
        return _tested(pair)
    if ours.own_tests_flip and not theirs.own_tests_flip:
        return _own_tests(pair)
    if abs(pair.ours.terms.total - pair.theirs.terms.total) > ROUNDED or not _observed_alike(ours, theirs):
        return f"slightly more speaks for it than for {pair.letter}"
    if ours.lines_changed != theirs.lines_changed:
        return (
            f"equal evidence, and a smaller change ({ours.lines_changed} lines, {pair.letter} {theirs.lines_changed})"
        )
    if dollars != other_dollars:
        return f"equal evidence and size, and a cheaper run (${dollars:.4f}, {pair.letter} ${other_dollars:.4f})"
    return "nothing tells them apart, so the lower run id counts"


def _observed_alike(ours: Evidence, theirs: Evidence) -> bool:
    return (ours.agreement, ours.repro_after, bool(ours.fixed)) == (
        theirs.agreement,
        theirs.repro_after,
        bool(theirs.fixed),
    )
