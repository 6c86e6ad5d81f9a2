"""The inbox on both databases: nothing acknowledged is lost, nothing is there twice, and commits are shared."""

from __future__ import annotations

import asyncio
import sqlite3
import struct
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bot.inbox import Inbox, open_inbox
from bot.ports import Unavailable
from bot.store import sqlite

pytestmark = pytest.mark.usefixtures("every_plan_is_checked")

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
RECORD = '{"action":"labeled","issue":{"title":"Zeichen: é ✓"}}'.encode()


class Ticking:
    """Each look at it is a second later."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


@pytest.fixture
async def inbox(database_url: str) -> AsyncIterator[Inbox]:
    inbox = await open_inbox(database_url, Ticking())
    yield inbox
    await inbox.close()


async def put(inbox: Inbox, *guids: str) -> None:
    await asyncio.gather(*(inbox.put(guid, "issues", RECORD) for guid in guids))


async def guids(inbox: Inbox, limit: int = 1000) -> list[str]:
    return [row.guid for row in await inbox.waiting(limit)]


async def test_what_has_a_row_is_known_before_and_after_it_was_handed_over(inbox: Inbox) -> None:
    await put(inbox, "a", "b")
    await inbox.handed(["a"])
    assert await inbox.known(["a", "b", "c"]) == {"a", "b"}
    assert await inbox.known([*(f"none-{number}" for number in range(400)), "b"]) == {"b"}
    assert await inbox.known([]) == set()


async def test_what_was_put_waits_until_it_is_handed_over(inbox: Inbox) -> None:
    await inbox.alive()
    await put(inbox, "b", "a", "c")
    first, *_ = await inbox.waiting(10)
    assert (first.guid, first.event, first.attempt) == ("b", "issues", 0)
    assert first.record == {"action": "labeled", "issue": {"title": "Zeichen: é ✓"}}
    assert first.received_at == NOON + timedelta(seconds=1)
    assert await guids(inbox) == ["b", "a", "c"]
    assert await guids(inbox, limit=2) == ["b", "a"]
    await inbox.handed(["b", "c"])
    assert await guids(inbox) == ["a"]


async def test_a_guid_is_one_row_however_often_it_comes(inbox: Inbox) -> None:
    await put(inbox, "a", "a", "b", "a")
    await put(inbox, "a")
    assert [(row.guid, row.attempt) for row in await inbox.waiting(10)] == [("a", 0), ("b", 0)]


async def test_a_redelivery_of_what_was_handed_over_waits_again(inbox: Inbox) -> None:
    await put(inbox, "a", "b")
    await inbox.handed(["a", "b"])
    await put(inbox, "a", "a")
    assert [(row.guid, row.attempt) for row in await inbox.waiting(10)] == [("a", 1)]
    await inbox.handed(["a"])
    await put(inbox, "a")
    assert [(row.guid, row.attempt) for row in await inbox.waiting(10)] == [("a", 2)]


async def test_concurrent_deliveries_share_commits(inbox: Inbox, database_url: str) -> None:
    await put(inbox, *(str(number) for number in range(300)))
    assert len(await guids(inbox)) == 300
    assert 1 <= _commits(database_url) <= 5


def _commits(url: str) -> int:
    """How many transactions wrote the deliveries, as the database itself knows it."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, options="-c log_statement=none") as connection:  # nobody else asks this
            found = connection.execute("select count(distinct xmin::text) from deliveries").fetchone()
            assert found is not None
            return int(found[0])
    wal = Path(f"{sqlite.path_of(url)}-wal").read_bytes()
    (page,) = struct.unpack_from(">I", wal, 8)
    frames = [struct.unpack_from(">II8s", wal, at) for at in range(32, len(wal), 24 + page)]
    return sum(1 for _, size_after_commit, salt in frames if size_after_commit and salt == wal[16:24])


async def test_a_client_that_goes_away_does_not_disturb_the_others(inbox: Inbox) -> None:
    puts = [asyncio.create_task(inbox.put(guid, "issues", RECORD)) for guid in "abc"]
    await asyncio.sleep(0)  # they have gathered
    puts[1].cancel()
    done = await asyncio.gather(*puts, return_exceptions=True)
    assert done[0] is None
    assert isinstance(done[1], asyncio.CancelledError)
    assert done[2] is None
    assert await guids(inbox) == ["a", "b", "c"]


