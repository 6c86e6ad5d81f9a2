"""The base branch, merged into the branch of a pull request by GitHub itself; and how far the two are apart."""

from __future__ import annotations

import msgspec

from bot.core.model import Repo, Sha
from bot.github import responses
from bot.github.access import Access
from bot.github.client import Call, encoded
from bot.github.tokens import Purpose
from bot.ports import Commit, Merged, Merging

_CONFLICT = 409


class _Verified(msgspec.Struct, frozen=True):
    message: str = ""
    verification: responses.Verification = responses.Verification()


class _Merge(msgspec.Struct, frozen=True):
    sha: Sha
    commit: _Verified = _Verified()


class _Tip(_Merge, frozen=True):
    parents: list[msgspec.Raw] = []


class _Compared(msgspec.Struct, frozen=True):
    ahead_by: int


class _PullCommit(msgspec.Struct, frozen=True):
    author: responses.Account | None = None  # None: an address that is no account's


async def merge(at: Access, repo: Repo, branch: str, base: str, message: str) -> Merging:
    """Where nothing is to be merged, the branch may end with our own merge of a try whose answer got lost."""
    body = {"base": branch, "head": base, "commit_message": message}
    answer = await at.write(repo, Purpose.PUBLISH, Call("POST", "/merges", body, expect=(_CONFLICT,), repeatable=True))
    match answer.status:
        case _ if answer.status == _CONFLICT:
            return Merging(Merged.CONFLICT)
        case 204:
            tip = (await at.ask(repo, Purpose.READ, Call("GET", f"/commits{encoded(*branch.split('/'))}"))).read(_Tip)
            ours = len(tip.parents) == 2 and tip.commit.message == message
            return _made(tip) if ours else Merging(Merged.NOTHING)
    return _made(answer.read(_Merge))


def _made(merge: _Merge) -> Merging:
    return Merging(Merged.MERGED, Commit(merge.sha, merge.commit.verification.verified))


async def missing_from(at: Access, repo: Repo, base: str, head: Sha) -> int:
    call = Call("GET", f"/compare{encoded(f'{head}...{base}')}", query={"per_page": "1"})
    return (await at.ask(repo, Purpose.READ, call)).read(_Compared).ahead_by


async def authors(at: Access, repo: Repo, number: int) -> list[str]:
    bot = await at.ourselves(repo, Purpose.READ)
    commits = await at.list(repo, Purpose.READ, Call("GET", f"/pulls/{number}/commits"), _PullCommit)
    found = [commit.author.login if commit.author is not None else "somebody" for commit in commits]
    return [login for login in dict.fromkeys(found) if login != bot.login]


class _Merged(msgspec.Struct, frozen=True):
    number: int
    merged_at: str | None = None


async def merged_by(at: Access, repo: Repo, commit: Sha) -> list[int]:
    """Numbers of the pull requests that brought it. Empty where there is no such commit."""
    call = Call("GET", f"/commits{encoded(commit)}/pulls", expect=(404, 422))
    answer = await at.ask(repo, Purpose.READ, call)
    found = [] if answer.status in (404, 422) else answer.read(list[_Merged])
    return [pull.number for pull in found if pull.merged_at is not None]
