"""A provider of models without models: the chat completions protocol with tools, on loopback.

What a model answers is a script: a function of the conversation, so that asking again after a crash gets the same
answer. `turns` makes one from a list. Faults that pass are put in front of the script with `interpose`.

The simulator is strict. A request that a real provider would refuse (roles out of order, a tool result nobody asked
for, a call nobody answered, no key, an empty list of tools) is refused, and noted in `errors`, which a test reads at
its end.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.simulators.model_requests import problem_with
from bot.simulators.serving import drop, gone, serving

Message = dict[str, Any]
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"

_KEPT_REQUESTS = 256
_BYTES_PER_TOKEN = 4


class Billing(Enum):
    """What an answer says about its cost."""

    FULL = "usage with cost"
    NO_COST = "usage without cost"
    NULL_COST = "usage with cost null"
    NO_USAGE = "no usage"


@dataclass(frozen=True, slots=True)
class Say:
    """Text without a tool call. `finish_reason` "length": it was cut off."""

    text: str
    finish_reason: str = "stop"
    billing: Billing = Billing.FULL


@dataclass(frozen=True, slots=True)
class Bash:
    """One call of the tool `bash` for each command. No command: not a model's answer, so at least one is needed."""

    commands: tuple[str, ...]
    text: str = ""
    billing: Billing = Billing.FULL


def bash(*commands: str, text: str = "", billing: Billing = Billing.FULL) -> Bash:
    return Bash(commands, text, billing)


@dataclass(frozen=True, slots=True)
class RawCalls:
    """Tool calls as they stand, for malformed ones."""

    calls: tuple[Message, ...]
    finish_reason: str = "tool_calls"
    billing: Billing = Billing.FULL


@dataclass(frozen=True, slots=True)
class Fault:
    """Any other answer. `billed`: its body gets a `usage` as if it were an answer."""

    status: int
    body: Message
    headers: Mapping[str, str] = field(default_factory=dict)
    billed: bool = False


@dataclass(frozen=True, slots=True)
class Garbage:
    """A 200 with any body: the error page of a proxy, or JSON that is broken somewhere."""

    text: str | bytes = "<html>502 Bad Gateway</html>"


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection ends before the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Hold:
    """Keeps the caller waiting until `release` is set: a slow answer, or, never released, one that hangs.

    `arrived` and `abandoned` are set when the caller has come and when it has gone away without the answer.
    """

    then: Say | Bash = Say("released")
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    abandoned: asyncio.Event = field(default_factory=asyncio.Event)


Answer = Say | Bash | RawCalls | Fault | Garbage | Drop | Hold
Script = Callable[[Sequence[Message]], Answer]
Turn = Answer | Callable[[str], Answer]
"""An answer, or a function from the last observation to one."""


def rate_limited(retry_after: str | None = None) -> Fault:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Fault(429, _error("Rate limit exceeded", 429), headers)


def server_error(status: int = 500) -> Fault:
    return Fault(status, _error("Internal server error", status))


def error_in_200(code: int | str | None = 502, *, billed: bool = False) -> Fault:
    return Fault(200, _error("Provider returned error", code), billed=billed)


def no_choices(*, billed: bool = True) -> Fault:
    return Fault(200, {"id": "gen-0", "object": "chat.completion", "choices": []}, billed=billed)


def too_much_text() -> Fault:
    message = "This endpoint's maximum context length is 8192 tokens. However, you requested about 9000 tokens."
    return Fault(400, _error(message, 400))


def unsupported(name: str) -> Fault:
    said = f"Unsupported parameter: '{name}' is not supported with this model."
    return Fault(400, {"error": {"message": said, "param": name, "code": "unsupported_parameter"}})


class ScriptEnded(Exception):
    """The conversation goes on where the script does not."""


def turns(*turns: Turn) -> Script:
    """One turn after the other, chosen by how often the conversation shows that the model has spoken.

    An answer that was refused for its format leaves no message of the assistant behind, but one of the user: both
    count. A conversation that goes on after the last turn is refused, and an error of the test.
    """

    def script(messages: Sequence[Message]) -> Answer:
        spoken = turn_number(messages)
        if spoken >= len(turns):
            raise ScriptEnded(f"the script has {len(turns)} turns and was asked for one more")
        turn = turns[spoken]
        return turn(_text(messages[-1])) if callable(turn) else turn

    return script


