"""Where a workflow is, in our words."""

from __future__ import annotations

from enum import StrEnum


class WorkflowState(StrEnum):
    UNKNOWN = "unknown"
    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # raised, or recovered too often
    CANCELLED = "cancelled"


def workflow_state(status: str) -> WorkflowState:
    match status:
        case "SUCCESS":
            return WorkflowState.SUCCEEDED
        case "ERROR" | "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
            return WorkflowState.FAILED
        case "CANCELLED":
            return WorkflowState.CANCELLED
        case _:
            return WorkflowState.ACTIVE
