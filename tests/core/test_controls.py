"""What has to fail wherever it is run: like what stands beside it, so that it is not known by its looks."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.evidence.controls import NOT_GUARDED, control_test, guarded_script
from bot.core.model import Script

TEXT = "def test_a():\n    assert True\n"


@pytest.mark.parametrize(
    ("tests", "text", "expected"),
    [
        (["tests/test_a.py"], TEXT, r"tests/test_a_[0-9a-f]{8}\.py"),
        (["tests/a_test.py", "tests/test_b.py"], TEXT, r"tests/test_a_test_[0-9a-f]{8}\.py"),
        (["test_a.py"], "no Python", r"test_a_[0-9a-f]{8}\.py"),
        (["tests/test_a.py", "tests/a.test.js"], TEXT, None),
        ([], TEXT, None),
    ],
)
def test_where_a_control_stands(tests: list[str], text: str, expected: str | None) -> None:
    name, found = control_test(tests, {path: (text.encode(), "100644") for path in tests}, "key")
    assert [bool(re.fullmatch(expected or "", path)) for path in found] == ([True] if expected else [])
    assert all(name in path for path in found)


def test_a_control_is_a_test_like_the_other_that_fails() -> None:
    _, found = control_test(["test_a.py"], {"test_a.py": (TEXT.encode(), "100644")}, "key")
    [(content, _)] = found.values()
    assert content.startswith(b"def test_a():\n    assert ")
    test: dict[str, object] = {"__name__": "test"}
    exec(content, test)
    with pytest.raises(AssertionError):
        test["test_a"]()  # type: ignore[operator]


def test_two_keys_have_two_names() -> None:
    files = {"test_a.py": (TEXT.encode(), "100644")}
    assert control_test(["test_a.py"], files, "one")[0] != control_test(["test_a.py"], files, "other")[0]


@pytest.mark.parametrize(
    ("module", "code"),
    [("", 3), ("import atexit, os\natexit.register(os._exit, 0)\n", NOT_GUARDED), ("raise OSError\n", NOT_GUARDED)],
    ids=["honest", "ends well", "does not load"],
)
def test_a_script_speaks_only_behind_its_control(module: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(module)
    script = Script("repro.py", "import sys\nimport shop\nsys.exit(3)\n")
    python = shlex.quote(sys.executable)
    found, line = guarded_script(script, f"{python} repro.py", f"{python} -m pytest")
    for path, (content, _) in {**found, script.path: (script.text.encode(), "")}.items():
        (tmp_path / path).write_bytes(content)
    assert subprocess.run(["bash", "-c", line], cwd=tmp_path, check=False, stderr=subprocess.DEVNULL).returncode == code


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=200))
def test_any_text_may_be_controlled(content: bytes, key: str, text: str) -> None:
    control_test(["tests/test_a.py"], {"tests/test_a.py": (content, "100644")}, key)
    guarded_script(Script("repro.py", text), "python3 repro.py", key)
