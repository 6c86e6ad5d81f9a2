"""What has to fail wherever it is run: against candidates that turn every failure into a success.

The code under test runs in the process of the test runner or of the script, and may change what either reports. So
tests that always fail are run along with tests of the pool; and before a script in Python, one that only imports the
same and ends with an exit code of its own. This exposes those that do not tell our tests from others, which is why
controls are like the others and have no names, words or numbers of their own.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import PurePosixPath

from bot.core.model import Script
from bot.core.runners import failing_tests, runs_script

NOT_GUARDED = 126  # what a guarded script ends with when its control did not end as it should
_CODES = 90  # a control ends with one of so many exit codes ...
_FIRST_CODE = 10  # ... from this one on
_MOST_IMPORTS = 30

Contents = Mapping[str, tuple[bytes, str]]
"""path -> content and git mode"""


def control_test(tests: Sequence[str], files: Contents, key: str) -> tuple[str, Contents]:
    """The name of a module with tests that fail, and its file, beside the others; nothing but for Python.

    It is the first of these files, made to fail; where that cannot be done, a test case of our own, which suits every
    runner of Python.
    """
    if not tests or not all(path.endswith(".py") for path in tests):
        return "", {}
    content = files[tests[0]][0]
    return _beside(tests[0], failing_tests(tests[0], content) or _OF_OUR_OWN, key)


def control_case(path: str, key: str) -> tuple[str, Contents]:
    """A test case that fails by the means of `unittest`, beside this file; nothing but for Python."""
    return _beside(path, _OF_OUR_OWN, key) if path.endswith(".py") else ("", {})


def _beside(path: str, content: bytes, key: str) -> tuple[str, Contents]:
    file = PurePosixPath(path)
    stem = file.stem if file.stem.startswith("test") else f"test_{file.stem}"
    name = f"{stem}_{_digest(key, content).hex()[:8]}"
    return name, {str(file.with_name(f"{name}.py")): (content, "100644")}


_OF_OUR_OWN = b"""import unittest


class Told(unittest.TestCase):
    def test_it(self):
        self.assertEqual([1, 2], [2, 1])
"""


def guarded_script(script: Script, line: str, test_command: str) -> tuple[Contents, str]:
    """The control of a script, and the line that runs both; the line alone where there is no control."""
    imports = _imports(script)
    digest = _digest(test_command, script.text.encode("utf-8", "replace"))
    path = PurePosixPath(script.path)
    control_path = str(path.with_name(f"{path.stem}_{digest.hex()[:8]}{path.suffix}"))
    control = runs_script(test_command, control_path)
    if imports is None or control is None:
        return {}, line
    code = _FIRST_CODE + digest[0] % _CODES
    text = "\n".join([*imports, f"raise SystemExit({code})\n"])
    return {control_path: (text.encode("utf-8", "replace"), "100644")}, (
        f"{control} >/dev/null 2>&1; test $? -eq {code} || exit {NOT_GUARDED}; {line}"
    )


def _digest(key: str, content: bytes) -> bytes:
    return sha256(key.encode("utf-8", "replace") + b"\0" + content).digest()


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
