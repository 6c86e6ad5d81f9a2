"""What the agent that looks for an environment is told: one text, the same for the same facts, at most 50 kB.

All of it comes from the repository or from commands that ran in its sandbox, so it is data, and stands in a fence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.environment.files import Files
from bot.core.environment.plans import main_ecosystem
from bot.core.environment.proof import Attempt
from bot.core.environment.tools import Tools
from bot.core.model import RepoConfig
from bot.core.render.environment import outcome
from bot.core.text.cleaning import visible

MAX_FILES = 30  # named as worth reading
MAX_TRIED = 10
MAX_PLAN = 1_200  # characters of the commands of a plan
MAX_SAID = 1_200  # characters of what came of it
MAX_NAME = 200
_WORTH_READING = tuple(
    re.compile(pattern)
    for pattern in (
        r"\.github/workflows/copilot-setup-steps\.ya?ml",
        r"\.github/workflows/[^/]+\.ya?ml",
        r"\.gitlab-ci\.yml|\.circleci/config\.yml|\.travis\.yml|azure-pipelines\.yml|appveyor\.yml|Jenkinsfile",
        r"\.devcontainer/[^/]+|\.devcontainer\.json|\.gitpod\.yml|Dockerfile[^/]*|docker-compose[^/]*\.ya?ml",
        r"tox\.ini|noxfile\.py|[Mm]akefile|GNUmakefile|[Jj]ustfile|Taskfile\.ya?ml|Rakefile",
        r"AGENTS\.md|CLAUDE\.md|(\.github/)?CONTRIBUTING\.[a-z]+|HACKING\.[a-z]+|DEVELOPMENT\.[a-z]+|README[^/]*",
        r"pyproject\.toml|setup\.(py|cfg)|package\.json|go\.mod|Cargo\.toml|pom\.xml|build\.gradle(\.kts)?|Gemfile",
    )
)


@dataclass(frozen=True, slots=True)
class Signposts:
    """Of a repository: the files that a person would open first, and what there is to work with."""

    paths: tuple[str, ...]
    ecosystem: str
    tools: Tools


def signposts(files: Files, tools: Tools) -> Signposts:
    """Continuous integration first, then containers, task runners, words for people, manifests."""
    paths = sorted(files.paths)
    worth = [path for pattern in _WORTH_READING for path in paths if pattern.fullmatch(path)]
    return Signposts(tuple(worth[:MAX_FILES]), main_ecosystem(files), tools)


def setup_brief(where: Signposts, config: RepoConfig, tried: Sequence[Attempt], problem: str) -> str:
    """Where to look first, what there is, what was tried and how each failed.

    `problem`: what was wrong with the script of an agent before this one; "" when there was none.
    """
    found = ", ".join(f"{name} {version}".strip() for name, version in sorted(where.tools.versions.items()))
    parts = [
        _listed("Files that say how it is built and tested, best first", where.paths),
        f"Programs in the sandbox: {found or 'none that are known'}.",
        _said_by_config(config),
        f"An earlier agent left a script, which did not do: {problem[:MAX_SAID]}" if problem else "",
        *(_tried(number, attempt) for number, attempt in enumerate(tried[-MAX_TRIED:], 1)),
    ]
    return visible("\n\n".join(part for part in parts if part))


def _listed(what: str, paths: Sequence[str]) -> str:
    return "\n".join([f"{what}:", *(f"- {path[:MAX_NAME]}" for path in paths)]) if paths else ""


def _said_by_config(config: RepoConfig) -> str:
    if config.test is None:
        return ""
    return f"The project itself says that its tests are run with this, which stands: {config.test[:MAX_PLAN]}"


def _tried(number: int, attempt: Attempt) -> str:
    plan = attempt.plan
    commands = "\n".join([*(f"$ {command}" for command in plan.setup), f"$ {plan.test or '(no tests)'}"])[:MAX_PLAN]
    report = attempt.trial.report
    tail = report.tail[-MAX_SAID:] if report is not None else ""
    said = f"{outcome(attempt)[:MAX_SAID]}\n{tail}".rstrip()
    return f"Plan {number} ({plan.why[:MAX_NAME]}) did not hold.\n{commands}\n{said}"
