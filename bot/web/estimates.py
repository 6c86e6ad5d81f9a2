"""What a solve would cost, for whoever is about to ask for one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time

from bot.core.access import Principal
from bot.core.choosing.experiments import ServerLimits, plan
from bot.core.estimate import Estimate, estimate
from bot.core.model import Repo, RepoConfig, SolveOptions
from bot.core.repository_record import first_day
from bot.core.trigger.commands import Misread
from bot.core.trigger.config import ConfigProblem
from bot.ports import GitHub
from bot.web.reading import Reading
from bot.web.repositories import configuration


@dataclass(frozen=True, slots=True)
class Estimates:
    reading: Reading
    github: GitHub
    limits: ServerLimits

    async def of(self, principal: Principal, repo: Repo, options: SolveOptions, now: datetime) -> Estimate | Misread:
        """By runs in that repository, and in others that the person may read. `Misread`: it would not be begun."""
        await self.reading.check_repository(principal, repo)
        config = (await configuration(self.github, repo)).config
        catalogue = await self.reading.models(principal)
        usual = RepoConfig() if isinstance(config, ConfigProblem) else config
        planned = plan(options, usual, catalogue, self.limits)
        if isinstance(planned, Misread):
            return planned
        since = datetime.combine(first_day(now), time(), UTC)
        views = self.reading.views
        active = await views.active_repositories(since)
        readable = await self.reading.permissions.readable(principal, active)
        here = await views.known_runs({repo.id}, since)
        elsewhere = await views.known_runs(readable - {repo.id}, since)
        return estimate(planned, repo.id, [*here, *elsewhere])
