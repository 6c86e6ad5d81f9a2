"""Reports of all runners, as those runners wrote them, and as nothing would."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Verdict
from bot.core.reports import Document, Format, documents
from bot.core.reports.json_formats import readable
from bot.core.reports.reading import read

P, F, S = Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED

# ------------------------------------------------------------------------------------------- what runners really wrote

NODE_TAP = """TAP version 14
# Subtest: t/tap.cjs
    # Subtest: sums
        ok 1 - should be equal
        not ok 2 - one is two
          ---
          compare: ===
          source: |
            ok 1 - not a point
          diff: |
            --- expected
            +++ actual
          ...

        1..2
    not ok 1 - sums # time=174.406ms

    ok 2 - later # SKIP
    # Subtest: nested
        # Subtest: inner
            ok 1 - fine
            1..1
        ok 1 - inner # time=0.444ms

        1..1
    ok 3 - nested # time=18.386ms

    1..3
    # time=231.739ms
not ok 1 - t/tap.cjs # time=231.739ms
1..1
# time=8375.177ms
"""
BUFFERED = """TAP version 13
ok 1 - t/a.js # time=12ms {
    ok 1 - adds
    ok 2 - inner {
        ok 1 - deep
        1..1
    }
    1..2
}
ok 2 - t/b.js
1..2
"""
OLD_SUBTESTS = """TAP version 13
    # Subtest: adds
    ok 1 - one
    not ok 2 - two
    1..2
not ok 1 - adds
1..1
"""
TAPE = """TAP version 13
# sums
ok 1 should be strictly equal
not ok 2 one is two
  ---
    operator: equal
    stack: |-
      Error: one is two
  ...
# nested
# inner
ok 3 fine

1..3
# tests 3
# pass  2
# fail  1
"""
AVA = """TAP version 13
ok 1 - b › later # SKIP
not ok 2 - b › todo # TODO
ok 3 - b › adds
not ok 4 - a › breaks
  ---
    name: AssertionError
    at: 'ExecutionContext.is (file:///x/assert.js:309:16)'
  ...

1..4
# tests 3
"""
BATS = """1..4
ok 1 adds
not ok 2 breaks in 31ms
# (in test file a.bats, line 2)
#   `@test "breaks" { [ $((1 + 1)) -eq 3 ]; }' failed
ok 3 later # skip later
ok 4
"""
PROVE = """t/a.t .. \n1..4
ok 1 - adds
not ok 2 - breaks
# a note
ok 3 # skip later
# Subtest: inner
    1..1
    ok 1 - adds
ok 4 - inner
Dubious, test returned 1 (wstat 256, 0x100)
Failed 1/4 subtests
t/long/b.t ... \nok 1 - fine
1..1
ok
t/c.t ........ \nDubious, test returned 255 (wstat 65280, 0xff00)

Test Summary Report
-------------------
Result: FAIL
"""
UNITTEST = """setUpClass (test_a.TestSetup) ... ERROR
test_bad (test_a.TestX.test_bad) ... FAIL
test_doc (test_a.TestX.test_doc)
It says something. ... ok
test_noise (test_a.TestX.test_noise) ... noise
ok-ish
ok
test_skip (test_a.TestX.test_skip) ... skipped 'later'
test_sub (test_a.TestX.test_sub) ... \n  test_sub (test_a.TestX.test_sub) (i=1) ... FAIL
test_xf (test_a.TestX.test_xf) ... expected failure
test_xs (test_a.TestX.test_xs) ... unexpected success
test_bad (unittest.loader._FailedTest.test_bad) ... ERROR
test_cut (test_a.TestX.test_cut) ... \n======================================================================
ERROR: tearDownModule (test_a)
----------------------------------------------------------------------
Ran 9 tests in 0.010s
"""
UNITTEST_3_8 = """test_ok (test_a.TestX) ... hi
ok
test_sub (test_a.TestX) ... test_xf (test_a.TestX) ... expected failure
test_fine (test_a.TestX) ... ok
======================================================================
FAIL: test_sub (test_a.TestX) (i=1)
----------------------------------------------------------------------
Ran 3 tests in 0.001s
"""
CARGO = """   Compiling calc-x v0.1.0
     Running unittests src/lib.rs (target/debug/deps/calc_x-3da67d53c8b0a671)

running 4 tests
test tests::adds ... ok
test tests::later ... ignored, later
test tests::breaks ... FAILED
test tests::panics - should panic ... ok

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.30s

     Running tests/whole.rs (target/debug/deps/whole-a1b2c3d4e5f60718)
test whole ... ok
   Doc-tests calc_x
