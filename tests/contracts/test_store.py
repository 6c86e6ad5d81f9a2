"""The store on both databases: what was said comes back whole, in any order and however often it was said."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from bot.core.candidate.restoring import Aspect, PutBack
from bot.core.choosing.approval import wanted
from bot.core.choosing.approval_rules import approved, rejected
from bot.core.choosing.overlap import Neighbour, Overlap
from bot.core.evidence.behaviour import Behaviour, Probed
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import (
    Answer,
    Baseline,
    Candidate,
    ChangeKind,
    Compared,
    Consulted,
    Decision,
    Draft,
    Evidence,
    ExitStatus,
    Experiment,
    Fate,
    FileChange,
    Gate,
    GateFailure,
    IssueRef,
    IssueTests,
    KnownEnvironment,
    Limits,
    Minimal,
    ModelSpec,
    Outcome,
    Permission,
    Person,
    Prices,
    PullRequest,
    PullRequestConfig,
    Ranked,
    Remark,
    Repo,
    RepoConfig,
    RunFacts,
    RunId,
    SandboxId,
    Script,
    Sha,
    Solve,
    SolveFacts,
    SolveId,
    SolveOptions,
    Status,
    Strategy,
    Task,
    Toolchain,
    Trigger,
    TriggerKind,
    Usage,
    Workspace,
    run_id,
)
from bot.core.resilience.turns import Turn, leave, take
from bot.core.trigger.batches import Batch, Entry
from bot.core.trigger.budgets import Budget, OverBudget, Period, Spent, Whose
from bot.core.trigger.pull_watch import PullWatch
from bot.inbox import open_inbox
from bot.ports import Busy, Full, Gone, Rejected, Unavailable
from bot.store import sqlite
from bot.store.database import translated
from bot.store.heads import pushed
from bot.store.store import SqlStore, opened

pytestmark = pytest.mark.usefixtures("every_plan_is_checked")

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
REPO = Repo(installation=5, id=2**40, name="octo/web")
ODD = "Ä ✓ \x00 'quoted' \\ %s :x \U0001f41b"
SPEC = ModelSpec("sonnet", "openrouter", "anthropic/sonnet", 0.3, 8192, Prices(3.0, 15.0, 0.3), 0.7, is_active=True)
OPTIONS = SolveOptions(("sonnet",), 2, (0.0, 1.0), (Strategy.MINIMAL,), 1.5, 20.0, "main", "make crash", draft=True)
CONFIG = RepoConfig(
    labels=("fix",), who=Permission.ADMIN, protect=("a/**",), pull_request=PullRequestConfig(Draft.NEVER, labels=("x",))
)


def solve(id: str = "s-1", *, number: int = 3, repo: Repo = REPO, at: datetime = NOON) -> Solve:
    by = Person("ann", 9)
    trigger = Trigger(TriggerKind.COMMENT, f"comment-{id}", by, at, comment_id=2**41, review=2**42, thread=2**43)
    return Solve(SolveId(id), IssueRef(repo, number), "It breaks ✓", "Traceback:\n  …", trigger, OPTIONS, at)


SOLVE = solve()
REVISION = dataclasses.replace(
    solve("s-r1", number=7), revises=SOLVE.id, asked=f"{ODD} in a review", batch="b-1", reserved=1.25
)
FIRST, SECOND = run_id(SOLVE.id, 1), run_id(SOLVE.id, 2)
EXPERIMENTS = (
    Experiment(1, SPEC, 0.0, Strategy.TEST_FIRST, 100, 0.75),
    Experiment(2, SPEC, None, Strategy.BASELINE, 50, 0.75),
)
LIMITS = Limits(2, 20.0, 1.5, 100)
TASK = Task(
    title="It breaks",
    body=ODD,
    remarks=(Remark("bob", "me too", NOON),),
    base_branch="main",
    base_sha=Sha("a" * 40),
    config=CONFIG,
    options=OPTIONS,
    digest="d" * 64,
    private=True,
    left_out=("hidden HTML",),
)
SETUP = Consulted("sonnet", 5, 0.0625, Usage(500, 60, 70), 12.5)
TOOLCHAIN = Toolchain(("pip install -e .",), "pytest -q", "detected")
BASELINE = Baseline("pytest -q", per_test=True, stable=("a", "b"), failing=("c",), flaky=("d",), tail=ODD)
CHANGE = FileChange("src/ä.py", ChangeKind.MODIFIED, "100644", "100755", Sha("b" * 40), 120, added=3, removed=1)
SCRIPTS = (Script("repro.py", "1/0\n"),)
PUT_BACK = (PutBack("run.sh", Aspect.MODE),)
CANDIDATE = Candidate(FIRST, "diff --git a b\n+✓\n", (CHANGE,), ("x.pyc",), "too much", ODD, SCRIPTS, PUT_BACK)
EVIDENCE = Evidence(
    FIRST,
    gate_failures=(GateFailure(Gate.BINARY, "logo.png"),),
    regressions=("a",),
    stable_passed=1,
    stable_total=2,
    own_tests_on_base=False,
    own_tests_on_candidate=True,
    repro_before=1,
    repro_after=0,
    agreement=0.9,
    agrees_with=(SECOND,),
)
DECISION = Decision(Outcome.DRAFT, FIRST, SECOND, (Ranked(FIRST, 1, "champion", eligible=True),), ("why",), ("what",))
POOL = (PooledTest("tests::a", Origin.SCRIPT, FIRST, (FIRST,), (SECOND,), "A's script a.py"),)
PROBED = Probed(("f(1)",), 1, ("raises ValueError",), (Behaviour(FIRST, ("returns '\u2713'",)),))
ISSUE_TESTS = IssueTests(Consulted("kimi", 1, 0.03125, Usage(900, 80), 4.5), (Script("tests/test_a.py", "1\n"),))
COMPARED = Compared(FIRST, SECOND, Consulted("kimi", 2, 0.015625, Usage(7, 8)), (Answer.FIRST, Answer.SECOND))
WAITS = wanted(NOON)
OVERLAP = Overlap(8, ("a.py",))
MINIMAL = Minimal(dataclasses.replace(CANDIDATE, patch="diff"), ("b:1 (+1 -0)",))
PULL = PullRequest(8, "https://github.com/octo/web/pull/8", "solvebot/3-x", Sha("c" * 40), draft=True, verified=True)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    async with opened(database_url) as store:
        yield store


@pytest.fixture
async def planned(store: SqlStore) -> SqlStore:
    """A solve that was accepted, with two runs."""
    await store.accept(SOLVE)
    await store.planned(SOLVE.id, EXPERIMENTS, LIMITS)
    return store


async def facts(store: SqlStore, id: SolveId = SOLVE.id) -> SolveFacts:
    found = await store.facts(id)
    assert found is not None
    return found


async def run(store: SqlStore, id: RunId = FIRST) -> RunFacts:
    facts = await store.facts(SolveId(id.rpartition("-r")[0]))
    assert facts is not None
    found = facts.run(id)
    assert found is not None
    return found


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What another program sees in the tables."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, options="-c log_statement=none") as postgres:
            return postgres.execute(sql.encode()).fetchall()
    file = sqlite3.connect(sqlite.path_of(url))
    try:
        return file.execute(sql).fetchall()
    finally:
        file.close()


# -------------------------------------------------------------------------------------------------- Coming back whole


async def tell_everything(store: SqlStore, accepted: Solve = SOLVE) -> None:
    await store.accept(accepted)
    await store.commented(SOLVE.id, 2**42)
    await store.frozen(SOLVE.id, TASK, NOON)
    await store.planned(SOLVE.id, EXPERIMENTS, LIMITS)
    await store.setup_worked(SOLVE.id, SETUP)
    await store.prepared(SOLVE.id, TOOLCHAIN, BASELINE)
    for id in (FIRST, SECOND):
        await store.run_started(id, SandboxId(f"box-{id}"), NOON + timedelta(minutes=1))
        usage = Usage(1000, 200, 300)
        await store.run_stepped(id, steps=7, dollars=0.125, usage=usage, seconds=61.5, last_command="ls")
        await store.candidate_found(id, dataclasses.replace(CANDIDATE, run=id))
        at = NOON + timedelta(minutes=2)
        await store.run_ended(
            id, Status.COMPLETED, at=at, exit_status=ExitStatus.DOLLARS, error="spent", trajectory=b"z"
        )
        await store.judged(id, dataclasses.replace(EVIDENCE, run=id))
    await store.issue_tests_written(SOLVE.id, ISSUE_TESTS)
    await store.pooled(SOLVE.id, POOL)
    await store.probed(SOLVE.id, PROBED)
    await store.compared(SOLVE.id, COMPARED)
    await store.decided(SOLVE.id, DECISION)
    await store.trimmed(SOLVE.id, MINIMAL)
    await store.awaits(SOLVE.id, WAITS)
    await store.overlaps(SOLVE.id, OVERLAP)
    await store.published(SOLVE.id, PULL)
    await store.noted(SOLVE.id, "degraded")
    await store.became(SOLVE.id, Fate.CLOSED, NOON)
    await store.unwanted(SOLVE.id, "too large")
    at = NOON + timedelta(minutes=3)
    await store.ended(SOLVE.id, Status.COMPLETED, at=at, error="e", incident="i", by="ann")


def expected() -> SolveFacts:
    def of(id: RunId, experiment: Experiment) -> RunFacts:
        return RunFacts(
            id=id,
            solve=SOLVE.id,
            experiment=experiment,
            status=Status.COMPLETED,
            steps=7,
            dollars=0.125,
            usage=Usage(1000, 200, 300),
            seconds=61.5,
            exit_status=ExitStatus.DOLLARS,
            error="spent",
            last_command="ls",
            candidate=dataclasses.replace(CANDIDATE, run=id),
            evidence=dataclasses.replace(EVIDENCE, run=id),
            started_at=NOON + timedelta(minutes=1),
            completed_at=NOON + timedelta(minutes=2),
        )

    return SolveFacts(
        solve=SOLVE,
        status=Status.COMPLETED,
        task=TASK,
        toolchain=TOOLCHAIN,
        experiments=EXPERIMENTS,
        limits=LIMITS,
        baseline=BASELINE,
        setup_agent=SETUP,
        runs=(of(FIRST, EXPERIMENTS[0]), of(SECOND, EXPERIMENTS[1])),
        issue_tests=ISSUE_TESTS,
        pool=POOL,
        probed=PROBED,
        compared=COMPARED,
        decision=DECISION,
        minimal=MINIMAL,
        approval=WAITS,
        overlaps=(OVERLAP,),
        fate=Fate.CLOSED,
        fate_why="too large",
        comment_id=2**42,
        pull_request=PULL,
        error="e",
        incident="i",
        ended_by="ann",
        notes=("degraded",),
        started_at=NOON,
        completed_at=NOON + timedelta(minutes=3),
    )


async def test_everything_that_is_told_comes_back(store: SqlStore) -> None:
    await tell_everything(store)
    assert await facts(store) == expected()
    assert await run(store, SECOND) == expected().runs[1]
    assert await store.trajectory(FIRST) == b"z"


async def test_what_became_of_champions(store: SqlStore) -> None:
    await tell_everything(store)
    await store.reopened(SOLVE.id)
    assert await store.record() == []
    assert await store.fate_at(SOLVE.id) is None
    for fate, stands in [
        (Fate.MERGED, Fate.MERGED),
        (Fate.CLOSED, Fate.CLOSED),
        (Fate.REVERTED, Fate.REVERTED),
        (Fate.MERGED, Fate.REVERTED),
    ]:
        await store.became(SOLVE.id, fate, NOON)
        [fared] = await store.record()
        assert (fared.model, fared.fate, fared.number) == (EXPERIMENTS[0].model.name, stands, 1)
    assert await store.fate_at(SOLVE.id) == NOON


async def test_the_first_answer_to_what_waits_stands(store: SqlStore) -> None:
    await store.accept(SOLVE)
    yes = approved(WAITS, FIRST, SOLVE.trigger.by, "c1", NOON)
    no = rejected(WAITS, "too large", SOLVE.trigger.by, "c2", NOON)
    assert await store.answered(SOLVE.id, yes) is None
    await store.awaits(SOLVE.id, WAITS)
    await store.awaits(SOLVE.id, wanted(NOON + timedelta(days=1)))
    assert (await facts(store)).approval == WAITS
    assert await store.answered(SOLVE.id, no) == no
    for answer in (yes, no):
        assert await store.answered(SOLVE.id, answer) == no
    assert (await facts(store)).approval == no
    await store.ended(SOLVE.id, Status.CANCELLED, at=NOON)
    assert await store.answered(SOLVE.id, no) is None


async def test_a_full_day_says_when_it_is_free_again(store: SqlStore) -> None:
    def asked(number: int, minutes: int, **other: Any) -> Solve:
        issue = IssueRef(REPO, number)
        at = NOON + timedelta(minutes=minutes)
        return dataclasses.replace(SOLVE, id=SolveId(f"s-{number}"), issue=issue, created_at=at, **other)

    first, second, third = asked(11, 0), asked(12, 10), asked(13, 20)
    elsewhere = dataclasses.replace(asked(14, 15), issue=IssueRef(dataclasses.replace(REPO, id=7), 14))
    assert await store.accept(first, a_day=2) == first
    assert await store.accept(elsewhere, a_day=2) == elsewhere
    assert await store.accept(asked(15, 5, revises=first.id)) == asked(15, 5, revises=first.id)
    assert await store.accept(second, a_day=2) == second
    assert await store.accept(third, a_day=2) == Full(2, NOON + timedelta(days=1))
    assert await store.accept(third, a_day=1) == Full(1, NOON + timedelta(days=1, minutes=10))
    assert await store.accept(second, a_day=2) == second
    assert await store.facts(third.id) is None
    tomorrow = dataclasses.replace(third, created_at=NOON + timedelta(days=1))
    assert await store.accept(tomorrow, a_day=2) == tomorrow


async def test_a_batch_is_what_it_was_at_first(store: SqlStore) -> None:
    batch = Batch("b-1", IssueRef(REPO, 3), "ann", (Entry(3, SOLVE.id), Entry(4, refusal=ODD)), NOON, 2.5)
    assert await store.batch("b-1") is None
    await store.batch_begun(batch)
    await store.batch_begun(dataclasses.replace(batch, by="bob"))
    found = await store.batch("b-1")
    assert found is not None
    assert (found.by, found.dollars, found.entries[0]) == ("ann", 2.5, Entry(3, SOLVE.id))
    assert await store.purge(NOON + timedelta(days=1)) == 1
    assert await store.batch("b-1") is None
    assert await store.batch_of(SOLVE.id) == ""
    await store.accept(REVISION)
    assert await store.batch_of(REVISION.id) == "b-1"


async def test_pull_requests_that_are_open_at_the_same_time(store: SqlStore) -> None:
    await tell_everything(store)
    assert await store.neighbours(REPO.id, since=NOON - timedelta(days=1)) == []  # it was closed
    await store.reopened(SOLVE.id)
    again = await facts(store)
    assert (again.fate, again.fate_why) == (None, "")
    paths = tuple(change.path for change in CANDIDATE.changes)
    assert await store.neighbours(REPO.id, since=NOON - timedelta(days=1)) == [Neighbour(SOLVE.id, PULL.number, paths)]
    assert await store.neighbours(REPO.id, since=NOON + timedelta(days=1)) == []
    assert await store.neighbours(REPO.id + 1, since=NOON - timedelta(days=1)) == []
    assert not await store.unwanted(SOLVE.id, "it is open")
    await store.overlaps(SOLVE.id, Overlap(9, ("b.py",)))
    await store.overlaps(SOLVE.id, Overlap(8, ("c.py",)))
    assert (await facts(store)).overlaps == (Overlap(9, ("b.py",)), Overlap(8, ("c.py",)))


async def test_telling_it_twice_changes_nothing(store: SqlStore) -> None:
    await tell_everything(store)
    await tell_everything(store)
    assert await facts(store) == expected()


@pytest.mark.parametrize("whole", [expected(), expected().runs[0], CANDIDATE, SPEC, REVISION, REVISION.trigger])
def test_these_tests_leave_no_field_out(whole: Any) -> None:
    """A field that somebody adds must not stay at its default here, or nobody would see it get lost."""
    same = {
        field.name
        for field in dataclasses.fields(whole)
        if field.default is not dataclasses.MISSING and getattr(whole, field.name) == field.default
    }
    assert same <= {"is_active"}


async def test_what_other_programs_see(store: SqlStore, database_url: str) -> None:
    await tell_everything(store)
    asked = (
        "select repo_url, base_branch, status, requested_by, champion_run_id, pr_number, pr_url, cost from solves",
        "select model, temperature, max_edits, evolution, sandbox_id, pr_url, tests_passed, loc_changed, files_changed,"
        " tokens, latency_ms, diagnostics from solve_runs where id = 's-1-r1'",
    )
    [of_solve], [of_run] = (rows(database_url, sql) for sql in asked)
    assert of_solve == ("https://github.com/octo/web", "main", "completed", "ann", FIRST, 8, PULL.url, 0.359375)
    assert of_run == (
        *("sonnet", 0.0, 100, "test-first", "box-s-1-r1", PULL.url, False, 4, 1, 1200, 61500, '{"command":"ls"}'),
    )


async def test_text_that_no_database_can_hold(planned: SqlStore) -> None:
    bad = "a\x00b\ud800c\U0001f41b"
    await planned.run_stepped(FIRST, steps=1, dollars=0, usage=Usage(), seconds=0, last_command=bad)
    await planned.run_ended(FIRST, Status.FAILED, at=NOON, exit_status=None, error=bad)
    await planned.noted(SOLVE.id, bad)
    await planned.candidate_found(FIRST, dataclasses.replace(CANDIDATE, summary=bad))
    assert (await run(planned)).last_command == "a\ufffdb\ufffdc\U0001f41b"
    assert (await run(planned)).error == "a\ufffdb\ufffdc\U0001f41b"
    assert (await run(planned)).candidate == dataclasses.replace(CANDIDATE, summary="a\x00b\ufffdc\U0001f41b")
    assert (await facts(planned)).notes == ("a\ufffdb\ufffdc\U0001f41b",)


async def test_times_keep_their_zone(store: SqlStore) -> None:
    await store.accept(solve(at=NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))))
    found = (await facts(store)).solve.created_at
    assert (found, found.tzinfo) == (NOON, UTC)
    with pytest.raises(sa.exc.StatementError, match="without a zone"):
        await store.frozen(SOLVE.id, TASK, NOON.replace(tzinfo=None))


async def test_the_plan_that_held_is_the_last_one_that_was_kept(store: SqlStore) -> None:
    assert await store.environment(REPO.id) is None
    first = KnownEnvironment(REPO.id, "k1", TOOLCHAIN, NOON)
    second = KnownEnvironment(REPO.id, "k2", dataclasses.replace(TOOLCHAIN, test="make check"), NOON)
    for known in (first, second):
        await store.keep_environment(known)
        assert await store.environment(REPO.id) == known
    assert await store.environment(8) is None
    assert await store.purge(NOON + timedelta(seconds=1)) == 1
    assert await store.environment(REPO.id) is None


async def test_a_search_in_vain_is_known_for_as_long_as_the_repository_says_the_same(store: SqlStore) -> None:
    await store.nothing_found(REPO.id, "k1", NOON)
    assert await store.looked_in_vain(REPO.id, "k1", since=NOON)
    assert not await store.looked_in_vain(REPO.id, "k1", since=NOON + timedelta(seconds=1))
    assert not await store.looked_in_vain(REPO.id, "k2", since=NOON)
    assert not await store.looked_in_vain(8, "k1", since=NOON)
    await store.nothing_found(REPO.id, "k2", NOON)
    assert await store.looked_in_vain(REPO.id, "k2", since=NOON)
    assert await store.purge(NOON + timedelta(seconds=1)) == 1
    assert not await store.looked_in_vain(REPO.id, "k2", since=NOON)


# ----------------------------------------------------------------------------------------------------------- Solves


async def test_what_the_agent_of_the_set_up_did_is_never_lowered_and_needs_no_solve(planned: SqlStore) -> None:
    await planned.setup_worked(SOLVE.id, SETUP)
    await planned.setup_worked(SOLVE.id, dataclasses.replace(SETUP, steps=4, dollars=0.05))
    assert (await facts(planned)).setup_agent == SETUP
    billed = dataclasses.replace(SETUP, dollars=0.07)  # for an answer that never came
    await planned.setup_worked(SOLVE.id, billed)
    assert (await facts(planned)).setup_agent == billed
    assert (await facts(planned)).dollars == 0.07
    await planned.setup_worked(SolveId("a clone that is looked at alone"), SETUP)


async def test_one_active_solve_per_issue(store: SqlStore) -> None:
    other, elsewhere = solve("s-2"), solve("s-3", number=4)
    assert await store.accept(SOLVE) == SOLVE
    assert await store.accept(other) == Busy(SOLVE.id)
    assert await store.accept(elsewhere) == elsewhere
    assert await store.accept(SOLVE) == SOLVE
    await store.ended(SOLVE.id, Status.FAILED, at=NOON)
    assert await store.accept(other) == other
    assert await store.accept(SOLVE) == SOLVE
    assert await store.facts(SolveId("nobody")) is None


async def test_a_solve_that_could_not_be_published_may_be_after_all(planned: SqlStore) -> None:
    """Only one that failed; what failed once more has the newer reason."""
    await planned.published_after_all(SOLVE.id, NOON, error="")
    assert (await facts(planned)).status is not Status.COMPLETED
    await planned.ended(SOLVE.id, Status.FAILED, at=NOON, error="refused")
    later = NOON + timedelta(hours=1)
    await planned.published_after_all(SOLVE.id, later, error="refused again")
    again = await facts(planned)
    assert (again.status, again.error) == (Status.FAILED, "refused again")
    await planned.published_after_all(SOLVE.id, later, error="")
    found = await facts(planned)
    assert (found.status, found.error, found.completed_at) == (Status.COMPLETED, "", later)


async def test_many_ask_at_once_and_one_is_accepted(store: SqlStore) -> None:
    solves = [solve(f"s-{number}") for number in range(10)]
    answers = await asyncio.gather(*(store.accept(one) for one in solves))
    [accepted] = [answer for answer in answers if isinstance(answer, Solve)]
    assert [answer for answer in answers if answer != accepted] == [Busy(accepted.id)] * 9


def costly(number: int, dollars: float, *, by: int = 9, repo: Repo = REPO, at: datetime = NOON) -> Solve:
    one = solve(f"s-{number}", number=number, repo=repo, at=at)
    trigger = dataclasses.replace(one.trigger, by=Person("ann", by))
    return dataclasses.replace(one, trigger=trigger, reserved=dollars)


async def test_whoever_asks_at_once_no_more_is_set_aside_than_may_be_spent(store: SqlStore) -> None:
    budget = Budget(Whose.INSTANCE, Period.DAY, 5.0)
    answers = await asyncio.gather(*(store.accept(costly(number, 2.0), [budget]) for number in range(8)))
    accepted = [answer for answer in answers if isinstance(answer, Solve)]
    refused = [answer for answer in answers if answer not in accepted]
    assert len(accepted) == 2
    assert refused == [OverBudget(Spent(budget, 4.0), 2.0, datetime(2026, 11, 21, tzinfo=UTC))] * 6
    assert await store.accept(accepted[0], [budget]) == accepted[0]
    assert await store.spent([budget], NOON) == [Spent(budget, 4.0)]


async def test_what_was_not_needed_can_be_spent_again(store: SqlStore) -> None:
    budget = Budget(Whose.INSTANCE, Period.DAY, 3.0)
    await store.accept(costly(1, 2.0), [budget])
    await store.planned(SolveId("s-1"), EXPERIMENTS[:1], LIMITS)
    assert isinstance(await store.accept(costly(2, 2.0), [budget]), OverBudget)
    run = run_id(SolveId("s-1"), 1)
    await store.run_stepped(run, steps=1, dollars=0.75, usage=Usage(), seconds=1.0, last_command="")
    await store.ended(SolveId("s-1"), Status.COMPLETED, at=NOON)
    assert await store.spent([budget], NOON) == [Spent(budget, 0.75)]
    assert isinstance(await store.accept(costly(2, 2.0), [budget]), Solve)


@pytest.mark.parametrize(
    ("whose", "period", "before", "fits"),
    [
        (Whose.INSTANCE, Period.DAY, costly(1, 2.0, by=8, repo=Repo(5, 77, "octo/other")), False),
        (Whose.INSTANCE, Period.DAY, costly(1, 2.0, at=NOON - timedelta(days=1)), True),
        (Whose.INSTANCE, Period.MONTH, costly(1, 2.0, at=NOON - timedelta(days=1)), False),
        (Whose.INSTANCE, Period.MONTH, costly(1, 2.0, at=NOON - timedelta(days=20)), True),
        (Whose.REPOSITORY, Period.DAY, costly(1, 2.0, repo=Repo(5, 77, "octo/other")), True),
        (Whose.REPOSITORY, Period.DAY, costly(1, 2.0, by=8), False),
        (Whose.PERSON, Period.MONTH, costly(1, 2.0, by=8), True),
        (Whose.PERSON, Period.MONTH, costly(1, 2.0, repo=Repo(5, 77, "octo/other")), False),
    ],
)
async def test_whose_money_it_is_and_when(
    store: SqlStore, whose: Whose, period: Period, before: Solve, fits: bool
) -> None:
    budget = Budget(whose, period, 3.0)
    await store.accept(before)
    assert isinstance(await store.accept(costly(2, 2.0), [budget]), Solve) == fits
    assert await store.spent([budget], NOON) == [Spent(budget, 2.0)]


async def test_busy_is_said_before_there_is_talk_of_money(store: SqlStore) -> None:
    budget = Budget(Whose.PERSON, Period.DAY, 2.0)
    await store.accept(costly(1, 2.0), [budget])
    again = dataclasses.replace(costly(2, 2.0), issue=IssueRef(REPO, 1))
    assert await store.accept(again, [budget]) == Busy(SolveId("s-1"))


async def test_asking_what_goes_on(store: SqlStore) -> None:
    there = Repo(installation=6, id=78, name="octo/other")
    old, new, else_ = solve("s-1"), solve("s-2", at=NOON + timedelta(hours=1)), solve("s-3", repo=there)
    await store.accept(old)
    await store.ended(old.id, Status.COMPLETED, at=NOON)
    await store.accept(new)
    await store.accept(else_)
    found = await store.latest(REPO.id, 3), await store.active(REPO.id, 3), await store.active(REPO.id, 4)
    assert [one and one.id for one in found] == ["s-2", "s-2", None]
    assert await store.active_solves() == ["s-2", "s-3"]
    assert await store.active_solves(repo_id=there.id) == ["s-3"]
    assert await store.active_solves(installation=5) == ["s-2"]
    assert await store.active_solves(repo_id=there.id, installation=5) == []


async def test_pull_requests_that_were_closed_are_found_until_they_are_open_again(store: SqlStore) -> None:
    await store.accept(SOLVE)
    await store.became(SOLVE.id, Fate.CLOSED, NOON)

    async def abandoned(since: int, before: int) -> list[SolveId]:
        hour = timedelta(hours=1)
        return [facts.id for facts in await store.abandoned(since=NOON + since * hour, before=NOON + before * hour)]

    assert [await abandoned(*hours) for hours in ((-1, 1), (1, 2), (-2, -1))] == [[SOLVE.id], [], []]
    await store.reopened(SOLVE.id)
    assert await abandoned(-1, 1) == []
    assert await store.fate_at(SOLVE.id) is None
    await store.became(SOLVE.id, Fate.MERGED, NOON)
    await store.reopened(SOLVE.id)
    assert await store.fate_at(SOLVE.id) == NOON


async def test_a_revision_is_a_solve_of_its_pull_request(store: SqlStore) -> None:
    pull = PullRequest(7, "https://x/7", "b", Sha("c" * 40), draft=False)
    await store.accept(SOLVE)
    assert await store.of_pull(REPO.id, 7) is None
    await store.published(SOLVE.id, pull)
    later = dataclasses.replace(solve("s-r2", number=7, at=NOON + timedelta(hours=1)), revises=SOLVE.id)
    jobs = [REVISION, later]
    for job in jobs:
        await store.accept(job)
        await store.published(job.id, dataclasses.replace(pull, head_sha=Sha("d" * 40)))
        await store.ended(job.id, Status.COMPLETED, at=NOON)
    found = await store.revisions(SOLVE.id)
    assert [facts.id for facts in found] == ["s-r1", "s-r2"]
    assert found[0].solve == dataclasses.replace(REVISION, asked=REVISION.asked.replace("\x00", "\ufffd"))
    assert (found[0].solve.workflow, SOLVE.workflow) == ("revise", "solve")
    original, latest = await store.of_pull(REPO.id, 7), await store.latest(REPO.id, 7)
    assert (original and original.id, latest and latest.id) == (SOLVE.id, "s-r2")
    assert original is not None
    assert original.pull_request == pull
    assert await store.revisions(SolveId("s-r1")) == []


async def test_a_commit_of_ours_is_known_by_its_name(store: SqlStore, database_url: str) -> None:
    """While its solve goes on, and for as long as is asked after it has ended."""
    pull = PullRequest(7, "https://x/7", "b", Sha("c" * 40), draft=False)
    await store.accept(SOLVE)
    assert pushed(database_url, NOON) == []
    await store.published(SOLVE.id, pull)
    assert pushed(database_url, NOON) == ["c" * 40]
    await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
    assert pushed(database_url, NOON) == ["c" * 40]
    assert pushed(database_url, NOON + timedelta(days=1)) == []
    found = await store.with_head(REPO.id, Sha("c" * 40))
    assert (found and found.id) == SOLVE.id
    assert await store.with_head(REPO.id + 1, Sha("c" * 40)) is None
    assert await store.with_head(REPO.id, Sha("d" * 40)) is None


async def test_what_was_seen_of_a_pull_request_is_kept(store: SqlStore) -> None:
    await store.accept(SOLVE)
    assert (await facts(store)).watch == PullWatch()
    watch = PullWatch(checks="`test` fails.", moved="main moved on.", updated_at=NOON)
    await store.watched(SOLVE.id, watch)
    assert (await facts(store)).watch == watch


async def test_the_order_of_those_that_ended_lately_and_of_those_undecided(store: SqlStore) -> None:
    """The latest end comes first; of those undecided the earliest. A revision has no pull request of its own."""
    assert await store.lately_ended(since=NOON) == await store.undecided(since=NOON) == []
    unpublished = SolveId("s-3")
    for hours, one in enumerate((SOLVE, solve("s-2", number=4), solve("s-3", number=5), REVISION)):
        await store.accept(one)
        if one.id != unpublished:
            await store.published(one.id, PULL)
        assert one.id not in await _undecided(store, NOON), "it is still going on"
        await store.ended(one.id, Status.COMPLETED, at=NOON + timedelta(hours=hours))
    late = NOON + timedelta(hours=1)
    assert [found.id for found in await store.lately_ended(since=NOON)] == ["s-r1", "s-3", "s-2", "s-1"]
    assert [found.id for found in await store.lately_ended(since=late)] == ["s-r1", "s-3", "s-2"]
    assert await _undecided(store, NOON) == ["s-1", "s-2"]
    assert await _undecided(store, late) == ["s-2"]
    await store.became(SOLVE.id, Fate.CLOSED, NOON)
    assert await _undecided(store, NOON) == ["s-2"]


async def _undecided(store: SqlStore, since: datetime) -> list[SolveId]:
    return [found.id for found in await store.undecided(since=since)]


async def test_a_solve_is_running_once_its_task_is_frozen(store: SqlStore) -> None:
    await store.accept(SOLVE)
    assert (await facts(store)).status is Status.PENDING
    await store.frozen(SOLVE.id, TASK, NOON)
    await store.frozen(SOLVE.id, TASK, NOON + timedelta(hours=1))
    assert ((await facts(store)).status, (await facts(store)).started_at) == (Status.RUNNING, NOON)


async def test_the_first_end_stands(planned: SqlStore) -> None:
    assert await planned.ended(SOLVE.id, Status.CANCELLED, at=NOON, by="ann") is Status.CANCELLED
    assert await planned.ended(SOLVE.id, Status.COMPLETED, at=NOON, error="late") is Status.CANCELLED
    await planned.frozen(SOLVE.id, TASK, NOON)
    found = await facts(planned)
    assert (found.status, found.ended_by, found.error) == (Status.CANCELLED, "ann", "")


@pytest.mark.parametrize(
    ("end", "of_runs"),
    [
        (Status.COMPLETED, Status.CANCELLED),
        (Status.CANCELLED, Status.CANCELLED),
        (Status.FAILED, Status.FAILED),
    ],
)
async def test_runs_end_with_their_solve(planned: SqlStore, end: Status, of_runs: Status) -> None:
    await planned.run_ended(FIRST, Status.COMPLETED, at=NOON, exit_status=ExitStatus.SUBMITTED)
    await planned.ended(SOLVE.id, end, at=NOON + timedelta(hours=1))
    found = await facts(planned)
    assert [(one.status, one.completed_at) for one in found.runs] == [
        (Status.COMPLETED, NOON),
        (of_runs, NOON + timedelta(hours=1)),
    ]


async def test_a_solve_does_not_end_running(planned: SqlStore) -> None:
    with pytest.raises(ValueError):
        await planned.ended(SOLVE.id, Status.RUNNING, at=NOON)


async def test_notes_are_kept_once_in_order(planned: SqlStore) -> None:
    for note in ("b", "a", "b"):
        await planned.noted(SOLVE.id, note)
    await asyncio.gather(*(planned.noted(SOLVE.id, f"n{number}") for number in range(5)))
    notes = (await facts(planned)).notes
    assert notes[:2] == ("b", "a")
    assert sorted(notes[2:]) == ["n0", "n1", "n2", "n3", "n4"]


# ------------------------------------------------------------------------------------------------------------- Runs


async def test_totals_are_never_lowered(planned: SqlStore) -> None:
    async def step(steps: int, dollars: float, tokens: int, seconds: float, command: str) -> None:
        usage = Usage(tokens, tokens, tokens)
        await planned.run_stepped(
            FIRST, steps=steps, dollars=dollars, usage=usage, seconds=seconds, last_command=command
        )

    await step(5, 0.5, 50, 5.0, "new")
    await step(4, 0.6, 40, 6.0, "old")
    found = await run(planned)
    assert (found.steps, found.dollars, found.usage, found.seconds) == (5, 0.6, Usage(50, 50, 50), 6.0)
    assert found.last_command == "new"
    await step(5, 0.5, 50, 5.0, "again")
    assert (await run(planned)).last_command == "again"


async def test_what_is_learnt_after_the_end_is_kept(planned: SqlStore) -> None:
    await planned.run_started(FIRST, SandboxId("box"), NOON)
    await planned.ended(SOLVE.id, Status.CANCELLED, at=NOON)
    await planned.run_ended(
        FIRST,
        Status.COMPLETED,
        at=NOON + timedelta(1),
        exit_status=ExitStatus.TIME,
        error="slow",
        trajectory=b"\x00\xff",
    )
    await planned.run_started(FIRST, SandboxId("box"), NOON + timedelta(1))
    found = await run(planned)
    assert (found.status, found.completed_at, found.started_at) == (Status.CANCELLED, NOON, NOON)
    assert (found.exit_status, found.error) == (ExitStatus.TIME, "slow")
    assert await planned.trajectory(FIRST) == b"\x00\xff"
    assert await planned.trajectory(SECOND) is None


async def test_a_candidate_without_a_change_is_one(planned: SqlStore) -> None:
    await planned.candidate_found(FIRST, Candidate(FIRST, "", ()))
    assert (await run(planned)).candidate == Candidate(FIRST, "", ())
    assert (await run(planned, SECOND)).candidate is None


@pytest.mark.parametrize(("passed", "total", "stored"), [(0, 0, None), (2, 2, True), (1, 2, False)])
async def test_tests_passed(planned: SqlStore, database_url: str, passed: int, total: int, stored: bool | None) -> None:
    await planned.judged(FIRST, Evidence(FIRST, stable_passed=passed, stable_total=total))
    assert rows(database_url, "select tests_passed from solve_runs where id = 's-1-r1'") == [(stored,)]


async def test_what_is_not_there_is_gone(store: SqlStore) -> None:
    nobody, nothing = SolveId("nobody"), RunId("nothing")
    for told in (
        store.commented(nobody, 1),
        store.showing(nobody, "digest"),
        store.frozen(nobody, TASK, NOON),
        store.planned(nobody, EXPERIMENTS, LIMITS),
        store.noted(nobody, "x"),
        store.ended(nobody, Status.FAILED, at=NOON),
        store.run_started(nothing, SandboxId("x"), NOON),
        store.run_stepped(nothing, steps=1, dollars=0, usage=Usage(), seconds=0, last_command=""),
    ):
        with pytest.raises(Gone):
            await told
    assert await store.trajectory(nothing) is None


# -------------------------------------------------------------------------------------- Catalogue, places, housekeeping


async def test_the_catalogue(store: SqlStore) -> None:
    cheap = ModelSpec("mini", "openrouter", "openai/mini")
    await store.save_model(SPEC)
    await store.save_model(dataclasses.replace(cheap, prior=0.1))
    await store.save_model(cheap)
    assert await store.models() == [cheap, SPEC]
    assert await store.disable_model("mini")
    assert not await store.disable_model("maxi")
    assert await store.models() == [SPEC]
    assert await store.models(active_only=False) == [dataclasses.replace(cheap, is_active=False), SPEC]


async def test_installations_in_any_order(store: SqlStore, database_url: str) -> None:
    later = NOON + timedelta(minutes=1)
    await store.uninstalled(5, NOON)
    await store.installed(5, "octo", suspended=True, at=later)
    await store.installed(5, "octo", suspended=False, at=NOON)
    asked = "select account, is_suspended, removed_at is null from installations"
    assert rows(database_url, asked) == [("octo", True, True)]
    await store.uninstalled(5, NOON)
    assert rows(database_url, asked) == [("octo", True, True)]
    await store.uninstalled(5, later)
    assert rows(database_url, asked) == [("octo", True, False)]


async def test_a_repository_is_called_as_it_is_now(store: SqlStore) -> None:
    await store.accept(SOLVE)
    renamed = dataclasses.replace(REPO, name="octo/site", installation=6)
    await store.repository_seen(renamed, archived=True)
    await store.accept(SOLVE)  # a replay, under the old name
    assert (await facts(store)).solve.issue.repo == renamed
    await store.repository_seen(renamed, deleted=True)
    await store.accept(solve("s-2", number=9))
    assert (await facts(store, SolveId("s-2"))).solve.issue.repo == REPO


async def test_one_worker_at_a_time_has_a_turn(store: SqlStore, database_url: str) -> None:
    async def ask(name: str, worker: str) -> float:
        def change(turn: Turn, now: datetime) -> tuple[Turn, float]:
            return take(turn, worker, now, seconds=3600)

        return await store.turns.change(name, change)

    assert sorted(await asyncio.gather(ask("chore purge", "a"), ask("chore purge", "b"))) == [0.0, 0.25]
    assert [await ask("github 5", worker) for worker in ("a", "b", "a")] == [0.0, 0.25, 0.0]
    assert await store.turns.change("github 5", lambda turn, now: leave(turn, "a", now)) == 0.0
    assert [await ask("github 5", worker) for worker in ("b", "a")] == [0.0, 0.25]
    assert rows(database_url, "select name from turns order by name") == [("chore purge",), ("github 5",)]


async def test_one_workspace_of_a_repository_is_kept(store: SqlStore) -> None:
    assert await store.workspace(7) is None
    first = Workspace(7, "k1", {"venv/x": "b" * 40}, NOON)
    await store.keep_workspace(first)
    assert await store.workspace(7) == first
    newer = Workspace(7, "k2", {}, NOON + timedelta(hours=1))
    await store.keep_workspace(newer)
    await store.keep_workspace(Workspace(8, "k3", {}, NOON))
    assert await store.workspaces(used_since=NOON + timedelta(minutes=1)) == [newer]
    await store.purge(NOON + timedelta(minutes=1))
    assert await store.workspaces(used_since=NOON) == [newer]


async def test_an_audit_entry_is_there_once(store: SqlStore, database_url: str) -> None:
    for actor in ("ann", "ann", "bob"):
        await store.audit(NOON, actor, "solve.accepted", "s-1", {"b": [1], "a": "é"})
    found = rows(database_url, "select actor, action, subject, detail from audit_log order by actor")
    assert [entry[0] for entry in found] == ["ann", "bob"]
    assert found[0][1:3] == ("solve.accepted", "s-1")


async def test_what_is_going_on_is_counted(planned: SqlStore) -> None:
    await planned.frozen(SOLVE.id, TASK, NOON)
    await planned.run_started(FIRST, SandboxId("box"), NOON)
    for number in range(4):
        other = solve(f"s-{number + 2}", number=number + 10)
        await planned.accept(other)
        await planned.planned(other.id, EXPERIMENTS, LIMITS)
        if number:
            end = Status.COMPLETED if number == 1 else Status.FAILED
            await planned.ended(other.id, end, at=NOON + timedelta(hours=number))
    told = await planned.tally(NOON + timedelta(hours=2))
    assert told.solves == {Status.RUNNING: 1, Status.PENDING: 1}
    assert told.runs == {Status.RUNNING: 1, Status.PENDING: 3}
    assert told.ended == {Status.FAILED: 2}
    assert (told.waiting, told.oldest) == (0, None)


async def test_what_is_old_and_over_is_purged(store: SqlStore, database_url: str) -> None:
    new = NOON + timedelta(days=2)
    active, fresh = solve("s-2", number=4), solve("s-3", number=5)
    for one in (active, fresh):
        await store.accept(one)
    await store.ended(fresh.id, Status.FAILED, at=new)
    await tell_everything(store)
    await store.audit(NOON, "ann", "a", "s", {})
    await store.audit(new, "ann", "a", "s", {})
    await _deliver(database_url, NOON, "old")
    await _deliver(database_url, new, "new")
    told = await store.tally(new)
    assert (told.waiting, told.oldest) == (2, NOON)
    assert await store.purge(NOON + timedelta(days=1)) == 3
    assert await store.facts(SOLVE.id) is None
    assert await store.trajectory(FIRST) is None
    assert [one is None for one in (await store.facts(active.id), await store.facts(fresh.id))] == [False, False]
    assert rows(database_url, "select guid from deliveries order by guid") == [
        ("new",),
        ("new-waiting",),
        ("old-waiting",),
    ]
    assert await store.purge(NOON + timedelta(days=1)) == 0


async def _deliver(url: str, at: datetime, name: str) -> None:
    class Then:
        def now(self) -> datetime:
            return at

    inbox = await open_inbox(url, Then())
    await inbox.put(name, "issues", b"{}")
    await inbox.handed([name])
    await inbox.put(f"{name}-waiting", "issues", b"{}")
    await inbox.close()


# ------------------------------------------------------------------------------------------------------------- Trouble


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (sa.exc.OperationalError, Unavailable),
        (sa.exc.InterfaceError, Unavailable),
        (sa.exc.InternalError, Unavailable),
        (sa.exc.DatabaseError, Unavailable),
        (sa.exc.IntegrityError, Rejected),
        (sa.exc.DataError, Rejected),
        (sa.exc.ProgrammingError, Rejected),
        (sa.exc.NotSupportedError, Rejected),
    ],
)
def test_every_error_of_a_database_is_translated(error: type[sa.exc.DBAPIError], ours: type[Exception]) -> None:
    with pytest.raises(ours), translated():
        raise error("select 1", None, Exception("why"))


def test_no_error_of_a_database_is_forgotten() -> None:
    def below(kind: type[Exception]) -> set[type[Exception]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    for kind in below(sa.exc.DBAPIError):
        with pytest.raises((Unavailable, Rejected)), translated():
            raise kind("select 1", None, Exception("why"))
    with pytest.raises(Unavailable), translated():
        raise sa.exc.TimeoutError("the pool is empty")


async def test_a_foreign_key_holds(planned: SqlStore) -> None:
    unknown = dataclasses.replace(DECISION, champion=RunId("nobody"))
    with pytest.raises(Rejected):
        await planned.decided(SOLVE.id, unknown)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.sqlite", "postgresql://postgres@/x?host=/nowhere"])
async def test_a_database_that_is_not_there(url: str) -> None:
    async with opened(url) as store:
        with pytest.raises(Unavailable):
            await store.alive()


async def test_alive(store: SqlStore) -> None:
    await store.alive()


async def test_a_restart_of_the_server_costs_nothing(postgres_url: str) -> None:
    async with opened(postgres_url) as store:
        await store.accept(SOLVE)
        rows(postgres_url, "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
        assert (await facts(store)).solve == SOLVE


async def test_three_hundred_runs_at_once(store: SqlStore) -> None:
    """Every run's every step is one write; none is lost, whoever writes besides."""
    runs: list[RunId] = []
    for number in range(30):
        one = solve(f"s-{number}", number=number)
        await store.accept(one)
        experiments = [dataclasses.replace(EXPERIMENTS[0], index=index) for index in range(1, 11)]
        await store.planned(one.id, experiments, LIMITS)
        runs += [run_id(one.id, index) for index in range(1, 11)]

    async def step(id: RunId) -> None:
        for steps in (1, 2):
            await store.run_stepped(id, steps=steps, dollars=steps, usage=Usage(), seconds=steps, last_command="ls")

    await asyncio.gather(*(step(id) for id in runs))
    steps = [one.steps for number in range(30) for one in (await facts(store, SolveId(f"s-{number}"))).runs]
    assert steps == [2] * 300
