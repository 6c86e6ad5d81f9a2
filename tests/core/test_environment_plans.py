"""How repositories of all kinds are set up and tested."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.environment.files import Files
from bot.core.environment.plans import plans, wanted
from bot.core.environment.tools import Tools
from bot.core.model import RepoConfig, Toolchain

PIP = "~/venv/bin/python -m pip install --quiet --disable-pip-version-check"
PYTEST_SETUP = ("python3 -m venv ~/venv", f"{PIP} pytest")
PYTEST = "python -m pytest -q"


def found(files: dict[str, str], config: RepoConfig | None = None) -> Toolchain:
    """`files`: path to text; what `detect` did not ask for is not given to it."""
    texts = {path: files[path] for path in wanted(list(files))}
    return plans(Files(frozenset(files), texts), config or RepoConfig(), Tools({})).plans[0]


@pytest.mark.parametrize(
    ("files", "setup", "test"),
    [
        # Node: the rest in test_environment_node.py
        (
            {"package.json": '{"scripts": {"test": "jest"}, "devDependencies": {"x": "1"}}', "package-lock.json": ""},
            ("npm ci --no-audit --no-fund",),
            "npx jest",
        ),
        ({"package.json": '{"scripts": {"test": "node --test"}}'}, (), "node --test"),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, (), None),
        ({"package.json": "[" * 100_000}, (), None),
        ({"package.json": "[1]"}, (), None),
        ({"package.json": '{"scripts": [1], "dependencies": 3}'}, (), None),
        # others
        ({"go.mod": "", "go.sum": "", "a.go": "", "a_test.go": ""}, ("go mod download",), "go test ./..."),
        ({"go.mod": "", "a.go": ""}, (), None),
        ({"Cargo.toml": "", "src/lib.rs": ""}, ("cargo fetch",), "cargo test --offline --no-fail-fast"),
        (
            {"build.gradle.kts": "", "gradlew": ""},
            ("./gradlew --no-daemon -q testClasses",),
            "./gradlew --no-daemon --offline test",
        ),
        (
            {"Gemfile": "", "spec/a_spec.rb": ""},
            ("bundle config set --global path ~/gems", "bundle install --quiet"),
            "bundle exec rspec",
        ),
        ({"Rakefile": "", "test/test_a.rb": ""}, (), "rake test"),
        ({"Makefile": "all:\n\techo\ntest: all\n\t./run"}, (), "make test"),
        ({"GNUmakefile": "check:\n", "Makefile": "test:\n"}, (), "make check"),
        ({"Makefile": "test := x\n"}, (), None),
        ({"README.md": ""}, (), None),
        ({}, (), None),
        # several at once: the one with tests and the most files
        (
            {"package.json": '{"scripts": {"test": "x"}}', "a.js": "", "test_a.py": "", "b.py": "", "pytest.ini": ""},
            PYTEST_SETUP,
            PYTEST,
        ),
        ({"package.json": "{}", "a.js": "", "b.js": "", "go.mod": "", "a_test.go": ""}, (), "go test ./..."),
        ({"package.json": "{}", "a.js": "", "Makefile": "test:\n"}, (), "make test"),
    ],
)
def test_detection(files: dict[str, str], setup: tuple[str, ...], test: str | None) -> None:
    toolchain = found(files)
    assert (toolchain.setup, toolchain.test) == (setup, test)


def test_maven_fetches_what_its_tests_need_without_running_them() -> None:
    toolchain = found({"pom.xml": "<project/>", "src/main/java/A.java": "", "mvnw": ""})
    assert toolchain.setup[0].startswith("./mvnw -B -q test -Dtest=NoSuchTest")
    assert toolchain.test == "./mvnw -B -q -o test"


@pytest.mark.parametrize(
    ("config", "setup", "test", "why"),
    [
        (RepoConfig(), ("go mod download",), "go test ./...", "detected: go.mod"),
        (RepoConfig(setup=(), test="make t"), (), "make t", "from .github/solvebot.yml"),
        (
            RepoConfig(setup=("a", "b")),
            ("a", "b"),
            "go test ./...",
            "set-up from .github/solvebot.yml, tests detected: go.mod",
        ),
        (RepoConfig(test="t"), ("go mod download",), "t", "tests from .github/solvebot.yml, set-up detected: go.mod"),
    ],
)
def test_the_repository_has_the_last_word(config: RepoConfig, setup: tuple[str, ...], test: str, why: str) -> None:
    toolchain = found({"go.mod": "", "go.sum": "", "a_test.go": ""}, config)
    assert toolchain == Toolchain(setup, test, why, "go")


def test_why_says_what_was_found() -> None:
    assert found({"pyproject.toml": "[tool.pytest]"}).why == "detected: pyproject.toml"
    assert found({}).why == "nothing was found that says how to test it"


def test_a_plan_that_is_found_twice_keeps_its_first_place() -> None:
    package = '{"scripts": {"test": "jest"}, "devDependencies": {"jest": "29"}}'
    steps = "[{run: npm ci}, {run: npx jest}, {uses: codecov/codecov-action@v5, with: {token: '${{ secrets.T }}'}}]"
    job = f"on: push\njobs:\n  t:\n    runs-on: ubuntu-latest\n    steps: {steps}\n"
    files = {"package.json": package, "package-lock.json": "", ".github/workflows/ci.yml": job, "a.ts": "", "b.py": ""}
    texts = {path: files[path] for path in wanted(list(files))}
    found = plans(Files(frozenset(files), texts), RepoConfig(), Tools({})).plans
    assert (found[0].setup, found[0].test) == (("npm ci --no-audit --no-fund",), "npx jest")


def test_only_a_few_files_at_the_top_are_read() -> None:
    tests = [f"tests/test_{number}.py" for number in range(60)]
    paths = [
        "a/b/c/d/e/f/package.json",
        "a/package.json",
        "package.json",
        "a.py",
        "tests/data/requirements.txt",
        *tests,
    ]
    assert wanted(paths) == ["package.json", "a/package.json", *sorted(tests)[:48]]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["scripts", "test", "dependencies"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(JSON, st.text(max_size=80))
def test_no_manifest_makes_it_raise(package: object, text: str) -> None:
    files = {"package.json": json.dumps(package), "pyproject.toml": text, "Makefile": text, "setup.cfg": text}
    assert isinstance(found(files), Toolchain)
