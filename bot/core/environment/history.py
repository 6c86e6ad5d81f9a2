"""How much of a repository's past goes into a sandbox.

Agents read it (`git log`, `git blame`, `git bisect`), and build tools make versions from its tags (`git describe`).
What lies outside of the base commit's past is never part of it: a later commit or another branch may hold the fix.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.model import Sha

ENOUGH = (200, 50, 10, 1)  # commits; the first of them that are small enough
DEEPER = (600, 2_000)  # commits, where a version needs more
MAX_BYTES = 50_000_000  # of all that is not the base commit itself, as it lies in a pack
MAX_TAGS = 50_000

_NO_REF_NAME = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/]|[/.]$|^$|^@$|(?:^|/)\.|\.lock(?:/|$)"  # git-check-ref-format(1)
)
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MAX_NAME = 200  # characters: a ref may be a file, and a file's name has 255 bytes at most


_FROM_GIT = re.compile(r"setuptools[-_]scm|hatch-vcs|versioneer|dynamic-versioning|dunamai|\bpbr\b|git[ -]describe")


@dataclass(frozen=True, slots=True)
class Tag:
    """`object` is what its ref names: the commit itself, or an annotated tag."""

    name: str
    object: Sha
    commit: Sha


@dataclass(frozen=True, slots=True)
class Part:
    """Of a history: the commits, and those of them (`shallow`) that have no parents in it though they had some."""

    commits: frozenset[Sha]
    shallow: frozenset[Sha]


@dataclass(frozen=True, slots=True)
class History:
    """What went into a sandbox. `versions`: `git describe` says there what it says in the whole repository."""

    commits: int
    complete: bool
    versions: bool


def nearest(parents: Mapping[Sha, Sequence[Sha]], base: Sha, most: int) -> Part:
    """The `most` commits that are fewest steps away from `base`, all of them reachable from it within the part.

    A commit either has all of its parents in the part or, as git's shallow repositories want it, none: one whose
    parents would be too many, or are unknown, is where the past ends.
    """
    commits = {base}
    shallow = set()
    waiting = deque([base])
    while waiting:
        commit = waiting.popleft()
        known = parents.get(commit)
        new = dict.fromkeys(parent for parent in known or () if parent not in commits)
        if known is None or len(commits) + len(new) > most:
            shallow.add(commit)
        else:
            commits.update(new)
            waiting.extend(new)
    return Part(frozenset(commits), frozenset(shallow))


def usable(tags: Iterable[Tag]) -> list[Tag]:
    """Those whose names any git takes. Of `a` and `a/b`, which cannot both be files, the shorter one counts."""
    named = {tag.name: tag for tag in tags if is_ref_name(tag.name)}
    return [tag for name, tag in named.items() if not any(above in named for above in _above(name))]


def _above(name: str) -> Iterable[str]:
    """`a/b/c`: `a`, `a/b`."""
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def is_ref_name(name: str) -> bool:
    """Below refs/tags/ or refs/heads/. Stricter than git: nothing that might be taken for an option or a commit."""
    return len(name) <= _MAX_NAME and not _NO_REF_NAME.search(name) and not _SHA.fullmatch(name)


def branch_name(base_branch: str) -> str:
    """What the branch is called in the sandbox: as people call it, where that is the name of a branch at all."""
    return base_branch if is_ref_name(base_branch) and base_branch != "HEAD" else "main"


def packed_refs(branch: str, commit: Sha, tags: Iterable[Tag]) -> str:
    """The file `packed-refs` of a repository that has this branch and these tags."""
    lines = ["# pack-refs with: peeled fully-peeled ", f"{commit} refs/heads/{branch}"]
    for tag in tags:
        lines.append(f"{tag.object} refs/tags/{tag.name}")
        if tag.object != tag.commit:
            lines.append(f"^{tag.commit}")
    return "\n".join(lines) + "\n"


def makes_versions_from_git(texts: Iterable[str]) -> bool:
    """Whether one of the files that say how a project is built names a tool that does, or does it itself."""
    return any(_FROM_GIT.search(text) for text in texts)
