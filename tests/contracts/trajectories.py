"""Conversations of runs, as they are stored."""

from __future__ import annotations

import gzip
import json


def long_conversation(steps: int) -> bytes:
    """Each step says something, runs a command, and is told a page of output."""
    messages: list[dict[str, object]] = [{"role": "system", "content": "The task."}]
    for step in range(1, steps + 1):
        action = {"command": f"cat file_{step}.py", "tool_call_id": str(step)}
        output = "".join(f"line {number} of file {step}\n" for number in range(400))
        messages.append({"role": "assistant", "content": f"Look at {step}.", "extra": {"actions": [action]}})
        messages.append({"role": "tool", "tool_call_id": str(step), "content": output, "extra": {"returncode": 0}})
    return gzip.compress(json.dumps({"messages": messages}).encode())
