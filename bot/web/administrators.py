"""Whom ADMINS names: by login, or by a team, of whom GitHub says who is in it now, asked at most once a minute.

An error never grants: where a team cannot be asked about, nobody is in it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.core.access import is_admin, teams_among
from bot.ports import Clock, GitHub, WorldError
from bot.web.permissions import MOST_KEPT, VALID

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Asked:
    at: datetime
    teams: asyncio.Task[frozenset[str]]


class Administrators:
    def __init__(self, github: GitHub, clock: Clock, named: tuple[str, ...]) -> None:
        self._github = github
        self._clock = clock
        self._named = named
        self._teams = teams_among(named)
        self._known: dict[str, _Asked] = {}

    async def have(self, login: str) -> bool:
        """Who asks at the same time shares the answer."""
        if is_admin(login, self._named) or not self._teams:
            return is_admin(login, self._named)
        return is_admin(login, self._named, await asyncio.shield(self._asked(login).teams))

    def _asked(self, login: str) -> _Asked:
        key, now = login.lower(), self._clock.now()
        known = self._known.get(key)
        if known is None or now - known.at >= VALID:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            known = self._known[key] = _Asked(now, asyncio.create_task(self._teams_of(login), name="teams"))
        return known

    async def _teams_of(self, login: str) -> frozenset[str]:
        found = await asyncio.gather(*(self._is_in(team, login) for team in self._teams))
        return frozenset(team for team, is_in in zip(self._teams, found, strict=True) if is_in)

    async def _is_in(self, team: str, login: str) -> bool:
        try:
            return await self._github.is_in_team(team, login)
        except WorldError as error:
            log.warning("team.unknown", team=team, reason=str(error), remedy=error.remedy)
            return False
