"""Which tests a candidate keeps from running, seen by running its own tree: by the effect, whatever causes it.

Tests that passed every time on the base commit and are skipped, or not run at all, with the candidate's version of
tests and settings have been silenced. That is not the same as a test that is gone: tests are renamed, moved and given
other parameters, and a file that cannot be loaded is a failure. None of these is held against anybody here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from bot.core.candidate.file_roles import BY_NAME, FileRoles
from bot.core.candidate.patches import read_patch
from bot.core.candidate.testfiles import names_of_tests, sets_the_runner_up
from bot.core.model import Baseline, Candidate, FileChange, TestReport, Verdict

_MOST_GONE = 500
_MOST_UNLOADED = 50
_NAMED = 3


def may_silence_others(changes: Iterable[FileChange], roles: FileRoles = BY_NAME) -> bool:
    """It touches what decides, beside the test files themselves, which tests are run: then all of them have to be."""
    return any(sets_the_runner_up(change.path) or roles.is_support(change.path) for change in changes)


def gone_tests(candidate: Candidate, roles: FileRoles = BY_NAME) -> frozenset[str]:
    """Names that the patch takes out of test files and puts into none: renamed, or replaced by others."""
    removed: set[str] = set()
    added: set[str] = set()
    for edit in read_patch(candidate.patch):
        if edit.path in roles.product:
            continue
        removed |= set(names_of_tests(edit.path, edit.removed))
        added |= set(names_of_tests(edit.path, edit.added))
    return frozenset(sorted(removed - added)[:_MOST_GONE])


_OF_ANY_FILE = "test"  # the class of every test in the JUnit reports of `node --test`, whatever file it is in


def silenced(baseline: Baseline, report: TestReport, gone: Collection[str], *, whole: bool) -> tuple[str, ...]:
    """Stable tests that are skipped in a run of the candidate's own tree, or missing although they are still there.

    `whole`: all tests were to be run. Otherwise only some files, and tests of a file of which nothing was heard say
    nothing. Nothing is claimed of a run that told about no single test, or did not end.
    """
    if not (baseline.per_test and report.per_test) or report.timed_out:
        return ()
    ran = {_stem(name) for name, seen in report.tests.items() if seen is not Verdict.SKIPPED}
    heard_of = {_head(name) for name in report.tests} - {_OF_ANY_FILE}
    unloaded = _unloaded(baseline, report)
    found = []
    for name in baseline.stable:
        if report.tests.get(name) is Verdict.SKIPPED:
            found.append(name)
        elif name not in report.tests and (whole or _head(name) in heard_of):
            stem = _stem(name)
            if stem not in ran and not stem.endswith(tuple(gone)) and not any(_head(name) in text for text in unloaded):
                found.append(name)
    return tuple(found)


def named(names: Sequence[str]) -> str:
    """The first few of them, for the detail of a gate."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _unloaded(baseline: Baseline, report: TestReport) -> list[str]:
    """Failures that are no test that we know: files that could not be loaded are told in this way."""
    known = {*baseline.stable, *baseline.failing, *baseline.flaky}
    return [name for name, seen in report.tests.items() if seen is Verdict.FAILED and name not in known][
        :_MOST_UNLOADED
    ]


def _head(name: str) -> str:
    """The file or the class; of a runner that tells neither the name itself."""
    return name.partition("::")[0]


def _stem(name: str) -> str:
    """Without its parameters, and without where it stands."""
    return name.partition("[")[0].rpartition("::")[2]
