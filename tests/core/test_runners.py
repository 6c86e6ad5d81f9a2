"""Test commands carried out by real shells and real runners: every part reports, and none of them silences another."""

import os
import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import TestReport, Verdict
from bot.core.reports import documents, report
from bot.core.runners import lasting, recipe
from bot.core.runners.lasting import SECONDS_PER_TEST
from tests.core.recipes import Shell

P, F, S = Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED
PYTEST = f"{shlex.quote(sys.executable)} -m pytest -q -p no:cacheprovider"
UNITTEST = f"{shlex.quote(sys.executable)} -m unittest"

GOOD = "def test_good():\n    pass\n"
BAD = "def test_bad():\n    assert False\n"
UNIT = """import sys
import unittest

class TestSums(unittest.TestCase):
    def test_adds(self):
        "It adds."
        print("noise", file=sys.stderr)

    def test_breaks(self):
        self.fail("no")

    @unittest.skip("later")
    def test_later(self):
        pass
"""
NODE = """const test = require('node:test')
test('adds', () => {})
test('breaks', () => { throw new Error('no') })
test('later', { skip: true }, () => {})
"""
FILES = {
    "tests/test_good.py": GOOD,
    "tests/test_bad.py": BAD,
    "tests/test_unloadable.py": "import nothing_of_this_name\n",
    "web/tests/test_bad.py": BAD,
    "unit/test_sums.py": UNIT,
    "js/a.test.cjs": NODE,
    "tap.sh": "echo '1..2'; echo 'ok 1 - adds'; echo 'not ok 2 - breaks'; exit 1\n",
    "empty/__init__.py": "",
    "pytest.ini": "[pytest]\n",
    "web/pytest.ini": "[pytest]\naddopts = --option-of-a-missing-plugin\n",
    "Makefile": f"all:\n\t{PYTEST} tests/test_good.py tests/test_bad.py\n",
}
GOOD_IS_SEEN = {"tests.test_good::test_good": P}
BAD_IS_SEEN = {"tests.test_bad::test_bad": F}
UNIT_IS_SEEN = {
    "test_sums.TestSums::test_adds": P,
    "test_sums.TestSums::test_breaks": F,
    "test_sums.TestSums::test_later": S,
}
NODE_IS_SEEN = {"js/test::adds": P, "js/test::breaks": F, "js/test::later": S}
TAP_IS_SEEN = {"adds": P, "breaks": F}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For all tests: nothing that is run changes it."""
    found = tmp_path_factory.mktemp("workspace")
    for name, text in FILES.items():
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        (found / name).write_text(text)
    return found


def carry_out(command: str, workspace: Path, home: Path) -> TestReport:
    """As the judge does it."""
    before = sorted(workspace.rglob("*"))
    how = recipe(command)
    shell = Shell(workspace, home)
    assert shell.run(how.before).stdout == ""
    done = shell.run(how.command)
    assert shell.run(how.after).stdout == ""
    assert sorted(workspace.rglob("*")) == before
    left = (home / ".solvebot/report").read_bytes()
    return report(command, exit_code=done.returncode, seconds=1.0, output=done.stdout, documents=documents(left))


def single(found: TestReport) -> dict[str, Verdict]:
    return {name: verdict for name, verdict in found.tests.items() if name != found.command}


@pytest.mark.parametrize(
    ("command", "exit_code", "tests"),
    [
        (f"{PYTEST} tests/test_good.py", 0, GOOD_IS_SEEN),
        (f"{PYTEST} -x tests/test_bad.py tests/test_good.py", 1, {**GOOD_IS_SEEN, **BAD_IS_SEEN}),
        (f"{PYTEST} tests", 1, {**GOOD_IS_SEEN, **BAD_IS_SEEN, "::tests.test_unloadable": F}),
        (f"{PYTEST} tests/test_bad.py && {PYTEST} tests/test_good.py", 1, {**GOOD_IS_SEEN, **BAD_IS_SEEN}),
        (f"false && {PYTEST} tests/test_good.py", 1, GOOD_IS_SEEN),
        (f"(exit 3) && false && {PYTEST} tests/test_good.py", 3, GOOD_IS_SEEN),
        (f"false; {PYTEST} tests/test_good.py", 0, GOOD_IS_SEEN),
        (f"cd nowhere && {PYTEST} ; {PYTEST} tests/test_good.py", 0, GOOD_IS_SEEN),
        # what a build that failed has left is not what is to be tested
        (f"make build && {PYTEST} tests/test_good.py; {PYTEST} tests/test_bad.py", 1, BAD_IS_SEEN),
        (f"(make build && {PYTEST} tests/test_good.py) && {PYTEST} tests/test_good.py", 2, GOOD_IS_SEEN),
        (f"export X=tests Y=1 && {PYTEST} $X/test_good.py | cat", 0, GOOD_IS_SEEN),
        (f"for x in tests/test_good.py; do {PYTEST} $x; done # all", 0, GOOD_IS_SEEN),
        ("make", 2, {**GOOD_IS_SEEN, **BAD_IS_SEEN}),
        (f"{UNITTEST} discover -s unit", 1, UNIT_IS_SEEN),
        ("(cd js && node --test a.test.cjs)", 1, NODE_IS_SEEN),
        ("(cd js && node --test) && bash tap.sh", 1, {**NODE_IS_SEEN, **TAP_IS_SEEN}),
    ],
)  # fmt: skip
def test_every_part_speaks(
    command: str, exit_code: int, tests: dict[str, Verdict], workspace: Path, tmp_path: Path
) -> None:
    found = carry_out(command, workspace, tmp_path)
    assert (found.exit_code, found.per_test, single(found)) == (exit_code, True, tests), found.tail


@pytest.mark.parametrize("command", [f"{UNITTEST} discover -s empty -t .", "node --test-name-pattern=x --test empty"])
def test_no_tests_are_no_success(command: str, workspace: Path, tmp_path: Path) -> None:
    found = carry_out(command, workspace, tmp_path)
    assert (found.per_test, found.tests) == (False, {command: F})


def test_options_of_missing_plugins_are_left_out_and_told(workspace: Path, tmp_path: Path) -> None:
    found = carry_out(f"cd web && {PYTEST}", workspace, tmp_path)
    assert found.tests == {"web/tests.test_bad::test_bad": F}
    assert "error: unrecognized arguments: --option-of-a-missing-plugin" in found.tail
    assert "[pytest did not take its options; once more, without the addopts of its settings]" in found.tail


def test_a_test_that_hangs_fails_and_the_others_go_on(workspace: Path, tmp_path: Path) -> None:
    hangs = "import threading\n\n\ndef test_hangs():\n    threading.Event().wait()\n\n\n" + GOOD
    (workspace / "test_hangs.py").write_text(hangs)
    command = lasting(f"{PYTEST} -p timeout -p xdist test_hangs.py") or ""
    found = carry_out(command.replace(f"--timeout={SECONDS_PER_TEST}", "--timeout=0.5"), workspace, tmp_path)
    assert single(found) == {"test_hangs::test_hangs": F, "test_hangs::test_good": P}, found.tail


def test_pytests_of_one_part_do_not_write_the_same_file(workspace: Path, tmp_path: Path) -> None:
    """As tox starts them, each with its environment's name."""
    once = f"TOX_ENV_NAME=%s {PYTEST} tests/%s"
    both = f"{once % ('a', 'test_good.py')}; {once % ('b', 'test_bad.py')}"
    found = carry_out(f"bash -c {shlex.quote(both)}", workspace, tmp_path)
    assert single(found) == {**GOOD_IS_SEEN, **BAD_IS_SEEN}


