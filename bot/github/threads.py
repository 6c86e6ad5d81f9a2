"""Reviews and conversations on lines of a diff. That one is resolved is told by GraphQL alone, so that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bot.core.model import Repo
from bot.core.trigger.feedback import Said, Thread
from bot.github import responses
from bot.github.access import Access
from bot.github.client import Call
from bot.github.tokens import Purpose
from bot.ports import Denied, Gone, Rejected, Review, ReviewState, ThreadAnswer

MOST_THREADS = 300  # that are read, the newest: nobody works through more

_THREADS = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 50, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved path line startLine diffSide startDiffSide
          comments(first: 100) {
            nodes {
              databaseId body createdAt lastEditedAt diffHunk
              author { login __typename }
              pullRequestReview { databaseId }
            }
          }
        }
      }
    }
  }
}
"""
LEFT = "LEFT"  # the side of a diff that shows what it takes away
_RESOLVE = """
mutation($thread: ID!) { resolveReviewThread(input: {threadId: $thread}) { thread { id } } }
"""
_MOST_PAGES = 40  # of all threads, the resolved ones included


class _PullNode(msgspec.Struct, frozen=True, rename="camel"):
    review_threads: responses.ReviewThreads


class _RepositoryNode(msgspec.Struct, frozen=True, rename="camel"):
    pull_request: _PullNode | None = None


class _Found(msgspec.Struct, frozen=True):
    repository: _RepositoryNode | None = None


class _Anything(msgspec.Struct, frozen=True):
    """What a mutation answers, of which nothing is read."""


class Threads:
    def __init__(self, access: Access) -> None:
        self._at = access

    async def review(self, repo: Repo, number: int, review: int) -> Review:
        answer = await self._at.ask(repo, Purpose.READ, Call("GET", f"/pulls/{number}/reviews/{review}"))
        found = answer.read(responses.Review)
        asks = found.state == "CHANGES_REQUESTED"
        return Review(ReviewState.CHANGES_REQUESTED if asks else ReviewState.OTHER, found.body or "")

    async def unresolved(self, repo: Repo, number: int) -> list[Thread]:
        owner, _, name = self._at.name(repo).partition("/")
        found: list[Thread] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            asked = {"owner": owner, "name": name, "number": number, "after": after}
            page = _threads_of(await self._at.graphql(repo, Purpose.READ, _THREADS, asked, _Found), repo, number)
            found += [_meant(thread) for thread in page.nodes if not thread.is_resolved and thread.comments.nodes]
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page:
                break
        return found[-MOST_THREADS:]

    async def answer(self, repo: Repo, number: int, wanted: Sequence[ThreadAnswer]) -> list[int]:
        """An answer that got lost raises `Unavailable`: whoever asks again finds what was said by then."""
        if not wanted:
            return []
        async with self._at.turn(repo):
            return await self._answer(repo, number, wanted)

    async def _answer(self, repo: Repo, number: int, wanted: Sequence[ThreadAnswer]) -> list[int]:
        said = await self._ours(repo, number)
        unsaid = []
        for answer in wanted:
            if any(to == answer.to and body.startswith(answer.marker) for to, body in said):
                continue
            call = Call("POST", f"/pulls/{number}/comments/{answer.to}/replies", {"body": answer.body})
            try:
                await self._at.write(repo, Purpose.TALK, call)
            except (Rejected, Gone):  # locked or deleted meanwhile
                unsaid.append(answer.to)
        return unsaid

    async def _ours(self, repo: Repo, number: int) -> list[tuple[int | None, str]]:
        """The comment that it answers, and its text."""
        bot = await self._at.ourselves(repo, Purpose.TALK)
        call = Call("GET", f"/pulls/{number}/comments")
        comments = await self._at.list(repo, Purpose.TALK, call, responses.ReviewComment)
        return [(each.in_reply_to_id, each.body or "") for each in comments if each.is_by(bot)]

    async def resolve(self, repo: Repo, threads: Sequence[str]) -> list[str]:
        unresolved = []
        for thread in threads:
            try:
                await self._at.graphql(repo, Purpose.PUBLISH, _RESOLVE, {"thread": thread}, _Anything)
            except (Rejected, Gone, Denied):
                unresolved.append(thread)
        return unresolved


def _threads_of(found: _Found, repo: Repo, number: int) -> responses.ReviewThreads:
    if found.repository is None or found.repository.pull_request is None:
        raise Gone(f"there is no pull request {number} in {repo.name}")
    return found.repository.pull_request.review_threads


def _meant(thread: responses.ReviewThread) -> Thread:
    said = tuple(_said(comment) for comment in thread.comments.nodes)
    hunk = thread.comments.nodes[0].diff_hunk
    if LEFT in (thread.diff_side, thread.start_diff_side):  # numbers of the file as it was, which name other lines now
        return Thread(thread.id, thread.path, None, hunk, said)
    return Thread(thread.id, thread.path, thread.line, hunk, said, thread.start_line)


def _said(comment: responses.ThreadComment) -> Said:
    author, review = comment.author, comment.pull_request_review
    return Said(
        comment.database_id,
        author.login if author else "ghost",
        comment.body,
        comment.created_at,
        is_bot=author is not None and author.kind == "Bot",
        edited_at=comment.last_edited_at,
        review=review.database_id if review else None,
    )
