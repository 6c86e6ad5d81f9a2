"""How often somebody may ask: by token, by person, and by address for those who show no valid token."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

PER_TOKEN = RateLimitItemPerMinute(300)
PER_PERSON = RateLimitItemPerMinute(600)
PER_ADDRESS = RateLimitItemPerMinute(30)  # of what shows no valid token


class TooOften(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


class Rates:
    """Of this process: several web processes behind one address each have their own."""

    def __init__(
        self,
        per_token: RateLimitItem = PER_TOKEN,
        per_person: RateLimitItem = PER_PERSON,
        per_address: RateLimitItem = PER_ADDRESS,
    ) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._per_token = per_token
        self._per_person = per_person
        self._per_address = per_address

    async def stranger(self, address: str) -> None:
        """Raises `TooOften`."""
        await self._hit(self._per_address, "address", address)

    async def person(self, token: str, user: int) -> None:
        """Raises `TooOften`."""
        await self._hit(self._per_token, "token", token)
        await self._hit(self._per_person, "person", str(user))

    async def _hit(self, limit: RateLimitItem, kind: str, name: str) -> None:
        if not await self._limiter.hit(limit, kind, name):
            window = await self._limiter.get_window_stats(limit, kind, name)
            raise TooOften(max(1, math.ceil(window.reset_time - time.time())))
