"""All that is known about one solve, as people are told of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.core.choosing.approval import Approval
from bot.core.choosing.overlap import Overlap
from bot.core.evidence.behaviour import Probed
from bot.core.evidence.pool import PooledTest
from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId
from bot.core.model.candidate import Candidate, Minimal, Script
from bot.core.model.decision import Decision
from bot.core.model.environment import Baseline, Toolchain
from bot.core.model.evidence import Answer, Evidence
from bot.core.model.request import Limits, Strategy
from bot.core.model.solve import Solve, Status
from bot.core.model.task import Experiment, Task
from bot.core.trigger.pull_watch import PullWatch


class ExitStatus(StrEnum):
    """How the agent loop of a run ended. The values are mini-SWE-agent's where it has one."""

    SUBMITTED = "Submitted"
    STEPS = "LimitsExceeded"
    DOLLARS = "CostExceeded"
    TIME = "TimeExceeded"
    FORMAT = "RepeatedFormatError"
    REFUSED = "Refused"
    MODEL = "ModelError"
    SANDBOX = "SandboxLost"


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
        )

    @property
    def total(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Consulted:
    """What it took to ask a model beside the runs, an agent that looks for the environment included.

    Its dollars are part of the solve's.
    """

    model: str  # as people call it
    steps: int = 0
    dollars: float = 0.0
    usage: Usage = Usage()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class IssueTests:
    """Test files that a model wrote from the issue, without having seen a candidate."""

    cost: Consulted
    files: tuple[Script, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """Two candidates that a model was shown. `answers`: with `one` shown first, then with `other` shown first."""

    one: RunId
    other: RunId
    cost: Consulted
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Everything stored about a run."""

    id: RunId
    solve: SolveId
    experiment: Experiment
    status: Status = Status.PENDING
    steps: int = 0
    dollars: float = 0.0
    usage: Usage = Usage()
    seconds: float = 0.0
    exit_status: ExitStatus | None = None
    error: str = ""  # for people
    last_command: str = ""
    candidate: Candidate | None = None
    evidence: Evidence | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def was_begun(self) -> bool:
        """Not so when it was not needed any more."""
        return self.status is not Status.CANCELLED or self.started_at is not None


@dataclass(frozen=True, slots=True)
class PullRequest:
    number: int
    url: str
    branch: str
    head_sha: Sha
    draft: bool
    verified: bool | None = None  # GitHub's verdict on the commit's signature
    drafted_by: str = ""  # the login of who made a draft of it


class Fate(StrEnum):
    """What people did with a champion's pull request."""

    MERGED = "merged"
    CHANGED = "merged after changes"
    CLOSED = "closed"
    REJECTED = "rejected"  # before there was one, where champions wait for approval
    REVERTED = "reverted"  # within 30 days of the merge


@dataclass(frozen=True, slots=True)
class Fared:
    """How many champions of one model, one strategy and one repository met the same fate."""

    model: str
    strategy: Strategy
    repository: str
    fate: Fate
    number: int


@dataclass(frozen=True, slots=True)
class SolveFacts:
    """Everything stored about a solve. What people read is a pure function of this."""

    solve: Solve
    status: Status = Status.PENDING
    task: Task | None = None
    toolchain: Toolchain | None = None
    experiments: tuple[Experiment, ...] = ()
    limits: Limits | None = None
    baseline: Baseline | None = None
    setup_agent: Consulted | None = None  # None: none was needed, or none was allowed
    runs: tuple[RunFacts, ...] = ()
    issue_tests: IssueTests | None = None  # None: no model was asked for some
    pool: tuple[PooledTest, ...] = ()
    probed: Probed | None = None  # what candidates do with the same inputs, where that was seen
    compared: Compared | None = None  # None: no model was asked which is right
    decision: Decision | None = None
    minimal: Minimal | None = None  # None: the champion's patch is published as it is
    approval: Approval | None = None  # None: it was not asked for
    overlaps: tuple[Overlap, ...] = ()  # other pull requests that change the same files
    fate: Fate | None = None  # of the pull request; None: it is open, or there is none
    fate_why: str = ""  # what somebody said against it
    comment_id: int | None = None
    pull_request: PullRequest | None = None
    watch: PullWatch = field(default_factory=PullWatch)  # what was seen of the pull request since
    error: str = ""  # for people: what was wrong and what to do
    incident: str = ""  # id of a failure on our side, to be found in the log
    ended_by: str = ""  # login, or "the issue was closed", ... when cancelled
    notes: tuple[str, ...] = field(default=())  # degraded service and the like, newest last
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def id(self) -> SolveId:
        return self.solve.id

    @property
    def dollars(self) -> float:
        return sum((each.dollars for each in self.beside_runs), 0.0) + sum(run.dollars for run in self.runs)

    @property
    def beside_runs(self) -> tuple[Consulted, ...]:
        """What was paid for that is no run."""
        asked = [each.cost for each in (self.issue_tests, self.compared) if each is not None]
        return (*([self.setup_agent] if self.setup_agent else []), *asked)

    @property
    def champion(self) -> RunFacts | None:
        """As it is published: without what was dropped from it."""
        run = self.run(self.decision.champion) if self.decision else None
        if run is not None and self.minimal is not None and self.minimal.candidate.run == run.id:
            return replace(run, candidate=self.minimal.candidate)
        return run

    def run(self, id: RunId | None) -> RunFacts | None:
        return next((run for run in self.runs if run.id == id), None)
