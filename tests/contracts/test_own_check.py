"""The check run of our own at GitHub: one on a commit, whatever happens while it is made."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.core.model import Sha
from bot.core.trigger.own_check import Button, Conclusion, OwnCheck
from bot.ports import Denied, Unavailable
from tests.contracts.github_world import World
from tests.contracts.github_world import world as world

USE = Button("Use B", "Put candidate B in its place", "use-2")
CHECK = OwnCheck("solve-1", "5 tests kept", "All of it.", Conclusion.NEUTRAL, (USE,), "https://bot.example/1")


async def test_it_is_made_once_and_then_brought_up_to_date(world: World) -> None:
    await asyncio.gather(*(world.hub.show_check(world.repo, world.head, CHECK) for _ in range(3)))
    [run] = world.repository.checks(world.head)
    assert (run.name, run.external_id, run.conclusion, run.details_url) == ("Solvebot", CHECK.key, "neutral", CHECK.url)
    assert run.output == {"title": "5 tests kept", "summary": "All of it.", "text": None}
    assert run.actions == [{"label": USE.label, "description": USE.description, "identifier": USE.identifier}]
    assert len(world.requests("*/check-runs", "POST")) == 1
    assert world.requests("*/check-runs/*", "PATCH") == []  # it said so already

    await world.hub.show_check(world.repo, world.head, replace(CHECK, title="6 tests kept", summary="More."))
    [run] = world.repository.checks(world.head)
    assert run.output["title"] == "6 tests kept"
    assert len(world.requests("*/check-runs/*", "PATCH")) == 1


async def test_what_is_asked_for_again_is_said_again(world: World) -> None:
    """GitHub has queued the suite, and takes it for over when the check is told once more."""
    await world.hub.show_check(world.repo, world.head, CHECK)
    [run] = world.repository.checks(world.head)
    await world.repository.rerequest(run, by="ann")
    assert world.repository.suite_status(run) == "queued"
    await world.hub.show_check(world.repo, world.head, CHECK)
    assert world.repository.suite_status(run) == "queued"
    for _ in range(2):
        await world.hub.show_check_again(world.repo, world.head, CHECK)
    assert world.repository.suite_status(run) == "completed"
    assert [each.id for each in world.repository.checks(world.head)] == [run.id]


async def test_what_others_have_there_is_left_alone(world: World) -> None:
    await world.repository.check(world.head, "Solvebot", "failure", app="somebody")
    await world.hub.show_check(world.repo, world.head, CHECK)
    [run] = world.repository.checks(world.head)
    assert run.conclusion == "neutral"


async def test_an_answer_that_got_lost_makes_no_second_one(world: World) -> None:
    world.github.faults.add("POST", "*/check-runs", drop_answer=True)
    try:
        await world.hub.show_check(world.repo, world.head, CHECK)
    except Unavailable:
        await world.hub.show_check(world.repo, world.head, CHECK)
    assert len(world.repository.checks(world.head)) == 1


async def test_who_may_only_read_checks_is_told_what_is_missing(world: World) -> None:
    installation = world.repository.installation
    await installation.accept_permissions({**installation.state.permissions, "checks": "read"})
    with pytest.raises(Denied) as denied:
        await world.hub.show_check(world.repo, world.head, CHECK)
    assert "`checks: write`" in denied.value.remedy
    await world.hub.checks(world.repo, Sha(world.head))  # which goes on
