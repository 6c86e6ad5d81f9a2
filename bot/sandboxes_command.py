"""solvebot sandboxes: what services lend us at this moment, what it uses of the plan, and how to intervene.

The ledger says what we hold, the service what there is. Where the two differ, the worker sets it right within a minute
or two; here it can be seen, and ended by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.adapters import Lending
from bot.clock import SystemClock
from bot.core.model import Status
from bot.core.resilience.circuit_breaker import WELL, Circuit, Health, circuit, wait
from bot.core.resilience.plan_usage import HOUR, Quota, forecast
from bot.core.resilience.sandbox_leases import Lease, MachineId, Outcome, Used
from bot.ports import Store, Unavailable, Unsolvable
from bot.sandbox.provider import Machine, Provider
from bot.settings import Settings

SHOWS_ALL = "`solvebot sandboxes list` shows all."


class State(StrEnum):
    USED = "used"
    WARM = "warm"  # ready for whoever needs one next
    ASKED_FOR = "asked for"  # and nobody knows yet whether it was made
    GONE = "gone"  # the service does not know it
    ORPHAN = "orphan"  # nobody's
    UNSEEN = "unseen"  # the service does not answer


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A lease, a machine, or both of them."""

    provider: str
    state: State
    lease: Lease | None
    machine: MachineId | None
    ends_at: datetime

    @property
    def names(self) -> set[str]:
        return {name for name in (self.lease and self.lease.sandbox, self.machine) if name}


def compared(provider: str, leases: Sequence[Lease], machines: Sequence[Machine] | None) -> list[Borrowed]:
    """What is held at one provider. `machines` is None when it cannot say."""
    there = {machine.id: machine for machine in machines or ()}
    by_key = {machine.key: machine for machine in there.values() if machine.key}
    found = []
    for lease in (lease for lease in leases if lease.provider == provider):
        machine = there.pop(lease.machine, None) if lease.machine else by_key.get(lease.key)
        if machine is not None and not lease.machine:
            there.pop(machine.id, None)
        state = _state(lease, seen=machine is not None, silent=machines is None)
        id = machine.id if machine else lease.machine
        found.append(Borrowed(provider, state, lease, id, machine.ends_at if machine else lease.expires_at))
    orphans = (Borrowed(provider, State.ORPHAN, None, machine.id, machine.ends_at) for machine in there.values())
    return [*found, *orphans]


def _state(lease: Lease, *, seen: bool, silent: bool) -> State:
    if lease.machine is None:
        return State.ASKED_FOR
    if not seen:
        return State.UNSEEN if silent else State.GONE
    return State.WARM if lease.is_warm else State.USED


async def _all(lending: Lending) -> list[Borrowed]:
    """Raises `Unavailable` when a service does not answer."""
    machines = {provider.name: await provider.machines() for provider in lending.providers}
    leases = await lending.ledger.leases()  # afterwards: whatever is in the list was written down before
    return [borrowed for name in machines for borrowed in compared(name, leases, machines[name])]


# ------------------------------------------------------------------------------------------------------------ commands


async def show(lending: Lending, console: Console) -> int:
    """1 when a service does not answer; then the ledger alone is shown."""
    table = _table("sandbox", "provider", "machine", "state", "network", "until (UTC)")
    silent = []
    for provider in lending.providers:
        machines = None
        try:
            machines = await provider.machines()
        except Unavailable as error:
            silent.append(f"{provider.name} does not answer: {error.remedy or error}")
        for borrowed in compared(provider.name, await lending.ledger.leases(), machines):
            table.add_row(*_row(borrowed))
    console.print(table if table.row_count else "No service lends us anything at the moment.")
    for sentence in silent:
        console.print(sentence, markup=False)
    return 1 if silent else 0


def _row(borrowed: Borrowed) -> Iterator[str]:
    lease = borrowed.lease
    network = "some hosts" if lease is not None and lease.networked else "off"
    for cell in (
        lease.sandbox if lease else "",
        borrowed.provider,
        borrowed.machine or "",
        borrowed.state.value,
        network if lease is not None else "",
        f"{borrowed.ends_at:%Y-%m-%d %H:%M:%S}",
    ):
        yield escape(cell)


