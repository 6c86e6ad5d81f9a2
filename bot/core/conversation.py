"""The conversation of a run, from the trajectory that is stored of it: what was said, what was run, what came of it.

Reading is total: what has another shape is left out. All of it is text from outside, to be shown as such.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LARGEST = 64 * 2**20  # bytes of JSON
MOST_TURNS = 2_000
LONGEST_TEXT = 65_536  # characters of one text; what is longer is cut in the middle


class Speaker(StrEnum):
    TASK = "task"  # what the agent was told before it began
    AGENT = "agent"
    BOT = "bot"  # what it was told on its way: a reply that could not be read, a limit that is near
    END = "end"


@dataclass(frozen=True, slots=True)
class Ran:
    """A command of a turn. `exit_code`: None where it was not run, or nobody knows what came of it."""

    command: str
    output: str = ""
    exit_code: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """`number`: of the agent's turns from 1, which are its steps; 0 for all others."""

    speaker: Speaker
    text: str
    number: int = 0
    dollars: float = 0.0
    seconds: float = 0.0
    commands: tuple[Ran, ...] = ()


def read_trajectory(data: bytes | None) -> tuple[Turn, ...]:
    """Of gzipped JSON in the format mini-swe-agent-1.1. Empty where there is none, or it cannot be read."""
    messages = _messages(data) if data else ()
    return tuple(_turns(messages))[:MOST_TURNS]


def _messages(data: bytes) -> Sequence[Any]:
    try:
        unpacking = zlib.decompressobj(wbits=31)
        text = unpacking.decompress(data, LARGEST)
        found = json.loads(text) if unpacking.eof else None
    except (zlib.error, ValueError, RecursionError):
        return ()
    messages = found.get("messages") if isinstance(found, dict) else None
    return messages if isinstance(messages, list) else ()


def _turns(messages: Sequence[Any]) -> Iterator[Turn]:
    observed = {
        message["tool_call_id"]: message
        for message in messages
        if isinstance(message, dict) and isinstance(message.get("tool_call_id"), str)
    }
    steps = 0
    for message in messages:
        if not isinstance(message, dict):
            continue
        match message.get("role"):
            case "assistant":
                steps += 1
                yield _agents(message, steps, observed)
            case "system" | "user":
                yield Turn(Speaker.BOT if steps else Speaker.TASK, _text(message.get("content")))
            case "exit":
                yield Turn(Speaker.END, _text(message.get("content")))


def _agents(message: Mapping[str, Any], number: int, observed: Mapping[str, Mapping[str, Any]]) -> Turn:
    extra = _mapping(message.get("extra"))
    actions = extra.get("actions")
    return Turn(
        Speaker.AGENT,
        _text(message.get("content")),
        number,
        _number(extra.get("cost")),
        _number(extra.get("seconds")),
        tuple(_ran(action, observed) for action in (actions if isinstance(actions, list) else ())),
    )


def _ran(action: Any, observed: Mapping[str, Mapping[str, Any]]) -> Ran:
    about = _mapping(action)
    command, id = _text(about.get("command")), about.get("tool_call_id")
    found = observed.get(id) if isinstance(id, str) else None
    if found is None:
        return Ran(command)
    extra = _mapping(found.get("extra"))
    code = extra.get("returncode")
    exit_code = code if isinstance(code, int) and not isinstance(code, bool) else None
    return Ran(command, _text(found.get("content")), exit_code, _number(extra.get("seconds")))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e12 else 0.0


def _text(value: Any) -> str:
    """Some providers answer with parts of text instead of text."""
    if isinstance(value, list):
        value = "\n".join(
            part["text"] for part in value if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return shortened(value) if isinstance(value, str) else ""


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """The beginning and the end, and in between how much is missing."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters …]\n{text[-half:]}"
