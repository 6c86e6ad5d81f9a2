"""All plans of a repository, best first. Which one holds is proved by running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from bot.core.environment import devcontainer, documents, node, others, projects, python, python_groups, workflows
from bot.core.environment.files import Files
from bot.core.environment.lines import plain_words, without_assignments
from bot.core.environment.plan import Plans, Skipped
from bot.core.environment.recipes import Recipe
from bot.core.environment.tools import Tools
from bot.core.environment.versions_of_then import Age, with_versions_of_then
from bot.core.model import RepoConfig, Toolchain
from bot.core.runners import tells_single_tests
from bot.core.trigger.config import CONFIG_PATHS

MAX_PLANS = 10  # that are tried; each may take minutes
MAX_WANTED = 80  # files whose texts are read
MAX_SAID = 50  # files that are no manifests: workflows, devcontainers, documents
MAX_DOCUMENTS = 2  # that say how to test
_SAMPLES = 48  # test files that are looked into
_PATTERNS = (python.WANTED, python_groups.REQUIREMENTS, node.WANTED, others.WANTED)
_SAID = (workflows.WANTED, devcontainer.WANTED, documents.WANTED)


def wanted(paths: Sequence[str]) -> list[str]:
    """Those whose texts `plans` wants to read: manifests, CI, what people write for others, some tests.

    Of the manifests and the tests, those nearest to the top.
    """
    nearest = sorted(paths, key=lambda path: (path.count("/"), path))
    manifests = [path for path in nearest if any(map(_is_manifest, projects.tails(path)))]
    tests = [path for path in nearest if python.TEST_FILE.fullmatch(path)]
    said = [path for pattern in _SAID for path in sorted(paths) if pattern.fullmatch(path)]
    return [*manifests[:MAX_WANTED], *said[:MAX_SAID], *tests[:_SAMPLES]]


def _is_manifest(path: str) -> bool:
    return any(pattern.fullmatch(path) for pattern in _PATTERNS)


def plans(
    files: Files, config: RepoConfig, tools: Tools, *, about: Sequence[str] = (), age: Age | None = None
) -> Plans:
    """What the repository says about itself wins over all that is found. `about`: paths that the issue names.

    What `.github/solvebot.yml` leaves out is taken from the plans that are found. `age`: of the base commit.
    """
    found = _found(files, tools, about)
    dated = found.plans if age is None else with_versions_of_then(found.plans, age, tools)
    plans = [replace(plan, why=f"detected: {plan.why}") for plan in dated] or [_NOTHING]
    return replace(found, plans=_distinct([_with_config(plan, config) for plan in plans])[:MAX_PLANS])


def for_a_closed_network(plans: Sequence[Toolchain]) -> tuple[Toolchain, ...]:
    """Where nothing can be installed, first those that make do with what the sandbox brings along."""
    return tuple(sorted(plans, key=lambda plan: bool(plan.setup)))


_NOTHING = Toolchain((), None, "nothing was found that says how to test it")


def _found(files: Files, tools: Tools, about: Sequence[str]) -> Plans:
    """What is prepared for agents and editors, CI's job in the main language, manifests, other jobs, documents.

    Of the first two only what could be read whole: with steps left out, they come after the manifests, and so does a
    job that leaves set-up or tests to scripts of its own, which do much besides: linters, documents, coverage.
    """
    own = projects.with_projects(files, about, lambda files, about: _own(files, tools, about))
    ci = workflows.jobs(files, tools)
    main = main_ecosystem(files)
    of_main = [plan for plan in ci.complete if plan.ecosystem in (main, "") and _in_the_open(plan)]
    scripted = [plan for plan in ci.complete if plan.ecosystem in (main, "") and not _in_the_open(plan)]
    of_others = [plan for plan in ci.complete if plan.ecosystem not in (main, "")]
    tested = [*of_main, *own.plans, *scripted, *of_others, *ci.partial]
    prepared, skipped = _prepared(files, tools)
    joined = [(recipe.complete, plan) for recipe, path in prepared for plan in _joined(recipe, path, tested, tools)]
    whole, partial = ([plan for complete, plan in joined if complete is wanted] for wanted in (True, False))
    read = islice(documents.recipes(files, tools), MAX_DOCUMENTS)
    told = [_told(recipe, path, tested, tools) for recipe, path in read]
    ordered = (*whole, *of_main, *own.plans, *scripted, *partial, *of_others, *ci.partial, *told)
    found = tuple(sorted(ordered, key=lambda plan: plan.test is None))
    return Plans(found, (*skipped, *ci.skipped, *own.skipped))


def _in_the_open(plan: Toolchain) -> bool:
    """Its tests are a runner's that we know, and its set-up starts neither make nor a script of the repository."""
    programs = [without_assignments(plain_words(line) or [""])[:1] for line in plan.setup]
    scripts = any(name == "make" or ("/" in name and not name.startswith("~")) for [name] in filter(None, programs))
    return tells_single_tests(plan.test or "") and not scripts


