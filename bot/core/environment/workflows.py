"""Plans from the jobs of CI, and set-up from `copilot-setup-steps.yml`.

Of the jobs that run on pull requests or pushes, those that test on Linux, with the versions that the sandbox has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core.environment.actions import PROGRAMS, fits
from bot.core.environment.expressions import Scope, flattened, substituted
from bot.core.environment.files import Files
from bot.core.environment.job_matrix import LANGUAGES, Combination, Matrix, most_fitting, parted_by, read_matrix
from bot.core.environment.lines import Kind, kind, parts
from bot.core.environment.places import Places
from bot.core.environment.plan import Plans, Skipped
from bot.core.environment.recipes import Recipe, recipe
from bot.core.environment.tools import Tools
from bot.core.environment.workflow_files import Job, Workflow, called, read_workflow
from bot.core.model import Toolchain

WANTED = re.compile(r"\.github/(workflows/[^/]+|actions/([^/]+/){1,3}action)\.ya?ml")
COPILOT = re.compile(r"\.github/workflows/copilot-setup-steps\.ya?ml")
MAX_WORKFLOWS = 30
MAX_JOBS = 60
MAX_SCRIPTS = 200_000  # characters of all jobs together
MAX_PLANS = 2
_MAX_TRIED = 4  # combinations of a matrix

_EVENTS = frozenset({"pull_request", "push", "pull_request_target", "merge_group"})
_OTHER_FILES = re.compile(
    r"(release|publish|deploy|docs?|codeql|stale|label|nightly|bench\w*|fuzz\w*|scorecard|lock)\b"
)
_OTHER_JOBS = re.compile(
    r"(?<![a-z])(release|publish|deploy|e2e|bench\w*|windows|macos|mac|nightly|fuzz\w*|downstream|musl|alpine|pypy|wasm"
    r"|pyodide|codeql|miri|msrv|minimal|oldest|integration|smoke|package|32bit|arm64|arm|free-?threaded|ecosystem"
    r"|canary|old|legacy|static|browsers?|redistribute|native|graal\w*|jlink|r8|proguard|valgrind|\w*sanitizers?"
    r"|asan|ubsan|tsan|freebsd|big-?endian|s390x|ppc64\w*|riscv\w*|cross|docker|emscripten|subset)(?![a-z])",
    re.IGNORECASE,
)
_BESIDE_TESTS = re.compile(
    r"(?<![a-z])(lint\w*|docs?|coverage|typing|types|typecheck|mypy|format\w*|style)(?![a-z])", re.IGNORECASE
)
_TESTS = re.compile(r"(?<![a-z])(unit)?-?tests?(?![a-z])", re.IGNORECASE)
_LIKELY = re.compile(r"(?<![a-z])(ci|build|main|node|python)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Best first. `partial`: set-up steps that the tests may need had to be left out."""

    complete: tuple[Toolchain, ...] = ()
    partial: tuple[Toolchain, ...] = ()
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    job: Job
    recipe: Recipe
    skipped: Skipped | None = None


def plans(files: Files, tools: Tools) -> Plans:
    found = jobs(files, tools)
    return Plans((*found.complete, *found.partial), found.skipped)


def jobs(files: Files, tools: Tools) -> Jobs:
    """The best one, and the best of another ecosystem."""
    workflows, skipped = _workflows(files)
    asked = [workflow for workflow in workflows.values() if workflow.events & _EVENTS] or list(workflows.values())
    read: list[_Read] = []
    characters = 0
    places = Places(files, tools)
    for job in _jobs(asked, workflows, skipped, tools):
        characters += sum(len(step.run) for step in job.steps)
        if characters > MAX_SCRIPTS or places.spent:
            skipped.append(Skipped(job.path, f"The job `{job.id}` was not read: there are too many before it."))
            break
        found = _read(job, places)
        if found.skipped is not None:
            skipped.append(found.skipped)
        elif found.recipe.tests:
            read.append(found)
    chosen = _best(read)
    if workflows and not chosen:
        skipped.append(Skipped(".github/workflows", "No job runs a test command that is known."))
    made = [(one.recipe.complete, _toolchain(one.job, one.recipe, tools)) for one in chosen]
    complete = tuple(plan for whole, plan in made if whole)
    partial = tuple(plan for whole, plan in made if not whole)
    return Jobs(complete, partial, tuple(dict.fromkeys(skipped)))


def copilot_setup(files: Files, tools: Tools) -> tuple[Recipe, str] | Skipped | None:
    """What the one job `copilot-setup-steps` sets up, and where it stands; None when there is no such workflow."""
    path = next((path for path in sorted(files.texts) if COPILOT.fullmatch(path)), "")
    if not path:
        return None
    workflow = read_workflow(path, files.texts[path])
    if isinstance(workflow, Skipped):
        return workflow
    job = next((job for job in workflow.jobs if job.id == "copilot-setup-steps"), None)
    if job is None:
        return Skipped(path, "It has no job `copilot-setup-steps`.")
    return recipe(job, _scope(job, {}, Matrix(), tools), Places(files, tools)), path


def _workflows(files: Files) -> tuple[dict[str, Workflow], list[Skipped]]:
    paths = sorted(path for path in files.paths if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path))
    found: dict[str, Workflow] = {}
    skipped: list[Skipped] = []
    for path in [path for path in paths if not COPILOT.fullmatch(path) and path in files.texts][:MAX_WORKFLOWS]:
        workflow = read_workflow(path, files.texts[path])
        if isinstance(workflow, Skipped):
            skipped.append(workflow)
        else:
            found[path] = workflow
    return found, skipped


