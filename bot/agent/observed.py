"""A model whose calls are told about, one by one: who was asked, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.core.model import ModelSpec
from bot.ports import Denied, Model, Rejected, Reply, TooMuchText, Unavailable, WorldError

Observe = Callable[[str, str], None]
"""Gets the model's name and the outcome."""

ANSWERED = "answered"
_OUTCOMES: tuple[tuple[type[WorldError], str], ...] = (
    (Denied, "denied"),
    (TooMuchText, "too-much-text"),
    (Unavailable, "unavailable"),
    (Rejected, "rejected"),
)


class ObservedModel:
    """The port `Model` around another one. A call that is tried several times is one."""

    def __init__(self, model: Model, observe: Observe) -> None:
        self._model = model
        self._observe = observe

    async def complete(
        self,
        spec: ModelSpec,
        messages: Sequence[Mapping[str, Any]],
        *,
        temperature: float | None,
        tools: Sequence[Mapping[str, Any]],
        within: float | None = None,
    ) -> Reply:
        try:
            reply = await self._model.complete(spec, messages, temperature=temperature, tools=tools, within=within)
        except WorldError as error:
            self._observe(spec.name, next((word for kind, word in _OUTCOMES if isinstance(error, kind)), "failed"))
            raise
        self._observe(spec.name, ANSWERED)
        return reply
