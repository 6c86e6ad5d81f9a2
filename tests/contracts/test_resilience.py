"""What stands between us and a provider: around a real one with mishaps, on real databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from bot.core.resilience.circuit_breaker import FAILURES, WELL, Circuit, Health
from bot.core.resilience.sandbox_leases import LeaseKey, MachineId, Operation, Outcome
from bot.core.resilience.sandbox_retry import MOST_ATTEMPTS
from bot.ports import (
    Crowded,
    Denied,
    Gone,
    HostBroken,
    Ledger,
    LeftAlone,
    Rejected,
    SandboxDiffers,
    SandboxLost,
    SandboxUnusable,
    StoreAway,
    TooMuchText,
    Unavailable,
    Unclear,
    WorldError,
)
from bot.sandbox.provider import Provider, Wanted
from bot.sandbox.request_counts import AT_ONCE, Account
from bot.sandbox.resilience import ResilienceOptions, Resilient, outcome_of
from bot.store.database import open_database
from bot.store.ledger import SqlLedger
from tests.contracts.query_plans import Asked
from tests.contracts.scripted_provider import Done, Hangs, Mishap, ScriptedProvider

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WANTED = Wanted(LeaseKey("k-1"), 60)


def down() -> Unavailable:
    return Unavailable("HTTP 503")


@dataclass(slots=True)
class Time:
    """Goes on when somebody sleeps, unless it stands still."""

    at: datetime = NOON
    stands_still: bool = False
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self.stands_still:
            self.pass_(seconds)


@dataclass(slots=True)
class Stage:
    """Workers around one provider, that share a database."""

    provider: ScriptedProvider
    ledgers: list[Ledger]
    account: Account
    time: Time
    observed: list[tuple[Operation, Circuit]] = field(default_factory=list)

    def worker(
        self, number: int = 0, *, luck: float = 1.0, every: float = 0.0, deadline: float | None = None
    ) -> Resilient:
        return Resilient(
            self.provider,
            self.ledgers[number % len(self.ledgers)],
            self.account,
            self.time,
            ResilienceOptions(every, deadline),
            random=lambda: luck,
            observe=lambda operation, circuit: self.observed.append((operation, circuit)),
        )

    async def break_it(self, worker: Resilient | None = None) -> None:
        """Five failures in a row; it is open from then on."""
        worker = worker or self.worker()
        self.provider.will(*(down() for _ in range(FAILURES)))
        for _ in range(2):
            with pytest.raises(Unavailable):
                await worker.machines()

    async def health(self) -> Health:
        return await self.ledgers[0].health(self.provider.name)

    async def outcomes(self) -> list[tuple[str, int, Outcome]]:
        await self.account.flush()
        told = await self.ledgers[0].operations(NOON)
        assert len(told) == len(self.observed)
        return [(operation.name, operation.attempt, operation.outcome) for operation in told]


async def staged(url: str, directory: Path) -> AsyncIterator[Stage]:
    databases = [open_database(url) for _ in range(2)]
    ledgers: list[Ledger] = [SqlLedger(database) for database in databases]
    account = Account(ledgers[0], every=3600.0)
    yield Stage(ScriptedProvider(directory), ledgers, account, Time())
    await account.close()
    for database in databases:
        await database.close()


@pytest.fixture
async def stage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async for one in staged(sqlite_url, tmp_path):
        yield one


@pytest.fixture
async def either_stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async for one in staged(database_url, tmp_path):
        yield one


# ----------------------------------------------------------------------------------------------------- It gets through


async def test_every_request_arrives_as_it_was_meant(stage: Stage, tmp_path: Path) -> None:
    worker = stage.worker()
    machine = await worker.create(WANTED)
    await worker.extend(machine, 600)
    await worker.allow(machine, ["a.example"])
    await worker.upload(machine, "in/a.txt", b"hello")
    said = await worker.execute(machine, "cat in/a.txt; echo more; exit 3", timeout=30.0, limit=7)
    assert (said.exit_code, said.output) == (3, b"hellomo")
    heard: list[str] = []
    await worker.follow(machine, "cat in/a.txt", heard.append)
    assert heard == ["hello"]
    await worker.download(machine, "in/a.txt", tmp_path / "out", limit=5)
    assert (tmp_path / "out").read_bytes() == b"hello"
    image = await worker.save(machine, "prepared")
    copy = await worker.create(Wanted(LeaseKey("k-2"), 60, image=image))
    assert (await worker.execute(copy, "cat in/a.txt", timeout=30.0)).output == b"hello"
    assert [found.id for found in await worker.machines()] == [machine, copy]
    assert await worker.images() == [image]
    await worker.delete_image(image)
    await worker.kill(machine)
    assert await worker.images() == []
    assert [found.id for found in await worker.machines()] == [copy]
    assert worker.name == stage.provider.name
    counted = [name for name, _, outcome in await stage.outcomes() if outcome is Outcome.DONE]
    assert sorted(counted) == sorted(stage.provider.asked)
    assert set(counted) == {name for name in vars(Provider) if not name.startswith("_")} - {"name", "follow"}


# ------------------------------------------------------------------------------------------------------------- Again


@pytest.mark.parametrize(
    ("mishaps", "slept"),
    [
        ((down(),), [1.0]),
        ((down(), Unclear("reset")), [1.0, 2.0]),
        ((Crowded("429"),), [33.0]),
        ((Crowded("429", retry_after=5.0), down()), [5.5, 2.0]),
        ((Done(Unclear("the answer got lost")),), [1.0]),
    ],
)
async def test_what_fails_is_asked_again(stage: Stage, mishaps: tuple[Mishap, ...], slept: list[float]) -> None:
    stage.provider.will(*mishaps)
    machine = await stage.worker().create(WANTED)
    assert [found.id for found in await stage.provider.machines()] == [machine]
    assert stage.time.slept == pytest.approx(slept)
    assert [attempt for _, attempt, _ in await stage.outcomes()] == list(range(1, len(mishaps) + 2))


@pytest.mark.parametrize(
    ("mishaps", "raised", "retry_after"),
    [
        ([down(), down(), Unclear("reset")], Unclear, None),
        ([down(), down(), Crowded("429")], Crowded, 30.0),
        ([Crowded("429", retry_after=900.0)], Crowded, 900.0),
        ([Denied("401", remedy="Set a valid key.")], Denied, None),
        ([Rejected("no such template")], Rejected, None),
        ([down(), SandboxLost("it is gone")], SandboxLost, None),
    ],
)
async def test_what_keeps_failing_is_told(
    stage: Stage, mishaps: list[WorldError], raised: type[WorldError], retry_after: float | None
) -> None:
    stage.provider.will(*mishaps)
    with pytest.raises(raised) as caught:
        await stage.worker().machines()
    assert caught.value is mishaps[-1]
    assert getattr(caught.value, "retry_after", None) == retry_after
    assert len(stage.provider.asked) == len(mishaps)


async def test_a_request_that_hangs_is_given_up(stage: Stage) -> None:
    stage.provider.will(Hangs(), Hangs(), Hangs())
    with pytest.raises(Unclear, match="not over after"):
        await stage.worker(deadline=0.01).machines()
    assert [outcome for _, _, outcome in await stage.outcomes()] == [Outcome.UNCLEAR] * 3


async def test_the_deadline_comes_on_top_of_what_a_script_may_take(stage: Stage) -> None:
    worker = stage.worker(deadline=0.01)
    machine = await stage.provider.create(WANTED)
    assert (await worker.execute(machine, "sleep 0.1; echo over", timeout=30.0)).output == b"over\n"


async def test_whoever_is_cancelled_goes_at_once_and_is_counted(stage: Stage) -> None:
    stage.provider.will(Hangs())
    asking = asyncio.create_task(stage.worker().machines())
    await stage.provider.hanging.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await stage.outcomes() == [("machines", 1, Outcome.UNCLEAR)]
    assert await stage.health() == WELL


OUTCOMES = {
    Unavailable: Outcome.TRANSIENT,
    Unclear: Outcome.UNCLEAR,
    Crowded: Outcome.LIMITED,
    LeftAlone: Outcome.TRANSIENT,
    StoreAway: Outcome.TRANSIENT,
    HostBroken: Outcome.REJECTED,
    Denied: Outcome.DENIED,
    Gone: Outcome.GONE,
    SandboxLost: Outcome.GONE,
    Rejected: Outcome.REJECTED,
    TooMuchText: Outcome.REJECTED,
    SandboxUnusable: Outcome.REJECTED,
    SandboxDiffers: Outcome.REJECTED,
}


def test_every_error_of_the_port_has_an_outcome() -> None:
    def below(kind: type[WorldError]) -> set[type[WorldError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    ours = {kind for kind in below(WorldError) if kind.__module__ == "bot.ports.errors"}
    assert ours - {WorldError} == set(OUTCOMES)
    assert {kind: outcome_of(kind("why")) for kind in OUTCOMES} == OUTCOMES


# -------------------------------------------------------------------------------------------------------- The circuit


async def test_after_five_failures_nobody_asks(either_stage: Stage) -> None:
    stage = either_stage
    await stage.break_it()
    asked = len(stage.provider.asked)
    stage.time.pass_(2.0)
    for number in range(4):
        with pytest.raises(Unavailable) as caught:
            await stage.worker(number, luck=0.0).create(WANTED)
        assert caught.value.retry_after is not None
        assert 50.0 < caught.value.retry_after < 60.0
        assert "12:00 UTC on 2026-11-21" in caught.value.remedy
    assert len(stage.provider.asked) == asked == FAILURES


async def test_failures_in_a_row_are_those_of_all_workers(either_stage: Stage) -> None:
    stage = either_stage
    for number in range(FAILURES):
        assert not (await stage.health()).is_open
        stage.provider.will(down(), Rejected("a bad argument"))
        with pytest.raises((Rejected, Unavailable)):
            await stage.worker(number).machines()
    assert (await stage.health()).is_open


async def test_a_success_in_between_begins_a_new_row(stage: Stage) -> None:
    worker = stage.worker()
    for _ in range(3):
        stage.provider.will(down(), down())
        await worker.machines()
    assert await stage.health() == WELL
    assert len(stage.provider.asked) == 9


async def fail_inside(stage: Stage, worker: Resilient, machine: str) -> None:
    stage.provider.will(*(down() for _ in range(MOST_ATTEMPTS)))
    with pytest.raises(Unavailable):
        await worker.execute(MachineId(machine), "true", timeout=1.0)


async def test_one_bad_machine_is_no_bad_service(stage: Stage) -> None:
    worker = stage.worker()
    for _ in range(FAILURES):
        await fail_inside(stage, worker, "the same")
    assert (await stage.health()).failures == 1
    for number in range(FAILURES):
        await fail_inside(stage, worker, f"machine {number}")
    assert (await stage.health()).is_open


async def test_that_machines_work_does_not_mean_that_new_ones_are_to_be_had(stage: Stage) -> None:
    worker = stage.worker()
    machine = await worker.create(WANTED)
    for _ in range(FAILURES):
        stage.provider.will(down(), Rejected("a bad argument"))
        with pytest.raises((Rejected, Unavailable)):
            await worker.machines()
        with suppress(Unavailable):
            await worker.execute(machine, "true", timeout=5.0)
    assert (await stage.health()).is_open


@pytest.mark.parametrize("error", [Crowded("429", retry_after=0.0), Denied("401"), Rejected("400"), SandboxLost("404")])
async def test_an_answer_is_no_failure(stage: Stage, error: WorldError) -> None:
    worker = stage.worker()
    for _ in range(2 * FAILURES):
        stage.provider.will(*[error] * (MOST_ATTEMPTS if isinstance(error, Crowded) else 1))
        with pytest.raises(type(error)):
            await worker.machines()
    assert await stage.health() == WELL


async def test_one_asks_on_behalf_of_all(either_stage: Stage) -> None:
    stage = either_stage
    await stage.break_it()
    stage.time.pass_(61.0)
    stage.provider.will(Hangs())
    asking = [asyncio.create_task(stage.worker(number, luck=0.0).machines()) for number in range(8)]
    await stage.provider.hanging.wait()
    refused, under_way = await asyncio.wait(asking, timeout=None, return_when=asyncio.FIRST_COMPLETED)
    while len(refused) < 7:
        more, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        refused |= more
    errors = [task.exception() for task in refused]
    assert {error.retry_after for error in errors if isinstance(error, Unavailable)} == {5.0}, "look again soon"
    assert len(stage.provider.asked) == FAILURES + 1
    [probe] = under_way
    probe.cancel()
    await asyncio.wait({probe})
    stage.time.pass_(61.0)
    assert await stage.worker().machines() == [], "nothing came of the first, so another one asked"
    assert await stage.health() == WELL


async def test_when_the_probe_goes_well_all_go_on(either_stage: Stage) -> None:
    stage = either_stage
    workers = [stage.worker(number) for number in range(3)]
    await stage.break_it(workers[0])
    stage.time.pass_(61.0)
    for worker in workers:
        assert await worker.machines() == []
        stage.time.pass_(1.0)
    assert await stage.health() == WELL


async def test_a_probe_that_fails_is_one_request_a_minute(stage: Stage) -> None:
    worker = stage.worker()
    await stage.break_it(worker)
    before = len(stage.provider.asked)
    for _ in range(5):
        stage.time.pass_(61.0)
        stage.provider.will(down())
        for _ in range(3):
            with pytest.raises(Unavailable):
                await worker.machines()
    assert len(stage.provider.asked) - before == 5
    assert (await stage.health()).since == NOON


async def test_a_probe_about_a_machine_that_is_gone_is_followed_by_the_next(stage: Stage) -> None:
    """After an outage all machines may be gone, and each of their owners hears it first."""
    await stage.break_it()
    stage.time.pass_(61.0)
    for number in range(4):
        with pytest.raises(SandboxLost):
            await stage.worker(number).execute(MachineId("m-9"), "true", timeout=5.0)
    assert (await stage.health()).is_open
    await stage.worker().create(WANTED)
    assert await stage.health() == WELL


async def test_a_reset_by_hand_is_noticed_within_a_second(stage: Stage) -> None:
    worker = stage.worker()
    await stage.break_it(worker)
    await stage.ledgers[1].change_health(stage.provider.name, lambda _: WELL)
    stage.time.pass_(1.0)
    assert await worker.machines() == []


async def test_what_goes_well_asks_the_database_once_a_second(
    stage: Stage, statements_of_sqlalchemy: list[Asked]
) -> None:
    worker = stage.worker()
    for _ in range(3):
        for _ in range(20):
            await worker.machines()
        stage.time.pass_(1.0)
    questions = [statement for statement, _ in statements_of_sqlalchemy if not statement.startswith("begin")]
    assert len(questions) == 3
    assert all(statement.startswith("SELECT") for statement in questions)


# --------------------------------------------------------------------------------------------------------------- Slots


async def test_machines_are_created_at_the_rate_of_the_plan(either_stage: Stage) -> None:
    stage = either_stage

    async def create(number: int) -> None:
        await stage.worker(number, every=0.5).create(Wanted(LeaseKey(f"k-{number}"), 60))

    stage.time.stands_still = True
    await asyncio.gather(*(create(number) for number in range(6)))
    assert sorted(stage.time.slept) == [0.5, 1.0, 1.5, 2.0, 2.5]


async def test_another_attempt_waits_for_another_slot(stage: Stage) -> None:
    stage.provider.will(down())
    await stage.worker(every=4.0).create(WANTED)
    assert stage.time.slept == [1.0, 3.0]


async def test_while_nobody_asks_nobody_takes_a_slot(stage: Stage) -> None:
    worker = stage.worker(every=100.0)
    await stage.break_it(worker)
    with pytest.raises(Unavailable):
        await worker.create(WANTED)
    assert await stage.ledgers[0].next_slot(stage.provider.name, stage.time.at, every=100.0) == stage.time.at


# --------------------------------------------------------------------------------------------------------- The account


async def test_every_attempt_is_an_event(stage: Stage) -> None:
    stage.provider.will(Crowded("too many"), None)
    with structlog.testing.capture_logs() as events:
        await stage.worker().create(WANTED)
    told = [{**event, "seconds": 0.0} for event in events if event["event"] == "sandbox.operation"]
    common = {"event": "sandbox.operation", "operation": "create", "provider": "scripted", "sandbox": "k-1"}
    common |= {"breaker": "closed", "seconds": 0.0}  # type: ignore[dict-item]
    assert told == [
        {**common, "attempt": 1, "outcome": "limited", "reason": "too many", "log_level": "info"},
        {**common, "attempt": 2, "outcome": "done", "reason": "", "log_level": "debug"},
    ]


async def test_opening_and_closing_are_events(stage: Stage) -> None:
    worker = stage.worker()
    with structlog.testing.capture_logs() as events:
        await stage.break_it(worker)
        stage.time.pass_(61.0)
        await worker.machines()
    told = [(event["state"], event["log_level"]) for event in events if event["event"] == "sandbox.circuit"]
    assert told == [("open", "warning"), ("closed", "info")]


async def test_observers_are_told_how_the_circuit_stands(stage: Stage) -> None:
    await stage.break_it()
    assert [circuit for _, circuit in stage.observed] == [Circuit.CLOSED] * 4 + [Circuit.OPEN]
    assert stage.observed[0][0].at == NOON


def operation(number: int) -> Operation:
    return Operation("e2b", "execute", 1, NOON + timedelta(seconds=number), 0.25, Outcome.DONE, f"m-{number}")


async def written(ledger: Ledger, number: int) -> list[Operation]:
    while len(told := await ledger.operations(NOON)) < number:
        pass
    return told


@pytest.mark.parametrize(("every", "number"), [(3600.0, AT_ONCE), (0.01, 1)])
async def test_the_account_is_written_in_bulk_or_in_time(stage: Stage, every: float, number: int) -> None:
    account = Account(stage.ledgers[1], every=every)
    told = [operation(one) for one in range(number)]
    for one in told:
        account.note(one)
    assert await written(stage.ledgers[0], number) == told
    await account.close()


async def test_what_is_left_is_written_at_the_end(stage: Stage) -> None:
    account = Account(stage.ledgers[1], every=3600.0)
    account.note(operation(1))
    await account.close()
    assert await stage.ledgers[0].operations(NOON) == [operation(1)]


@pytest.fixture
async def absent(tmp_path: Path, sqlite_url: str) -> AsyncIterator[tuple[Ledger, Callable[[], object]]]:
    """A ledger on a database that is not there, and what brings it."""
    place = tmp_path / "away" / "solvebot.sqlite"
    database = open_database(f"sqlite:///{place}")

    def bring() -> None:
        place.parent.mkdir()
        Path(sqlite_url.removeprefix("sqlite:///")).rename(place)

    yield SqlLedger(database), bring
    await database.close()


async def test_nothing_is_lost_while_the_database_is_away(absent: tuple[Ledger, Callable[[], object]]) -> None:
    ledger, bring = absent
    account = Account(ledger, every=3600.0)
    for number in range(3):
        account.note(operation(number))
        assert not await account.flush()
    bring()
    await account.close()
    assert await ledger.operations(NOON) == [operation(number) for number in range(3)]


async def test_what_is_lost_is_told(absent: tuple[Ledger, Callable[[], object]]) -> None:
    account = Account(absent[0], every=3600.0)
    account.note(operation(1))
    with structlog.testing.capture_logs() as events:
        await account.close()
    assert [(event["event"], event.get("number")) for event in events][-1] == ("sandbox.operations.lost", 1)


async def test_what_runs_goes_on_without_the_database(
    absent: tuple[Ledger, Callable[[], object]], tmp_path: Path
) -> None:
    provider, account, time = ScriptedProvider(tmp_path), Account(absent[0], every=3600.0), Time()
    machine = await provider.create(WANTED)
    worker = Resilient(provider, absent[0], account, time, ResilienceOptions(), random=lambda: 0.0)
    provider.will(down())
    assert (await worker.execute(machine, "echo on", timeout=30.0)).output == b"on\n"
    provider.will(SandboxLost("gone"))
    with pytest.raises(SandboxLost):
        await worker.execute(machine, "true", timeout=30.0)
    await account.close()
