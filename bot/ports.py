"""All we ask of the world, on one page, and the errors it may answer with.

Adapters implement these; the story sees nothing else. Every method may be called again after a crash with the same
arguments and must then find what the first call left behind.

    WorldError
    ├── Unavailable           try again later: 5xx, connection, rate limit; the adapter has already retried
    │   ├── Unclear           as before, but it may have been done
    │   ├── LeftAlone         nobody was asked: the service has failed too often lately
    │   ├── StoreAway         our own database: nobody else is to blame, and everything waits for it
    │   └── Crowded           too many requests or machines at the moment: nothing is broken
    ├── Denied                credentials or permissions; retrying is useless, an operator must act
    ├── Gone                  it existed once or was never there: deleted, transferred, uninstalled
    ├── Rejected              our request was understood and refused: validation, protected branch
    │   └── TooMuchText       the model's context is full
    ├── HostBroken            this machine of ours: its disk is full, git does not work; an operator must act
    ├── SandboxLost           the machine went away; its files are gone
    └── SandboxUnusable       isolation cannot be had on this host; `remedy` says what to do

`Unsolvable` stands beside them: it is a person's to put right, and its text is for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from bot.core.candidate.restoring import UNASKED, Asked
from bot.core.environment.history import History
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
    IssueRef,
    IssueTests,
    KnownEnvironment,
    Limits,
    Minimal,
    ModelSpec,
    Permission,
    PullRequest,
    Remark,
    Repo,
    RunId,
    SandboxId,
    Sha,
    SnapshotId,
    Solve,
    SolveFacts,
    SolveId,
    Status,
    Task,
    Toolchain,
    Usage,
    Workspace,
)
from bot.core.resilience.circuit_breaker import Health
from bot.core.resilience.sandbox_leases import Image, Lease, LeaseKey, MachineId, Operation, Used
from bot.core.trigger.checks import Check
from bot.core.trigger.feedback import Thread
from bot.core.trigger.publish_precheck import Publishing
from bot.core.trigger.pull_watch import PullWatch


class WorldError(Exception):
    """`str(error)` is for the log. `remedy`, where set, is a sentence that may be shown to people.

    `dollars` is what failed calls of a model were billed all the same. `said` is what a service explained: text from
    outside, to be shown as a quotation.
    """

    said = ""  # of errors that were recorded before there was one

    def __init__(self, message: str, *, remedy: str = "", dollars: float = 0.0, said: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy
        self.dollars = dollars
        self.said = said


class Unavailable(WorldError):
    """Try again later. `retry_after` is in seconds, where the service said so."""

    def __init__(
        self, message: str, *, remedy: str = "", dollars: float = 0.0, retry_after: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy, dollars=dollars)
        self.retry_after = retry_after


class Unclear(Unavailable):
    """The answer got lost: it may have been done or not."""


class LeftAlone(Unavailable):
    """The service has failed so often that for now nobody asks it. Nothing was done."""


class StoreAway(Unavailable):
    """Our own database does not answer. Whatever was to be written down has happened nevertheless."""


class Crowded(Unavailable):
    """A limit of the service is reached. Nothing was done, and nothing is broken."""


class Denied(WorldError):
    """Credentials or permissions. An operator must act."""


class Gone(WorldError):
    """Deleted, transferred, uninstalled, or never there."""


class Rejected(WorldError):
    """Understood and refused: asking again changes nothing."""


class TooMuchText(Rejected):
    """The conversation no longer fits into the model's context."""


class HostBroken(WorldError):
    """This machine of ours does not do what it should: its disk is full, or a program fails. An operator must act."""


class SandboxLost(WorldError):
    """The machine went away. The run may be tried again; its files are gone."""


class SandboxUnusable(WorldError):
    """Isolation cannot be had here, so untrusted code must not run."""


class Unsolvable(Exception):
    """Something that a person can put right; the text says what was wrong and what to do."""


# ---------------------------------------------------------------------------------------------------------- GitHub


@dataclass(frozen=True, slots=True)
class RepositoryState:
    repo: Repo  # with its current name
    default_branch: str
    private: bool
    archived: bool
    disabled: bool
    empty: bool


@dataclass(frozen=True, slots=True)
class IssueState:
    title: str
    body: str
    open: bool
    locked: bool
    labels: tuple[str, ...]
    author: str
    is_pull_request: bool


@dataclass(frozen=True, slots=True)
class PullState:
    """A pull request as it is now. `ours`: opened by us, from a branch of the repository itself."""

    title: str
    open: bool
    locked: bool
    ours: bool
    branch: str
    head_sha: Sha
    base: str


