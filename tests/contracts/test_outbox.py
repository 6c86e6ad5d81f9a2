"""What is to be told is kept until it is taken, on both databases; and a receiver like the one in the docs takes it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.core.model import SolveId, Status
from bot.core.notifications import MOST_TRIES
from bot.core.text.outgoing import Redactor
from bot.core.views import EventKind
from bot.notifying import Notifying, Target, session
from bot.simulators.serving import serving
from bot.store.store import SqlStore, opened
from tests.contracts.github_world import Time
from tests.contracts.test_store import NOON, SOLVE, TASK, solve

pytestmark = pytest.mark.usefixtures("every_plan_is_checked")

SECRET = "a secret that nobody guesses"
EXAMPLE = Path(__file__).parent.parent.parent / "docs/examples/receiver.py"


@dataclasses.dataclass
class Receiver:
    """Answers as it is told to, and takes what the example of the docs would take."""

    status: int = 204
    taken: list[str] = dataclasses.field(default_factory=list)

    async def take(self, request: Request) -> Response:
        names: dict[str, object] = {"__name__": "receiver"}
        exec(compile(EXAMPLE.read_text(), str(EXAMPLE), "exec"), names)  # the example of the docs, as it stands there
        is_ours = names["is_ours"]
        assert callable(is_ours)
        if not is_ours(SECRET, await request.body(), request.headers.get("X-Hub-Signature-256", "")):
            return Response(status_code=401)
        if self.status < 300:
            self.taken.append(f"{request.headers['X-Solvebot-Event']} {request.headers['X-Solvebot-Delivery']}")
        return Response(status_code=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    async with opened(database_url) as store:
        await store.accept(SOLVE)
        await store.frozen(SOLVE.id, TASK, NOON)  # before anybody is to be told
        yield store


@asynccontextmanager
async def telling(
    store: SqlStore, time: Time, *, secret: str = SECRET, allow_private: bool = True
) -> AsyncIterator[tuple[Notifying, Receiver]]:
    receiver = Receiver()
    async with serving(Starlette(routes=[Route("/told", receiver.take, methods=["POST"])])) as url:
        target = Target(f"{url}/told", secret, allow_private)
        async with session(target) as opened:
            yield Notifying(store.outbox, store, time, Redactor(), target, opened), receiver


async def test_what_happens_is_told_once_and_what_is_past_is_not(store: SqlStore) -> None:
    time = Time()
    async with telling(store, time) as (notifying, receiver):
        await notifying.look()
        assert receiver.taken == []
        await store.noted(SOLVE.id, "nothing to tell")
        await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
        for _ in range(2):
            await notifying.look()
        newest = await store.views.newest_event()
        assert receiver.taken == [f"solve.ended s-1-{newest}"]
        await store.noted(SOLVE.id, "nothing to tell")
        await notifying.look()
        time.goes_on(days=8)
        await store.accept(solve("s-9", number=9))
        await store.frozen(SolveId("s-9"), TASK, NOON)
        await notifying.look()
        assert [word.split()[0] for word in receiver.taken] == [EventKind.ENDED.value, EventKind.STARTED.value]


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_who_does_not_take_it_is_told_again_also_by_another_process(store: SqlStore, status: int) -> None:
    time = Time()
    async with telling(store, time) as (notifying, receiver):
        await notifying.look()
        await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
        receiver.status = status
        await notifying.look()
        receiver.status = 204
        await notifying.look()
        assert receiver.taken == []  # not before its time
    time.goes_on(seconds=31)
    async with telling(store, time) as (notifying, receiver):
        await notifying.look()
        assert len(receiver.taken) == 1


async def test_a_row_is_there_until_it_is_told_or_given_up(store: SqlStore) -> None:
    now = NOON
    await store.outbox.collect(now)
    await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
    await store.outbox.collect(now)
    [untold] = await store.outbox.due(now)
    assert (untold.event.kind, untold.tries) == (EventKind.ENDED, 0)
    await store.outbox.failed(untold.event.seq, now, now + timedelta(seconds=30), "It answered 500.")
    assert await store.outbox.due(now) == []
    [again] = await store.outbox.due(now + timedelta(seconds=30))
    assert (again.event, again.tries) == (untold.event, 1)
    await store.outbox.told(untold.event.seq, now)
    assert await store.outbox.due(now + timedelta(days=1)) == []


async def test_after_some_tries_it_is_given_up(store: SqlStore) -> None:
    time = Time()
    async with telling(store, time) as (notifying, receiver):
        await notifying.look()
        await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
        receiver.status = 500
        for _ in range(MOST_TRIES):
            assert len(await store.outbox.due(time.now())) <= 1
            await notifying.look()
            time.goes_on(hours=13)
        assert await store.outbox.due(time.now()) == []


async def test_nothing_goes_into_a_private_network_unless_the_operator_says_so(store: SqlStore) -> None:
    time = Time()
    async with telling(store, time, allow_private=False) as (notifying, receiver):
        await notifying.look()
        await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
        await notifying.look()
        assert receiver.taken == []
    time.goes_on(seconds=31)
    [waiting] = await store.outbox.due(time.now())
    assert waiting.tries == 1


async def test_a_name_that_leads_into_a_private_network_is_none(store: SqlStore) -> None:
    time = Time()
    target = Target("https://localhost:1/told", SECRET)
    async with session(target) as opened:
        notifying = Notifying(store.outbox, store, time, Redactor(), target, opened)
        await notifying.look()
        await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
        await notifying.look()
    assert await store.outbox.due(time.now()) == []


async def test_another_secret_signs_nothing_that_is_taken(store: SqlStore) -> None:
    time = Time()
    async with telling(store, time, secret="another secret of theirs") as (notifying, receiver):
        await notifying.look()
        await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
        await notifying.look()
        assert receiver.taken == []