test src/lib.rs - add (line 2) ... ok
"""
MINITEST = """Run options: -v --seed 1
TestSums#test_err = 0.00 s = E
TestSums#test_breaks = 0.01 s = F
TestSums#test_later = 0.00 s = S
TestSums#test_adds two numbers = 0.00 s = .
4 runs, 2 assertions, 1 failures, 1 errors, 1 skips
"""
TEST_UNIT = """Started
TestSums: \n  test_adds:\t\t.: (0.000231)
  test_breaks:\t\tF
===============================================================================
Failure: test_breaks(TestSums)
===============================================================================
: (0.009676)
  test_later:\t\tO
===============================================================================
: (0.002100)

5 tests, 2 assertions, 1 failures, 1 errors, 1 pendings, 1 omissions, 0 notifications
"""
GO = """{"Action":"run","Package":"m/x","Test":"TestAdd"}
{"Action":"output","Package":"m/x","Test":"TestAdd","Output":"--- PASS: TestAdd (0.00s)\\n"}
{"Action":"pass","Package":"m/x","Test":"TestAdd","Elapsed":0}
{"Action":"skip","Package":"m/x","Test":"TestSkip","Elapsed":0}
{"Action":"pass","Package":"m/x","Test":"TestSub/one_two","Elapsed":0}
{"Action":"fail","Package":"m/x","Test":"TestSub/bad","Elapsed":0}
{"Action":"fail","Package":"m/x","Test":"TestSub","Elapsed":0}
{"Action":"fail","Package":"m/x","Elapsed":0.002}
FAIL\tm/x/bad [build failed]
{"Action":"skip","Package":"m/x/none","Elapsed":0}
{"Action":"fail","Package":"m/x/panics","Elapsed":0}
{"no json
"""
GO_LINES = """=== RUN   TestSub
--- FAIL: TestSub (0.00s)
    --- PASS: TestSub/one_two (0.00s)
    --- FAIL: TestSub/bad (0.00s)
--- SKIP: TestSkip (0.00s)
FAIL
FAIL\tm/x\t0.003s
FAIL\tm/x/bad [build failed]
?   \tm/x/none\t[no test files]
ok  \tm/x/empty\t0.002s [no tests to run]
--- PASS: TestFine (0.00s)
PASS
ok  \tm/x/sub\t(cached)
ok  \tm/x/quiet\t0.002s
"""
JEST = {
    "numTotalTests": 4,
    "testResults": [
        {
            "name": "/workspace/t/a.test.js",
            "status": "failed",
            "assertionResults": [
                {"ancestorTitles": ["sums"], "title": "adds", "status": "passed", "duration": 5},
                {"ancestorTitles": ["", "sums", "inner"], "title": "adds", "status": "failed"},
                {"ancestorTitles": [], "title": "later", "status": "pending"},
                {"title": "planned", "status": "todo"},
            ],
        },
        {"name": "/workspace/t/broken.test.js", "status": "failed", "assertionResults": []},
        {"name": "/workspace/t/empty.test.js", "status": "passed", "assertionResults": []},
    ],
}
RSPEC = {
    "examples": [
        {"file_path": "./spec/a_spec.rb", "full_description": "sums adds", "status": "passed", "run_time": 0.1},
        {"file_path": "./spec/a_spec.rb", "full_description": "sums breaks", "status": "failed"},
        {"file_path": "./spec/a_spec.rb", "full_description": "sums later", "status": "pending"},
    ],
    "summary": {"errors_outside_of_examples_count": 1},
}
EVENTS = """{"file":"/workspace/t/a.js","name":"sums > adds","verdict":"passed"}
{"file":"","name":"breaks","verdict":"failed"}
{"file":"","name":"later","verdict":"skipped"}
{"file":"","name":"cut o"""
TRX = """<?xml version="1.0"?><TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
<UnitTestResult testName="Acme.Sums.Adds(x: 1)" outcome="Passed" duration="00:00:00.01" />
<UnitTestResult testName="Acme.Sums.Breaks" outcome="Failed"><Output><StdOut>x</StdOut></Output></UnitTestResult>
<UnitTestResult testName="Acme.Sums.Later" outcome="NotExecuted" /></Results></TestRun>"""
CTEST = """1/3 Test #1: adds .............................   Passed    0.01 sec
2/3 Test #2: breaks two .......................***Failed    0.01 sec
3/3 Test #3: never ............................***Not Run   0.00 sec

33% tests passed, 2 tests failed out of 3
"""
AUTOMAKE = """PASS: test_adds
FAIL: test_breaks
SKIP: test_later
XFAIL: test_known
# TOTAL: 4
"""
MESON = """1/3 sums / adds     OK              0.01s
2/3 breaks          FAIL            0.02s   exit status 1
3/3 later           SKIP            0.00s
Ok:                 1
"""


@pytest.mark.parametrize(
    ("format", "content", "tests"),
    [
        (
            Format.TAP,
            NODE_TAP,
            {
                "t/tap.cjs > sums > should be equal": P,
                "t/tap.cjs > sums > one is two": F,
                "t/tap.cjs > sums": F,
                "t/tap.cjs > later": S,
                "t/tap.cjs > nested > inner > fine": P,
                "t/tap.cjs > nested > inner": P,
                "t/tap.cjs > nested": P,
                "t/tap.cjs": F,
            },
        ),
        (
            Format.TAP,
            BUFFERED,
            {"t/a.js": P, "t/a.js > adds": P, "t/a.js > inner": P, "t/a.js > inner > deep": P, "t/b.js": P},
        ),
        (Format.TAP, OLD_SUBTESTS, {"adds > one": P, "adds > two": F, "adds": F}),
        (Format.TAP, TAPE, {"sums > should be strictly equal": P, "sums > one is two": F, "inner > fine": P}),
        (Format.TAP, AVA, {"b › later": S, "b › todo": S, "b › adds": P, "a › breaks": F}),
        (Format.TAP, BATS, {"adds": P, "breaks": F, "later": S, "4": P}),
        (Format.TAP, "ok 1 - x\nBail out! no more\n", {"x": P, "Bail out!": F}),
        (Format.TAP, "1..0 # SKIP nothing here\nokay\nnot okay\nok\n", {}),
        (
            Format.PROVE,
            PROVE,
            {
                "t/a.t::adds": P,
                "t/a.t::breaks": F,
                "t/a.t::3": S,
                "t/a.t::inner > adds": P,
                "t/a.t::inner": P,
                "t/a.t": F,
                "t/long/b.t::fine": P,
                "t/long/b.t": P,
                "t/c.t": F,
            },
        ),
        (
            Format.UNITTEST,
            UNITTEST,
            {
                "test_a.TestSetup::setUpClass": F,
                "test_a.TestX::test_bad": F,
                "test_a.TestX::test_doc": P,
                "test_a.TestX::test_noise": P,
                "test_a.TestX::test_skip": S,
                "test_a.TestX::test_sub": F,
                "test_a.TestX::test_xf": S,
                "test_a.TestX::test_xs": F,
                "unittest.loader._FailedTest::test_bad": F,
                "test_a::tearDownModule": F,
            },
        ),
        (
            Format.UNITTEST,
            UNITTEST_3_8,
            {
                "test_a.TestX::test_ok": P,
                "test_a.TestX::test_xf": S,
                "test_a.TestX::test_fine": P,
                "test_a.TestX::test_sub": F,
            },
        ),
        (
            Format.CARGO,
            CARGO,
            {
                "calc_x src/lib.rs::tests::adds": P,
                "calc_x src/lib.rs::tests::later": S,
                "calc_x src/lib.rs::tests::breaks": F,
                "calc_x src/lib.rs::tests::panics": P,
                "whole tests/whole.rs::whole": P,
                "calc_x doc::src/lib.rs - add": P,
            },
        ),
        (
            Format.MINITEST,
            MINITEST,
            {
                "TestSums::test_err": F,
                "TestSums::test_breaks": F,
                "TestSums::test_later": S,
                "TestSums::test_adds two numbers": P,
            },
        ),
        (Format.MINITEST, TEST_UNIT, {"TestSums::test_adds": P, "TestSums::test_breaks": F, "TestSums::test_later": S}),
        (
            Format.GO,
            GO,
            {
                "m/x::TestAdd": P,
                "m/x::TestSkip": S,
                "m/x::TestSub/one_two": P,
                "m/x::TestSub/bad": F,
                "m/x::TestSub": F,
                "m/x/bad::(package)": F,
                "m/x/panics::(package)": F,
            },
        ),
        (
            Format.JEST,
            json.dumps(JEST),
            {
                "t/a.test.js::sums > adds": P,
                "t/a.test.js::sums > inner > adds": F,
                "t/a.test.js::later": S,
                "t/a.test.js::planned": S,
                "t/broken.test.js": F,
            },
        ),
        (
            Format.RSPEC,
            json.dumps(RSPEC),
            {
                "spec/a_spec.rb::sums adds": P,
                "spec/a_spec.rb::sums breaks": F,
                "spec/a_spec.rb::sums later": S,
                "outside of all examples": F,
            },
        ),
        (Format.EVENTS, EVENTS, {"t/a.js::sums > adds": P, "breaks": F, "later": S}),
        (Format.TRX, TRX, {"Acme.Sums.Adds(x: 1)": P, "Acme.Sums.Breaks": F, "Acme.Sums.Later": S}),
        (Format.CTEST, CTEST, {"adds": P, "breaks two": F, "never": F}),
        (Format.OUTPUT, AUTOMAKE, {"test_adds": P, "test_breaks": F, "test_later": S, "test_known": S}),
        (Format.OUTPUT, MESON, {"sums / adds": P, "breaks": F, "later": S}),
        (
            Format.OUTPUT,
            GO_LINES,
            {
                "m/x::TestSub": F,
                "m/x::TestSub/one_two": P,
                "m/x::TestSub/bad": F,
                "m/x::TestSkip": S,
                "m/x/bad::(package)": F,
                "m/x/sub::TestFine": P,
                "m/x/quiet::(package)": P,
            },
        ),
        (Format.OUTPUT, "make: entering\n" + BATS, {"adds": P, "breaks": F, "later": S, "4": P}),
        (Format.OUTPUT, "ok 1 - but there is no plan\nPASS: x\ntest x ... ok\ntest_x (a.B) ... ok\n", {}),
    ],
)  # fmt: skip
def test_what_runners_write(format: Format, content: str, tests: dict[str, Verdict]) -> None:
    assert read([Document(format, content.encode(), root="/workspace")]).tests == tests


# ---------------------------------------------------------------------------------------------------------- all of them


def test_names_do_not_tell_where_or_how_long() -> None:
    content = b"\x1b[32mok\x1b[0m 1 - /home/x/workspace/a.js adds (12.5ms)\r\n1..1\n"
    document = Document(Format.TAP, content, "packages/a", "/home/x/workspace")
    assert read([document]).tests == {"packages/a/a.js adds": P}


def test_what_is_in_its_directory_already_is_not_put_there_twice() -> None:
    content = b'{"file":"/w/pkg/a.js","name":"x","verdict":"passed"}\n'
    assert read([Document(Format.EVENTS, content, "/pkg", "/w")]).tests == {"pkg/a.js::x": P}


def test_the_worst_of_several_reports_counts() -> None:
    good, bad = (Document(Format.TAP, f"{word} 1 - x\n1..1".encode()) for word in ("ok", "not ok"))
    assert read([good, bad, good]).tests == {"x": F}


@pytest.mark.parametrize(
    ("documents", "none_ran"),
    [
        ([Document(Format.JEST, b'{"testResults": []}')], True),
        ([Document(Format.JUNIT, b"<testsuites/>")], True),
        ([Document(Format.UNITTEST, b"Ran 0 tests in 0.000s\n\nOK\n")], True),
        ([Document(Format.UNITTEST, b"Ran 3 tests in 0.000s\n\nOK\n")], False),
        ([Document(Format.UNITTEST, b"Killed\n")], False),
        ([Document(Format.OUTPUT, b"Ran 0 tests in 0.000s\n\nOK\n")], True),
        ([Document(Format.OUTPUT, b"  0 passing (3ms)\n")], True),
        ([Document(Format.OUTPUT, b"done\n")], False),
        ([Document(Format.CARGO, b"running 0 tests\n\nrunning 0 tests\n")], True),
        ([Document(Format.GO, b'{"Action":"skip","Package":"m/x"}\n')], True),
        ([Document(Format.NOTHING, b"")], True),
        ([Document(Format.NOTHING, b""), Document(Format.TAP, b"ok 1 - x\n")], False),
        ([Document(Format.JEST, b"{")], False),
        ([], False),
    ],
)
def test_no_tests_are_said_to_be_none(documents: list[Document], none_ran: bool) -> None:
    assert read(documents).none_ran is none_ran


NOTHING_RAN = """\
============================ no tests ran in 0.01s =============================
collected 0 items
No tests found, exiting with code 0
No test files found, exiting with code 0
Error: no test specified
No tests were found!!!
No tests executed!
[INFO] No tests to run.
There are no tests to run
No specs found
No test is available in /workspace/x.dll.
?   \tm/x\t[no test files]
ℹ tests 0
# tests 0
make: Nothing to be done for 'test'.
make[1]: 'test' is up to date.
ninja: no work to do.
Tests:       0 total
Total tests: 0
Tests run: 0, Failures: 0, Errors: 0, Skipped: 0
Executed 0 tests, with 0 failures
All 0 tests passed (0.00s)
0 examples, 0 failures
0 tests, 0 failures
0 specs, 0 failures, in 0s
0 runs, 0 assertions, 0 failures, 0 errors, 0 skips
"""


@pytest.mark.parametrize("line", [*filter(None, NOTHING_RAN.split("\n"))])
def test_who_says_that_nothing_ran_has_not_succeeded(line: str) -> None:
    assert read([Document(Format.OUTPUT, f"starting\n{line}\n\ndone\n".encode())]).none_ran


@pytest.mark.parametrize(
    "line",
    [
        "No tests failed",
        "no test database was needed",
        "All 10 tests passed (0.10s)",
        "Tests:       1 total",
        "make: Entering directory 'test'",
        "make: 'all' is up to date.",
        "10 tests, 0 failures",
        "collected 10 items",
    ],
)
def test_who_says_something_else_may_have(line: str) -> None:
    assert not read([Document(Format.OUTPUT, f"starting\n{line}\n".encode())]).none_ran


def test_where_some_ran_it_does_not_matter_that_others_did_not() -> None:
    content = b"No tests found\nRan 3 tests in 0.1s\n\nOK\n"
    assert not read([Document(Format.OUTPUT, content)]).none_ran


def test_one_unreadable_report_does_not_hide_the_others() -> None:
    found = read([Document(Format.JEST, b"{}"), Document(Format.TAP, b"ok 1 - x\n1..1\n")])
    assert (found.tests, bool(found.unreadable)) == ({"x": P}, True)


@pytest.mark.parametrize(
    ("report", "found"),
    [
        (b"", []),
        (b"no frame\n", []),
        (b"\0root /w\n\0tap \nok 1\n", [Document(Format.TAP, b"ok 1\n", "", "/w")]),
        (b"\0tap /a b\n\0klingon \nx", [Document(Format.TAP, b"", "/a b")]),
        (b"\0root /w\n\0root /x\n\0junit\n", [Document(Format.JUNIT, b"", "", "/w")]),
        (b"\0\0\0", []),
    ],
)
def test_frames(report: bytes, found: list[Document]) -> None:
    assert documents(report) == found


def test_people_read_what_go_printed() -> None:
    assert readable('{"Action":"output","Output":"ok\\n"}\n{"Action":"run"}\nplain\n{"Action":"x') == (
        'ok\nplain\n{"Action":"x'
    )


# -------------------------------------------------------------------------------------------------------------- hostile

LINES = st.lists(
    st.sampled_from([*"\n".join([NODE_TAP, PROVE, UNITTEST, CARGO, GO, GO_LINES, CTEST, TEST_UNIT, MESON]).split("\n")])
    | st.text(max_size=20),
    max_size=30,
).map("\n".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["testResults", "assertionResults", "name", "status", "examples"]), inner)
    ),
    max_leaves=8,
).map(json.dumps)