def _jobs(
    asked: Sequence[Workflow], workflows: Mapping[str, Workflow], skipped: list[Skipped], tools: Tools
) -> list[Job]:
    found: list[Job] = []
    for workflow in asked:
        for job in workflow.jobs:
            inner = called(_handing_over(job, tools) if job.uses else job, workflows)
            if isinstance(inner, Skipped):
                skipped.append(inner)
            else:
                found += inner
    return found[:MAX_JOBS]


def _handing_over(job: Job, tools: Tools) -> Job:
    """A job that calls a workflow, with the inputs of the combination of its matrix that fits best."""
    matrix = read_matrix(job.matrix)
    scope = _scope(job, most_fitting(matrix.combinations, tools)[0], matrix, tools)
    inputs = {name: substituted(value, scope) for name, value in job.inputs.items()}
    return replace(job, inputs=inputs, parted=parted_by(" ".join(job.inputs.values()), matrix))


def _read(job: Job, places: Places) -> _Read:
    """With the combination of its matrix that fits best and tests on Linux."""
    matrix = read_matrix(job.matrix)
    fitting = most_fitting(matrix.combinations, places.tools)
    scopes = [_scope(job, one, matrix, places.tools) for one in fitting]
    ours = [scope for scope in scopes if not _system(substituted(job.runs_on, scope))]
    for scope in ours[:_MAX_TRIED]:
        found = recipe(job, scope, places)
        if found.tests:
            beside = None if _TESTS.search(job.id) else _BESIDE_TESTS.search(job.id)
            other = beside or _OTHER_JOBS.search(job.id) or _OTHER_FILES.match(job.path.rpartition("/")[2])
            reason = f"The job `{job.id}` is about something else than testing here (`{other[0]}`)." if other else ""
            return _Read(job, _whole(job, found, matrix), Skipped(job.path, reason) if reason else None)
    system = "" if ours else _system(substituted(job.runs_on, scopes[0]))
    return _Read(job, Recipe(), Skipped(job.path, f"The job `{job.id}` runs on {system}.") if system else None)


def _whole(job: Job, found: Recipe, matrix: Matrix) -> Recipe:
    """One of several parts of the tests is not all of them."""
    commands = [part for step in job.steps if "matrix." in step.run for part in parts(step.run)]
    tests = [part for part in commands if kind(re.sub(r"\$\{\{[^}]*\}\}", "test", part)) is Kind.TEST]
    name = job.parted or parted_by(" ".join(tests), matrix)
    reason = f"CI splits its tests by `{name}`, and these are one part of them."
    return replace(found, complete=False, reasons=(reason, *found.reasons)) if name else found


def _system(runs_on: str) -> str:
    """The name of a system that is not ours."""
    lowered = runs_on.lower()
    return "Windows" if "windows" in lowered else "macOS" if "macos" in lowered else ""


def _scope(job: Job, combination: Combination, matrix: Matrix, tools: Tools) -> Scope:
    values = {"runner.os": "Linux", "runner.arch": "X64", "github.workspace": "/workspace", "matrix": "x"}
    values |= flattened("matrix", dict(combination))
    unknown = {"matrix"} if "*" in matrix.unknown else {f"matrix.{name}" for name in matrix.unknown}
    for name in matrix.unknown:
        for program, pattern in LANGUAGES.items():
            if pattern.match(name) and (version := tools.version(program)):
                values[f"matrix.{name}"] = ".".join(map(str, version[:2] if program == "python3" else version[:1]))
    return Scope(values, frozenset(unknown)).with_values("inputs", job.inputs)


def _best(read: Sequence[_Read]) -> list[_Read]:
    """Whole before partial, few services, a name that says test, many test commands; one of each ecosystem."""

    def rank(one: _Read) -> tuple[bool, int, int, int]:
        names = f"{one.job.id} {one.job.name}"
        unlikely = 0 if _TESTS.search(names) else 1 if _LIKELY.search(names) else 2
        return not one.recipe.complete, len(one.job.services), unlikely, -len(one.recipe.tests)

    first_of_each: dict[str, _Read] = {}
    for one in sorted(read, key=rank):
        first_of_each.setdefault(one.recipe.ecosystem, one)
    return list(first_of_each.values())[:MAX_PLANS]


def _toolchain(job: Job, found: Recipe, tools: Tools) -> Toolchain:
    return Toolchain(
        setup=found.setup,
        test=" && ".join(found.tests),
        why=f"CI's job `{job.id}` in {job.path}",
        ecosystem=found.ecosystem,
        checks=found.checks,
        notes=notes_of(found, job.path, tools, job.services),
    )


def notes_of(found: Recipe, path: str, tools: Tools, services: Sequence[str] = ()) -> tuple[str, ...]:
    """What people should know about a recipe: other versions, services that are missing, steps that were left out."""
    notes = []
    for language, version in found.versions.items():
        ours = tools.version(PROGRAMS[language])
        if version and not fits(language, version, ours):
            have = f"have {'.'.join(map(str, ours))}" if ours else "do not have it"
            notes.append(f"CI tests with {language} {version}; the sandboxes {have}.")
    if services:
        named = ", ".join(f"`{service}`" for service in services)
        notes.append(f"CI's tests have the services {named}; there are none here.")
    return (*notes, *(f"{path}: {reason}" for reason in found.reasons))
