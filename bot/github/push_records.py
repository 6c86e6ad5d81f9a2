"""Pushes, from a payload to its slim record: commits on the default branch that say what they take back."""

from __future__ import annotations

import msgspec

from bot.core.choosing.outcomes import reverted_commits
from bot.github.payloads import Payload, Repository

MOST_COMMITS = 2_048  # of one push, as many as GitHub tells


class _Repository(Repository, omit_defaults=True):
    default_branch: str | None = None


class _Commit(msgspec.Struct, omit_defaults=True):
    message: str | None = None


class _Push(Payload):
    repository: _Repository | None = None
    ref: str | None = None
    commits: list[_Commit] | None = None


_read = msgspec.json.Decoder(_Push).decode


def push(body: bytes) -> Payload | None:
    """Of their messages only the lines that say so; all other pushes are nothing to us."""
    if b"This reverts commit" not in body:
        return None
    payload = _read(body)
    repository = payload.repository
    if repository is None or payload.ref != f"refs/heads/{repository.default_branch}":
        return None
    messages = [commit.message or "" for commit in (payload.commits or [])[:MOST_COMMITS]]
    taken_back = reverted_commits("\n".join(messages))
    payload.commits = [_Commit(f"This reverts commit {sha}.") for sha in taken_back]
    return payload if taken_back else None
