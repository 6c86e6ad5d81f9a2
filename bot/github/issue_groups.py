"""Issues that belong together: a parent's children, a milestone's."""

from __future__ import annotations

from bot.core.model import IssueRef
from bot.github import responses
from bot.github.access import Access
from bot.github.client import Call
from bot.github.tokens import Purpose


async def children(at: Access, issue: IssueRef) -> list[int]:
    """Sub-issues that are open and in the same repository, in their order; at most 100."""
    call = Call("GET", f"/issues/{issue.number}/sub_issues?per_page=100", expect=(404,))
    answer = await at.ask(issue.repo, Purpose.READ, call)
    found = [] if answer.status == 404 else answer.read(list[responses.SubIssue])
    return [each.number for each in found if each.state == "open" and each.is_in(issue.repo.name)]


async def of_milestone(at: Access, issue: IssueRef) -> list[int] | None:
    """Open issues of the milestone that this one is in, oldest first; at most 100. None: it is in none."""
    answer = await at.ask(issue.repo, Purpose.READ, Call("GET", f"/issues/{issue.number}"))
    milestone = answer.read(responses.Issue).milestone
    if milestone is None:
        return None
    which = {"milestone": str(milestone.number), "state": "open", "sort": "created", "direction": "asc"}
    call = Call("GET", "/issues", query={**which, "per_page": "100"})
    found = (await at.ask(issue.repo, Purpose.READ, call)).read(list[responses.Listed])
    return [each.number for each in found if each.pull_request is None]
