"""Build a world, serve it on a loopback port, wait for what happens in it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import uvicorn

from bot.simulators.github.actions import repositories
from bot.simulators.github.auth import App, Authority, generate_key
from bot.simulators.github.endpoints import ENDPOINTS
from bot.simulators.github.faults import Faults, RateLimits
from bot.simulators.github.files import Content
from bot.simulators.github.gitdata import GitStore
from bot.simulators.github.people import SimInstallation, SimIssue, SimRepository, describe
from bot.simulators.github.server import Logged, Server
from bot.simulators.github.shapes import Shapes
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import Account, AccountType, Comment, Issue, Repository, ReviewComment, State
from bot.simulators.github.webhooks import Webhooks

T = TypeVar("T")
SOON = 10.0  # seconds that a test waits before it gives up
SHOWN_REQUESTS = 15
CLOSING = 0.001  # seconds; a connection closes in the next turn of the loop
GRACE = 1.0  # seconds for requests that are being answered when the server stops


class GitHubSimulator:
    """`directory` holds the bare repositories. `now` is GitHub's clock, for expiry, limits and every timestamp.

    Knobs: `faults`, `limits`, `webhooks`, `authority` (token lifetime and form), `stage.verify_commits`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        webhook_secret: str = "the webhook's secret",
        now: Callable[[], datetime] | None = None,
        private_key_pem: str | None = None,
        slug: str = "solvebot",
    ) -> None:
        self._directory = directory
        self._state = State(now or (lambda: datetime.now(UTC)))
        bot = self._state.account(f"{slug}[bot]", AccountType.BOT)
        self.app = App(
            app_id=1_234_567,
            slug=slug,
            name=slug.title(),
            client_id="Iv23liSimulatedApp00",
            private_key_pem=private_key_pem or generate_key(),
            bot=bot,
            owner=self._state.account("octocat"),
        )
        self.authority = Authority(self._state, self.app)
        self.webhooks = Webhooks(self._state, webhook_secret)
        self.faults = Faults()
        self.limits = RateLimits(self._state)
        shapes = Shapes(self._state, self.app)
        self.stage = Stage(self._state, self.app, self.authority, shapes, self.webhooks, self.faults, self.limits)
        self._server = Server(self.stage, ENDPOINTS)

    @property
    def url(self) -> str:
        """Base of the API, of the pages and of the repositories to be fetched."""
        return self._state.url

    @property
    def errors(self) -> list[str]:
        """What no client may do, such as asking for a route that is not there. A test asserts that it is empty."""
        return self._state.errors

    @property
    def requests(self) -> Sequence[Logged]:
        """The latest requests, oldest first."""
        return self._server.requests

    # --------------------------------------------------------------------------------------------------- the world

    def user(self, login: str) -> Account:
        return self._state.account(login)

    def team(self, name: str, *logins: str, invited: Sequence[str] = ()) -> None:
        """`name`: organisation/slug. `invited`: who has not accepted yet."""
        members = self._state.teams.setdefault(name.lower(), {})
        members |= {self._state.account(login).id: login in logins for login in (*invited, *logins)}

    def robot(self, name: str) -> str:
        """Somebody else's App, by the login that it acts under."""
        return self._state.account(f"{name}[bot]", AccountType.BOT).login

    def repository(
        self,
        name: str,
        *,
        files: Mapping[str, Content] | None = None,
        history: Sequence[tuple[str, Mapping[str, Content | None]]] = (),
        private: bool = False,
        default_branch: str = "main",
        installed: bool = True,
        by: str = "octocat",
    ) -> SimRepository:
        """A new repository, `files` its first commit and `history` (message, changes) the next ones; neither: empty.

        The App is installed on the owner's account, for all repositories, unless that is declined.
        """
        login, _, short = name.partition("/")
        owner = self._state.account(login, AccountType.ORGANIZATION)
        number, now = self._state.id(), self._state.time()
        git = GitStore.create(self._directory / f"{number}.git", default_branch)
        state = Repository(number, owner, short, git, now, now, private=private, default_branch=default_branch)
        self._state.repositories[number] = state
        repo = SimRepository(self.stage, state)
        first = [("Initial commit", files)] if files else []
        repo.seed([*first, *history], by)
        if installed and all(i.account.id != owner.id for i in self._state.installations.values()):
            repositories.install(self.stage, owner, self._state.account(by), None)
        return repo

    def install(self, account: str, *, only: Sequence[SimRepository] | None = None) -> SimInstallation:
        """On all of the account's repositories, or only on some."""
        owner, by = self._state.account(account, AccountType.ORGANIZATION), self._state.account("octocat")
        chosen = None if only is None else [repo.state for repo in only]
        return SimInstallation(self.stage, repositories.install(self.stage, owner, by, chosen))

    # ----------------------------------------------------------------------------------------------------- serving

    @asynccontextmanager
    async def serving(self, webhook_url: str | None = None, *, port: int = 0) -> AsyncIterator[GitHubSimulator]:
        """On a loopback port of its own. `webhooks.url` may be set later; None sends nothing."""
        self.webhooks.url = webhook_url
        listener = _listen(port)
        self._state.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._server.app,
            log_config=None,
            access_log=False,
            lifespan="off",
            date_header=False,
            server_header=False,
        )
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        # Not `serve`: it would take over the process's signal handlers, and its loop only keeps a Date header fresh.
        await server.startup(sockets=[listener])
        try:
            yield self
        finally:
            self.faults.clear()
            await self.webhooks.stop()
            await _stop(server)

    # ----------------------------------------------------------------------------------------------------- waiting

    async def delivered(self) -> None:
        """Until all webhooks sent so far were answered."""
        await self.webhooks.delivered()

    async def wait_for(self, condition: Callable[[], T], timeout: float = SOON) -> T:
        """Until the condition is true, looked at again after every change; returns its value."""
        try:
            async with asyncio.timeout(timeout):
                while not (value := condition()):
                    await self._state.changes.next()
                return value
        except TimeoutError as error:
            raise TimeoutError(f"did not happen within {timeout} s\n{self._recent()}") from error

    async def next_comment(self, issue: SimIssue, timeout: float = SOON) -> Comment:
        """The App's oldest comment there that was not read yet; now it is read."""
        try:
            found = await self.wait_for(lambda: [c for c in issue.bot_comments if not c.read], timeout)
        except TimeoutError as error:
            raise TimeoutError(f"no new comment\n{describe(issue)}\n{error}") from error
        found[0].read = True
        return found[0]

    def unread(self) -> list[str]:
        """The App's comments that no story has looked at."""
        return [
            f"{repo.full_name}#{issue.number}: {comment.body}"
            for repo in self._state.repositories.values()
            for issue in repo.issues.values()
            for comment in _said(issue)
            if comment.by_app and not comment.read
        ]

    def _recent(self) -> str:
        latest = list(self._server.requests)[-SHOWN_REQUESTS:]
        deliveries = self.webhooks.deliveries[-SHOWN_REQUESTS:]
        return "\n".join(
            [
                "latest requests:",
                *(f"  {entry.method} {entry.path} {entry.status}" for entry in latest),
                "latest webhooks:",
                *(f"  {d.event}.{d.action} {d.status}" for d in deliveries),
                *(f"error: {error}" for error in self.errors),
            ]
        )


def _said(issue: Issue) -> list[Comment | ReviewComment]:
    """In the conversation, and in those on lines of the diff."""
    threads = issue.pull.threads if issue.pull else []
    return [*issue.comments, *(comment for thread in threads for comment in thread.comments)]


async def _stop(server: uvicorn.Server) -> None:
    """`shutdown` does the same and always takes 0.1 s, which is long for hundreds of tests."""
    state = server.server_state
    await asyncio.sleep(CLOSING)  # asyncio forgets the socket of a connection that it is just accepting
    for listening in server.servers:
        listening.close()
    deadline = asyncio.get_running_loop().time() + GRACE
    while (state.connections or state.tasks) and asyncio.get_running_loop().time() < deadline:
        for connection in list(state.connections):
            connection.shutdown()  # now if it is idle, else after its answer
        await asyncio.sleep(CLOSING)
    for task in list(state.tasks):
        task.cancel()


def _listen(port: int) -> socket.socket:
    """The protocol is named because asyncio sets TCP_NODELAY only then; without it every answer takes 40 ms."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener
