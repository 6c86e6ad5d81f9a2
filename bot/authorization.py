"""May the sender ask? By GitHub's word now; whoever labels is asked about, not whoever wrote the issue."""

from __future__ import annotations

import structlog

from bot.actions import Refusal
from bot.core.model import Permission
from bot.core.render import replies
from bot.core.text.outgoing import Redactor
from bot.core.trigger.events import IssueEvent
from bot.core.trigger.permissions import may_ask
from bot.ports import Denied, GitHub

log = structlog.get_logger()


class Permits:
    def __init__(self, github: GitHub, redact: Redactor) -> None:
        self._github = github
        self._redact = redact

    async def check(self, event: IssueEvent, needed: Permission) -> None:
        """Raises `Refusal`."""
        try:
            has = await self._github.permission(event.issue.repo, event.by.login)
        except Denied as error:
            log.error("permission.unknown", issue=str(event.issue), reason=str(error), remedy=error.remedy)
            raise Refusal(replies.permission_unknown(self._redact(event.by.login))) from error
        if not may_ask(has, needed, event.by):
            login = self._redact(event.by.login)
            raise Refusal(replies.robots_may_not_ask() if event.by.is_bot else replies.not_allowed(login, has, needed))
