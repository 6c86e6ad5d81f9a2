"""YAML as repositories write it for their CI, read so that hostile text costs milliseconds and nothing raises.

Scalars stay the text that was written: a version 3.10 is no number, and the key `on` is no truth. Aliases are
resolved, and count for as much as they stand for. Of a key that is there twice the last one holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import yaml

Value: TypeAlias = "str | list[Value] | dict[str, Value]"

MAX_SIZE = 262_144  # characters
MAX_DEPTH = 24
# Texts, lists and mappings together, aliases counted with what they stand for. libyaml reads 10,000 in 30 ms.
MAX_VALUES = 10_000 if yaml.__with_libyaml__ else 1_000

_LONG = 200  # characters of text that count as one more value


@dataclass(frozen=True, slots=True)
class Unreadable:
    """`reason`: a sentence for people."""

    reason: str


def read_yaml(text: str) -> Value | Unreadable:
    """The first document of `text`; an empty one is ""."""
    if len(text) > MAX_SIZE:
        return Unreadable("It is larger than 256 kB.")
    loader = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
    return read_events(yaml.parse(text, Loader=cast(Any, loader)))


def read_events(events: Iterator[yaml.Event]) -> Value | Unreadable:
    """No more of them are taken than the bounds allow."""
    try:
        return _Builder(events).document()
    except _Refused as refused:
        return Unreadable(str(refused))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return Unreadable(f"It is not valid YAML at line {mark.line + 1}." if mark else "It is not valid YAML.")
    except (yaml.YAMLError, UnicodeError):
        return Unreadable("It has characters that YAML does not allow.")


class _Refused(Exception):
    """Its text is for people."""


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    value: list[Value] | dict[str, Value]
    anchor: str | None
    size: int = 1
    key: Value | None = None


@dataclass(slots=True)
class _Builder:
    """Values out of events, without recursion."""

    events: Iterator[yaml.Event]
    anchors: dict[str, tuple[Value, int]] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    values: int = 0

    def document(self) -> Value:
        for event in self.events:
            done = self._read(event)
            if done is not None:
                return done
        return ""

    def _read(self, event: yaml.Event) -> Value | None:
        """The whole document, once it is complete."""
        match event:
            case yaml.ScalarEvent():
                size = 1 + len(event.value) // _LONG
                self._count(size)
                return self._add(event.value, event.anchor, size)
            case yaml.AliasEvent():
                if event.anchor not in self.anchors:
                    raise _Refused("An alias in it stands for itself, or for nothing.")
                value, size = self.anchors[event.anchor]
                self._count(size)
                return self._add(value, None, size)
            case yaml.MappingStartEvent():
                self._open({}, event.anchor)
            case yaml.SequenceStartEvent():
                self._open([], event.anchor)
            case yaml.CollectionEndEvent():
                closed = self.stack.pop()
                return self._add(closed.value, closed.anchor, closed.size)
            case yaml.DocumentEndEvent():
                return ""
        return None

    def _count(self, values: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            raise _Refused(f"It has more than {MAX_VALUES} values.")

    def _open(self, value: list[Value] | dict[str, Value], anchor: str | None) -> None:
        self._count(1)
        self.stack.append(_Open(value, anchor))
        if len(self.stack) > MAX_DEPTH:
            raise _Refused(f"It is nested more than {MAX_DEPTH} levels deep.")

    def _add(self, value: Value, anchor: str | None, size: int) -> Value | None:
        if anchor:
            self.anchors[anchor] = value, size
        if not self.stack:
            return value
        parent = self.stack[-1]
        parent.size += size
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is None:
            parent.key = value
        else:
            if isinstance(parent.key, str):
                parent.value[parent.key] = value
            parent.key = None
        return None
