"""Issues that we open ourselves, for who has told us of a bug that has none. Each once, however often it is asked."""

from __future__ import annotations

from bot.core.model import IssueRef, Repo
from bot.github import responses
from bot.github.access import Access
from bot.github.client import Call
from bot.github.tokens import Purpose

_NEWEST = {"state": "all", "sort": "created", "direction": "desc", "per_page": "100"}


async def open_issue(at: Access, repo: Repo, *, title: str, body: str, marker: str) -> IssueRef:
    """Look among the newest for ours that begins with the marker, or open it."""

    async def find() -> int | None:
        bot = await at.ourselves(repo, Purpose.TALK)
        found = (await at.ask(repo, Purpose.TALK, Call("GET", "/issues", query=_NEWEST))).read(list[responses.Listed])
        return next((issue.number for issue in found if issue.is_by(bot) and issue.begins_with(marker)), None)

    async def post() -> int:
        answer = await at.write(repo, Purpose.TALK, Call("POST", "/issues", {"title": title, "body": body}))
        return answer.read(responses.Listed).number

    return IssueRef(repo, await at.find_or_make(repo, find, post))
