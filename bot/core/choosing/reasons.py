"""The decision in sentences: facts only, plain text. They can be computed again from the stored evidence.

Names of tests and files come from code we do not trust. Here they are only shortened and kept on one line; whoever
shows them escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.choosing.differences import difference
from bot.core.choosing.odds import READY, Judged, Kind, proof
from bot.core.choosing.phrases import agreeing, breaks, confidence, how_many, keeps, objection, whose_tests
from bot.core.choosing.phrases import listing as listing
from bot.core.evidence.candidate_matrix import Matrix, Telling
from bot.core.evidence.observations import (
    Case,
    Reproduction,
    is_broken,
    is_unproven,
    is_untested,
    reproduction,
)
from bot.core.evidence.pool import PooledTest
from bot.core.model import Evidence, Gate

NOTHING_RUNS = "This repository's tests could not be run, so no patch could be proved, and no attempt was made."


@dataclass(frozen=True, slots=True)
class Choice:
    """All that there is to say something about. `ordered`: best first."""

    case: Case
    pool: tuple[PooledTest, ...]
    table: Matrix
    ordered: tuple[Judged, ...]
    champion: Judged | None
    runner_up: Judged | None
    trust: float


def verdict(judged: Judged, choice: Choice) -> str:
    """One short phrase for the table: its place, or the first thing that stands against it."""
    evidence = judged.evidence
    if judged is choice.champion:
        return "champion"
    if _said_instead(judged, choice):
        return "did not work"
    if evidence.gate_failures:
        return evidence.gate_failures[0].gate.value
    if judged is choice.runner_up:
        return "runner-up"
    if evidence.regressions:
        return f"breaks {how_many(len(evidence.regressions))}" if evidence.stable_passed else "passes no stable test"
    return _shortcoming(judged, choice)


def _shortcoming(judged: Judged, choice: Choice) -> str:
    evidence = judged.evidence
    if evidence.inert:
        return "changes no code"
    if is_unproven(evidence, choice.case.baseline) and Kind.POOL not in judged.kinds:
        return "unproven"
    if is_untested(evidence, choice.case.baseline):
        return "tests not run"
    if reproduction(evidence) is Reproduction.STILL_FAILS:
        return "repro still fails"
    if any(evidence.run in test.failed_by for test in choice.pool):
        return "fails others' tests"
    if judged.confidence < choice.trust:
        return "too uncertain"
    return "also works" if _seen_to_work(evidence, choice) else "nothing reproduced"


def _seen_to_work(evidence: Evidence, choice: Choice) -> bool:
    """Something that was red before is green with it."""
    return reproduction(evidence) <= Reproduction.TESTS or any(evidence.run in t.passed_by for t in choice.pool)


def why(choice: Choice) -> tuple[str, ...]:
    """What was observed about the champion, and what decided against the next one. Without one: against each."""
    if choice.champion is None:
        return tuple(_against(other, choice) for other in choice.ordered) or ("No run produced a candidate.",)
    return (*_observed(choice.champion.evidence, choice), *_over(choice.champion, choice)[:1])


def why_not(choice: Choice) -> tuple[str, ...]:
    """What decided against all after the next one."""
    return _over(choice.champion, choice)[1:] if choice.champion else ()


def _over(champion: Judged, choice: Choice) -> tuple[str, ...]:
    return tuple(
        _against(other, choice)
        if is_broken(other.evidence)
        else f"Chosen over {choice.case.letter(other.evidence.run)}: "
        f"{difference(champion, other, choice.table, choice.pool)}."
        for other in choice.ordered
        if other is not champion
    )


def _observed(champion: Evidence, choice: Choice) -> list[str]:
    case, said = choice.case, []
    if champion.regressions:
        said.append(f"It {breaks(champion, case)}: {listing(champion.regressions)}.")
    elif champion.stable_total:
        said.append(f"It {keeps(champion, case)}.")
    if champion.repro_flips:
        said.append(f"The repro command failed before the change (exit code {champion.repro_before}) and passes now.")
    if champion.own_tests_flip:
        said.append(f"Its own tests fail without the change and pass with it: {listing(champion.test_files)}.")
    if champion.fixed:
        said.append(f"Fixes {how_many(len(champion.fixed))} that failed before: {listing(champion.fixed)}.")
    said += _in_pool(champion, choice)
    if champion.special_cases:
        said.append(
            f"It asks for {listing(champion.special_cases)}, as in the issue's own example: look whether it does more."
        )
    if champion.agrees_with:
        said.append(f"Made nearly the same change as {agreeing(champion, case)}.")
    return said or ["It passes every gate; nothing else speaks for it."]


def _in_pool(champion: Evidence, choice: Choice) -> list[str]:
    """It passes 9 of 11 tests of all candidates, and fails B's test_constant."""
    met = [test for test in choice.pool if champion.run in (*test.passed_by, *test.failed_by)]
    failed = [_whose(test, choice) for test in met if champion.run in test.failed_by]
    if not met:
        return []
    kind = whose_tests(met)
    but = f", and fails {listing(failed)}" if failed else ""
    return [f"It passes {len(met) - len(failed)} of {how_many(len(met))}{kind}{but}."]


