"""Projects below the top of a repository, each with plans of its own."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.environment.files import Files
from bot.core.environment.plan import Plans, Skipped
from bot.core.environment.plans import plans, wanted
from bot.core.environment.projects import tails, with_projects
from bot.core.environment.tools import Tools
from bot.core.model import RepoConfig, Toolchain

VITEST = json.dumps({"scripts": {"test": "vitest"}, "devDependencies": {"vitest": "3"}})
GO = {"api/go.mod": "module x", "api/a_test.go": ""}
NODE = {"frontend/package.json": VITEST, "frontend/package-lock.json": "", "frontend/src/a.ts": ""}


def found(files: dict[str, str], *about: str, tools: Tools | None = None) -> Plans:
    texts = {path: files[path] for path in wanted(list(files))}
    return plans(Files(frozenset(files), texts), RepoConfig(), tools or Tools({}), about=about)


def commands(files: dict[str, str], *about: str) -> list[str | None]:
    return [plan.test for plan in found(files, *about).plans]


def test_each_project_has_its_plans_and_the_one_that_the_issue_is_about_is_first() -> None:
    files = {**GO, **NODE, "README.md": "x"}
    assert commands(files)[:2] == ["(cd frontend && npx vitest run)", "(cd api && go test ./...)"]
    assert commands(files, "api/a.go")[:2] == ["(cd api && go test ./...)", "(cd frontend && npx vitest run)"]
    assert found(files).plans[0] == Toolchain(
        ("(cd frontend && npm ci --no-audit --no-fund)",),
        "(cd frontend && npx vitest run)",
        "detected: frontend/package.json with npm, `test`",
        "node",
    )


@pytest.mark.parametrize(
    ("files", "about", "first"),
    [
        # a manifest at the top with tests: what is below is its own affair
        ({**GO, "package.json": VITEST}, "", "npx vitest run"),
        # but not of another language that the issue is about
        ({**GO, "package.json": VITEST}, "api/a.go", "(cd api && go test ./...)"),
        ({**GO, "package.json": VITEST}, "src/a.ts", "npx vitest run"),
        ({**NODE, "package.json": VITEST}, "frontend/src/a.ts", "npx vitest run"),
        # a manifest at the top that tests nothing: formatters, hooks
        ({**GO, "package.json": '{"devDependencies": {"husky": "9"}}'}, "", "(cd api && go test ./...)"),
        # two levels, and no deeper; nothing that only shows how it is done
        ({"services/api/go.mod": "", "services/api/a_test.go": ""}, "", "(cd services/api && go test ./...)"),
        ({"a/b/c/go.mod": "", "a/b/c/a_test.go": ""}, "", None),
        ({"examples/go.mod": "", "examples/a_test.go": ""}, "", None),
        # the outermost of nested ones
        ({**GO, "api/inner/go.mod": "", "api/inner/a_test.go": ""}, "api/inner/a.go", "(cd api && go test ./...)"),
        # names that a shell would read
        ({"a b;c/go.mod": "", "a b;c/a_test.go": ""}, "", "(cd 'a b;c' && go test ./...)"),
        # a Makefile at the top says it
        ({**GO, "Makefile": "test:\n\tgo test $(X)\n"}, "", "make test"),
    ],
)
def test_when_projects_are_looked_for(files: dict[str, str], about: str, first: str | None) -> None:
    assert commands(files, about)[0] == first


def test_tests_below_are_not_run_from_the_top_where_a_project_has_a_manifest() -> None:
    files = {"backend/pyproject.toml": "[project]\nname='x'\n[tool.pytest]", "backend/tests/test_a.py": "import pytest"}
    first = found(files).plans[0]
    assert first.test is not None
    assert first.test.startswith("(cd backend && ")
    assert all(line.startswith("(cd backend && ") for line in first.setup)


def test_alternatives_stay_in_the_directory() -> None:
    plan = Toolchain(("a || b", "c"), "d; e", "x", "go")

    def read(files: Files, about: object) -> Plans:
        return Plans((plan,), (Skipped("y", "z"),)) if "go.mod" in files else Plans()

    moved = with_projects(Files(frozenset({"p/go.mod"}), {}), (), read)
    assert moved.plans[0].setup == ("(cd p && { a || b; })", "(cd p && c)")
    assert moved.plans[0].test == "(cd p && { d; e; })"
    assert moved.skipped == (Skipped("p/y", "z"),)


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("a", ["a"]),
        ("a/b/c/d", ["a/b/c/d", "b/c/d", "c/d"]),
        ("docs/b", ["docs/b"]),
        ("a/tests/b", ["a/tests/b", "tests/b"]),
        (".github/b", [".github/b"]),
    ],
)
def test_who_may_see_a_path(path: str, seen: list[str]) -> None:
    assert tails(path) == seen


PATH = st.lists(
    st.sampled_from(["a", "b", "tests", "go.mod", "package.json", "x.py", "'", ";"]), min_size=1, max_size=4
)


@settings(max_examples=100, deadline=None)
@given(st.lists(PATH.map("/".join), max_size=8), PATH.map("/".join))
def test_no_layout_makes_it_raise(paths: list[str], about: str) -> None:
    assert found(dict.fromkeys(paths, "{}"), about).plans
