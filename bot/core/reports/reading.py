"""What several reports of one run say together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bot.core.model import Verdict
from bot.core.reports.formats import Document, Format
from bot.core.reports.json_formats import parse_events, parse_go, parse_jest, parse_rspec
from bot.core.reports.junit import parse_junit, parse_trx
from bot.core.reports.lines import (
    counted,
    parse_build_tools,
    parse_cargo,
    parse_go_lines,
    parse_minitest,
    parse_unittest,
)
from bot.core.reports.tap import parse_prove, parse_tap
from bot.core.reports.text import Tests, UnreadableReport

_MAX_DIRECTORY = 200


def _parse_output(content: bytes) -> dict[str, Verdict]:
    """Of a command that we do not know: all kinds of lines that are in there."""
    found: dict[str, Verdict] = {}
    for sign, parse in _SIGNS:
        if sign.search(content):
            found |= parse(content)
    return found


# What else is in the output of a runner whose tests are named in lines.
_SIGNS = (
    (re.compile(rb"^(?:1\.\.\d|TAP version )", re.MULTILINE), parse_tap),
    (re.compile(rb"^test result: ", re.MULTILINE), parse_cargo),
    (re.compile(rb"^Ran \d+ tests? in ", re.MULTILINE), parse_unittest),
    (re.compile(rb"^\d+ (?:runs|tests), \d+ assertions, ", re.MULTILINE), parse_minitest),
    (re.compile(rb"^(?:ok|FAIL) *\t", re.MULTILINE), parse_go_lines),
    (re.compile(rb"^# TOTAL: |tests passed, \d+ tests failed|^Ok: +\d", re.MULTILINE), parse_build_tools),
)


def _parse_nothing(content: bytes) -> dict[str, Verdict]:
    return {}


_PARSERS: dict[Format, Callable[[bytes], dict[str, Verdict]]] = {
    Format.JUNIT: parse_junit,
    Format.EVENTS: parse_events,
    Format.TAP: parse_tap,
    Format.PROVE: parse_prove,
    Format.GO: parse_go,
    Format.JEST: parse_jest,
    Format.RSPEC: parse_rspec,
    Format.CARGO: parse_cargo,
    Format.UNITTEST: parse_unittest,
    Format.MINITEST: parse_minitest,
    Format.TRX: parse_trx,
    Format.CTEST: parse_build_tools,
    Format.JAVA: parse_junit,
    Format.NOTHING: _parse_nothing,
    Format.OUTPUT: _parse_output,
}


@dataclass(frozen=True, slots=True)
class Read:
    """`unreadable` is why the last report that could not be read could not. `none_ran`: a runner says so itself."""

    tests: dict[str, Verdict] = field(default_factory=dict)
    unreadable: str = ""
    none_ran: bool = False


def read(documents: Iterable[Document]) -> Read:
    """Tests of a sub-project have its directory in front of their names. Of several under one name the worst counts."""
    tests = Tests()
    unreadable = ""
    none_ran = False
    for document in documents:
        try:
            found = _PARSERS[document.format](document.content)
        except UnreadableReport as error:
            unreadable = str(error)
            continue
        none_ran = none_ran or (not found and _says_none(document))
        for name, verdict in found.items():
            tests.add(_from_the_top(name, document), verdict)
    return Read(tests.found, unreadable, none_ran and not tests.found)


def _says_none(document: Document) -> bool:
    """Of a runner's own report no test is an answer. In what is only printed there may be none that we can read."""
    if document.format in (Format.OUTPUT, Format.UNITTEST, Format.MINITEST, Format.CARGO):
        count = counted(document.content)
        return count == 0
    return True


def _from_the_top(name: str, document: Document) -> str:
    """Where the workspace lies differs from one sandbox to the next."""
    if document.root:
        name = name.replace(f"{document.root}/", "")
    name = name.removeprefix("./")
    directory = document.directory.strip("/")[:_MAX_DIRECTORY]
    return f"{directory}/{name}" if directory and not name.startswith(f"{directory}/") else name
