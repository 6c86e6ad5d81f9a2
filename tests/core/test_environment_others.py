"""Plans for all that is neither Python nor Node, and what task runners' targets come to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.environment import others
from bot.core.environment.files import Files
from bot.core.environment.others import expand, plans
from bot.core.environment.plan import Expanded, Plans
from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

UNKNOWN = Tools({})


def files_of(files: dict[str, str]) -> Files:
    return Files(frozenset(files), {path: text for path, text in files.items() if others.WANTED.fullmatch(path)})


def found(files: dict[str, str], tools: Tools = UNKNOWN) -> Plans:
    return plans(files_of(files), tools)


CMAKE = "cmake -S . -B ~/build -DBUILD_TESTING=ON"
BUILD = "cmake --build ~/build --parallel 4"
BATS = "command -v bats || npm install --global --prefix ~/.local --no-audit --no-fund bats"
COMPOSER = "composer install --no-interaction --no-progress --quiet"


@pytest.mark.parametrize(
    ("files", "setup", "test"),
    [
        ({"go.mod": "", "a_test.go": ""}, (), "go test ./..."),
        ({"go.mod": "", "go.sum": "", "x/a_test.go": ""}, ("go mod download",), "go test ./..."),
        ({"go.mod": "", "go.sum": "", "vendor/modules.txt": "", "a_test.go": ""}, (), "go test ./..."),
        ({"go.mod": "", "vendor/x/a_test.go": ""}, (), None),
        (
            {"go.work": "go 1.22\nuse (\n ./a // x\n ./b/c/\n $(id)\n)\nuse ./d\n"},
            (),
            "go test ./a/... ./b/c/... ./d/...",
        ),
        ({"Cargo.toml": "[package]"}, ("cargo fetch",), "cargo test --offline --no-fail-fast"),
        ({"Cargo.toml": "[workspace]"}, ("cargo fetch",), "cargo test --offline --workspace --no-fail-fast"),
        ({"build.sbt": ""}, ("sbt -batch Test/compile",), "sbt -batch test"),
        ({"composer.json": "{}", "tests/ATest.php": ""}, (COMPOSER,), "vendor/bin/phpunit"),
        ({"composer.json": "{}", "phpunit.xml.dist": ""}, (COMPOSER,), "vendor/bin/phpunit"),
        ({"composer.json": "{}", "tests/Pest.php": ""}, (COMPOSER,), "vendor/bin/pest"),
        ({"composer.json": "{}"}, (COMPOSER,), None),
        ({"src/A.csproj": ""}, ("dotnet restore",), "dotnet test --no-restore"),
        ({"Makefile.PL": "", "t/a.t": ""}, (), "prove -lr t"),
        ({"Makefile.PL": "", "t/a.t": "", "A.xs": ""}, ("perl Makefile.PL",), "make && prove -br t"),
        ({"lib/A.pm": "", "t/deep/a.t": ""}, (), "prove -lr t"),
        ({"test/a.bats": ""}, (BATS,), "bats -r test"),
        ({"a.bats": ""}, (BATS,), "bats -r ."),
        ({"test/a.bats": "", "bin/bats": ""}, (), "bin/bats -r test"),
        (
            {"CMakeLists.txt": "enable_testing()"},
            (CMAKE, BUILD),
            f"{BUILD} && ctest --test-dir ~/build --output-on-failure",
        ),
        (
            {"CMakeLists.txt": "option(X_BUILD_TESTS OFF)\noption( X_FUZZ_TESTS y)\ninclude(CTest)"},
            (f"{CMAKE} -DX_BUILD_TESTS=ON", BUILD),
            f"{BUILD} && ctest --test-dir ~/build --output-on-failure",
        ),
        ({"CMakeLists.txt": "project(x)"}, None, None),
        (
            {"meson.build": ""},
            ("meson setup ~/build", "meson compile -C ~/build"),
            "meson compile -C ~/build && meson test -C ~/build",
        ),
        ({"configure": "", "Makefile.in": ""}, ("./configure", "make -j2"), "make check"),
        ({"configure.ac": ""}, ("autoreconf -fi", "./configure", "make -j2"), "make check"),
        (
            {"configure.ac": "", "autogen.sh": ""},
            ("NOCONFIGURE=1 ./autogen.sh", "./configure", "make -j2"),
            "make check",
        ),
        ({"justfile": "test:\n  cargo t\n", "Makefile": "check:\n\tx\n"}, (), "cargo t"),
        ({"Taskfile.yml": "tasks: {unit: x}"}, (), "task unit"),
        ({"Makefile": "all: x\nx:\n\tcc\n"}, None, None),
    ],
)
def test_languages(files: dict[str, str], setup: tuple[str, ...] | None, test: str | None) -> None:
    plans = found(files).plans
    assert (plans[0].setup, plans[0].test) == (setup, test) if plans else setup is None


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ({"go.mod": "", "a_test.go": ""}, "Go"),
        ({"Cargo.toml": ""}, "Rust"),
        ({"pom.xml": "", "mvnw": ""}, "Java"),
        ({"pom.xml": ""}, "Maven"),
        ({"Gemfile": "", "spec/a_spec.rb": ""}, "Bundler"),
        ({"Rakefile": "", "test/a.rb": ""}, "Ruby"),
        ({"CMakeLists.txt": "enable_testing()"}, "CMake"),
        ({"configure": ""}, "make"),
        ({"Makefile": "test:\n"}, "make"),
    ],
)
def test_a_missing_program_is_said_instead_of_tried(files: dict[str, str], missing: str) -> None:
    plans = found(files, Tools({"python3": "3.11.2"}))
    assert plans.plans == ()
    assert plans.skipped[0].reason.startswith(f"The sandbox has no {missing}. SANDBOX_TOOLCHAINS ")
    assert found(files).plans != ()  # nobody asked


@pytest.mark.parametrize(
    ("files", "tools", "said"),
    [
        (
            {"go.mod": "module x\n\ngo 1.24\n"},
            {"go": "1.22.1"},
            "The repository wants Go 1.24, the sandbox has 1.22.1.",
        ),
        ({"go.mod": "go 1.22\n"}, {"go": "1.22.1"}, ""),
        ({"Cargo.toml": '[package]\nrust-version="1.80"'}, {"cargo": "1.79.0"}, "The repository wants Rust 1.80"),
        ({"Cargo.toml": '[workspace.package]\nrust-version="1.80"'}, {"cargo": "1.79.0"}, "The repository wants Rust"),
        (
            {"composer.json": '{"require": {"php": "^8.3"}}'},
            {"php": "8.2.1", "composer": "2.1"},
            "The repository wants PHP 8.3",
        ),
        ({"composer.json": '{"require": {"php": 8}}'}, {"php": "8.2.1", "composer": "2.1"}, ""),
        (
            {"Gemfile": "", ".ruby-version": "3.3.0\n"},
            {"ruby": "3.1.2", "bundle": "2.3"},
            "The repository wants Ruby 3.3.0",
        ),
    ],
)
def test_versions_that_are_too_old_are_said(files: dict[str, str], tools: dict[str, str], said: str) -> None:
    notes = found(files, Tools(tools)).plans[0].notes
    assert "".join(notes).startswith(said)
    assert bool(notes) is bool(said)


MAKE = """
PY ?= python3
.PHONY: test lint
all: build

