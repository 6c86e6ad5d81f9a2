"""What things are called: ids are strings that people can paste into a URL."""

from __future__ import annotations

from typing import NewType

SolveId = NewType("SolveId", str)
RunId = NewType("RunId", str)
SandboxId = NewType("SandboxId", str)
SnapshotId = NewType("SnapshotId", str)
Sha = NewType("Sha", str)
