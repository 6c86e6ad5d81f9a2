"""What somebody asks of the bot, by the API or a page: it goes into the inbox, as a comment's command would, and is as
durable. Once it is on the disk it was asked; what comes of it is told by the request.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import msgspec

from bot.configuration import read_config
from bot.core.access import Deed, Principal
from bot.core.choosing.approval_rules import least_permission
from bot.core.model import IssueRef, Permission, Repo, SolveId, SolveOptions
from bot.core.trigger.config import ConfigProblem
from bot.core.trigger.events import API_EVENT, Requested, Wish
from bot.inbox import Inbox
from bot.ports import Clock, Denied, GitHub, Gone, Rejected, Request, Requests
from bot.web.reading import NoSuchThing, Reading


class NoSuchIssue(Exception):
    """There is none, or we may not read it."""


class KeyReused(Exception):
    """The same key, for something else."""


@dataclass(frozen=True, slots=True)
class Asked:
    wish: Wish
    issue: IssueRef
    solve: SolveId | None = None
    options: SolveOptions | None = None
    candidate: int = 0
    text: str = ""
    title: str = ""  # of a bug that has no issue, whose number is 0 then


@dataclass(frozen=True, slots=True)
class Asking:
    reading: Reading
    github: GitHub
    requests: Requests
    inbox: Inbox
    clock: Clock

    async def ask(self, principal: Principal, key: str, asked: Asked) -> Request:
        """First the permission, then the issue as it is now, then two rows; each of which may be there already.

        `key`: the same request has the same. Raises `NoSuchThing`, `NotAllowed`, `NoSuchIssue` or `KeyReused`.
        """
        await self._may(principal, asked.wish, asked.issue.repo)
        now = self.clock.now()
        id = f"api-{_digest(f'{principal.person.id} {key}')[:32]}"
        digest = _digest(msgspec.json.encode(asked).decode())
        wanted = Request(id, digest, principal.person.id, asked.issue.repo.id, now, solve=asked.solve)
        event = await self._event(principal, asked, id, now)
        kept = await self.requests.ask(wanted)
        if kept.digest != digest:
            raise KeyReused
        if kept.answered_at is None and not await self.inbox.known([id]):
            await self.inbox.put(id, API_EVENT, msgspec.json.encode(event))
        return kept

    async def _may(self, principal: Principal, wish: Wish, repo: Repo) -> None:
        """What the repository asks of those who command; what cannot be read asks the usual. To approve, and to
        propose another configuration, takes write."""
        await self.reading.check_repository(principal, repo)
        needed = Permission.WRITE
        try:
            state = await self.github.repository(repo)
            config = await read_config(self.github, repo, state.default_branch) if not state.empty else None
            needed = config.who if config is not None and not isinstance(config, ConfigProblem) else needed
        except (Gone, Denied, Rejected):
            raise NoSuchThing from None
        if wish in (Wish.APPROVE, Wish.REJECT, Wish.CONFIGURE):
            needed = least_permission(needed)
        await self.reading.check_repository(principal, repo, Deed.STEER, needed=needed)

    async def _event(self, principal: Principal, asked: Asked, id: str, now: datetime) -> Requested:
        try:
            issue = await self.github.issue(asked.issue) if asked.issue.number else None
        except (Gone, Denied, Rejected):
            raise NoSuchIssue from None
        return Requested(
            asked.issue,
            issue.title if issue else asked.title,
            issue.body if issue else asked.text,
            issue.is_pull_request if issue else False,
            principal.person,
            now,
            id,
            asked.wish,
            asked.solve,
            asked.options,
            asked.candidate,
            asked.text,
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
