"""What goes wrong on purpose, and the limits that go wrong by themselves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TypedDict, Unpack

from bot.simulators.github.state import Json, State

SECONDARY_LIMIT = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "For more on scraping GitHub and how it may affect your rights, please review our Terms of Service."
)
PRIMARY_LIMIT = "API rate limit exceeded for {}."


@dataclass(slots=True)
class Fault:
    """One planned failure of the requests that match.

    `path` is a shell pattern over the decoded path. Order of things: `delay` seconds, then `hang` until `release` or
    the end of the server; then either the effect is had and its answer dropped (`drop_answer`: `status`, or a
    connection closed in the middle of the answer), or `status` is answered without any effect. Fetching with git knows
    `delay`, `hang` and `status`.
    """

    method: str
    path: str
    status: int | None = None
    body: Json | str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = 1  # None: always
    delay: float = 0.0
    hang: bool = False
    drop_answer: bool = False
    hits: int = 0
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, method: str, path: str) -> bool:
        return (
            (self.times is None or self.hits < self.times)
            and self.method in ("*", method)
            and fnmatchcase(path, self.path)
        )

    @property
    def replaces_the_effect(self) -> bool:
        return self.status is not None and not self.drop_answer

    def release(self) -> None:
        """Let go of what hangs now; what comes later does not hang any more."""
        self._released.set()

    async def wait(self) -> None:
        await asyncio.sleep(self.delay)
        if self.hang:
            await self._released.wait()


class How(TypedDict, total=False):
    """The knobs of `Fault`."""

    status: int | None
    body: Json | str | None
    headers: dict[str, str]
    times: int | None
    delay: float
    hang: bool
    drop_answer: bool


class Faults:
    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def add(self, method: str, path: str, **how: Unpack[How]) -> Fault:
        fault = Fault(method, path, **how)
        self._planned.append(fault)
        return fault

    def secondary_limit(
        self, *, retry_after: int | None, times: int | None = 1, method: str = "*", path: str = "*", status: int = 403
    ) -> Fault:
        """GitHub sends it with 403 or 429, with requests remaining, and not always with `Retry-After`."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        body: Json = {"message": SECONDARY_LIMIT, "documentation_url": "https://docs.github.com/rest"}
        return self.add(method, path, status=status, body=body, headers=headers, times=times)

    def take(self, method: str, path: str) -> Fault | None:
        fault = next((f for f in self._planned if f.matches(method, path)), None)
        if fault is not None:
            fault.hits += 1
        return fault

    def clear(self) -> None:
        """Everything is well again, and nothing hangs."""
        for fault in self._planned:
            fault.release()
        self._planned.clear()


@dataclass(slots=True)
class Window:
    used: int
    resets_at: datetime


@dataclass(slots=True)
class RateLimits:
    """The primary limit: requests per hour for each installation (and for the App itself)."""

    state: State
    limit: int = 5000
    status: int = 403  # GitHub answers 403 or 429
    _windows: dict[str, Window] = field(default_factory=dict)

    def take(self, who: str) -> bool:
        """Count one request; False when there are none left."""
        window = self._window(who)
        if window.used >= self.limit:
            return False
        window.used += 1
        return True

    def give_back(self, who: str) -> None:
        """304 answers are free."""
        self._window(who).used -= 1

    def headers(self, who: str) -> dict[str, str]:
        window = self._window(who)
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - window.used)),
            "X-RateLimit-Used": str(window.used),
            "X-RateLimit-Reset": str(int(window.resets_at.timestamp())),
            "X-RateLimit-Resource": "core",
        }

    def _window(self, who: str) -> Window:
        now = self.state.now()
        window = self._windows.get(who)
        if window is None or window.resets_at <= now:
            window = self._windows[who] = Window(0, self.state.time() + timedelta(hours=1))
        return window
