"""The client for models against the simulated provider: real HTTP, every fault a provider has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bot.agent.mini import TOOLS, Agent, RunLimits
from bot.agent.model import LARGEST_ANSWER, ChatModel, Patience, Provider
from bot.agent.prompts import Prompt
from bot.core.model import ExitStatus, ModelSpec, Prices, Usage
from bot.ports import Denied, Finished, Rejected, Reply, TooMuchText, Unavailable, WorldError
from bot.simulators.model import (
    SUBMIT,
    Answer,
    Billing,
    Drop,
    Fault,
    Garbage,
    Hold,
    ModelSimulator,
    RawCalls,
    Say,
    bash,
    error_in_200,
    no_choices,
    rate_limited,
    server_error,
    too_much_text,
    turns,
)

SPEC = ModelSpec("m", "openrouter", "vendor/m", temperature=0.7, max_tokens=99, prices=Prices(2.0, 4.0, 1.0))
ASK = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
QUICK = Patience(first_wait=0.001, jitter=lambda: 0.0)


@pytest.fixture
async def provider() -> AsyncIterator[ModelSimulator]:
    simulator = ModelSimulator()
    simulator.script(SPEC.model_id, turns(bash("ls")), dollars_per_call=0.25)
    async with simulator.serving():
        yield simulator


@asynccontextmanager
async def client(provider: ModelSimulator, patience: Patience = QUICK, **options: Any) -> AsyncIterator[ChatModel]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield ChatModel(session, {"openrouter": Provider(provider.url, provider.key)}, patience=patience, **options)


async def ask(model: ChatModel, spec: ModelSpec = SPEC, temperature: float | None = None) -> Reply:
    return await model.complete(spec, ASK, temperature=temperature, tools=TOOLS)


# --------------------------------------------------------------------------------------------------------- answers


async def test_an_answer_without_end_is_not_kept(provider: ModelSimulator) -> None:
    provider.script(SPEC.model_id, lambda _: Say("x" * LARGEST_ANSWER))
    async with client(provider) as model:
        with pytest.raises(Rejected, match="more than 16777216 bytes"):
            await ask(model)
    assert len(provider.asked) == 1


async def test_an_answer_without_end_was_billed(provider: ModelSimulator) -> None:
    provider.interpose(SPEC.model_id, Say("x" * LARGEST_ANSWER))
    async with client(provider) as model:
        with pytest.raises(Rejected) as refused:
            await ask(model)
    assert refused.value.dollars > LARGEST_ANSWER / 4 * 4.0 / 1e6


async def test_an_answer(provider: ModelSimulator) -> None:
    async with client(provider) as model:
        reply = await ask(model)
    assert reply.message["tool_calls"][0]["function"] == {"name": "bash", "arguments": '{"command":"ls"}'}
    assert reply.finish_reason == "tool_calls"
    assert reply.dollars == 0.25
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0
    assert reply.seconds > 0
    (asked,) = provider.asked
    assert asked.request["temperature"] == 0.7
    assert asked.request["max_tokens"] == 99
    assert asked.request["usage"] == {"include": True}
    assert provider.errors == []


async def test_the_experiments_temperature_wins_even_at_zero(provider: ModelSimulator) -> None:
    async with client(provider) as model:
        await ask(model, temperature=0.0)
        await ask(model, replace(SPEC, temperature=None, max_tokens=None))
    first, second = provider.asked
    assert first.request["temperature"] == 0.0
    assert not {"temperature", "max_tokens"} & second.request.keys()


@pytest.mark.parametrize("billing", [Billing.NO_COST, Billing.NULL_COST])
async def test_without_a_cost_the_catalogue_prices_the_tokens(provider: ModelSimulator, billing: Billing) -> None:
    provider.interpose(SPEC.model_id, bash("ls", billing=billing))
    async with client(provider) as model:
        reply = await ask(model)
    assert reply.dollars == pytest.approx((reply.usage.input_tokens * 2 + reply.usage.output_tokens * 4) / 1e6)
    assert reply.dollars > 0


async def test_without_any_usage_the_text_is_counted(provider: ModelSimulator) -> None:
    provider.interpose(SPEC.model_id, bash("ls", billing=Billing.NO_USAGE))
    async with client(provider) as model:
        reply = await ask(model)
    assert reply.usage.input_tokens == provider.asked[0].size // 4
    assert reply.usage.output_tokens > 0
    assert reply.dollars > 0


async def test_an_unknown_price_is_refused_before_the_call(provider: ModelSimulator) -> None:
    unknown = replace(SPEC, prices=None)
    async with client(provider) as model:
        with pytest.raises(Rejected) as refused:
            await ask(model, unknown)
    assert "solvebot models add" in refused.value.remedy
    assert provider.calls.total() == 0
    provider.interpose(SPEC.model_id, bash("ls", billing=Billing.NO_COST))
    async with client(provider, allow_unknown_price=True) as model:
        assert (await ask(model, unknown)).dollars == 0.0
        assert (await ask(model, unknown)).dollars == 0.25


async def test_a_provider_nobody_configured_is_refused(provider: ModelSimulator) -> None:
    async with client(provider) as model:
        with pytest.raises(Denied) as refused:
            await ask(model, replace(SPEC, provider="elsewhere"))
    assert "elsewhere" in refused.value.remedy
    assert provider.calls.total() == 0


# ---------------------------------------------------------------------------------------------------------- faults

PASSING: dict[str, Answer] = {
    "429": rate_limited(),
    "429, wait 0": rate_limited("0"),
    "429, wait a fraction": rate_limited("0.01"),
    "429, wait until a date that is over": rate_limited("Wed, 21 Oct 2015 07:28:00 GMT"),
    "429, wait nonsense": rate_limited("soon"),
    "408": server_error(408),
    "409": server_error(409),
    "500": server_error(),
    "502": server_error(502),
    "529": server_error(529),
    "error in 200": error_in_200(),
    "error in 200, rate limit": error_in_200(429),
    "error in 200, without a code": error_in_200(None),
    "error in 200, with a word": error_in_200("overloaded"),
    "no choices": no_choices(billed=False),
    "not JSON": Garbage(),
    "not JSON at all": Garbage("{"),
    "JSON, but a list": Garbage("[]"),
    "nothing": Garbage(""),
    "dropped": Drop(),
    "choices of nothing": Fault(200, {"choices": [None]}),
    "a choice without a message": Fault(200, {"choices": [{"message": None, "finish_reason": "stop"}]}),
    "broke off, with half a sentence": Fault(
        200, {"choices": [{"finish_reason": "error", "message": {"content": "I"}}]}
    ),
    "broke off": Fault(200, {"choices": [{"error": {"code": 502, "message": "x"}, "message": {"content": ""}}]}),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
async def test_a_fault_that_passes_is_sat_out(provider: ModelSimulator, fault: Answer) -> None:
    provider.interpose(SPEC.model_id, fault, fault)
    async with client(provider) as model:
        reply = await ask(model)
    assert reply.message["tool_calls"]
    assert provider.calls.total() == 3
    assert provider.errors == []


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
async def test_a_fault_that_stays_is_given_up(provider: ModelSimulator, fault: Answer) -> None:
    provider.interpose(SPEC.model_id, *[fault] * 9)
    async with client(provider) as model:
        with pytest.raises(Unavailable):
            await ask(model)
    assert provider.calls.total() == 5


@pytest.mark.parametrize("fault", [no_choices(), error_in_200(billed=True), error_in_200(429, billed=True)])
async def test_failed_attempts_that_are_billed_are_paid(provider: ModelSimulator, fault: Answer) -> None:
    provider.interpose(SPEC.model_id, fault, fault)
    async with client(provider) as model:
        assert (await ask(model)).dollars == 0.75
        provider.interpose(SPEC.model_id, fault, *[server_error()] * 4)
        with pytest.raises(Unavailable) as given_up:
            await ask(model)
        assert given_up.value.dollars == 0.25
        provider.interpose(SPEC.model_id, fault, too_much_text())
        with pytest.raises(TooMuchText) as full:
            await ask(model)
        assert full.value.dollars == 0.25


async def test_five_answers_that_end_too_early_are_paid(provider: ModelSimulator) -> None:
    cut = Garbage(b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 9, "cost": 0.5}, "id": "')
    provider.interpose(SPEC.model_id, *[cut] * 5)
    async with client(provider) as model:
        with pytest.raises(Unavailable) as given_up:
            await ask(model)
    assert given_up.value.dollars == 2.5


async def test_an_answer_with_a_broken_character_is_asked_for_once(provider: ModelSimulator) -> None:
    broken = rb'{"choices": [{"message": {"content": "\ud83d"}}], "usage": {"prompt_tokens": 9, "cost": 0.5}}'
    provider.interpose(SPEC.model_id, Garbage(broken))
    async with client(provider) as model:
        assert (await ask(model)).dollars == 0.5
    assert provider.calls.total() == 1


def refusal(status: int, message: str = "no", **more: Any) -> Fault:
    return Fault(status, {"error": {"message": message, **more}})


FINAL: dict[str, tuple[Answer, type[WorldError]]] = {
    "401": (refusal(401), Denied),
    "402": (refusal(402, "Insufficient credits"), Denied),
    "403": (refusal(403, "This model is not allowed for this key"), Denied),
    "403, flagged": (refusal(403, "Your input was flagged by moderation"), Rejected),
    "429, no money": (refusal(429, "You exceeded your current quota", code="insufficient_quota"), Denied),
    "400": (refusal(400, "top_p is not supported"), Rejected),
    "404": (refusal(404, "No endpoints found"), Rejected),
    "422": (refusal(422, "wrong schema"), Rejected),
    "302": (Fault(302, {}, {"Location": "http://127.0.0.1:9/"}), Rejected),
    "error in 200, key": (error_in_200(401), Denied),
    "error in 200, credit": (error_in_200("402"), Denied),
    "error in 200, request": (error_in_200(400), Rejected),
    "refused in the middle": (
        Fault(200, {"choices": [{"error": {"code": 403, "message": "flagged"}, "message": {"content": ""}}]}),
        Rejected,
    ),
    "too much text": (too_much_text(), TooMuchText),
    "413": (refusal(413), TooMuchText),
    "OpenAI": (refusal(400, "Please reduce.", code="context_length_exceeded"), TooMuchText),
    "Anthropic": (refusal(400, "prompt is too long: 210000 tokens > 200000 maximum"), TooMuchText),
    "Anthropic with output": (
        refusal(400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"),
        TooMuchText,
    ),
    "Google": (
        refusal(400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
        TooMuchText,
    ),
    "vLLM": (refusal(422, "This model's maximum context length is 4096 tokens."), TooMuchText),
    "behind OpenRouter": (
        refusal(400, "Provider returned error", metadata={"raw": '{"message":"prompt is too long"}'}),
        TooMuchText,
    ),
}


@pytest.mark.parametrize(("fault", "error"), FINAL.values(), ids=FINAL.keys())
async def test_a_refusal_is_not_asked_again(provider: ModelSimulator, fault: Answer, error: type[WorldError]) -> None:
    provider.interpose(SPEC.model_id, fault)
    async with client(provider) as model:
        with pytest.raises(WorldError) as refused:
            await ask(model)
    assert type(refused.value) is error
    assert provider.calls.total() == 1


async def test_a_parameter_that_a_model_refuses_is_left_out_from_then_on(provider: ModelSimulator) -> None:
    provider.refuses[SPEC.model_id] = ("temperature", "max_tokens")
    async with client(provider) as model:
        assert [(await ask(model)).dollars for _ in range(2)] == [0.25, 0.25]
        assert len(provider.asked) == 4
        assert provider.asked[-1].request.keys() == {"model", "messages", "tools", "usage"}
        provider.script("vendor/n", turns(bash("ls")))
        await ask(model, replace(SPEC, model_id="vendor/n"))
    assert provider.asked[-1].request["temperature"] == 0.7  # another model
    assert provider.errors == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (refusal(400, "top_p is not supported"), "top_p is not supported"),
        (
            refusal(400, "Provider returned error", metadata={"raw": '{"error": {"message": "no such thing"}}'}),
            "no such thing",
        ),
        (refusal(400, "Provider returned error", metadata={"raw": "no such thing"}), "no such thing"),
        (Fault(422, {"detail": "wrong schema"}), "wrong schema"),
        (refusal(400, "key sk-simulated-0123456789 is odd"), "key *** is odd"),
        (refusal(401, "Incorrect API key provided: sk-s…789"), ""),  # for the log, not for people
        (refusal(400), "no"),
    ],
)
async def test_a_refusal_keeps_the_providers_words(provider: ModelSimulator, fault: Fault, said: str) -> None:
    provider.interpose(SPEC.model_id, fault)
    async with client(provider) as model:
        with pytest.raises(WorldError) as refused:
            await ask(model)
    assert refused.value.said == said


async def test_a_denial_says_what_to_do(provider: ModelSimulator) -> None:
    provider.interpose(SPEC.model_id, refusal(401), refusal(402))
    async with client(provider) as model:
        for word in ("key", "credit"):
            with pytest.raises(Denied) as denied:
                await ask(model)
            assert word in denied.value.remedy


async def test_a_wait_beyond_patience_is_handed_on_at_once(provider: ModelSimulator) -> None:
    provider.interpose(SPEC.model_id, rate_limited("3600"))
    async with client(provider) as model:
        with pytest.raises(Unavailable) as limited:
            await ask(model)
    assert limited.value.retry_after == 3600.0
    assert provider.calls.total() == 1


async def test_waits_double_and_add_their_jitter(provider: ModelSimulator) -> None:
    provider.interpose(SPEC.model_id, *[server_error()] * 4)
    slow = Patience(first_wait=0.02, jitter=lambda: 0.5)
    async with client(provider, slow) as model:
        reply = await ask(model)
    assert reply.seconds >= 1.5 * 0.02 * (1 + 2 + 4 + 8)


async def test_a_wait_that_is_asked_for_is_kept(provider: ModelSimulator) -> None:
    provider.interpose(SPEC.model_id, rate_limited("0.3"))
    async with client(provider) as model:
        assert (await ask(model)).seconds >= 0.3


async def test_a_hanging_answer_ends(provider: ModelSimulator) -> None:
    hold = Hold()
    provider.interpose(SPEC.model_id, hold)
    async with client(provider, replace(QUICK, timeout=0.2)) as model:
        reply = await ask(model)
    assert reply.message["tool_calls"]
    assert reply.dollars == pytest.approx(
        0.25 + provider.asked[0].size // 4 * 2.0 / 1e6
    )  # it was billed, for all we know
    assert hold.arrived.is_set()
    async with asyncio.timeout(10):
        await hold.abandoned.wait()


async def test_what_was_billed_before_the_time_was_up_is_paid(provider: ModelSimulator) -> None:
    hold = Hold()
    provider.interpose(SPEC.model_id, no_choices(), hold)
    async with client(provider) as model:
        with pytest.raises(Unavailable) as late:
            await model.complete(SPEC, ASK, temperature=None, tools=TOOLS, within=2.0)
    assert hold.arrived.is_set()
    asked = provider.asked[-1].size // 4 * 2.0 / 1e6
    assert late.value.dollars == pytest.approx(0.25 + asked)


async def test_a_slow_answer_is_waited_for(provider: ModelSimulator) -> None:
    hold = Hold(then=bash("late"))
    provider.interpose(SPEC.model_id, hold)
    async with client(provider) as model:
        asking = asyncio.create_task(ask(model))
        await hold.arrived.wait()
        hold.release.set()
        assert "late" in str((await asking).message)


async def test_cancelling_ends_the_request(provider: ModelSimulator) -> None:
    hold = Hold()
    provider.interpose(SPEC.model_id, hold)
    async with client(provider) as model:
        asking = asyncio.create_task(ask(model))
        await hold.arrived.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(10):
            await hold.abandoned.wait()


async def test_nobody_listens() -> None:
    simulator = ModelSimulator()
    simulator.url = "http://127.0.0.1:1/v1"
    async with client(simulator) as model:
        with pytest.raises(Unavailable):
            await ask(model)


@pytest.mark.parametrize("url", ["", "not a url", "http://"])
async def test_a_base_url_that_is_none(url: str) -> None:
    simulator = ModelSimulator()
    simulator.url = url
    async with client(simulator) as model:
        with pytest.raises(Rejected) as refused:
            await ask(model)
    assert "base URL" in refused.value.remedy


# --------------------------------------------------------------------------------------------------- key, caching


async def test_the_key_is_in_the_header_only(provider: ModelSimulator) -> None:
    quoting = refusal(401, f"Incorrect API key provided: {provider.key}.")
    provider.interpose(SPEC.model_id, bash("ls"), quoting, *[Drop()] * 5)
    async with client(provider) as model:
        told = [repr(model), repr(Provider(provider.url, provider.key)), repr(await ask(model))]
        for _ in range(2):
            with pytest.raises(WorldError) as failed:
                await ask(model)
            told += [repr(failed.value), str(failed.value), failed.value.remedy]
            assert (failed.value.__cause__, failed.value.__context__) == (None, None)
    assert provider.errors == []
    assert provider.key not in "".join(told)
    assert provider.key not in json.dumps([asked.request for asked in provider.asked])


async def test_a_server_that_asks_for_no_key_gets_no_header(provider: ModelSimulator) -> None:
    provider.key = ""
    async with client(provider) as model:
        with pytest.raises(Denied):
            await ask(model)
    assert provider.errors == ["No auth credentials found"]


async def test_only_openrouter_is_asked_for_the_cost(provider: ModelSimulator) -> None:
    async with aiohttp.ClientSession() as session:
        model = ChatModel(session, {"local": Provider(provider.url + "/", provider.key)})
        await ask(model, replace(SPEC, provider="local"))
    assert "usage" not in provider.asked[0].request


async def test_calls_under_way_are_bounded(provider: ModelSimulator) -> None:
    holds = [Hold(then=bash("ls")) for _ in range(6)]
    provider.interpose(SPEC.model_id, *holds)
    async with client(provider, concurrency=3) as model:
        asking = [asyncio.create_task(ask(model)) for _ in range(6)]
        for hold in holds:
            await hold.arrived.wait()
            hold.release.set()
        await asyncio.gather(*asking)
    assert provider.calls.total() == 6
    assert provider.most_under_way <= 3


# ------------------------------------------------------------------------------------------------ with the agent


async def run_agent(provider: ModelSimulator, spec: ModelSpec = SPEC) -> tuple[ExitStatus, int, float]:
    async with client(provider) as model:

        async def think(step: int, messages: Any) -> Reply:
            return await model.complete(spec, messages, temperature=None, tools=TOOLS)

        async def act(step: int, index: int, command: str) -> Finished:
            return Finished(0, f"did {command}", 0.01)

        result = await Agent(Prompt("s", "u"), RunLimits(20, 10.0, 60.0), think, act).run()
    return result.exit_status, result.steps, result.dollars


async def test_a_whole_conversation_passes_a_strict_provider(provider: ModelSimulator) -> None:
    malformed = {"id": "x", "type": "function", "function": {"name": "bash", "arguments": '{"command": "l'}}
    nameless = {"type": "function", "function": {"name": "bash", "arguments": '{"command": "true"}'}}
    conversation = turns(
        bash("ls", "pwd", text="Looking."),
        Say("I am done."),
        RawCalls((malformed,)),
        RawCalls((nameless, nameless)),
        Say("So", finish_reason="length"),
        lambda observation: bash(f"echo {len(observation)}"),
        bash("git diff", SUBMIT),
    )
    provider.script(SPEC.model_id, conversation, dollars_per_call=0.25)
    provider.interpose(SPEC.model_id, rate_limited("0"), Drop())
    assert await run_agent(provider) == (ExitStatus.SUBMITTED, 7, 1.75)
    assert provider.errors == []
    assert provider.calls.total() == 9


async def test_anthropics_models_get_a_cache_mark_on_every_last_message(provider: ModelSimulator) -> None:
    spec = replace(SPEC, model_id="anthropic/claude")
    provider.script(spec.model_id, turns(bash("ls"), Say("hm"), bash(SUBMIT)))
    assert (await run_agent(provider, spec))[0] is ExitStatus.SUBMITTED
    for asked in provider.asked:
        marked = [index for index, message in enumerate(asked.messages) if "cache_control" in json.dumps(message)]
        assert marked == [len(asked.messages) - 1]
    assert provider.errors == []


async def test_an_answer_with_fields_of_the_providers_own_can_be_answered(provider: ModelSimulator) -> None:
    own: dict[str, Any] = {"refusal": None, "annotations": [], "reasoning_content": "hm"}
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    body = {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]} | own}]}
    provider.script(SPEC.model_id, turns(Fault(200, body), bash(SUBMIT)))
    assert (await run_agent(provider))[:2] == (ExitStatus.SUBMITTED, 2)
    assert provider.errors == []


async def test_a_hundred_conversations_at_once(provider: ModelSimulator) -> None:
    provider.script(SPEC.model_id, turns(bash("a"), bash("b"), bash(SUBMIT)), dollars_per_call=0.5)
    ends = await asyncio.gather(*(run_agent(provider) for _ in range(100)))
    assert set(ends) == {(ExitStatus.SUBMITTED, 3, 1.5)}
    assert provider.errors == []


# --------------------------------------------------------------------------------------------- the simulator itself


async def post(provider: ModelSimulator, request: Any, key: str | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {provider.key if key is None else key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{provider.url}/chat/completions", json=request, headers=headers) as response,
    ):
        return response.status, await response.json()


def conversation(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": SPEC.model_id, "tools": list(TOOLS), "messages": [*ASK, *messages], **more}


def assistant(*names: str, arguments: str = "{}") -> dict[str, Any]:
    calls = [{"id": name, "type": "function", "function": {"name": "bash", "arguments": arguments}} for name in names]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": "done"}


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ([], "not a JSON object"),
        ({"model": "nobody/knows"}, "nobody/knows is not a valid model ID"),
        ({"model": SPEC.model_id}, "messages is missing"),
        ({"model": SPEC.model_id, "messages": ASK, "tools": []}, "tools is empty"),
        (conversation(temperature="hot"), "temperature"),
        (conversation(temperature=3), "temperature"),
        (conversation(result("a")), "messages[2]: tool_call_id 'a' answers no call"),
        (conversation(assistant("a"), result("b")), "messages[3]: tool_call_id 'b' answers no call"),
        (conversation(assistant("a"), result("a"), result("a")), "messages[4]: tool_call_id 'a' answers no call"),
        (conversation(assistant("a", "b"), result("a"), ASK[1]), "messages[4]: tool calls without an answer: ['b']"),
        (conversation(assistant("a", "b"), result("b")), "tool calls without an answer: ['a']"),
        (conversation(assistant("a", "a"), result("a")), "two tool calls have the same id"),
        (conversation(assistant("a", arguments='{"'), result("a")), "malformed tool_calls"),
        (conversation(ASK[0]), "the system message stands first"),
        (conversation({"role": "exit", "content": "x"}), "unknown role 'exit'"),
        (conversation({"role": "user", "content": "x", "annotations": []}), "unknown fields: ['annotations']"),
        (conversation(stream=True), "unknown fields: ['stream']"),
        (conversation({"role": "user", "content": ""}), "empty content"),
        (conversation({"role": "assistant", "content": "Done."}), "the last message"),
    ],
)
async def test_the_provider_is_strict(provider: ModelSimulator, request_: Any, problem: str) -> None:
    status, said = await post(provider, request_)
    assert status == 400
    assert problem in said["error"]["message"]
    assert provider.errors == [said["error"]["message"]]


async def test_the_provider_asks_for_the_key(provider: ModelSimulator) -> None:
    assert (await post(provider, conversation(), key="sk-other"))[0] == 401


async def test_asking_again_gets_the_same_answer(provider: ModelSimulator) -> None:
    provider.script(SPEC.model_id, turns(bash("one"), bash("two")))
    later = conversation(assistant("a"), result("a"))
    answers = [(await post(provider, asked))[1]["choices"] for asked in (later, conversation(), later)]
    assert answers[0] == answers[2] != answers[1]


async def test_a_script_that_ends_too_early_is_an_error(provider: ModelSimulator) -> None:
    status, _ = await post(provider, conversation(assistant("a"), result("a")))
    assert status == 400
    assert provider.errors == ["vendor/m: the script has 1 turns and was asked for one more"]


async def test_usage_adds_up(provider: ModelSimulator) -> None:
    _, said = await post(provider, conversation())
    usage = said["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["cost"] == 0.25
    assert Usage(usage["prompt_tokens"], usage["completion_tokens"]).total == usage["total_tokens"]
