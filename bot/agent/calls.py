"""What an answer asks us to run. Tool calls come nearly right in many ways; what is unambiguous is read.

- Arguments may be JSON, the object itself, JSON in JSON, or a Python literal, with line ends as they are in texts.
- The tool may be called `Bash`, `functions.bash` or `bash_tool`: there is one. The command may stand under another
  name that says the same, or in a list of one.
- Calls may come as the one `function_call` of old, or be written into the text where a server has not read them.

What is read so stands in the history as it should have been sent. Where one call of an answer cannot be read none is
run, and the model is told what it wrote, because it does not see it again.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.agent.protocol import text_of

_TOOL = "bash"
_ALSO_CALLED = frozenset({"bash", "shell"})
_COMMAND = "command"
_SAYS_COMMAND = frozenset({_COMMAND, "cmd", "commands", "script", "code", "input"})
_IN_TEXT = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)
_MOST_IN_TEXT = 8
_MOST_LITERAL = 20_000  # characters
_DEEPEST = 3  # of JSON in JSON
_MOST_SHOWN = 300  # characters of what could not be read
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`message`: as it stands in the history."""

    message: dict[str, Any]
    command: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """`why` is for the model."""

    why: str


def read_calls(message: Mapping[str, Any], step: int) -> tuple[Call, ...] | Unreadable:
    found = _calls(message)
    if not found:
        said = text_of(message).strip()
        shown = f" You wrote only: {_shown(said)}" if said else ""
        return Unreadable(f"No tool calls found in the response.{shown}")
    read = [_read(call) for call in _with_ids(found, step)]
    return next((each for each in read if isinstance(each, Unreadable)), None) or tuple(
        each for each in read if isinstance(each, Call)
    )


def _calls(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    said = message.get("tool_calls")
    calls = [call for call in (said if isinstance(said, list) else [said]) if isinstance(call, dict)]
    if not calls and isinstance(old := message.get("function_call"), dict):
        calls = [{"function": old}]
    if not calls:
        written = [_object(found[1]) for found in _IN_TEXT.finditer(text_of(message))][:_MOST_IN_TEXT]
        calls = [{"function": call} for call in written if isinstance(call, dict)]
    return calls


def _with_ids(calls: list[dict[str, Any]], step: int) -> list[dict[str, Any]]:
    """Ids that tell the calls of an answer apart: some providers leave them out or give all the same one."""
    ids = [call.get("id") for call in calls]
    if all(isinstance(said, str) and said for said in ids) and len(set(ids)) == len(ids):
        return calls
    return [call | {"id": f"call_{step}_{index}"} for index, call in enumerate(calls)]


def _read(call: dict[str, Any]) -> Call | Unreadable:
    function = call.get("function")
    named = function if isinstance(function, dict) else call
    name, said = named.get("name"), named.get("arguments")
    if not isinstance(name, str) or not _ALSO_CALLED & set(re.findall(r"[a-z]+", name.casefold())):
        return Unreadable(f"Unknown tool {_shown(name)}: there is only `bash`.")
    arguments = _object(said)
    if not isinstance(arguments, dict):
        return Unreadable(f"The arguments are not a JSON object. You sent: {_shown(said)}")
    command = _command(arguments)
    if not isinstance(command, str):
        return Unreadable(f"There is no 'command' that is text. You sent: {_shown(said)}")
    if not _can_run(command):
        return Unreadable("The 'command' must be text, without NUL and unpaired surrogates.")
    return Call(_as_it_should_be(call, name, said, command), command)


def _object(said: object, depth: int = 0) -> object:
    """The value that a text stands for; what stands for none is itself."""
    if not isinstance(said, str) or depth == _DEEPEST:
        return said
    text = said.strip()
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return _literal(text)
    return said if text[end:].strip("} \t\r\n") else _object(value, depth + 1)


def _literal(text: str) -> object:
    if not text.startswith("{'") or len(text) > _MOST_LITERAL:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _command(arguments: Mapping[str, Any]) -> object:
    names = [_COMMAND] if _COMMAND in arguments else [name for name in arguments if name in _SAYS_COMMAND]
    value = arguments[names[0]] if len(names) == 1 else None
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _can_run(command: str) -> bool:
    try:
        command.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in command


def _as_it_should_be(call: dict[str, Any], name: str, said: object, command: str) -> dict[str, Any]:
    """To the letter what came where that is right: who signs an answer wants it back so."""
    if call.get("type") == "function" and name == _TOOL and isinstance(said, str) and _is_strict(said):
        return call
    function = {"name": _TOOL, "arguments": json.dumps({_COMMAND: command})}
    return call | {"type": "function", "function": function}


def _is_strict(arguments: str) -> bool:
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return isinstance(read, dict) and isinstance(read.get(_COMMAND), str)


def _shown(said: object) -> str:
    text = said if isinstance(said, str) else repr(said)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}… ({len(text)} characters)"
