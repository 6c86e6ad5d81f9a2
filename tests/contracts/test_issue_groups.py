"""Issues that belong together at GitHub: those of a milestone, and sub-issues."""

from __future__ import annotations

import pytest

from bot.core.model import IssueRef
from bot.ports import Gone
from tests.contracts.github_world import World
from tests.contracts.github_world import world as world


async def test_open_issues_of_a_milestone_are_found_from_any_of_them(world: World) -> None:
    """Oldest first, without pull requests, which may be in it as well."""
    issues = [await world.repository.open_issue(f"Issue {number}", by="sam") for number in range(4)]
    first, closed, elsewhere, last = issues
    head = await world.repository.commit("mine", {"a.txt": "a\n"}, "Mine", by="ann")
    assert head
    pull = await world.repository.open_pull("Mine", head="mine", body="", by="ann")
    for each in (last, closed, first, pull):
        await each.put_into_milestone(3, by="ann")
    await elsewhere.put_into_milestone(4, by="ann")
    await closed.close(by="ann")
    for asked in (first, closed, last, pull):
        assert await world.hub.of_milestone(IssueRef(world.repo, asked.number)) == [first.number, last.number]
    assert await world.hub.of_milestone(IssueRef(world.repo, elsewhere.number)) == [elsewhere.number]
    await elsewhere.close(by="ann")
    assert await world.hub.of_milestone(IssueRef(world.repo, elsewhere.number)) == []


async def test_an_issue_without_a_milestone_and_one_that_is_gone(world: World) -> None:
    issue = await world.repository.open_issue("Alone", by="sam")
    assert await world.hub.of_milestone(IssueRef(world.repo, issue.number)) is None
    with pytest.raises(Gone):
        await world.hub.of_milestone(IssueRef(world.repo, 99))


async def test_sub_issues_are_those_that_are_open_and_here(world: World) -> None:
    parent, first, closed = [await world.repository.open_issue(f"Issue {number}", by="sam") for number in range(3)]
    there = await world.github.repository("octo/other", by="ann").open_issue("Not here", by="ann")
    for child in (closed, there, first):
        await parent.add_sub_issue(child, by="ann")
    await closed.close(by="ann")
    assert await world.hub.children(IssueRef(world.repo, parent.number)) == [first.number]
    assert await world.hub.children(IssueRef(world.repo, first.number)) == []
