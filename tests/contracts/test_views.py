"""What is shown in lists, on both databases: filtered, in order, a page at a time, and never by walking through all."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta

import pytest

from bot.core.choosing.approval import Standing, wanted
from bot.core.estimate import KnownRun
from bot.core.listing import NEWEST, Position, SolveFilter, State, UsageBy, read_cursor
from bot.core.model import Fate, Person, Repo, SolveId, Status, run_id
from bot.core.repository_record import WEEKS, Cohort, ModelRecord
from bot.inbox import open_inbox
from bot.store.store import SqlStore, opened
from bot.store.views import SqlViews
from tests.contracts.test_store import EXPERIMENTS, LIMITS, NOON, PULL, REPO, solve, tell_everything

pytestmark = pytest.mark.usefixtures("every_plan_is_checked")

OTHER = Repo(installation=6, id=2**41, name="ann/tool")
MINUTE = timedelta(minutes=1)


class Noon:
    def now(self) -> object:
        return NOON


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    """Four solves, an hour of each other: the first is published, the last one is about another repository."""
    async with opened(database_url) as store:
        await tell_everything(store)  # s-1
        await store.accept(solve("s-2", number=4, at=NOON + 60 * MINUTE))
        await store.planned(SolveId("s-2"), EXPERIMENTS, LIMITS)
        await store.accept(solve("s-3", number=5, at=NOON + 120 * MINUTE))
        await store.ended(SolveId("s-3"), Status.FAILED, at=NOON + 121 * MINUTE, error="no way")
        bobs = solve("s-4", number=6, repo=OTHER, at=NOON + 180 * MINUTE)
        trigger = dataclasses.replace(bobs.trigger, by=Person("bob", 10))
        await store.accept(dataclasses.replace(bobs, trigger=trigger, issue_title="100% of it_is broken"))
        yield store


@pytest.fixture
def views(store: SqlStore) -> SqlViews:
    return store.views


async def listed(views: SqlViews, wanted: SolveFilter, after: Position = NEWEST, size: int = 50) -> Sequence[str]:
    return [row.id for row in await views.solves(wanted, after, size)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (SolveFilter(), ["s-4", "s-3", "s-2", "s-1"]),
        (SolveFilter(repository="octo/web"), ["s-3", "s-2", "s-1"]),
        (SolveFilter(repository="octo/other"), []),
        (SolveFilter(person="bob"), ["s-4"]),
        (SolveFilter(person="bob", repository="octo/web"), []),
        (SolveFilter(state=State.ACTIVE), ["s-4", "s-2"]),
        (SolveFilter(state=State.PUBLISHED), ["s-1"]),
        (SolveFilter(state=State.NO_CHAMPION), []),
        (SolveFilter(state=State.FAILED), ["s-3"]),
        (SolveFilter(state=State.CANCELLED), []),
        (SolveFilter(state=State.MERGED), []),
        (SolveFilter(state=State.CLOSED), ["s-1"]),
        (SolveFilter(state=State.REVERTED), []),
        (SolveFilter(search="BREAKS"), ["s-3", "s-2", "s-1"]),
        (SolveFilter(search="100%"), ["s-4"]),
        (SolveFilter(search="it_is"), ["s-4"]),
        (SolveFilter(search="1%0"), []),  # no pattern, only text
        (SolveFilter(search="i__is"), []),
        (SolveFilter(search="' or 1=1 --"), []),
        (SolveFilter(since=NOON + 60 * MINUTE, until=NOON + 180 * MINUTE), ["s-3", "s-2"]),
    ],
)
async def test_filters(views: SqlViews, wanted: SolveFilter, expected: Sequence[str]) -> None:
    assert await listed(views, wanted) == expected


async def test_pages_go_on_behind_their_last_row(views: SqlViews) -> None:
    second = (await views.solves(SolveFilter(), NEWEST, 2))[-1]
    assert await listed(views, SolveFilter(), Position(second.created_at, second.id), 2) == ["s-2", "s-1"]
    assert await listed(views, SolveFilter(), Position(NOON, "s-1")) == []


async def test_two_of_the_same_moment_are_each_shown_once(store: SqlStore) -> None:
    await store.accept(solve("s-0", number=9))
    assert await listed(store.views, SolveFilter(), Position(NOON, "s-1")) == ["s-0"]


async def test_a_row_says_all_that_a_list_shows(views: SqlViews) -> None:
    running, published = (await views.solves(SolveFilter(repository="octo/web"), NEWEST, 3))[1:]
    assert (running.status, running.runs, running.runs_over, running.dollars) == (Status.PENDING, 2, 0, 0.0)
    assert (published.status, published.repo, published.issue) == (Status.COMPLETED, REPO, 3)
    assert (published.runs, published.runs_over, published.champion) == (2, 2, "A")
    assert (published.pull_number, published.pull_url, published.error) == (8, PULL.url, "e")
    assert published.dollars == pytest.approx(2 * 0.125 + 0.0625 + 0.03125 + 0.015625)


async def test_fates(store: SqlStore, views: SqlViews) -> None:
    assert await views.fate(SolveId("s-2")) is None
    for fate, state in ((Fate.CHANGED, State.MERGED), (Fate.CLOSED, State.CLOSED), (Fate.REVERTED, State.REVERTED)):
        await store.became(SolveId("s-1"), fate, NOON)
        assert await views.fate(SolveId("s-1")) is fate
        assert await listed(views, SolveFilter(state=state)) == ["s-1"]


async def test_whose_permission_counts(views: SqlViews) -> None:
    assert await views.repository_of(SolveId("s-4")) == OTHER
    assert await views.repository_of(SolveId("s-9")) is None
    assert await views.repository("octo/web") == REPO
    assert await views.repository("octo/we") is None
    assert await views.named({"octo/web", "octo/we"}) == [REPO]


async def test_repositories_and_what_came_of_solves_there(store: SqlStore, views: SqlViews) -> None:
    await store.became(SolveId("s-1"), Fate.MERGED, NOON)
    await store.repository_seen(Repo(5, 7, "octo/gone"), deleted=True)
    anns, octos = await views.repositories(0, 10)
    assert (anns.repo, anns.solves, anns.active, anns.dollars) == (OTHER, 1, 1, 0.0)
    assert (octos.solves, octos.active, octos.published, octos.merged, octos.reverted) == (3, 1, 1, 1, 0)
    assert octos.dollars == pytest.approx(0.359375)
    assert await views.repositories(OTHER.id, 10) == [octos]


async def test_a_repository_and_its_record(store: SqlStore, views: SqlViews) -> None:
    await store.became(SolveId("s-1"), Fate.MERGED, NOON)
    revision = solve("s-5", number=8, at=NOON + timedelta(days=1))
    await store.accept(dataclasses.replace(revision, revises=SolveId("s-1")))
    found = await views.known_repository(REPO.id)
    assert found is not None
    assert (found.repo, found.solves, found.merged) == (REPO, 4, 1)
    record = await views.repository_record(REPO.id, NOON + timedelta(days=9))
    assert [week.solves for week in record.weeks[-3:]] == [0, 3, 0]
    assert record.weeks[-2] == Cohort(date(2026, 11, 16), 3, 1, 1, 0, 0.359375)
    assert record.models == (ModelRecord("sonnet", 4, 2, 1, 1, 0.25),)
    assert record.dollars_per_merge == 0.359375
    later = await views.repository_record(REPO.id, NOON + timedelta(weeks=WEEKS + 1))
    assert (later.solves, later.models) == (0, ())
    await store.repository_seen(REPO, deleted=True)
    assert await views.known_repository(REPO.id) is None
    assert await views.known_repository(12) is None


async def test_what_runs_cost(views: SqlViews) -> None:
    since = NOON - timedelta(days=1)
    known = await views.known_runs({REPO.id, OTHER.id}, since)
    assert known == [KnownRun(SolveId("s-1"), REPO.id, "sonnet", 0.125, 3.0)] * 2
    assert await views.known_runs({OTHER.id}, since) == []
    assert await views.known_runs(set(), since) == []
    assert await views.known_runs({REPO.id}, NOON + timedelta(days=1)) == []


@pytest.mark.parametrize(("waited", "minutes"), [(2 * MINUTE, 1.0), (-MINUTE, 3.0), (timedelta(days=1), 0.0)])
async def test_minutes_in_which_people_think_are_no_minutes_of_a_solve(
    database_url: str, waited: timedelta, minutes: float
) -> None:
    async with opened(database_url) as store:
        await store.accept(solve("s-1"))
        await store.planned(SolveId("s-1"), EXPERIMENTS, LIMITS)
        await store.run_ended(run_id(SolveId("s-1"), 1), Status.COMPLETED, at=NOON, exit_status=None)
        asked = wanted(NOON)
        await store.awaits(SolveId("s-1"), asked)
        answer = dataclasses.replace(asked, standing=Standing.APPROVED, key="c1", at=NOON + waited)
        await store.answered(SolveId("s-1"), answer)
        await store.ended(SolveId("s-1"), Status.COMPLETED, at=NOON + 3 * MINUTE)
        known = await store.views.known_runs({REPO.id}, NOON - MINUTE)
        assert {run.solve_minutes for run in known} == {minutes}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (UsageBy.DAY, [("2026-11-20", 4, 4, 0.359375, 2400)]),
        (UsageBy.REPOSITORY, [("octo/web", 3, 4, 0.359375, 2400), ("ann/tool", 1, 0, 0.0, 0)]),
        (UsageBy.PERSON, [("ann", 3, 4, 0.359375, 2400), ("bob", 1, 0, 0.0, 0)]),
        (UsageBy.MODEL, [("sonnet", 2, 4, 0.25, 2400)]),
    ],
)
async def test_usage(views: SqlViews, by: UsageBy, expected: Sequence[tuple[str, int, int, float, int]]) -> None:
    rows = await views.usage(by, NOON - MINUTE, [REPO.id, OTHER.id])
    assert [(row.key, row.solves, row.runs, row.dollars, row.tokens) for row in rows] == expected


async def test_usage_counts_nothing_of_what_may_not_be_seen(views: SqlViews) -> None:
    assert [row.key for row in await views.usage(UsageBy.PERSON, NOON, [OTHER.id])] == ["bob"]
    assert await views.usage(UsageBy.MODEL, NOON, []) == []
    assert await views.active_repositories(NOON + 130 * MINUTE) == [OTHER]


async def test_deliveries_are_listed_without_what_is_in_them(database_url: str, views: SqlViews) -> None:
    inbox = await open_inbox(database_url, Noon())  # type: ignore[arg-type]
    await inbox.put("g-1", "issues", b"{}")
    await inbox.put("g-2", "issue_comment", b"{}")
    await inbox.handed(["g-1"])
    await inbox.close()
    first = await views.deliveries(NEWEST, 1)
    assert [(item.guid, item.event, item.handed_at) for item in first.items] == [("g-2", "issue_comment", None)]
    after = read_cursor(first.next)
    assert after is not None
    second = await views.deliveries(after, 1)
    assert [(item.guid, item.received_at, item.handed_at) for item in second.items] == [("g-1", NOON, NOON)]
    assert second.next == ""
    assert await views.record_of("g-1") == ("issues", b"{}")
    assert await views.record_of("g-3") is None


async def test_audit(store: SqlStore, views: SqlViews) -> None:
    await store.audit(NOON, "ann", "solve.cancelled", "s-1", {"why": "so"})
    [entry] = (await views.audit(NEWEST, 10)).items
    assert (entry.at, entry.actor, entry.action, entry.subject, entry.detail) == (
        NOON,
        "ann",
        "solve.cancelled",
        "s-1",
        {"why": "so"},
    )


async def test_events_without_any(views: SqlViews) -> None:
    assert await views.newest_event() >= 0
    assert await views.events(10**9) == []
    assert await views.events(10**9, solve=SolveId("s-1")) == []
