"""The tags of a mirror: a file beside its refs, replaced as a whole.

They are no refs there: one that was moved, or became a directory of tags, would stand in the way of a fetch, and who
makes a repository from the mirror must never find half of them. Only tags of commits that the mirror has are wanted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from bot.core.environment.history import MAX_TAGS, Tag, usable
from bot.core.model import Sha
from bot.github.git import Git
from bot.github.transport import FETCH, options
from bot.ports import Remote

_FILE = "solvebot-tags"
_ADVERTISED = re.compile(rb"([0-9a-f]{40})\trefs/tags/([^\n]+?)(\^\{\})?$", re.MULTILINE)
_KEPT = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\n]+)")
_TIMEOUT = 300.0


async def follow(git: Git, remote: Remote, lock: int) -> None:
    """Ask the remote for its tags. `git` may write to the mirror; `lock` is for its children to inherit."""
    listed = ("ls-remote", "--quiet", "--tags", *options(remote), "--", remote.url)
    listing = await git(*listed, timeout=_TIMEOUT, pass_fds=(lock,))
    advertised = _advertised(listing)
    there = await _commits(git, [tag.commit for tag in advertised])
    wanted = [tag for tag, commit in zip(advertised, there, strict=True) if commit == tag.commit]
    peeled = await _commits(git, [tag.object for tag in wanted])
    if missing := [tag.object for tag, commit in zip(wanted, peeled, strict=True) if commit is None]:
        refspecs = "".join(f"{object}\n" for object in missing).encode()
        fetch = ("fetch", *FETCH, *options(remote), "--stdin", "--", remote.url)
        await git(*fetch, stdin=refspecs, timeout=_TIMEOUT, pass_fds=(lock,))
        peeled = await _commits(git, [tag.object for tag in wanted])
    tags = [Tag(tag.name, tag.object, commit) for tag, commit in zip(wanted, peeled, strict=True) if commit]
    _keep(git.directory, tags)


def known(mirror: Path) -> list[Tag]:
    """As of the last fetch."""
    try:
        content = (mirror / _FILE).read_bytes()
    except FileNotFoundError:
        return []
    kept = (line.groups() for line in _KEPT.finditer(content))
    return [Tag(os.fsdecode(name), Sha(object.decode()), Sha(commit.decode())) for object, commit, name in kept]


def _keep(mirror: Path, tags: Sequence[Tag]) -> None:
    unfinished = mirror / f"{_FILE}.new"
    unfinished.write_bytes(os.fsencode("".join(f"{tag.object} {tag.commit} {tag.name}\n" for tag in tags)))
    unfinished.replace(mirror / _FILE)


def _advertised(listing: bytes) -> list[Tag]:
    """As the remote says; behind the line of an annotated tag comes a line with what it is a tag of."""
    tags: dict[bytes, Tag] = {}
    for object, name, peels in (line.groups() for line in _ADVERTISED.finditer(listing)):
        before = tags.get(name)
        sha = Sha(object.decode())
        tags[name] = Tag(os.fsdecode(name), before.object if peels and before else sha, sha)
        if len(tags) > MAX_TAGS:
            break
    return usable(tags.values())


async def _commits(git: Git, objects: Sequence[Sha]) -> list[Sha | None]:
    """The commit that each is, or is a tag of; None for what is not in the mirror, and for trees and files."""
    if not objects:
        return []
    question = "".join(f"{object}^{{commit}}\n" for object in objects).encode()
    answers = (await git("cat-file", "--batch-check=%(objectname)", stdin=question)).decode().splitlines()
    return [None if " " in answer else Sha(answer) for answer in answers]
