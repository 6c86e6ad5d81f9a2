"""Events: in the transaction of the fact, in order, to those who follow, from where they were, as long as they may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bot.core.model import SolveId, Status, Usage, run_id
from bot.core.text.outgoing import Redactor
from bot.core.views import EventKind
from bot.store.store import SqlStore, opened
from bot.web.events import QUEUE, Feed, Follower, stream
from tests.contracts.api_world import PRIVATE, PUBLIC, ApiWorld, api_world
from tests.contracts.test_store import EXPERIMENTS, LIMITS, NOON, SOLVE, solve, tell_everything

FIRST = run_id(SOLVE.id, 1)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    async with opened(database_url) as store:
        yield store


@pytest.fixture
async def api(tmp_path: Path, sqlite_url: str) -> AsyncIterator[ApiWorld]:
    async with api_world(tmp_path, sqlite_url) as world:
        yield world


async def always() -> bool:
    return True


def feed(store: SqlStore) -> Feed:
    return Feed(store.views, Redactor(("hunter22",)), poll=0.01)


async def read(told: AsyncIterator[bytes], number: int) -> list[tuple[str, dict[str, object]]]:
    """The next events: what they are called, and what they hold. Lines that only say that somebody is there: none."""
    found: list[tuple[str, dict[str, object]]] = []
    async with asyncio.timeout(60):
        while len(found) < number:
            fields = dict(line.split(": ", 1) for line in (await anext(told)).decode().splitlines() if ": " in line)
            if "event" in fields:
                found.append((fields["event"], msgspec.json.decode(fields["data"])))
    return found


@pytest.mark.usefixtures("every_plan_is_checked")
async def test_each_fact_is_told_once_and_in_its_order(store: SqlStore) -> None:
    await tell_everything(store)
    told = await store.views.events(0, solve=SOLVE.id)
    of_a_run = [
        EventKind.RUN_STARTED,
        EventKind.RUN_STEPPED,
        EventKind.CANDIDATE,
        EventKind.RUN_ENDED,
        EventKind.JUDGED,
    ]
    assert [event.kind for event in told] == [
        EventKind.ACCEPTED,
        EventKind.STARTED,
        EventKind.PLANNED,
        EventKind.PREPARED,
        *of_a_run,
        *of_a_run,
        *[EventKind.OBSERVED] * 4,
        EventKind.DECIDED,
        EventKind.OBSERVED,
        EventKind.NOTED,  # that it waits for approval
        EventKind.NOTED,  # that others change the same files
        EventKind.PUBLISHED,
        EventKind.NOTED,
        EventKind.FATE,
        EventKind.FATE,  # and why
        EventKind.ENDED,
    ]
    assert [event.run for event in told[4:14]] == ["A"] * 5 + ["B"] * 5
    assert told[5].data == {"steps": 7, "dollars": 0.125, "command": "ls"}
    assert told[-1].data == {"status": "completed"}
    assert [event.seq for event in told] == sorted({event.seq for event in told})
    assert await store.views.newest_event() == told[-1].seq
    assert await store.views.events(told[-3].seq) == told[-2:]


async def test_what_did_not_happen_is_not_told(store: SqlStore) -> None:
    await store.accept(SOLVE)
    await store.accept(SOLVE)
    await store.ended(SOLVE.id, Status.FAILED, at=NOON)
    await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
    with pytest.raises(Exception, match="no run"):
        await store.run_stepped(FIRST, steps=1, dollars=0, usage=Usage(), seconds=0, last_command="")
    told = await store.views.events(0)
    assert [event.kind for event in told] == [EventKind.ACCEPTED, EventKind.ENDED]


async def test_numbers_are_not_given_again(store: SqlStore) -> None:
    await tell_everything(store)
    newest = await store.views.newest_event()
    await store.purge(NOON + timedelta(days=1))
    assert await store.views.newest_event() == 0
    await store.accept(solve("s-2"))
    assert await store.views.newest_event() > newest


async def test_numbers_become_visible_in_their_order_whoever_writes(store: SqlStore) -> None:
    """Those who have read up to one have missed nothing before it."""
    for number in range(12):
        await store.accept(solve(f"s-{number}", number=number + 1))
    seen = await store.views.newest_event()
    writing = [asyncio.create_task(store.noted(SolveId(f"s-{n}"), "x" * n)) for n in range(1, 12)]
    numbers: list[int] = []
    async with asyncio.timeout(60):
        while len(numbers) < 11:
            found = await store.views.events(seen)
            numbers += [event.seq for event in found]
            seen = found[-1].seq if found else seen
    await asyncio.gather(*writing)
    assert numbers == [event.seq for event in await store.views.events(0)][12:]


async def test_who_follows_hears_what_was_and_what_comes(store: SqlStore) -> None:
    await store.accept(SOLVE)
    await store.accept(solve("s-2", number=9))
    async with aclosing(stream(feed(store), SOLVE.id, 0, always)) as told:
        assert [kind for kind, _ in await read(told, 1)] == ["solve.accepted"]
        await store.noted(SolveId("s-2"), "about another one")
        await store.noted(SOLVE.id, "the password is hunter22")
        [(kind, event)] = await read(told, 1)
    assert (kind, event["data"]) == ("solve.noted", {"note": "the password is [redacted]"})


async def test_who_comes_back_goes_on_where_they_were(store: SqlStore) -> None:
    await tell_everything(store)
    known = (await store.views.events(0))[-3].seq
    async with aclosing(stream(feed(store), SOLVE.id, known, always)) as told:
        assert [kind for kind, _ in await read(told, 2)] == ["solve.fate", "solve.ended"]


async def test_who_does_not_read_is_told_to_load_anew_and_nobody_waits(store: SqlStore) -> None:
    await store.accept(SOLVE)
    await store.planned(SOLVE.id, EXPERIMENTS, LIMITS)
    follower = Follower(SOLVE.id)
    [event, *_] = await store.views.events(0)
    for _ in range(QUEUE + 5):
        follower.hear(event)
    assert follower.is_behind
    assert follower.queue.qsize() == QUEUE


async def test_nobody_is_asked_where_nobody_follows(store: SqlStore) -> None:
    await store.accept(SOLVE)
    source = feed(store)
    async with aclosing(stream(source, SOLVE.id, 0, always)) as told:
        await read(told, 1)
        assert [task for task in asyncio.all_tasks() if task.get_name() == "events"]
    await asyncio.sleep(0)
    assert [task for task in asyncio.all_tasks() if task.get_name() == "events" and not task.cancelling()] == []


async def test_a_stream_ends_when_permission_is_lost(store: SqlStore) -> None:
    await store.accept(SOLVE)
    answers = iter([True, False])

    async def allowed() -> bool:
        return next(answers)

    async with aclosing(stream(feed(store), SOLVE.id, 0, allowed, recheck=timedelta(0))) as told:
        assert [kind for kind, _ in await read(told, 2)] == ["solve.accepted", "end"]
        with pytest.raises(StopAsyncIteration):
            await anext(told)


async def test_who_may_follow(api: ApiWorld) -> None:
    """The answer begins before it ends, so only those who are sent away can be asked for all of it."""
    assert (await api.as_("sam", f"/solves/{PRIVATE}/events")).status_code == 404
    assert (await api.get(f"/solves/{PUBLIC}/events")).status_code == 401
    assert (await api.get(f"/solves/{PUBLIC}/events", await api.token("sam", frozenset()))).status_code == 403
    wrong = await api.get(f"/solves/{PUBLIC}/events", await api.token("sam"), Last_Event_ID="-1")
    assert wrong.status_code == 422
