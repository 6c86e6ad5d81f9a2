"""A store that looks like half a year of use: what pictures are taken of, and what is looked at by hand."""

from __future__ import annotations

import dataclasses
import gzip
import json
from datetime import datetime, timedelta

from bot.core.choosing.approval import wanted
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import (
    Baseline,
    Candidate,
    ChangeKind,
    Decision,
    Evidence,
    ExitStatus,
    Experiment,
    Fate,
    FileChange,
    IssueRef,
    KnownEnvironment,
    Limits,
    ModelSpec,
    Outcome,
    Person,
    Prices,
    PullRequest,
    Ranked,
    Repo,
    RepoConfig,
    RunId,
    SandboxId,
    Sha,
    Solve,
    SolveId,
    SolveOptions,
    Status,
    Strategy,
    Task,
    Toolchain,
    Trigger,
    TriggerKind,
    Usage,
    run_id,
)
from bot.store.store import SqlStore

MODELS = (
    ModelSpec("sonnet", "openrouter", "anthropic/sonnet", None, None, Prices(3.0, 15.0), 0.72),
    ModelSpec("gpt-5-mini", "openrouter", "openai/gpt-5-mini", None, None, Prices(0.25, 2.0), 0.6),
    ModelSpec("kimi", "openrouter", "moonshot/kimi", None, None, Prices(0.6, 2.5), 0.65),
)
TITLES = (
    "Totals are wrong when a coupon is applied twice",
    "Dates before 1970 are shown as today",
    "Search ignores words with an apostrophe",
    "CSV export drops the last row",
    "Emails with a plus sign are refused",
    "The cart forgets its currency",
)
ENDINGS = (Fate.MERGED, Fate.MERGED, None, Fate.CHANGED, Fate.CLOSED, Fate.MERGED, Fate.REVERTED)
TOOLCHAIN = Toolchain(
    ('pip install -e ".[test]"',), "pytest -q", "detected: pyproject.toml with pytest", "python", ("ruff check .",)
)
BASELINE = Baseline("pytest -q", per_test=True, stable=tuple(f"tests::t{n}" for n in range(212)), flaky=("tests::net",))
EXPERIMENTS = tuple(
    Experiment(number, model, None, strategy, 150, 0.66)
    for number, (model, strategy) in enumerate(
        zip(MODELS, (Strategy.BASELINE, Strategy.TEST_FIRST, Strategy.BASELINE), strict=True), 1
    )
)
PATCH = """\
diff --git a/shop/totals.py b/shop/totals.py
index 3b18e51..c1a7b0e 100644
--- a/shop/totals.py
+++ b/shop/totals.py
@@ -41,9 +41,11 @@ def total(cart: Cart) -> Decimal:
     amount = sum((line.price * line.quantity for line in cart.lines), Decimal())
-    for coupon in cart.coupons:
-        amount -= coupon.value(amount)
-    return amount
+    seen = set[str]()
+    for coupon in cart.coupons:
+        if coupon.code not in seen:
+            amount -= coupon.value(amount)
+            seen.add(coupon.code)
+    return max(amount, Decimal())
"""
CHANGE = FileChange("shop/totals.py", ChangeKind.MODIFIED, "100644", "100644", Sha("c" * 40), 900, added=6, removed=3)
DECISION_REASONS = (
    "All 212 tests that passed before still pass.",
    "Its own test fails without its change and passes with it.",
    "The tests that the others wrote pass on it, too.",
)
LIVE, DONE, WAITING = SolveId("s-live"), SolveId("s-12-totals"), SolveId("s-waiting")


async def furnish(store: SqlStore, shop: Repo, parser: Repo, now: datetime) -> None:
    """Half a year of two repositories; a solve that runs, one that is done, one that waits for approval."""
    for model in MODELS:
        await store.save_model(model)
    await store.keep_environment(KnownEnvironment(shop.id, "k", TOOLCHAIN, now - timedelta(days=2)))
    for number in range(46):
        at = now - timedelta(days=170 - number * 3.6, hours=number % 5)
        await _ended(store, (shop, shop, parser)[number % 3], number, at)
    await _until_decided(store, _solve(DONE, shop, 312, TITLES[0], now - timedelta(hours=5)))
    await store.published(
        DONE,
        PullRequest(318, f"https://github.com/{shop.name}/pull/318", "solvebot/312-totals", Sha("a" * 40), draft=False),
    )
    await store.ended(DONE, Status.COMPLETED, at=now - timedelta(hours=5) + timedelta(minutes=14))
    await _until_decided(store, _solve(WAITING, parser, 41, TITLES[3], now - timedelta(hours=1)))
    await store.awaits(WAITING, wanted(now - timedelta(minutes=40)))
    await _running(store, _solve(LIVE, shop, 320, TITLES[1], now - timedelta(minutes=6)), now)


def _solve(id: SolveId, repo: Repo, number: int, title: str, at: datetime) -> Solve:
    by = Person(("ann", "bob", "carla")[number % 3], 40 + number % 3)
    trigger = Trigger(TriggerKind.LABEL, f"label-{id}", by, at)
    return Solve(id, IssueRef(repo, number), title, "Steps to see it are below.", trigger, SolveOptions(), at)


