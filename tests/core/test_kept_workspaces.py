"""Which set-ups serve a later solve, and what an operator's list means for one ecosystem."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.environment.ecosystems import meant_for
from bot.core.environment.files import Files
from bot.core.environment.kept_workspaces import environment_key, workspace_key
from bot.core.model import RepoConfig, Sha, Toolchain

BASE = Sha("a" * 40)
PIP = Toolchain(("pip install -e .",), "pytest -q", "detected", "python")


def test_the_same_is_made_of_the_same() -> None:
    assert workspace_key(1, BASE, PIP, ("a", "b")) == workspace_key(1, BASE, replace(PIP, test="tox"), ("b", "a"))


@pytest.mark.parametrize(
    "key",
    [
        workspace_key(2, BASE, PIP, ("a",)),
        workspace_key(1, Sha("b" * 40), PIP, ("a",)),
        workspace_key(1, BASE, replace(PIP, setup=("pip install -e .[test]",)), ("a",)),
        workspace_key(1, BASE, replace(PIP, ecosystem="node"), ("a",)),
        workspace_key(1, BASE, PIP, ()),
    ],
)
def test_whatever_makes_a_difference_is_in_the_key(key: str | None) -> None:
    assert key != workspace_key(1, BASE, PIP, ("a",))


def test_where_nothing_is_set_up_nothing_is_kept() -> None:
    assert workspace_key(1, BASE, replace(PIP, setup=()), ()) is None


@pytest.mark.parametrize(
    ("ecosystem", "meant"),
    [
        ("python", ("all.example", "p1.example", "p2.example")),
        ("node", ("all.example", "n.example")),
        ("", ("all.example",)),
    ],
)
def test_hosts_of_an_ecosystem(ecosystem: str, meant: tuple[str, ...]) -> None:
    words = ("all.example", "python=p1.example", "node=n.example", "python=p2.example")
    assert meant_for(ecosystem, words) == meant


SAID = {"pyproject.toml": "[project]", "tests/test_a.py": "import pytest", "backend/package.json": "{}"}


def key(texts: dict[str, str], config: RepoConfig | None = None, about: tuple[str, ...] = ()) -> str:
    return environment_key(Files(frozenset(texts), texts), config or RepoConfig(), ("auto",), about)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (key({**SAID, "tests/test_a.py": "import pytest, os"}), True),
        (key(SAID, about=("README.md", "tests/test_a.py")), True),
        (key({**SAID, "pyproject.toml": "[project]\nname='a'"}), False),
        (key({**SAID, "tox.ini": ""}), False),
        (key(SAID, RepoConfig(test="make test")), False),
        (key(SAID, about=("backend/src/app.js",)), False),
        (environment_key(Files(frozenset(SAID), SAID), RepoConfig(), ()), False),
    ],
)
def test_a_plan_is_known_as_long_as_the_repository_says_the_same(other: str, same: bool) -> None:
    assert (other == key(SAID)) is same