def test_what_runs_on_in_the_background_is_not_waited_for(workspace: Path, tmp_path: Path) -> None:
    """It holds what the command prints to."""
    (tmp_path / "stop").touch()
    command = f"bash -c '(while [ -e {tmp_path}/stop ]; do sleep 0.1; done) & bash tap.sh'"
    found = carry_out(f"{command}; rm {tmp_path}/stop", workspace, tmp_path)
    assert single(found) == TAP_IS_SEEN


@pytest.mark.parametrize("command", ["", "#", "# nothing", "true #", "'", "(", "&&", ";;", "a |", "exit 7", "}", "fi"])
def test_odd_commands_end(command: str, workspace: Path, tmp_path: Path) -> None:
    """As they would without us: with an exit code of their own, or of a shell that does not understand them."""
    found = carry_out(command, workspace, tmp_path)
    expected = os.waitstatus_to_exitcode(os.system(f"cd {workspace} && bash -c {shlex.quote(command)} 2>/dev/null"))
    assert (found.exit_code == 0) is (expected == 0)


REPORTS = {
    "target/surefire-reports/TEST-a.xml": "a",
    "m/build/test-results/test/TEST-b c.xml": "b",
    "other/TEST-d.xml": "d",
}
XML = '<testsuite><testcase classname="%s" name="x"/></testsuite>'
WRITES = "; ".join(f"mkdir -p '{Path(path).parent}'; echo '{XML % name}' > '{path}'" for path, name in REPORTS.items())


@pytest.mark.parametrize("program", ["mvn", "gradlew", "build.sh"])
def test_the_reports_of_java_runners_are_collected(program: str, tmp_path: Path) -> None:
    """Those that lay there before are not."""
    workspace = tmp_path / "workspace"
    old = workspace / "target/surefire-reports/TEST-old.xml"
    old.parent.mkdir(parents=True)
    old.write_text(XML % "old")
    (workspace / program).write_text(f"#!/bin/sh\n{WRITES}\n")
    (workspace / program).chmod(0o755)
    shell = Shell(workspace, tmp_path)
    how = recipe(f"./{program} test")
    for script in (how.before, how.command, how.after):
        assert shell.run(script).returncode == 0
    left = documents((tmp_path / ".solvebot/report").read_bytes())
    found = report("x", exit_code=0, seconds=1.0, output="", documents=left)
    assert found.tests == {"a::x": P, "b::x": P}


def test_a_java_runner_without_reports_has_run_nothing(tmp_path: Path) -> None:
    (tmp_path / "mvnw").write_text("#!/bin/sh\n")
    (tmp_path / "mvnw").chmod(0o755)
    shell = Shell(tmp_path, tmp_path)
    how = recipe("./mvnw test")
    for script in (how.before, how.command, how.after):
        assert shell.run(script).returncode == 0
    left = documents((tmp_path / ".solvebot/report").read_bytes())
    found = report("./mvnw test", exit_code=0, seconds=1.0, output="", documents=left)
    assert (found.none_ran, found.tests) == (True, {"./mvnw test": F})


@settings(deadline=None)
@given(st.text(max_size=60))
def test_there_is_a_recipe_for_anything(command: str) -> None:
    assert recipe(command).command
