"""Somebody asks through the API, from a terminal elsewhere, and steers what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from bot.core.access import Scope
from bot.core.model import Person, Repo, Status, TriggerKind
from bot.remote import Refused, Remote
from bot.tokens_command import create
from tests.stories.world import BREAKS, FIXES, MAINTAINER, World, a_world, line_up


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    files = line_up("fixer", "breaker")
    async with a_world(tmp_path, scripts={"fixer": FIXES, "breaker": BREAKS}, files=files, api=True) as world:
        await world.bot.bot.world.store.repository_seen(
            Repo(world.repo.installation.id, world.repo.id, world.repo.name)
        )
        yield world


async def server(world: World, login: str = MAINTAINER) -> Remote:
    account, clock = world.github.user(login), world.bot.bot.world.clock
    store = world.bot.store
    owner = Person(account.login, account.id)
    _, token = await create(store, owner, "a story", [Scope.READ, Scope.STEER], 1, clock.now())
    return Remote(urljoin(str(world.github.webhooks.url), "/"), token, pause=0.05)


async def test_from_a_bug_without_an_issue_to_another_champion(world: World) -> None:
    bug = {"repository": "octo/greet", "title": "No name, no greeting", "text": "It should greet the world."}
    with await server(world) as ann:

        def start() -> tuple[str, list[str]]:
            accepted = ann.answer(ann.post("/solves", bug))
            return accepted["solve"], [event.kind for event in ann.follow(accepted["solve"])]

        id, told = await asyncio.to_thread(start)
        issue = world.repo.issue(1)
        address = f"{world.settings.server_url}/octo/greet/issues/1"
        facts = await world.over(issue)
        await world.next_comment(issue)
        assert facts.task is not None
        assert (facts.task.title, issue.state.by_app) == ("No name, no greeting", True)
        assert facts.task.body.startswith("It should greet the world.")
        assert (facts.id, facts.status, facts.solve.trigger.kind) == (id, Status.COMPLETED, TriggerKind.API)
        assert facts.solve.trigger.by.login == MAINTAINER
        assert told[:3] == ["solve.accepted", "solve.started", "solve.planned"]
        assert told[-1] == "solve.ended"
        assert told.count("run.ended") == 2

        with pytest.raises(Refused, match="is already open for this issue"):
            await asyncio.to_thread(lambda: ann.answer(ann.post("/solves", {"issue": address})))
        with pytest.raises(Refused, match="Nothing is running"):
            await asyncio.to_thread(lambda: ann.answer(ann.post(f"/solves/{id}/cancel")))

        used = await asyncio.to_thread(lambda: ann.answer(ann.post(f"/solves/{id}/use", {"candidate": "B"})))
        assert used["solve"] == id
        await world.settled()
        shown = await asyncio.to_thread(lambda: ann.get(f"/solves/{id}"))
        assert shown["decision"]["chosen_by"] == MAINTAINER
        [pull] = world.repo.pulls
        assert world.repo.file(pull.pull.head_sha, "greet.sh") == b'echo "good bye"\n'
        world.unread_is_fine = True


async def test_a_reader_may_look_and_no_more(world: World) -> None:
    issue = await world.issue()
    address = f"{world.settings.server_url}/octo/greet/issues/{issue.number}"
    with await server(world, "sam") as sam:
        with pytest.raises(Refused, match="write permission"):
            await asyncio.to_thread(lambda: sam.post("/solves", {"issue": address}))
        assert (await asyncio.to_thread(lambda: sam.get("/solves")))["items"] == []
    assert issue.bot_comments == []
