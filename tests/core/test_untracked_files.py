"""Which untracked files are scratch, and that patterns take linear time."""

from __future__ import annotations

import pytest

from bot.core.candidate.untracked_files import Scratch, heavy_directories
from bot.core.globs import covers, parse_globs

TRACKED = [
    "README.md",
    "pyproject.toml",
    "src/app.py",
    "tests/test_app.py",
    "tools/build/make.py",
    "crate/Cargo.toml",
    "web/package.json",
    "vendor/node_modules/kept/index.js",
    "old.orig",
]


@pytest.mark.parametrize(
    ("path", "scratch"),
    [
        ("src/__pycache__/app.cpython-311.pyc", True),
        ("src/stray.pyc", True),
        (".pytest_cache/v/cache", True),
        ("src/.mypy_cache/x.json", True),
        (".ruff_cache/x", True),
        ("node_modules/left-pad/index.js", True),
        ("web/node_modules/left-pad/index.js", True),
        ("vendor/node_modules/kept/more.js", False),
        (".venv/bin/python", True),
        ("venv/pyvenv.cfg", True),
        ("demo.egg-info/PKG-INFO", True),
        ("src/demo.egg-info/PKG-INFO", True),
        (".tox/py/x", True),
        ("crate/target/debug/x", True),
        ("target/x", False),
        ("src/target/goal.py", False),
        ("build/lib/app.py", True),
        ("dist/app.whl", True),
        ("web/dist/bundle.js", True),
        ("src/build/step.py", False),
        ("tools/build/more.py", False),
        (".coverage", True),
        (".coverage.host.1", True),
        ("coverage.xml", True),
        ("htmlcov/index.html", True),
        ("web/coverage/lcov.info", True),
        ("src/coverage/model.py", False),
        ("src/app.py.orig", True),
        ("src/app.py.rej", True),
        ("src/.app.py.swp", True),
        ("src/app.py~", True),
        (".DS_Store", True),
        ("src/.DS_Store", True),
        ("old.orig", False),
        ("patch.txt", True),
        ("fix.patch", True),
        ("debian/patches/fix.patch", False),
        ("reproduce_issue.py", True),
        ("repro.py", True),
        ("repro.sh", True),
        ("test_repro.py", True),
        ("debug_parser.py", True),
        ("tests/test_repro.py", False),
        ("tests/reproduce_issue.py", False),
        ("tests/test_regression.py", False),
        ("test_regression.py", False),
        ("src/new_module.py", False),
        ("src/debugger.py", False),
        ("CHANGES.md", False),
    ],
)
def test_what_tools_and_agents_leave_behind(path: str, scratch: bool) -> None:
    assert (path in Scratch(TRACKED, {})) is scratch


def test_where_tests_live_at_the_top_a_new_one_is_wanted() -> None:
    assert "test_repro.py" not in Scratch([*TRACKED, "test_app.py"], {})


@pytest.mark.parametrize(
    ("path", "scratch"),
    [
        ("a.log", True),
        ("deep/a.log", True),
        ("keep.log", False),
        ("sub/a.log", False),
        ("sub/secret.log", True),
        ("sub/deeper/a.log", True),
        ("out/x", True),
        ("out/keep/x", True),
        ("src/out/x", False),
        ("build/app.js", False),
        ("gen/a.py", True),
        ("gen/README", False),
        ("tracked.log", False),
    ],
)
def test_the_base_commits_gitignore_files(path: str, scratch: bool) -> None:
    """Deeper files win; from an ignored directory nothing comes back; `!build/` overrules what we would drop."""
    rules = {
        ".gitignore": "*.log\n!keep.log\n/out/\n!/out/keep/\n!build/\n/gen/*\n!/gen/README\n",
        "sub/.gitignore": "!*.log\nsecret.log\n",
        "sub/deeper/.gitignore": "*\n",
        "out/.gitignore": "!*\n",
    }
    tracked = [*TRACKED, "tracked.log", "sub/.gitignore"]
    assert (path in Scratch(tracked, rules)) is scratch


@pytest.mark.parametrize("text", ["[z-a]", "\\", "!", "/", "[", "\ufeff*.log\r\nx\\\r\n", "\0", "\udcff*", " "])
def test_no_gitignore_is_an_error(text: str) -> None:
    assert "src/a.py" not in Scratch(TRACKED, {".gitignore": text})


def test_names_that_are_not_utf8() -> None:
    scratch = Scratch(TRACKED, {".gitignore": "*.log\n"})
    assert "\udcff.log" in scratch
    assert "caf\udce9.py" not in scratch


def test_heavy_directories_are_those_that_nobody_tracks() -> None:
    assert "node_modules" in heavy_directories(["src/app.py"])
    assert "node_modules" not in heavy_directories(TRACKED)
    assert "__pycache__" in heavy_directories(TRACKED)
    assert not {"build", "dist", "target"} & set(heavy_directories([]))
    assert heavy_directories(["node_modules"]) == heavy_directories([])


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "line",
    [
        "**/" * 40 + "x",
        "*a" * 40 + "b",
        "a*" * 40 + "b",
        "*/" * 40 + "x",
        "**/a" * 40 + "/b",
        "[!b]*" * 30 + "c",
        "?*" * 40 + "c",
    ],
)
@pytest.mark.parametrize("path", ["a" * 255, "a/" * 500 + "a", "/".join(["a" * 200] * 20)])
def test_no_pattern_takes_long(line: str, path: str) -> None:
    """Milliseconds; an expression that tries all ways to place its stars would not be done before the sun is."""
    assert not covers(parse_globs(line), path)