@settings(deadline=None)
@given(format=st.sampled_from(Format), content=LINES.map(str.encode) | JSON.map(str.encode) | st.binary(max_size=100))
def test_anything_is_read_or_refused(format: Format, content: bytes) -> None:
    found = read([Document(format, content, "d", "/r")])
    assert all(isinstance(verdict, Verdict) and len(name) <= 400 for name, verdict in found.tests.items())


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_file_has_documents_or_none(report: bytes) -> None:
    assert all(isinstance(document, Document) for document in documents(report))


@pytest.mark.parametrize(
    "line",
    [
        b"ok 1 - x # # # # #\n",
        b"# Subtest: x\n",
        b"    ok 1 - {\n",
        b"test_x (a.b) ... (a.b) ... \n",
        b"x (" * 200 + b"\n",
        b"A#" * 200 + b" = 1\n",
        b"test " * 100 + b"... \n",
        b"1/1 Test #1: " + b". " * 300 + b"\n",
        b"ok \t" * 100 + b"\n",
        b"  test: test: test: " * 30 + b"\n",
        b"\x1b[" * 300 + b"\n",
        b"Running a (" + b"/" * 500 + b"\n",
        b'{"Action":"pass","Test":"x","Package":"y"}\n',
        b"x" * 2000,
    ],
)
@pytest.mark.parametrize("format", [Format.OUTPUT, Format.PROVE, Format.TAP, Format.GO, Format.EVENTS])
def test_time_is_proportional_to_size(line: bytes, format: Format) -> None:
    signs = b"1..1\ntest result: \nRan 1 test in 1s\n1 runs, 1 assertions, \nok \tx\n# TOTAL: 1\n"

    def seconds(times: int) -> float:
        before = time.process_time()
        read([Document(format, signs + line * times)])
        return time.process_time() - before

    most = 400_000 // len(line)
    assert min(seconds(most) for _ in range(2)) < 20 * min(seconds(most // 10) for _ in range(2)) + 0.2
