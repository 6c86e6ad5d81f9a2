"""What is asked for: triggers, options, the repository's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId
from bot.core.model.places import Permission, Person


class TriggerKind(StrEnum):
    LABEL = "label"
    COMMENT = "comment"
    REVIEW = "review"
    THREAD = "thread"  # a comment on a line of a diff
    COMMAND_LINE = "command line"
    API = "API"
    CHECK = "check"  # one that fails on a commit of ours
    UPDATE = "update"  # of a pull request whose base branch has moved on and conflicts with it


@dataclass(frozen=True, slots=True)
class Trigger:
    """What asked for a solve. `key` is the same however often the same request is delivered."""

    kind: TriggerKind
    key: str
    by: Person
    at: datetime
    comment_id: int | None = None  # the comment to react to; None: react to the issue
    review: int | None = None  # that it is, or came with
    thread: int | None = None  # the comment on a line that asks


class Strategy(StrEnum):
    BASELINE = "baseline"
    TEST_FIRST = "test-first"
    MINIMAL = "minimal"


@dataclass(frozen=True, slots=True)
class Limits:
    """The strictest of command, repository and server wins. `dollars` is for the whole solve, `steps` for one run."""

    parallel: int = 3
    minutes: float = 30.0
    dollars: float = 2.0
    steps: int = 150
    rounds: int = 1  # of runs; the second is told what became of the first


class Draft(StrEnum):
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Publish(StrEnum):
    AT_ONCE = "at-once"
    AFTER_APPROVAL = "after-approval"  # of somebody with write permission


class Update(StrEnum):
    """When the base branch is merged into an open pull request that nobody asked it for."""

    NEVER = "never"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class PullRequestConfig:
    draft: Draft = Draft.AUTO
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ("requester",)
    branch: str = "solvebot/{issue}-{slug}"
    unproven: bool = False  # publish the best candidate as a draft where nothing could be run
    signoff: bool = False  # commits end with Signed-off-by, as the Developer Certificate of Origin wants
    resolve: bool = False  # threads whose line a revision has changed


@dataclass(frozen=True, slots=True)
class RepoConfig:
    """`.github/solvebot.yml` of the default branch. None or empty means: not said, use the default or detect it."""

    labels: tuple[str, ...] = ("solve-me",)
    who: Permission = Permission.WRITE
    setup: tuple[str, ...] | None = None
    test: str | None = None
    repro: str | None = None
    models: tuple[str, ...] = ()
    attempts: int | None = None
    strategies: tuple[Strategy, ...] = ()
    parallel: int | None = None
    minutes: float | None = None
    dollars: float | None = None
    steps: int | None = None
    day: int | None = None  # solves that may begin in 24 hours
    command: float | None = None  # seconds for one command of an agent
    protect: tuple[str, ...] = ()
    trust: float = 0.35  # the least chance of being right with which a champion is published
    repair: int = 1  # repairs of one pull request that failing checks may start; 0: none
    rounds: int | None = None  # 2: where nobody of the first can be trusted, and there is money left, a second
    pull_request: PullRequestConfig = PullRequestConfig()
    publish: Publish = Publish.AT_ONCE
    update: Update = Update.NEVER


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """What the person typed after `/solve`. None or empty means: not said."""

    models: tuple[str, ...] = ()
    attempts: int | None = None
    temperatures: tuple[float, ...] = ()
    strategies: tuple[Strategy, ...] = ()
    dollars: float | None = None
    minutes: float | None = None
    base: str | None = None
    repro: str | None = None
    draft: bool = False
