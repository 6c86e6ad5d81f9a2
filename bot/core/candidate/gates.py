"""What no candidate may do, however good its tests look. Decided from the diff, before anything of it is run.

Gates are few and certain: each is a thing that a reviewer would refuse unread (a workflow file, a key, a deleted test)
or could not read (a binary, half a megabyte). What may be right or wrong is not a gate; that is what evidence is for.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.candidate.file_roles import BY_NAME, FileRoles
from bot.core.candidate.patches import Edit, read_patch, unquoted
from bot.core.candidate.protected import Protection, protected_by
from bot.core.candidate.skips import silenced, skips_of_new_tests
from bot.core.candidate.testfiles import is_test_file, is_test_support, names_of_tests, tells_the_runner
from bot.core.model import Candidate, ChangeKind, FileChange, Gate, GateFailure
from bot.core.text.cleaning import UNSEEN
from bot.core.text.secrets import find_secrets, holds_value, is_example

_NAMED = 3  # paths in a detail; the rest is counted
_SHORTEST_OWN = 12  # characters of a secret of this server; a shorter password may be a word that a fix needs
_SYMLINK, _SUBMODULE, _ABSENT = "120000", "160000", "000000"
# Control, format and private characters, line and paragraph ends, blanks that are not the blank; what is not UTF-8
# GitHub's API cannot take. In a list of files each of them makes a name look like another one.
_AS_ANOTHER = re.compile(r"\\|::|[. ]$|^ |~\d$")  # on Windows, and the last is a short name such as GIT~1
_NO_NAME = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """`protect`: the repository's own patterns, as in .gitignore; `!` takes back what is
    protected by default.

    `pointers`: files that stand for others, which are kept in Git LFS. `secrets`: this server's own, by their values.
    """

    protect: tuple[str, ...] = ()
    pointers: frozenset[str] = frozenset()
    roles: FileRoles = BY_NAME
    max_patch_bytes: int = 400_000
    max_lines: int = 2_000
    max_files: int = 60
    secrets: tuple[str, ...] = field(default=(), repr=False)


def check_gates(
    candidate: Candidate, policy: GatePolicy, texts: Mapping[str, bytes] | None = None
) -> tuple[GateFailure, ...]:
    """Every gate that the candidate fails, once each. Lines are looked at only when the size is right.

    `texts`: new contents by path. A text in an old encoding is binary in a patch; only here can its lines be read.
    """
    if not candidate.overflow and all(map(_is_new_and_empty, candidate.changes)):
        return (GateFailure(Gate.EMPTY, ""),)
    failures = [*_paths(candidate.changes, policy), *_kinds(candidate.changes, policy)]
    if too_large := _size(candidate, policy):
        return (*failures, GateFailure(Gate.TOO_LARGE, too_large))
    edits = list(_edits(candidate, texts or {}))
    tests = [edit for edit in edits if edit.path not in policy.roles.product]
    return (*failures, *_secrets(edits, policy.secrets), *_tests(candidate.changes, tests))


def _paths(changes: Sequence[FileChange], policy: GatePolicy) -> Iterator[GateFailure]:
    protected = protected_by(policy.protect)
    workflows, others = [], []
    for change in changes:
        why = protected.why(unquoted(change.path))
        if why is Protection.WORKFLOW:
            workflows.append(change.path)
        elif why is not None:
            others.append(f"{change.path}: {why}" if why else change.path)
    yield from _failure(Gate.WORKFLOW, workflows)
    yield from _failure(Gate.PROTECTED_PATH, others)
    yield from _failure(Gate.FILE_NAME, [change.path for change in changes if _misleads(unquoted(change.path))])


def _misleads(path: str) -> bool:
    """Whether people, or a file system of theirs, may take this name for another one."""
    if any(_AS_ANOTHER.search(name) for name in path.split("/")):
        return True
    if path.isascii():
        return not path.isprintable()
    categories = {unicodedata.category(character) for character in path.replace(" ", "")}
    return not _NO_NAME.isdisjoint(categories) or UNSEEN.search(path) is not None


def _is_new_and_empty(change: FileChange) -> bool:
    return change.kind is ChangeKind.ADDED and change.size == 0 and change.new_mode not in (_SYMLINK, _SUBMODULE)


def _kinds(changes: Sequence[FileChange], policy: GatePolicy) -> Iterator[GateFailure]:
    yield from _failure(Gate.SYMLINK, [c.path for c in changes if _makes_or_replaces_a_link(c, changes)])
    submodules = [c.path for c in changes if _SUBMODULE in (c.old_mode, c.new_mode) or c.path == ".gitmodules"]
    yield from _failure(Gate.SUBMODULE, submodules)
    written = [c for c in changes if c.kind is not ChangeKind.DELETED]
    yield from _failure(Gate.LFS, [c.path for c in written if c.path in policy.pointers])
    yield from _failure(Gate.BINARY, [c.path for c in written if c.binary and c.path not in policy.pointers])


def _makes_or_replaces_a_link(change: FileChange, changes: Sequence[FileChange]) -> bool:
    """A link that is taken away is none; one in whose place a file or a directory stands was copied over."""
    if change.new_mode == _SYMLINK or change.old_mode != _SYMLINK:
        return change.new_mode == _SYMLINK
    return change.new_mode != _ABSENT or any(other.path.startswith(f"{change.path}/") for other in changes)


def _size(candidate: Candidate, policy: GatePolicy) -> str:
    if candidate.overflow:
        return candidate.overflow
    size = len(candidate.patch.encode("utf-8", "surrogatepass"))
    if size > policy.max_patch_bytes:
        return f"the patch has {size} bytes, {policy.max_patch_bytes} are allowed"
    if candidate.lines_changed > policy.max_lines:
        return f"{candidate.lines_changed} lines changed, {policy.max_lines} are allowed"
    if len(candidate.changes) > policy.max_files:
        return f"{len(candidate.changes)} files changed, {policy.max_files} are allowed"
    return ""


def _secrets(edits: Sequence[Edit], own: Sequence[str]) -> Iterator[GateFailure]:
    """Only what the patch brings in: a key on a line that was moved is in the repository already.

    The server's own are looked for in names as well.
    """
    removed = "\n".join(line for edit in edits for line in edit.removed)
    found = []
    for edit in edits:
        text = "\n".join(edit.added)
        new = [match for match in find_secrets(text) if text[match.start : match.end] not in removed]
        kinds = dict.fromkeys(match.kind for match in new if not is_example(text, match))
        found += [f"{kind} in {edit.path}" for kind in kinds]
    brought = "\n".join([edit.path for edit in edits] + [line for edit in edits for line in edit.added])
    own = [value for value in own if len(value) >= _SHORTEST_OWN]
    if own and holds_value(brought, own) and not holds_value(removed, own):
        found.append("a secret of this server")
    yield from _failure(Gate.SECRET, found)


def _tests(changes: Sequence[FileChange], edits: Sequence[Edit]) -> Iterator[GateFailure]:
    added_files = {unquoted(change.path) for change in changes if change.kind is ChangeKind.ADDED}
    deleted_files = {unquoted(change.path) for change in changes if change.kind is ChangeKind.DELETED}
    yield from _failure(Gate.TESTS_DELETED, _deleted_tests(edits, deleted_files))
    skipped = [edit.path for edit in edits if _silences(edit, is_new=edit.path in added_files)]
    yield from _failure(Gate.TESTS_SKIPPED, skipped)


def _silences(edit: Edit, *, is_new: bool) -> bool:
    if not (is_test_file(edit.path) or is_test_support(edit.path) or tells_the_runner(edit.path)):
        return False
    now = silenced(edit.path, edit.blocks, is_new=is_new, removed=edit.removed)
    return bool(Counter(now) - Counter(silenced(edit.path, [edit.removed], is_new=False)))


def skips_its_own_tests(candidate: Candidate) -> tuple[str, ...]:
    """Test files in which it skips tests that it adds itself: no gate, but for people to know."""
    added_files = {unquoted(change.path) for change in candidate.changes if change.kind is ChangeKind.ADDED}
    return tuple(
        edit.path
        for edit in read_patch(candidate.patch)
        if is_test_file(edit.path)
        and skips_of_new_tests(edit.path, edit.blocks, is_new=edit.path in added_files, removed=edit.removed)
    )


def _deleted_tests(edits: Sequence[Edit], deleted_files: set[str]) -> Iterator[str]:
    """Test files that lost tests. A test that was moved, even to another file, or renamed in place is not lost."""
    here_now = Counter(name for edit in edits for name in names_of_tests(edit.path, edit.added))
    for edit in edits:
        if not is_test_file(edit.path):
            continue
        removed = Counter(names_of_tests(edit.path, edit.removed))
        lost = removed - here_now
        new = Counter(names_of_tests(edit.path, edit.added)) - removed
        if lost.total() > new.total():
            yield f"{edit.path} ({', '.join(sorted(lost)[:_NAMED])})"
        elif edit.path in deleted_files and not removed:
            yield edit.path


def _failure(gate: Gate, found: Iterable[str]) -> Iterator[GateFailure]:
    found = list(found)
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        yield GateFailure(gate, ", ".join(found[:_NAMED]) + more)


def _edits(candidate: Candidate, texts: Mapping[str, bytes]) -> Iterator[Edit]:
    """The patch, file by file; a text that the patch holds as binary counts as added whole."""
    binary = {unquoted(change.path) for change in candidate.changes if change.binary}
    for edit in read_patch(candidate.patch):
        if edit.unread and edit.path not in binary:
            edit.added = texts.get(edit.path, b"").decode("utf-8", "replace").split("\n")
        yield edit