def _whose(test: PooledTest, choice: Choice) -> str:
    """B's test_constant"""
    name = test.name.rpartition("::")[2] or test.name
    known = test.author in choice.case.runs
    return f"{choice.case.letter(test.author)}'s {name}" if known and test.author else name


def _against(judged: Judged, choice: Choice) -> str:
    """Why a candidate has not even earned a draft."""
    evidence, letter = judged.evidence, choice.case.letter(judged.evidence.run)
    if said := _said_instead(judged, choice):
        return f"{letter} changes nothing. {said}"
    if evidence.gate_failures:
        return f"{letter} is out: {', and '.join(f'it {objection(failure)}' for failure in evidence.gate_failures)}."
    if is_broken(evidence):
        shown = "" if reproduction(evidence) <= Reproduction.TESTS else ", and was not seen to solve the problem"
        return f"{letter} is out: it {breaks(evidence, choice.case)}{shown}. {evidence.problem}".rstrip()
    if is_unproven(evidence, choice.case.baseline) and Kind.POOL not in judged.kinds:
        return f"{letter} is unproven: nothing that was run speaks for it. {evidence.problem}".rstrip()
    return (
        f"{letter} is too uncertain. {confidence(judged.confidence)}; this repository wants {100 * choice.trust:.0f} %."
    )


def _said_instead(judged: Judged, choice: Choice) -> str:
    """Why a model that changed nothing did not work at all; "" where it did."""
    run = choice.case.runs.get(judged.evidence.run)
    is_empty = any(failure.gate is Gate.EMPTY for failure in judged.evidence.gate_failures)
    return run.error if run is not None and is_empty else ""


def uncertain(choice: Choice) -> tuple[str, ...]:
    """What nobody checked, what was left out, and with it why it is a draft."""
    said = _about_tests(choice.case)
    if choice.champion is not None:
        if meddles := choice.champion.evidence.meddles:
            said.insert(0, f"It changes what runs the tests, in {listing(meddles)}: please look there first.")
        said += _about_champion(choice.champion.evidence, choice)
        said += _about_own_tests(choice.champion.evidence, choice.table)
        said += _about_kinds(choice.champion, choice.table)
        said += _about_agreement(choice.champion, choice)
    return tuple(said)


def _about_tests(case: Case) -> list[str]:
    baseline, said = case.baseline, []
    if baseline.note:
        said.append(baseline.note)
    if baseline.command is not None and not baseline.stable:
        said.append("No test passes every time on the base commit, so a regression would go unseen.")
    elif baseline.stable and not baseline.per_test:
        said.append("The test command gives no results per test; only its exit code was compared.")
    if baseline.flaky:
        said.append(f"Left out as flaky on the base commit: {listing(baseline.flaky)}.")
    if baseline.failing:
        said.append(f"Not counted, because they fail on the base commit already: {listing(baseline.failing)}.")
    return said


def _about_champion(champion: Evidence, choice: Choice) -> list[str]:
    said = []
    if champion.problem:
        said.append(champion.problem)
    elif is_untested(champion, choice.case.baseline):
        said.append("The tests were not run on it.")
    said += champion.notes
    if champion.regressions:
        said.append(f"Whether the tests it breaks were right is for people to say: {listing(champion.regressions)}.")
    if champion.own_tests_on_candidate is False:
        said.append("Its own tests do not pass with its change.")
    elif champion.own_tests_on_base is True:
        said.append("Its own tests pass without the change already, so they prove nothing.")
    if champion.repro_before == 0:
        said.append("The repro command passes on the base commit already, so it proves nothing.")
    if reproduction(champion) is Reproduction.STILL_FAILS:
        said.append(f"The repro command still fails (exit code {champion.repro_after}).")
    elif not _seen_to_work(champion, choice):
        said.append("Nothing that was run shows the problem before the change and its absence after it.")
    return said


def _about_own_tests(champion: Evidence, table: Matrix) -> list[str]:
    match champion.own_tests_flip, table.own_tests(champion.run):
        case True, Telling.NARROW:
            return ["Its own tests pass on every other candidate too, so they do not tell it from them."]
        case True, Telling.ALONE | Telling.AGAINST_ONE:
            return ["No other candidate passes its own tests."]
        case _:
            return []


def _about_kinds(champion: Judged, table: Matrix) -> list[str]:
    """Likely enough to be called ready, and too little of it was seen."""
    if champion.confidence < READY or Kind.REPRO in champion.kinds or len(proof(champion, table)) > 1:
        return []
    if len(champion.kinds) != 1:
        return ["Its own tests show the problem and its absence, but no other candidate was run on them."]
    return [f"One thing alone was seen that speaks for it: {next(iter(champion.kinds)).value}."]


def _about_agreement(champion: Judged, choice: Choice) -> list[str]:
    if not any(other is not champion and not other.evidence.gate_failures for other in choice.ordered):
        return ["There was no other candidate to compare it with."]
    return [] if champion.evidence.agrees_with else ["No other candidate made the same change."]
