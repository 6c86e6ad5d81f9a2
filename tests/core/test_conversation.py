"""Trajectories are read whatever they hold: they are what models and commands have said."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.conversation import LONGEST_TEXT, Ran, Speaker, Turn, read_trajectory, shortened


def packed(value: object) -> bytes:
    return gzip.compress(json.dumps(value).encode(), mtime=0)


def turns(*messages: object) -> Sequence[Turn]:
    return read_trajectory(packed({"messages": messages}))


def test_what_was_said_and_run() -> None:
    actions = [{"command": "ls", "tool_call_id": "1"}, {"command": "pwd", "tool_call_id": "2"}]
    said = turns(
        {"role": "system", "content": "Fix bugs."},
        {"role": "user", "content": [{"type": "text", "text": "This"}, {"type": "text", "text": "one."}]},
        {"role": "assistant", "content": None, "extra": {"actions": actions, "cost": 0.25, "seconds": 3}},
        {"role": "tool", "tool_call_id": "1", "content": "a.py", "extra": {"returncode": 2, "seconds": 1.5}},
        {"role": "user", "content": "Say it as I told you."},
        {"role": "assistant", "content": "Done."},
        {"role": "exit", "content": "Submitted"},
    )
    assert said == (
        Turn(Speaker.TASK, "Fix bugs."),
        Turn(Speaker.TASK, "This\none."),
        Turn(Speaker.AGENT, "", 1, 0.25, 3.0, (Ran("ls", "a.py", 2, 1.5), Ran("pwd"))),
        Turn(Speaker.BOT, "Say it as I told you."),
        Turn(Speaker.AGENT, "Done.", 2),
        Turn(Speaker.END, "Submitted"),
    )


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"{}",
        packed(None),
        packed([]),
        packed({"messages": 3}),
        packed({"messages": [None, 1, "x", []]}),
        packed({"messages": [{"role": "somebody"}, {"role": 3}, {}]}),
        gzip.compress(b"\xff\xfe", mtime=0),
        gzip.compress(b"[" * 100_000, mtime=0),
        packed({"messages": []})[:-9],  # cut off
    ],
)
def test_where_there_is_nothing_to_read(data: bytes | None) -> None:
    assert read_trajectory(data) == ()


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
action = st.fixed_dictionaries({"command": json_values, "tool_call_id": json_values})
extra = st.fixed_dictionaries(
    {"actions": json_values | st.lists(action)},
    optional={"cost": json_values, "seconds": json_values, "returncode": json_values},
)
message = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["assistant", "tool", "user", "exit"]) | json_values,
        "content": json_values,
        "tool_call_id": st.sampled_from(["1", "2"]) | json_values,
        "extra": json_values | extra,
    },
)


@given(st.lists(message | json_values, max_size=6))
def test_reading_is_total(messages: list[Any]) -> None:
    for turn in turns(*messages):
        assert turn.dollars >= 0
        assert turn.seconds >= 0


def test_a_long_text_is_cut_in_its_middle() -> None:
    text = "a" * LONGEST_TEXT + "b"
    assert shortened("a" * LONGEST_TEXT) == "a" * LONGEST_TEXT
    assert shortened(text).startswith("aaa")
    assert shortened(text).endswith("ab")
    assert "[… 1 characters …]" in shortened(text)
