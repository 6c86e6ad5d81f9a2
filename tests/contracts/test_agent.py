"""The agent loop by itself: replay at every boundary, when it ends, and what it makes of what models say."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from bot.agent.mini import SUBMIT, Agent, AgentResult, RunLimits, is_submission, read_reply
from bot.agent.prompts import Prompt
from bot.agent.upstream import FormatError
from bot.core.model import ExitStatus, Usage
from bot.core.outgoing import Redactor
from bot.ports import Denied, Finished, Reply, SandboxLost, Unavailable

PROMPT = Prompt("You solve issues.", "Fix it.")
LIMITS = RunLimits(steps=50, dollars=50.0, seconds=3600.0)


def call(command: object, id: object = "c0", **more: Any) -> dict[str, Any]:
    function = {"name": "bash", "arguments": json.dumps({"command": command})}
    return {"id": id, "type": "function", "function": function, **more}


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


@pytest.mark.parametrize(
    ("command", "ends"),
    [
        (SUBMIT, True),
        (f"  {SUBMIT}  \n", True),
        (f"\n{SUBMIT}", True),
        (f"{SUBMIT} && cat patch.txt", True),
        (f"{SUBMIT}&&true", True),
        (f"{SUBMIT}\ngit diff", True),
        (f"{SUBMIT}; true", False),
        (f"{SUBMIT} || true", False),
        (f"true && {SUBMIT}", False),
        (f"cat <<EOF\n{SUBMIT}\nEOF", False),
        (f"{SUBMIT}S", False),
        ("echo COMPLETE_TASK", False),
        ("", False),
        ("\n\n", False),
    ],
)
def test_submission_is_decided_from_the_command(command: str, ends: bool) -> None:
    assert is_submission(command) is ends


# ---------------------------------------------------------------------------------------------------- observations


async def observations(finished: Finished, *commands: str) -> list[str]:
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
    ],
)
def test_an_answer_without_a_usable_call_is_a_format_error_that_was_paid(message: dict[str, Any]) -> None:
    with pytest.raises(FormatError) as caught:
        read_reply(said(message), 1)
    (explanation,) = caught.value.messages
    assert explanation["role"] == "user"
    assert "tool" in explanation["content"]
    assert explanation["extra"]["cost"] == 0.5


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
