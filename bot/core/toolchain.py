"""How a repository is set up and tested, found from its files. What `.github/solvebot.yml` says wins.

Set-up runs in the sandbox without root and installs into the agent's home: /home/agent/venv/bin and
/home/agent/.local/bin are on PATH there. It is left out where there is nothing to install, because a set-up that is
not needed can only fail. Tests run later without any network. Only manifests at the top of the repository count.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.config import CONFIG_PATHS
from bot.core.model import RepoConfig, Toolchain

_MANIFEST = re.compile(
    r"pyproject\.toml|setup\.(py|cfg)|tox\.ini|pytest\.ini|package\.json|\.yarnrc\.yml|go\.mod|Cargo\.toml|Gemfile|"
    r"(GNUm|M|m)akefile"
)
_REQUIREMENTS = re.compile(r"(dev-|test-)?requirements([-_](dev|tests?|testing))?\.txt|requirements/(dev|tests?)\.txt")
_PYTHON_TEST = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test)\.py")
_SAMPLES = 3  # test files that are looked into


@dataclass(frozen=True, slots=True)
class Files:
    """The paths of a repository, and the texts of the manifests among them."""

    paths: frozenset[str]
    texts: Mapping[str, str]

    def __contains__(self, path: str) -> bool:
        return path in self.paths

    def text(self, path: str) -> str:
        return self.texts.get(path, "")

    def any(self, pattern: str) -> bool:
        return any(re.fullmatch(pattern, path) for path in self.paths)

    def count(self, *endings: str) -> int:
        return sum(path.endswith(endings) for path in self.paths)


@dataclass(frozen=True, slots=True)
class _Found:
    """What one detector knows. `sources`: how many files speak for it."""

    setup: tuple[str, ...]
    test: str | None
    sign: str
    sources: int


def manifests(paths: Sequence[str]) -> list[str]:
    """Those whose text `detect` wants to read."""
    wanted = [path for path in paths if _MANIFEST.fullmatch(path) or _REQUIREMENTS.fullmatch(path)]
    samples = sorted((path for path in paths if _PYTHON_TEST.fullmatch(path)), key=lambda path: (path.count("/"), path))
    return [*wanted, *samples[:_SAMPLES]]


def detect(paths: Sequence[str], texts: Mapping[str, str], config: RepoConfig) -> Toolchain:
    """The repository's word, else the ecosystem with tests and the most files; a Makefile where no other has tests."""
    files = Files(frozenset(paths), texts)
    found = {name: result for name, detector in _DETECTORS.items() if (result := detector(files))}
    ecosystem = max(found, key=lambda name: (found[name].test is not None, found[name].sources), default="")
    best = found.get(ecosystem)
    setup = config.setup if config.setup is not None else best.setup if best else ()
    test = config.test or (best.test if best else None)
    detected = f"detected: {best.sign}" if best else "nothing was found that says how to test it"
    match config.setup is not None, config.test is not None:
        case True, True:
            why = f"from {CONFIG_PATHS[0]}"
        case True, False:
            why = f"set-up from {CONFIG_PATHS[0]}, tests {detected}"
        case False, True:
            why = f"tests from {CONFIG_PATHS[0]}, set-up {detected}"
        case _:
            why = detected
    return Toolchain(tuple(setup), test, why, "" if ecosystem == "make" else ecosystem)


def meant_for(ecosystem: str, words: Sequence[str]) -> tuple[str, ...]:
    """Of an operator's list: what is for all, and what is for this one, as in `python=registry.example`."""
    pairs = [(left, right) if equals else ("", left) for left, equals, right in (w.partition("=") for w in words)]
    return tuple(value for name, value in pairs if name in ("", ecosystem))


# ------------------------------------------------------------------------------------------------------------ Python

_TEST_EXTRAS = ("test", "tests", "testing", "dev")
_PIP = "~/venv/bin/python -m pip install --quiet --disable-pip-version-check"


PYTEST_IF_MISSING = f'python3 -c "import pytest" 2>/dev/null || {{ python3 -m venv ~/venv && {_PIP} pytest; }}'


def _python(files: Files) -> _Found | None:
    signs = ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini")
    requirements = sorted(path for path in files.paths if _REQUIREMENTS.fullmatch(path))
    tests = files.any(_PYTHON_TEST.pattern)
    sign = next((name for name in (*signs, *requirements) if name in files), "test files" if tests else "")
    if not sign:
        return None
    project = _toml(files.text("pyproject.toml"))
    test, runner = _python_tests(files, tests)
    install = _python_installs(files, project, requirements)
    setup: tuple[str, ...] = ()
    if install:
        wanted = [*install, "pytest"] if runner == "pytest" else install
        setup = ("python3 -m venv ~/venv", f"{_PIP} {' '.join(wanted)}")
    elif runner == "pytest":
        setup = (PYTEST_IF_MISSING,)
    if not install and test and files.any(r"src/.*\.py") and "pythonpath" not in files.text("pyproject.toml"):
        test = f"PYTHONPATH=src {test}"
    return _Found(setup, test, f"{sign} with {runner}" if runner else sign, files.count(".py"))


