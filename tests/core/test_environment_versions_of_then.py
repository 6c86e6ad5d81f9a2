"""An old commit gets the packages of its day: what has come since may not fit it."""

from __future__ import annotations

from datetime import date

import pytest

from bot.core.environment.files import Files
from bot.core.environment.plans import plans
from bot.core.environment.proof import Attempt, Trial, next_plan
from bot.core.environment.tools import Tools
from bot.core.environment.versions_of_then import Age, with_versions_of_then
from bot.core.model import RepoConfig, Toolchain

TODAY = date(2026, 11, 28)
SANDBOX = Tools({"python3": "3.11.2", "uv": "0.13.9"})
UV = ("uv venv --quiet ~/venv", "uv pip install --quiet --python ~/venv pytest -e .")
DATED_UV = ("uv venv --quiet ~/venv", "uv pip install --exclude-newer 2025-08-25 --quiet --python ~/venv pytest -e .")
PYTHON = Toolchain(UV, "pytest", "tox.ini", "python")
PYTHON_OF_THEN = Toolchain(DATED_UV, "pytest", "tox.ini, packages of 2025-08-25", "python")


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        (SANDBOX, [PYTHON_OF_THEN, PYTHON]),
        # Older than the sandbox's Python: nothing is built for it. Of an unknown one, nobody knows.
        (Tools({"python3": "3.14.0"}), [PYTHON, PYTHON_OF_THEN]),
        (Tools({}), [PYTHON, PYTHON_OF_THEN]),
    ],
)
def test_an_old_commit(tools: Tools, expected: list[Toolchain]) -> None:
    assert list(with_versions_of_then([PYTHON], Age(date(2025, 8, 24), TODAY), tools)) == expected


def test_a_young_commit_is_tried_with_the_packages_of_today_first() -> None:
    found = with_versions_of_then([PYTHON], Age(date(2026, 10, 28), TODAY), SANDBOX)
    assert [plan.why for plan in found] == ["tox.ini", "tox.ini, packages of 2026-10-29"]
    assert with_versions_of_then([PYTHON], Age(date(2026, 11, 26), TODAY), SANDBOX) == (PYTHON,)


@pytest.mark.parametrize(
    "line", ["npm ci", "npm install", "pip install x", "UV_PROJECT_ENVIRONMENT=~/venv uv sync --frozen", "make"]
)
def test_what_installs_by_a_lock_file_or_knows_no_dates_is_left_as_it_is(line: str) -> None:
    plan = Toolchain((line,), "t", "w", "python")
    assert with_versions_of_then([plan], Age(date(2025, 8, 24), TODAY), SANDBOX) == (plan,)


def test_two_plans_are_tried_with_other_versions_and_no_more() -> None:
    several = [Toolchain((*UV, str(number)), "t", "w", "python") for number in range(4)]
    assert len(with_versions_of_then(several, Age(date(2025, 8, 24), TODAY), SANDBOX)) == 6


def test_a_set_up_that_people_have_written_has_no_versions_of_then() -> None:
    files = Files(frozenset({"setup.py", "test_a.py"}), {"setup.py": "", "test_a.py": ""})
    age = Age(date(2025, 8, 24), TODAY)
    config = RepoConfig(setup=("uv pip install x",), test="pytest")
    assert [plan.setup for plan in plans(files, config, SANDBOX, age=age).plans] == [("uv pip install x",)]


def test_the_same_with_packages_of_another_day_comes_next_however_the_first_has_failed() -> None:
    other = Toolchain(("x",), "another", "w", "python")
    for failure in ("", "set-up failed"):
        failed = Attempt(PYTHON_OF_THEN, Trial(), failure)
        assert next_plan([PYTHON_OF_THEN, other, PYTHON], [failed], RepoConfig()) == PYTHON
