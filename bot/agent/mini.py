"""The agent: mini-SWE-agent's `DefaultAgent`, awaiting two coroutines instead of blocking on a model and a shell.

Each coroutine is one durable step of the engine. After a crash they answer from its log, the loop runs again from the
start and rebuilds the same messages byte by byte. So nothing here may read a clock or be random: durations come from
what the steps returned. Threads around the original would do up to some two hundred runs, but cannot cancel a call.

tests/contracts/test_agent_conformance.py compares every message with the original's. On purpose we differ in this:

- The end is decided from the command, never from output: a file that holds the marker ends nothing. What a submission
  carries is ignored, because the candidate is the difference of the tree that we compute ourselves.
- Tool calls that are nearly right are read, and who wrote one that cannot be is told what it was (calls.py).
- A model that refuses to work ends the run as `Refused`, unless it calls a tool all the same.
- A turn that ends the run leaves no tool call unanswered, so that the conversation can be continued.
- Output is what a terminal would show in the end.
- A spent budget ends the run as `CostExceeded`; upstream does not tell it from the step limit. No limit is ever off,
  and time is up between two commands of one answer as well.
- Errors of model and sandbox end the run instead of the program.
- `extra` holds seconds instead of a timestamp, and neither the raw response nor a second copy of the output.
"""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from bot.agent.calls import Unreadable, read_calls
from bot.agent.prompts import Prompt, observation, template
from bot.agent.protocol import text_of
from bot.agent.refusal import refusal
from bot.agent.upstream import BASH_TOOL, DefaultAgent, FormatError, InterruptAgentFlow
from bot.core.candidate.submission import Submission, submission
from bot.core.model import ExitStatus, Usage
from bot.core.text.outgoing import Redactor
from bot.core.text.terminal_text import as_shown
from bot.ports import Finished, Reply, WorldError

Message = dict[str, Any]
Think = Callable[[int, Sequence[Mapping[str, Any]]], Awaitable[Reply]]
"""(step, messages) -> the model's answer. Steps count from 1."""
Act = Callable[[int, int, str], Awaitable[Finished]]
"""(step, index, command) -> what came of it. The index counts the calls of one answer, from 0."""

TOOLS: tuple[Mapping[str, Any], ...] = (BASH_TOOL,)