class ReviewState(StrEnum):
    """What a review says besides its text."""

    CHANGES_REQUESTED = "changes requested"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Review:
    state: ReviewState
    body: str


@dataclass(frozen=True, slots=True)
class ThreadAnswer:
    """`to`: the first comment of the thread. `body` begins with `marker`."""

    to: int
    marker: str
    body: str


@dataclass(frozen=True, slots=True)
class PostedComment:
    id: int
    url: str


@dataclass(frozen=True, slots=True)
class Commit:
    sha: Sha
    verified: bool  # GitHub's own verdict on the signature


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One path of a new tree: content for a file, None to delete it. `mode` is git's octal, "100644" or "100755"."""

    path: str
    mode: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the mirror fetches from. `authorization` is a header value and a secret, None for a local path."""

    url: str
    authorization: str | None = field(default=None, repr=False)


class GitHub(Protocol):
    """Two fit: the real service (github/github.py) and a clone on this disk (github/local.py)."""

    async def repository(self, repo: Repo) -> RepositoryState: ...

    async def issue(self, issue: IssueRef) -> IssueState:
        """Raises `Gone` when it was deleted or transferred."""

    async def remarks(self, issue: IssueRef, *, before: datetime) -> list[Remark]:
        """Comments by people, created before and not edited since. Ours and other bots' are left out."""

    async def permission(self, repo: Repo, login: str) -> Permission:
        """What the person may do now. A stranger is `Permission.NONE`; an error raises, it never grants."""

    async def file(self, repo: Repo, path: str, ref: str) -> str | None:
        """Text of a file, None when there is none. Raises `Rejected` above 256 kB or when it is not UTF-8."""

    async def branch_head(self, repo: Repo, branch: str) -> Sha | None: ...

    async def react(self, issue: IssueRef, comment_id: int | None, content: str) -> None:
        """To the comment, or to the issue itself. `content`: eyes, rocket, confused, ... Twice is once."""

    async def say(self, issue: IssueRef, body: str, *, marker: str) -> PostedComment:
        """Post a comment, or find ours with that marker and bring it up to date. `body` begins with `marker`."""

    async def edit(self, issue: IssueRef, comment_id: int, body: str) -> None: ...

    async def open_pull_request(self, issue: IssueRef, *, branches: re.Pattern[str]) -> PullRequest | None:
        """Ours that is open for this issue: same repository, from a branch whose whole name matches."""

    async def publishing(self, repo: Repo, branch: str) -> Publishing:
        """What stands against making the branch, before it is made. Raises `Denied` where a permission is missing."""

    async def author(self, repo: Repo) -> str:
        """Whom our commits are by, as a sign-off names it: "name <address>"."""

    async def commit(self, repo: Repo, *, parent: Sha, entries: Sequence[TreeEntry], message: str) -> Commit:
        """Blobs, tree and commit through the API. No author or committer is given, so that GitHub signs it."""

    async def point_branch(self, repo: Repo, branch: str, commit: Sha) -> Sha:
        """Create the branch; when it is there already, leave it alone. Returns where it points then."""

    async def advance_branch(self, repo: Repo, branch: str, commit: Sha) -> bool:
        """Move it forward to a commit on top of it, never by force. False: it holds what the commit does not."""

    async def delete_branch(self, repo: Repo, branch: str) -> None:
        """One that is not there is fine."""

    async def open_pull(
        self, issue: IssueRef, *, branch: str, base: str, title: str, body: str, draft: bool
    ) -> PullRequest:
        """Open it, or find the open one from that branch and bring its text up to date.

        Where drafts are not available it is opened ready, and the result says so.
        """

    def compare_url(self, repo: Repo, *, base: str, branch: str) -> str:
        """Where a person opens the pull request from that branch; "" where there are none."""

    async def rewrite_pull(self, repo: Repo, number: int, *, title: str, body: str) -> None:
        """Bring our words up to date; a person's stay."""

    async def dress_pull(
        self, repo: Repo, number: int, *, labels: Sequence[str], reviewers: Sequence[str]
    ) -> list[str]:
        """Labels and review requests, best effort. Returns what could not be done, for people."""

    async def remote(self, repo: Repo) -> Remote: ...

    async def pull(self, repo: Repo, number: int) -> PullState: ...

    async def review(self, repo: Repo, number: int, review: int) -> Review: ...

    async def threads(self, repo: Repo, number: int) -> list[Thread]:
        """Conversations on lines of the diff that nobody has resolved, oldest first; at most 300 of them."""

    async def answer_threads(self, repo: Repo, number: int, answers: Sequence[ThreadAnswer]) -> list[int]:
        """Each once, however often this is called. Returns the comments of those that GitHub did not let us answer."""

    async def resolve_threads(self, repo: Repo, threads: Sequence[str]) -> list[str]:
        """By their ids. Returns those that GitHub did not let us resolve."""

    async def checks(self, repo: Repo, commit: Sha) -> list[Check]:
        """Each as it stands there: check runs and statuses. Raises `Denied` where the App may not see them."""

    async def job_log(self, repo: Repo, job: int, *, most: int) -> str:
        """The last `most` bytes of it, as they are. Raises `Gone` where it is kept no longer, and `Denied`."""


