"""/metrics over real HTTP, read by Prometheus' own parser, from real databases; and README's list of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf, isnan
from pathlib import Path

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from starlette.applications import Starlette

from bot.core.model import SandboxId, Status
from bot.core.resilience.circuit_breaker import Circuit, Health
from bot.core.resilience.plan_usage import Plan, Quota
from bot.core.resilience.sandbox_leases import WARM, Lease, LeaseKey, MachineId, Operation, Outcome
from bot.core.trigger.budgets import Budget, Period, Spent, Whose
from bot.disk_checks import Premises, premises
from bot.ports import Tally, Unavailable
from bot.sandbox.plan_usage import PlanWatch
from bot.simulators.serving import serving
from bot.store.store import opened
from bot.web.metrics import Build, Look, Metrics, Standing, metrics_route, standing

ROOT = Path(__file__).parent.parent.parent
BUILD = Build("1.2.3", "serve", "0006", "postgresql", "bubblewrap")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOON


def lease(key: str, *, sandbox: str = "", machine: str | None = None) -> Lease:
    held = MachineId(machine) if machine else None
    return Lease(LeaseKey(key), SandboxId(sandbox or f"s-{key}"), "e2b", NOON, NOON, machine=held)


def operation(outcome: Outcome, *, attempt: int = 1, seconds: float = 0.3) -> Operation:
    return Operation("e2b", "create", attempt, NOON, seconds, outcome)


async def scraped(metrics: Metrics, look: Look) -> dict[str, float]:
    """Samples by name and labels, as Prometheus would write them."""
    app = Starlette(routes=[metrics_route(metrics, look, Noon())])
    async with serving(app) as address, aiohttp.ClientSession(address) as client, client.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        families: Iterable[Metric] = text_string_to_metric_families(await answer.text())
        return {_named(sample): sample.value for family in families for sample in family.samples}


def _named(sample: Sample) -> str:
    labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}}"


async def test_how_things_stand_is_read_from_the_database(database_url: str) -> None:
    async with opened(database_url) as store:
        ledger = store.ledger
        for held in (lease("a"), lease("b"), lease("c", sandbox=f"{WARM}c"), lease("d")):
            await ledger.intend(held, at_most=9)
        for key in ("a", "b", "c"):
            await ledger.lent(LeaseKey(key), MachineId(f"m-{key}"))
        await ledger.change_health("e2b", lambda _: Health(7, NOON, NOON + timedelta(seconds=1)))
        await ledger.count([operation(Outcome.DONE), operation(Outcome.UNCLEAR)])
        watch = PlanWatch(ledger, Noon(), [Plan("e2b", 0.5, 20)])
        told = await scraped(Metrics(BUILD), partial(standing, store, Noon(), ledger, ["e2b", "e2b:eu"], watch.quotas))
    expected = {
        "solvebot_database_answers{}": 1,
        "solvebot_sandbox_circuit{provider=e2b,state=open}": 1,
        "solvebot_sandbox_circuit{provider=e2b,state=closed}": 0,
        "solvebot_sandbox_circuit{provider=e2b:eu,state=closed}": 1,
        "solvebot_sandbox_failures{provider=e2b}": 7,
        "solvebot_sandbox_machines{provider=e2b,state=used}": 2,
        "solvebot_sandbox_machines{provider=e2b,state=warm}": 1,
        "solvebot_sandbox_machines{provider=e2b,state=asked for}": 1,
        "solvebot_sandbox_machines{provider=e2b:eu,state=used}": 0,
        "solvebot_sandbox_quota{provider=e2b,quota=machines}": 20,
        "solvebot_sandbox_quota_used{provider=e2b,quota=machines}": 4,
        "solvebot_sandbox_quota{provider=e2b,quota=creations}": 1800,
        "solvebot_sandbox_quota_used{provider=e2b,quota=creations}": 2,
        "solvebot_solves{status=running}": 0,
    }
    assert {name: told.get(name) for name in expected} == expected
    assert told["solvebot_process_resident_memory_bytes{}"] > 1_000_000


async def test_solves_and_runs_by_state() -> None:
    tally = Tally({Status.RUNNING: 2}, {Status.PENDING: 3, Status.COMPLETED: 1}, {Status.FAILED: 4})

    async def look() -> Standing:
        return Standing(tally)

    told = await scraped(Metrics(BUILD), look)
    assert {name: value for name, value in told.items() if re.match(r"solvebot_(solves|runs)", name) and value} == {
        "solvebot_solves{status=running}": 2,
        "solvebot_runs{status=pending}": 3,
        "solvebot_runs{status=completed}": 1,
        "solvebot_solves_ended_last_day{status=failed}": 4,
    }


async def test_the_inbox_the_disk_and_the_backup(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / ".unfinished").touch()

    async def look() -> Standing:
        oldest = NOON - timedelta(seconds=90)
        queued = NOON - timedelta(seconds=30)
        return Standing(Tally({}, {}, {}, 3, oldest, queued), premises=premises(tmp_path, tmp_path / "backups"))

    told = await scraped(Metrics(BUILD), look)
    assert (told["solvebot_deliveries_waiting{}"], told["solvebot_delivery_waiting_seconds{}"]) == (3, 90)
    assert told["solvebot_run_waiting_seconds{}"] == 30
    assert 0 < told["solvebot_disk_bytes{of=free}"] <= told["solvebot_disk_bytes{of=all}"]
    assert told["solvebot_backup_age_seconds{}"] == inf
    whole = tmp_path / "backups" / "monday"
    whole.touch()
    os.utime(whole, (0, NOON.timestamp() - 3600))
    assert (await scraped(Metrics(BUILD), look))["solvebot_backup_age_seconds{}"] == 3600


async def test_nobody_said_where_backups_are(tmp_path: Path) -> None:
    async def look() -> Standing:
        return Standing(Tally({}, {}, {}), premises=premises(tmp_path, None))

    assert isnan((await scraped(Metrics(BUILD), look))["solvebot_backup_age_seconds{}"])
    assert premises(tmp_path / "nowhere", None) is None


async def test_what_this_process_is_and_what_it_asked() -> None:
    metrics = Metrics(BUILD)
    metrics.model_call("fixer", "answered")
    metrics.model_call("fixer", "answered")
    metrics.missed(2)

    async def look() -> Standing:
        return Standing(Tally({}, {}, {}))

    told = await scraped(metrics, look)
    words = "database=postgresql,role=serve,sandbox=bubblewrap,schema=0006,version=1.2.3"
    assert told[f"solvebot_build_info{{{words}}}"] == 1
    assert told["solvebot_model_calls_total{model=fixer,outcome=answered}"] == 2
    assert told["solvebot_deliveries_missed_total{}"] == 2


async def test_every_attempt_is_counted(sqlite_url: str) -> None:
    metrics, other = Metrics(BUILD), Metrics(BUILD)
    metrics.operation(operation(Outcome.TRANSIENT), Circuit.CLOSED)
    metrics.operation(operation(Outcome.DONE, attempt=2, seconds=3.0), Circuit.CLOSED)
    async with opened(sqlite_url) as store:
        told = await scraped(metrics, partial(standing, store, Noon()))
        assert not any("operation=create" in name for name in await scraped(other, partial(standing, store, Noon())))
    expected = {
        "solvebot_sandbox_operations_total{operation=create,outcome=done,provider=e2b}": 1,
        "solvebot_sandbox_operations_total{operation=create,outcome=transient,provider=e2b}": 1,
        "solvebot_sandbox_retries_total{operation=create,provider=e2b}": 1,
        "solvebot_sandbox_operation_seconds_count{operation=create,provider=e2b}": 2,
        "solvebot_sandbox_operation_seconds_bucket{le=0.5,operation=create,provider=e2b}": 1,
        "solvebot_sandbox_operation_seconds_bucket{le=5.0,operation=create,provider=e2b}": 2,
    }
    assert {name: told.get(name) for name in expected} == expected


async def test_without_the_database_what_was_counted_is_told_all_the_same(sqlite_url: str) -> None:
    metrics = Metrics(BUILD)
    metrics.operation(operation(Outcome.DONE), Circuit.CLOSED)

    async def blind() -> Standing:
        raise Unavailable("the database")

    async with opened(sqlite_url) as store:
        seen = await scraped(metrics, partial(standing, store, Noon(), store.ledger, ["e2b"]))
    told = await scraped(metrics, blind)
    assert (seen["solvebot_database_answers{}"], told["solvebot_database_answers{}"]) == (1, 0)
    assert "solvebot_sandbox_failures{provider=e2b}" in seen
    assert not any(name.startswith(("solvebot_sandbox_failures", "solvebot_solves")) for name in told)
    assert told["solvebot_sandbox_operations_total{operation=create,outcome=done,provider=e2b}"] == 1


SPENT = (Spent(Budget(Whose.REPOSITORY, Period.MONTH, 50.0), 41.5),)


def everything() -> Metrics:
    """With a sample of each."""
    metrics = Metrics(BUILD)
    metrics.operation(operation(Outcome.DONE, attempt=2), Circuit.CLOSED)
    quotas = (Quota("e2b", "machines", 1, 2),)
    metrics.model_call("fixer", "answered")
    metrics.show(Standing(Tally({}, {}, {}), {"e2b": Health()}, (lease("a"),), quotas, Premises(10, 5), SPENT), NOON)
    return metrics


def test_readme_lists_every_metric_and_nothing_else() -> None:
    rows = re.findall(r"^\| `(solvebot_\w+)` \| (.*?) \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    families = list(everything().registry.collect())
    assert rows == [
        (
            f"{family.name}_total" if family.type == "counter" else family.name,
            ", ".join(f"`{name}`" for name in sorted({name for s in family.samples for name in s.labels} - {"le"})),
            family.documentation,
        )
        for family in families
    ]
    assert all(family.samples for family in families)


def test_one_room_knows_prometheus() -> None:
    knowing = [path for path in (ROOT / "bot").rglob("*.py") if "prometheus_client" in path.read_text()]
    assert [path.relative_to(ROOT).as_posix() for path in knowing] == ["bot/web/metrics.py"]
