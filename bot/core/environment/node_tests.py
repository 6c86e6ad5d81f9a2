"""What the tests of a Node repository are: its scripts taken apart, else a runner that it brings along."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.core.environment.files import Files, table
from bot.core.environment.node_commands import concerns_browsers
from bot.core.environment.node_install import manager_of
from bot.core.environment.node_programs import Role
from bot.core.environment.node_scripts import Package, Step, lines_of, steps
from bot.core.environment.node_workspaces import CONFIG, about_first, is_built, needs_each_other, reads_sources
from bot.core.environment.plan import Skipped

MAX_DIRECTORIES = 12  # packages of a monorepo whose tests are run
MAX_TESTS = 24  # commands that are tests
MAX_CHECKS = 8


@dataclass(frozen=True, slots=True)
class Tests:
    """A test command with what stands beside it. `what`: where it was found, for people."""

    line: str
    what: str
    checks: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """A repository and its packages. `about`: paths that the issue names."""

    files: Files
    top: Package
    workspaces: Sequence[Package] = ()
    about: Sequence[str] = ()


def tests(layout: Layout) -> list[Tests]:
    """Ways to run them, best first; none where nothing says that there are any."""
    files, top = layout.files, layout.top
    found = _of_scripts(layout) or _of_workspaces(layout)
    alone = runner_alone(files, top)
    if not found and alone:
        found = [Tests(alone, "its runner")]
    script = "test" if _says_something(top.scripts.get("test", "")) else ""
    whole = [Tests(f"CI=true {manager_of(files)} test", "`test`")] if script else []
    return [*found, *whole]


# ------------------------------------------------------------------------------------------------------------ scripts

_PREFERRED = (
    "test test:unit test-unit unit test:node test-node tests tests-only test-only testonly test:only test:ci test-ci",
    "unit-test unit-tests test:run test:js test:src mocha jest vitest ava tap tape ci test:all test-all",
    "test:coverage test:cov test-cov coverage cover check",
)
_NAMES = tuple(name for names in _PREFERRED for name in names.split())


def _of_scripts(layout: Layout) -> list[Tests]:
    """Of the first script that runs tests; before it, of the first one for unit tests, where it runs browsers too."""
    top = layout.top
    testing: list[tuple[str, list[Step]]] = []
    for name in (name for name in _NAMES if name in top.scripts):
        found = steps(top, layout.workspaces, name)
        if any(step.role is Role.TEST for step in found):
            testing.append((name, found))
        if testing and not _may_run_browsers(top, testing[0][1]):
            break
    units = [pair for pair in testing[:1] + testing if pair[0] in _UNIT]
    chosen = [*units[:1], *testing[:1]] if testing and _may_run_browsers(top, testing[0][1]) else testing[:1]
    ways = [way for name, found in chosen for way in _ways(layout, found, f"`{name}`")]
    return list(dict.fromkeys(ways))


_UNIT = ("test:unit", "test-unit", "unit", "unit-test", "unit-tests", "test:node", "test-node")


def _may_run_browsers(top: Package, found: Sequence[Step]) -> bool:
    """Are there scripts for browsers, and none of them is told apart in what was found?"""
    return any(map(concerns_browsers, top.scripts)) and all(step.role is not Role.BROWSER for step in found)


def _of_workspaces(layout: Layout) -> list[Tests]:
    """Of each package, where the top runs none itself."""
    found = [step for package in layout.workspaces for step in _of_package(package, layout.workspaces)]
    if not any(step.role is Role.TEST for step in found):
        return []
    return _ways(layout, found, "the packages' scripts")


def _of_package(package: Package, workspaces: Sequence[Package]) -> list[Step]:
    for name in _PREFERRED[0].split():
        if name in package.scripts:
            found = steps(package, workspaces, name)
            if any(step.role is Role.TEST for step in found):
                return found
    return []


def _says_something(script: str) -> bool:
    return bool(script.strip()) and "no test specified" not in script and not re.fullmatch(r"(exit 0|true|:)", script)


# -------------------------------------------------------------------------------------------------------------- ways


def _ways(layout: Layout, found: Sequence[Step], what: str) -> list[Tests]:
    """As they are; then without what is built before them, or with a build that they do not ask for."""
    few, notes = _few(found, layout.about)
    kept = apart_from_types(few, layout.files)
    run, checks = needed(kept), tuple(lines_of(checking(kept)))[:MAX_CHECKS]
    skipped = tuple(dict.fromkeys(_skipped(step) for step in kept if step.role is Role.BROWSER))
    plain = Tests(" && ".join(lines_of(run)), what, checks, skipped, notes)
    if any(step.role is Role.BUILD for step in run):
        only = " && ".join(lines_of(step for step in run if step.role is Role.TEST))
        return [plain, replace(plain, line=only, what=f"{what} without its build")]
    build = next((name for name in _BUILDS if name in layout.top.scripts), "")
    likely = _built_first(layout, run) if build else None
    if likely is None:
        return [plain]
    line = f"{manager_of(layout.files)} run {build} && {plain.line}"
    built = replace(plain, line=line, what=f"{what} after `{build}`")
    return [built, plain] if likely else [plain, built]


_BUILDS = ("build", "compile", "build:packages", "build:all", "build-all", "build:libs", "build:lib", "bootstrap")


def _built_first(layout: Layout, run: Sequence[Step]) -> bool | None:
    """May the tests need a build? True: most likely, because packages import each other's. None: no."""
    files = layout.files
    if layout.workspaces:
        inside = {step.directory for step in run} - {""}
        return bool(inside) or not reads_sources(files) if needs_each_other(files, layout.workspaces) else None
    return False if is_built(files, layout.top) else None