def _python_tests(files: Files, tests: bool) -> tuple[str | None, str]:
    """The command and the name of the runner. pytest, unless the tests are visibly unittest's own."""
    sampled = [text for path, text in files.texts.items() if _PYTHON_TEST.fullmatch(path)]
    names_pytest = any("pytest" in text for text in files.texts.values())
    if names_pytest or "pytest.ini" in files or files.any(r"(.*/)?conftest\.py"):
        return "python3 -m pytest -q", "pytest"
    if tests and sampled and all("unittest" in text for text in sampled):
        return "python3 -m unittest discover", "unittest"
    return ("python3 -m pytest -q", "pytest") if tests else (None, "")


def _python_installs(files: Files, project: Mapping[str, Any], requirements: Sequence[str]) -> list[str]:
    """Arguments of pip; empty where nothing has to be installed."""
    arguments = [f"-r {path}" for path in requirements]
    table = _table(project, "project")
    extras = [name for name in _TEST_EXTRAS if name in _table(table, "optional-dependencies")]
    poetry = set(_table(_table(_table(project, "tool"), "poetry"), "dependencies")) - {"python"}
    legacy = any("install_requires" in files.text(name) for name in ("setup.py", "setup.cfg"))
    if extras or table.get("dependencies") or "dependencies" in _words(table.get("dynamic")) or poetry or legacy:
        arguments.append(f"-e '.[{','.join(extras)}]'" if extras else "-e .")
    for name, group in _table(project, "dependency-groups").items():
        if name in _TEST_EXTRAS:
            arguments += [shlex.quote(requirement) for requirement in _words(group)]
    return arguments


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):  # not ours to complain about: its own tools will
        return {}


def _table(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, Mapping) else {}


def _words(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


# -------------------------------------------------------------------------------------------------------------- Node


def _node(files: Files) -> _Found | None:
    if "package.json" not in files:
        return None
    try:
        package = json.loads(files.text("package.json") or "{}")
    except (ValueError, RecursionError):
        package = {}
    package = package if isinstance(package, dict) else {}
    tool, install = _node_tool(files)
    script = str(_table(package, "scripts").get("test") or "")
    test: str | None = f"CI=true {tool} test"
    if not script or "no test specified" in script:
        test = None
    elif re.fullmatch(r"node --test( [\w./-]+)*", script):
        test = script  # run by itself, node can report single tests
    needs = _table(package, "dependencies") or _table(package, "devDependencies")
    sources = files.count(".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs")
    return _Found((install,) if needs else (), test, f"package.json with {tool}", sources)


def _node_tool(files: Files) -> tuple[str, str]:
    """The lock file decides who installs, and nothing may change it."""
    if "pnpm-lock.yaml" in files:
        return "pnpm", "pnpm install --frozen-lockfile"
    if "yarn.lock" in files:
        return "yarn", f"yarn install {'--immutable' if '.yarnrc.yml' in files else '--frozen-lockfile'}"
    locked = "package-lock.json" in files or "npm-shrinkwrap.json" in files
    return "npm", f"npm {'ci' if locked else 'install --no-package-lock'} --no-audit --no-fund"


# ------------------------------------------------------------------------------------------------------------ others


def _go(files: Files) -> _Found | None:
    if "go.mod" not in files:
        return None
    setup = ("go mod download",) if "go.sum" in files else ()
    return _Found(setup, "go test ./..." if files.any(r".*_test\.go") else None, "go.mod", files.count(".go"))


def _rust(files: Files) -> _Found | None:
    if "Cargo.toml" not in files:
        return None
    return _Found(("cargo fetch",), "cargo test --offline", "Cargo.toml", files.count(".rs"))


def _java(files: Files) -> _Found | None:
    sources = files.count(".java", ".kt", ".scala", ".groovy")
    if "pom.xml" in files:
        maven = "./mvnw" if "mvnw" in files else "mvn"
        # A test that does not exist: the plugins that run tests are fetched, too, and nothing is run.
        fetch = f"{maven} -B -q test -Dtest=NoSuchTest -DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false"
        return _Found((fetch,), f"{maven} -B -q -o test", "pom.xml", sources)
    if "build.gradle" in files or "build.gradle.kts" in files:
        gradle = "./gradlew" if "gradlew" in files else "gradle"
        fetch = f"{gradle} --no-daemon -q testClasses"
        return _Found((fetch,), f"{gradle} --no-daemon --offline test", "Gradle", sources)
    return None


def _ruby(files: Files) -> _Found | None:
    bundled = "Gemfile" in files
    specs, unit = files.any(r"spec/.*_spec\.rb"), "Rakefile" in files and files.any(r"test/.*\.rb")
    if not bundled and not specs and not unit:
        return None
    setup = ("bundle config set --global path ~/gems", "bundle install --quiet") if bundled else ()
    test = "rspec" if specs else "rake test" if unit else None
    command = f"bundle exec {test}" if bundled and test else test
    return _Found(setup, command, "Gemfile" if bundled else "Ruby tests", files.count(".rb"))


def _make(files: Files) -> _Found | None:
    for name in ("GNUmakefile", "makefile", "Makefile"):
        for target in ("test", "check"):
            if re.search(rf"^{target}\s*:(?!=)", files.text(name), re.MULTILINE):
                return _Found((), f"make {target}", f"{name} with `{target}`", 0)
    return None


_DETECTORS: dict[str, Callable[[Files], _Found | None]] = {
    "python": _python,
    "node": _node,
    "go": _go,
    "rust": _rust,
    "java": _java,
    "ruby": _ruby,
    "make": _make,
}
