"""What runners leave behind, framed so that several reports make one file, and nothing in one looks like the next.

A file is `NUL format SPACE directory LINE-END content`, again and again. Contents hold no NUL: it is taken out where
they are gathered. The first piece is the workspace's own path, which is cut out of all names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ROOT = "root"  # the piece that holds the workspace's path
_MAX_DOCUMENTS = 20_000  # Java's runners write a file per class
_MAX_HEAD = 4000


class Format(StrEnum):
    JUNIT = "junit"
    EVENTS = "events"  # of our own reporters: a JSON object a line
    TAP = "tap"
    GO = "go"
    JEST = "jest"
    RSPEC = "rspec"
    CARGO = "cargo"
    UNITTEST = "unittest"
    MINITEST = "minitest"
    TRX = "trx"
    PROVE = "prove"
    CTEST = "ctest"
    JAVA = "java"  # JUnit, in files of their own below the workspace
    NOTHING = "nothing"  # of a runner that leaves nothing when it has nothing to run
    OUTPUT = "output"  # of a command that we do not know: whatever can be recognized


_FORMATS = {format.value: format for format in Format}


@dataclass(frozen=True, slots=True)
class Document:
    """`directory` is where the runner was started, below the workspace; `root` the workspace's own path."""

    format: Format
    content: bytes
    directory: str = ""
    root: str = ""


def documents(report: bytes) -> list[Document]:
    """The pieces of a gathered file. Pieces that are not ours are left out."""
    root = ""
    found = []
    for piece in report.split(b"\0", _MAX_DOCUMENTS)[1:]:
        head, _, content = piece.partition(b"\n")
        name, _, rest = head[:_MAX_HEAD].decode(errors="replace").partition(" ")
        if name == ROOT:
            root = root or rest
        elif name in _FORMATS:
            found.append(Document(_FORMATS[name], content, rest, root))
    return found