async def _begun(store: SqlStore, solve: Solve) -> None:
    await store.accept(solve)
    task = Task(
        solve.issue_title, solve.issue_body, (), "main", Sha("5e1f" * 10), RepoConfig(), SolveOptions(), "d" * 64, False
    )
    await store.frozen(solve.id, task, solve.created_at + timedelta(seconds=4))
    await store.prepared(solve.id, TOOLCHAIN, BASELINE)
    await store.planned(solve.id, EXPERIMENTS, Limits())


async def _run(store: SqlStore, id: RunId, at: datetime, number: int, evidence: Evidence) -> None:
    await store.run_started(id, SandboxId(f"box-{id}"), at)
    dollars = (0.31, 0.04, 0.11)[number - 1]
    usage = Usage(180_000 * number, 9_000)
    await store.run_stepped(id, steps=18 + 7 * number, dollars=dollars, usage=usage, seconds=160.0, last_command="")
    await store.candidate_found(id, Candidate(id, PATCH, (CHANGE,), summary="A coupon counts once."))
    await store.run_ended(
        id,
        Status.COMPLETED,
        at=at + timedelta(minutes=4),
        exit_status=ExitStatus.SUBMITTED,
        error="",
        trajectory=gzip.compress(json.dumps(_trajectory()).encode()),
    )
    await store.judged(id, evidence)


def _trajectory() -> dict[str, object]:
    said = "The coupons are applied one after the other, also when the code is the same. I look at the tests first."
    seen = "<returncode>0</returncode>\n<output>\ntests/test_totals.py\n3 passed in 0.21s\n</output>"
    command = "grep -rl coupon tests && pytest -q tests/test_totals.py"
    return {
        "trajectory_format": "mini-swe-agent-1.1",
        "info": {},
        "messages": [
            {"role": "assistant", "content": f"THOUGHT: {said}\n\n```bash\n{command}\n```"},
            {"role": "user", "content": seen},
        ],
    }


def _evidence(id: RunId, number: int) -> Evidence:
    good = number != 2
    return Evidence(
        id,
        regressions=() if good else ("tests/test_totals.py::test_two_coupons",),
        stable_passed=212 if good else 211,
        stable_total=212,
        test_files=("tests/test_totals.py",),
        own_tests_on_base=False,
        own_tests_on_candidate=True,
        lines_changed=9,
        files_changed=2,
        place=0.8 if good else 0.2,
        token=0.7 if good else 0.1,
    )


async def _until_decided(store: SqlStore, solve: Solve) -> None:
    await _begun(store, solve)
    ids = [run_id(solve.id, number) for number in (1, 2, 3)]
    for number, id in enumerate(ids, 1):
        await _run(store, id, solve.created_at + timedelta(minutes=2), number, _evidence(id, number))
    one, two, three = ids
    tests = [
        PooledTest("tests/test_totals.py::test_coupon_counts_once", Origin.CANDIDATE, one, (one, three), (two,)),
        PooledTest("tests/test_totals.py::test_total_is_never_negative", Origin.CANDIDATE, three, (one, three), ()),
        PooledTest("see_it.py", Origin.SCRIPT, two, (one, two, three), ()),
    ]
    await store.pooled(solve.id, tests)
    ranking = (
        Ranked(one, 1, "champion", eligible=True, confidence=0.91),
        Ranked(three, 2, "runner-up", eligible=True, confidence=0.84),
        Ranked(two, 3, "breaks 1 test", eligible=False, confidence=0.07),
    )
    await store.decided(solve.id, Decision(Outcome.READY, one, three, ranking, DECISION_REASONS, (), 0.91))


async def _running(store: SqlStore, solve: Solve, now: datetime) -> None:
    await _begun(store, solve)
    for number, command in ((1, "pytest -q tests/test_dates.py"), (2, "sed -n 1,80p shop/dates.py")):
        id = run_id(solve.id, number)
        await store.run_started(id, SandboxId(f"box-{id}"), now - timedelta(minutes=3))
        usage = Usage(90_000, 4_000)
        await store.run_stepped(id, steps=9 + number, dollars=0.08, usage=usage, seconds=120.0, last_command=command)


async def _ended(store: SqlStore, repo: Repo, number: int, at: datetime) -> None:
    solve = _solve(SolveId(f"s-{number}"), repo, 100 + number, TITLES[number % len(TITLES)], at)
    await _begun(store, solve)
    chosen = (1, 1, 3, 2)[number % 4]
    for index in (1, 2, 3):
        id = run_id(solve.id, index)
        await _run(store, id, at, index, dataclasses.replace(_evidence(id, index), regressions=()))
    champion = run_id(solve.id, chosen) if number % 5 else None
    ranking = (Ranked(run_id(solve.id, chosen), 1, "champion", eligible=True, confidence=0.8),)
    outcome = Outcome.READY if champion else Outcome.NONE
    await store.decided(solve.id, Decision(outcome, champion, None, ranking if champion else (), (), (), 0.8))
    if champion:
        url = f"https://github.com/{repo.name}/pull/{200 + number}"
        await store.published(
            solve.id, PullRequest(200 + number, url, f"solvebot/{number}", Sha("b" * 40), draft=False)
        )
    await store.ended(solve.id, Status.COMPLETED, at=at + timedelta(minutes=12))
    fate = ENDINGS[number % len(ENDINGS)]
    if champion and fate:
        await store.became(solve.id, fate, at + timedelta(days=1))
