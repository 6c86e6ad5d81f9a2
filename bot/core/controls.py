"""What has to fail wherever it is run: against candidates that turn every failure into a success.

The code under test runs in the process of the test runner or of the script, and may change what either reports. So a
test of ours that always fails is run along with tests of the pool; and before a script in Python, one that only imports
the same and ends with an exit code of its own. This exposes those that do not tell our tests from others.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from hashlib import sha256
from posixpath import dirname, join

from bot.core.model import Script
from bot.core.runners import runs_script

ENDS_WITH = 97
NOT_GUARDED = 126  # what a guarded script ends with when its control did not end as it should
_MARK = "_9c1f"  # in the name of each control
_MOST_IMPORTS = 30

Contents = dict[str, tuple[bytes, str]]


def control_test(tests: Sequence[str], key: str) -> tuple[str, Contents]:
    """The name of the test, and the file that holds it, beside the first of the others; nothing but for Python.

    It suits every runner of Python.
    """
    if not tests or not all(path.endswith(".py") for path in tests):
        return "", {}
    name = f"test_{_token(key)}"
    text = f"import unittest\n\n\nclass Of{_token(key)}(unittest.TestCase):\n    def {name}(self):\n"
    text += "        self.assertEqual([1, 2], [2, 1])\n"
    return name, {join(dirname(tests[0]), f"{name}.py"): (text.encode(), "100644")}


def guarded_script(script: Script, line: str, test_command: str) -> tuple[Contents, str]:
    """The control of a script, and the line that runs both; the line alone where there is no control."""
    imports = _imports(script)
    path = join(dirname(script.path), f"look{_token(script.text)}.py")
    control = runs_script(test_command, path)
    if imports is None or control is None:
        return {}, line
    text = "\n".join([*imports, f"raise SystemExit({ENDS_WITH})\n"])
    return {path: (text.encode("utf-8", "replace"), "100644")}, (
        f"{control} >/dev/null 2>&1; test $? -eq {ENDS_WITH} || exit {NOT_GUARDED}; {line}"
    )


def is_control(path: str) -> bool:
    return _MARK in path


def _token(text: str) -> str:
    return f"{sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}{_MARK}"


def _imports(script: Script) -> list[str] | None:
    """What the script imports at its top; None where it cannot be read as Python."""
    if not script.path.endswith(".py"):
        return None
    try:
        tree = ast.parse(script.text)
        found = [ast.unparse(item) for item in tree.body if isinstance(item, ast.Import | ast.ImportFrom)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    future = [line for line in found if line.startswith("from __future__")]
    return [*future, *(line for line in found if line not in future)][:_MOST_IMPORTS]