class Mirrors(Protocol):
    """Bare mirrors on the host, one per repository. Nothing is ever checked out there and nothing in them is run."""

    async def fetch(self, repo: Repo, remote: Remote, *, want: str) -> Sha:
        """Bring the mirror up to date. `want`: a branch name or a sha. Returns the commit it names."""

    async def files(self, repo: Repo, commit: Sha) -> list[TreeFile]: ...

    async def read(self, repo: Repo, commit: Sha, path: str, *, limit: int = 262_144) -> bytes | None: ...

    async def texts(self, repo: Repo, commit: Sha, paths: Collection[str], *, limit: int) -> dict[str, str]:
        """Many files at once, each up to `limit` bytes; larger ones, links and what is not there are left out."""

    async def grep(self, repo: Repo, commit: Sha, words: Sequence[str]) -> dict[str, dict[str, int]]:
        """word -> path -> number of matching lines, fixed strings, case-insensitive, text files only."""

    async def history(self, repo: Repo, commit: Sha, *, limit: int = 2000) -> list[PastCommit]: ...

    async def archive(self, repo: Repo, commit: Sha, into: Path) -> None:
        """An uncompressed tar of the commit, byte for byte: no attribute changes or hides anything."""

    async def repository(self, repo: Repo, commit: Sha, into: Path, *, branch: str) -> History:
        """A tar of `.git`, to be unpacked over the archive: HEAD on a branch at the commit, a part of the past.

        Holds nothing that is not in the commit's past, tags of other commits included. Raises `Rejected` when there
        is something in it that git refuses.
        """

    async def submodule(self, url: str, commit: Sha, path: str, into: Path, *, most_files: int) -> None:
        """A tar of another repository's commit, below `path`. Asked for without credentials: only what is public.

        Raises `Gone`, `Denied` or `Unavailable` when it cannot be had, `Rejected` when it is too large.
        """

    async def untracked(self, repo: Repo, base: Sha, tree: Path) -> dict[str, str]:
        """What set-up left behind: path -> blob id, from a tar taken right after it; "" for a file it removed."""

    async def candidate(
        self,
        repo: Repo,
        base: Sha,
        tree: Path,
        run: RunId,
        *,
        ignoring: Mapping[str, str] = {},
        asked: Asked = UNASKED,
    ) -> Candidate:
        """The difference between a commit and a tar of a workspace, computed without a checkout.

        Scratch files are dropped: ignored by the base commit's .gitignore, caches, editors' leftovers, and what is
        as set-up left it (`ignoring`, from `untracked`). What was changed by the way is put back, unless it was
        `asked` for. Raises `Rejected` when the tar cannot be read.
        """

    async def entries(self, repo: Repo, base: Sha, patch: str, *, since: Sha | None = None) -> list[TreeEntry]:
        """The patch as paths and contents, applied to `base`. Raises `Rejected` when it does not apply.

        `since`: what differs from that commit instead, which the mirror has to hold.
        """

    async def applies(self, repo: Repo, commit: Sha, patch: str) -> bool:
        """Whether the patch applies cleanly to another commit, for a base branch that moved."""


@dataclass(frozen=True, slots=True)
class TreeFile:
    path: str
    mode: str
    blob: Sha
    size: int


@dataclass(frozen=True, slots=True)
class PastCommit:
    sha: Sha
    subject: str
    paths: tuple[str, ...]
    at: datetime


