"""The patch that a run produced, and what no patch may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.core.candidate.restoring import PutBack
from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId


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
