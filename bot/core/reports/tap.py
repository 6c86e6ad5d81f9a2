"""The Test Anything Protocol, versions 12 to 14, as node-tap, ava, tape, prove, bats and many scripts print it.

Not with tappy: what candidates print is cut at bounds of ours, and the dialects of these programs, with their subtests
and durations, are what the work is.
"""

from __future__ import annotations

import re

from bot.core.model import Verdict
from bot.core.reports.text import Tests, lines

_MAX_DEPTH = 50
_POINT = re.compile(r"(?P<bad>not )?ok(?: +(?P<number>\d+))?(?: +(?P<dash>- +)?(?P<name>.*))?")
_DIRECTIVE = re.compile(r"\s#\s*(skip|todo|time=)", re.IGNORECASE)
_DURATION = re.compile(r"(?: in \d+ ?ms| \(\d[\d.]{0,20} ?m?s\))$")
_SUBTEST = "# Subtest:"


def parse_tap(content: bytes) -> dict[str, Verdict]:
    """Points are named after the subtests they are in, or after the comment above them, as tape groups them."""
    return _Reader().read(content).tests.found


def parse_prove(content: bytes) -> dict[str, Verdict]:
    """The same from several files, whose names prove prints in front."""
    return _ProveReader().read(content).tests.found


class _Reader:
    def __init__(self) -> None:
        self.tests = Tests()
        self._subtests: list[tuple[int, str]] = []  # indentation and name of those that are open
        self._group = ""
        self._diagnosing = False  # comments behind a failed point are about it
        self._detail: int | None = None  # the indentation of a block of YAML that we are in

    def read(self, content: bytes) -> _Reader:
        for line in lines(content):
            text = line.strip()
            indent = len(line) - len(line.lstrip(" "))
            if self._detail is None:
                self._line(indent, text)
            elif (text == "..." and indent == self._detail) or (indent < self._detail and _is_point(text)):
                self._detail = None
                self._line(indent, text)
        return self

    def _line(self, indent: int, text: str) -> None:
        if text == "---":
            self._detail = indent
            self._diagnosing = False
        elif text.startswith(_SUBTEST):
            self._close(indent)
            if len(self._subtests) < _MAX_DEPTH:
                self._subtests.append((indent, text[len(_SUBTEST) :].strip()))
        elif text.startswith("#"):
            self._group = self._group if self._diagnosing else text[1:].strip()
        elif text == "}":
            self._close(indent)
        elif text.startswith("Bail out!"):
            self.tests.add("Bail out!", Verdict.FAILED)
        elif _is_point(text):
            self._point(indent, text)

    def _close(self, indent: int) -> None:
        while self._subtests and self._subtests[-1][0] >= indent:
            self._subtests.pop()

    def _point(self, indent: int, text: str) -> None:
        match = _POINT.fullmatch(text)
        assert match is not None
        said = f" {match['name'] or ''}"
        self._diagnosing = bool(match["bad"])
        opens = said.endswith("{")
        directives = [found.lower() for found in _DIRECTIVE.findall(said)]
        name = _DURATION.sub("", _DIRECTIVE.split(said, maxsplit=1)[0].removesuffix("{").strip())
        name = name or match["number"] or "?"
        self._close(indent + 1)
        if self._subtests and self._subtests[-1] == (indent, name):
            self._subtests.pop()  # it is the end of a subtest
        path = [subtest for _, subtest in self._subtests]
        if not path and self._group and not match["dash"]:
            path = [self._group]
        skipped = "skip" in directives or "todo" in directives
        verdict = Verdict.SKIPPED if skipped else Verdict.FAILED if match["bad"] else Verdict.PASSED
        self._found(" > ".join([*path, name]), verdict)
        if opens and len(self._subtests) < _MAX_DEPTH:
            self._subtests.append((indent, name))

    def _found(self, name: str, verdict: Verdict) -> None:
        self.tests.add(name, verdict)


def _is_point(text: str) -> bool:
    """`ok` alone is none: prove says it of whole files."""
    return text.startswith(("ok ", "not ok ")) and _POINT.fullmatch(text) is not None


class _ProveReader(_Reader):
    def __init__(self) -> None:
        super().__init__()
        self._file = ""

    def _line(self, indent: int, text: str) -> None:
        name, _, dots = text.rpartition(" ")
        if indent == 0 and name and len(dots) > 1 and not dots.strip("."):
            self._file = name
        elif indent == 0 and self._file and text == "ok":
            self.tests.add(self._file, Verdict.PASSED)
        elif indent == 0 and self._file and text.startswith(("Dubious, ", "Failed ")):
            self.tests.add(self._file, Verdict.FAILED)
        elif not text.startswith("# ") or text.startswith(_SUBTEST):
            super()._line(indent, text)

    def _found(self, name: str, verdict: Verdict) -> None:
        self.tests.add(f"{self._file}::{name}", verdict)
