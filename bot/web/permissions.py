"""What GitHub says of a person in a repository, asked at most once a minute.

An error never grants: what is gone or closed to us is hidden, and where GitHub does not answer, neither do we.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from bot.core.access import Principal
from bot.core.model import Permission, Repo
from bot.ports import Clock, Denied, GitHub, Gone, Rejected

log = structlog.get_logger()

VALID = timedelta(minutes=1)
MOST_KEPT = 20_000
AT_ONCE = 8

_Key = tuple[int, str]


class Permissions:
    def __init__(self, github: GitHub, clock: Clock) -> None:
        self._github = github
        self._clock = clock
        self._known: dict[_Key, tuple[datetime, Permission]] = {}
        self._asking: dict[_Key, asyncio.Task[Permission]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def of(self, principal: Principal, repo: Repo, *, no_older_than: timedelta = VALID) -> Permission:
        """Who asks for the same at the same time shares the answer. Raises `Unavailable`."""
        key = (repo.id, principal.person.login.lower())
        known = self._known.get(key)
        if known is not None and self._clock.now() - known[0] < min(no_older_than, VALID):
            return known[1]
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(key, repo, principal.person.login))
            task.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(task)

    async def readable(self, principal: Principal, repos: Iterable[Repo]) -> frozenset[int]:
        """The ids of those that the person may read."""
        each = {repo.id: repo for repo in repos}.values()
        found = await asyncio.gather(*(self.of(principal, repo) for repo in each))
        return frozenset(repo.id for repo, has in zip(each, found, strict=True) if has.at_least(Permission.READ))

    def _answered(self, key: _Key, task: asyncio.Task[Permission]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # looked at: those who waited may all be gone

    async def _ask(self, key: _Key, repo: Repo, login: str) -> Permission:
        async with self._places:
            try:
                found = await self._github.permission(repo, login)
            except (Gone, Denied, Rejected) as error:
                log.info("permission.hidden", repo=repo.id, reason=str(error))
                found = Permission.NONE
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[key] = (self._clock.now(), found)
        return found
