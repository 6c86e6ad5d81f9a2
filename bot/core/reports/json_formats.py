"""Reports in JSON: of jest and vitest, go, rspec, and of our own reporters. Only what we look at is built."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from bot.core.model import Verdict
from bot.core.reports.text import Tests, UnreadableReport

_VERDICTS = {
    "passed": Verdict.PASSED,
    "pass": Verdict.PASSED,
    "failed": Verdict.FAILED,
    "fail": Verdict.FAILED,
}


class _Event(msgspec.Struct):
    name: str
    verdict: str
    file: str = ""


def parse_events(content: bytes) -> dict[str, Verdict]:
    """Of reporters.py: an object a line. A last line that was cut off is left out."""
    tests = Tests()
    *complete, _ = content.split(b"\n")
    for line in complete:
        event = _decoded(line, _Event)
        name = f"{event.file}::{event.name}" if event.file else event.name
        tests.add(name, _VERDICTS.get(event.verdict, Verdict.SKIPPED))
    return tests.found


class _Assertion(msgspec.Struct):
    title: str
    status: str
    ancestorTitles: list[str] = []


class _TestFile(msgspec.Struct):
    name: str
    status: str = ""
    assertionResults: list[_Assertion] = []


class _Jest(msgspec.Struct):
    testResults: list[_TestFile]


def parse_jest(content: bytes) -> dict[str, Verdict]:
    """A file that could not be run has no tests: then it is one itself, and failed."""
    tests = Tests()
    for file in _decoded(content, _Jest).testResults:
        for result in file.assertionResults:
            name = " > ".join(filter(None, [*result.ancestorTitles, result.title]))
            tests.add(f"{file.name}::{name}", _VERDICTS.get(result.status, Verdict.SKIPPED))
        if file.status == "failed" and not file.assertionResults:
            tests.add(file.name, Verdict.FAILED)
    return tests.found


class _GoEvent(msgspec.Struct):
    Action: str = ""
    Package: str = ""
    Test: str = ""


_NOT_BUILT = re.compile(rb"FAIL\s+(\S{1,300}) \[[a-z ]+ failed\]\s*")


def parse_go(content: bytes) -> dict[str, Verdict]:
    """Of `go test -json`. A package that fails though none of its tests does could not be built, or broke outside."""
    tests = Tests()
    failed_in = set[str]()
    for line in content.split(b"\n"):
        if not line.startswith(b"{"):
            if match := _NOT_BUILT.fullmatch(line):
                tests.add(f"{match[1].decode(errors='replace')}::(package)", Verdict.FAILED)
            continue
        try:
            event = _decoded(line, _GoEvent)
        except UnreadableReport:  # what something printed; an event that it hides is a test that is missing
            continue
        if event.Action not in ("pass", "fail", "skip"):
            continue
        if event.Action == "fail" and event.Test:
            failed_in.add(event.Package)
        if event.Test:
            tests.add(f"{event.Package}::{event.Test}", _VERDICTS.get(event.Action, Verdict.SKIPPED))
        elif event.Action == "fail" and event.Package not in failed_in:
            tests.add(f"{event.Package}::(package)", Verdict.FAILED)
    return tests.found


class _GoOutput(msgspec.Struct):
    Output: str = ""


def readable(output: str) -> str:
    """What people see of a run: the lines of `go test -json` as they would be without the JSON."""
    if '"Action":"' not in output:
        return output
    return "".join(map(_readable, output.splitlines(keepends=True)))


def _readable(line: str) -> str:
    if not line.startswith('{"') or '"Action":"' not in line:
        return line
    try:
        return _decoded(line.encode(errors="replace"), _GoOutput).Output
    except UnreadableReport:
        return line


class _Example(msgspec.Struct):
    full_description: str
    status: str
    file_path: str = ""


class _Summary(msgspec.Struct):
    errors_outside_of_examples_count: int = 0


class _Rspec(msgspec.Struct):
    examples: list[_Example]
    summary: _Summary = msgspec.field(default_factory=_Summary)


def parse_rspec(content: bytes) -> dict[str, Verdict]:
    tests = Tests()
    found = _decoded(content, _Rspec)
    for example in found.examples:
        name = f"{example.file_path.removeprefix('./')}::{example.full_description}"
        tests.add(name, _VERDICTS.get(example.status, Verdict.SKIPPED))
    if found.summary.errors_outside_of_examples_count:
        tests.add("outside of all examples", Verdict.FAILED)
    return tests.found


_T = TypeVar("_T")


def _decoded(content: bytes, type: type[_T]) -> _T:
    try:
        return msgspec.json.decode(content, type=type, strict=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableReport(str(error)[:200]) from error
