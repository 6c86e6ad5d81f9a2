"""What somebody may see, for the API and for pages: each question is asked with the person who asks it.

Lists leave out what the person may not see, and count nothing of it. A single solve that may not be seen is answered
as one that is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.access import Deed, Principal, Verdict, may
from bot.core.conversation import read_trajectory
from bot.core.listing import Page, Position, SolveFilter, UsageBy, cursor, read_cursor
from bot.core.model import Fared, ModelSpec, Permission, Repo, SolveId
from bot.core.text.outgoing import CleanFacts, Redactor
from bot.core.viewing import detail, run_by_letter, run_detail
from bot.core.views import RepositoryView, RunDetail, SolveDetail, SolveEvent, SolveSummary, UsageRow
from bot.ports import Store, Views
from bot.web.permissions import VALID, Permissions

MOST_LOOKED_AT = 10  # pages of rows for one page of what may be seen
_ANY_ID = "~"  # behind every id: a cursor does not name a solve that nobody may know


class NotAllowed(Exception):
    """`verdict` says why; `needed` and `has` where it is a permission that is missing."""

    def __init__(
        self, verdict: Verdict, *, needed: Permission = Permission.NONE, has: Permission = Permission.NONE
    ) -> None:
        super().__init__(verdict.value)
        self.verdict = verdict
        self.needed = needed
        self.has = has


class NoSuchThing(Exception):
    """It is not there, or may not be seen: nobody can tell which."""


class BadCursor(Exception):
    """It is none that we gave."""


@dataclass(frozen=True, slots=True)
class Reading:
    store: Store
    views: Views
    permissions: Permissions
    redact: Redactor

    async def solves(
        self, principal: Principal | None, wanted: SolveFilter, after: str = "", size: int = 50
    ) -> Page[SolveSummary]:
        """The newest first. Where little may be seen, a page may have fewer rows than there is room for."""
        somebody = allowed(principal, Deed.ANY)
        position = _position(after)
        found: list[SolveSummary] = []
        for _ in range(MOST_LOOKED_AT):
            rows = await self.views.solves(wanted, position, size + 1)
            readable = await self.permissions.readable(somebody, (row.repo for row in rows))
            for row in rows:
                if row.repo.id in readable and len(found) == size:
                    return Page(tuple(found), cursor(_place(found[-1])))
                if row.repo.id in readable:
                    found.append(self.redact.within(row))
            if len(rows) <= size:
                return Page(tuple(found))
            position = _place(rows[-1])
        return Page(tuple(found), cursor(Position(position.at, _ANY_ID)))

    async def solve(self, principal: Principal | None, id: SolveId) -> SolveDetail:
        facts = await self.facts(principal, id)
        fate = await self.views.fate(id)
        return await asyncio.to_thread(detail, facts, fate)

    async def run(self, principal: Principal | None, id: SolveId, letter: str) -> RunDetail:
        facts = await self.facts(principal, id)
        run = run_by_letter(facts, letter)
        if run is None:
            raise NoSuchThing
        trajectory = await self.store.trajectory(run.id)
        conversation = await asyncio.to_thread(read_trajectory, trajectory)
        return run_detail(facts, run, conversation)

    async def trajectory(self, principal: Principal | None, id: SolveId, letter: str) -> bytes:
        """As it is stored: gzipped JSON. Redacted when it was written."""
        run = run_by_letter(await self.facts(principal, id), letter)
        found = await self.store.trajectory(run.id) if run is not None else None
        if found is None:
            raise NoSuchThing
        return found

    async def events(self, principal: Principal | None, id: SolveId, after: int) -> list[SolveEvent]:
        await self.check(principal, id)
        found: list[SolveEvent] = self.redact.within(await self.views.events(after, solve=id))
        return found

    async def facts(self, principal: Principal | None, id: SolveId) -> CleanFacts:
        """Raises `NoSuchThing` for what may not be seen, too."""
        await self.check(principal, id)
        facts = await self.store.facts(id)
        if facts is None:
            raise NoSuchThing
        return self.redact.facts(facts)

    async def check(
        self, principal: Principal | None, id: SolveId, deed: Deed = Deed.SEE, *, no_older_than: timedelta = VALID
    ) -> Permission:
        """Whether that may be done about the solve. Raises `NoSuchThing` or `NotAllowed`."""
        somebody = allowed(principal, Deed.ANY)
        repo = await self.views.repository_of(id)
        if repo is None:
            raise NoSuchThing
        return await self.check_repository(somebody, repo, deed, no_older_than=no_older_than)

    async def repository_behind(self, principal: Principal | None, id: SolveId) -> Repo:
        """Of a solve that may be seen. Raises `NoSuchThing`."""
        somebody = allowed(principal, Deed.ANY)
        repo = await self.views.repository_of(id)
        if repo is None:
            raise NoSuchThing
        await self.check_repository(somebody, repo)
        return repo

    async def check_repository(
        self,
        principal: Principal | None,
        repo: Repo,
        deed: Deed = Deed.SEE,
        *,
        needed: Permission = Permission.WRITE,
        no_older_than: timedelta = VALID,
    ) -> Permission:
        somebody = allowed(principal, Deed.ANY)
        has = await self.permissions.of(somebody, repo, no_older_than=no_older_than)
        allowed(somebody, deed, has=has, needed=needed)
        return has

    # ------------------------------------------------------------------------------------------------ repositories

    async def repository(self, principal: Principal | None, name: str) -> Repo:
        somebody = allowed(principal, Deed.ANY)
        repo = await self.views.repository(name)
        if repo is None:
            raise NoSuchThing
        await self.check_repository(somebody, repo)
        return repo

    async def known_repository(self, principal: Principal | None, id: int) -> RepositoryView:
        somebody = allowed(principal, Deed.ANY)
        found = await self.views.known_repository(id)
        if found is None:
            raise NoSuchThing
        await self.check_repository(somebody, found.repo)
        return found

    async def repositories(self, principal: Principal | None, after: str = "", size: int = 50) -> Page[RepositoryView]:
        """By name. A cursor is an id, and not a name that nobody may know."""
        somebody = allowed(principal, Deed.ANY)
        position, found = _number(after), list[RepositoryView]()
        for _ in range(MOST_LOOKED_AT):
            rows = await self.views.repositories(position, size + 1)
            readable = await self.permissions.readable(somebody, (row.repo for row in rows))
            for row in rows:
                if row.repo.id in readable and len(found) == size:
                    return Page(tuple(found), str(found[-1].repo.id))
                if row.repo.id in readable:
                    found.append(row)
            if len(rows) <= size:
                return Page(tuple(found))
            position = rows[-1].repo.id
        return Page(tuple(found), str(position))

    async def usage(self, principal: Principal | None, by: UsageBy, since: datetime) -> Sequence[UsageRow]:
        somebody = allowed(principal, Deed.ANY)
        readable = await self.permissions.readable(somebody, await self.views.active_repositories(since))
        return await self.views.usage(by, since, readable)

    async def models(self, principal: Principal | None) -> Sequence[ModelSpec]:
        allowed(principal, Deed.ANY)
        return await self.store.models()

    async def record(self, principal: Principal | None) -> Sequence[Fared]:
        """What people did with champions, in repositories that the person may read."""
        somebody = allowed(principal, Deed.ANY)
        found = await self.store.record()
        repos = await self.views.named({each.repository for each in found})
        readable = await self.permissions.readable(somebody, repos)
        names = {repo.name for repo in repos if repo.id in readable}
        return [each for each in found if each.repository in names]


def allowed(
    principal: Principal | None,
    deed: Deed,
    *,
    has: Permission = Permission.NONE,
    needed: Permission = Permission.WRITE,
) -> Principal:
    """Raises `NoSuchThing` or `NotAllowed`."""
    verdict = may(principal, deed, has=has, needed=needed)
    if verdict is Verdict.HIDDEN:
        raise NoSuchThing
    if verdict is not Verdict.ALLOWED or principal is None:
        raise NotAllowed(verdict, needed=needed, has=has)
    return principal


def _position(after: str) -> Position:
    position = read_cursor(after)
    if position is None:
        raise BadCursor
    return position


def _number(after: str) -> int:
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise BadCursor
    return int(after)


def _place(row: SolveSummary) -> Position:
    return Position(row.created_at, row.id)
