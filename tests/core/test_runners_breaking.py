"""Files broken on purpose: loaded first, then failing; which ones are tried."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.core.runners import break_on_purpose, canaries


def test_a_broken_file_still_loads_what_it_tests(tmp_path: Path) -> None:
    file = tmp_path / "test_a.py"
    file.write_bytes(break_on_purpose(file.name, b'print("loaded")'))
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("loaded\n", 1)
    assert "broken on purpose" in done.stderr


@pytest.mark.parametrize(
    ("files", "stable", "found"),
    [
        (["tests/test_b.py", "tests/test_a.py"], [], ["tests/test_a.py", "tests/test_b.py"]),
        (
            ["tests/test_a.py", "tests/test_b.py"],
            ["tests.test_b.TestX::test_y"],
            ["tests/test_b.py", "tests/test_a.py"],
        ),
        (["tests/a.rs", "x_test.go", "a.spec.ts"], ["test::ok"], ["a.spec.ts", "x_test.go"]),
        ([], ["tests.test_a::test_y"], []),
    ],
)
def test_canaries(files: list[str], stable: list[str], found: list[str]) -> None:
    assert canaries(files, stable) == found
