"""Changes to what runs the tests are noticed; those that only look alike are not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.core.candidate.file_roles import BY_NAME
from bot.core.evidence.meddling import meddled
from bot.core.model import Candidate, RunId


def patch(path: str, added: str, *, is_new: bool) -> str:
    lines = added.split("\n")
    head = f"diff --git a/{path} b/{path}\n" + ("new file mode 100644\n" if is_new else "index 1..2 100644\n")
    sides = f"--- {'/dev/null' if is_new else f'a/{path}'}\n+++ b/{path}\n"
    return head + sides + f"@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines)


def found(path: str, added: str, before: Mapping[str, str]) -> tuple[str, ...]:
    text = patch(path, added, is_new=path not in before)
    return meddled(Candidate(RunId("r"), text, ()), BY_NAME, before)


@pytest.mark.parametrize(
    ("path", "added"),
    [
        ("shop/__init__.py", "import _pytest.reports"),
        ("shop/__init__.py", "from pytest import raises"),
        ("shop/__init__.py", "    import unittest"),
        ("shop/a.py", "sys.modules['_pytest.runner'].x = 1"),
        ("shop/a.py", "def pytest_runtest_makereport(item):"),
        ("shop/a.py", "if 'PYTEST_CURRENT_TEST' in os.environ: pass".replace("'", '"')),
        ("shop/a.py", "atexit.register(edit)"),
        ("shop/a.py", "os._exit(0)"),
        ("shop/a.py", "open('report.xml', 'w')"),
        ("sitecustomize.py", "x = 1"),
        ("src/usercustomize.py", "x = 1"),
        ("pytest.py", "x = 1"),
        ("unittest/__init__.py", "x = 1"),
        ("tests/pytest.py", "x = 1"),
        ("shop/x.pth", "import os"),
        ("conftest.py", "def pytest_collection_modifyitems(items):"),
        ("tests/conftest.py", "collect_ignore = ['test_a.py']"),
        ("pyproject.toml", 'addopts = "-p shop.plugin"'),
        ("setup.py", 'entry_points={"pytest11": ["a = b"]}'),
        ("lib/cart.js", "assert.equal = () => {}"),
        ("lib/cart.js", "assert.strict.deepEqual = ok"),
        ("lib/cart.js", "process.on('exit', () => { process.exitCode = 0 })"),
        ("lib/cart.ts", "globalThis.expect = () => ok"),
        ("lib/cart.mjs", "import { test } from 'node:test'"),
        ("node_modules/mocha/index.js", "x"),
        ("package.json", '  "setupFiles": ["./lib/cart.js"]'),
        ("lib/cart.rb", "at_exit { exit! 0 }"),
        ("cart.go", 'import "testing"'),
        ("src/main/java/Cart.java", "import org.junit.Test;"),
    ],
)
def test_it_is_said(path: str, added: str) -> None:
    before = {"conftest.py": "", "tests/conftest.py": "", "pyproject.toml": "", "package.json": "", "setup.py": ""}
    before |= {"shop/__init__.py": "", "shop/a.py": "", "cart.go": "package cart", "lib/cart.js": ""}
    assert found(path, added, before) == (path,)


@pytest.mark.parametrize(
    ("path", "added", "base"),
    [
        ("shop/a.py", "value = text.strip()", ""),
        ("shop/a.py", "# as pytest does", ""),
        ("shop/plugin.py", "def pytest_configure(config):", "import pytest\ndef pytest_addoption(parser): ...\n"),
        ("shop/a.py", "atexit.register(close)", "import atexit\n"),
        ("tests/test_a.py", "import pytest", ""),
        ("tests/conftest.py", "@pytest.fixture\ndef shop(): ...", ""),
        ("shop/testing/tools.py", "import unittest", ""),
        ("lib/cart.js", "assert.equal(a, b)", ""),
        ("lib/cart.js", "if (assert.x === 1) {}", ""),
        ("pyproject.toml", 'dependencies = ["attrs"]', ""),
        ("docs/pytest.md", "pytest", ""),
    ],
)
def test_nothing_is_said(path: str, added: str, base: str) -> None:
    assert found(path, added, {path: base}) == ()
