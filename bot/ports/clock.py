"""The time, and waiting for it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...


class AlarmClock(Clock, Protocol):
    """One that can be slept by: whoever puts it forward wakes those whose time has come."""

    async def sleep(self, seconds: float) -> None: ...
