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


FURTHER = [
    ("shop/a.py", 'm = importlib.import_module("_py" + "test.runner")'),
    ("shop/a.py", "for module in sys.modules.values(): ..."),
    ("shop/a.py", "[o for o in gc.get_objects() if type(o).__name__ == 'Report']"),
    ("shop/a.py", "builtins.AssertionError = Warning"),
    ("shop/a.py", "sys.exit = lambda *a: None"),
    ("shop/a.py", "sys.excepthook = quiet"),
    ("shop/a.py", "os.kill(os.getpid(), 9)"),
    ("shop/a.py", "sys.setprofile(watch)"),
    ("shop/a.py", "threading.settrace(watch)"),
    ("shop/a.py", "sys.meta_path.insert(0, Finder())"),
    ("shop/a.py", "frame = sys._getframe(3)"),
    ("shop/a.py", "inspect.currentframe().f_back"),
    ("shop/a.py", "from os import _exit; _exit(0)"),
    ("shop/a.py", "open('/proc/self/fd/1', 'w')"),
    ("shop/a.py", "exec(base64.b64decode('aW1wb3J0'))"),
    ("shop/a.py", "if os.environ.get('CI'): ..."),
    ("shop/a.py", "weakref.finalize(thing, edit)"),
    ("shop/__init__.py", "def load_tests(loader, tests, pattern): ..."),
    ("tests/__init__.py", "def load_tests(loader, tests, pattern): ..."),
    ("tests/test_a.py", "os._exit(0)"),
    ("tests/test_a.py", "pytest.raises = nothing"),
    ("tests/test_new.py", "unittest.TestCase.run = nothing"),
    ("tests/test_a.py", "atexit.register(edit)"),
    ("conftest.py", "pytest.raises = nothing"),
    ("conftest.py", "os._exit(0)"),
    ("conftest.py", "atexit.register(edit)"),
    ("conftest.py", "raise SystemExit(0)"),
    ("conftest.py", "config.pluginmanager.register(mine)"),
    ("conftest.py", "pytest.skip('no', allow_module_level=True)"),
    ("conftest.py", "globals()['pytest_' + 'runtest_call'] = mine"),
    ("shop/sitecustomize.py", "x = 1"),
    ("json.py", "x = 1"),
    ("src/argparse.py", "x = 1"),
    ("iniconfig/__init__.py", "x = 1"),
    ("pytest_cov.py", "x = 1"),
    ("shop/__pycache__/a.cpython-311.pyc", "x"),
    ("shop.egg-info/entry_points.txt", "[pytest11]"),
    ("pytest.ini", "[pytest]"),
    (".mocharc.json", "{}"),
    ("jest.config.ts", "export default {}"),
    ("__mocks__/assert.js", "x"),
    ("bin/pytest", "exit 0"),
    ("lib/minitest/autorun.rb", "x"),
    ("src/test/java/org/junit/Assert.java", "x"),
    ("src/main/resources/META-INF/services/org.junit.platform.launcher.TestExecutionListener", "x"),
    ("vendor/github.com/stretchr/testify/assert/a.go", "x"),
    ("tox.ini", "addopts = -p shop.plugin"),
    ("pyproject.toml", 'addopts = "-k quick"'),
    ("pyproject.toml", 'addopts = "--co"'),
    ("pyproject.toml", 'python_functions = "check"'),
    ("pyproject.toml", 'testpaths = ["quick"]'),
    ("pyproject.toml", 'backend-path = ["."]'),
    ("jest.config.js", "setupFilesAfterEnv: ['./lib/cart.js'],"),
    ("jest.config.js", "testRunner: './lib/cart.js',"),
    (".mocharc.js", "module.exports = {require: ['./lib/cart.js']}"),
    ("package.json", '  "test": "node --require ./lib/cart.js test.js"'),
    ("package.json", '  "test": "NODE_OPTIONS=--require=./x mocha"'),
    ("package.json", '  "pretest": "node lib/cart.js",'),
    ("package.json", '  "test": "jest || true"'),
    ("test/mocha.opts", "--require ./lib/cart.js"),
    ("Makefile", "\tpytest || true"),
    ("pom.xml", "<testFailureIgnore>true</testFailureIgnore>"),
    ("build.gradle", "test { ignoreFailures = true }"),
    ("Cargo.toml", "harness = false"),
    ("phpunit.xml", '<phpunit bootstrap="shop.php">'),
    ("go.mod", "replace github.com/stretchr/testify => ./fake"),
    (".env", "PYTEST_ADDOPTS=-k quick"),
    ("lib/cart.js", "Object.assign(assert, {equal() {}})"),
    ("lib/cart.js", "Object.defineProperty(assert, 'equal', {})"),
    ("lib/cart.js", 'import * as assert from "node:assert/strict"'),
    ("lib/cart.js", "process.exit(0)"),
    ("lib/cart.js", "process.exitCode = 0"),
    ("lib/cart.js", "process.reallyExit = () => {}"),
    ("lib/cart.js", "process.stdout.write = () => true"),
    ("lib/cart.js", "globalThis['it'] = nothing"),
    ("lib/cart.js", "Module.prototype.require = mine"),
    ("lib/cart.js", "Object.is = () => true"),
    ("lib/cart.js", "Symbol.for('$$jest-matchers-object')"),
    ("lib/cart.js", "process.addListener('exit', edit)"),
    ("lib/cart.vue", "import { test } from 'vitest'"),
    ("test/a.test.js", "assert.equal = () => {}"),
    ("test/a.test.js", "process.on('exit', () => {})"),
    ("lib/cart.rb", "exit!(0)"),
    ("lib/cart.rb", "ObjectSpace.each_object(Class)"),
    ("cart.go", "os.Exit(0)"),
    ("cart.go", 'flag.Lookup("test.v")'),
    ("cart_test.go", "func TestMain(m *testing.M) { os.Exit(0) }"),
    ("src/lib.rs", "std::process::exit(0)"),
    ("src/lib.rs", "macro_rules! assert_eq { () => {} }"),
    ("src/lib.rs", "if cfg!(test) { return 1 }"),
    ("src/Cart.php", "exit(0);"),
    ("src/main/java/Cart.java", "System.exit(0);"),
    ("lib/cart.ex", "System.halt(0)"),
    ("test/test_helper.exs", "ExUnit.configure(exclude: [:slow])"),
]
ONLY_NEW = {
    "tests/test_new.py",
    "shop/sitecustomize.py",
    "json.py",
    "src/argparse.py",
    "iniconfig/__init__.py",
    "pytest_cov.py",
    "shop/__pycache__/a.cpython-311.pyc",
    "shop.egg-info/entry_points.txt",
    "pytest.ini",
    ".mocharc.json",
    "jest.config.ts",
    "__mocks__/assert.js",
    "bin/pytest",
    "lib/minitest/autorun.rb",
    "src/test/java/org/junit/Assert.java",
    "vendor/github.com/stretchr/testify/assert/a.go",
    "src/main/resources/META-INF/services/org.junit.platform.launcher.TestExecutionListener",
}


