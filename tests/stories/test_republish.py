"""A publication that fails is tried again by itself; what was paid for is kept."""

from __future__ import annotations

from bot.core.model import Status
from tests.stories.world import World

FORBIDDEN = {"message": "Resource not accessible by integration"}
ACCEPTED = {"X-Accepted-GitHub-Permissions": "pull_requests=write"}


async def test_where_only_the_pull_request_is_refused(world: World) -> None:
    """There is a branch, and a link that opens the pull request; a retry opens it, and asks no model."""
    fault = world.github.faults.add("POST", "*/pulls", status=403, body=FORBIDDEN, headers=ACCEPTED, times=None)
    issue = await world.issue()
    await world.label(issue)
    facts = await world.over(issue)
    assert facts.status is Status.FAILED
    said = (await world.next_comment(issue)).body
    branch = "solvebot/1-no-name-no-greeting"
    address = f"{world.github.url}/octo/greet/compare/main...{branch}?expand=1"
    assert f"[open the pull request yourself]({address})" in said
    assert "The App has the permission, so a setting of the repository or its organisation forbids it" in said
    assert "`/solve retry` only tries to publish it again" in said
    assert world.repo.branch_sha(branch) is not None

    asked, paid = len(world.models.calls), facts.dollars
    await world.comment(issue, "/solve retry")
    assert "It costs nothing" in (await world.next_comment(issue)).body
    await world.settled()
    assert world.repo.pulls == []

    fault.times = 0
    await world.repo.commit("main", {"other.txt": "x"}, "Moved on")
    await world.comment(issue, "/solve retry")
    await world.next_comment(issue)
    await world.settled()
    [pull] = world.repo.pulls
    assert (pull.pull.head, pull.pull.head_sha) == (branch, world.repo.branch_sha(branch))
    again = await world.facts(issue)
    assert again is not None
    assert (again.status, again.id, again.dollars, len(world.models.calls)) == (
        Status.COMPLETED, facts.id, paid, asked,
    )  # fmt: skip
    assert again.pull_request is not None
    assert again.pull_request.number == pull.number
    assert f"#{pull.number}" in (await world.said(issue, "🏆 Opened")).body


async def test_where_not_even_the_branch_was_made(world: World) -> None:
    fault = world.github.faults.add("POST", "*/git/refs", status=422, body={"message": "Reference update failed"})
    issue = await world.issue()
    await world.label(issue)
    facts = await world.over(issue)
    assert facts.status is Status.FAILED
    said = (await world.next_comment(issue)).body
    assert "Reference update failed" in said
    assert "open the pull request yourself" not in said

    fault.times = 0
    asked = len(world.models.calls)
    await world.comment(issue, "/solve retry")
    await world.next_comment(issue)
    await world.settled()
    assert len(world.repo.pulls) == 1
    assert len(world.models.calls) == asked
    await world.said(issue, "🏆 Opened")
