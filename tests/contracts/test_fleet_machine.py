"""Whatever people, GitHub and crashes do, in whatever order, the laws hold: a machine of states looks for the order.

Two workers share a database and GitHub. What people do is what it comes to behind the intake: a solve is accepted or
not, ends or goes on. A crash comes between an effect at GitHub and its record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from bot.core.model import IssueRef, Person, Solve, SolveId, SolveOptions, Status, Trigger, TriggerKind, solve_id
from bot.core.text.outgoing import Redactor
from bot.github.github import Hub
from bot.github.tokens import AppIdentity
from bot.github.wire import connections
from bot.ports import Busy
from bot.simulators.github import GitHubSimulator, SimIssue
from bot.status_comment import StatusBoard
from bot.store.migrate import migrate
from bot.store.store import SqlStore, opened
from tests.contracts.github_world import Time, make_key, repo_of

T = TypeVar("T")
PEOPLE = st.sampled_from(["ann", "bob"])
WORKERS = st.integers(0, 1)
ENDS = st.sampled_from([Status.COMPLETED, Status.FAILED, Status.CANCELLED])


class Machine(RuleBasedStateMachine):
    requests: Bundle[Solve] = Bundle("requests")
    accepted: Bundle[SolveId] = Bundle("accepted")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.ended: dict[SolveId, Status] = {}
        self.told: set[SolveId] = set()
        self.number = 0

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(story)

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        self.directory = Path(self.stack.enter_context(TemporaryDirectory(prefix="solvebot-machine-")))
        database = self.directory / "solvebot.sqlite"
        database.write_bytes(migrated())
        url = f"sqlite:///{database}"
        self.time = Time()
        self.github = GitHubSimulator(self.directory, now=self.time.now, private_key_pem=make_key())
        self.repository = self.github.repository("acme/widget", files={"README.md": "# Widget\n"})
        await self.stack.enter_async_context(self.github.serving())
        self.pool = await self.stack.enter_async_context(connections())
        self.stores = [await self.stack.enter_async_context(opened(url)) for _ in range(2)]
        self.boards = [self._board(store) for store in self.stores]
        self.issues = [await self.repository.open_issue("It crashes", "", by="ada") for _ in range(2)]

    def _board(self, store: SqlStore) -> StatusBoard:
        identity = AppIdentity(str(self.github.app.app_id), self.github.app.private_key_pem)
        hub = Hub(
            self.pool,
            identity,
            self.time,
            api_url=self.github.url,
            server_url=self.github.url,
            write_interval=0.0,
            sleep=self.time.sleep,
            turns=store.turns,
        )
        return StatusBoard(hub, store, Redactor())

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.loop.close()

    # ------------------------------------------------------------------------------------- what people and GitHub do

    @rule(target=requests, which=st.integers(0, 1), by=PEOPLE, kind=st.sampled_from(TriggerKind))
    def asks(self, which: int, by: str, kind: TriggerKind) -> Solve:
        """By a label, a comment, one that was edited, or a review."""
        self.number += 1
        self.time.goes_on(seconds=1)
        at = self.time.now()
        trigger = Trigger(kind, f"t{self.number}", Person(by, ord(by[0])), at)
        issue = IssueRef(repo_of(self.repository), self.issues[which].number)
        return Solve(solve_id(issue, trigger.key), issue, "It crashes", "", trigger, SolveOptions(), at)

    @rule(target=accepted, solve=requests, worker=WORKERS)
    def is_delivered(self, solve: Solve, worker: int) -> SolveId:
        """For the first time or again."""
        active = self.run(self.stores[worker].active(solve.issue.repo.id, solve.issue.number))
        known = self.run(self.stores[worker].facts(solve.id))
        outcome = self.run(self.stores[worker].accept(solve))
        if isinstance(outcome, Busy):
            assert active is not None
            assert outcome.solve == active.id != solve.id
            return active.id
        assert known is not None or active is None
        return solve.id

    @rule(id=accepted, worker=WORKERS, status=ENDS)
    def ends(self, id: SolveId, worker: int, status: Status) -> None:
        """It is done, cancelled, its issue is closed; the first end stands."""
        stands = self.run(self.stores[worker].ended(id, status, at=self.time.now(), error="", by="ann said so"))
        assert stands is self.ended.setdefault(id, stands)

    @rule(id=accepted, worker=WORKERS)
    def news(self, id: SolveId, worker: int) -> None:
        self.number += 1
        self.run(self.stores[worker].noted(id, f"News {self.number}."))

    # ------------------------------------------------------------------------------------------- what workers do

    @rule(id=accepted, worker=WORKERS)
    def tells(self, id: SolveId, worker: int) -> None:
        self.run(self.boards[worker].refresh(id))
        self.told.add(id)

    @rule(id=accepted)
    def both_tell(self, id: SolveId) -> None:
        async def both() -> None:
            await asyncio.gather(*(board.refresh(id) for board in self.boards))

        self.run(both())
        self.told.add(id)

    @rule(id=accepted, worker=WORKERS, after=st.integers(0, 60))
    def crashes(self, id: SolveId, worker: int, after: int) -> None:
        """While it tells; then it is another process, which knows nothing but what is on record."""

        async def cut_off() -> None:
            telling = asyncio.create_task(self.boards[worker].refresh(id))
            for _ in range(after):
                await asyncio.sleep(0)
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling

        self.run(cut_off())
        self.boards[worker] = self._board(self.stores[worker])

    @rule(worker=WORKERS)
    def starts_again(self, worker: int) -> None:
        self.boards[worker] = self._board(self.stores[worker])

    @rule(times=st.integers(1, 2))
    def answers_get_lost(self, times: int) -> None:
        self.github.faults.add("POST", "*/comments", drop_answer=True, times=times)

    # --------------------------------------------------------------------------------------------------- the laws

    @invariant()
    def one_active_solve_per_issue(self) -> None:
        if hasattr(self, "stores"):
            active = self.run(self.stores[0].active_solves())
            found = [self.run(self.stores[0].facts(id)) for id in active]
            issues = [facts.solve.issue.number for facts in found if facts is not None]
            assert len(issues) == len(set(issues))

    @invariant()
    def at_most_one_status_comment_per_solve(self) -> None:
        for issue in getattr(self, "issues", []):
            firsts = [comment.body.partition("\n")[0] for comment in issue.bot_comments]
            assert len(firsts) == len(set(firsts)), firsts

    @invariant()
    def what_ended_stays_so(self) -> None:
        for id, status in self.ended.items():
            facts = self.run(self.stores[1].facts(id))
            assert facts is not None
            assert facts.status is status

    @rule(id=consumes(accepted))
    def the_last_word_is_said(self, id: SolveId) -> None:
        """However it ended, and whoever died on the way: after the reconciliation the comment says how it stands."""
        self.github.faults.clear()
        self.run(self.boards[0].refresh(id))
        assert not self.run(self.boards[1].lags(id))
        facts = self.run(self.stores[0].facts(id))
        assert facts is not None
        mine = [comment for comment in self._of(facts.solve.issue.number).bot_comments if id in comment.body]
        assert len(mine) == 1

    def _of(self, number: int) -> SimIssue:
        return next(issue for issue in self.issues if issue.number == number)


@cache
def migrated() -> bytes:
    """A database, as a file."""
    with TemporaryDirectory(prefix="solvebot-machine-") as name:
        path = Path(name) / "solvebot.sqlite"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
