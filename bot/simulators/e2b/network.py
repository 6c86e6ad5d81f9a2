"""Where a sandbox may connect to, and the way there.

A machine has no route to anywhere. Each name that the simulated internet knows is a loopback address of its own in the
machine's /etc/hosts; the guest listens there while the policy allows the name, and what connects is relayed through
the host to the server that stands for the name. A policy that changes opens and closes the doors at once, and ends
the connections that it does not allow any more. Raw addresses lead nowhere, whatever a policy says.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from bot.simulators.e2b import guest_messages
from bot.simulators.e2b.machine import LOST, Machine, MachineGone

ALL_TRAFFIC = "0.0.0.0/0"
_PORTS = (80, 443)
_NAMES_PER_BLOCK = 250


@dataclass(frozen=True, slots=True)
class Policy:
    """Of all traffic out of a sandbox. What is allowed by name is allowed; then what is denied is denied."""

    allow_out: tuple[str, ...] = ()
    deny_out: tuple[str, ...] = ()
    internet: bool = True

    def allows(self, name: str) -> bool:
        if any(_matches(name, rule) for rule in self.allow_out):
            return True
        return self.internet and ALL_TRAFFIC not in self.deny_out

    def problem(self) -> str:
        """What the service refuses it for; empty if it is fine."""
        if wrong := [rule for rule in self.deny_out if not _is_network(rule)]:
            return f"invalid denied CIDR {wrong[0]}"
        if any(not _is_network(rule) for rule in self.allow_out) and ALL_TRAFFIC not in self.deny_out:
            return (
                "When specifying allowed domains in allow out, you must include 'ALL_TRAFFIC' in deny out "
                "to block all other traffic."
            )
        return ""


def _matches(name: str, rule: str) -> bool:
    if rule.startswith("*."):
        return name.endswith(rule[1:])
    return rule in (name, "*", ALL_TRAFFIC)


def _is_network(rule: str) -> bool:
    try:
        ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False
    return True


class Internet:
    """All that there is outside: names, and the loopback servers that stand for them."""

    def __init__(self, egress: Mapping[str, tuple[str, int]]) -> None:
        self._egress = dict(egress)
        self._addresses = {
            name: f"127.1.{number // _NAMES_PER_BLOCK}.{number % _NAMES_PER_BLOCK + 1}"
            for number, name in enumerate(self._egress)
        }

    @property
    def hosts(self) -> str:
        """Lines for /etc/hosts."""
        return "".join(f"{address} {name}\n" for name, address in self._addresses.items())

    def places(self, policy: Policy) -> list[str]:
        """address:port of all that may be connected to."""
        return [
            f"{address}:{port}"
            for name, address in self._addresses.items()
            if policy.allows(name)
            for port in dict.fromkeys((*_PORTS, self._egress[name][1]))
        ]

    def name_at(self, place: str) -> str | None:
        address = place.partition(":")[0]
        return next((name for name, known in self._addresses.items() if known == address), None)

    def server(self, name: str) -> tuple[str, int]:
        return self._egress[name]


class Gate:
    """Between one machine and the internet."""

    def __init__(self, internet: Internet, policy: Policy) -> None:
        self.policy = policy
        self._internet = internet
        self._machine: Machine | None = None
        self._connections: dict[asyncio.Task[None], str] = {}

    async def open(self, machine: Machine, *, isolated: bool) -> None:
        """Raises `MachineGone`, `GuestError`. Without isolation there are no doors: it sees this host's network."""
        self._machine = machine if isolated else None
        await self.update(self.policy)

    async def update(self, policy: Policy) -> None:
        self.policy = policy
        for task, name in self._connections.items():
            if not policy.allows(name):
                task.cancel()
        if self._machine is not None:
            await self._machine.ask(guest_messages.LISTEN, *self._internet.places(policy))

    def accept(self, id: int, place: bytes) -> None:
        name = self._internet.name_at(place.decode("ascii", "replace"))
        machine = self._machine
        if machine is None:
            return
        if name is None or not self.policy.allows(name):
            _hang_up(machine, id)
            return
        outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        machine.receive(id, lambda kind, data: outgoing.put_nowait(b"" if kind in (LOST, guest_messages.EOF) else data))
        task = asyncio.create_task(_relay(machine, id, outgoing, self._internet.server(name)))
        self._connections[task] = name
        task.add_done_callback(lambda _: self._forget(task, machine, id))

    def _forget(self, task: asyncio.Task[None], machine: Machine, id: int) -> None:
        _hang_up(machine, id)
        del self._connections[task]

    async def close(self) -> None:
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _hang_up(machine: Machine, id: int) -> None:
    machine.drop(id)
    machine.drop(id + 1)


async def _relay(machine: Machine, id: int, outgoing: asyncio.Queue[bytes], server: tuple[str, int]) -> None:
    writer: asyncio.StreamWriter | None = None
    try:
        reader, writer = await asyncio.open_connection(*server)
        async with asyncio.TaskGroup() as both:
            both.create_task(_send(machine, id, outgoing, writer))
            both.create_task(_fetch(machine, id, reader))
    except (OSError, ExceptionGroup):
        pass  # one of the two ended it
    finally:
        if writer is not None:
            writer.close()


async def _send(machine: Machine, id: int, outgoing: asyncio.Queue[bytes], writer: asyncio.StreamWriter) -> None:
    while data := await outgoing.get():
        writer.write(data)
        await writer.drain()
        machine.grant(id, len(data))
    writer.write_eof()


async def _fetch(machine: Machine, id: int, reader: asyncio.StreamReader) -> None:
    with suppress(MachineGone):
        while data := await reader.read(guest_messages.CHUNK):
            await machine.write(id + 1, data)
        machine.end(id + 1)