# ------------------------------------------------------------------------------------------------------- Sandboxes


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ran. Failing is an answer, not an error.

    `output` is stdout and stderr as they came, capped at 64 kB: the head and the tail with a note between.
    """

    exit_code: int
    output: str
    seconds: float
    timed_out: bool = False
    interrupted: bool = False  # we crashed while it ran; its effects may be partial
    killed_by: str = ""  # "memory", "disk", "processes": the limit that ended it


class Sandboxes(Protocol):
    """Machines that hold no secret. Files live in /workspace and /home/agent; both are kept between commands."""

    async def check(self) -> None:
        """Prove the isolation. Raises `SandboxUnusable` with the remedy; then untrusted code must not run."""

    async def create(self, id: SandboxId, *, snapshot: SnapshotId | None = None, ecosystem: str = "") -> None:
        """Empty, or a copy of a snapshot. One that exists under this id is replaced.

        `ecosystem`, as in `Toolchain`: what an empty one should bring along, where there is a choice.
        """

    async def exists(self, id: SandboxId) -> bool: ...

    async def put(self, id: SandboxId, archive: Path) -> None:
        """Unpack a tar into /workspace."""

    async def write(self, id: SandboxId, files: Mapping[str, tuple[bytes, str]], *, delete: Sequence[str] = ()) -> None:
        """path -> (content, git mode), relative to /workspace; parents are made, `delete` is removed first."""

    async def run(
        self,
        id: SandboxId,
        command: str,
        *,
        timeout: float,
        network: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        once: str | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> Finished:
        """`bash -c command` in /workspace. `network`: host names that may be reached; empty means no network at all.

        `once` names this execution: asked again under the same name, the stored result is returned; when the first
        was cut off by our crash, the result says `interrupted` and the command is not run again.
        `hear` is told what the command prints, while it runs: all of it, up to some 64 kB, before the call returns.

        Cancelling the call kills the whole process tree; but what has a name may go on, for whoever asks again.
        """

    async def read(self, id: SandboxId, path: str, *, limit: int) -> bytes | None:
        """A file by absolute path, read inside the sandbox; None when it is not there. More than `limit` is cut."""

    async def take(self, id: SandboxId, into: Path, *, exclude: Sequence[str] = (), limit: int) -> None:
        """A tar of /workspace. Raises `Rejected` above `limit` bytes."""

    async def snapshot(self, id: SandboxId, name: SnapshotId) -> None: ...

    async def name_snapshot(self, name: SnapshotId, another: SnapshotId) -> bool:
        """Let it be known by another name too, which lives as long as it is wanted. False when it is not there."""

    async def drop_snapshot(self, name: SnapshotId) -> None: ...

    async def close(self, id: SandboxId) -> None:
        """Kill and remove. One that is gone already is fine."""

    async def living(self) -> list[SandboxId]: ...

    async def snapshots(self) -> list[SnapshotId]: ...

    async def tend(self) -> None:
        """About once a minute: end what nobody holds any more, see that the rest lives on."""


# ----------------------------------------------------------------------------------------------------------- Model


@dataclass(frozen=True, slots=True)
class Reply:
    """`message` is the provider's assistant message verbatim; `dollars` is what the call cost."""

    message: dict[str, Any]
    finish_reason: str
    usage: Usage
    dollars: float
    seconds: float


class Model(Protocol):
    async def complete(
        self,
        spec: ModelSpec,
        messages: Sequence[Mapping[str, Any]],
        *,
        temperature: float | None,
        tools: Sequence[Mapping[str, Any]],
        within: float | None = None,
    ) -> Reply:
        """Retries what is worth retrying itself, for `within` seconds in all. No tools: it can only answer with text.

        Raises `Denied` (key or credit: every run is affected), `TooMuchText`, `Rejected` (this request),
        `Unavailable` (after all attempts).
        """


# ----------------------------------------------------------------------------------------------------------- Store


@dataclass(frozen=True, slots=True)
class Busy:
    """Another solve is active for the issue."""

    solve: SolveId


@dataclass(frozen=True, slots=True)
class Tally:
    """How many there are in each state: what is going on, and which solves have ended lately.

    `waiting`: deliveries that the engine does not have yet; `oldest` is when the first of them came.
    """

    solves: Mapping[Status, int]
    runs: Mapping[Status, int]  # of solves that are going on
    ended: Mapping[Status, int]
    waiting: int = 0
    oldest: datetime | None = None


