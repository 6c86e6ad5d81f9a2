"""A patch taken apart and put together: what git makes of it is what counts."""

from __future__ import annotations

import subprocess
from itertools import combinations
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.candidate.hunks import hunks_of, joined, without
from bot.core.model import Candidate, ChangeKind, FileChange, RunId

LINES = [f"line {number % 7}" for number in range(60)]  # they repeat, so that a wrong place would fit too


def git(directory: Path, *args: str, text: str | None = None) -> str:
    done = subprocess.run(("git", *args), cwd=directory, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def repository(directory: Path) -> Path:
    git(directory, "init", "-q", "-b", "main")
    git(directory, "config", "user.email", "a@b.example")
    git(directory, "config", "user.name", "A")
    (directory / "many.txt").write_text("\n".join(LINES) + "\n")
    (directory / "gone.txt").write_text("gone\n")
    git(directory, "add", ".")
    git(directory, "commit", "-qm", "base")
    return directory


def patch_of(directory: Path) -> str:
    git(directory, "add", "-A")
    return git(directory, "diff", "--cached", "--no-renames", "--binary", "--full-index", "HEAD")


def applied(directory: Path, patch: str) -> dict[str, str]:
    git(directory, "reset", "-q", "--hard")
    git(directory, "clean", "-qfd")
    if patch:
        git(directory, "apply", "-", text=patch)
    return {path.name: path.read_text() for path in directory.iterdir() if path.is_file()}


def edited(chosen: frozenset[int]) -> list[str]:
    """Three edits far apart: one that adds, one that removes, one that changes."""
    lines = list(LINES)
    if 2 in chosen:
        lines[50] = "changed"
    if 1 in chosen:
        del lines[30:34]
    if 0 in chosen:
        lines[10:10] = ["added one", "added two", "@@ -1,2 +1,2 @@"]
    return lines


def test_any_hunks_of_a_file_alone_change_what_they_changed_together(tmp_path: Path) -> None:
    directory = repository(tmp_path)
    (directory / "many.txt").write_text("\n".join(edited(frozenset({0, 1, 2}))) + "\n")
    (directory / "new.txt").write_text("new\n")
    (directory / "gone.txt").unlink()
    patch = patch_of(directory)
    hunks = hunks_of(patch)
    assert joined(hunks) == patch
    assert [(hunk.path, hunk.line, hunk.added, hunk.removed, hunk.is_whole_file) for hunk in hunks] == [
        ("gone.txt", 1, 0, 1, True),
        ("many.txt", 10, 3, 0, False),
        ("many.txt", 31, 0, 4, False),
        ("many.txt", 51, 1, 1, False),
        ("new.txt", 1, 1, 0, True),
    ]
    inner = [hunk for hunk in hunks if hunk.path == "many.txt"]
    for count in range(4):
        for kept in combinations(range(3), count):
            files = applied(directory, joined([inner[number] for number in kept]))
            assert files["many.txt"].splitlines() == edited(frozenset(kept)), kept
    assert hunks[1].old_lines == {10, 11}
    assert hunks[2].old_lines == {31, 32, 33, 34}


def test_without_tells_what_is_left(tmp_path: Path) -> None:
    directory = repository(tmp_path)
    (directory / "many.txt").write_text("\n".join(edited(frozenset({0, 2}))) + "\n")
    (directory / "new.txt").write_text("new\n")
    patch = patch_of(directory)
    changes = (
        FileChange("many.txt", ChangeKind.MODIFIED, "100644", "100644", None, 9, 4, 1),
        FileChange("new.txt", ChangeKind.ADDED, "000000", "100644", None, 4, 1, 0),
    )
    candidate = Candidate(RunId("r"), patch, changes)
    first, _, new = hunks_of(patch)
    left = without(candidate, [first, new])
    assert [(c.path, c.added, c.removed) for c in left.changes] == [("many.txt", 1, 1)]
    assert applied(directory, left.patch)["many.txt"].splitlines() == edited(frozenset({2}))
    assert without(candidate, []) == candidate


def test_a_line_without_an_end_stays_without_one(tmp_path: Path) -> None:
    directory = repository(tmp_path)
    (directory / "many.txt").write_text("first\n" + "\n".join(LINES) + "\nno end")
    patch = patch_of(directory)
    hunks = hunks_of(patch)
    assert joined(hunks) == patch
    assert applied(directory, joined(hunks[1:]))["many.txt"] == "\n".join(LINES) + "\nno end"


@settings(max_examples=300)
@given(st.text(st.sampled_from('@-+ 0123456789,\ndiff-gtabx/\\\r"')))
def test_no_text_makes_it_raise(text: str) -> None:
    hunks = hunks_of(f"diff --git a/x b/x\n{text}")
    assert joined(hunks).startswith("diff --git a/x b/x\n") or not hunks
