"""Whatever E2B's SDK and what is under it can raise, as an error of the port: a table that has to be complete."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import pkgutil
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import connectrpc.errors
import e2b
import httpx
import pyqwest
import pytest
from connectrpc.code import Code
from e2b import CommandExitException, exceptions

from bot.core.resilience.sandbox_leases import MachineId
from bot.ports import Crowded, Denied, Gone, Rejected, SandboxLost, Unavailable, Unclear, WorldError
from bot.sandbox.e2b.errors import CHECK_THE_KEY, translate, translated
from bot.sandbox.e2b.machines import E2BOptions, E2BProvider
from bot.simulators.e2b import E2B
from bot.simulators.e2b.faults import Failure, Kind, answer
from tests.contracts.e2b_world import account

OURS = None  # a mistake in how we called it: not translated

# By the names of classes, as the interpreter knows them.
BECOMES: dict[str, type[WorldError] | None] = {
    # e2b: a status decides, where there is one; see below
    "e2b.exceptions.SandboxException": Unclear,
    "e2b.exceptions.TimeoutException": Unclear,
    "e2b.exceptions.SandboxUnreachableException": Unclear,
    "e2b.exceptions.SandboxNotRunningException": SandboxLost,
    "e2b.exceptions.SandboxNotFoundException": SandboxLost,
    "e2b.exceptions.NotFoundException": Rejected,
    "e2b.exceptions.FileNotFoundException": Rejected,
    "e2b.exceptions.InvalidArgumentException": Rejected,
    "e2b.exceptions.NotEnoughSpaceException": Rejected,
    "e2b.exceptions.TemplateException": Rejected,
    "e2b.exceptions.RateLimitException": Crowded,
    "e2b.exceptions.ServiceBusyException": Unavailable,
    "e2b.exceptions.GuestUnresponsiveException": Unavailable,
    "e2b.exceptions.AuthenticationException": Denied,
    # e2b: a command's exit code is an answer, which the adapter reads before it gets here
    "e2b.sandbox.commands.command_handle.CommandExitException": Unclear,
    # e2b: nothing that we ask for
    "e2b.exceptions.GitAuthException": Rejected,
    "e2b.exceptions.GitUpstreamException": Rejected,
    "e2b.exceptions.BuildException": Rejected,
    "e2b.exceptions.FileUploadException": Rejected,
    "e2b.exceptions.VolumeException": Rejected,
    "e2b.exceptions.VolumeNotFoundException": Rejected,
    "e2b.exceptions.VolumePathNotFoundException": Rejected,
    "e2b.exceptions.SecretException": Rejected,
    "e2b.exceptions.SecretNotFoundException": Rejected,
    # Not raised: switched off in the SDK, and in the servers' half of Connect
    "e2b.api.client.errors.UnexpectedStatus": OURS,
    "e2b.volume.client.errors.UnexpectedStatus": OURS,
    "connectrpc._protocol.HTTPError": OURS,
    # The transports
    "httpx.HTTPError": Unclear,
    "httpx.RequestError": Unclear,
    "httpx.TransportError": Unclear,
    "httpx.TimeoutException": Unclear,
    "httpx.ConnectTimeout": Unclear,
    "httpx.ReadTimeout": Unclear,
    "httpx.WriteTimeout": Unclear,
    "httpx.PoolTimeout": Unclear,
    "httpx.NetworkError": Unclear,
    "httpx.ReadError": Unclear,
    "httpx.WriteError": Unclear,
    "httpx.ConnectError": Unavailable,
    "httpx.CloseError": Unclear,
    "httpx.ProxyError": Unclear,
    "httpx.UnsupportedProtocol": Unclear,
    "httpx.ProtocolError": Unclear,
    "httpx.LocalProtocolError": Unclear,
    "httpx.RemoteProtocolError": Unclear,
    "httpx.DecodingError": Unclear,
    "httpx.TooManyRedirects": Unclear,
    "httpx.HTTPStatusError": Unclear,
    "httpx.StreamError": Unclear,
    "httpx.StreamConsumed": Unclear,
    "httpx.StreamClosed": Unclear,
    "httpx.ResponseNotRead": Unclear,
    "httpx.RequestNotRead": Unclear,
    "httpx.InvalidURL": OURS,
    "httpx.CookieConflict": OURS,
    "pyqwest._errors.ConnectTimeout": Unclear,
    "pyqwest._errors.RemoteProtocolError": Unclear,
    "pyqwest._errors.StreamError": Unclear,
    "pyqwest.ReadError": Unclear,
    "pyqwest.WriteError": Unclear,
    "pyqwest.TooManyRedirects": Unclear,
    "connectrpc.errors.ConnectError": Unclear,
}


def below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


def known() -> dict[str, type[Exception]]:
    """Every exception that these libraries define, once all modules of the SDK are there."""
    for module in pkgutil.walk_packages(e2b.__path__, "e2b."):
        importlib.import_module(module.name)
    theirs = {"e2b", "httpx", "pyqwest", "connectrpc"}
    found = {kind for kind in below(Exception) if kind.__module__.partition(".")[0] in theirs}
    # What is compiled, or made for another error, still belongs to the table.
    found |= {kind for kind in vars(pyqwest).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    return {f"{kind.__module__}.{kind.__qualname__}": kind for kind in found}


def made(kind: type[Exception]) -> Exception:
    """One of the class, however many arguments its own way of being made needs."""
    if kind is CommandExitException:
        return CommandExitException(stderr="what it says", stdout="", exit_code=7, error=None)
    error = kind.__new__(kind, "what it says")
    error.args = ("what it says",)
    return error


def test_the_table_is_complete() -> None:
    assert sorted(known()) == sorted(BECOMES)


@pytest.mark.parametrize(("name", "expected"), BECOMES.items())
def test_every_class(name: str, expected: type[WorldError] | None) -> None:
    became = translate(made(known()[name]), "create")
    assert (type(became) if became else None) is expected
    if became is not None:
        assert str(became).startswith(f"create: {name.rpartition('.')[2]}: ")
        assert became.remedy == (CHECK_THE_KEY if expected is Denied else "")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, Unclear),
        (400, Rejected),
        (401, Denied),
        (403, Denied),
        (404, Gone),
        (408, Unclear),
        (409, Rejected),
        (422, Rejected),
        (429, Crowded),
        (500, Unclear),
        (502, Unclear),
        (503, Unclear),
        (504, Unclear),
    ],
)
def test_every_status(status: int | None, expected: type[WorldError]) -> None:
    """Of the control plane it is an attribute; of a machine's agent it is the beginning of what it says."""
    assert type(translate(exceptions.SandboxException("why", status_code=status))) is expected
    if status is not None:
        assert type(translate(exceptions.SandboxException(f"{status}: why"))) is expected


