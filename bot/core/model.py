"""The nouns of Solvebot: ids, frozen values, enums.

Every value here survives JSON both ways (msgspec converts dataclasses, enums, datetimes and tuples), because it
crosses the engine's checkpoints and the database. Times are UTC and timezone-aware; money is US dollars; durations
are seconds unless the name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.core.candidate.restoring import PutBack
from bot.core.evidence.behaviour import Probed
from bot.core.evidence.pool import PooledTest
from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId
from bot.core.trigger.feedback import Feedback
from bot.core.trigger.pull_watch import PullWatch

MAX_ATTEMPTS = 8


def run_id(solve: SolveId, index: int) -> RunId:
    """The id of a solve's run number `index` (1-based): made from ids, so that a replay names the same run."""
    return RunId(f"{solve}-r{index}")


def prepared_snapshot(solve: SolveId) -> SnapshotId:
    """The workspace after set-up, from which every run and every judgement starts."""
    return SnapshotId(str(solve))


def kept_snapshot(key: str) -> SnapshotId:
    """The same, under a name that outlives the solve: see `Workspace`."""
    return SnapshotId(f"kept-{key}")


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository as one installation of the App sees it. `id` is its identity; `name` ("owner/name") may change."""

    installation: int
    id: int
    name: str

    @property
    def owner(self) -> str:
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True)
class IssueRef:
    repo: Repo
    number: int

    def __str__(self) -> str:
        return f"{self.repo.name}#{self.number}"


@dataclass(frozen=True, slots=True)
class Person:
    login: str
    id: int
    is_bot: bool = False


class Permission(StrEnum):
    """What a collaborator may do, least first. GitHub's `maintain` and `triage` are distinguished here."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"

    def at_least(self, needed: Permission) -> bool:
        order = list(Permission)
        return order.index(self) >= order.index(needed)


class TriggerKind(StrEnum):
    LABEL = "label"
    COMMENT = "comment"
    REVIEW = "review"
    THREAD = "thread"  # a comment on a line of a diff
    COMMAND_LINE = "command line"
    CHECK = "check"  # one that fails on a commit of ours


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
    command: float | None = None  # seconds for one command of an agent
    protect: tuple[str, ...] = ()
    trust: float = 0.35  # the least chance of being right with which a champion is published
    repair: int = 1  # repairs of one pull request that failing checks may start; 0: none
    rounds: int | None = None  # 2: where nobody of the first can be trusted, and there is money left, a second
    pull_request: PullRequestConfig = PullRequestConfig()


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


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars per million tokens."""

    input: float
    output: float
    cached_input: float | None = None


UNKNOWN_PRIOR = (
    0.63  # of a model that nobody has measured: the middle of the catalogue, because newer ones are not weaker
)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A row of the catalogue. `name` is what people type, `model_id` what the provider is asked for."""

    name: str
    provider: str
    model_id: str
    temperature: float | None = None
    max_tokens: int | None = None
    prices: Prices | None = None
    prior: float = UNKNOWN_PRIOR  # share of issues it solves alone, 0 to 1
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Published:
    """What others measured: the share of SWE-bench Verified that one agent resolved with a model, and when."""

    model: str
    share: float
    dollars: float | None  # per issue
    by: str
    on: str  # "autumn 2026"


