"""GET /metrics: what goes on, for Prometheus. The one room that knows its client.

What this process has done is counted as it happens; how things stand is read from the database when somebody asks.
README lists all of it, and a test compares. It has an address of its own, which strangers do not reach.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Count
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from math import inf, nan

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.core.model import Status
from bot.core.operations.deployment import Sample
from bot.core.resilience.circuit_breaker import Circuit, Health, circuit
from bot.core.resilience.plan_usage import Quota
from bot.core.resilience.sandbox_leases import Lease, Operation
from bot.disk_checks import Premises
from bot.ports import Clock, Ledger, Store, Tally, WorldError

log = structlog.get_logger()

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600)
LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand. `providers` are those that lend us sandboxes, if any do."""

    tally: Tally
    providers: dict[str, Health] = field(default_factory=dict)
    leases: Sequence[Lease] = ()
    quotas: Sequence[Quota] = ()
    premises: Premises | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """What this process is. `role`: serve, web or worker. `schema`: the migration that it brings a database to."""

    version: str
    role: str
    schema: str
    database: str
    sandbox: str


Look = Callable[[], Awaitable[Standing]]
"""Raises `WorldError` when it cannot be seen."""


async def standing(
    store: Store,
    clock: Clock,
    ledger: Ledger | None = None,
    providers: Sequence[str] = (),
    quotas: Callable[[], Awaitable[Sequence[Quota]]] | None = None,
) -> Standing:
    """From the database; without a ledger, of solves and runs alone."""
    tally = await store.tally(clock.now() - LATELY)
    if ledger is None:
        return Standing(tally)
    return Standing(
        tally,
        {name: await ledger.health(name) for name in providers},
        await ledger.leases(),
        await quotas() if quotas is not None else (),
    )


