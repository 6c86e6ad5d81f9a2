"""A job of CI, read step by step into what a sandbox does instead, and what had to be left out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.core.environment import others
from bot.core.environment.actions import action_lines, takes_from_others, wanted_versions
from bot.core.environment.expressions import UNKNOWN, Scope, holds, substituted
from bot.core.environment.files import Files
from bot.core.environment.fitting import fitted_setup, uv_sync
from bot.core.environment.lines import Kind, kind, single_words, unwrapped
from bot.core.environment.places import Places
from bot.core.environment.python_install import venv
from bot.core.environment.scripts import Item, Script, folded
from bot.core.environment.tools import Tools
from bot.core.environment.workflow_files import Job, Step, with_actions

MAX_LINES = 40  # of a set-up
MAX_TESTS = 6
MAX_REASONS = 8


@dataclass(frozen=True, slots=True)
class Recipe:
    """`complete`: nothing that the tests may need was left out. `versions`: "Python" -> "3.13", as CI has them."""

    setup: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    complete: bool = True
    ecosystem: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


def recipe(job: Job, scope: Scope, places: Places) -> Recipe:
    reader = _Reader(job, scope, places)
    for step in with_actions(job.steps, places.files):
        reader.step(step)
    found = _finished(reader.items, reader.versions, places.files, places.tools)
    if _prepared(found):
        return found
    return replace(found, complete=False, reasons=("CI's job does not say what its tests need.", *found.reasons))


def recipe_of(script: str, files: Files, tools: Tools) -> Recipe:
    """Of a script that is run at the top of the repository."""
    return _finished(Script(Scope(), "", Places(files, tools)).read(script), {}, files, tools)


def _finished(items: Sequence[Item], versions: Mapping[str, str], files: Files, tools: Tools) -> Recipe:
    """What stands after the last test is not needed for it, and is left out without a word."""
    last = max((place for place, item in enumerate(items) if item.kind is Kind.TEST), default=len(items))
    needed = items[: last + 1]
    setup = _once_synced(_lines(item for item in needed if item.kind is Kind.SETUP))
    tests = _lines(item for item in needed if item.kind is Kind.TEST)[:MAX_TESTS]
    ecosystem = ecosystem_of((*tests, *setup), versions)
    if ecosystem == "python" or any("~/venv" in line for line in setup):
        setup = _with_venv(setup, files, tools)
    if any(item.replaced for item in needed):
        setup = tuple(line for line in setup if not _only_runners(line))
    missing = _missing(tests, tools)
    setup = (*_fetched(ecosystem, setup, files, tools), *setup)
    return Recipe(
        setup=setup[:MAX_LINES],
        tests=tests,
        checks=_lines(item for item in items if item.kind is Kind.CHECK)[:MAX_TESTS],
        reasons=tuple(dict.fromkeys([*missing, *(item.reason for item in needed if item.reason)]))[:MAX_REASONS],
        complete=not missing and not any(item.missed for item in needed) and len(setup) <= MAX_LINES,
        ecosystem=ecosystem,
        versions=versions,
    )


_NEEDED = {
    "go": "go",
    "cargo": "cargo",
    **dict.fromkeys(("mvn", "mvnw", "gradle", "gradlew"), "java"),
    **dict.fromkeys(("rspec", "rake", "rails", "bundle"), "ruby"),
    **dict.fromkeys(("phpunit", "pest", "composer"), "php"),
    **{tool: tool for tool in ("dotnet", "deno", "bun", "just", "make")},
}


def _missing(tests: Sequence[str], tools: Tools) -> list[str]:
    """Programs that the tests are run by and the sandbox lacks; of a sandbox that was not asked, none."""
    needed = {_NEEDED.get((_program(test) or [""])[0], "") for test in tests} if tools.versions else set()
    return [f"The sandboxes have no `{tool}`." for tool in sorted(needed) if tool and tool not in tools]


def _prepared(found: Recipe) -> bool:
    """Where only a Makefile knows what to install, it would do so when there is no network any more."""
    installs = any(not re.search(r"\bvenv\b.* ~/venv$", line) for line in found.setup)
    return installs or not any(_program(test)[:1] in (["make"], ["just"], ["task"]) for test in found.tests)


_TASK_RUNNERS = re.compile(r"(tox|nox|hatch|tox-uv|hatch-vcs|tox-gh-actions|tox-gh|virtualenv|coverage|uv)\b.*")


def _only_runners(line: str) -> bool:
    """It installs task runners, which do not run; or has one make its environments, as `tox --notest` does."""
    words = single_words(line) or []
    if _program(line)[:1] in (["tox"], ["nox"]):
        return True
    if "pip" not in words[:3] or "install" not in words:
        return False
    named = [word for word in words[words.index("install") + 1 :] if word[0] not in "-~"]
    return all(_TASK_RUNNERS.fullmatch(word) for word in named)


def _program(line: str) -> list[str]:
    return unwrapped(single_words(re.sub(r"^\(cd \S+ && (.*)\)$", r"\1", line)) or [])


_FETCHING = {"go": ("go ",), "rust": ("cargo ",), "java": ("mvn", "./mvnw", "gradle", "./gradlew")}


def _fetched(ecosystem: str, setup: Sequence[str], files: Files, tools: Tools) -> tuple[str, ...]:
    """What the tests would fetch themselves in CI, where they have a network."""
    if ecosystem not in _FETCHING or any(line.startswith(_FETCHING[ecosystem]) for line in setup):
        return ()
    own = (plan.setup for plan in others.plans(files, tools).plans if plan.ecosystem == ecosystem)
    return next(own, ())


def _lines(items: Iterable[Item]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for item in items for line in item.lines))


def _once_synced(setup: tuple[str, ...]) -> tuple[str, ...]:
    """`uv run` brings up to date what `uv sync` has made before, and adds nothing to it."""
    plain = uv_sync(())
    synced = any(line.startswith(f"{plain} ") for line in setup)
    return tuple(line for line in setup if line != plain) if synced else setup


def _with_venv(setup: tuple[str, ...], files: Files, tools: Tools) -> tuple[str, ...]:
    """Made before anything is installed into it."""
    made = venv(files, tools)
    return (*made, *(line for line in setup if line not in made))


_ECOSYSTEMS = {
    program: ecosystem
    for ecosystem, programs in {
        "python": "pytest py.test nose2 nosetests trial unittest tox nox hatch poe stestr behave python uv pip poetry",
        "node": "npm yarn pnpm bun node jest vitest mocha ava tap tape jasmine karma tsx ts-node turbo nx lerna uvu",
        "go": "go gotestsum ginkgo",
        "rust": "cargo",
        "java": "mvn mvnw gradle gradlew",
        "ruby": "rspec rake rails minitest cucumber bundle",
        "php": "phpunit pest composer paratest",
        "dotnet": "dotnet",
    }.items()
    for program in programs.split()
}
_LANGUAGES = {"Python": "python", "Node": "node", "Go": "go", "Java": "java", "Ruby": "ruby"}


def ecosystem_of(lines: Sequence[str], versions: Mapping[str, str]) -> str:
    """By the first program that is known, else by the language that CI sets up."""
    for line in lines:
        if (command := _program(line)) and command[0] in _ECOSYSTEMS:
            return _ECOSYSTEMS[command[0]]
    return next((_LANGUAGES[language] for language in versions if language in _LANGUAGES), "")


class _Reader:
    def __init__(self, job: Job, scope: Scope, places: Places) -> None:
        self.items: list[Item] = []
        self.versions: dict[str, str] = {}
        self._job = job
        self._places = places
        self._scope = _with_env(scope, job.env)

    def step(self, step: Step) -> None:
        scope = _with_env(self._scope.with_values("inputs", self._filled(step.inputs)), step.env)
        applies = _applies(re.sub(r"\$\{\{|\}\}", "", step.condition), scope)
        if applies is False:
            return
        if step.uses:
            self._uses(step, scope)
            return
        shell = substituted(step.shell or self._job.shell, scope)
        if shell.partition(" ")[0] not in ("", "bash", "sh"):
            self._leave(f"The step {_called(step)} is written for {shell.partition(' ')[0][:20]}.", kind(step.run))
            return
        directory = folded("", substituted(step.directory or self._job.directory, scope))
        if applies is None or directory is None:
            why = (
                "depends on a condition that is not known here"
                if applies is None
                else "works outside of the repository"
            )
            self._leave(f"The step {_called(step)} {why}.", kind(substituted(step.run, scope)))
            return
        script = Script(scope, directory, self._places)
        self.items += script.read(step.run)
        self._scope = _with_env(self._scope, script.handed_on)

    def _filled(self, inputs: Mapping[str, str]) -> dict[str, str]:
        return {name: substituted(value, self._scope) for name, value in inputs.items()}

    def _uses(self, step: Step, scope: Scope) -> None:
        given = {name: substituted(value, scope) for name, value in step.given.items()}
        self.versions |= wanted_versions(step.uses, given, self._places.files, self._places.tools)
        if takes_from_others(step.uses):
            self._leave(f"The step {_called(step)} takes what another job has made.", Kind.SETUP)
        for line in action_lines(step.uses, given, self._places.tools):
            words = shlex.split(line)
            fit = fitted_setup(line, words, self._places.files, self._places.tools)
            lines = fit.lines if kind(line) is Kind.SETUP else (line,)
            self.items.append(Item(kind(line), lines, fit.reason, bool(fit.reason)))

    def _leave(self, reason: str, of: Kind) -> None:
        """Tests that are left out are missed by nobody: others are looked for."""
        if of in (Kind.SETUP, Kind.TEST):
            self.items.append(Item(Kind.OTHER, (), reason, of is Kind.SETUP))


def _applies(condition: str, scope: Scope) -> bool | None:
    """What depends on nothing but other steps and jobs is mostly about caches, or about which files were changed."""
    found = holds(condition, scope)
    about_others = re.search(r"\b(steps|needs)\.", condition) is not None
    return True if found is None and about_others and not _OURS_TO_ASK.search(condition) else found


_OURS_TO_ASK = re.compile(r"\b(secrets|github|matrix|runner|vars|env|inputs|failure)\b")


def _called(step: Step) -> str:
    name = step.name or step.run.strip().partition("\n")[0]
    return f"`{name if len(name) <= 60 else f'{name[:57]}...'}`".replace(UNKNOWN, "?")


def _with_env(scope: Scope, env: Mapping[str, str]) -> Scope:
    values = {name: substituted(value, scope) for name, value in env.items()}
    known = {name: value for name, value in values.items() if UNKNOWN not in value}
    unknown = {f"env.{name}" for name in values if name not in known}
    return replace(scope.with_values("env", known), open=(scope.open | unknown) - {f"env.{name}" for name in known})
