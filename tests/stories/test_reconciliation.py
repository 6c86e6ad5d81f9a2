"""What people do while no webhook arrives: GitHub is asked, and everything is brought in line, once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bot.core.model import Fate, SolveFacts, Status
from bot.core.render import failure_reasons
from bot.simulators.github import SimIssue
from bot.simulators.model import Answer, Hold, Message
from tests.stories.world import FIXES, MAINTAINER, SOON, World, a_world


def think_for_ever(_messages: Sequence[Message]) -> Answer:
    return Hold()


async def thinking(world: World, number: int) -> None:
    async with asyncio.timeout(SOON):
        while world.models.under_way < number:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


async def look(world: World) -> None:
    await world.bot.bot.reconciliation.look()
    await world.settled()


async def ended(world: World, issue: SimIssue) -> SolveFacts:
    facts = await world.facts(issue)
    assert facts is not None
    return facts


async def test_what_nobody_wants_any_more_is_called_off(tmp_path: Path) -> None:
    """And whoever still wants it is left alone, until nobody can be told anything; then it is told later."""
    async with a_world(tmp_path, scripts={"fixer": think_for_ever}) as world:
        closed, unlabelled, deleted, wanted = [await world.issue() for _ in range(4)]
        for issue in (closed, unlabelled, deleted, wanted):
            await world.label(issue)
        await thinking(world, 4)
        world.github.webhooks.lose(times=100)
        await closed.close(by=MAINTAINER)
        await unlabelled.unlabel("solve-me", by=MAINTAINER)
        await deleted.delete(by=MAINTAINER)
        await look_with_one_going_on(world)
        for issue, why in (
            (closed, failure_reasons.ISSUE_CLOSED_UNSEEN),
            (unlabelled, failure_reasons.LABEL_GONE),
            (deleted, failure_reasons.ISSUE_GONE),
        ):
            facts = await ended(world, issue)
            assert (facts.status, facts.ended_by) == (Status.CANCELLED, why)
        for issue in (closed, unlabelled):
            [comment] = issue.bot_comments
            assert "Cancelled" in comment.body

        await world.repo.installation.suspend(by=MAINTAINER)
        await look(world)
        facts = await ended(world, wanted)
        assert (facts.status, facts.ended_by) == (Status.CANCELLED, failure_reasons.REPOSITORY_GONE)
        [comment] = wanted.bot_comments
        assert "Cancelled" not in comment.body
        await world.repo.installation.unsuspend(by=MAINTAINER)
        await look(world)
        assert "Cancelled" in comment.body
        world.unread_is_fine = True


async def look_with_one_going_on(world: World) -> None:
    await world.bot.bot.reconciliation.look()
    async with asyncio.timeout(SOON):
        while len(await world.bot.bot.world.store.active_solves()) > 1:  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.02)
        while len(await world.bot.bot.engine.active()) > 2:  # noqa: ASYNC110 - the solve and its run
            await asyncio.sleep(0.02)


async def test_pull_requests_and_comments_are_brought_up_to_date(tmp_path: Path) -> None:
    async with a_world(tmp_path, scripts={"fixer": FIXES}) as world:
        issue, pull, facts = await world.published()
        [comment] = issue.bot_comments
        last_word = comment.body
        await issue.edit_comment(comment.id, "An older text.", by=MAINTAINER)
        await world.bot.bot.world.store.showing(facts.id, "of the older text")
        world.github.webhooks.lose(times=100)
        await pull.ready_for_review(by=MAINTAINER)
        await pull.merge(by=MAINTAINER)
        await look(world)
        [told] = issue.bot_comments
        assert (told.id, "was merged" in told.body, "was merged" in last_word) == (comment.id, True, False)
        assert await world.bot.bot.world.store.fate_at(facts.id) is not None
        [fared] = await world.bot.bot.world.store.record()
        assert fared.fate is Fate.MERGED
        before = len(world.github.requests)
        await look(world)
        assert len(world.github.requests) == before, "all of it is known"
        world.unread_is_fine = True
