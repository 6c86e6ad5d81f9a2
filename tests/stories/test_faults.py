"""GitHub has a bad day, and nobody notices."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.core.model import Status
from bot.simulators.model import Fault, Say
from tests.stories.test_lifecycle import arrived, thinking
from tests.stories.world import World, a_world


async def test_a_502_after_the_comment_was_created_leaves_one_comment(world: World) -> None:
    issue = await world.issue()
    world.github.faults.add("POST", "/repos/*/issues/*/comments", status=502, drop_answer=True)
    await world.label(issue)
    await world.over(issue)
    await world.next_comment(issue)
    assert len(issue.bot_comments) == 1


async def test_a_502_after_the_pull_request_was_created_leaves_one(world: World) -> None:
    issue = await world.issue()
    world.github.faults.add("POST", "/repos/*/pulls", status=502, drop_answer=True)
    await world.label(issue)
    await world.over(issue)
    await world.next_comment(issue)
    assert len(world.repo.pulls) == 1


async def test_a_secondary_limit_without_a_header_is_waited_out(tmp_path: Path) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    async with a_world(tmp_path, sleep=sleep) as world:
        issue = await world.issue()
        world.github.faults.secondary_limit(retry_after=None, method="POST", path="/repos/*/issues/*/comments")
        await world.label(issue)
        assert (await world.over(issue)).status is Status.COMPLETED
        await world.next_comment(issue)
        assert max(waits) >= 60
        assert len(issue.bot_comments) == 1


async def test_tokens_that_end_in_the_middle_are_minted_again(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        issue = await world.issue()
        hold = thinking(world)
        await world.label(issue)
        await arrived(hold)
        world.github.authority.tokens.clear()
        hold.release.set()
        assert (await world.over(issue)).status is Status.COMPLETED
        await world.next_comment(issue)
        assert len(world.repo.pulls) == 1


async def test_drafts_that_are_not_available_become_ready_ones(world: World) -> None:
    world.repo.state.drafts_available = False
    issue = await world.issue()
    await world.comment(issue, "/solve draft")
    facts = await world.over(issue)
    await world.next_comment(issue)
    [pull] = world.repo.pulls
    assert not pull.pull.draft
    assert facts.pull_request is not None
    assert not facts.pull_request.draft


async def test_github_down_for_a_moment_costs_nothing(world: World) -> None:
    issue = await world.issue()
    world.github.faults.add("GET", "/repos/*", status=503, times=3)
    await world.label(issue)
    assert (await world.over(issue)).status is Status.COMPLETED
    await world.next_comment(issue)


async def test_a_branch_that_the_rules_refuse_is_told(world: World) -> None:
    """One that nobody can evaluate beforehand."""
    world.repo.rule("branch_name_pattern", operator="regex", pattern="^(([a-z]+)/)+never$", negate=False)
    issue = await world.issue()
    await world.label(issue)
    facts = await world.over(issue)
    assert facts.status is Status.FAILED
    assert "GitHub refused" in (await world.said(issue, "did not work")).body


async def test_what_the_provider_explains_is_told(tmp_path: Path) -> None:
    refusal = Fault(400, {"error": {"message": "tools need a *paid* plan"}})
    async with a_world(tmp_path, scripts={"fixer": lambda messages: refusal}) as world:
        issue = await world.issue()
        await world.label(issue)
        await world.over(issue)
        said = (await world.said(issue, "No pull request this time")).body
        assert "The provider refused the request: “tools need a \\*paid\\* plan”" in said


async def test_a_model_that_refuses_is_told_with_its_words(tmp_path: Path) -> None:
    refuses = Say("I cannot help with *exploits*.", finish_reason="content_filter")
    async with a_world(tmp_path, scripts={"fixer": lambda messages: refuses}) as world:
        issue = await world.issue()
        await world.label(issue)
        await world.over(issue)
        said = (await world.said(issue, "No pull request this time")).body
        assert "The model refused: “I cannot help with \\*exploits\\*.”" in said
        assert "empty" not in said
        assert world.models.calls.total() == 1
