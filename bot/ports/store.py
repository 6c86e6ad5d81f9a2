"""What is known about solves, runs, models and places, at rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.core.choosing.approval import Approval
from bot.core.choosing.overlap import Neighbour, Overlap
from bot.core.evidence.behaviour import Probed
from bot.core.evidence.pool import PooledTest
from bot.core.model import (
    Baseline,
    Candidate,
    Compared,
    Consulted,
    Decision,
    Evidence,
    ExitStatus,
    Experiment,
    Fared,
    Fate,
    IssueTests,
    KnownEnvironment,
    Limits,
    Minimal,
    ModelSpec,
    PullRequest,
    Repo,
    RunId,
    SandboxId,
    SetUp,
    Sha,
    Solve,
    SolveFacts,
    SolveId,
    Status,
    Task,
    Toolchain,
    Usage,
    Workspace,
)
from bot.core.trigger.batches import Batch
from bot.core.trigger.budgets import Budget, OverBudget, Spent
from bot.core.trigger.pull_watch import PullWatch
from bot.core.views import WorkerView
from bot.ports.requests import Requests


@dataclass(frozen=True, slots=True)
class Busy:
    """Another solve is active for the issue."""

    solve: SolveId


@dataclass(frozen=True, slots=True)
class Full:
    """As many solves have begun in this repository as may begin in 24 hours."""

    most: int
    free_at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """How many there are in each state: what is going on, and which solves have ended lately.

    `waiting`: deliveries that the engine does not have yet; `oldest` is when the first of them came.
    `queued_since`: when the oldest run was planned that has not begun.
    """

    solves: Mapping[Status, int]
    runs: Mapping[Status, int]  # of solves that are going on
    ended: Mapping[Status, int]
    waiting: int = 0
    oldest: datetime | None = None
    queued_since: datetime | None = None


class Store(Protocol):
    """Each method is one transaction named for what happened, and may be replayed."""

    @property
    def requests(self) -> Requests: ...

    # solves
    async def accept(
        self, solve: Solve, budgets: Sequence[Budget] = (), *, a_day: int | None = None
    ) -> Solve | Busy | Full | OverBudget:
        """Claim the issue for this solve, and set its dollars aside. Asked again with the same id: accepted again.

        Whoever asks at the same time: what is set aside never exceeds a budget. `a_day`: how many may begin in one
        repository in 24 hours; revisions do not count.
        """

    async def spent(self, budgets: Sequence[Budget], now: datetime) -> list[Spent]:
        """In the period that `now` is in; of a budget for each repository or person, by the one that spent most."""

    async def facts(self, id: SolveId) -> SolveFacts | None: ...
    async def latest(self, repo_id: int, issue: int) -> SolveFacts | None:
        """About this issue or pull request; of a pull request that was revised, the newest revision."""

    async def of_pull(self, repo_id: int, number: int) -> SolveFacts | None:
        """The solve that opened the pull request."""

    async def revisions(self, id: SolveId) -> list[SolveFacts]:
        """Of that solve's pull request, oldest first."""

    async def batch_begun(self, batch: Batch) -> None:
        """Said again, the first word stands."""

    async def batch_of(self, id: SolveId) -> str:
        """That it was asked for with; "" where it was alone."""

    async def batch(self, id: str) -> Batch | None: ...
    async def with_head(self, repo_id: int, head: Sha) -> SolveFacts | None:
        """The solve or the revision that pushed this commit."""

    async def watched(self, id: SolveId, watch: PullWatch) -> None: ...

    async def active(self, repo_id: int, issue: int) -> SolveFacts | None: ...
    async def active_solves(self, *, repo_id: int | None = None, installation: int | None = None) -> list[SolveId]: ...
    async def commented(self, id: SolveId, comment_id: int) -> None: ...
    async def shown(self, id: SolveId) -> str:
        """A digest of what the status comment says; "" when there is none."""

    async def showing(self, id: SolveId, digest: str) -> None: ...
    async def frozen(self, id: SolveId, task: Task, at: datetime) -> None: ...
    async def planned(self, id: SolveId, experiments: Sequence[Experiment], limits: Limits) -> None:
        """Also creates the run rows, pending, under `run_id(solve, experiment.index)`."""

    async def published_after_all(self, id: SolveId, at: datetime, *, error: str) -> None:
        """Of one that had failed: it is complete, unless there is an error again."""

    async def setup_worked(self, id: SolveId, work: Consulted) -> None:
        """Totals so far, which are never lowered. Where there is no such solve, nobody is told."""

    async def prepared(self, id: SolveId, toolchain: Toolchain, baseline: Baseline) -> None: ...
    async def issue_tests_written(self, id: SolveId, tests: IssueTests) -> None:
        """A model was asked for some; there may be none."""

    async def pooled(self, id: SolveId, pool: Sequence[PooledTest]) -> None: ...
    async def probed(self, id: SolveId, probed: Probed) -> None: ...
    async def became(self, id: SolveId, fate: Fate, at: datetime) -> None:
        """What people did with the pull request. What was reverted stays so, in whatever order events come."""

    async def reopened(self, id: SolveId) -> None:
        """What was closed is open again: nothing has become of it yet."""

    async def abandoned(self, *, since: datetime, before: datetime) -> list[SolveFacts]:
        """Whose pull request was closed, and not merged, in between; at most 100."""

    async def unwanted(self, id: SolveId, why: str) -> bool:
        """Why its pull request was closed, as somebody says. False: it is open, or was merged."""

    async def neighbours(self, repo_id: int, *, since: datetime) -> list[Neighbour]:
        """Of solves that began since then, those whose pull request is open as far as we know, the newest first."""

    async def overlaps(self, id: SolveId, overlap: Overlap) -> None:
        """Its pull request is told of another one."""

    async def undecided(self, *, since: datetime) -> list[SolveFacts]:
        """With a pull request of which nobody has told us what became of it, ended since then; at most 100."""

    async def lately_ended(self, *, since: datetime) -> list[SolveFacts]:
        """The latest first; at most 100."""

    async def fate_at(self, id: SolveId) -> datetime | None: ...

    async def record(self) -> list[Fared]:
        """Of the newest 2,000 champions whose fate is known."""

    async def trimmed(self, id: SolveId, minimal: Minimal) -> None: ...

    async def compared(self, id: SolveId, compared: Compared) -> None:
        """With all answers so far."""

    async def awaits(self, id: SolveId, approval: Approval) -> None:
        """Its champion is published when somebody approves of it. What was asked before stands."""

    async def answered(self, id: SolveId, answer: Approval) -> Approval | None:
        """The first answer stands, and is returned; None: nothing waits there, because it is over."""

    async def decided(self, id: SolveId, decision: Decision) -> None: ...
    async def published(self, id: SolveId, pull_request: PullRequest) -> None: ...
    async def noted(self, id: SolveId, note: str) -> None:
        """Add to `notes`, once."""

    async def ended(
        self, id: SolveId, status: Status, *, at: datetime, error: str = "", incident: str = "", by: str = ""
    ) -> Status:
        """Set the terminal status unless there is one already; returns the one that stands.

        Runs of the solve that are not over end with it as cancelled (or failed, when it failed).
        """

    async def runs_ahead(self, installation: int) -> int:
        """How many of its runs are not over."""

    # runs
    async def run_started(self, id: RunId, sandbox: SandboxId, at: datetime) -> None: ...
    async def run_stepped(
        self, id: RunId, *, steps: int, dollars: float, usage: Usage, seconds: float, last_command: str
    ) -> None:
        """Totals so far, not increments, so that a replay is harmless. Never lowers what is stored."""

    async def run_ended(
        self,
        id: RunId,
        status: Status,
        *,
        at: datetime,
        exit_status: ExitStatus | None,
        error: str = "",
        trajectory: bytes | None = None,
    ) -> None: ...
    async def candidate_found(self, id: RunId, candidate: Candidate) -> None: ...
    async def judged(self, id: RunId, evidence: Evidence) -> None: ...
    async def trajectory(self, id: RunId) -> bytes | None: ...

    # prepared workspaces, one for each repository
    async def workspace(self, repo_id: int) -> Workspace | None: ...
    async def set_up(self, id: SolveId, how: SetUp) -> None:
        """What its snapshot was made from. Where there is no such solve, nobody is told."""

    async def how_set_up(self, id: SolveId) -> SetUp | None: ...
    async def keep_workspace(self, workspace: Workspace) -> None: ...
    async def workspaces(self, *, used_since: datetime) -> list[Workspace]: ...

    # the plan that held, one for each repository
    async def environment(self, repo_id: int) -> KnownEnvironment | None: ...
    async def keep_environment(self, environment: KnownEnvironment) -> None: ...
    async def nothing_found(self, repo_id: int, key: str, at: datetime) -> None:
        """By an agent that looked for one, where the repository says what makes this key."""

    async def looked_in_vain(self, repo_id: int, key: str, *, since: datetime) -> bool: ...

    # catalogue
    async def models(self, *, active_only: bool = True) -> list[ModelSpec]: ...
    async def save_model(self, spec: ModelSpec) -> None: ...
    async def disable_model(self, name: str) -> bool: ...

    # installations, repositories, people
    async def installed(self, installation: int, account: str, *, suspended: bool, at: datetime) -> None: ...
    async def uninstalled(self, installation: int, at: datetime) -> None: ...
    async def repository_seen(self, repo: Repo, *, archived: bool = False, deleted: bool = False) -> None: ...
    async def audit(self, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None: ...

    async def tally(self, since: datetime) -> Tally:
        """`since` is from when on solves have ended lately."""

    async def workers(self) -> list[WorkerView]:
        """Of a fleet, those heard of last first."""

    async def purge(self, before: datetime) -> int:
        """Delete terminal solves, audit rows and handled deliveries older than that; returns how many rows."""
