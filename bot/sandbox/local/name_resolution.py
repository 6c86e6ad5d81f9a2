"""Names are resolved once, and connections go to the addresses that were looked at: a name whose DNS says something
else a moment later gains nothing.
"""

from __future__ import annotations

import asyncio
import socket

import structlog
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.core.operations.isolation import Refusal, address_is_public


class Unreachable(OSError):
    """A name that leads nowhere, or where it must not."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.why)
        self.refusal = refusal


async def resolve(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Addresses that may be connected to. Raises `Unreachable`."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter for what can be no name
        raise Unreachable(Refusal(502, f"{host} cannot be resolved")) from None
    addresses = [str(address[4][0]) for address in found]
    usable = [address for address in addresses if allow_private or address_is_public(address)]
    if not usable:
        structlog.get_logger().warning("sandbox.proxy.private_address", host=host, addresses=addresses)
        raise Unreachable(Refusal(403, f"{host} leads into a private network"))
    return usable


class Resolver(AbstractResolver):
    """The same for aiohttp, which connects to what it is told here."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await resolve(host, port, allow_private=self._allow_private)
        ]

    async def close(self) -> None:
        """Nothing is held."""
