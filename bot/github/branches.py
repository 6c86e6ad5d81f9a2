"""Branches: where they point, and how they come, move and go."""

from __future__ import annotations

from bot.core.model import Repo, Sha
from bot.github import responses
from bot.github.access import Access
from bot.github.client import Answer, Call, encoded
from bot.github.tokens import Purpose


class Branches:
    def __init__(self, at: Access) -> None:
        self._at = at

    async def head(self, repo: Repo, branch: str) -> Sha | None:
        answer = await self._ref(repo, Purpose.READ, branch)
        return answer.read(responses.Ref).object.sha if answer.status == 200 else None

    async def are_missing(self, repo: Repo, default_branch: str) -> bool:
        """There is nothing at all in the repository."""
        return (await self._ref(repo, Purpose.READ, default_branch)).status == 409

    async def _ref(self, repo: Repo, purpose: Purpose, branch: str) -> Answer:
        """404: there is no such branch; 409: there is nothing at all in the repository."""
        call = Call("GET", f"/git/ref/heads{encoded(*branch.split('/'))}", expect=(404, 409))
        return await self._at.ask(repo, purpose, call)

    async def point(self, repo: Repo, branch: str, commit: Sha) -> Sha:
        """Create the branch; when it, or one below it, is there already, leave that alone. Returns where it points."""
        body = {"ref": f"refs/heads/{branch}", "sha": commit}
        call = Call("POST", "/git/refs", body, expect=(422,), repeatable=True)
        answer = await self._at.write(repo, Purpose.PUBLISH, call)
        if answer.status == 422:
            there = await self._ref(repo, Purpose.PUBLISH, branch)
            if there.status == 200:
                return there.read(responses.Ref).object.sha
            below = await self._below(repo, branch)
            if below is None:
                raise answer.error()
            return below
        return answer.read(responses.Ref).object.sha

    async def _below(self, repo: Repo, branch: str) -> Sha | None:
        """Where a branch points that leaves no room for this one: git keeps branches as files in directories."""
        path = f"/git/matching-refs/heads{encoded(*branch.split('/'))}/"
        found = await self._at.ask(repo, Purpose.PUBLISH, Call("GET", path))
        return next((ref.object.sha for ref in found.read(list[responses.Ref])), None)

    async def advance(self, repo: Repo, branch: str, commit: Sha) -> bool:
        """Move it forward to a commit on top of it, never by force. False: it holds what the commit does not."""
        ref = f"/git/refs/heads{encoded(*branch.split('/'))}"
        call = Call("PATCH", ref, {"sha": commit, "force": False}, expect=(422,), repeatable=True)
        answer = await self._at.write(repo, Purpose.PUBLISH, call)
        if answer.status == 422 and "fast forward" not in answer.message:
            raise answer.error()
        return answer.status == 200

    async def delete(self, repo: Repo, branch: str) -> None:
        call = Call("DELETE", f"/git/refs/heads{encoded(*branch.split('/'))}", expect=(404, 422))
        answer = await self._at.write(repo, Purpose.PUBLISH, call)
        if answer.status == 422 and "does not exist" not in answer.message:
            raise answer.error()