def letter(number: int) -> str:
    """What people call candidate `number`, from 1; no solve has more than there are letters."""
    return chr(ord("A") + number - 1) if 1 <= number <= 26 else str(number)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A planned attempt. `dollars` is its share of the solve's budget."""

    index: int  # 1-based; the label people see is candidate A, B, C...
    model: ModelSpec
    temperature: float | None
    strategy: Strategy
    steps: int
    dollars: float
    round: int = 1

    @property
    def letter(self) -> str:
        return letter(self.index)


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment on the issue that existed, unedited since, when the solve was asked for."""

    author: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """The frozen input of a solve: cleaned text as of the trigger, and the commit the work starts from."""

    title: str
    body: str
    remarks: tuple[Remark, ...]
    base_branch: str
    base_sha: Sha
    config: RepoConfig
    options: SolveOptions
    digest: str  # sha256 of everything above, hex; shown in the status comment
    private: bool = False
    left_out: tuple[str, ...] = ()  # what was dropped on freezing and why, for people
    feedback: Feedback | None = None  # of a revision: what reviewers say about the base commit's change


@dataclass(frozen=True, slots=True)
class Toolchain:
    """How to set the repository up and test it: a plan, from its config or from its other files, proved by running."""

    setup: tuple[str, ...]
    test: str | None  # a line of shell; several runners are joined by &&
    why: str  # "from .github/solvebot.yml", "detected: pyproject.toml with pytest"
    ecosystem: str = ""  # "python", "node", "go", "rust", "java", "ruby": where packages come from
    checks: tuple[str, ...] = ()  # linters and type checkers: commands apart from the tests
    notes: tuple[str, ...] = ()  # what people should know: versions that are not there, services that are missing


@dataclass(frozen=True, slots=True)
class Workspace:
    """The latest set-up of a repository that went well, whose snapshot is kept for its next solve."""

    repo_id: int
    key: str  # of all that it was made from: commit, commands, what they could reach
    left_behind: dict[str, str]  # path -> blob of files that are not part of any candidate
    used_at: datetime


@dataclass(frozen=True, slots=True)
class KnownEnvironment:
    """The plan that held for a repository, for as long as the files that it was read from say the same."""

    repo_id: int
    key: str
    toolchain: Toolchain
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Solve:
    """One answer to one trigger, as it is accepted. What happens to it later is in `SolveFacts`."""

    id: SolveId
    issue: IssueRef
    issue_title: str
    issue_body: str
    trigger: Trigger
    options: SolveOptions
    created_at: datetime
    revises: SolveId | None = None  # a revision: whose pull request it changes, which `issue` then is
    asked: str = ""  # the text that asks for it

    @property
    def workflow(self) -> str:
        """By its name in the engine."""
        return "solve" if self.revises is None else "revise"


class Status(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class TestReport:
    """One execution of the test command.

    `tests` maps test name to verdict. A runner without per-test results yields a single entry named after the command,
    passed exactly when the exit code was 0.
    """

    __test__ = False  # not a test case, whatever pytest thinks of the name

    command: str
    exit_code: int
    tests: dict[str, Verdict]
    per_test: bool
    seconds: float
    tail: str = ""
    timed_out: bool = False
    none_ran: bool = False  # the runner says that there was nothing to run: that is no success


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the tests say on the base commit, repeated to find the flaky ones."""

    command: str | None  # None: no way to run tests was found
    per_test: bool = False
    stable: tuple[str, ...] = ()  # passed every time
    failing: tuple[str, ...] = ()  # failed every time
    flaky: tuple[str, ...] = ()  # both; excluded everywhere, and listed
    repro: str | None = None
    repro_exit: int | None = None
    tail: str = ""
    note: str = ""  # what people should know: "the set-up failed: ..."
    runnable: bool = True  # the test command starts, so that tests that a candidate brings can be run
    tried: tuple[str, ...] = ()  # a sentence for each plan that was tried, when none of them holds
    checks: tuple[str, ...] = ()  # linters and type checkers that pass
    canary: str = ""  # a test file: the test command notices when it is broken on purpose; "" when none was found
    canary_fails: tuple[str, ...] = ()  # stable tests of it that fail then
    canary_alone: str = ""  # a command for its tests alone, where all tests but these are told with the canary in place
    canary_tests: tuple[str, ...] = ()  # what that command tells
    product: tuple[str, ...] = ()  # files that are called like tests and are product code
    unusual_tests: tuple[str, ...] = ()  # files that hold tests and are not called so


class Gate(StrEnum):
    """Why a candidate is out, whatever else is good about it."""

    EMPTY = "empty"
    DOES_NOT_APPLY = "does not apply"
    PROTECTED_PATH = "protected path"
    WORKFLOW = "workflow file"
    FILE_NAME = "file name"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"
    LFS = "Git LFS"
    BINARY = "binary"
    SECRET = "secret"
    TOO_LARGE = "too large"
    TESTS_DELETED = "tests deleted"
    TESTS_SKIPPED = "tests skipped"


@dataclass(frozen=True, slots=True)
class GateFailure:
    gate: Gate
    detail: str  # the path, or the count, that it failed on; plain text