_FORMAT_ERRORS = 3
_REPEATS = 4
_NOT_RUN = {"output": "", "returncode": -1, "exception_info": "action was not executed"}
_SUBMITTED = {"output": "", "returncode": 0, "exception_info": ""}


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Checked before each call of the model, so a run exceeds its dollars by one call at most.

    `seconds` is compared with what model and commands took together, not with the clock.
    """

    steps: int
    dollars: float
    seconds: float


@dataclass(frozen=True, slots=True)
class AgentResult:
    """How a run ended, and its totals. `error` is set when model or sandbox ended it.

    `words` is what the model said instead of working, where that ended it.
    """

    exit_status: ExitStatus
    steps: int
    dollars: float
    usage: Usage
    seconds: float
    messages: tuple[Message, ...]
    error: WorldError | None = None
    words: str = ""


class _Absent:
    """Stands where upstream has its model and environment, which only serialise themselves here."""

    def serialize(self) -> Message:
        return {}


class _Ended(InterruptAgentFlow):
    def __init__(self, status: ExitStatus) -> None:
        super().__init__(_exit(status))


class Agent(DefaultAgent):
    """One run. `think` and `act` may raise `WorldError`, which ends it; cancellation passes through."""

    def __init__(self, prompt: Prompt, limits: RunLimits, think: Think, act: Act) -> None:
        super().__init__(
            cast(Any, _Absent()),
            cast(Any, _Absent()),
            system_template="",  # the prompt comes rendered: no text from outside is ever compiled as a template
            instance_template="",
            step_limit=limits.steps,
            cost_limit=limits.dollars,
            wall_time_limit_seconds=int(limits.seconds),
            max_consecutive_format_errors=_FORMAT_ERRORS,
        )
        self.prompt = prompt
        self.limits = limits
        self.usage = Usage()
        self.seconds = 0.0
        self.error: WorldError | None = None
        self._think = think
        self._act = act
        self._last_command = ""
        self._times = 0
        self._words = ""

    async def run(self) -> AgentResult:  # type: ignore[override]  # a coroutine is the point of this class
        self.messages = []
        self.add_messages(
            {"role": "system", "content": self.prompt.system}, {"role": "user", "content": self.prompt.instance}
        )
        while self.messages[-1]["role"] != "exit":
            try:
                await self.step()
                self.n_consecutive_format_errors = 0
            except FormatError as error:
                self.n_consecutive_format_errors += 1
                self.add_messages(*error.messages)
                if self.n_consecutive_format_errors >= _FORMAT_ERRORS:
                    self.add_messages(_exit(ExitStatus.FORMAT))
            except InterruptAgentFlow as end:
                self.add_messages(*end.messages)
        status = ExitStatus(self.messages[-1]["extra"]["exit_status"])
        return AgentResult(
            exit_status=status,
            steps=self.n_calls,
            dollars=self.cost,
            usage=self.usage,
            seconds=self.seconds,
            messages=tuple(self.messages),
            error=self.error,
            words=self._words if status in (ExitStatus.REFUSED, ExitStatus.FORMAT) else "",
        )

    async def step(self) -> list[Message]:  # type: ignore[override]
        return await self.execute_actions(await self.query())

    async def query(self) -> Message:  # type: ignore[override]
        self._check_limits()
        self.n_calls += 1
        try:
            reply = await self._think(self.n_calls, self.messages)
        except WorldError as error:
            self.error = error
            self.cost += error.dollars
            raise _Ended(ExitStatus.MODEL) from error
        self.cost += reply.dollars
        self.usage += reply.usage
        self.seconds += reply.seconds
        message = self._heard(reply)
        self.add_messages(message)
        return message

    def _heard(self, reply: Reply) -> Message:
        self._words = refusal(reply.message, reply.finish_reason) or text_of(reply.message)
        try:
            return read_reply(reply, self.n_calls)
        except FormatError:
            if refusal(reply.message, reply.finish_reason) is not None:
                raise _Ended(ExitStatus.REFUSED) from None
            raise

    async def execute_actions(self, message: Message) -> list[Message]:  # type: ignore[override]
        actions: list[dict[str, str]] = message["extra"]["actions"]
        outputs: list[Message] = []
        end: ExitStatus | None = None
        for index, action in enumerate(actions):
            command = action["command"]
            handed_in = submission(command)
            if handed_in == Submission():
                outputs.append(_SUBMITTED)
                end = ExitStatus.SUBMITTED
                break
            if self.seconds >= self.limits.seconds:
                end = ExitStatus.TIME
                break
            try:
                finished = await self._act(self.n_calls, index, handed_in.before if handed_in else command)
            except WorldError as error:
                self.error = error
                end = ExitStatus.SANDBOX
                break
            self.seconds += finished.seconds
            outputs.append(self._output(command, finished))
            if handed_in and _went_on(finished, handed_in):
                end = ExitStatus.SUBMITTED
                break
        outputs += [_NOT_RUN] * (len(actions) - len(outputs))
        observed = [_observation(action, output) for action, output in zip(actions, outputs, strict=True)]
        return self.add_messages(*observed, *([] if end is None else [_exit(end)]))

    def trajectory(self, model_name: str, redact: Redactor) -> bytes:
        """The conversation as JSON in the format mini-swe-agent-1.1, gzipped; the same for the same run.

        Redacted text by text, before it becomes JSON, keys too: in JSON, a secret of several lines is another text.
        """
        about = {
            "info": {
                "model_stats": {"tokens": self.usage.total, "seconds": self.seconds},
                "config": {"model": {"model_name": model_name}},
            }
        }
        return gzip.compress(msgspec.json.encode(redact.within(self.serialize(about))), compresslevel=6, mtime=0)

    def _check_limits(self) -> None:
        if self.n_calls >= self.limits.steps:
            raise _Ended(ExitStatus.STEPS)
        if self.cost >= self.limits.dollars:
            raise _Ended(ExitStatus.DOLLARS)
        if self.seconds >= self.limits.seconds:
            raise _Ended(ExitStatus.TIME)

    def _output(self, command: str, finished: Finished) -> Message:
        self._times = self._times + 1 if command == self._last_command else 1
        self._last_command = command
        output = {
            "output": as_shown(finished.output),
            "returncode": finished.exit_code,
            "exception_info": _trouble(finished),
            "seconds": finished.seconds,
        }
        return output | ({"repeated": self._times} if self._times >= _REPEATS else {})


def read_reply(reply: Reply, step: int) -> Message:
    """The provider's message as part of our history, with its commands in `extra.actions`.

    Raises upstream's `FormatError` for a message without a usable call; like upstream, the history then gets only
    the explanation, so that it never holds a call that no provider would accept back.
    """
    paid = {"cost": reply.dollars, "seconds": reply.seconds}
    calls = read_calls(reply.message, step)
    if isinstance(calls, Unreadable):
        content = template("format-error").render(error=calls.why, finish_reason=reply.finish_reason)
        extra = {"interrupt_type": "FormatError", **paid, "reply": reply.message}
        raise FormatError({"role": "user", "content": content, "extra": extra})
    actions = [{"command": call.command, "tool_call_id": call.message["id"]} for call in calls]
    said = [call.message for call in calls]
    return {**reply.message, "role": "assistant", "tool_calls": said, "extra": {"actions": actions, **paid}}


def _went_on(finished: Finished, handed_in: Submission) -> bool:
    """Would a shell have come to the submission after this?"""
    stopped = finished.timed_out or finished.interrupted or finished.killed_by
    return not stopped and (handed_in.in_any_case or finished.exit_code == 0)


def _exit(status: ExitStatus) -> Message:
    return {"role": "exit", "content": status.value, "extra": {"exit_status": status.value, "submission": ""}}


def _observation(action: Mapping[str, str], output: Message) -> Message:
    return {
        "content": observation(output),
        "extra": {
            "returncode": output["returncode"],
            "exception_info": output["exception_info"],
            "seconds": output.get("seconds", 0.0),
        },
        "tool_call_id": action["tool_call_id"],
        "role": "tool",
    }


def _trouble(finished: Finished) -> str:
    """What the output alone does not tell."""
    if finished.interrupted:
        return "the machine was interrupted while this ran: look at what it left behind before you go on"
    if finished.timed_out:
        return f"the command was stopped, because it had not ended after {finished.seconds:.0f} seconds"
    if finished.killed_by:
        return f"the command was killed, because it went over the limit on {finished.killed_by}"
    return ""