def turn_number(messages: Sequence[Message]) -> int:
    """How many answers the conversation has had, from 0."""
    roles = Counter(message["role"] for message in messages)
    return roles["assistant"] + roles["user"] - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came in, as it came; `size` in bytes."""

    model: str
    messages: tuple[Message, ...]
    request: Message
    size: int


class ModelSimulator:
    """State and script of the provider; `async with simulator.serving()` puts it on the net as `url`.

    `interpose` puts answers in front of a model's script, each used once. `asked` holds the last 256 requests.
    Each answer takes `latency` seconds, and costs `dollars_per_call` where given for a model, else a hundredth of a
    cent per thousand tokens. A model refuses the fields in `refuses`, wherever they stand, in OpenAI's words.
    """

    def __init__(self, key: str = "sk-simulated-0123456789", *, latency: float = 0.0) -> None:
        self.key = key
        self.latency = latency
        self.url = ""
        self.errors: list[str] = []
        self.asked: deque[Asked] = deque(maxlen=_KEPT_REQUESTS)
        self.calls: Counter[str] = Counter()
        self.under_way = 0
        self.most_under_way = 0
        self._scripts: dict[str, Script] = {}
        self._dollars: dict[str, float] = {}
        self.refuses: dict[str, tuple[str, ...]] = {}
        self._interposed: defaultdict[str, deque[Answer]] = defaultdict(deque)
        self._closing = asyncio.Event()

    def script(self, model: str, script: Script, *, dollars_per_call: float | None = None) -> None:
        self._scripts[model] = script
        if dollars_per_call is not None:
            self._dollars[model] = dollars_per_call

    def interpose(self, model: str, *answers: Answer) -> None:
        self._interposed[model].extend(answers)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[ModelSimulator]:
        self._closing.clear()
        async with serving(self.app()) as url:
            self.url = f"{url}/v1"
            try:
                yield self
            finally:
                self._closing.set()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    async def _complete(self, request: Request) -> Response:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self._answer(request)
        finally:
            self.under_way -= 1

    async def _answer(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return self._refuse(401, "No auth credentials found")
        body = await request.body()
        try:
            said = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            return self._refuse(400, f"the body is not a JSON object: {error}")
        model = str(said.get("model"))
        if model not in self._scripts:
            return self._refuse(400, f"{model} is not a valid model ID")
        if problem := problem_with(said):
            return self._refuse(400, problem)
        asked = Asked(model, tuple(said["messages"]), said, len(body))
        self.calls[model] += 1
        self.asked.append(asked)
        await asyncio.sleep(self.latency)
        for name in self.refuses.get(model, ()):
            if f'"{name}":'.encode() in body:
                return _json(unsupported(name).body, 400)
        interposed = self._interposed[model]
        try:
            answer = interposed.popleft() if interposed else self._scripts[model](asked.messages)
        except ScriptEnded as end:
            return self._refuse(400, f"{model}: {end}")
        return await self._render(request, asked, answer)

    async def _render(self, request: Request, asked: Asked, answer: Answer) -> Response:
        match answer:
            case Hold():
                await self._hold(request, answer)
                return await self._render(request, asked, answer.then)
            case Drop():
                await drop(request)
                return Response()
            case Garbage(text):
                return Response(text, media_type="text/html")
            case Fault(status, body, headers, billed):
                usage = {"usage": self._usage(asked, 0, Billing.FULL)} if billed else {}
                return _json(body | usage, status, headers)
            case _:
                return self._completion(asked, answer)

    async def _hold(self, request: Request, hold: Hold) -> None:
        """Until it is released, the caller goes away, or the simulator ends."""
        hold.arrived.set()
        leaving = asyncio.create_task(gone(request))
        waiting = {
            leaving,
            asyncio.create_task(hold.release.wait()),
            asyncio.create_task(self._closing.wait()),
        }
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                hold.abandoned.set()
        finally:
            for task in waiting:
                task.cancel()

    def _completion(self, asked: Asked, answer: Say | Bash | RawCalls) -> Response:
        message, finish_reason = _message(answer, turn_number(asked.messages))
        usage = self._usage(asked, len(msgspec.json.encode(message)), answer.billing)
        return _json(
            {
                "id": f"gen-{self.calls.total()}",
                "object": "chat.completion",
                "model": asked.model,
                "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
                **({} if usage is None else {"usage": usage}),
            }
        )

    def _usage(self, asked: Asked, sent: int, billing: Billing) -> Message | None:
        if billing is Billing.NO_USAGE:
            return None
        prompt, completion = asked.size // _BYTES_PER_TOKEN, sent // _BYTES_PER_TOKEN
        usage: Message = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0},
        }
        cost = self._dollars.get(asked.model, (prompt + completion) * 1e-7)
        match billing:
            case Billing.FULL:
                usage["cost"] = cost
            case Billing.NULL_COST:
                usage["cost"] = None
        return usage

    def _refuse(self, status: int, message: str) -> Response:
        self.errors.append(message)
        return _json(_error(message, status), status)


def _message(answer: Say | Bash | RawCalls, turn: int) -> tuple[Message, str]:
    match answer:
        case Say(text, finish_reason):
            return {"role": "assistant", "content": text}, finish_reason
        case RawCalls(calls, finish_reason):
            return {"role": "assistant", "content": None, "tool_calls": list(calls)}, finish_reason
        case Bash(commands, text):
            calls_ = [_call(f"call_{turn}_{index}", command) for index, command in enumerate(commands)]
            return {"role": "assistant", "content": text or None, "tool_calls": calls_}, "tool_calls"


def _call(id: str, command: str) -> Message:
    arguments = msgspec.json.encode({"command": command}).decode()
    return {"id": id, "type": "function", "function": {"name": "bash", "arguments": arguments}}


def _error(message: str, code: int | str | None) -> Message:
    return {"error": {"message": message, "code": code}}


def _text(message: Message) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def _json(data: Message, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(data), status, headers, media_type="application/json")