def _own(files: Files, tools: Tools, about: Sequence[str]) -> Plans:
    """By the manifests at the top, those of the language with the most files first."""
    several = (python.plans(files, tools), node.plans(files, tools, about=about), others.plans(files, tools))
    return Plans.all_of(sorted(several, key=lambda plans: -_sources(files, plans)))


def _prepared(files: Files, tools: Tools) -> tuple[list[tuple[Recipe, str]], list[Skipped]]:
    """Set-ups without tests, and where they stand."""
    copilot = workflows.copilot_setup(files, tools)
    found = [*([copilot] if copilot else []), *devcontainer.setups(files, tools)]
    recipes = [one for one in found if not isinstance(one, Skipped) and one[0].setup]
    return recipes, [one for one in found if isinstance(one, Skipped)]


def _joined(recipe: Recipe, path: str, tested: Sequence[Toolchain], tools: Tools) -> list[Toolchain]:
    """A set-up with the tests of the best plan that fits it."""
    plan = _fitting(recipe, tested)
    if plan is None:
        return []
    notes = (*workflows.notes_of(recipe, path, tools), *plan.notes)
    return [replace(plan, setup=recipe.setup, why=f"set-up from {path}, tests from {plan.why}", notes=notes)]


def _told(recipe: Recipe, path: str, tested: Sequence[Toolchain], tools: Tools) -> Toolchain:
    """What a document says; where it says nothing of set-up, with that of the best plan that fits it."""
    plan = _fitting(recipe, tested)
    setup = recipe.setup if len(recipe.setup) > 1 or plan is None else plan.setup
    notes = workflows.notes_of(recipe, path, tools)
    return Toolchain(setup, " && ".join(recipe.tests), path, recipe.ecosystem, recipe.checks, notes)


def _fitting(recipe: Recipe, tested: Sequence[Toolchain]) -> Toolchain | None:
    return next((plan for plan in tested if plan.test and recipe.ecosystem in (plan.ecosystem, "")), None)


_ENDINGS = {
    "python": (".py",),
    "node": (".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs"),
    "go": (".go",),
    "rust": (".rs",),
    "java": (".java", ".kt", ".scala", ".groovy"),
    "ruby": (".rb",),
}


def main_ecosystem(files: Files) -> str:
    """The one with the most files; "" when none has any."""
    counts = {name: files.count(*endings) for name, endings in _ENDINGS.items()}
    most = max(counts, key=lambda name: counts[name])
    return most if counts[most] else ""


def _sources(files: Files, plans: Plans) -> int:
    return max((files.count(*_ENDINGS[p.ecosystem]) for p in plans.plans if p.ecosystem in _ENDINGS), default=0)


def _with_config(plan: Toolchain, config: RepoConfig) -> Toolchain:
    match config.setup is not None, config.test is not None:
        case True, True:
            why = f"from {CONFIG_PATHS[0]}"
        case True, False:
            why = f"set-up from {CONFIG_PATHS[0]}, tests {plan.why}"
        case False, True:
            why = f"tests from {CONFIG_PATHS[0]}, set-up {plan.why}"
        case _:
            why = plan.why
    setup = plan.setup if config.setup is None else config.setup
    return replace(plan, setup=setup, test=config.test or plan.test, why=why)


def _distinct(plans: Sequence[Toolchain]) -> tuple[Toolchain, ...]:
    """The first of those that would run the same."""
    first: dict[tuple[tuple[str, ...], str | None], Toolchain] = {}
    for plan in plans:
        first.setdefault((plan.setup, plan.test), plan)
    return tuple(first.values())