@pytest.mark.parametrize(("path", "added"), FURTHER)
def test_so_is_what_reaches_into_a_runner_or_ends_it(path: str, added: str) -> None:
    """In files that were there: what is new and stands in nobody's way is judged by its lines as well."""
    assert found(path, added, {} if path in ONLY_NEW else {path: "before"}) == (path,)


@pytest.mark.parametrize(
    ("path", "added"),
    [
        ("shop/a.py", "sys.exit(main())"),
        ("shop/a.py", "sys.modules[__name__]"),
        ("shop/a.py", "value = re.sub(x, y, z)"),
        ("shop/a.py", "os.environ.get('HOME')"),
        ("shop/a.py", "report = 'report.csv'"),
        ("tests/test_a.py", "monkeypatch.setitem(sys.modules, 'x', None)"),
        ("tests/test_a.py", "@pytest.mark.parametrize('a', [1])"),
        ("tests/test_a.py", "self.assertEqual(a, b)"),
        ("tests/test_a.py", "pytestmark = pytest.mark.slow"),
        ("tests/test_a.py", "unittest.TestCase.maxDiff = None"),
        ("tests/conftest.py", "def shop(tmp_path): return Shop(tmp_path)"),
        ("lib/cart.js", "const found = Object.keys(cart)"),
        ("lib/cart.js", "process.on('SIGTERM', stop)"),
        ("lib/cart.js", "console.log(a)"),
        ("lib/cart.js", "globalThis.crypto"),
        ("test/a.test.js", "import assert from 'node:assert'"),
        ("test/a.test.js", "import { test } from 'node:test'"),
        ("package.json", '  "version": "1.2.4",'),
        ("package.json", '  "lodash": "^4.0.0"'),
        ("pyproject.toml", 'version = "1.2"'),
        ("pyproject.toml", '"requests>=2",'),
        ("Cargo.toml", 'serde = "1"'),
        ("go.mod", "require x v1"),
        ("Makefile", "\tpython -m build"),
        ("cart.go", 'fmt.Errorf("x")'),
        ("cart_test.go", 'import "testing"'),
        ("src/lib.rs", "#[cfg(test)]"),
        ("src/lib.rs", "assert_eq!(a, b);"),
        ("src/types/json.ts", "x"),
        ("shop/json.py", "x = 1"),
        ("shop/types.py", "x = 1"),
        ("lib/cart.rb", "raise ArgumentError"),
        ("src/main/java/Cart.java", "return 1;"),
    ],
)
def test_nor_of_what_every_fix_may_need(path: str, added: str) -> None:
    before = {} if path.endswith(("json.ts", "json.py", "types.py")) else {path: "before"}
    assert found(path, added, before) == ()


def test_one_thing_that_a_file_does_is_no_leave_for_another() -> None:
    before = {"lib/cart.js": "process.exit(1)\n", "shop/a.py": "import atexit\n"}
    assert found("lib/cart.js", "process.exit(2)", before) == ()
    assert found("lib/cart.js", "assert.equal = () => {}", before) == ("lib/cart.js",)
    assert found("shop/a.py", "import pytest", before) == ("shop/a.py",)


def test_a_binary_in_the_way_is_said() -> None:
    patch = "diff --git a/sitecustomize.pyc b/sitecustomize.pyc\nnew file mode 100644\nGIT binary patch\nliteral 3\n"
    assert meddled(Candidate(RunId("r"), patch, ()), BY_NAME, {}) == ("sitecustomize.pyc",)