class Metrics:
    """Each has a registry of its own."""

    def __init__(self, build: Build) -> None:
        self.registry = CollectorRegistry()
        words = asdict(build)
        Gauge(
            "solvebot_build_info",
            "1, for what this process is: its role, version, schema and kinds of database and sandbox.",
            list(words),
            registry=self.registry,
        ).labels(**words).set(1)
        self._operations = Counter(
            "solvebot_sandbox_operations",
            "Requests to services that lend sandboxes, each attempt.",
            ["provider", "operation", "outcome"],
            registry=self.registry,
        )
        self._retries = Counter(
            "solvebot_sandbox_retries",
            "Those of them that were not the first attempt.",
            ["provider", "operation"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "solvebot_sandbox_operation_seconds",
            "How long they took.",
            ["provider", "operation"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._model_calls = Counter(
            "solvebot_model_calls",
            "Questions to models; one that is asked again counts once.",
            ["model", "outcome"],
            registry=self.registry,
        )
        self._missed = Counter(
            "solvebot_deliveries_missed",
            "Deliveries that GitHub could not deliver and was asked for again.",
            registry=self.registry,
        )
        self._gauges = _Gauges(self.registry)
        ProcessCollector(namespace="solvebot", registry=self.registry)

    def operation(self, operation: Operation, _circuit: Circuit) -> None:
        """An `Observe` of sandbox/resilience.py."""
        self._operations.labels(operation.provider, operation.name, operation.outcome.value).inc()
        self._seconds.labels(operation.provider, operation.name).observe(operation.seconds)
        if operation.attempt > 1:
            self._retries.labels(operation.provider, operation.name).inc()

    def model_call(self, model: str, outcome: str) -> None:
        """An `Observe` of agent/observed.py."""
        self._model_calls.labels(model, outcome).inc()

    def missed(self, deliveries: int) -> None:
        self._missed.inc(deliveries)

    def show(self, standing: Standing | None, now: datetime) -> bytes:
        """In Prometheus' text format. None: it could not be seen."""
        self._gauges.set(standing, now)
        return generate_latest(self.registry)


class _Gauges:
    """How things stand: what is no longer so disappears."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, doc: str, *labels: str) -> Gauge:
            return Gauge(f"solvebot_{name}", doc, labels, registry=registry)

        self._database = gauge("database_answers", "1, or 0: then nothing is known of the rest of these gauges.")
        self._circuit = gauge("sandbox_circuit", "1 for the state of the circuit breaker: closed, open or half-open.",
                              "provider", "state")  # fmt: skip
        self._failures = gauge("sandbox_failures", "Failures in a row.", "provider")
        self._machines = gauge("sandbox_machines", "Machines by state: used, warm, or asked for.", "provider", "state")
        self._quota = gauge("sandbox_quota", "What the plan allows: `machines` at a time, `creations` an hour.",
                            "provider", "quota")  # fmt: skip
        self._quota_used = gauge("sandbox_quota_used", "How much of that is used.", "provider", "quota")
        self._solves = gauge("solves", "Solves that are going on.", "status")
        self._runs = gauge("runs", "Runs of those solves.", "status")
        self._ended = gauge("solves_ended_last_day", "Solves that ended within 24 hours.", "status")
        self._waiting = gauge("deliveries_waiting", "Deliveries that no worker has taken yet.")
        self._oldest = gauge("delivery_waiting_seconds", "For how long the oldest of them waits.")
        self._disk = gauge("disk_bytes", "Size of the disk that DATA_DIR is on.", "of")
        self._backup = gauge("backup_age_seconds", "Age of the newest backup in BACKUP_DIR; Inf: there is none.")

    def set(self, standing: Standing | None, now: datetime) -> None:
        self._database.set(0 if standing is None else 1)
        for labelled in (self._circuit, self._failures, self._machines, self._quota, self._quota_used):
            labelled.clear()
        for labelled in (self._solves, self._runs, self._ended, self._disk):
            labelled.clear()
        for unknown in (self._waiting, self._oldest, self._backup):
            unknown.set(nan)
        if standing is not None:
            self._set_services(standing, now)
            self._set_tally(standing.tally)
            self._set_inbox(standing.tally, now)
            self._set_premises(standing.premises, now)

    def _set_services(self, standing: Standing, now: datetime) -> None:
        for name, health in standing.providers.items():
            for circuit_state in Circuit:
                self._circuit.labels(name, circuit_state.value).set(circuit(health, now) is circuit_state)
            self._failures.labels(name).set(health.failures)
            for state in ("used", "warm", "asked for"):
                self._machines.labels(name, state).set(0)
        for (name, state), number in Count((lease.provider, _state(lease)) for lease in standing.leases).items():
            self._machines.labels(name, state).set(number)
        for quota in standing.quotas:
            self._quota.labels(quota.provider, quota.what).set(quota.most)
            self._quota_used.labels(quota.provider, quota.what).set(quota.used)

    def _set_tally(self, tally: Tally) -> None:
        for status in Status:
            if status.is_over:
                self._ended.labels(status.value).set(tally.ended.get(status, 0))
            else:
                self._solves.labels(status.value).set(tally.solves.get(status, 0))
            self._runs.labels(status.value).set(tally.runs.get(status, 0))

    def _set_inbox(self, tally: Tally, now: datetime) -> None:
        self._waiting.set(tally.waiting)
        self._oldest.set(max((now - tally.oldest).total_seconds(), 0.0) if tally.oldest else 0.0)

    def _set_premises(self, premises: Premises | None, now: datetime) -> None:
        if premises is not None:
            self._disk.labels("all").set(premises.disk)
            self._disk.labels("free").set(premises.free)
            if premises.backups_expected:
                at = premises.backed_up_at
                self._backup.set(inf if at is None else max(now.timestamp() - at, 0.0))


def _state(lease: Lease) -> str:
    if lease.machine is None:
        return "asked for"
    return "warm" if lease.is_warm else "used"


MOST_SAMPLES = 20_000


def read_samples(text: str) -> tuple[Sample, ...]:
    """What another process told, as `Metrics.show` wrote it; nothing where it is none."""
    try:
        found = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return tuple(Sample(each.name, each.labels, float(each.value)) for each in islice(found, MOST_SAMPLES))
    except (ValueError, IndexError, KeyError):
        return ()


def metrics_route(metrics: Metrics, look: Look, clock: Clock, *, timeout: float = 5.0) -> Route:
    """`timeout` in seconds is for the look; what this process has counted is told all the same."""

    async def show(request: Request) -> Response:
        try:
            async with asyncio.timeout(timeout):
                found = await look()
        except (WorldError, TimeoutError) as error:
            log.warning("metrics.blind", reason=f"{type(error).__name__}: {error}")
            found = None
        return Response(metrics.show(found, clock.now()), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Route("/metrics", show)
