"""What is shown of solves and runs: the same values for the API and for pages.

`viewing` makes them from what is stored. Runs are called by their letter, as people call them. Texts are from outside,
and are redacted before they come here: whoever shows them shows text, never markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.core.conversation import Turn
from bot.core.evidence.pool import Origin
from bot.core.model import (
    Evidence,
    ExitStatus,
    Fate,
    FileChange,
    Outcome,
    Repo,
    RunId,
    Script,
    SolveId,
    Status,
    Strategy,
    TriggerKind,
)
from bot.core.solve_status import Phase


@dataclass(frozen=True, slots=True)
class SolveSummary:
    """A row of a list. `dollars`: of its runs while it goes on, all that it cost once it is over."""

    id: SolveId
    repo: Repo
    issue: int
    title: str
    status: Status
    trigger: TriggerKind
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    dollars: float
    runs: int
    runs_over: int
    champion: str = ""  # its letter
    pull_number: int | None = None
    pull_url: str = ""
    fate: Fate | None = None
    error: str = ""
    revises: SolveId | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """A run beside the others of its solve."""

    id: RunId
    letter: str
    model: str
    strategy: Strategy
    temperature: float | None
    round: int
    status: Status
    steps: int
    most_steps: int
    dollars: float
    most_dollars: float
    seconds: float
    tokens: int
    exit_status: ExitStatus | None
    error: str
    last_command: str
    files_changed: int
    lines_changed: int
    has_patch: bool
    is_champion: bool
    place: int | None
    verdict: str
    chance: float  # that it is right, 0 to 1; 0 where none was stated
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Term:
    """What one kind of evidence adds to the log-odds."""

    name: str
    log_odds: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate in the decision. `terms`: those that are not zero; `total` is their sum, as log-odds."""

    letter: str
    place: int
    verdict: str
    eligible: bool
    chance: float
    terms: tuple[Term, ...]
    total: float


@dataclass(frozen=True, slots=True)
class DecisionView:
    outcome: Outcome
    champion: str  # letters; "" for none
    runner_up: str
    chance: float
    reasons: tuple[str, ...]
    others: tuple[str, ...]
    uncertain: tuple[str, ...]
    chosen_by: str
    candidates: tuple[Weighed, ...]


@dataclass(frozen=True, slots=True)
class TestRow:
    """A test of the pool, and who passes it. Letters in neither were not seen on it."""

    __test__ = False

    name: str
    origin: Origin
    group: str
    author: str  # a letter; "" for none of the candidates
    passed_by: tuple[str, ...]
    failed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """How the repository is set up and tested, and what its tests say without any change."""

    setup: tuple[str, ...]
    test: str
    why: str
    ecosystem: str
    notes: tuple[str, ...]
    stable: int
    failing: int
    flaky: tuple[str, ...]
    repro: str
    note: str
    tried: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SolveDetail:
    """All about one solve but what its runs said and did."""

    summary: SolveSummary
    phase: Phase
    body: str
    base_branch: str
    base_sha: str
    digest: str
    private: bool
    most_dollars: float
    most_minutes: float
    environment: EnvironmentView | None
    runs: tuple[RunView, ...]
    tests: tuple[TestRow, ...]
    decision: DecisionView | None
    branch: str
    is_draft: bool
    incident: str
    ended_by: str
    notes: tuple[str, ...]
    left_out: tuple[str, ...]
    asked: str


@dataclass(frozen=True, slots=True)
class RunDetail:
    """All about one run. `conversation` is there once the run is over."""

    solve: SolveId
    run: RunView
    patch: str
    changes: tuple[FileChange, ...]
    dropped: tuple[str, ...]
    summary: str
    scripts: tuple[Script, ...]
    evidence: Evidence | None
    conversation: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class RepositoryView:
    """What came of solves there. `dollars` of all of them."""

    repo: Repo
    is_archived: bool
    solves: int
    active: int
    published: int
    merged: int
    reverted: int
    dollars: float


@dataclass(frozen=True, slots=True)
class UsageRow:
    """`key`: a day, a repository, a model or a login. `hours`: of runs, which is about those of sandboxes."""

    key: str
    solves: int
    runs: int
    dollars: float
    hours: float
    tokens: int


class EventKind(StrEnum):
    """What happened to a solve, in the words of those who follow it."""

    ACCEPTED = "solve.accepted"
    STARTED = "solve.started"
    PLANNED = "solve.planned"
    PREPARED = "solve.prepared"
    OBSERVED = "solve.observed"  # something that counts for all candidates: tests, behaviour, a word between two
    DECIDED = "solve.decided"
    PUBLISHED = "solve.published"
    NOTED = "solve.noted"
    ENDED = "solve.ended"
    FATE = "solve.fate"  # what people did with the pull request
    RUN_STARTED = "run.started"
    RUN_STEPPED = "run.stepped"
    RUN_ENDED = "run.ended"
    CANDIDATE = "run.candidate"
    JUDGED = "run.judged"


@dataclass(frozen=True, slots=True)
class SolveEvent:
    """`seq` grows in the order in which events became visible, over all solves. `run`: a letter, "" for the solve."""

    seq: int
    solve: SolveId
    repository: int
    kind: EventKind
    at: datetime
    run: str = ""
    data: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One of a fleet, and when it gave a sign of life."""

    id: str
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """`attempt`: how often it was handed to the engine before; `handed_at`: None while it waits."""

    guid: str
    event: str
    received_at: datetime
    handed_at: datetime | None
    attempt: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