class ChangeKind(StrEnum):
    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One path of a candidate. Modes are git's six octal digits; "000000" where the side has no file."""

    path: str
    kind: ChangeKind
    old_mode: str
    new_mode: str
    blob: Sha | None  # git's id of the new content; None when deleted, or when it was not read
    size: int  # bytes of the new content
    added: int  # lines; 0 for binaries
    removed: int
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """A small program that a run wrote on its way, to see the problem or its absence, and did not hand in."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """The patch a run produced, computed by us against the base commit."""

    run: RunId
    patch: str  # git's binary-safe format (base85), ASCII-safe paths; "" when nothing changed
    changes: tuple[FileChange, ...]
    dropped: tuple[str, ...] = ()  # scratch files that were left out
    overflow: str = ""  # why not all of it was read, "" when it was; then the patch is "" and `changes` a beginning
    summary: str = ""  # the model's own words about its change; shown as such, never evidence
    scripts: tuple[Script, ...] = ()
    put_back: tuple[PutBack, ...] = ()  # what was changed by the way and is as it was

    @property
    def lines_changed(self) -> int:
        return sum(c.added + c.removed for c in self.changes)


@dataclass(frozen=True, slots=True)
class Minimal:
    """The champion without hunks that nobody needs. `dropped`: where they were, and their lines."""

    candidate: Candidate
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Likeness:
    """To another unbroken candidate, each 0 to 1: the old lines that both touch, and the tokens that both change."""

    run: RunId
    place: float
    token: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What we observed about a candidate by running things. None: not observed."""

    run: RunId
    gate_failures: tuple[GateFailure, ...] = ()
    regressions: tuple[str, ...] = ()  # stable tests that no longer pass
    stable_passed: int = 0
    stable_total: int = 0
    test_files: tuple[str, ...] = ()  # tests that it adds or changes
    own_tests_on_base: bool | None = None  # did its own tests pass without its change (good: False)
    own_tests_on_candidate: bool | None = None  # ... and with it (good: True)
    fixed: tuple[str, ...] = ()  # tests that failed every time on the base commit and pass now
    repro_before: int | None = None  # exit codes of the repro command
    repro_after: int | None = None
    agreement: float = 0.0  # best similarity to a candidate of another run, 0 to 1
    agrees_with: tuple[RunId, ...] = ()  # those at 0.8 or more
    place: float = 0.0  # the mean of its likenesses, another model's counting more; 0 to 1
    token: float = 0.0
    likenesses: tuple[Likeness, ...] = ()
    inert: bool = False  # nothing in it but comments, white space and tests
    lines_changed: int = 0
    files_changed: int = 0
    meddles: tuple[str, ...] = ()  # files in which it touches what runs the tests
    problem: str = ""  # why something could not be observed, for people
    notes: tuple[str, ...] = ()  # how it was observed, for people: "1 new failure passed when repeated"

    @property
    def repro_flips(self) -> bool:
        """The repro command failed before the change and passes after it."""
        return self.repro_before not in (None, 0) and self.repro_after == 0

    @property
    def own_tests_flip(self) -> bool:
        return self.own_tests_on_base is False and self.own_tests_on_candidate is True


@dataclass(frozen=True, slots=True)
class Comparison:
    """The word of a model that read two candidates, in both orders, and said the same both times."""

    preferred: RunId
    other: RunId
    by: str  # the model, as people call it


class Answer(StrEnum):
    """Of a model that was shown two candidates."""

    FIRST = "first"
    SECOND = "second"
    NEITHER = "neither"  # also whatever could not be read


class Outcome(StrEnum):
    READY = "ready"
    DRAFT = "draft"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate's place. `verdict` is one short phrase: "champion", "runner-up", "breaks 2 tests"."""

    run: RunId
    place: int
    verdict: str
    eligible: bool
    confidence: float = 0.0  # the chance that it is right, 0 to 1; 0 where none was stated


@dataclass(frozen=True, slots=True)
class Decision:
    """The ranked evidence and the outcome, stored whole. It can be computed again from the evidence."""

    outcome: Outcome
    champion: RunId | None
    runner_up: RunId | None
    ranking: tuple[Ranked, ...]
    reasons: tuple[str, ...]  # why this one, one sentence each, facts only
    uncertain: tuple[str, ...]  # what nobody checked, and why it is a draft
    confidence: float = 0.0  # that the champion is right, 0 to 1; 0 where none was stated
    others: tuple[str, ...] = ()  # why not those after the next one, one sentence each
    chosen_by: str = ""  # the login of who put this champion in the place of ours


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


class Fate(StrEnum):
    """What people did with a champion's pull request."""

    MERGED = "merged"
    CHANGED = "merged after changes"
    CLOSED = "closed"
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


def solve_id(issue: IssueRef, key: str) -> SolveId:
    """Made from repository, issue and the key of the trigger, so that the same request is the same solve."""
    return SolveId(f"s-{issue.repo.id}-{issue.number}-{key}")