class Store(Protocol):
    """Each method is one transaction named for what happened, and may be replayed."""

    # solves
    async def accept(self, solve: Solve) -> Solve | Busy:
        """Claim the issue for this solve. Asked again with the same id, it is accepted again."""

    async def facts(self, id: SolveId) -> SolveFacts | None: ...
    async def latest(self, repo_id: int, issue: int) -> SolveFacts | None:
        """About this issue or pull request; of a pull request that was revised, the newest revision."""

    async def of_pull(self, repo_id: int, number: int) -> SolveFacts | None:
        """The solve that opened the pull request."""

    async def revisions(self, id: SolveId) -> list[SolveFacts]:
        """Of that solve's pull request, oldest first."""

    async def with_head(self, repo_id: int, head: Sha) -> SolveFacts | None:
        """The solve or the revision that pushed this commit."""

    async def heads(self, since: datetime) -> list[Sha]:
        """Commits that we pushed in solves and revisions that go on, or have ended since then."""

    async def watched(self, id: SolveId, watch: PullWatch) -> None: ...

    async def active(self, repo_id: int, issue: int) -> SolveFacts | None: ...
    async def active_solves(self, *, repo_id: int | None = None, installation: int | None = None) -> list[SolveId]: ...
    async def commented(self, id: SolveId, comment_id: int) -> None: ...
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

    async def fate_at(self, id: SolveId) -> datetime | None: ...

    async def record(self) -> list[Fared]:
        """Of the newest 2,000 champions whose fate is known."""

    async def trimmed(self, id: SolveId, minimal: Minimal) -> None: ...

    async def compared(self, id: SolveId, compared: Compared) -> None:
        """With all answers so far."""

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

    async def purge(self, before: datetime) -> int:
        """Delete terminal solves, audit rows and handled deliveries older than that; returns how many rows."""


class Ledger(Protocol):
    """What we hold at services that lend sandboxes and how they do: shared by all workers, kept across crashes.

    Each method is one transaction.
    """

    async def instance(self) -> str:
        """Tells what is ours from what others on the same account have: 12 lower-case letters and digits."""

    # machines
    async def intend(self, lease: Lease, *, at_most: int) -> bool:
        """Write down that it is about to be asked for. False when `at_most` leases of the provider are open already.

        Raises `Rejected` when another lease is for the same sandbox.
        """

    async def lent(self, key: LeaseKey, machine: MachineId) -> None:
        """Raises `Gone` when the lease is over: somebody has returned it meanwhile, and it must be killed."""

    async def extended(self, key: LeaseKey, expires_at: datetime) -> None:
        """One that is over stays so."""

    async def networked(self, key: LeaseKey, networked: bool) -> None:
        """Raises `Gone` when the lease is over: nobody would take the network away again."""

    async def hand_over(self, key: LeaseKey, sandbox: SandboxId) -> bool:
        """Give a warm machine an owner. False when somebody was quicker, or it is gone."""

    async def returned(self, key: LeaseKey) -> None:
        """The lease is over. Twice is once."""

    async def lease(self, sandbox: SandboxId) -> Lease | None: ...
    async def leases(self) -> list[Lease]: ...

    # snapshots
    async def saved(self, image: Image) -> Image | None:
        """Keep it under its name; returns another one that has lost its last name by that, which the caller deletes."""

    async def image(self, name: SnapshotId) -> Image | None: ...
    async def images(self) -> list[Image]: ...
    async def named(self, name: SnapshotId, another: SnapshotId) -> bool:
        """Keep it under another name too. False when there is none of that name."""

    async def deleted(self, name: SnapshotId) -> Image | None:
        """The name is free again; returns the image when that was its last name, and the caller deletes it."""

    # how a provider does
    async def health(self, provider: str) -> Health: ...
    async def change_health(self, provider: str, change: Callable[[Health], Health]) -> Health:
        """Read, change by a pure function, write: in one transaction, whoever else does it. Returns what stands."""

    async def next_slot(self, provider: str, now: datetime, *, every: float) -> datetime:
        """Reserve the next moment at which one may be created, `every` seconds after the one before."""

    # the account
    async def count(self, operations: Sequence[Operation]) -> None: ...
    async def operations(self, since: datetime) -> list[Operation]: ...
    async def usage(self, since: datetime) -> list[Used]:
        """The same, added up by the database: there may be a hundred thousand in an hour."""

    async def forget_operations(self, before: datetime) -> int: ...


class Clock(Protocol):
    def now(self) -> datetime: ...


class AlarmClock(Clock, Protocol):
    """One that can be slept by: whoever puts it forward wakes those whose time has come."""

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class World:
    """All of it: the adapters that one process talks through."""

    github: GitHub
    mirrors: Mirrors
    sandboxes: Sandboxes
    model: Model
    store: Store
    clock: Clock