def checking(found: Sequence[Step]) -> list[Step]:
    """Checks, and compilers that run when all tests have been run: nothing needs what they make."""
    last = _last_test(found)
    return [
        step
        for at, step in enumerate(found)
        if step.role is Role.CHECK or (at > last >= 0 and step.role is Role.BUILD and "npx tsc" in step.line)
    ]


def _last_test(found: Sequence[Step]) -> int:
    return max((at for at, step in enumerate(found) if step.role is Role.TEST), default=-1)


def needed(found: Sequence[Step]) -> list[Step]:
    """The tests, and what is built before the last of them, in order."""
    run: list[Step] = []
    count = 0
    for step in found[: _last_test(found) + 1]:
        count += step.role is Role.TEST
        if step.role in (Role.TEST, Role.BUILD) and count <= MAX_TESTS:
            run.append(step)
    return run


def _few(found: Sequence[Step], about: Sequence[str]) -> tuple[list[Step], tuple[str, ...]]:
    """The steps of no more than `MAX_DIRECTORIES` packages, those that the issue is about first."""
    directories = list(dict.fromkeys(step.directory for step in found if step.role is Role.TEST and step.directory))
    ordered = about_first(directories, about)
    kept, left = ordered[:MAX_DIRECTORIES], ordered[MAX_DIRECTORIES:]
    chosen = {"", *kept, *(step.directory for step in found if step.directory not in directories)} if left else None
    steps = [step for step in found if chosen is None or step.directory in chosen]
    rank = {directory: at for at, directory in enumerate(kept)}
    if about and kept != directories[: len(kept)]:
        steps.sort(key=lambda step: rank.get(step.directory, -1))
    names = ", ".join(left[:20])
    notes = (f"Tests of {len(left)} more packages are not run: {names}.",) if left else ()
    return steps, notes


def _skipped(step: Step) -> Skipped:
    source = f"package.json: {step.script}" if step.script else "package.json"
    return Skipped(source, "It needs a browser, or the whole application: it is left out.")


def apart_from_types(found: Sequence[Step], files: Files) -> list[Step]:
    """vitest without the type checks that its configuration asks for: they take minutes, and are a check."""
    texts = (files.text(path) for path in files.texts if re.fullmatch(CONFIG, path))
    if not any(re.search(r"typecheck:\s*\{[^{}]{0,2000}enabled:\s*true", text) for text in texts):
        return list(found)
    return [apart for step in found for apart in (_untyped(step) if step.role is Role.TEST else [step])]


def _untyped(step: Step) -> list[Step]:
    if "npx vitest run" not in step.line or "typecheck" in step.line:
        return [step]
    line = step.line.replace("npx vitest run", "npx vitest run --typecheck.enabled=false", 1)
    types = step.line.replace("npx vitest run", "npx vitest run --typecheck.only", 1)
    return [replace(step, line=line), replace(step, line=types, role=Role.CHECK)]


def expanded(found: Iterable[Step], files: Files) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lines that are tests with what they need, and lines that are checks."""
    kept, _ = _few(apart_from_types(list(found), files), ())
    return tuple(lines_of(needed(kept))), tuple(lines_of(checking(kept)))[:MAX_CHECKS]


# ------------------------------------------------------------------------------------------------------ runner alone

_CONFIGS = (
    ("vitest", r"vitest\.(config|workspace)\.\w+", "npx vitest run"),
    ("jest", r"jest\.config\.\w+", "npx jest"),
    ("ava", r"ava\.config\.\w+", "npx ava"),
    ("mocha", r"\.mocharc(\.\w+)?", "npx mocha"),
    ("tap", r"\.taprc", "npx tap"),
    ("jasmine", r"spec/support/jasmine\.\w+", "npx jasmine"),
    ("tape", r"(?!)", "npx tape 'test/**/*.js'"),
)
_NODE_TESTS = r"(test|tests|__tests__)/[\w./-]*\.[cm]?js|test\.[cm]?js|([\w-]+/)*[\w.-]+[._-]test\.[cm]?js"


def runner_alone(files: Files, top: Package) -> str | None:
    """The runner whose configuration is there, or which is among the dependencies; else Node's own."""
    installed = {name for kind in ("dependencies", "devDependencies") for name in table(top.manifest, kind)}
    for name, pattern, command in _CONFIGS:
        configured = name in top.manifest and name != "tap"
        if files.any(pattern) or name in installed or configured:
            return _with_directory(files, name, command)
    plain = "packages" not in {path.partition("/")[0] for path in files.paths}
    return "node --test" if plain and files.any(_NODE_TESTS) else None


def _with_directory(files: Files, name: str, command: str) -> str:
    """mocha looks into test/ alone, unless it is told."""
    if name != "mocha" or files.any(r"\.mocharc(\.\w+)?|test/[^/]+\.[cm]?js"):
        return command
    directory = next((d for d in ("test", "tests", "spec") if files.any(rf"{d}/.*\.[cm]?js")), "")
    return f"{command} --recursive {shlex.quote(directory)}" if directory else command
