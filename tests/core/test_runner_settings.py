"""What a candidate's settings say about tests does not count while old tests are run; everything else in them does."""

from __future__ import annotations

import json

import pytest

from bot.core.evidence.runner_settings import as_on_base

PACKAGE = {"name": "shop", "scripts": {"test": "node --test"}, "jest": {"testMatch": ["**/*.test.js"]}, "main": "a.js"}
PYPROJECT = """[project]
name = "shop"
dependencies = ["attrs"]

[tool.pytest.ini_options]
addopts = "-q"

[tool.ruff]
line-length = 100
"""
SETUP = "[metadata]\nname = shop\n\n[tool:pytest]\naddopts = -q\n\n[options]\npackages = find:\n"


@pytest.mark.parametrize(
    "change",
    [
        {"scripts": {"test": "node --test test/one.test.js"}},
        {"scripts": {"test": "node --test || true", "pretest": "rm -r test"}},
        {"jest": {"testPathIgnorePatterns": ["cart"]}},
        {"mocha": {"spec": "test/one.js"}},
        {"vitest": {"exclude": ["**"]}},
    ],
)
def test_a_package_says_no_more_which_tests_are_run(change: dict[str, object]) -> None:
    new = PACKAGE | change | {"main": "b.js"}
    kept = as_on_base("package.json", json.dumps(PACKAGE).encode(), json.dumps(new).encode())
    assert kept is not None
    assert json.loads(kept) == PACKAGE | {"main": "b.js"}


@pytest.mark.parametrize(
    "change",
    [
        'addopts = "-q -k parse"',
        'addopts = "-q"\npython_functions = "check_*"',
        'addopts = "-p shop.plugin"',
        'testpaths = ["tests/one"]',
    ],
)
def test_a_project_says_no_more_which_tests_are_run(change: str) -> None:
    new = PYPROJECT.replace('addopts = "-q"', change).replace('["attrs"]', '["attrs", "cattrs"]')
    kept = as_on_base("pyproject.toml", PYPROJECT.encode(), new.encode())
    assert kept is not None
    assert change not in kept.decode().splitlines()
    assert 'addopts = "-q"' in kept.decode().splitlines()
    assert '"cattrs"' in kept.decode()
    assert "line-length = 100" in kept.decode()
    assert kept.decode().count("[tool.pytest.ini_options]") == 1


def test_sections_that_the_base_does_not_have_are_left_out() -> None:
    base, new = (
        b'[project]\nname = "a"\n',
        b'[project]\nname = "a"\n\n["tool"."pytest".ini_options]\naddopts = "-k a"\n',
    )
    assert as_on_base("pyproject.toml", base, new) == base
    old = b"[metadata]\nname = a\n"
    assert as_on_base("setup.cfg", old, old + b"\n[coverage:run]\nsource = none\n") == old


def test_old_settings_files() -> None:
    kept = as_on_base(
        "setup.cfg", SETUP.encode(), SETUP.replace("-q", "--deselect x").replace("find:", "shop").encode()
    )
    assert kept is not None
    assert "addopts = -q" in kept.decode()
    assert "packages = shop" in kept.decode()
    assert "deselect" not in kept.decode()


@pytest.mark.parametrize("path", ["Makefile", "sub/makefile", "GNUmakefile", "justfile", "Taskfile.yml", "Rakefile"])
def test_of_commands_the_base_version_counts(path: str) -> None:
    assert as_on_base(path, b"test:\n\tpytest\n", b"test:\n\tpytest || true\n") == b"test:\n\tpytest\n"


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("package.json", b"{"),
        ("package.json", b"[]"),
        ("package.json", b"[" * 100_000),
        ("pyproject.toml", b"[tool"),
        ("pyproject.toml", b"a = "),
        ("pyproject.toml", b"\xff"),
        ("setup.cfg", b"no header = 1"),
        ("Cargo.toml", b"[lib]\ntest = false\n"),
        ("pom.xml", b"<skipTests>true</skipTests>"),
        ("build.gradle.kts", b"tasks.test { enabled = false }"),
    ],
)
def test_what_cannot_be_told_apart(path: str, new: bytes) -> None:
    assert as_on_base(path, b"", new) is None


FILES = [("pyproject.toml", PYPROJECT), ("setup.cfg", SETUP), ("package.json", json.dumps(PACKAGE))]


@pytest.mark.parametrize(("path", "text"), FILES)
def test_what_says_nothing_else_stays_to_the_byte(path: str, text: str) -> None:
    changed = text.replace("shop", "bigger-shop")
    assert as_on_base(path, text.encode(), changed.encode()) == changed.encode()