async def kill(lending: Lending, names: Sequence[str], console: Console) -> None:
    """By the names of sandboxes or of machines. Raises `Unsolvable` before anything is killed when one is unknown."""
    everything = await _all(lending)
    unknown = [name for name in names if not any(name in borrowed.names for borrowed in everything)]
    if unknown:
        raise Unsolvable(f"there is no sandbox {', '.join(unknown)}. {SHOWS_ALL}")
    providers: dict[str, Provider] = {provider.name: provider for provider in lending.providers}
    for borrowed in everything:
        for name in borrowed.names.intersection(names):
            await _kill(lending, providers[borrowed.provider], borrowed)
            console.print(f"{name} is gone.", markup=False)


async def _kill(lending: Lending, provider: Provider, borrowed: Borrowed) -> None:
    """The lease last: until then the machine counts, and what it is for is known."""
    if borrowed.machine is not None:
        await provider.kill(borrowed.machine)
    if borrowed.lease is not None:
        await lending.ledger.returned(borrowed.lease.key)


async def reset_breaker(lending: Lending, name: str | None, console: Console) -> None:
    """Ask again, without waiting for the probe. Raises `Unsolvable` when there is no such provider."""
    known = [provider.name for provider in lending.providers]
    if name is not None and name not in known:
        raise Unsolvable(f"there is no provider {name}, only {', '.join(known)}.")
    for provider in known if name is None else [name]:
        before = await lending.ledger.health(provider)
        await lending.ledger.change_health(provider, lambda _: WELL)
        was = "was left alone" if before.is_open else "was not left alone"
        console.print(f"{provider} {was}; it has failed {before.failures} times in a row. From now on it is asked.")


async def usage(lending: Lending, store: Store, settings: Settings, console: Console) -> None:
    clock = SystemClock()
    now = clock.now()
    used = await lending.ledger.usage(now - HOUR)
    console.print(_operations(used) if used else "Nothing was asked of any service in the last hour.")
    quotas = await lending.watch.quotas()
    console.print()
    console.print(_quotas(quotas))
    console.print()
    tally = await store.tally(now)
    for plan in lending.watch.plans:
        health = await lending.ledger.health(plan.provider)
        console.print(f"{plan.provider}: {_circuit(health, now)}", markup=False, highlight=False)
        machines = next(quota.used for quota in quotas if (quota.provider, quota.what) == (plan.provider, "machines"))
        queued = tally.runs.get(Status.PENDING, 0)
        console.print(forecast(plan, machines=machines, queued=queued), markup=False, highlight=False)


def _operations(used: Sequence[Used]) -> Table:
    """Of the last hour, a line for each provider and operation."""
    table = _table("provider", "operation", "times", "done", "failed", "limited", "refused", "seconds each")
    kinds: defaultdict[tuple[str, str], list[Used]] = defaultdict(list)
    for one in used:
        kinds[one.provider, one.name].append(one)
    for (provider, name), of_it in sorted(kinds.items()):
        times = sum(one.times for one in of_it)
        mean = sum(one.seconds for one in of_it) / times
        numbers = (times, *(_times(of_it, *outcomes) for outcomes in _COLUMNS))
        table.add_row(escape(provider), escape(name), *map(str, numbers), f"{mean:.2f}")
    return table


_COLUMNS = (
    (Outcome.DONE,),
    (Outcome.TRANSIENT, Outcome.UNCLEAR),
    (Outcome.LIMITED,),
    (Outcome.GONE, Outcome.REJECTED, Outcome.DENIED),
)


def _times(used: Sequence[Used], *outcomes: Outcome) -> int:
    return sum(one.times for one in used if one.outcome in outcomes)


def _quotas(quotas: Sequence[Quota]) -> Table:
    table = _table("provider", "quota", "used", "of", "left")
    for quota in quotas:
        what = "creations in an hour" if quota.what == "creations" else "machines at a time"
        mark = "[yellow]" if quota.is_nearly_used_up else ""
        numbers = (str(quota.used), str(quota.most), str(quota.remaining))
        table.add_row(escape(quota.provider), what, *(f"{mark}{number}" for number in numbers))
    return table


def _circuit(health: Health, now: datetime) -> str:
    match circuit(health, now):
        case Circuit.CLOSED:
            return f"asked; {health.failures} failures in a row." if health.failures else "answers."
        case Circuit.HALF_OPEN:
            return f"did not answer since {health.since:%H:%M} UTC; the next request tries it."
    return f"left alone since {health.since:%H:%M} UTC; it is tried in {wait(health, now) or 0:.0f} s."


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading, overflow="fold")
    return table
