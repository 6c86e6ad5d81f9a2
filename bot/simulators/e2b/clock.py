"""The service's time: the real one, which a test may push forward."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(slots=True)
class Clock:
    """`now` in seconds since 1970. Whatever waits for a time is told when it is pushed."""

    now: Callable[[], float] = time.time
    _ahead: float = 0.0
    _told: list[Callable[[], None]] = field(default_factory=list)

    def time(self) -> float:
        return self.now() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
        for tell in self._told:
            tell()

    @contextmanager
    def telling(self, tell: Callable[[], None]) -> Iterator[None]:
        self._told.append(tell)
        try:
            yield
        finally:
            self._told.remove(tell)


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
