"""What things are called: ids are made from ids, so that a replay names the same thing."""

from __future__ import annotations

from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId
from bot.core.model.places import IssueRef

MAX_ATTEMPTS = 8


def run_id(solve: SolveId, index: int) -> RunId:
    """The id of a solve's run number `index` (1-based): made from ids, so that a replay names the same run."""
    return RunId(f"{solve}-r{index}")


def solve_and_index(run: RunId) -> tuple[SolveId, int]:
    """What the id was made from."""
    solve, _, index = run.rpartition("-r")
    return SolveId(solve), int(index)


def prepared_snapshot(solve: SolveId) -> SnapshotId:
    """The workspace after set-up, from which every run and every judgement starts."""
    return SnapshotId(str(solve))


def kept_snapshot(key: str) -> SnapshotId:
    """The same, under a name that outlives the solve: see `Workspace`."""
    return SnapshotId(f"kept-{key}")


def letter(number: int) -> str:
    """What people call candidate `number`, from 1; no solve has more than there are letters."""
    return chr(ord("A") + number - 1) if 1 <= number <= 26 else str(number)


def solve_id(issue: IssueRef, key: str) -> SolveId:
    """Made from repository, issue and the key of the trigger, so that the same request is the same solve."""
    return SolveId(f"s-{issue.repo.id}-{issue.number}-{key}")