test: lint build  ## all of it
\t@echo testing
\t@npx jest && \\
\t  npx mocha
\t-$(MAKE) unit

lint:
\truff check .
build: ; gcc -c a.c
unit: other.o
\tpytest -q
theirs:
\t$(PY) -m pytest
loop: loop
\tpytest
%.o: %.c
\tcc $<
"""
JUST = """
set shell := ["bash"]
alias t := test

# runs it
test *args: lint
    @cargo test
    just unit

lint:
  cargo clippy
unit name='x' :
  pytest
theirs x:
  pytest {{x}}
"""
TASK = """
version: '3'
tasks:
  test: {deps: [lint], cmds: ['go test ./...', {task: unit}, {cmd: 'go vet'}]}
  lint: golangci-lint run
  unit: [pytest]
"""


@pytest.mark.parametrize(
    ("files", "command", "expanded"),
    [
        (
            {"Makefile": MAKE},
            "make test",
            Expanded((), ("gcc -c a.c", "npx jest", "npx mocha", "pytest -q"), ("ruff check .",)),
        ),
        ({"Makefile": MAKE}, "make -s unit", Expanded((), ("pytest -q",))),
        ({"Makefile": MAKE}, "make lint", Expanded((), (), ("ruff check .",))),
        ({"Makefile": MAKE}, "make loop", Expanded((), ("pytest",))),
        ({"Makefile": MAKE}, "make theirs", None),
        ({"Makefile": MAKE}, "make missing", None),
        ({"Makefile": MAKE}, "make build", None),
        ({"Makefile": MAKE}, "make -j4 test", None),
        ({"Makefile": MAKE}, "make test X=1", None),
        ({"justfile": JUST}, "just test", Expanded((), ("cargo test", "pytest"), ("cargo clippy",))),
        ({"justfile": JUST}, "just theirs", None),
        (
            {"Taskfile.yml": TASK},
            "task test",
            Expanded((), ("go test ./...", "pytest"), ("golangci-lint run", "go vet")),
        ),
        ({}, "make test", None),
        ({"Makefile": MAKE}, "pytest", None),
    ],
)
def test_targets_are_taken_apart(files: dict[str, str], command: str, expanded: Expanded | None) -> None:
    assert expand(command.split(), files_of(files), UNKNOWN) == expanded


NAMES = ["Makefile", "justfile", "Taskfile.yml", "go.mod", "go.work", "Cargo.toml", "composer.json", "CMakeLists.txt"]
TEXT = st.text(alphabet="test: \t\n$(){}[],=@-\\#x.'\"", max_size=80)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), TEXT), st.lists(st.sampled_from(["make", "just", "task", "test", "t"])))
def test_nothing_that_a_repository_says_makes_it_raise(files: dict[str, str], command: list[str]) -> None:
    assert all(isinstance(plan, Toolchain) for plan in found(files, Tools({"go": "1.20.1", "php": "8.1.0"})).plans)
    expand(command, files_of(files), UNKNOWN)


@pytest.mark.parametrize("text", ["test: " * 20_000, "a " * 50_000, "\t" * 50_000, "test:\n" + "\tmake test\n" * 9_000])
def test_large_files_are_cheap(text: str) -> None:
    for name in ("Makefile", "justfile", "Taskfile.yml"):
        expand([{"Makefile": "make"}.get(name, "just"), "test"], files_of({name: text}), UNKNOWN)
        found({name: text})


def test_what_a_target_fetches_belongs_to_the_set_up() -> None:
    makefile = "cov:\n\tpython -m pip install -r dev.txt\n\tcc -o ext ext.c\n\tcoverage run -m unittest\n"
    files = Files(frozenset({"Makefile"}), {"Makefile": makefile})
    expanded = others.expand(["make", "cov"], files, Tools({}))
    assert expanded == Expanded(
        ("python -m pip install -r dev.txt",), ("cc -o ext ext.c", "coverage run -m unittest"), ()
    )
