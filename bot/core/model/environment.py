"""How a repository is set up and tested, and how it does before any change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId


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
