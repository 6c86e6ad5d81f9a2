"""Patches both ways: two trees to a text, and a text to files. Done by git, in a workbench, without a checkout.

The text is what is stored, shown and published, so it must survive JSON and a database and lose no byte of a file.
"""

from __future__ import annotations

import os
import re

from bot.core.model import Sha
from bot.github.git import ATTRIBUTES, Git, GitFailed, read_blobs
from bot.ports import Rejected, TreeEntry

DIFF = ("diff-tree", "-r", "--no-renames", "--no-ext-diff", "--no-textconv")
_PATCH = ("-p", "--binary", "--full-index", "--no-color", "--src-prefix=a/", "--dst-prefix=b/")
_RAW = re.compile(rb":(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) [A-Z]\0([^\0]+)\0")


async def make_patch(git: Git, base: Sha, tree: str) -> str:
    """Text wherever text can be had; a file in another encoding than UTF-8 goes as binary, so that no byte is lost."""
    raw = _with_whole_characters(await git(*DIFF, *_PATCH, base, tree))
    sections = re.split(rb"(?m)^(?=diff --git )", raw)
    unreadable = {_name_pattern(section) for section in sections if not _is_text(section)}
    if not unreadable:
        return raw.decode()
    attributes = ATTRIBUTES.encode() + b"".join(pattern + b" -diff\n" for pattern in sorted(unreadable))
    (git.directory / "info/attributes").write_bytes(attributes)
    return _with_whole_characters(await git(*DIFF, *_PATCH, base, tree)).decode()


def _with_whole_characters(patch: bytes) -> bytes:
    """Git cuts what it quotes behind `@@ ... @@` after 80 bytes, perhaps in the middle of a character."""
    return re.sub(rb"(?m)^@@ .*$", lambda line: line[0].decode("utf-8", "ignore").encode(), patch)


def _is_text(section: bytes) -> bool:
    try:
        return "\0" not in section.decode()
    except UnicodeDecodeError:
        return False


def _name_pattern(section: bytes) -> bytes:
    """An attribute pattern for the file's name: `?` for all but plain characters. It may fit others; that is harmless.

    The header of a section quotes unusual bytes as octal: `diff --git "a/caf\\351.txt" "b/caf\\351.txt"`.
    """
    name = section.partition(b"\n")[0].rpartition(b"/")[2].rstrip(b'"')
    return re.sub(rb"\\[0-7]{3}|\\.|[^A-Za-z0-9._-]", b"?", name)


async def apply(git: Git, patch: str) -> None:
    """Change the workbench's index. Raises `Rejected` when the patch does not fit."""
    if not patch:
        return
    try:
        await git("apply", "--cached", "--binary", "--whitespace=nowarn", "-", stdin=patch.encode())
    except UnicodeEncodeError as error:
        raise Rejected(f"the patch is no text: {error.reason}") from error
    except GitFailed as error:
        raise Rejected(f"the patch does not apply: {error.stderr.strip()}") from error


async def entries_since(git: Git, base: Sha) -> list[TreeEntry]:
    """What the workbench's index holds otherwise than `base`."""
    raw = await git("diff-index", "--cached", "--raw", "--no-renames", "--no-abbrev", "-z", base)
    changes = [
        (old.decode(), new.decode(), blob.decode(), os.fsdecode(p)) for old, new, _, blob, p in _RAW.findall(raw)
    ]
    if any(new == "160000" for _, new, _, _ in changes):
        raise Rejected("the patch changes a submodule")
    contents = iter(await read_blobs(git, [blob for _, new, blob, _ in changes if new != "000000"]))
    return [
        TreeEntry(path, old, None) if new == "000000" else TreeEntry(path, new, next(contents))
        for old, new, _, path in changes
    ]
