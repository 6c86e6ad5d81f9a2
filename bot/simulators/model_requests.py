"""What a strict provider of models would not accept in a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

_REQUEST = frozenset({"model", "messages", "tools", "temperature", "max_tokens", "max_completion_tokens", "usage"})
_OPENROUTERS = frozenset({"cache_control", "reasoning", "reasoning_details"})
_MESSAGE = frozenset({"role", "content", "tool_calls", "tool_call_id", "reasoning_content"}) | _OPENROUTERS
_CALL = frozenset({"id", "type", "function", "extra_content"})


def problem_with(request: Mapping[str, Any]) -> str:
    """What a strict provider would not accept in a request; "" when nothing."""
    if unknown := sorted(request.keys() - _REQUEST):
        return f"unknown fields: {unknown}"
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages is missing"
    tools = request.get("tools")
    if "tools" in request and (not isinstance(tools, list) or not all(_is_tool(tool) for tool in tools) or not tools):
        return "tools is empty or not a list of functions"
    temperature = request.get("temperature", 1.0)
    if not isinstance(temperature, (int, float)) or not 0 <= temperature <= 2:
        return "temperature is not a number from 0 to 2"
    open_calls: set[str] = set()
    for index, message in enumerate(messages):
        if problem := _problem_at(index, message, open_calls):
            return f"messages[{index}]: {problem}"
    if open_calls:
        return f"tool calls without an answer: {sorted(open_calls)}"
    return "" if messages[-1]["role"] in ("user", "tool") else "the last message is not the user's or a tool's"


def _problem_at(index: int, message: object, open_calls: set[str]) -> str:
    """Checks one message, and keeps account of the calls that wait for their result."""
    if not isinstance(message, dict):
        return "not an object"
    role, content = message.get("role"), message.get("content")
    if unknown := sorted(message.keys() - _MESSAGE):
        return f"unknown fields: {unknown}"
    if content is not None and not isinstance(content, (str, list)):
        return "content is neither text nor parts"
    if role == "tool":
        if message.get("tool_call_id") not in open_calls:
            return f"tool_call_id {message.get('tool_call_id')!r} answers no call of the message before"
        open_calls.remove(message["tool_call_id"])
        return ""
    if open_calls:
        return f"tool calls without an answer: {sorted(open_calls)}"
    if role not in ("system", "user", "assistant"):
        return f"unknown role {role!r}"
    if (role == "system") != (index == 0):
        return "the system message stands first, and only there"
    if role == "assistant":
        calls = message.get("tool_calls") or []
        if not all(_is_call(call) for call in calls):
            return "malformed tool_calls"
        open_calls.update(call["id"] for call in calls)
        return "" if len(open_calls) == len(calls) else "two tool calls have the same id"
    return "" if content else "empty content"


def _is_tool(tool: object) -> bool:
    match tool:
        case {"type": "function", "function": {"name": str(), "parameters": {"type": "object"}}}:
            return True
    return False


def _is_call(call: object) -> bool:
    match call:
        case {"id": str(id), "type": "function", "function": {"name": str(), "arguments": str(arguments), **other}} if (
            id
        ):
            return not other and isinstance(call, dict) and call.keys() <= _CALL and _is_json(arguments)
    return False


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True