@pytest.mark.parametrize("code", Code)
def test_every_code_that_the_sdk_has_no_class_for(code: Code) -> None:
    """As `e2b.envd.rpc.handle_rpc_exception` writes them."""
    expected = {Code.PERMISSION_DENIED: Denied, Code.RESOURCE_EXHAUSTED: Crowded, Code.UNAUTHENTICATED: Denied}
    assert type(translate(exceptions.SandboxException(f"{code}: why"))) is expected.get(code, Unclear)
    assert type(translate(connectrpc.errors.ConnectError(code, "why"))) is Unclear


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefusedError(), Unclear),
        (ConnectionResetError(), Unclear),
        (TimeoutError(), Unclear),
        (json.JSONDecodeError("Expecting value", "<html>", 0), Unclear),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), Unclear),
        (KeyError("sandboxID"), Unclear),
        (Exception("Command ended without an end event"), Unclear),
        (TypeError("missing argument"), OURS),
        (ValueError("embedded null byte"), OURS),
        (AssertionError(), OURS),
        (AttributeError("'NoneType' object has no attribute 'x'"), OURS),
        (RuntimeError("no running event loop"), OURS),
        (type("Surprise", (Exception,), {})(), OURS),
    ],
)
def test_what_python_itself_has_for_it(error: Exception, expected: type[WorldError] | None) -> None:
    became = translate(error)
    assert (type(became) if became else None) is expected


