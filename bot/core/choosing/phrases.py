"""Facts about candidates as parts of sentences: plain text, for `reasons.py`.

Names of tests and files come from code we do not trust. Here they are only shortened and kept on one line; whoever
shows them escapes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.evidence.observations import Case, Reproduction, reproduction
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Evidence, Gate, GateFailure

SHOWN_NAMES = 4  # of a list of tests; the rest is a number
MAX_NAME = 100  # characters


OBJECTIONS = {
    Gate.EMPTY: "changes nothing",
    Gate.DOES_NOT_APPLY: "does not apply",
    Gate.PROTECTED_PATH: "changes a protected path",
    Gate.WORKFLOW: "changes a workflow file",
    Gate.FILE_NAME: "has a file name that cannot be published",
    Gate.SYMLINK: "adds or replaces a symlink",
    Gate.SUBMODULE: "changes a submodule, which is a repository of its own",
    Gate.LFS: "writes a file that belongs into Git LFS, of which we have only pointers",
    Gate.BINARY: "adds a binary file",
    Gate.SECRET: "brings in a secret",
    Gate.TOO_LARGE: "is too large",
    Gate.TESTS_DELETED: "deletes tests",
    Gate.TESTS_SKIPPED: "skips tests",
}


def objection(failure: GateFailure) -> str:
    """What a gate has against it, as a verb: "adds a binary file (a.bin)"."""
    words = OBJECTIONS[failure.gate]
    return f"{words} ({one_line(failure.detail)})" if failure.detail else words


def keeps(evidence: Evidence, case: Case) -> str:
    if not case.baseline.per_test:
        return "keeps the test command passing"
    return f"keeps all {how_many(evidence.stable_total, 'stable ')}"


def breaks(evidence: Evidence, case: Case) -> str:
    if not case.baseline.per_test:
        return "makes the test command fail"
    if not evidence.stable_passed:
        return f"passes none of {how_many(evidence.stable_total, 'stable ')}"
    return f"breaks {len(evidence.regressions)} of {how_many(evidence.stable_total, 'stable ')}"


def how_many(number: int, kind: str = "") -> str:
    return f"{number} {kind}{'test' if number == 1 else 'tests'}"


def whose_tests(tests: Sequence[PooledTest]) -> str:
    """What stands behind "11 tests"."""
    origins = {test.origin for test in tests}
    if origins == {Origin.ISSUE}:
        return " that were written from the issue alone"
    return " of all candidates and from the issue alone" if Origin.ISSUE in origins else " of all candidates"


def listing(names: Sequence[str]) -> str:
    """The first few of hostile names, on one line, and how many more there are."""
    shown = ", ".join(one_line(name) for name in names[:SHOWN_NAMES])
    return shown if len(names) <= SHOWN_NAMES else f"{shown} and {len(names) - SHOWN_NAMES} more"


def one_line(text: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= MAX_NAME else f"{line[: MAX_NAME - 1]}…"


def reproduced(evidence: Evidence) -> str:
    return {
        Reproduction.COMMAND_AND_TESTS: "passes the repro command and its own tests",
        Reproduction.COMMAND: "passes the repro command, but brings no test that fails without its change",
        Reproduction.TESTS: "passes its own tests only",
        Reproduction.NOTHING: "was not seen to solve the problem",
        Reproduction.STILL_FAILS: f"still fails the repro command (exit code {evidence.repro_after})",
    }[reproduction(evidence)]


def agreeing(champion: Evidence, case: Case) -> str:
    """Runs of one model make the same mistakes, so only those of other models are independent."""
    alike = sorted(champion.agrees_with)
    others = [case.letter(run) for run in alike if case.other_model(champion.run, run)]
    same = [case.letter(run) for run in alike if not case.other_model(champion.run, run)]
    of_same = f"{enumerated(same)}, {'a run' if len(same) == 1 else 'runs'} of the same model"
    of_others = f"{enumerated(others)}, of {'another model' if len(others) == 1 else 'other models'}"
    if same and others:
        return f"{of_same}, and {of_others}"
    return of_same if same else f"{of_others}, independently"


def enumerated(words: Sequence[str]) -> str:
    """A, B and C"""
    return " and ".join([*filter(None, [", ".join(words[:-1])]), *words[-1:]])


_PARTS = (
    (0.05, "one in twenty"),
    (0.1, "one in ten"),
    (0.2, "one in five"),
    (0.25, "one in four"),
    (1 / 3, "one in three"),
    (0.4, "two in five"),
    (0.5, "one in two"),
    (0.6, "three in five"),
    (2 / 3, "two in three"),
    (0.75, "three in four"),
    (0.8, "four in five"),
    (0.9, "nine in ten"),
)


def confidence(chance: float) -> str:
    """About two in three of such patches were right (66 %)"""
    part = min(_PARTS, key=lambda part: abs(part[0] - chance))[1]
    return f"About {part} of such patches {'was' if part.startswith('one') else 'were'} right ({100 * chance:.0f} %)"
