"""Reading and writing the chat completions protocol, where a table says more than a server: money and messages."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.catalogue import CATALOGUE
from bot.agent.mini import TOOLS
from bot.agent.pricing import price
from bot.agent.protocol import Failure, Said, read_answer, text_of
from bot.agent.wire import Manners, corrected, encode_request, wire_messages
from bot.core.model import ModelSpec, Prices, Usage
from bot.ports import Unavailable

# After our own module, which silences what importing it does.
from minisweagent.models.utils.cache_control import set_cache_control  # isort: skip

SPEC = ModelSpec("m", "openrouter", "vendor/m", prices=Prices(2.0, 4.0, 0.5))
CLAUDE = ModelSpec("c", "openrouter", "anthropic/claude", prices=Prices(3.0, 15.0))
MILLION = 1_000_000


@pytest.mark.parametrize(
    ("prices", "usage", "dollars"),
    [
        (Prices(2.0, 4.0), Usage(MILLION, MILLION), 6.0),
        (Prices(2.0, 4.0), Usage(MILLION, 0, MILLION), 2.0),
        (Prices(2.0, 4.0, 0.5), Usage(MILLION, 0, MILLION // 2), 1.25),
        (Prices(2.0, 4.0, 0.0), Usage(MILLION, 0, MILLION), 0.0),
        (Prices(2.0, 4.0, 0.5), Usage(0, 0, MILLION), 0.0),
    ],
)
def test_price(prices: Prices, usage: Usage, dollars: float) -> None:
    assert price(prices, usage) == dollars


def read(usage: Any, spec: ModelSpec = SPEC) -> Said:
    choice = {"message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice], "usage": usage}).encode()
    said = read_answer(spec, 200, {}, body, sent=4 * MILLION, now=datetime(2026, 11, 21, tzinfo=UTC))
    assert isinstance(said, Said)
    return said


COUNTED = {"prompt_tokens": MILLION, "completion_tokens": 0}


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        ({**COUNTED, "cost": 0.3}, 0.3),
        ({**COUNTED, "cost": 1}, 1.0),
        ({**COUNTED, "cost": 0}, 0.0),  # a free model: the provider says so
        ({**COUNTED, "cost": None}, 2.0),
        ({**COUNTED, "cost": "0.3"}, 0.3),
        ({**COUNTED, "cost": "a lot"}, 2.0),
        ({**COUNTED, "cost": 10**400}, 2.0),
        ({**COUNTED, "cost": float("nan")}, 2.0),
        ({**COUNTED, "cost": float("inf")}, 2.0),
        ({"prompt_tokens": 1e6, "completion_tokens": 0.0}, 2.0),
        ({**COUNTED, "cost": True}, 2.0),
        ({**COUNTED, "cost": -1.0}, 2.0),
        (COUNTED, 2.0),
        ({**COUNTED, "prompt_tokens_details": {"cached_tokens": MILLION}}, 0.5),
        ({**COUNTED, "prompt_cache_hit_tokens": MILLION}, 0.5),
        ({**COUNTED, "prompt_tokens_details": None}, 2.0),
        ({**COUNTED, "cost": 0.1, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.9}}, 1.0),
        ({**COUNTED, "cost": 0.1, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.1}}, 0.1),
        ({**COUNTED, "cost": 0.1, "is_byok": True, "cost_details": None}, 0.1),
    ],
)
def test_cost(usage: dict[str, Any], dollars: float) -> None:
    assert read(usage).dollars == pytest.approx(dollars)


@pytest.mark.parametrize(
    "usage", [None, {}, [], "x", {"prompt_tokens": None}, {"prompt_tokens": -1}, {"prompt_tokens": 2**63}]
)
def test_a_call_without_counted_tokens_is_not_free(usage: Any) -> None:
    assert read(usage).usage.input_tokens == MILLION
    assert read(usage).dollars >= 2.0


BROKEN: dict[str, tuple[bytes, str]] = {
    "half of a pair": (rb"a\ud83d b", "a\ufffd b"),
    "the other half": (rb"a\ude00 b", "a\ufffd b"),
    "a pair": (rb"a\ud83d\ude00 b", "a\U0001f600 b"),
    "half of a pair as bytes": (b"a\xed\xa0\x80 b", "a\ufffd\ufffd\ufffd b"),
    "a byte that is no UTF-8": (b"a\xff b", "a\ufffd b"),
    "a line end": (b"a\n b", "a\n b"),
    "a control character": (b"a\x1b b", "a\x1b b"),
    "NUL": (b"a\0 b", "a\ufffd b"),
    "NUL, escaped": (rb"a\u0000 b", "a\ufffd b"),
}


def answer(content: bytes, usage: bytes = b'{"prompt_tokens": 1000000, "completion_tokens": 0, "cost": 0.5}') -> bytes:
    return b'{"choices": [{"message": {"content": "%s"}, "finish_reason": "stop"}], "usage": %s}' % (content, usage)


def heard(body: bytes) -> Said | Failure:
    return read_answer(SPEC, 200, {}, body, sent=4 * MILLION, now=datetime(2026, 11, 21, tzinfo=UTC))


@pytest.mark.parametrize(("sent", "read_as"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_character_costs_that_character_and_not_the_answer(sent: bytes, read_as: str) -> None:
    said = heard(answer(sent))
    assert isinstance(said, Said)
    assert (said.message["content"], said.dollars) == (read_as, 0.5)
    said.message["content"].encode()


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + answer(b"x"),
        b"\r\n \x00" + answer(b"x") + b"\n\x00",
        answer(b"x") + b"}",
        answer(b"x").decode().encode("utf-16"),
        answer(b"x", b'{"prompt_tokens": NaN, "completion_tokens": -Infinity, "cost": 0.5}'),
        answer(b"x", b'{"prompt_tokens": ' + b"9" * 5000 + b', "completion_tokens": 1e999, "cost": 0.5}'),
        answer(b"x")[:-1] + b', "more": ' + b'{"a":' * 300 + b"1" + b"}" * 301,
    ],
)
def test_what_stands_around_an_answer_does_not_hide_it(body: bytes) -> None:
    said = heard(body)
    assert isinstance(said, Said)
    assert (said.message, said.dollars) == ({"content": "x"}, 0.5)


@pytest.mark.parametrize(
    ("body", "dollars"),
    [
        (answer(b"x")[:-1], 0.5),
        (answer(b"x")[:-1] + b', "system_fingerprint": "', 0.5),
        (answer(rb"a \"usage\": {\"cost\": 9}")[:-1], 0.5),
        (answer(b"x" * 400)[:200], 2.0002),  # it says nothing of cost: counted by its length
        (b"<html>502 Bad Gateway</html>", 0.0),
        (b"", 0.0),
        (b"[" * 100_000, 0.0),
        (b'{"a":' * 100_000, 0.0),
    ],
)
def test_an_answer_that_ends_too_early_was_billed(body: bytes, dollars: float) -> None:
    failure = heard(body)
    assert isinstance(failure, Failure)
    assert failure.kind is Unavailable
    assert failure.dollars == pytest.approx(dollars)


@given(st.binary(max_size=200))
def test_any_bytes_are_read(body: bytes) -> None:
    for read_ in (heard(body), heard(answer(body))):
        json.dumps(getattr(read_, "message", ""), allow_nan=False).encode()


def test_cached_tokens_are_read() -> None:
    assert read({**COUNTED, "prompt_tokens_details": {"cached_tokens": 7}}).usage == Usage(MILLION, 0, 7)


CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    "the first": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
    "after a command": [
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "tool_call_id": "a", "content": "x"},
    ],
    "without text": [{"role": "user", "content": None}],
}


@pytest.mark.parametrize("messages", CONVERSATIONS.values(), ids=CONVERSATIONS.keys())
def test_the_cache_mark_is_upstreams(messages: list[dict[str, Any]]) -> None:
    noted = [message | {"extra": {"seconds": 1.0}} for message in messages]
    before = copy.deepcopy(noted)
    assert wire_messages(CLAUDE, noted) == set_cache_control(messages, mode="default_end")
    assert wire_messages(SPEC, noted) == messages
    assert noted == before


def test_other_providers_of_the_same_model_get_no_mark() -> None:
    spec = ModelSpec("c", "local", "anthropic/claude")
    assert b"cache_control" not in encode_request(spec, CONVERSATIONS["the first"], None, TOOLS)


def test_the_catalogue_can_be_used_as_it_is() -> None:
    names = [spec.name for spec in CATALOGUE]
    assert len(set(names)) == len(names)
    assert {"sonnet", "gpt-5-mini", "opus", "deepseek-v3.2"} <= set(names)
    for spec in CATALOGUE:
        assert spec.prices is not None
        assert 0 < (spec.prices.cached_input or spec.prices.input) <= spec.prices.input < spec.prices.output
        assert 0 < spec.prior < 1
        assert spec.is_active


def test_without_tools_none_are_named() -> None:
    """An empty list is refused by providers."""
    ask = [{"role": "user", "content": "x"}]
    assert "tools" not in json.loads(encode_request(SPEC, ask, None, ()))
    assert json.loads(encode_request(SPEC, ask, None, TOOLS))["tools"]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "FIRST"}, "FIRST"),
        ({"content": [{"type": "text", "text": "FI"}, {"type": "text", "text": "RST"}]}, "FIRST"),
        ({"content": [{"type": "image_url"}, "x", None, {"text": 7}]}, ""),
        ({"content": None}, ""),
        ({"content": 7}, ""),
        ({}, ""),
    ],
)
def test_the_text_of_an_answer(message: dict[str, Any], text: str) -> None:
    assert text_of(message) == text


# ------------------------------------------------------------------------------------ what goes back to the provider

CALL: dict[str, Any] = {"id": "a", "type": "function", "function": {"name": "bash", "arguments": "{}"}}
SIGNED = {"google": {"thought_signature": "s"}}
ANSWER = {
    "role": "assistant",
    "content": "x",
    "tool_calls": [CALL | {"index": 0, "extra_content": SIGNED, "function": CALL["function"] | {"parsed": None}}],
    "refusal": None,
    "annotations": [],
    "audio": None,
    "function_call": None,
    "reasoning": "hm",
    "reasoning_details": [{"text": "hm"}],
    "reasoning_content": "hm",
    "provider_specific_fields": {},
    "extra": {"seconds": 1.0},
}
PLAIN = {"role": "assistant", "content": "x", "tool_calls": [CALL]}
LOCAL = ModelSpec("l", "local", "vendor/l")


@pytest.mark.parametrize(
    ("spec", "manners", "sent"),
    [
        (LOCAL, Manners(), PLAIN),
        (LOCAL, Manners(wanted=frozenset({"reasoning_content"})), PLAIN | {"reasoning_content": "hm"}),
        (
            LOCAL,
            Manners(wanted=frozenset({"extra_content"})),
            PLAIN | {"tool_calls": [CALL | {"extra_content": SIGNED}]},
        ),
        (SPEC, Manners(), PLAIN | {"reasoning": "hm", "reasoning_details": [{"text": "hm"}]}),
        (SPEC, Manners(left_out=frozenset({"reasoning", "reasoning_details"})), PLAIN),
    ],
)
def test_a_provider_gets_back_what_the_protocol_defines_and_what_it_wants(
    spec: ModelSpec, manners: Manners, sent: dict[str, Any]
) -> None:
    assert wire_messages(spec, [ANSWER], manners) == [sent]


def test_fields_of_one_role_are_not_sent_with_another() -> None:
    said = {"role": "tool", "tool_call_id": "a", "content": "x", "tool_calls": [], "name": "bash", "reasoning": "hm"}
    assert wire_messages(SPEC, [said]) == [{"role": "tool", "tool_call_id": "a", "content": "x"}]


ASK: list[dict[str, Any]] = [{"role": "user", "content": 'say "temperature": 1'}, ANSWER]
TOLD = ModelSpec("t", "openrouter", "vendor/t", temperature=0.7, max_tokens=99)
CLAUDE_TOLD = ModelSpec("t", "openrouter", "anthropic/t", temperature=0.7, max_tokens=99)


@pytest.mark.parametrize(
    ("said", "parameter", "left_out", "wanted"),
    [
        ("Unsupported parameter: 'temperature' is not supported with this model.", "temperature", "temperature", ""),
        ("Unsupported value: 'temperature' does not support 0.7 with this model.", "", "temperature", ""),
        ("`temperature` may only be set to 1 when thinking is enabled.", "", "temperature", ""),
        ("temperature: Extra inputs are not permitted", "", "temperature", ""),
        ("max_tokens is too large: 99999. This model supports at most 16384.", "max_tokens", "max_tokens", ""),
        (
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            *("max_tokens", "", "max_completion_tokens"),
        ),
        ('[{"loc": ["body", "usage"], "msg": "Extra inputs are not permitted"}]', "", "usage", ""),
        ("messages.1.cache_control: Extra inputs are not permitted", "", "cache_control", ""),
        ("property 'messages.1.reasoning_details' is unsupported", "", "reasoning_details", ""),
        ("property 'messages.1.reasoning': unknown", "", "reasoning", ""),
        ("The `reasoning_content` in the thinking mode must be passed back to the API.", "", "", "reasoning_content"),
        ("Function call is missing a thought_signature in functionCall parts.", "", "", "extra_content"),
    ],
)
def test_what_a_refusal_names_is_done_otherwise(said: str, parameter: str, left_out: str, wanted: str) -> None:
    request = encode_request(CLAUDE_TOLD, ASK[1:], None, TOOLS)
    manners = corrected(Manners(), said, parameter, request)
    assert manners == Manners(frozenset(filter(None, [left_out])), frozenset(filter(None, [wanted])))
    again = json.loads(encode_request(CLAUDE_TOLD, ASK[1:], None, TOOLS, manners))
    assert not left_out or f'"{left_out}":' not in json.dumps(again)
    assert not wanted or f'"{wanted}":' in json.dumps(again)


@pytest.mark.parametrize(
    ("said", "parameter"),
    [
        ("No endpoints found", ""),
        ("Your usage of tools is wrong; reasoning is needed", ""),
        ("messages: at least one is required", "messages"),
        ("top_p is not supported", "top_p"),
        ("", ""),
    ],
)
def test_a_refusal_that_names_nothing_optional_is_final(said: str, parameter: str) -> None:
    assert corrected(Manners(), said, parameter, encode_request(TOLD, ASK, None, TOOLS)) is None


def test_what_was_not_sent_cannot_be_left_out() -> None:
    request = encode_request(LOCAL, ASK, None, TOOLS)
    assert corrected(Manners(), "temperature is not supported", "temperature", request) is None


@pytest.mark.parametrize(
    "said",
    ["temperature max_tokens usage: 'usage' max_completion_tokens reasoning: thought_signature reasoning_content"],
)
def test_whatever_is_refused_again_and_again_the_questions_end(said: str) -> None:
    manners = Manners()
    for _ in range(20):
        better = corrected(manners, said, "temperature", encode_request(CLAUDE_TOLD, ASK[1:], None, TOOLS, manners))
        if better is None:
            return
        manners = better
    raise AssertionError(manners)
