"""All plans of a repository, best first. Which one holds is proved by running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.core.config import CONFIG_PATHS
from bot.core.environment import node, others, python
from bot.core.environment.files import Files
from bot.core.environment.plan import Plans
from bot.core.environment.tools import Tools
from bot.core.model import RepoConfig, Toolchain

MAX_PLANS = 8  # that are tried; each may take minutes
MAX_WANTED = 80  # files whose texts are read
_SAMPLES = 3  # test files that are looked into
_PATTERNS = (python.WANTED, python.REQUIREMENTS, node.WANTED, others.WANTED)


def wanted(paths: Sequence[str]) -> list[str]:
    """Those whose texts `plans` wants to read: manifests, the ones nearest to the top first, some tests."""
    nearest = sorted(paths, key=lambda path: (path.count("/"), path))
    manifests = [path for path in nearest if any(pattern.fullmatch(path) for pattern in _PATTERNS)]
    tests = [path for path in nearest if python.TEST_FILE.fullmatch(path)]
    return [*manifests[:MAX_WANTED], *tests[:_SAMPLES]]


def plans(files: Files, config: RepoConfig, tools: Tools, *, about: Sequence[str] = ()) -> Plans:
    """What the repository says about itself wins over all that is found. `about`: paths that the issue names.

    What `.github/solvebot.yml` leaves out is taken from the plans that are found.
    """
    found = _found(files, tools, about)
    plans = [replace(plan, why=f"detected: {plan.why}") for plan in found.plans] or [_NOTHING]
    return replace(found, plans=_distinct([_with_config(plan, config) for plan in plans])[:MAX_PLANS])


_NOTHING = Toolchain((), None, "nothing was found that says how to test it")


def _found(files: Files, tools: Tools, about: Sequence[str]) -> Plans:
    by_size = sorted(
        (python.plans(files, tools), node.plans(files, tools, about=about), others.plans(files, tools)),
        key=lambda plans: -_sources(files, plans),
    )
    found = Plans.all_of(by_size)
    return replace(found, plans=tuple(sorted(found.plans, key=lambda plan: plan.test is None)))


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
    return tuple({(plan.setup, plan.test): plan for plan in reversed(plans)}.values())[::-1]
