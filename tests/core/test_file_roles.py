"""Product code that is called like tests, as real repositories have it, and tests that only look like product code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.candidate.file_roles import BY_NAME, product_files, roles_of, to_be_read, unusual_tests
from bot.core.model import Baseline

Tree = Mapping[str, str]

CASES: dict[str, tuple[Tree, Sequence[str], Sequence[str]]] = {
    # name: (files, what the runner tells of, what is product code)
    "functions that templates call tests": (
        {
            "src/jinja2/__init__.py": "from .environment import Environment\n",
            "src/jinja2/environment.py": "from .defaults import DEFAULT_TESTS\n",
            "src/jinja2/defaults.py": "from .tests import TESTS as DEFAULT_TESTS\n",
            "src/jinja2/tests.py": "def test_odd(value):\n    return value % 2 == 1\n",
            "tests/test_tests.py": "def test_it(): ...\n",
        },
        ["tests.test_tests::test_it"],
        ["src/jinja2/tests.py"],
    ),
    "a client for tests": (
        {
            "src/werkzeug/__init__.py": "from .test import Client as Client\n",
            "src/werkzeug/test.py": "class Client: ...\n",
            "tests/test_test.py": "def test_client(): ...\n",
        },
        ["tests.test_test::test_client"],
        ["src/werkzeug/test.py"],
    ),
    "a library of testing, loaded by commands": (
        {
            "django/__init__.py": "",
            "django/core/__init__.py": "",
            "django/core/test_command.py": "",
            "django/core/commands.py": "def run():\n    from django.test.runner import Runner\n",
            "django/test/__init__.py": "from django.test.client import Client\n",
            "django/test/client.py": "class Client: ...\n",
            "django/test/runner.py": "class Runner: ...\n",
            "django/test/unused.py": "",
            "tests/runtests.py": "from django.test.client import Client\n",
            "tests/test_client/__init__.py": "",
            "tests/test_client/tests.py": "class ClientTest(TestCase):\n    def test_get(self): ...\n",
        },
        ["test_client.tests.ClientTest::test_get"],
        [
            "django/core/test_command.py",
            "django/test/__init__.py",
            "django/test/client.py",
            "django/test/runner.py",
            "django/test/unused.py",
        ],
    ),
    "a library of testing that nobody loads": (
        {
            "numpy/__init__.py": "",
            "numpy/testing/__init__.py": "from .utils import assert_close\n",
            "numpy/testing/utils.py": "def assert_close(a, b): ...\n",
            "numpy/testing/tests/__init__.py": "",
            "numpy/testing/tests/test_utils.py": "def test_close(): ...\n",
            "numpy/core/__init__.py": "",
            "numpy/core/tests/__init__.py": "",
            "numpy/core/tests/_shared.py": "def shared(): ...\n",
            "numpy/core/tests/test_core.py": "from ._shared import shared\ndef test_core(): ...\n",
        },
        ["numpy.testing.tests.test_utils::test_close", "numpy.core.tests.test_core::test_core"],
        ["numpy/testing/__init__.py", "numpy/testing/utils.py"],
    ),
    "tools for others' tests beside the code": (
        {
            "aiohttp/__init__.py": "",
            "aiohttp/test_utils.py": "class TestServer:\n    ...\n".replace("class Test", "class Base"),
            "tests/test_web.py": "from aiohttp.test_utils import BaseServer\ndef test_web(): ...\n",
        },
        ["tests.test_web::test_web"],
        ["aiohttp/test_utils.py"],
    ),
    "tests within the package": (
        {
            "app/__init__.py": "from .models import Model\n",
            "app/models.py": "",
            "app/tests.py": "from django.test import TestCase\nclass T(TestCase):\n    def test_it(self): ...\n",
            "shop/__init__.py": "",
            "shop/test/__init__.py": "",
            "shop/test/tools.py": "",
            "shop/test/test_shop.py": "from .tools import x\ndef test_shop(): ...\n",
        },
        ["app.tests.T::test_it", "shop.test.test_shop::test_shop"],
        [],
    ),
    "tests named from below the top": (
        {
            "backend/app/__init__.py": "from app.tests import everything\n",
            "backend/app/tests/__init__.py": "",
            "backend/app/tests/test_a.py": "def test_a(): ...\n",
            "backend/app/tests/deep.py": "",
        },
        ["app.tests.test_a::test_a"],
        ["backend/app/tests/__init__.py"],
    ),
    "a runner of tests loads helpers": (
        {
            "runtests.py": "import testing.tools\n",
            "testing/__init__.py": "",
            "testing/tools.py": "",
            "testing/test_a.py": "def test_a(): ...\n",
        },
        ["testing.test_a::test_a"],
        [],
    ),
    "a program loads its specs": (
        {
            "main.py": "from spec.loader import load\n",
            "spec/__init__.py": "",
            "spec/loader.py": "def load(): ...\n",
            "tests/test_main.py": "def test_main(): ...\n",
        },
        ["tests.test_main::test_main"],
        ["spec/__init__.py", "spec/loader.py"],
    ),
    "scripts": (
        {
            "src/index.ts": "import { parse } from './spec/parse.js'\nexport * from './e2e'\n",
            "src/spec/parse.ts": "export function parse() {}\n",
            "src/e2e/index.ts": "export const crypto = 1\n",
            "src/__tests__/tools.ts": "export const x = 1\n",
            "src/__tests__/parse.test.ts": "import { x } from './tools'\ntest('a', () => {})\n",
            "jest.config.js": "require('./test/setup')\n",
            "test/setup.js": "",
        },
        ["parses::a"],
        ["src/e2e/index.ts", "src/spec/parse.ts"],
    ),
    "Go": (
        {
            "server/server.go": 'package server\n\nimport (\n\t"fmt"\n\tspec "example.org/api/spec"\n)\n',
            "spec/spec.go": "package spec\n",
            "internal/testing/tools.go": "package testing\n",
            "server/server_test.go": 'package server\n\nimport "example.org/api/internal/testing"\n',
        },
        ["server::TestServer"],
        ["spec/spec.go"],
    ),
    "built languages": (
        {
            "src/main/java/org/acme/spec/Spec.java": "",
            "src/test/java/org/acme/spec/SpecTest.java": "",
            "lib/acme/testing/tools.rb": "",
            "spec/acme_spec.rb": "",
        },
        [],
        ["lib/acme/testing/tools.rb", "src/main/java/org/acme/spec/Spec.java"],
    ),
    "what a runner loads by its name": (
        {"pkg/__init__.py": "from . import conftest\n", "pkg/conftest.py": "", "pkg/test_a.py": "def test_a(): ...\n"},
        ["pkg.test_a::test_a"],
        [],
    ),
    "unnamed tests that were left out of this run": (
        {
            "pkg/__init__.py": "",
            "pkg/test_slow.py": "import pytest\n@pytest.mark.slow\ndef test_slow(): ...\n",
            "pkg/test_a.py": "def test_a(): ...\n",
        },
        ["pkg.test_a::test_a"],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_product_code_is_found_whatever_its_name(case: tuple[Tree, Sequence[str], Sequence[str]]) -> None:
    files, told, product = case
    texts = {path: files[path] for path in to_be_read(files)}
    assert list(product_files(files, texts, told)) == product


def test_nothing_is_read_where_no_name_is_in_doubt() -> None:
    assert to_be_read(["src/a.py", "tests/test_a.py", "tests/conftest.py", "src/a.test.ts"]) == ()


def test_new_files_are_what_the_files_beside_them_are() -> None:
    found = roles_of(Baseline("pytest", product=("django/test/client.py",)))
    assert not found.is_of_tests("django/test/client.py")
    assert not found.is_of_tests("django/test/new.py")
    assert found.is_test("django/test/test_new.py")
    assert found.is_of_tests("tests/helper.py")
    assert BY_NAME.is_support("django/test/new.py")


def test_tests_in_files_of_other_names_are_tests() -> None:
    paths = ["checks/check_a.py", "shop/amounts.py", "shop/__init__.py", "tests/test_b.py", "web/cart.unit.js"]
    told = [
        "checks.check_a.CheckA::check_one",
        "shop.amounts::shop.amounts.parse",
        "shop::shop.show",
        "shop.__init__::shop.show",
        "tests.test_b::test_b",
        "web/cart.unit.js::adds",
        "shop.amounts parses::numbers",
    ]
    found = unusual_tests(paths, told)
    assert found == ("checks/check_a.py", "web/cart.unit.js")
    assert roles_of(Baseline("pytest", unusual_tests=found)).is_test("checks/check_a.py")


@given(st.dictionaries(st.sampled_from(["a/__init__.py", "a/test/x.py", "a/test.py", "b.go"]), st.text()), st.text())
def test_whatever_is_written_there(files: dict[str, str], told: str) -> None:
    assert set(product_files(files, files, [told])) <= set(files)