async def test_what_nobody_waits_for_any_more_is_written_all_the_same(inbox: Inbox) -> None:
    puts = [asyncio.create_task(inbox.put(guid, "issues", RECORD)) for guid in "ab"]
    await asyncio.sleep(0)
    for one in puts:
        one.cancel()
    await asyncio.gather(*puts, return_exceptions=True)
    await put(inbox, "c")
    assert await guids(inbox) == ["a", "b", "c"]


def _execute(url: str, sql: str) -> None:
    if url.startswith("postgresql"):
        with psycopg.connect(url) as postgres:
            postgres.execute(sql.encode())
    else:
        file = sqlite3.connect(sqlite.path_of(url))
        file.execute(sql)
        file.close()


async def test_a_failed_commit_fails_all_its_deliveries_and_no_later_one(inbox: Inbox, database_url: str) -> None:
    await put(inbox, "before")
    _execute(database_url, "alter table deliveries rename to elsewhere")
    done = await asyncio.gather(*(inbox.put(guid, "issues", RECORD) for guid in "ab"), return_exceptions=True)
    assert [type(error) for error in done] == [Unavailable, Unavailable]
    with pytest.raises(Unavailable):
        await inbox.alive()
    _execute(database_url, "alter table elsewhere rename to deliveries")
    await put(inbox, "after")
    assert await guids(inbox) == ["before", "after"]


async def test_a_connection_that_broke_costs_no_delivery(postgres_url: str) -> None:
    inbox = await open_inbox(postgres_url, Ticking())
    await put(inbox, "a")
    _execute(postgres_url, "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
    await asyncio.gather(put(inbox, "b", "c"), guids(inbox))
    assert await guids(inbox) == ["a", "b", "c"]
    await inbox.close()


async def test_another_writer_is_waited_for_beside_the_loop(sqlite_url: str) -> None:
    """The store writes to the same file: had the loop to wait for its lock, nobody could give it back."""
    inbox = await open_inbox(sqlite_url, Ticking())
    other = sqlite3.connect(sqlite.path_of(sqlite_url), isolation_level=None)
    other.execute("begin immediate")
    putting = asyncio.create_task(put(inbox, "a"))
    await asyncio.wait({putting}, timeout=0.05)
    assert not putting.done()
    other.execute("commit")
    other.close()
    await putting
    assert await guids(inbox) == ["a"]
    await inbox.close()


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.sqlite", "postgresql://postgres@/x?host=/nowhere"])
async def test_a_database_that_is_not_there(url: str) -> None:
    with pytest.raises(Unavailable):
        await open_inbox(url, Ticking())


async def test_the_taker_is_woken_by_a_put(inbox: Inbox) -> None:
    waiting = asyncio.create_task(inbox.wait(60))
    await asyncio.wait({waiting}, timeout=0.05)
    assert not waiting.done()  # nothing was put yet
    await put(inbox, "a")
    await waiting
    await put(inbox, "b")
    await inbox.wait(60)  # put before it was asked: at once


async def test_the_taker_goes_on_when_its_time_is_over(inbox: Inbox) -> None:
    await put(inbox, "a")
    await inbox.wait(60)
    begun = asyncio.get_running_loop().time()
    await inbox.wait(0.05)
    assert asyncio.get_running_loop().time() - begun >= 0.04  # the loop's clock is coarse


async def test_closing_writes_what_has_gathered(database_url: str) -> None:
    first = await open_inbox(database_url, Ticking())
    putting = asyncio.create_task(put(first, "a", "b"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await first.close()
    await putting
    second = await open_inbox(database_url, Ticking())
    assert await guids(second) == ["a", "b"]
    await second.close()


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(database_url: str) -> None:
    load = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contracts.inbox_load", database_url), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert load.stdout is not None
    acknowledged = [await load.stdout.readline() for _ in range(1000)]
    load.kill()
    acknowledged += (await load.stdout.read()).splitlines()
    await load.wait()
    inbox = await open_inbox(database_url, Ticking())
    found = await guids(inbox, limit=1_000_000)
    await inbox.close()
    assert {line.decode().strip() for line in acknowledged} <= set(found)
    assert len(found) == len(set(found))
