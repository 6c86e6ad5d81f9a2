"""A repository as somebody may see it: what came of solves there, its environment, and what its configuration says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.configuration import ConfigFile, read_config_file
from bot.core.access import Principal
from bot.core.model import Repo, RepoConfig
from bot.core.repository_record import RepositoryRecord
from bot.core.trigger.config import CONFIG_PATHS, ConfigProblem
from bot.core.trigger.config_values import Mistake
from bot.core.views import RepositoryView
from bot.ports import Denied, GitHub, Gone, Rejected
from bot.web.reading import NoSuchThing, Reading


@dataclass(frozen=True, slots=True)
class PlanView:
    """How it is set up and tested, as was found out by running it."""

    setup: tuple[str, ...]
    test: str
    why: str
    ecosystem: str
    checks: tuple[str, ...]
    notes: tuple[str, ...]
    found_at: datetime


@dataclass(frozen=True, slots=True)
class ConfigurationView:
    """`says`: None where there are mistakes, with which nothing is started. Without a file, it is the defaults."""

    path: str
    is_there: bool
    text: str
    says: RepoConfig | None
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class RepositoryDetail:
    """`plan`: None where none is known yet."""

    summary: RepositoryView
    record: RepositoryRecord
    dollars_per_merge: float | None
    plan: PlanView | None
    configuration: ConfigurationView


async def repository_detail(
    reading: Reading, github: GitHub, principal: Principal | None, id: int, now: datetime
) -> RepositoryDetail:
    """Raises `NoSuchThing` for what may not be seen, too."""
    summary = await reading.known_repository(principal, id)
    record = await reading.views.repository_record(id, now)
    found: RepositoryDetail = reading.redact.within(
        RepositoryDetail(
            summary,
            record,
            record.dollars_per_merge,
            await _plan(reading, id),
            configuration_view(await configuration(github, summary.repo)),
        )
    )
    return found


@dataclass(frozen=True, slots=True)
class Editable:
    """The file as it stands on the default branch. `is_empty`: there is nothing at all in the repository."""

    branch: str
    path: str
    text: str
    is_there: bool
    is_empty: bool


async def editable(reading: Reading, github: GitHub, repo: Repo) -> Editable:
    """For who may see the repository. Raises `NoSuchThing`."""
    try:
        state = await github.repository(repo)
        file = ConfigFile(CONFIG_PATHS[0], None, RepoConfig())
        file = file if state.empty else await read_config_file(github, repo, state.default_branch)
    except (Gone, Denied, Rejected):
        raise NoSuchThing from None
    found: Editable = reading.redact.within(
        Editable(state.default_branch, file.path, file.text or "", file.text is not None, state.empty)
    )
    return found


async def configuration(github: GitHub, repo: Repo) -> ConfigFile:
    """As it stands on the default branch now. Raises `NoSuchThing`."""
    try:
        state = await github.repository(repo)
        if state.empty:
            return ConfigFile(CONFIG_PATHS[0], None, RepoConfig())
        return await read_config_file(github, repo, state.default_branch)
    except (Gone, Denied, Rejected):
        raise NoSuchThing from None


def configuration_view(file: ConfigFile) -> ConfigurationView:
    if isinstance(file.config, ConfigProblem):
        return ConfigurationView(file.path, file.text is not None, file.text or "", None, file.config.mistakes)
    return ConfigurationView(file.path, file.text is not None, file.text or "", file.config, ())


async def _plan(reading: Reading, id: int) -> PlanView | None:
    known = await reading.store.environment(id)
    if known is None:
        return None
    plan = known.toolchain
    return PlanView(plan.setup, plan.test or "", plan.why, plan.ecosystem, plan.checks, plan.notes, known.found_at)
