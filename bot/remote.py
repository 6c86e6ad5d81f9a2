"""A Solvebot on another machine, asked through its API: what `solvebot remote` is made of.

Every request that changes something has a key, and is repeated under it where the answer got lost.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from bot.ports import Unsolvable

TRIES = 3
SECONDS = 30.0
PAUSE = 0.5  # seconds between two looks at a request
PREFIX = "/api/v1"

Json = Any
"""As the server sent it: of other versions of it we know nothing."""


class Refused(Unsolvable):
    """The server says no; the text says why, and what to do."""


class Unreachable(Unsolvable):
    pass


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    kind: str
    data: Mapping[str, Json]


class Remote:
    """`url` of the server, without the path of its API."""

    def __init__(self, url: str, token: str, *, pause: float = PAUSE) -> None:
        self._pause = pause
        self._client = httpx.Client(
            base_url=url.rstrip("/") + PREFIX,
            headers={"Authorization": f"Bearer {token}", "User-Agent": "solvebot-remote"},
            timeout=SECONDS,
        )

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **query: str | int | None) -> Json:
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return self._read(self._send("GET", path, params=given))

    def text(self, path: str) -> str:
        return self._send("GET", path).text

    def post(self, path: str, body: Json = None) -> Json:
        """What was accepted. `answer` tells what came of it."""
        return self._read(self._send("POST", path, json=body, headers={"Idempotency-Key": uuid4().hex}))

    def answer(self, request: Mapping[str, Json]) -> Json:
        """Waits for it. Raises `Refused`."""
        while request["state"] == "pending":
            time.sleep(self._pause)
            request = self.get(f"/requests/{request['id']}")
        if request["state"] == "refused":
            raise Refused(str(request["answer"]))
        return request

    def follow(self, solve: str, last: str = "0") -> Iterator[Event]:
        """From the event behind `last` on; goes on there where the connection is lost, and ends with the solve."""
        while True:
            try:
                for event in self._events(solve, last):
                    last = event.id or last
                    if event.kind == "end":
                        return
                    if event.kind != "reload":
                        yield event
                    if event.kind == "solve.ended":
                        return
            except httpx.TransportError:
                time.sleep(self._pause)

    def _events(self, solve: str, last: str) -> Iterator[Event]:
        headers = {"Last-Event-ID": last, "Accept": "text/event-stream"}
        with self._client.stream("GET", f"/solves/{solve}/events", headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                raise _refusal(answer)
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = value
                elif "event" in fields:
                    yield Event(fields.get("id", ""), fields["event"], json.loads(fields.get("data", "{}")))
                    fields = {}

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        for tries_left in range(TRIES - 1, -1, -1):
            try:
                answer = self._client.request(method, path, **how)
            except httpx.TransportError as error:
                if not tries_left:
                    raise Unreachable(f"{self._client.base_url} does not answer ({type(error).__name__}).") from error
                time.sleep(self._pause)
                continue
            if answer.is_success:
                return answer
            raise _refusal(answer)
        raise AssertionError("unreachable")

    def _read(self, answer: httpx.Response) -> Json:
        try:
            return answer.json()
        except ValueError as error:
            raise Unreachable(f"{answer.url} answers, but not as Solvebot does. Look at SOLVEBOT_URL.") from error


def _refusal(answer: httpx.Response) -> Refused:
    try:
        said = answer.json()
        return Refused(f"{said['title']}: {said['detail']}\n{said['remedy']}")
    except (ValueError, KeyError, TypeError):
        return Refused(f"{answer.url} answers {answer.status_code}, and not as Solvebot does. Look at SOLVEBOT_URL.")
