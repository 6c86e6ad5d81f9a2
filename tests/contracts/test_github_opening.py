"""An issue that we open for somebody is opened once, and is ours."""

from __future__ import annotations

from bot.core.model import IssueRef
from tests.contracts.github_world import World
from tests.contracts.github_world import world as world

MARKER = "<!-- solvebot:request:api-1 -->"


async def test_it_is_opened_once(world: World) -> None:
    opened = await world.hub.open_issue(world.repo, title="It breaks", body=f"{MARKER}\nBadly.", marker=MARKER)
    assert await world.hub.open_issue(world.repo, title="It breaks", body=f"{MARKER}\nBadly.", marker=MARKER) == opened
    issue = await world.hub.issue(opened)
    assert (issue.title, issue.body, issue.open) == ("It breaks", f"{MARKER}\nBadly.", True)


async def test_a_marker_that_somebody_else_wrote_is_not_ours(world: World) -> None:
    _, theirs = await world.open_issue(f"{MARKER}\nBadly.")
    opened = await world.hub.open_issue(world.repo, title="It breaks", body=f"{MARKER}\nBadly.", marker=MARKER)
    assert opened != IssueRef(world.repo, theirs.number)


async def test_an_answer_that_is_lost_opens_no_second_one(world: World) -> None:
    world.github.faults.add("POST", "*/issues", drop_answer=True, times=1)
    opened = await world.hub.open_issue(world.repo, title="It breaks", body=f"{MARKER}\nBadly.", marker=MARKER)
    assert len(world.requests("*/issues", "POST")) == 1
    assert opened.number == 1
