"""A repository's files and branches, and how people change them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from bot.simulators.github.actions import repositories
from bot.simulators.github.gitdata import EMPTY_TREE, TREE_MODE, Entry
from bot.simulators.github.refusals import Refusal
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import Account, Repository, timestamp

Content: TypeAlias = str | bytes | tuple[bytes, str]  # text, bytes, or bytes with git's mode


class SimFiles:
    def __init__(self, stage: Stage, state: Repository) -> None:
        self._stage = stage
        self.state = state

    async def commit(
        self, branch: str, changes: Mapping[str, Content | None], message: str, *, by: str = "octocat"
    ) -> str:
        """A person's push of one commit; None deletes a path. A branch that is not there starts at the default one.

        Returns the commit's sha.
        """
        person = self._stage.state.account(by)
        sha = await asyncio.to_thread(self._write_commit, branch, changes, message, person)
        ref = f"refs/heads/{branch}"
        if self.branch_sha(branch) is None:
            repositories.create_ref(self._stage, self.state, ref, sha)
        else:
            repositories.update_ref(self._stage, self.state, ref, sha, person, force=False)
        self._tell(ref, sha, message, person)
        return sha

    def _tell(self, ref: str, sha: str, message: str, by: Account) -> None:
        commit = {"id": sha, "message": message, "timestamp": timestamp(self._stage.state.time()), "distinct": True}
        told = {"ref": ref, "after": sha, "commits": [commit], "head_commit": commit, "forced": False, "deleted": False}
        self._stage.emit_flat(self.state, "push", by, **told)

    async def force_push(self, branch: str, sha: str, *, by: str = "octocat") -> None:
        """The branch holds that commit now, whatever it held before."""
        person = self._stage.state.account(by)
        repositories.update_ref(self._stage, self.state, f"refs/heads/{branch}", sha, person, force=True)

    def seed(self, history: Sequence[tuple[str, Mapping[str, Content | None]]], by: str) -> None:
        """The commits a repository begins with, before anybody watches."""
        branch, person = self.state.default_branch, self._stage.state.account(by)
        for message, changes in history:
            self.state.git.set_ref(f"refs/heads/{branch}", self._write_commit(branch, changes, message, person))
        tip = self.branch_sha(branch)
        if tip is not None:
            self.state.published.update(commit.sha for commit in self.state.git.history(tip))

    def _write_commit(self, branch: str, changes: Mapping[str, Content | None], message: str, author: Account) -> str:
        git = self.state.git
        parent = self.branch_sha(branch) or self.branch_sha(self.state.default_branch)
        tree = git.commit(parent).tree if parent else EMPTY_TREE
        new_tree = git.edit_tree(tree, {path: self._entry(content) for path, content in changes.items()})
        signature = self._stage.signature(author)
        return git.write_commit(new_tree, [parent] if parent else [], message, signature, signature)

    def _entry(self, content: Content | None) -> Entry | None:
        match content:
            case None:
                return None
            case str():
                return Entry("100644", self.state.git.blob(content.encode()))
            case bytes():
                return Entry("100644", self.state.git.blob(content))
            case (data, mode):
                return Entry(mode, self.state.git.blob(data))

    def branch_sha(self, name: str) -> str | None:
        return self.state.git.ref(f"refs/heads/{name}")

    @property
    def branches(self) -> dict[str, str]:
        """Name -> sha."""
        return {ref.removeprefix("refs/heads/"): sha for ref, sha in self.state.git.refs("refs/heads/").items()}

    def file(self, ref: str, path: str) -> bytes | None:
        entry = self._tree(ref).get(path)
        return self.state.git.read(entry.sha, "blob") if entry else None

    def modes(self, ref: str) -> dict[str, str]:
        """Path -> git's mode, of all files."""
        return {path: entry.mode for path, entry in self._tree(ref).items()}

    def _tree(self, ref: str) -> dict[str, Entry]:
        git = self.state.git
        sha = git.resolve(ref)
        if sha is None:
            raise Refusal(404, f"no commit is called {ref}")
        return {path: entry for path, entry in git.walk(git.commit(sha).tree) if entry.mode != TREE_MODE}

    async def create_branch(self, name: str, sha: str) -> None:
        repositories.create_ref(self._stage, self.state, f"refs/heads/{name}", sha)

    async def delete_branch(self, name: str, *, by: str = "octocat") -> None:
        repositories.delete_ref(self._stage, self.state, f"refs/heads/{name}", self._stage.state.account(by))
