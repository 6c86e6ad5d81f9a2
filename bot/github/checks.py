"""Checks of a commit, and what a job of CI printed. They are told in two ways: check runs of Apps, and statuses.

GitHub keeps logs elsewhere and answers with an address there. It is asked without a token of ours, and of what comes
only the end is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import httpx
import msgspec

from bot.core.model import Repo, Sha
from bot.core.trigger.checks import MOST_CHECKS, Check, Seen, latest, state_of
from bot.github.access import Access
from bot.github.client import Call, encoded
from bot.github.refusals import TooLarge
from bot.github.tokens import Purpose
from bot.ports import Denied, Gone, Unavailable

ACTIONS = "github-actions"  # whose check runs are jobs that a log is kept of
_SECONDS = httpx.Timeout(10, read=30)
_MOST_READ = 100 * 2**20  # bytes of a log; what comes behind is not waited for
_ELSEWHERE = (302, 307)
_MOST_PAGES = MOST_CHECKS // 100


class _App(msgspec.Struct, frozen=True):
    slug: str = ""
    id: int = 0


class _Output(msgspec.Struct, frozen=True):
    title: str | None = None
    summary: str | None = None
    text: str | None = None


class _CheckRun(msgspec.Struct, frozen=True):
    id: int
    name: str
    status: str
    conclusion: str | None = None
    html_url: str | None = None
    started_at: str | None = None
    output: _Output = _Output()
    app: _App | None = None


class _CheckRuns(msgspec.Struct, frozen=True):
    check_runs: list[_CheckRun]


class _CheckSuite(msgspec.Struct, frozen=True):
    id: int
    status: str | None = None
    conclusion: str | None = None
    app: _App | None = None
    latest_check_runs_count: int = 0


class _CheckSuites(msgspec.Struct, frozen=True):
    check_suites: list[_CheckSuite]


class _Status(msgspec.Struct, frozen=True):
    id: int
    context: str
    state: str
    description: str | None = None
    target_url: str | None = None
    created_at: str = ""


class Checks:
    """`pool`: connections for what lies on other hosts than GitHub's API."""

    def __init__(self, access: Access, pool: httpx.AsyncBaseTransport, api_url: str) -> None:
        self._at = access
        self._pool = pool
        self._plain = api_url.startswith("http://")  # a GitHub that speaks no TLS keeps its logs so, too

    async def of(self, repo: Repo, commit: Sha) -> list[Check]:
        """As many as are looked at; where statuses may not be seen, there are none."""
        slug = (await self._at.ourselves(repo, Purpose.CHECKS)).login.removesuffix("[bot]")
        call = Call("GET", f"/commits{encoded(commit)}/check-runs", query={"filter": "all", "per_page": "100"})
        seen: list[Seen] = []
        for page in range(1, _MOST_PAGES + 1):
            numbered = Call(call.method, call.path, query={**call.query, "page": str(page)})
            runs = (await self._at.ask(repo, Purpose.CHECKS, numbered)).read(_CheckRuns).check_runs
            seen += [_seen(run, slug) for run in runs]
            if len(runs) < 100:
                break
        seen += await self._waiting(repo, commit)
        return [*latest(seen), *latest(await self._statuses(repo, commit))]

    async def _waiting(self, repo: Repo, commit: Sha) -> list[Seen]:
        """A workflow that waits for approval has no check run yet, only its suite says so."""
        call = Call("GET", f"/commits{encoded(commit)}/check-suites", query={"per_page": "100"})
        suites = (await self._at.ask(repo, Purpose.CHECKS, call)).read(_CheckSuites).check_suites
        waiting = [suite for suite in suites if suite.conclusion == "action_required"]
        return [
            Seen(Check(suite.app.slug if suite.app else "CI", state_of("completed", suite.conclusion)), ("", suite.id))
            for suite in waiting
            if not suite.latest_check_runs_count
        ]

    async def _statuses(self, repo: Repo, commit: Sha) -> list[Seen]:
        call = Call("GET", f"/commits{encoded(commit)}/statuses", query={"per_page": "100"})
        try:
            statuses = (await self._at.ask(repo, Purpose.STATUSES, call)).read(list[_Status])
        except Denied:
            return []
        return [
            Seen(
                Check(each.context, state_of(each.state, each.state), each.target_url or "", each.description or ""),
                (each.created_at, each.id),
            )
            for each in statuses
        ]

    async def log(self, repo: Repo, job: int, most: int) -> str:
        call = Call("GET", f"/actions/jobs/{job}/logs", expect=_ELSEWHERE)
        answer = await self._at.ask(repo, Purpose.LOGS, call)
        if answer.status not in _ELSEWHERE:
            return answer.content[-most:].decode(errors="replace")
        return (await self._end_of(answer.headers.get("location", ""), most)).decode(errors="replace")

    async def _end_of(self, address: str, most: int) -> bytes:
        if not address.startswith("https://") and not (self._plain and address.startswith("http://")):
            raise Gone("GitHub names no address for the log of a job")
        kept, size = deque[bytes](), 0
        client = httpx.AsyncClient(transport=_Kept(self._pool), timeout=_SECONDS, trust_env=False)
        try:
            async with client, client.stream("GET", address, headers={"User-Agent": "solvebot"}) as response:
                if response.status_code != 200:
                    raise _refused(response.status_code)
                async for chunk in response.aiter_bytes():
                    kept.append(chunk)
                    size += len(chunk)
                    if size > _MOST_READ:
                        raise TooLarge(f"the log of a job is larger than {_MOST_READ} bytes")
                    _drop(kept, most)
        except httpx.HTTPError as error:
            raise Unavailable(f"the log of a job: {type(error).__name__}") from None  # the address is a secret
        return b"".join(kept)[-most:]


def _drop(kept: deque[bytes], most: int) -> None:
    """What comes before the last `most` bytes."""
    while sum(map(len, kept)) - len(kept[0]) >= most:
        kept.popleft()


def _refused(status: int) -> Gone | Unavailable:
    text = f"the log of a job: {status}"
    return Unavailable(text) if status >= 500 else Gone(text)


class _Kept(httpx.AsyncBaseTransport):
    """The pool outlives the client."""

    def __init__(self, pool: httpx.AsyncBaseTransport) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._pool.handle_async_request(request)

    async def aclose(self) -> None:
        """The pool is closed by whoever opened it."""


def _seen(run: _CheckRun, slug: str) -> Seen:
    by = run.app.slug if run.app is not None else ""
    said = "\n\n".join(part for part in _said(run.output) if part)
    state = state_of(run.status, run.conclusion)
    job = run.id if by == ACTIONS else None
    check = Check(run.name, state, run.html_url or "", said, job, ours=by == slug)
    return Seen(check, (run.started_at or "", run.id))


def _said(output: _Output) -> Iterator[str]:
    yield output.title or ""
    yield output.summary or ""
    yield output.text or ""
