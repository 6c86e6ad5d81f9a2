"""Projects below the top: `backend/`, `frontend/`, each with a manifest of its own and plans of its own.

They come first where the top has no tests by a manifest, or where the issue is about one of another language than the
top's. Packages that a manifest at the top already covers are not projects.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.core.environment.files import Files
from bot.core.environment.plan import Plans, Skipped
from bot.core.model import Toolchain

MAX_PROJECTS = 6
MAX_OF_EACH = 3  # plans of a project, when there are several
_MAX_DEPTH = 2

_MANIFESTS = {
    "python": r"pyproject\.toml|setup\.(py|cfg)|tox\.ini|requirements[\w.-]*\.txt|Pipfile|manage\.py",
    "node": r"package\.json",
    "go": r"go\.(mod|work)",
    "rust": r"Cargo\.toml",
    "java": r"pom\.xml|build\.gradle(\.kts)?|build\.sbt",
    "ruby": r"Gemfile",
    "php": r"composer\.json",
    "elixir": r"mix\.exs",
    "dotnet": r"[\w.-]+\.(sln|slnx|[cf]sproj)",
}
_MANIFEST = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _MANIFESTS.items()))
_NO_PROJECTS = re.compile(
    r"\..*|_.*|node_modules|vendor|third[_-]?party|external|deps|docs?|documentation|website|site|examples?|samples?|demos?"
    r"|fixtures?|templates?|tests?|testdata|spec|e2e|integration|bench(mark)?s?|playgrounds?|build|dist|out|target|scripts?"
    r"|tools?|ci|infra|deploy(ment)?|docker|archive|legacy",
    re.IGNORECASE,
)


def tails(path: str) -> list[str]:
    """The path as the top sees it, and as each directory sees it that may be a project."""
    found, rest = [path], path
    for _ in range(_MAX_DEPTH):
        directory, slash, rest = rest.partition("/")
        if not slash or _NO_PROJECTS.fullmatch(directory[:100]):
            break
        found.append(rest)
    return found


def with_projects(files: Files, about: Sequence[str], read: Callable[[Files, Sequence[str]], Plans]) -> Plans:
    """`read`: the plans of what stands at the top of its files; `about` is relative to them."""
    own = read(files, about)
    there = _projects(files)
    languages = {plan.ecosystem for plan in own.plans if plan.test and _is_rooted(files, plan)}
    if languages:
        named = [name for name in there if _is_about(name, about)]
        there = [name for name in named if not _languages(files, name) & languages]
    ordered = sorted(there, key=lambda name: (not _is_about(name, about), -_size(files, name), name))[:MAX_PROJECTS]
    found = [_below(name, files, about, read) for name in ordered]
    each = None if len(found) == 1 else MAX_OF_EACH
    tested = [plan for plans in found for plan in [plan for plan in plans.plans if plan.test][:each]]
    return Plans(
        (*_alternating(found, tested), *own.plans), (*own.skipped, *(s for plans in found for s in plans.skipped))
    )


def _alternating(found: Sequence[Plans], tested: Sequence[Toolchain]) -> list[Toolchain]:
    """The best plan of each project before the second of any."""
    rank = {id(plan): at for plans in found for at, plan in enumerate(p for p in plans.plans if p.test)}
    return sorted(tested, key=lambda plan: rank[id(plan)])


def _projects(files: Files) -> list[str]:
    """Directories with a manifest; of nested ones the outermost."""
    found: set[str] = set()
    for path in files.paths:
        directory, _, name = path.rpartition("/")
        parts = directory.split("/") if directory else []
        near = 0 < len(parts) <= _MAX_DEPTH and not any(_NO_PROJECTS.fullmatch(part[:100]) for part in parts)
        if near and _MANIFEST.fullmatch(name):
            found.add(directory)
    return sorted(name for name in found if name.rpartition("/")[0] not in found)


def _languages(files: Files, directory: str) -> set[str]:
    start = f"{directory}/" if directory else ""
    names = (path[len(start) :] for path in files.paths if path.startswith(start))
    return {match.lastgroup or "" for name in names if (match := _MANIFEST.fullmatch(name))}


def _is_rooted(files: Files, plan: Toolchain) -> bool:
    """Does it come from a manifest at the top, and not from test files somewhere below?"""
    return plan.ecosystem not in _MANIFESTS or plan.ecosystem in _languages(files, "")


def _is_about(directory: str, about: Sequence[str]) -> bool:
    return any(path.startswith(f"{directory}/") for path in about)


def _size(files: Files, directory: str) -> int:
    return sum(path.startswith(f"{directory}/") for path in files.paths)


def _below(directory: str, files: Files, about: Sequence[str], read: Callable[[Files, Sequence[str]], Plans]) -> Plans:
    start = f"{directory}/"
    inner = [path[len(start) :] for path in about if path.startswith(start)]
    found = read(files.below(directory), inner)
    plans = tuple(_moved(directory, plan) for plan in found.plans)
    return Plans(plans, tuple(Skipped(f"{start}{skipped.source}", skipped.reason) for skipped in found.skipped))


def _moved(directory: str, plan: Toolchain) -> Toolchain:
    return replace(
        plan,
        setup=tuple(_within(directory, line) for line in plan.setup),
        test=_within(directory, plan.test) if plan.test else plan.test,
        why=f"{directory}/{plan.why}",
        checks=tuple(_within(directory, line) for line in plan.checks),
    )


def _within(directory: str, line: str) -> str:
    """In a shell of its own. Alternatives are kept together, or they would be about the directory, too."""
    inner = f"{{ {line}; }}" if "||" in line or ";" in line else line
    return f"(cd {shlex.quote(directory)} && {inner})"
