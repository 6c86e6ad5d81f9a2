"""Commits made through the API, where GitHub signs what nobody is named as the author of."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.model import Repo, Sha
from bot.github import responses
from bot.github.access import Access
from bot.github.client import Answer, Call, encoded
from bot.github.tokens import Purpose
from bot.ports import Commit, TreeEntry

_BLOBS_AT_ONCE = 4


async def make_commit(
    at: Access, repo: Repo, parents: Sequence[Sha], entries: Sequence[TreeEntry], message: str
) -> Commit:
    """Blobs, tree and commit; `entries` change the tree of the first parent.

    Nobody sees any of them before a branch points there, so they need not take turns, and twice is harmless.
    """
    answer = await at.ask(repo, Purpose.PUBLISH, Call("GET", f"/git/commits{encoded(parents[0])}"))
    base = answer.read(responses.GitCommit).tree.sha
    blobs = await _blobs(at, repo, [entry.content for entry in entries])
    tree = [
        {"path": entry.path, "mode": entry.mode, "type": "blob", "sha": blob}
        for entry, blob in zip(entries, blobs, strict=True)
    ]
    made_tree = await _create(at, repo, "trees", {"base_tree": base, "tree": tree})
    body = {"message": message, "tree": made_tree.read(responses.GitObject).sha, "parents": list(parents)}
    made = (await _create(at, repo, "commits", body)).read(responses.GitCommit)
    return Commit(made.sha, made.verification.verified)


async def _blobs(at: Access, repo: Repo, contents: Sequence[bytes | None]) -> list[Sha | None]:
    """The name of each content; None for what is deleted."""
    slots = asyncio.Semaphore(_BLOBS_AT_ONCE)

    async def store(content: bytes) -> Sha:
        async with slots:
            body = {"content": b64encode(content).decode(), "encoding": "base64"}
            return (await _create(at, repo, "blobs", body)).read(responses.GitObject).sha

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [None if content is None else group.create_task(store(content)) for content in contents]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None  # one port error, as everywhere
    return [None if task is None else task.result() for task in tasks]


async def _create(at: Access, repo: Repo, kind: str, body: Mapping[str, Any]) -> Answer:
    return await at.ask(repo, Purpose.PUBLISH, Call("POST", f"/git/{kind}", body, repeatable=True))
