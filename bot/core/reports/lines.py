"""Runners that name their tests only in the lines they print: unittest, cargo, minitest."""

from __future__ import annotations

import re

from bot.core.model import Verdict
from bot.core.reports.text import Tests, lines

_P, _F, _S = Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED

_STARTED = re.compile(r"(?<!\S)(?P<method>\w+) \((?P<where>[A-Za-z_][^()\s]*)\)(?= \.\.\. | [(\[])")
_DOCUMENTED = re.compile(r"(?P<method>\w+) \((?P<where>[A-Za-z_][^()\s]*)\)")
_BROKEN = re.compile(r"(?:FAIL|ERROR|UNEXPECTED SUCCESS): (?P<method>\w+) \((?P<where>[^()\s]+)\).*")
_ENDINGS = (
    ("ok", _P),
    ("FAIL", _F),
    ("ERROR", _F),
    ("unexpected success", _F),
    ("expected failure", _S),
)


def parse_unittest(content: bytes) -> dict[str, Verdict]:
    """Of `-v`: `test_x (tests.test_a.TestX.test_x) ... ok`. What the tests print may stand between name and verdict.

    A docstring stands in a line of its own, with the verdict. What failed is named again below.
    """
    tests = Tests()
    pending = ""
    for line in lines(content):
        if broken := _BROKEN.fullmatch(line):
            tests.add(_unittest_name(broken), _F)
            pending = ""
            continue
        if documented := _DOCUMENTED.fullmatch(line):
            pending = _unittest_name(documented)
            continue
        for started in _STARTED.finditer(line):  # one with subtests may be without a verdict: the next one follows it
            pending = _unittest_name(started)
        verdict = _ending(line) if pending else None
        if verdict is not None:
            tests.add(pending, verdict)
            pending = ""
    return tests.found


def _unittest_name(match: re.Match[str]) -> str:
    """As in a JUnit report. Since Python 3.11 the method is named twice."""
    method, where = match["method"], match["where"]
    return f"{where.removesuffix(f'.{method}')}::{method}"


def _ending(line: str) -> Verdict | None:
    if re.search(r"(?:^|\.\.\. ?)skipped ", line):
        return _S
    return next((verdict for ending, verdict in _ENDINGS if line.endswith(ending)), None)


_CARGO_TEST = re.compile(r"test (?P<name>.*?)(?: - should panic)? \.\.\. (?P<verdict>ok|FAILED|ignored\b.*)")
_CARGO_TARGET = re.compile(r" *Running (?:unittests )?(?P<source>\S+) \((?:.*/)?(?P<crate>[^/]+?)(?:-[0-9a-f]{16})?\)")
_CARGO_DOC = re.compile(r" *Doc-tests (?P<crate>\S+)")
_LINE_NUMBER = re.compile(r" \(line \d+\)")


def parse_cargo(content: bytes) -> dict[str, Verdict]:
    """`test path::name ... ok`, below a line that says which binary runs. Lines move, so their numbers are cut out."""
    tests = Tests()
    target = ""
    for line in lines(content):
        if line.startswith("test "):
            if match := _CARGO_TEST.fullmatch(line):
                verdict = {"ok": _P, "FAILED": _F}.get(match["verdict"], _S)
                tests.add(f"{target}{_LINE_NUMBER.sub('', match['name'])}", verdict)
        elif match := _CARGO_TARGET.fullmatch(line):
            target = f"{match['crate']} {match['source']}::"
        elif match := _CARGO_DOC.fullmatch(line):
            target = f"{match['crate']} doc::"
    return tests.found


_MINITEST = re.compile(r"(?P<group>[A-Z][^#]{0,300})#(?P<name>.{1,600}) = \d[\d.]{0,20} s = (?P<verdict>[.FES])")
_TEST_UNIT = re.compile(r"\s+(?P<name>test.{0,400}?):\s+(?P<verdict>[.FEOPN])(?:: \(\d[\d.]*\))?")
_TEST_UNIT_CASE = re.compile(r"(?P<case>[A-Z][\w:]*): *")
_LETTERS = {".": _P, "F": _F, "E": _F}


def parse_minitest(content: bytes) -> dict[str, Verdict]:
    """Of `-v`: `TestX#test_y = 0.00 s = .`; test-unit names the case in a line of its own."""
    tests = Tests()
    group = ""
    for line in lines(content):
        if match := _MINITEST.fullmatch(line):
            tests.add(f"{match['group']}::{match['name']}", _LETTERS.get(match["verdict"], _S))
        elif match := _TEST_UNIT_CASE.fullmatch(line):
            group = match["case"]
        elif group and (match := _TEST_UNIT.fullmatch(line)):
            tests.add(f"{group}::{match['name']}", _LETTERS.get(match["verdict"], _S))
    return tests.found


