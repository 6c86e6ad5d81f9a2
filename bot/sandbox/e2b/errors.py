"""Every exception of the E2B SDK and of the transports under it, as an error of the port.

The classes are those of SDK 2.63.0; a test walks its tree, so that a new one cannot be forgotten. What is no error of
the service's (a mistake of ours in calling it) is not translated.
"""

from __future__ import annotations

import asyncio
import json
import re
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pyqwest
from connectrpc.errors import ConnectError
from e2b import exceptions as e2b

from bot.ports import Crowded, Denied, Gone, Rejected, SandboxLost, Unavailable, Unclear, WorldError

CHECK_THE_KEY = "The sandbox service refuses our key. Set a valid E2B_API_KEY; `solvebot doctor` checks it."
_NEVER_ASKED_FOR = (
    e2b.GitAuthException,
    e2b.GitUpstreamException,
    e2b.BuildException,
    e2b.VolumeException,
    e2b.VolumeNotFoundException,
    e2b.VolumePathNotFoundException,
    e2b.SecretException,
)
_GONE = (e2b.SandboxNotRunningException, e2b.SandboxNotFoundException)
_REFUSED = (
    e2b.InvalidArgumentException,
    e2b.NotEnoughSpaceException,
    e2b.NotFoundException,  # of a file, a user, a process
    e2b.TemplateException,
)
# After a connection is up: whatever was asked may have been done. KeyError and those of decoding are how the SDK meets
# an answer that is no JSON, or not the JSON it expects; an HTML page of a proxy, as a rule.
_LOST_ON_THE_WAY = (
    httpx.HTTPError,
    httpx.StreamError,
    ConnectError,
    pyqwest.ReadError,
    pyqwest.WriteError,
    pyqwest.RemoteProtocolError,
    pyqwest.TooManyRedirects,
    OSError,
    json.JSONDecodeError,
    UnicodeDecodeError,
    KeyError,
)
# How its readers of answers fail on JSON of another shape: `null` where they expect an object, say.
_MISREAD = (TypeError, ValueError, AttributeError)
_READERS = "e2b.api"
# How the SDK words what a machine's agent refuses, where it has no class for it: it keeps no status then.
_WORDED = re.compile(r"(?:(?P<status>\d{3})|Code\.(?P<code>[A-Z_]+)): ")
_STATUS_OF_CODE = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "RESOURCE_EXHAUSTED": 429}


@asynccontextmanager
async def translated(asked: str) -> AsyncIterator[None]:
    """`asked` is what the log will say was asked.

    Whoever is cancelled meanwhile ends so: under the SDK a cancellation may come to nothing (`asyncio.wait_for` of
    Python 3.11 and its HTTP client forget one that meets the answer) or look like an error of the connection.
    """
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        try:
            yield
        finally:
            if task.cancelling() > before:
                raise asyncio.CancelledError
    except WorldError:
        raise
    except Exception as error:
        if (known := translate(error, asked)) is None:
            raise
        raise known from error


def translate(error: Exception, asked: str = "") -> WorldError | None:
    """None: not one of theirs."""
    message = f"{asked}: {type(error).__name__}: {error}"[:2000]
    match error:
        case e2b.SandboxException() if type(error) is e2b.SandboxException:
            return _by_status(error.status_code or _worded_status(str(error)), message)
        case _ if isinstance(error, _GONE):
            return SandboxLost(message)
        case _ if isinstance(error, (*_NEVER_ASKED_FOR, *_REFUSED)):
            return Rejected(message)
        case e2b.AuthenticationException():
            return Denied(message, remedy=CHECK_THE_KEY)
        case e2b.RateLimitException():
            return Crowded(message)
        case e2b.ServiceBusyException() | e2b.GuestUnresponsiveException() | httpx.ConnectError():
            return Unavailable(message)
        case e2b.SandboxException():  # timeouts, unreachable: what became of it is not known
            return Unclear(message)
        case _ if isinstance(error, _LOST_ON_THE_WAY):
            return Unclear(message)
        case _ if isinstance(error, _MISREAD) and _came_from(error, _READERS):
            return Unclear(message)
        case _ if type(error) is Exception:  # "Command ended without an end event"
            return Unclear(message)
    return None


def _by_status(status: int | None, message: str) -> WorldError:
    match status:
        case 401 | 403:
            return Denied(message, remedy=CHECK_THE_KEY)
        case 404:  # of a template or a snapshot
            return Gone(message)
        case 429:
            return Crowded(message)
        case int() if 400 <= status < 500 and status != 408:
            return Rejected(message)
        case _:  # 5xx, a timeout; None is any other error of the machine's agent
            return Unclear(message)


def _worded_status(text: str) -> int | None:
    found = _WORDED.match(text)
    if found is None:
        return None
    return int(found["status"]) if found["status"] else _STATUS_OF_CODE.get(found["code"])


def _came_from(error: Exception, module: str) -> bool:
    modules = (frame.f_globals.get("__name__", "") for frame, _line in traceback.walk_tb(error.__traceback__))
    return any(name == module or name.startswith(f"{module}.") for name in modules)
