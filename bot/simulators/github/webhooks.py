"""Sends signed webhooks, remembers every delivery, and loses, duplicates, delays or reorders them when told to.

Deliveries of one repository are sent one after another, so that their order is known unless a knob changes it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp

from bot.simulators.github.state import Json, State

ANSWER_WITHIN = 10.0  # seconds; then GitHub gives up
KEPT_RESPONSE = 10_000  # bytes of an answer that are remembered


@dataclass(slots=True)
class Delivery:
    """One attempt. A redelivery is another attempt with another id and the same GUID."""

    id: int
    guid: str
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None
    payload: bytes
    delivered_at: datetime
    redelivery: bool = False
    status: str = "pending"
    status_code: int = 0  # 0: no answer
    duration: float = 0.0
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status_code < 300


@dataclass(slots=True)
class Knob:
    """Applies to the next `times` deliveries, of one event or of any."""

    times: int
    event: str | None

    def take(self, event: str) -> bool:
        if self.times <= 0 or self.event not in (None, event):
            return False
        self.times -= 1
        return True


class Webhooks:
    def __init__(self, state: State, secret: str) -> None:
        self.secret = secret
        self.url: str | None = None  # None: no webhook is configured, nothing is sent or recorded
        self.deliveries: list[Delivery] = []  # oldest first
        self._state = state
        self._hook_id = state.id()
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[int | None, asyncio.Task[None]] = {}
        self._losses: list[Knob] = []
        self._duplicates: list[Knob] = []
        self._held: list[Delivery] | None = None

    # -------------------------------------------------------------------------------------------------- knobs

    def lose(self, times: int = 1, *, event: str | None = None) -> None:
        """The next ones do not arrive. They are recorded as failed, so that they can be redelivered."""
        self._losses.append(Knob(times, event))

    def duplicate(self, times: int = 1, *, event: str | None = None) -> None:
        """The next ones arrive twice, under the same GUID."""
        self._duplicates.append(Knob(times, event))

    def hold(self) -> None:
        """Keep everything back until `release`."""
        if self._held is None:
            self._held = []

    def release(self, *, reverse: bool = False) -> None:
        """Send what was held back, in the order of events or in the opposite one."""
        held, self._held = self._held or [], None
        for delivery in reversed(held) if reverse else held:
            self._schedule(delivery)

    # ------------------------------------------------------------------------------------------------ sending

    def emit(self, event: str, payload: Json, *, installation_id: int | None, repository_id: int | None) -> None:
        if self.url is None:
            return
        delivery = Delivery(
            id=self._state.id(),
            guid=str(uuid.uuid4()),
            event=event,
            action=payload.get("action"),
            installation_id=installation_id,
            repository_id=repository_id,
            payload=json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(),
            delivered_at=self._state.now(),
        )
        self._dispatch(delivery)

    def redeliver(self, delivery: Delivery) -> Delivery:
        again = Delivery(
            id=self._state.id(),
            guid=delivery.guid,
            event=delivery.event,
            action=delivery.action,
            installation_id=delivery.installation_id,
            repository_id=delivery.repository_id,
            payload=delivery.payload,
            delivered_at=self._state.now(),
            redelivery=True,
        )
        self._dispatch(again)
        return again

    def _dispatch(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if any(knob.take(delivery.event) for knob in self._losses):
            delivery.status = "failed to connect to host"
            return
        copies = 2 if any(knob.take(delivery.event) for knob in self._duplicates) else 1
        for _ in range(copies):
            if self._held is None:
                self._schedule(delivery)
            else:
                self._held.append(delivery)

    def _schedule(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._send_after(self._last.get(delivery.repository_id), delivery))
        self._last[delivery.repository_id] = task
        self._tasks.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._state.errors.append(f"webhook: {error!r}")

    async def _send_after(self, previous: asyncio.Task[None] | None, delivery: Delivery) -> None:
        if previous is not None and not previous.done():
            await asyncio.wait([previous])
        await self._send(delivery)
        self._state.changes.notify()

    async def _send(self, delivery: Delivery) -> None:
        if self.url is None:
            delivery.status = "no webhook is configured"
            return
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN))
        delivery.request_headers = self._headers(delivery)
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with self._session.post(
                self.url, data=delivery.payload, headers=delivery.request_headers, allow_redirects=False
            ) as answer:
                body = await answer.content.read(KEPT_RESPONSE)
                delivery.status_code = answer.status
                delivery.status = "OK" if answer.ok else f"Invalid HTTP Response: {answer.status}"
                delivery.response_headers = dict(answer.headers)
                delivery.response_body = body.decode(errors="replace")
        except TimeoutError:
            delivery.status = "timed out"
        except aiohttp.ClientError:
            delivery.status = "failed to connect to host"
        delivery.duration = round(loop.time() - started, 3)

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        def signature(algorithm: str) -> str:
            return f"{algorithm}={hmac.new(self.secret.encode(), delivery.payload, algorithm).hexdigest()}"

        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": f"GitHub-Hookshot/{hashlib.sha1(b'simulated', usedforsecurity=False).hexdigest()[:7]}",
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Hook-ID": str(self._hook_id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature": signature("sha1"),
            "X-Hub-Signature-256": signature("sha256"),
        }

    async def delivered(self) -> None:
        """Until everything sent so far, and what that led to, was answered. What is held back is not waited for."""
        while pending := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(pending)

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._last.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None
