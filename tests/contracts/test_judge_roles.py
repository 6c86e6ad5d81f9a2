"""What counts as a test, and who says which tests are run: candidates judged for real where names mislead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from bot.core.model import Baseline, Gate
from tests.contracts.court import Court, Ground, a_ground, prepare

TESTS_OF_TEMPLATES = """def is_odd(value):
    return value % 2 == 1


def test_even(value):
    return value % 2 == 0
"""
TEST_SHOP = """from shop import is_odd
from shop.testing import cheap


def test_odd():
    assert is_odd(3)


def test_cheap():
    assert cheap(9)
"""
FILES = {
    "pyproject.toml": '[tool.pytest.ini_options]\npython_files = ["test_*.py", "check_*.py"]\n',
    "shop/__init__.py": "from .tests import is_odd\n",
    "shop/tests.py": TESTS_OF_TEMPLATES,
    "shop/testing/__init__.py": "from .prices import cheap\n",
    "shop/testing/prices.py": "def cheap(price):\n    return price < 10\n",
    "tests/test_shop.py": TEST_SHOP,
    "tests/test_tests.py": "from shop.tests import test_even as even\n\n\ndef test_it():\n    assert even(2)\n",
    "checks/check_prices.py": "from shop.testing import cheap\n\n\ndef test_dear():\n    assert not cheap(10)\n",
}
STABLE = (
    "checks.check_prices::test_dear",
    "tests.test_shop::test_cheap",
    "tests.test_shop::test_odd",
    "tests.test_tests::test_it",
)


@pytest.fixture(scope="module")
def baselines() -> dict[str, Baseline]:
    return {}


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with a_ground(FILES) as found:
        yield found


@pytest.fixture
async def court(ground: Ground, baselines: dict[str, Baseline], tmp_path: Path) -> AsyncIterator[Court]:
    async with ground.sandboxes("process") as sandboxes:
        yield Court(ground, sandboxes, await prepare(ground, sandboxes, "process", baselines), tmp_path)


async def test_names_are_not_believed(court: Court) -> None:
    found = court.baseline
    assert found.stable == STABLE
    assert found.product == ("shop/testing/__init__.py", "shop/testing/prices.py", "shop/tests.py")
    assert found.unusual_tests == ("checks/check_prices.py",)


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"shop/tests.py": FILES["shop/tests.py"].replace("== 1", "== 0")}, "tests.test_shop::test_odd"),
        ({"shop/tests.py": FILES["shop/tests.py"].replace("== 0", "== 1")}, "tests.test_tests::test_it"),
        ({"shop/testing/prices.py": "def cheap(price):\n    return price < 9\n"}, "tests.test_shop::test_cheap"),
        (
            {
                "shop/testing/prices.py": "def cheap(price):\n    return price < 11\n",
                "checks/check_prices.py": "def test_dear(): ...\n",
            },
            "checks.check_prices::test_dear",
        ),
    ],
)
async def test_product_code_that_is_called_like_a_test_is_judged(
    court: Court, changes: Mapping[str, str], broken: str
) -> None:
    evidence = await court.judge(changes)
    assert broken in evidence.regressions
    assert not {"shop/tests.py", "shop/testing/prices.py"} & {*evidence.test_files}


async def test_functions_of_the_product_are_no_deleted_tests(court: Court) -> None:
    evidence = await court.judge({"shop/tests.py": "def is_odd(value):\n    return value % 2 == 1\n"})
    assert evidence.gate_failures == ()
    assert "tests.test_tests::test_it" in evidence.regressions


async def test_a_fix_there_is_seen_with_its_test(court: Court) -> None:
    fixed = FILES["shop/testing/prices.py"].replace("price < 10", "0 <= price < 10")
    test = FILES["checks/check_prices.py"] + "\n\ndef test_negative():\n    assert not cheap(-1)\n"
    evidence = await court.judge({"shop/testing/prices.py": fixed, "checks/check_prices.py": test})
    assert evidence.test_files == ("checks/check_prices.py",)
    assert (evidence.own_tests_on_base, evidence.own_tests_on_candidate) == (False, True)


BROKEN = {"shop/testing/prices.py": "def cheap(price):\n    return price < 9\n"}


@pytest.mark.parametrize(
    "settings",
    [
        'addopts = "-k odd"\npython_files = ["test_*.py", "check_*.py"]',
        'python_functions = ["test_odd"]',
        'testpaths = ["checks"]\npython_files = ["check_*.py"]',
    ],
)
async def test_a_candidate_does_not_say_which_old_tests_are_run(court: Court, settings: str) -> None:
    evidence = await court.judge({**BROKEN, "pyproject.toml": f"[tool.pytest.ini_options]\n{settings}\n"})
    assert "tests.test_shop::test_cheap" in evidence.regressions


async def test_who_narrows_the_tests_is_out(court: Court) -> None:
    settings = '[tool.pytest.ini_options]\naddopts = "-k odd"\npython_files = ["test_*.py", "check_*.py"]\n'
    evidence = await court.judge({"pyproject.toml": settings, "shop/__init__.py": "from .tests import is_odd  # ok\n"})
    assert [failure.gate for failure in evidence.gate_failures] == [Gate.TESTS_SKIPPED]
    assert evidence.regressions == ()


async def test_what_touches_the_runner_is_said(court: Court) -> None:
    evidence = await court.judge({"shop/__init__.py": "import pytest\nfrom .tests import is_odd\n"})
    assert evidence.meddles == ("shop/__init__.py",)
