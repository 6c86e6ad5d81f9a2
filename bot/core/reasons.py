"""The decision in sentences: facts only, plain text. They can be computed again from the stored evidence.

Names of tests and files come from code we do not trust. Here they are only shortened and kept on one line; whoever
shows them escapes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.evidence import Case, Rank, Reproduction, is_unproven, is_untested, rank, reproduction, standing
from bot.core.model import Evidence, Gate, GateFailure, Outcome

SHOWN_NAMES = 4  # of a list of tests; the rest is a number
MAX_NAME = 100  # characters
NOTHING_RUNS = "This repository's tests could not be run, so no patch could be proved, and no attempt was made."


def verdict(evidence: Evidence, champion: Evidence | None, runner_up: Evidence | None, case: Case) -> str:
    """One short phrase for the table: its place, or the first thing that stands against it."""
    if evidence is champion:
        return "champion"
    if evidence.gate_failures:
        return evidence.gate_failures[0].gate.value
    if evidence is runner_up:
        return "runner-up"
    if evidence.regressions:
        return f"breaks {_tests(len(evidence.regressions))}" if evidence.stable_passed else "passes no stable test"
    if is_unproven(evidence, case.baseline):
        return "unproven"
    if is_untested(evidence, case.baseline):
        return "tests not run"
    if reproduction(evidence) is Reproduction.STILL_FAILS:
        return "repro still fails"
    if reproduction(evidence) is Reproduction.NOTHING:
        return "nothing reproduced"
    return "also works"


def why(champion: Evidence | None, ordered: Sequence[Evidence], case: Case) -> tuple[str, ...]:
    """What was observed about the champion, then what decided against each of the others."""
    if champion is None:
        return tuple(_against(other, case) for other in ordered) or ("No run produced a candidate.",)
    others = [other for other in ordered if other is not champion]
    return (
        *_observed(champion, case),
        *(
            _against(other, case)
            if standing(other, case.baseline) is Outcome.NONE
            else f"Chosen over {case.letter(other.run)}: {_difference(champion, other, case)}."
            for other in others
        ),
    )


def _observed(champion: Evidence, case: Case) -> list[str]:
    said = []
    if champion.regressions:
        said.append(f"It {_breaks(champion, case)}: {listing(champion.regressions)}.")
    elif champion.stable_total:
        said.append(f"It {_keeps(champion, case)}.")
    if champion.repro_flips:
        said.append(f"The repro command failed before the change (exit code {champion.repro_before}) and passes now.")
    if champion.own_tests_flip:
        said.append(f"Its own tests fail without the change and pass with it: {listing(champion.test_files)}.")
    if champion.fixed:
        said.append(f"Fixes {_tests(len(champion.fixed))} that failed before: {listing(champion.fixed)}.")
    if champion.agrees_with:
        said.append(f"Made nearly the same change as {_agreeing(champion, case)}.")
    return said or ["It passes every gate; nothing else speaks for it."]


def _agreeing(champion: Evidence, case: Case) -> str:
    """Runs of one model make the same mistakes, so only those of other models are independent."""
    agreeing = sorted(champion.agrees_with)
    others = [case.letter(run) for run in agreeing if case.other_model(champion.run, run)]
    same = [case.letter(run) for run in agreeing if not case.other_model(champion.run, run)]
    of_same = f"{_and(same)}, {'a run' if len(same) == 1 else 'runs'} of the same model"
    of_others = f"{_and(others)}, of {'another model' if len(others) == 1 else 'other models'}"
    if same and others:
        return f"{of_same}, and {of_others}"
    return of_same if same else f"{of_others}, independently"


def _and(words: Sequence[str]) -> str:
    """A, B and C"""
    return " and ".join([*filter(None, [", ".join(words[:-1])]), *words[-1:]])


def _against(evidence: Evidence, case: Case) -> str:
    """Why a candidate has not even earned a draft."""
    letter = case.letter(evidence.run)
    if evidence.gate_failures:
        return f"{letter} is out: {', and '.join(f'it {objection(failure)}' for failure in evidence.gate_failures)}."
    if not evidence.regressions:
        return f"{letter} is unproven: nothing that was run speaks for it. {evidence.problem}".rstrip()
    shown = "" if reproduction(evidence) <= Reproduction.TESTS else ", and was not seen to solve the problem"
    return f"{letter} is out: it {_breaks(evidence, case)}{shown}. {evidence.problem}".rstrip()


def _difference(champion: Evidence, other: Evidence, case: Case) -> str:
    """The first criterion in which they differ, as a fact about both."""
    letter, ours, theirs = case.letter(other.run), rank(champion, case), rank(other, case)
    match next(name for name in Rank._fields if getattr(ours, name) != getattr(theirs, name)):
        case "standing" if other.regressions and not champion.regressions:
            return f"it {_keeps(champion, case)}, {letter} breaks {len(other.regressions)}"
        case "standing":
            return f"{letter} {_shortcoming(other, case)}"
        case "untested":
            return f"the tests could not be run on {letter}"
        case "regressions":
            ours_kept = _breaks(champion, case) if champion.regressions else _keeps(champion, case)
            return f"it {ours_kept}, {letter} breaks {len(other.regressions)}"
        case "reproduction":
            return f"{letter} {_reproduced(other)}"
        case "disagreement":
            return f"equal test results, and {letter} has less agreement from other runs"
        case "weakness":
            share = f"{-ours.weakness:.1%}, that of {letter} {-theirs.weakness:.1%}"
            return f"equal evidence, and its model solves more issues alone ({share})"
        case "lines":
            return f"equal evidence, and a smaller change ({ours.lines} lines, {letter} {theirs.lines})"
        case "dollars":
            return f"equal evidence and size, and a cheaper run (${ours.dollars:.4f}, {letter} ${theirs.dollars:.4f})"
        case _:
            return "nothing tells them apart, so the lower run id counts"


def _shortcoming(evidence: Evidence, case: Case) -> str:
    """Why it is only a draft, when the champion is ready."""
    if evidence.regressions:
        return _breaks(evidence, case)
    if is_untested(evidence, case.baseline):
        return "could not be tested"
    if reproduction(evidence) > Reproduction.TESTS:
        return _reproduced(evidence)
    if evidence.own_tests_on_candidate is False:
        return "fails its own tests"
    return "could not be observed completely"


def _reproduced(evidence: Evidence) -> str:
    return {
        Reproduction.COMMAND_AND_TESTS: "passes the repro command and its own tests",
        Reproduction.COMMAND: "passes the repro command, but brings no test that fails without its change",
        Reproduction.TESTS: "passes its own tests only",
        Reproduction.NOTHING: "was not seen to solve the problem",
        Reproduction.STILL_FAILS: f"still fails the repro command (exit code {evidence.repro_after})",
    }[reproduction(evidence)]


def uncertain(champion: Evidence | None, ordered: Sequence[Evidence], case: Case) -> tuple[str, ...]:
    """What nobody checked, what was left out, and with it why it is a draft."""
    said = _about_tests(case)
    if champion is not None:
        said += _about_champion(champion, case)
        said += _about_agreement(champion, ordered)
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


def _about_champion(champion: Evidence, case: Case) -> list[str]:
    said = []
    if champion.problem:
        said.append(champion.problem)
    elif is_untested(champion, case.baseline):
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
    elif reproduction(champion) is Reproduction.NOTHING:
        said.append("Nothing that was run shows the problem before the change and its absence after it.")
    return said


def _about_agreement(champion: Evidence, ordered: Sequence[Evidence]) -> list[str]:
    if not any(other is not champion and not other.gate_failures for other in ordered):
        return ["There was no other candidate to compare it with."]
    return [] if champion.agrees_with else ["No other candidate made the same change."]


OBJECTIONS = {
    Gate.EMPTY: "changes nothing",
    Gate.DOES_NOT_APPLY: "does not apply",
    Gate.PROTECTED_PATH: "changes a protected path",
    Gate.WORKFLOW: "changes a workflow file",
    Gate.FILE_NAME: "has a file name that cannot be published",
    Gate.SYMLINK: "adds a symlink",
    Gate.SUBMODULE: "changes a submodule, which is a repository of its own",
    Gate.LFS: "changes a file that is kept in Git LFS, of which only a pointer was there",
    Gate.BINARY: "adds a binary file",
    Gate.SECRET: "brings in a secret",
    Gate.TOO_LARGE: "is too large",
    Gate.TESTS_DELETED: "deletes tests",
    Gate.TESTS_SKIPPED: "skips tests",
}


def objection(failure: GateFailure) -> str:
    """What a gate has against it, as a verb: "adds a binary file (a.bin)"."""
    words = OBJECTIONS[failure.gate]
    return f"{words} ({_one_line(failure.detail)})" if failure.detail else words


def _keeps(evidence: Evidence, case: Case) -> str:
    if not case.baseline.per_test:
        return "keeps the test command passing"
    return f"keeps all {_tests(evidence.stable_total, 'stable ')}"


def _breaks(evidence: Evidence, case: Case) -> str:
    if not case.baseline.per_test:
        return "makes the test command fail"
    if not evidence.stable_passed:
        return f"passes none of {_tests(evidence.stable_total, 'stable ')}"
    return f"breaks {len(evidence.regressions)} of {_tests(evidence.stable_total, 'stable ')}"


def _tests(number: int, kind: str = "") -> str:
    return f"{number} {kind}{'test' if number == 1 else 'tests'}"


def listing(names: Sequence[str]) -> str:
    """The first few of hostile names, on one line, and how many more there are."""
    shown = ", ".join(_one_line(name) for name in names[:SHOWN_NAMES])
    return shown if len(names) <= SHOWN_NAMES else f"{shown} and {len(names) - SHOWN_NAMES} more"


def _one_line(text: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= MAX_NAME else f"{line[: MAX_NAME - 1]}…"
