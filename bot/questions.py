"""`/solve why`: looked up in what is stored, the conversation of the run included."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import msgspec

from bot.core.choosing.why import No, Place, Step, changed_place, read_steps, why
from bot.core.model import RunId, SolveFacts
from bot.core.render.why import because, cannot_say
from bot.core.text.outgoing import Redactor
from bot.ports import Store

LARGEST = 50_000_000  # bytes of a conversation that are read
_GZIP = 31  # for zlib: with gzip's own header


class Questions:
    def __init__(self, store: Store, redact: Redactor) -> None:
        self._store = store
        self._redact = redact

    async def why(self, latest: SolveFacts | None, place: Place) -> str:
        """About the newest change that touches the place: a revision's, or that of the solve before it."""
        known = [self._redact.facts(each) for each in await self._newest_first(latest)]
        found = changed_place(known, place)
        if isinstance(found, No):
            return cannot_say(found, place, known)
        told, here = found
        assert told.champion is not None
        steps = await self._steps(told.champion.id)
        return because(await asyncio.to_thread(why, told, here, steps), told)

    async def _newest_first(self, latest: SolveFacts | None) -> list[SolveFacts]:
        if latest is None:
            return []
        original = await self._store.facts(latest.solve.revises) if latest.solve.revises is not None else latest
        if original is None:
            return [latest]
        revisions = [each for each in await self._store.revisions(original.id) if each.pull_request is not None]
        return [*reversed(revisions), original]

    async def _steps(self, run: RunId) -> tuple[Step, ...]:
        stored = await self._store.trajectory(run)
        return await asyncio.to_thread(_read, stored) if stored else ()


def _read(stored: bytes) -> tuple[Step, ...]:
    try:
        told: Any = msgspec.json.decode(zlib.decompressobj(_GZIP).decompress(stored, LARGEST))
    except (zlib.error, msgspec.DecodeError):
        return ()
    return read_steps(told) if isinstance(told, dict) else ()
