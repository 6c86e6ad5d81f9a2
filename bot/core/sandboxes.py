"""What the sandboxes of a solve are called: by whom they belong to, and by what they are for.

All names are made here, so that whoever ends a solve and whoever tidies up know every one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bot.core.model import RunId, SandboxId, SolveId


class Use(StrEnum):
    WORK = ""  # a plan or an agent
    WORK_AGAIN = "-again"  # ... when the first was lost
    SETUP_AGENT = "-setup"
    SETUP_AGENT_AGAIN = "-setup-again"
    BASE = "-base"  # the tests as they are
    CANARY = "-canary"  # the tests with something broken on purpose
    JUDGE = "-judge"


def sandbox_of(owner: SolveId | RunId, use: Use = Use.WORK) -> SandboxId:
    return SandboxId(f"{owner}{use}")


def sandboxes_of(solve: SolveId, runs: Sequence[RunId]) -> list[SandboxId]:
    """Every sandbox that a solve may have open, whoever was using it."""
    owners: list[SolveId | RunId] = [solve, *runs]
    return [sandbox_of(owner, use) for owner in owners for use in Use]
