"""One request to GitHub, as often as core/resilience/github_retry.py allows: its answer, or one of the ports' errors.

githubkit does the rest of it, and is told to leave alone what is decided here: it neither retries, follows redirects,
caches nor mints tokens (bot/github/wire.py). Redirects are never followed: a POST would turn into a GET, and a token
would travel to wherever the answer points. The hub knows how to find a repository that moved.

Its raw `arequest`, and types of ours (responses.py): its typed methods take 0.35 ms of processor for a call where this
takes 0.23, 21 MB and 0.1 s at the first, and refuse whole answers for a field that nobody reads (a comment whose
`author_association` is new). A call has to be a value here, too, since it may be sent again with another token.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import httpx
import msgspec
import structlog
from githubkit import GitHub, UnauthAuthStrategy
from githubkit.exception import GitHubException, RequestError, RequestFailed

from bot.core.resilience.github_retry import Failed, GiveUp, Wait, next_move
from bot.github.refusals import Refusal, TooLarge, error_of
from bot.github.wire import LARGEST_ANSWER, headers_of
from bot.ports import Clock, Rejected, Unavailable, WorldError

log = structlog.get_logger()

Sleep = Callable[[float], Awaitable[object]]
T = TypeVar("T")

API_VERSION = "2022-11-28"
JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
GRAPHQL = "/graphql"
_TOTAL_SECONDS = 120
_MOST_PAGES = 1000
_NOT_UNDERSTOOD = (msgspec.DecodeError, UnicodeDecodeError)  # the second one for text that is not UTF-8
_NEXT = re.compile(r'<([^<>]*)>;\s*rel="next"')  # GitHub's form of RFC 8288


def encoded(*segments: str | int) -> str:
    """`/a/b%2Fc` of ("a", "b/c"). Raises `Rejected` for what would climb to another path."""
    if any(str(segment) in ("", ".", "..") for segment in segments):
        raise Rejected(f"{'/'.join(map(str, segments))!r} is not a path")
    return "".join("/" + quote(str(segment), safe="") for segment in segments)


@dataclass(frozen=True, slots=True)
class Call:
    """`expect`: statuses besides 2xx that are an answer here. `repeatable`: a POST that may as well happen twice."""

    method: str
    path: str  # percent-encoded
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = JSON
    expect: tuple[int, ...] = ()
    repeatable: bool = False
    limit: int = LARGEST_ANSWER  # bytes

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    call: Call
    status: int
    headers: Mapping[str, str]  # names in lower case
    content: bytes
    next: str | None = None  # address of the next page

    def read(self, type: type[T]) -> T:
        """The fields that we use of a JSON answer. Raises `Unavailable` when they are not there."""
        try:
            return msgspec.json.decode(self.content, type=type)
        except _NOT_UNDERSTOOD as error:
            raise Unavailable(f"GitHub's answer to {self.call} cannot be understood: {error}") from error

    @property
    def message(self) -> str:
        """What GitHub says was wrong, on one line; empty for answers that say nothing."""
        try:
            complaint = msgspec.json.decode(self.content, type=_Complaint)
        except _NOT_UNDERSTOOD:
            return ""
        errors = [complaint.errors] if isinstance(complaint.errors, str) else complaint.errors
        details = [e if isinstance(e, str) else str(e.get("message") or e.get("code", "")) for e in errors]
        return "; ".join(part for part in (complaint.message, *details) if part)

    def error(self) -> WorldError:
        """What it means, for a caller that expected this status but can do nothing about it."""
        return error_of(Refusal(str(self.call), self.status, self.message, self.headers), {})


class _Complaint(msgspec.Struct):
    message: str = ""
    errors: list[dict[str, Any] | str] | str = []


@dataclass(slots=True)
class Token:
    """`worked`: GitHub has accepted it before, so that a 401 or 404 means what it says."""

    value: str = field(repr=False)
    expires_at: datetime
    fresh_until: datetime  # until then not all of GitHub may know it
    worked: bool = False


class Credentials(Protocol):
    """Two fit: the App itself and one of its installations (github/tokens.py)."""

    @property
    def permissions(self) -> Mapping[str, str]:
        """What the token may do, for the remedy when that was not enough."""

    async def token(self) -> Token: ...

    def refused(self, token: Token) -> bool:
        """GitHub no longer accepts it. True when another one may be had."""


class Client:
    """`github`: without an identity of its own; every call says who asks."""

    def __init__(
        self, github: GitHub[UnauthAuthStrategy], api_url: str, clock: Clock, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._github = github
        self._api = api_url.rstrip("/")
        self._clock = clock
        self._sleep = sleep

    async def call(self, call: Call, credentials: Credentials) -> Answer:
        """Raises `Unavailable` (`Uncertain` when it may have been done), `Denied`, `Gone` (`Moved`) or `Rejected`."""
        attempt, renewed = 1, False
        while True:
            token = await credentials.token()
            answer = await self._send(call, token)
            if isinstance(answer, Answer) and answer.status < 300:
                token.worked = True
                return answer
            failed = self._failed(call, answer, attempt, token)
            match next_move(failed):
                case Wait(seconds):
                    log.info("github.wait", call=str(call), status=failed.status, why=failed.message, seconds=seconds)
                    await self._sleep(seconds)
                    attempt += 1
                case GiveUp(retry_after):
                    if failed.status == 401 and not renewed and credentials.refused(token):
                        attempt, renewed = 1, True
                        continue
                    if isinstance(answer, Answer) and answer.status in call.expect:
                        return answer
                    refusal = Refusal(str(call), failed.status, failed.message, failed.headers, retry_after)
                    raise error_of(refusal, credentials.permissions)

    async def pages(self, first: Answer, credentials: Credentials) -> AsyncGenerator[Answer, None]:
        """This answer and the ones that its Link headers lead to."""
        page = first
        yield page
        for _ in range(_MOST_PAGES):
            if page.next is None:
                return
            if not page.next.startswith(self._api + "/"):
                raise Rejected(f"the page after {page.call} is on another host")  # which must not get our token
            page = await self.call(replace(page.call, path=page.next.removeprefix(self._api), query={}), credentials)
            yield page
        raise Rejected(f"{first.call} has more than {_MOST_PAGES} pages")

    def _failed(self, call: Call, answer: Answer | _NoAnswer, attempt: int, token: Token) -> Failed:
        now = self._clock.now()
        return Failed(
            call.method,
            answer.status,
            answer.headers,
            attempt,
            now,
            message=answer.message,
            repeatable=call.repeatable,
            fresh=not token.worked and now < token.fresh_until,
        )

    async def _send(self, call: Call, token: Token) -> Answer | _NoAnswer:
        headers = {
            "Accept": call.accept,
            "Authorization": f"Bearer {token.value}",
            "X-GitHub-Api-Version": API_VERSION,
        }
        api = self._api.removesuffix("/v3") if call.path == GRAPHQL else self._api  # as GitHub Enterprise has it
        url = httpx.URL(api + call.path)
        try:
            async with asyncio.timeout(_TOTAL_SECONDS):
                sent = await self._github.arequest(
                    call.method, url.copy_merge_params(call.query), json=call.body, headers=headers
                )
            response = sent.raw_response
        except RequestFailed as error:
            response = error.response.raw_response
        except (GitHubException, TimeoutError) as error:
            # Only the text is kept: the exception may carry the request's headers, and with them the token.
            return _NoAnswer(_text_of(error))
        if len(response.content) > call.limit:
            raise TooLarge(f"the answer to {call} is larger than {call.limit} bytes")
        found = headers_of(response)
        return Answer(call, response.status_code, found, response.content, _next_page(found))


def _text_of(error: Exception) -> str:
    cause = error.exc if isinstance(error, RequestError) else error
    if isinstance(cause, WorldError):
        raise cause
    return f"{type(cause).__name__}: {cause}"


@dataclass(frozen=True, slots=True)
class _NoAnswer:
    message: str
    status: None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def _next_page(headers: Mapping[str, str]) -> str | None:
    link = _NEXT.search(headers.get("link", ""))
    return None if link is None else link[1]
