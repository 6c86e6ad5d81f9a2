"""The nouns of Solvebot: ids, frozen values, enums.

Every value here survives JSON both ways (msgspec converts dataclasses, enums, datetimes and tuples), because it
crosses the engine's checkpoints and the database. Times are UTC and timezone-aware; money is US dollars; durations
are seconds unless the name says otherwise.
"""

from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId
from bot.core.model.candidate import Candidate as Candidate
from bot.core.model.candidate import ChangeKind as ChangeKind
from bot.core.model.candidate import FileChange as FileChange
from bot.core.model.candidate import Gate as Gate
from bot.core.model.candidate import GateFailure as GateFailure
from bot.core.model.candidate import Minimal as Minimal
from bot.core.model.candidate import Script as Script
from bot.core.model.decision import Decision as Decision
from bot.core.model.decision import Outcome as Outcome
from bot.core.model.decision import Ranked as Ranked
from bot.core.model.environment import Baseline as Baseline
from bot.core.model.environment import KnownEnvironment as KnownEnvironment
from bot.core.model.environment import SetUp as SetUp
from bot.core.model.environment import TestReport as TestReport
from bot.core.model.environment import Toolchain as Toolchain
from bot.core.model.environment import Verdict as Verdict
from bot.core.model.environment import Workspace as Workspace
from bot.core.model.evidence import Answer as Answer
from bot.core.model.evidence import Comparison as Comparison
from bot.core.model.evidence import Evidence as Evidence
from bot.core.model.evidence import Likeness as Likeness
from bot.core.model.facts import Compared as Compared
from bot.core.model.facts import Consulted as Consulted
from bot.core.model.facts import ExitStatus as ExitStatus
from bot.core.model.facts import Fared as Fared
from bot.core.model.facts import Fate as Fate
from bot.core.model.facts import IssueTests as IssueTests
from bot.core.model.facts import PullRequest as PullRequest
from bot.core.model.facts import RunFacts as RunFacts
from bot.core.model.facts import SolveFacts as SolveFacts
from bot.core.model.facts import Usage as Usage
from bot.core.model.models import UNKNOWN_PRIOR as UNKNOWN_PRIOR
from bot.core.model.models import ModelSpec as ModelSpec
from bot.core.model.models import Prices as Prices
from bot.core.model.models import Published as Published
from bot.core.model.names import MAX_ATTEMPTS as MAX_ATTEMPTS
from bot.core.model.names import kept_snapshot as kept_snapshot
from bot.core.model.names import letter as letter
from bot.core.model.names import prepared_snapshot as prepared_snapshot
from bot.core.model.names import run_id as run_id
from bot.core.model.names import solve_and_index as solve_and_index
from bot.core.model.names import solve_id as solve_id
from bot.core.model.places import IssueRef as IssueRef
from bot.core.model.places import Permission as Permission
from bot.core.model.places import Person as Person
from bot.core.model.places import Repo as Repo
from bot.core.model.request import Draft as Draft
from bot.core.model.request import Limits as Limits
from bot.core.model.request import Publish as Publish
from bot.core.model.request import PullRequestConfig as PullRequestConfig
from bot.core.model.request import RepoConfig as RepoConfig
from bot.core.model.request import SolveOptions as SolveOptions
from bot.core.model.request import Strategy as Strategy
from bot.core.model.request import Trigger as Trigger
from bot.core.model.request import TriggerKind as TriggerKind
from bot.core.model.request import Update as Update
from bot.core.model.solve import Solve as Solve
from bot.core.model.solve import Status as Status
from bot.core.model.task import Experiment as Experiment
from bot.core.model.task import Remark as Remark
from bot.core.model.task import Task as Task
