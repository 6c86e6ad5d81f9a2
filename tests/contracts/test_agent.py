"""The agent loop by itself: replay at every boundary, when it ends, and what it makes of what models say."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.calls import read_calls
from bot.agent.mini import Agent, AgentResult, RunLimits, read_reply
from bot.agent.prompts import Prompt
from bot.agent.upstream import FormatError
from bot.agent.wire import wire_messages
from bot.core.candidate.submission import SUBMIT
from bot.core.model import ExitStatus, ModelSpec, Usage
from bot.core.text.outgoing import Redactor
from bot.ports import Denied, Finished, Reply, SandboxLost, Unavailable

PROMPT = Prompt("You solve issues.", "Fix it.")
LIMITS = RunLimits(steps=50, dollars=50.0, seconds=3600.0)


def call(command: object, id: object = "c0", **more: Any) -> dict[str, Any]:
    function = {"name": "bash", "arguments": json.dumps({"command": command})}
    return {"id": id, "type": "function", "function": function, **more}


def written(arguments: object, name: str = "bash") -> dict[str, Any]:
    """A call whose arguments stand as they are given."""
    return {"id": "c0", "type": "function", "function": {"name": name, "arguments": arguments}}


def reply(*commands: str, seconds: float = 1.0) -> Reply:
    calls = [call(command, f"c{index}") for index, command in enumerate(commands)]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    return Reply(message, "tool_calls", Usage(100, 10, 5), dollars=0.25, seconds=seconds)


class World:
    """Steps that answer from a list, and a log of them as the engine keeps one."""

    def __init__(self, replies: Sequence[Reply | Exception], finished: Finished | Exception | None = None) -> None:
        self.replies = replies
        self.finished = finished
        self.log: dict[str, Reply | Finished] = {}
        self.effects: list[str] = []
        self.crash_before = -1

    async def think(self, step: int, messages: Sequence[Mapping[str, Any]]) -> Reply:
        async def effect() -> Reply:
            answer = self.replies[step - 1]
            if isinstance(answer, Exception):
                raise answer
            return answer

        answer = await self.once(f"think {step}", effect)
        assert isinstance(answer, Reply)
        return answer

    async def act(self, step: int, index: int, command: str) -> Finished:
        async def effect() -> Finished:
            if isinstance(self.finished, Exception):
                raise self.finished
            return self.finished or Finished(0, f"{step}.{index}: {command}\n", seconds=2.0)

        answer = await self.once(f"act {step} {index}", effect)
        assert isinstance(answer, Finished)
        return answer

    async def once(self, name: str, effect: Callable[[], Awaitable[Reply | Finished]]) -> Reply | Finished:
        if name not in self.log:
            if len(self.effects) == self.crash_before:
                raise asyncio.CancelledError
            self.effects.append(name)
            self.log[name] = await effect()
        return self.log[name]

    def agent(self, limits: RunLimits = LIMITS) -> Agent:
        return Agent(PROMPT, limits, self.think, self.act)

    async def run(self, limits: RunLimits = LIMITS) -> AgentResult:
        return await self.agent(limits).run()


def script() -> list[Reply | Exception]:
    no_call = Reply({"role": "assistant", "content": "Hm."}, "stop", Usage(50, 5), dollars=0.1, seconds=0.3)
    return [reply("ls", "pwd"), no_call, reply("make"), reply("make", "make"), reply("make"), reply("true", SUBMIT)]


async def test_a_run_crashed_at_any_boundary_and_replayed_is_the_same_to_the_byte() -> None:
    whole = World(script())
    undisturbed = whole.agent()
    expected = await undisturbed.run()
    assert expected.exit_status is ExitStatus.SUBMITTED
    assert len(whole.effects) == 13

    for boundary in range(len(whole.effects)):
        world = World(script())
        world.crash_before = boundary
        with pytest.raises(asyncio.CancelledError):
            await world.run()
        assert len(world.effects) == boundary
        world.crash_before = -1
        again = world.agent()
        assert msgspec.json.encode(await again.run()) == msgspec.json.encode(expected)
        assert world.effects == whole.effects
        assert again.trajectory("m", Redactor()) == undisturbed.trajectory("m", Redactor())


async def test_totals_are_those_of_all_steps() -> None:
    result = await World(script()).run()
    assert result.steps == 6
    assert result.dollars == pytest.approx(5 * 0.25 + 0.1)
    assert result.usage == Usage(5 * 100 + 50, 5 * 10 + 5, 5 * 5)
    assert result.seconds == pytest.approx(5 * 1.0 + 0.3 + 7 * 2.0)
    assert result.error is None


async def test_time_is_what_the_steps_took() -> None:
    result = await World([reply("a"), reply("b"), reply("c")]).run(RunLimits(50, 50.0, seconds=6.0))
    assert (result.exit_status, result.steps, result.seconds) == (ExitStatus.TIME, 2, 6.0)


async def test_time_ends_a_turn_between_its_commands() -> None:
    world = World([reply("a", "b", "c", "d")])
    result = await world.run(RunLimits(50, 50.0, seconds=4.0))
    assert result.exit_status is ExitStatus.TIME
    assert world.effects == ["think 1", "act 1 0", "act 1 1"]
    assert unanswered(result) == []


async def test_a_turn_whose_time_is_up_may_still_submit() -> None:
    result = await World([reply("a", SUBMIT)]).run(RunLimits(50, 50.0, seconds=3.0))
    assert result.exit_status is ExitStatus.SUBMITTED


@pytest.mark.parametrize("error", [Denied("no", dollars=0.5), Unavailable("no", dollars=0.5)])
async def test_a_model_that_fails_ends_the_run_and_is_paid(error: Exception) -> None:
    result = await World([reply("a"), error]).run()
    assert (result.exit_status, result.error, result.dollars) == (ExitStatus.MODEL, error, 0.75)
    assert result.messages[-1]["role"] == "exit"


async def test_a_lost_sandbox_ends_the_run_and_answers_its_calls() -> None:
    error = SandboxLost("gone")
    result = await World([reply("a", "b")], finished=error).run()
    assert (result.exit_status, result.error) == (ExitStatus.SANDBOX, error)
    assert unanswered(result) == []


async def test_cancelling_is_not_an_ending() -> None:
    started = asyncio.Event()

    async def think(step: int, messages: Sequence[Mapping[str, Any]]) -> Reply:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(Agent(PROMPT, LIMITS, think, World([]).act).run())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        await World([ZeroDivisionError()]).run()


def unanswered(result: AgentResult) -> list[str]:
    asked = [call["id"] for message in result.messages for call in message.get("tool_calls", [])]
    answered = [message["tool_call_id"] for message in result.messages if message["role"] == "tool"]
    return sorted(set(asked) - set(answered))


# ------------------------------------------------------------------------------------------------------ submission


async def after(command: str, finished: Finished) -> tuple[ExitStatus, list[str]]:
    world = World([reply(command)], finished)
    result = await world.run(RunLimits(1, 50.0, 1e6))
    return result.exit_status, [name for name in world.effects if name.startswith("act")]


@pytest.mark.parametrize(
    ("command", "finished", "ends", "acts"),
    [
        (f"cd /workspace && {SUBMIT}", Finished(0, "", 1.0), True, 0),
        (f"git add -A && {SUBMIT}", Finished(0, "", 1.0), True, 1),
        (f"git add -A && {SUBMIT}", Finished(1, "", 1.0), False, 1),
        (f"make test; {SUBMIT}", Finished(1, "", 1.0), True, 1),
        (f"make test; {SUBMIT}", Finished(-1, "", 1.0, timed_out=True), False, 1),
        (f"make test; {SUBMIT}", Finished(137, "", 1.0, killed_by="memory"), False, 1),
        (f"echo '{SUBMIT}' > notes", Finished(0, "", 1.0), False, 1),
    ],
)
async def test_a_submission_ends_the_run_when_what_stands_before_it_lets_it(
    command: str, finished: Finished, ends: bool, acts: int
) -> None:
    status, done = await after(command, finished)
    assert (status is ExitStatus.SUBMITTED, len(done)) == (ends, acts)


async def test_what_stands_before_a_submission_is_run_without_it() -> None:
    (told,) = await observations(None, f"make && {SUBMIT}")
    assert "1.0: make\n" in told


# ---------------------------------------------------------------------------------------------------- observations


async def observations(finished: Finished | None, *commands: str) -> list[str]:
    result = await World([reply(command) for command in commands], finished).run(RunLimits(len(commands), 50.0, 1e6))
    return [message["content"] for message in result.messages if message["role"] == "tool"]


@pytest.mark.parametrize(
    ("finished", "told"),
    [
        (Finished(3, "out", 1.0), "<returncode>3</returncode>\n<output>\nout</output>"),
        (Finished(-1, "", 60.2, timed_out=True), "had not ended after 60 seconds"),
        (Finished(137, "", 1.0, killed_by="memory"), "limit on memory"),
        (Finished(-1, "", 1.0, interrupted=True), "look at what it left behind"),
        (Finished(0, "{{ 7 * 7 }} {% raise %}", 1.0), "{{ 7 * 7 }} {% raise %}"),
        (Finished(0, "\x1b[32m1 %\r2 %\x1b[0m\n", 1.0), "<output>\n2 %\n</output>"),
        (Finished(0, "a" * 9_999, 1.0), "<output>\n" + "a" * 9_999 + "</output>"),
    ],
)
async def test_observation(finished: Finished, told: str) -> None:
    assert told in (await observations(finished, "x"))[0]


async def test_a_long_output_is_shown_by_its_ends() -> None:
    (told,) = await observations(Finished(0, "h" * 5000 + "middle" + "t" * 5000, 1.0), "x")
    assert "h" * 5000 in told
    assert "t" * 5000 in told
    assert "middle" not in told
    assert "6 characters left out" in told


async def test_the_fourth_same_command_in_a_row_is_warned_of() -> None:
    told = await observations(Finished(0, "", 1.0), *("ls", "make", "make", "make", "make", "make", "ls", "make"))
    warned = [index for index, text in enumerate(told) if "times in a row" in text]
    assert warned == [4, 5]
    assert "4 times in a row" in told[4]


# ------------------------------------------------------------------------------------------------- what models say


def said(message: dict[str, Any], finish_reason: str = "tool_calls") -> Reply:
    return Reply(message, finish_reason, Usage(), dollars=0.5, seconds=1.0)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "Hm."},
        {"role": "assistant", "content": None, "tool_calls": None},
        {"role": "assistant", "tool_calls": []},
        {"role": "assistant", "tool_calls": "bash"},
        {"role": "assistant", "tool_calls": 3},
        {"role": "assistant", "tool_calls": [None, 3]},
        {"role": "assistant", "tool_calls": [{"id": "c"}]},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": None}]},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "bash", "arguments": None}}]},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "bash", "arguments": "[" * 100_000}}]},
        {"role": "assistant", "tool_calls": [call(None)]},
        {"role": "assistant", "tool_calls": [call(["ls", "-l"])]},
        {"role": "assistant", "tool_calls": [call("ls \0")]},
        {"role": "assistant", "tool_calls": [call("ls \ud800")]},
        {"role": "assistant", "tool_calls": [call("ls"), call(3, "c1")]},
        {"role": "assistant", "tool_calls": [written('{"command": "ls')]},
        {"role": "assistant", "tool_calls": [written('{"command": "ls"} and {"command": "pwd"}')]},
        {"role": "assistant", "tool_calls": [written('{"cmd": "ls", "script": "pwd"}')]},
        {"role": "assistant", "tool_calls": [written('{"path": "ls"}')]},
        {"role": "assistant", "tool_calls": [written("ls -l")]},
        {"role": "assistant", "tool_calls": [written("{'command': open('x')}")]},
        {"role": "assistant", "tool_calls": [written('{"command": "ls"}', "python")]},
        {"role": "assistant", "content": "<tool_call>{</tool_call>"},
    ],
)
def test_an_answer_without_a_usable_call_is_a_format_error_that_was_paid(message: dict[str, Any]) -> None:
    with pytest.raises(FormatError) as caught:
        read_reply(said(message), 1)
    (explanation,) = caught.value.messages
    assert explanation["role"] == "user"
    assert "tool" in explanation["content"]
    assert explanation["extra"]["cost"] == 0.5


@pytest.mark.parametrize(
    "message",
    [
        {"tool_calls": [written('{"command": "ls -l"}')]},
        {"tool_calls": [written({"command": "ls -l"})]},
        {"tool_calls": [written('"{\\"command\\": \\"ls -l\\"}"')]},
        {"tool_calls": [written(json.dumps(json.dumps(json.dumps({"command": "ls -l"}))))]},
        {"tool_calls": [written(' {"command": "ls -l"}} ')]},
        {"tool_calls": [written("{'command': 'ls -l'}")]},
        {"tool_calls": [written('{"command": ["ls -l"]}')]},
        {"tool_calls": [written('{"cmd": "ls -l"}')]},
        {"tool_calls": [written('{"script": "ls -l", "timeout": 3}')]},
        {"tool_calls": [written('{"command": "ls -l", "input": "x"}')]},
        {"tool_calls": [written('{"command": "ls -l"}', "Bash")]},
        {"tool_calls": [written('{"command": "ls -l"}', " BASH ")]},
        {"tool_calls": [written('{"command": "ls -l"}', "functions.bash")]},
        {"tool_calls": [written('{"command": "ls -l"}', "execute_bash")]},
        {"tool_calls": [written('{"command": "ls -l"}', "shell")]},
        {"tool_calls": [{"id": "c", "name": "bash", "arguments": {"command": "ls -l"}}]},
        {"tool_calls": written('{"command": "ls -l"}')},
        {"function_call": {"name": "bash", "arguments": '{"command": "ls -l"}'}},
        {"content": 'So: <tool_call>\n{"name": "bash", "arguments": {"command": "ls -l"}}\n</tool_call>'},
    ],
)
def test_a_call_that_is_nearly_right_is_read_and_kept_as_it_should_be(message: dict[str, Any]) -> None:
    read = read_reply(said(message), 1)
    (sent,) = wire_messages(ModelSpec("l", "local", "vendor/l"), [read])
    (asked,) = sent["tool_calls"]
    assert [action["command"] for action in read["extra"]["actions"]] == ["ls -l"]
    assert (asked["type"], asked["function"]["name"]) == ("function", "bash")
    assert json.loads(asked["function"]["arguments"])["command"] == "ls -l"


def test_line_ends_within_json_are_read() -> None:
    read = read_reply(said({"tool_calls": [written('{"command": "cat <<EOF\nx\nEOF"}')]}), 1)
    assert read["extra"]["actions"][0]["command"] == "cat <<EOF\nx\nEOF"
    assert json.loads(read["tool_calls"][0]["function"]["arguments"]) == {"command": "cat <<EOF\nx\nEOF"}


@pytest.mark.parametrize(
    ("message", "quoted"),
    [
        ({"tool_calls": [written('{"command": "ls', "bash")]}, 'You sent: {"command": "ls'),
        ({"tool_calls": [written("{}", "edit_file")]}, "Unknown tool edit_file"),
        ({"tool_calls": [written('{"path": "a.py"}')]}, 'You sent: {"path": "a.py"}'),
        ({"tool_calls": [written("x" * 9000)]}, f"{'x' * 300}… (9000 characters)"),
        ({"content": "I have fixed it."}, "You wrote only: I have fixed it."),
    ],
)
def test_who_cannot_be_read_is_told_what_it_wrote(message: dict[str, Any], quoted: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_reply(said(message, "stop"), 1)
    assert quoted in caught.value.messages[0]["content"]


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_arguments_are_read(arguments: Any) -> None:
    for given_ in (arguments, json.dumps(arguments), str(arguments)):
        read_calls({"tool_calls": [written(given_), arguments], "content": arguments}, 1)


# --------------------------------------------------------------------------------------------------------- refusals


REFUSALS: dict[str, tuple[dict[str, Any], str, str]] = {
    "refusal": ({"content": None, "refusal": "I cannot help."}, "stop", "I cannot help."),
    "a part": ({"content": [{"type": "refusal", "refusal": "I cannot help."}]}, "stop", "I cannot help."),
    "filtered": ({"content": ""}, "content_filter", ""),
    "filtered, with words": ({"content": "I cannot"}, "content_filter", "I cannot"),
    "safety": ({"content": None}, "SAFETY", ""),
    "its own word": ({"content": "No."}, "refusal", "No."),
}


@pytest.mark.parametrize(("message", "finish_reason", "words"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_model_that_refuses_is_asked_once(message: dict[str, Any], finish_reason: str, words: str) -> None:
    result = await World([said(message, finish_reason)]).run()
    assert (result.exit_status, result.words, result.steps, result.dollars) == (ExitStatus.REFUSED, words, 1, 0.5)
    assert result.error is None


async def test_who_calls_a_tool_does_not_refuse() -> None:
    called = {"content": None, "refusal": "Hm.", "tool_calls": [call("ls")]}
    result = await World([said(called, "content_filter"), reply(SUBMIT)]).run()
    assert (result.exit_status, result.words) == (ExitStatus.SUBMITTED, "")


async def test_who_only_talks_is_quoted_at_the_end() -> None:
    result = await World([said({"content": "I cannot help with that."}, "stop")] * 3).run()
    assert (result.exit_status, result.words) == (ExitStatus.FORMAT, "I cannot help with that.")


def test_a_cut_off_answer_is_told_so() -> None:
    with pytest.raises(FormatError) as caught:
        read_reply(said({"role": "assistant", "content": "So"}, "length"), 1)
    assert "limit of output tokens" in caught.value.messages[0]["content"]


@pytest.mark.parametrize("ids", [[None, None], ["", "b"], ["same", "same"], [7, 8]])
def test_calls_that_cannot_be_told_apart_get_ids(ids: list[object]) -> None:
    message = read_reply(said({"content": "", "tool_calls": [call("a", ids[0]), call("b", ids[1])]}), 9)
    assert [call["id"] for call in message["tool_calls"]] == ["call_9_0", "call_9_1"]
    assert [action["tool_call_id"] for action in message["extra"]["actions"]] == ["call_9_0", "call_9_1"]


def test_a_message_keeps_what_the_provider_wants_back_but_not_a_role_of_its_own_choice() -> None:
    given = {"role": "exit", "content": "x", "reasoning_details": [{"data": "…"}], "tool_calls": [call("ls")]}
    message = read_reply(said(given), 1)
    assert message["role"] == "assistant"
    assert message["reasoning_details"] == [{"data": "…"}]
    assert given["role"] == "exit"


# ------------------------------------------------------------------------------------------------------ trajectory


async def test_the_trajectory_is_redacted_and_in_upstreams_format() -> None:
    secret = "s3cret of\ntwo lines"
    agent = World([reply(f"echo {secret}"), reply(SUBMIT)]).agent()
    await agent.run()
    stored = gzip.decompress(agent.trajectory("sonnet", Redactor((secret,))))
    trajectory = json.loads(stored)
    assert b"s3cret" not in stored
    assert "[redacted]" in trajectory["messages"][3]["content"]
    assert trajectory["trajectory_format"] == "mini-swe-agent-1.1"
    assert trajectory["info"]["exit_status"] == "Submitted"
    assert trajectory["info"]["model_stats"] == {
        "instance_cost": 0.5,
        "api_calls": 2,
        "tokens": 220,
        "seconds": 4.0,
    }
    assert trajectory["info"]["config"]["model"] == {"model_name": "sonnet"}
    assert trajectory["info"]["mini_version"] == "2.4.6"
    assert [message["role"] for message in trajectory["messages"]] == [
        *("system", "user", "assistant", "tool", "assistant", "tool", "exit")
    ]
