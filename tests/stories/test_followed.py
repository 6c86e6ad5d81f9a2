"""What people do with a pull request afterwards is followed in the one status comment, and starts nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import Fate, SolveFacts
from bot.core.render.fate import QUESTION
from bot.simulators.github import SimIssue
from tests.stories.pulls import a_pull
from tests.stories.world import World, a_world

FOLDED = f"<details>\n<summary>{QUESTION}</summary>"


async def told(world: World) -> tuple[SimIssue, SimIssue]:
    """The issue with its status comment, and the pull request."""
    pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
    issue = world.repo.issue(pull.number - 1)
    await world.bot.bot.board.refresh((await stored(world, pull)).id)
    await world.next_comment(issue)
    return issue, pull


async def stored(world: World, pull: SimIssue) -> SolveFacts:
    facts = await world.bot.bot.world.store.of_pull(world.repo.id, pull.number)
    assert facts is not None
    return facts


async def test_who_closes_it_is_asked_once_and_never_by_a_new_comment(tmp_path: Path, either_database: str) -> None:
    async with a_world(tmp_path, database_url=either_database) as world:
        issue, pull = await told(world)
        [status] = issue.bot_comments
        assert FOLDED not in status.body
        await pull.close(by="ann")
        await world.settled()
        assert FOLDED in status.body

        await world.comment(pull, "/solve reject", by="sam")
        assert "needs the permission **write**" in (await world.next_comment(pull)).body
        said = await world.comment(pull, "/solve reject too *clever* for us")
        await world.settled()
        assert [reaction.content for reaction in said.reactions] == ["eyes"]
        assert FOLDED not in status.body
        assert "It was closed and not merged: “too \\*clever\\* for us”" in status.body
        assert (await stored(world, pull)).fate_why == "too *clever* for us"

        await pull.reopen(by="ann")
        await world.settled()
        assert "It was closed" not in status.body
        await pull.merge(by="ann")
        await world.settled()
        assert "It was merged." in status.body
        assert (await stored(world, pull)).fate is Fate.MERGED
        assert (len(issue.bot_comments), len(pull.bot_comments)) == (1, 1)


async def test_a_reason_for_one_that_is_open_is_no_reason(world: World) -> None:
    _, pull = await told(world)
    await world.comment(pull, "/solve reject it is too large")
    assert "Nothing waits for approval here." in (await world.next_comment(pull)).body
    assert (await stored(world, pull)).fate_why == ""


async def test_a_draft_another_base_and_another_title_are_followed(world: World) -> None:
    issue, pull = await told(world)
    [status] = issue.bot_comments
    assert "Opened pull request #2" in status.body
    await pull.convert_to_draft(by="ann")
    await world.settled()
    assert "Opened draft pull request #2" in status.body
    assert "It is a draft, as ann wants it." in status.body
    await pull.ready_for_review(by="ann")
    await world.settled()
    assert "Opened pull request #2" in status.body
    await world.repo.create_branch("release", world.repo.branches["main"])
    await pull.retarget("release", by="ann")
    await pull.edit(title="Mine", by="ann")
    await world.settled()
    assert "ann changed the pull request's base branch from main to release." in status.body
    assert pull.title == "Mine"
    assert (await stored(world, pull)).pull_request is not None
    assert len(world.models.calls) == 0


@pytest.mark.parametrize("deed", ["rename", "lock"])
async def test_a_renamed_repository_is_followed_and_what_is_locked_hears_nothing_new(world: World, deed: str) -> None:
    issue, pull = await told(world)
    [status] = issue.bot_comments
    if deed == "rename":
        await world.repo.rename("hello", by="ann")
    else:
        await issue.lock(by="ann")
        await pull.lock(by="ann")
        await world.comment(pull, "/solve reject no")
    await world.settled()
    await pull.close(by="ann")
    await world.settled()
    assert FOLDED in status.body  # an edit, of which nobody is told
    assert (await stored(world, pull)).fate is Fate.CLOSED
    assert (len(issue.bot_comments), len(pull.bot_comments)) == (1, 0)


async def test_two_pull_requests_that_change_the_same_file_know_of_each_other(world: World) -> None:
    _, gone = await told(world)
    await gone.close(by="ann")
    _, one = await told(world)
    issue = await world.issue("No greeting, no name")
    await world.label(issue)
    await world.over(issue)
    await world.next_comment(issue)
    other = max(world.repo.pulls, key=lambda pull: pull.number)
    assert f"- #{other.number} changes `greet.sh`, too" in one.body
    assert f"- #{one.number} changes `greet.sh`, too" in other.body
    assert f"#{gone.number} changes" not in other.body
