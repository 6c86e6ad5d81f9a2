"""What a value of the configuration has to be: text, a number, one of a few words, or several of these."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.core.text.characters import encodable, holds_half_a_character
from bot.core.trigger.options import MAX_REPRO, nearest, shown

MAX_ITEMS = 100
MAX_COMMAND = MAX_REPRO


@dataclass(frozen=True, slots=True)
class Mistake:
    """`reason` says in sentences what is wrong and what to do. Line and column count from 1."""

    line: int
    column: int
    reason: str


def at(mark: Any, reason: str) -> Mistake:
    """`mark`: PyYAML's, whose type differs between its two parsers; None is the start of the file."""
    return Mistake(mark.line + 1, mark.column + 1, reason) if mark else Mistake(1, 1, reason)


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


class Checker:
    """Reads nodes as what they should be, and collects what they are not. A mistake reads as None."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def wrong(self, node: Node, reason: str) -> None:
        self.mistakes.append(at(node.start_mark, encodable(reason)))

    def section(self, node: Node, fields: Mapping[str, Field], where: str) -> dict[str, Any]:
        """The values of a mapping, by the name of the field they are for."""
        if not isinstance(node, MappingNode):
            self.wrong(
                node, f"{where[0].upper()}{where[1:]} must be lines of `key: value`. The keys are {_listed(fields)}."
            )
            return {}
        values: dict[str, Any] = {}
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else ""
            if name not in fields:
                self.wrong(key, f"{quoted(name)} is not a key of {where}. {_nearest(name, fields)}")
            elif name in seen:
                self.wrong(key, f"`{name}` is there twice. Remove one of them.")
            elif not is_null(value) and (read := fields[name].read(self, value, name)) is not None:
                values[fields[name].name] = read
            seen.add(name)
        return values

    def text(self, node: Node, name: str) -> str | None:
        if not isinstance(node, ScalarNode) or not node.tag.endswith(":str"):
            hint = " Put it in quotes." if isinstance(node, ScalarNode) else ""
            self.wrong(node, f"`{name}` must be text.{hint}")
            return None
        if not node.value.strip():
            self.wrong(node, f"`{name}` is empty. Give it a value, or remove the line.")
            return None
        if len(node.value) > MAX_COMMAND:
            self.wrong(node, f"`{name}` is longer than {MAX_COMMAND} characters. Put it into a script.")
            return None
        if holds_half_a_character(node.value) or "\0" in node.value:
            self.wrong(node, f"`{name}` holds half a character, or none. Write the character itself, not an escape.")
            return None
        return encodable(node.value).strip()

    def texts(self, node: Node, name: str, of: Callable[[Checker, Node, str], Any]) -> tuple[Any, ...] | None:
        """A list, or a single value as a list of one."""
        if isinstance(node, MappingNode):
            self.wrong(node, f"`{name}` must be a list: `[a, b]`.")
            return None
        items = node.value if isinstance(node, SequenceNode) else [node]
        if len(items) > MAX_ITEMS:
            self.wrong(node, f"`{name}` has {len(items)} items. Use at most {MAX_ITEMS}.")
            return None
        return tuple(dict.fromkeys(value for item in items if (value := of(self, item, name)) is not None))

    def number(self, node: Node, name: str, most: float) -> float | None:
        text = node.value if isinstance(node, ScalarNode) else ""
        if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", str(text)) and 0 < float(text) <= most:
            return float(text)
        self.wrong(node, f"`{name}` must be a number, more than 0 and at most {most:g}.")
        return None

    def share(self, node: Node, name: str) -> float | None:
        text = node.value if isinstance(node, ScalarNode) else ""
        if re.fullmatch(r"[0-9](\.[0-9]{1,6})?", str(text)) and float(text) <= 1:
            return float(text)
        self.wrong(node, f"`{name}` must be a number from 0 to 1, for example 0.35.")
        return None

    def whole(self, node: Node, name: str, most: int) -> int | None:
        text = node.value if isinstance(node, ScalarNode) else ""
        if re.fullmatch(r"[0-9]{1,6}", str(text)) and 1 <= int(text) <= most:
            return int(text)
        self.wrong(node, f"`{name}` must be a whole number from 1 to {most}.")
        return None

    def choice(self, node: Node, name: str, values: Sequence[str]) -> str | None:
        text = str(node.value) if isinstance(node, ScalarNode) else ""
        if text.lower() in values:
            return text.lower()
        wrong = f"cannot be {shown(text)}" if text.strip() else "must be a single word"
        self.wrong(node, f"`{name}` {wrong}. {_nearest(text, values)}")
        return None


@dataclass(frozen=True, slots=True)
class Field:
    """`name` is the field of the record. `read` gets the checker, the node and the key."""

    name: str
    read: Callable[[Checker, Node, str], Any]


def quoted(text: str) -> str:
    return shown(text) if text.strip() else "This"


def _listed(values: Mapping[str, Any] | Sequence[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _nearest(word: str, values: Mapping[str, Any] | Sequence[str]) -> str:
    return f"{nearest(word, list(values))}Allowed: {_listed(values)}."
