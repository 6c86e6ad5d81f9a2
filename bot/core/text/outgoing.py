"""The one path of every text that leaves: to GitHub, to a log, to a terminal, to the store of conversations.

Three things happen to it, in this order. It is read as its readers will, without what nobody sees and with escapes
resolved; what is a secret then is cut out; and only what is left is shortened and escaped. In any other order a secret
gets through: escaped or shortened, neither its value nor its shape is found. So those who render and those who log take
`Clean` texts and `CleanFacts`, which nobody makes but a `Redactor`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, NewType

from bot.core.model import SolveFacts
from bot.core.text.secrets import redact

Clean = NewType("Clean", str)
CleanFacts = NewType("CleanFacts", SolveFacts)
_MANY = 8  # texts, from which on looking at all of them at once is cheaper


@dataclass(frozen=True, slots=True)
class Redactor:
    """Knows secrets by their values, besides what looks like one."""

    exact: tuple[str, ...] = field(default=(), repr=False)

    def __call__(self, text: str) -> Clean:
        return Clean(redact(text, self.exact))

    def facts(self, facts: SolveFacts) -> CleanFacts:
        """All that people read about a solve is made from these."""
        return CleanFacts(self.within(facts))

    def within(self, value: Any) -> Any:
        """The same value, and no text in it holds a secret."""
        match value:
            case str() if type(value) is str:
                return self(value)
            case Mapping() | list() | tuple() | set() | frozenset() if self._holds_only_harmless_texts(value):
                return value
            case Mapping():
                return {self.within(key): self.within(item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return type(value)(map(self.within, value))
            case _ if is_dataclass(value) and not isinstance(value, type):
                changed = self._changed(value)
                return replace(value, **changed) if changed else value
            case _:
                return value

    def _holds_only_harmless_texts(self, values: Collection[Any]) -> bool:
        """Looked at as one text: a suite has thousands of names, which people are shown four times a second.

        Line ends keep them apart. Where that is not enough, and two seem to make a secret, each is looked at alone.
        """
        texts = list(values)
        if isinstance(values, Mapping):
            texts += values.values()
        if len(texts) < _MANY or not all(type(text) is str for text in texts):
            return False
        return _is_harmless("\n".join(texts), self.exact)

    def _changed(self, value: Any) -> dict[str, Any]:
        held = ((each.name, getattr(value, each.name)) for each in fields(value) if each.init)
        return {name: clean for name, item in held if (clean := self.within(item)) is not item}


@lru_cache(maxsize=8)
def _is_harmless(text: str, exact: tuple[str, ...]) -> bool:
    """Remembered: what is shown again a moment later has hardly changed."""
    return redact(text, exact) == text