async def test_what_is_no_error_of_theirs_passes_through() -> None:
    for error in (TypeError("ours"), KeyboardInterrupt(), Gone("already translated")):
        with pytest.raises(type(error)) as raised:
            async with translated("list"):
                raise error
        assert raised.value is error
    with pytest.raises(Unclear) as unclear:
        async with translated("list"):
            raise httpx.ReadTimeout("slow")
    assert isinstance(unclear.value.__cause__, httpx.ReadTimeout)


# ------------------------------------------------------------------------------------------------ through the real SDK


@pytest.fixture
async def service() -> AsyncIterator[E2B]:
    async with account() as acme:
        yield acme.service


def provider(service: E2B, key: str = "") -> E2BProvider:
    return E2BProvider(E2BOptions(key or service.key, "test", api_url=service.url))


READS: dict[str, Callable[[E2BProvider], Awaitable[object]]] = {
    "list": lambda asked: asked.machines(),
    "list_snapshots": lambda asked: asked.images(),
    "connect": lambda asked: asked.execute(MachineId("i123"), "true", timeout=5.0),
}
BODIES = ("", "null", "[]", "{}", '"odd"', "7", "[7]", "\xff", "<html>", '{"message": null}')


@pytest.mark.namespaces
@pytest.mark.parametrize("operation", READS)
async def test_an_answer_of_any_shape_is_understood_or_unclear(service: E2B, operation: str) -> None:
    asked = provider(service)
    for status, body in itertools.product((200, 201, 500, 502, 503), BODIES):
        service.faults.add(operation, Failure(Kind.ANSWER, status, body))
        try:
            said = await READS[operation](asked)
        except Unavailable:
            continue
        assert (status < 300, said) == (True, []), (status, body)


@pytest.mark.namespaces
@pytest.mark.parametrize("key", ["e2b_" + "0123456789" * 4, "not a key at all 0123456789"])
async def test_a_wrong_key_is_denied_and_not_repeated_to_anybody(service: E2B, key: str) -> None:
    with pytest.raises(Denied) as denied:
        await provider(service, key).machines()
    assert denied.value.remedy == CHECK_THE_KEY
    assert key not in "".join(map(str, told(denied.value)))
    assert "0123456789" not in f"{E2BOptions(key, 'test')!r}"


@pytest.mark.namespaces
async def test_no_message_holds_the_key(service: E2B) -> None:
    asked = provider(service)
    for failure in (
        *(answer(status) for status in (400, 401, 403, 404, 409, 429, 500, 502, 503, 504)),
        Failure(Kind.DROP_BEFORE),
    ):
        service.faults.add("list", failure)
        with pytest.raises(WorldError) as failed:
            await asked.machines()
        assert service.key not in "".join(map(str, told(failed.value)))


@pytest.mark.namespaces
@pytest.mark.parametrize("operation", ["list", "list_snapshots"])
async def test_who_is_cancelled_ends_so_at_whatever_moment(service: E2B, operation: str) -> None:
    """Else a bot that is stopped waits for ever for a chore that goes on. Which moments: chance, but many."""
    asked, moments = provider(service), random.Random(1)
    ended = Counter[str]()
    while ended["cancelled"] < 60:
        call = asyncio.ensure_future(READS[operation](asked))
        for _ in range(moments.randrange(1, 30)):
            await asyncio.wait({call}, timeout=0.0002)
        if call.cancel():
            await asyncio.wait({call})
            ended["cancelled" if call.cancelled() else "as if nothing had happened"] += 1
    assert ended.keys() == {"cancelled"}


def told(error: BaseException | None) -> Iterator[BaseException]:
    """It, and all that it came from: a traceback in the log shows them."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