_GO_TEST = re.compile(r" *--- (?P<verdict>PASS|FAIL|SKIP): (?P<name>\S+) \(\d[\d.]*s\)")
_GO_PACKAGE = re.compile(r"(?P<verdict>ok|FAIL)\s+(?P<name>\S+)\s+(?P<rest>\(cached\)|\d[\d.]*s|\[[a-z ]+ failed\]).*")
_WORDS = {"PASS": _P, "FAIL": _F, "ok": _P}


def parse_go_lines(content: bytes) -> dict[str, Verdict]:
    """Of `go test -v`, which names the package below its tests. Without `-v` a package is one test."""
    tests = Tests()
    seen: dict[str, Verdict] = {}
    for line in lines(content):
        if match := _GO_TEST.fullmatch(line):
            seen[match["name"]] = _WORDS.get(match["verdict"], _S)
        elif (match := _GO_PACKAGE.fullmatch(line)) and "[no test" not in line:
            verdict = _WORDS[match["verdict"]]
            if not seen or (verdict is _F and _F not in seen.values()):
                seen["(package)"] = verdict
            for name, of_test in seen.items():
                tests.add(f"{match['name']}::{name}", of_test)
            seen = {}
    return tests.found


_CTEST = re.compile(r" *\d+/\d+ Test +#\d+: (?P<name>\S.{0,300}?) \.*(?P<verdict>[ *]*[A-Z][\w ]+?) +\d[\d.]* sec.*")
_AUTOMAKE = re.compile(r"(?P<verdict>PASS|FAIL|SKIP|XFAIL|XPASS|ERROR): (?P<name>\S.*)")
_MESON = re.compile(
    r" *\d+/\d+ (?P<name>\S.{0,300}?) +(?P<verdict>OK|FAIL|SKIP|EXPECTEDFAIL|TIMEOUT|ERROR) +\d[\d.]* ?s.*"
)
_BUILT = {"Passed": _P, "PASS": _P, "OK": _P, "SKIP": _S, "XFAIL": _S, "EXPECTEDFAIL": _S, "Skipped": _S}


def parse_build_tools(content: bytes) -> dict[str, Verdict]:
    """Of ctest, automake and meson: a program is a test."""
    tests = Tests()
    for line in lines(content):
        if match := _CTEST.fullmatch(line) or _MESON.fullmatch(line) or _AUTOMAKE.fullmatch(line):
            tests.add(match["name"], _BUILT.get(match["verdict"].strip(" *"), _F))
    return tests.found


_COUNTS = re.compile(
    r"Ran (?P<a>\d+) tests? in .*| *(?P<b>\d+) passing\b.*|running (?P<c>\d+) tests?|1\.\.(?P<d>\d+)"
    r"|(?P<e>\d+) (?:runs|tests|examples?), \d+ (?:assertions|failures?).*"
)


# Of runners that we do not ask for a report, or that stand behind a program that we do not know.
_NOTHING = re.compile(
    r"\W*(?:\w{1,20}\W\s*)?(?:there (?:are|were) )?no (?:tests?|specs?) (?:files? |suites? |cases? )?"
    r"(?:were |was |is |have been )?(?:found|ran|run|to run|executed|collected|available|specified|matched|exist)\b.*"
    r"|\?\s+\S+\s+\[no test files\]|collected 0 items.*|(?:. )?tests 0"
    r"|(?:make(?:\[\d+\])?|ninja): (?:Nothing to be done for|no work to do|\W*\w*tests?\W* is up to date).*"
    r"|(?:Total tests|Tests run|Tests):\s+0\b.*|Executed 0 tests.*|All 0 tests passed.*|0 (?:tests?|specs?)\b.*",
    re.IGNORECASE,
)


def counted(content: bytes) -> int | None:
    """How many tests a runner says it ran, of those that say so in a line; None where none does."""
    counts, none = [], False
    for line in lines(content):
        if match := _COUNTS.fullmatch(line):
            counts.append(int(next(group for group in match.groups() if group)[:9]))
        else:
            none = none or _NOTHING.fullmatch(line.rstrip()) is not None
    return sum(counts) if counts else (0 if none else None)
