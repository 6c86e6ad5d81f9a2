"""Test commands are run so that every part reports, and none of them silences another."""

import sys
from pathlib import Path

import pytest

from bot.core.model import Verdict
from tests.core.recipes import carry_out

P, F, S = Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED
PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider"
UNITTEST = f"{sys.executable} -m unittest"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    found = tmp_path / "workspace"
    found.mkdir()
    return found


def write(workspace: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(text)


GOOD = "def test_good():\n    pass\n"
BAD = "def test_bad():\n    assert False\n"


@pytest.mark.parametrize(
    ("command", "exit_code", "tests"),
    [
        (f"{PYTEST} tests/test_a.py", 0, {"tests.test_a::test_good": P}),
        (
            f"{PYTEST} tests/test_b.py && {PYTEST} tests/test_a.py",
            1,
            {"tests.test_b::test_bad": F, "tests.test_a::test_good": P},
        ),
        (
            f"(cd web && {PYTEST}) && {PYTEST} tests/test_a.py",
            1,
            {"web/tests.test_b::test_bad": F, "tests.test_a::test_good": P},
        ),
        (f"false && {PYTEST} tests/test_a.py", 1, {"tests.test_a::test_good": P}),
        (f"exit_with() {{ return 3; }}; {PYTEST} tests/test_a.py", 0, {"tests.test_a::test_good": P}),
        (f"cd nowhere && {PYTEST} ; {PYTEST} tests/test_a.py", 0, {"tests.test_a::test_good": P}),
        (f"cd web && {PYTEST}", 1, {"web/tests.test_b::test_bad": F}),
        (f"export X=1 && {PYTEST} tests/test_a.py | cat", 0, {"tests.test_a::test_good": P}),
        ("make", 2, {"tests.test_a::test_good": P, "tests.test_b::test_bad": F}),
        (f"for x in tests; do {PYTEST} $x; done", 1, {"tests.test_a::test_good": P, "tests.test_b::test_bad": F}),
    ],
)
def test_every_part_speaks(command: str, exit_code: int, tests: dict[str, Verdict], workspace: Path) -> None:
    write(
        workspace,
        {
            "tests/test_a.py": GOOD,
            "tests/test_b.py": BAD,
            "web/tests/test_b.py": BAD,
            "web/pytest.ini": "[pytest]\n",
            "pytest.ini": "[pytest]\n",
            "Makefile": f"all:\n\t{PYTEST} tests\n",
        },
    )
    found = carry_out(command, workspace)
    without_command = {name: verdict for name, verdict in found.tests.items() if name != command}
    assert (found.exit_code, found.per_test, without_command) == (exit_code, True, tests), found.tail
