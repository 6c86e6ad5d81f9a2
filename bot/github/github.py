"""The real GitHub behind the port: every call that we make of it, and how its effect is found when it was made before.

Nothing here decides what happens next; it only knows how to ask.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from urllib.parse import quote

import httpx

from bot.core.model import IssueRef, Permission, Person, PullRequest, Remark, Repo, Sha
from bot.core.trigger.checks import Check
from bot.core.trigger.feedback import Thread
from bot.core.trigger.own_check import OwnCheck
from bot.core.trigger.publish_precheck import Publishing
from bot.github import issue_groups, merging, own_check, responses
from bot.github.access import Access
from bot.github.branches import Branches
from bot.github.checks import Checks
from bot.github.client import RAW, Call, Client, Sleep, encoded
from bot.github.commits import make_commit
from bot.github.deliveries import fetched, listed, redeliver_missed
from bot.github.opening import open_issue
from bot.github.publishing import look
from bot.github.refusals import TooLarge
from bot.github.signatures import Delivery
from bot.github.teams import Teams
from bot.github.threads import Threads
from bot.github.tokens import AppCredentials, AppIdentity, Purpose, Tokens
from bot.github.wire import anonymous
from bot.github.write_pacing import TurnsHere, WritePacing
from bot.ports import (
    Clock,
    Commit,
    IssueState,
    Merging,
    PostedComment,
    PullState,
    Rejected,
    Remote,
    RepositoryState,
    Review,
    ThreadAnswer,
    TreeEntry,
    Turns,
    WorldError,
)

_LARGEST_FILE = 256 * 1024  # bytes


class Hub:
    """`pool`: connections to GitHub. `write_interval`: seconds between two writes to one installation, 1 or more.

    `turns`: how all workers take turns at writing; without it, this process does by itself.
    """

    def __init__(
        self,
        pool: httpx.AsyncBaseTransport,
        identity: AppIdentity,
        clock: Clock,
        *,
        api_url: str = "https://api.github.com",
        server_url: str = "https://github.com",
        write_interval: float = 1.0,
        sleep: Sleep = asyncio.sleep,
        turns: Turns | None = None,
    ) -> None:
        self._server = server_url.rstrip("/")
        self._client = Client(anonymous(api_url, pool), api_url, clock, sleep=sleep)
        self._app = AppCredentials(identity, clock)
        self._tokens = Tokens(self._client, self._app, clock)
        pacing = WritePacing(write_interval, turns or TurnsHere(clock), sleep)
        self._at = Access(self._client, self._app, self._tokens, pacing, sleep)
        self._branches = Branches(self._at)
        self._threads = Threads(self._at)
        self._teams = Teams(self._client, self._app, self._tokens)
        self._checks = Checks(self._at, pool, api_url)

    async def signs(self) -> None:
        """The App's key can sign. Raises `Denied`."""
        await self._app.token()

    async def redeliver_missed(self, since: datetime) -> int:
        """Ask GitHub for the webhooks since then that we did not take; returns how many."""
        return await redeliver_missed(self._client, self._app, since)

    async def deliveries(self, since: datetime) -> list[responses.HookDelivery]:
        """All attempts since then, oldest first."""
        return await listed(self._client, self._app, since)

    async def delivery(self, id: int) -> Delivery:
        """Raises `Gone` when GitHub no longer keeps it, and `Malformed`."""
        return await fetched(self._client, self._app, id)

    # ------------------------------------------------------------------------------------------------- reading

    async def repository(self, repo: Repo) -> RepositoryState:
        """As it is now, under its present name. Raises `Gone` when it was deleted or is no longer ours to see."""
        found = await self._at.look_up(repo)
        return RepositoryState(
            Repo(repo.installation, repo.id, found.full_name),
            found.default_branch,
            found.private,
            found.archived,
            found.disabled,
            empty=found.size == 0 and await self._branches.are_missing(repo, found.default_branch),
        )

    async def issue(self, issue: IssueRef) -> IssueState:
        """Raises `Gone` when it was deleted or transferred."""
        answer = await self._at.ask(issue.repo, Purpose.READ, Call("GET", f"/issues/{issue.number}"))
        found = answer.read(responses.Issue)
        return IssueState(
            found.title,
            found.body or "",
            open=found.state == "open",
            locked=found.locked,
            labels=tuple(label.name for label in found.labels),
            author=found.user.login if found.user else "ghost",  # as GitHub shows a deleted account
            is_pull_request=found.pull_request is not None,
        )

    async def children(self, issue: IssueRef) -> list[int]:
        return await issue_groups.children(self._at, issue)

    async def of_milestone(self, issue: IssueRef) -> list[int] | None:
        return await issue_groups.of_milestone(self._at, issue)

    async def remarks(self, issue: IssueRef, *, before: datetime) -> list[Remark]:
        """Comments by people, created before and not edited since. Ours and other bots' are left out."""
        call = Call("GET", f"/issues/{issue.number}/comments")
        return [
            Remark(comment.user.login, comment.body or "", comment.created_at)
            for comment in await self._at.list(issue.repo, Purpose.READ, call, responses.Comment)
            if comment.user is not None and comment.user.type != "Bot"
            if comment.created_at < before and comment.updated_at < before
        ]

    async def permission(self, repo: Repo, login: str) -> Permission:
        """What the person may do now. A stranger is `Permission.NONE`; an error raises, it never grants."""
        if login.lower().endswith("[bot]"):
            return Permission.NONE
        call = Call("GET", f"/collaborators{encoded(login)}/permission", expect=(404,))
        answer = await self._at.ask(repo, Purpose.READ, call)
        return Permission.NONE if answer.status == 404 else answer.read(responses.CollaboratorPermission).meant

    async def is_in_team(self, team: str, login: str) -> bool:
        return await self._teams.have(team, login)

    async def person(self, repo: Repo, login: str) -> Person:
        """Raises `Gone` where GitHub knows nobody of that name."""
        found = await self._at.account(repo, login)
        return Person(found.login, found.id, found.login.endswith("[bot]"))

    async def file(self, repo: Repo, path: str, ref: str) -> str | None:
        """Text of a file, None when there is none. Raises `Rejected` above 256 kB or when it is not UTF-8."""
        call = Call(
            "GET",
            "/contents" + encoded(*path.split("/")),
            query={"ref": ref},
            accept=RAW,
            expect=(404,),
            limit=_LARGEST_FILE,
        )
        try:
            answer = await self._at.ask(repo, Purpose.READ, call)
        except TooLarge as error:
            raise Rejected(str(error), remedy=f"`{path}` is larger than 256 kB") from error
        if answer.status == 404:
            return None
        if answer.headers.get("content-type", "").startswith("application/json"):
            raise Rejected(f"{path} of {repo.name} is a directory", remedy=f"`{path}` is not a file")
        try:
            return answer.content.decode()
        except UnicodeDecodeError as error:
            raise Rejected(f"{path} of {repo.name}: {error}", remedy=f"`{path}` is not UTF-8 text") from error

    async def branch_head(self, repo: Repo, branch: str) -> Sha | None:
        return await self._branches.head(repo, branch)

    async def remote(self, repo: Repo) -> Remote:
        """The authorization ends within the hour, so ask for it where it is used."""
        token = await self._tokens.of(repo, Purpose.FETCH).token()
        basic = b64encode(f"x-access-token:{token.value}".encode()).decode()
        return Remote(f"{self._server}/{self._at.name(repo)}.git", f"Basic {basic}")

    # ------------------------------------------------------------------------------------------------- talking

    def turn(self, repo: Repo) -> AbstractAsyncContextManager[object]:
        return self._at.turn(repo)

    async def react(self, issue: IssueRef, comment_id: int | None, content: str) -> None:
        """To the comment, or to the issue itself. `content`: eyes, rocket, confused, ... Twice is once."""
        to = f"/issues/{issue.number}" if comment_id is None else f"/issues/comments/{comment_id}"
        call = Call("POST", f"{to}/reactions", {"content": content}, repeatable=True)
        await self._at.write(issue.repo, Purpose.TALK, call)

    async def say(self, issue: IssueRef, body: str, *, marker: str) -> PostedComment:
        """Post a comment, or find ours with that marker and bring it up to date. `body` begins with `marker`."""
        comments = f"/issues/{issue.number}/comments"

        async def find() -> responses.Comment | None:
            bot = await self._at.ourselves(issue.repo, Purpose.TALK)
            for comment in await self._at.list(issue.repo, Purpose.TALK, Call("GET", comments), responses.Comment):
                # Anyone can write our marker, and get us to quote it further down; only the top of our own is ours.
                if comment.is_by(bot) and (comment.body or "").startswith(marker):
                    if comment.body != body:
                        await self.edit(issue, comment.id, body)
                    return comment
            return None

        async def post() -> responses.Comment:
            answer = await self._at.write(issue.repo, Purpose.TALK, Call("POST", comments, {"body": body}))
            return answer.read(responses.Comment)

        comment = await self._at.find_or_make(issue.repo, find, post)
        return PostedComment(comment.id, comment.html_url)

    async def open_issue(self, repo: Repo, *, title: str, body: str, marker: str) -> IssueRef:
        """Open it, or find ours that begins with the marker. `body` begins with `marker`."""
        return await open_issue(self._at, repo, title=title, body=body, marker=marker)

    async def edit(self, issue: IssueRef, comment_id: int, body: str) -> None:
        call = Call("PATCH", f"/issues/comments/{comment_id}", {"body": body})
        await self._at.write(issue.repo, Purpose.TALK, call)

    # ------------------------------------------------------------------------------------------------- reviews

    async def pull(self, repo: Repo, number: int) -> PullState:
        found = (await self._at.ask(repo, Purpose.READ, Call("GET", f"/pulls/{number}"))).read(responses.Pull)
        ours = found.is_from(repo) and found.is_by(await self._at.ourselves(repo, Purpose.READ))
        base = found.base.ref if found.base else ""
        open = found.state == "open"
        return PullState(
            found.title, open, found.locked, ours, found.head.ref, found.head.sha, base, found.merged_at is not None
        )

    async def review(self, repo: Repo, number: int, review: int) -> Review:
        return await self._threads.review(repo, number, review)

    async def threads(self, repo: Repo, number: int) -> list[Thread]:
        return await self._threads.unresolved(repo, number)

    async def answer_threads(self, repo: Repo, number: int, answers: Sequence[ThreadAnswer]) -> list[int]:
        return await self._threads.answer(repo, number, answers)

    async def resolve_threads(self, repo: Repo, threads: Sequence[str]) -> list[str]:
        return await self._threads.resolve(repo, threads)

    async def merged_by(self, repo: Repo, commit: Sha) -> list[int]:
        return await merging.merged_by(self._at, repo, commit)

    async def checks(self, repo: Repo, commit: Sha) -> list[Check]:
        return await self._checks.of(repo, commit)

    async def job_log(self, repo: Repo, job: int, *, most: int) -> str:
        return await self._checks.log(repo, job, most)

    async def show_check(self, repo: Repo, commit: Sha, check: OwnCheck) -> None:
        await own_check.show(self._at, repo, commit, check)

    async def show_check_again(self, repo: Repo, commit: Sha, check: OwnCheck) -> None:
        await own_check.show_again(self._at, repo, commit, check)

    # ---------------------------------------------------------------------------------------------- publishing

    async def open_pull_request(self, issue: IssueRef, *, branches: re.Pattern[str]) -> PullRequest | None:
        """Ours that is open for this issue: same repository, from a branch whose whole name matches."""
        repo = issue.repo
        bot = await self._at.ourselves(repo, Purpose.READ)
        call = Call("GET", "/pulls", query={"state": "open"})
        for pull in await self._at.list(repo, Purpose.READ, call, responses.Pull):
            if pull.is_from(repo) and pull.is_by(bot) and branches.fullmatch(pull.head.ref):
                return pull.meant
        return None

    async def publishing(self, repo: Repo, branch: str) -> Publishing:
        """What stands against making the branch, before it is made. Raises `Denied` where a permission is missing."""
        return await look(self._at, repo, branch)

    async def author(self, repo: Repo) -> str:
        bot = await self._at.ourselves(repo, Purpose.PUBLISH)
        return f"{bot.login} <{bot.noreply}>"

    async def commit(
        self, repo: Repo, *, parent: Sha, entries: Sequence[TreeEntry], message: str, also: Sha | None = None
    ) -> Commit:
        """Blobs, tree and commit through the API. No author or committer is given, so that GitHub signs it."""
        return await make_commit(self._at, repo, [parent, *([also] if also else [])], entries, message)

    async def merge(self, repo: Repo, *, branch: str, base: str, message: str) -> Merging:
        return await merging.merge(self._at, repo, branch, base, message)

    async def missing_from(self, repo: Repo, *, base: str, head: Sha) -> int:
        return await merging.missing_from(self._at, repo, base, head)

    async def authors_beside_us(self, repo: Repo, number: int) -> list[str]:
        return await merging.authors(self._at, repo, number)

    async def point_branch(self, repo: Repo, branch: str, commit: Sha) -> Sha:
        return await self._branches.point(repo, branch, commit)

    async def advance_branch(self, repo: Repo, branch: str, commit: Sha) -> bool:
        return await self._branches.advance(repo, branch, commit)

    async def delete_branch(self, repo: Repo, branch: str) -> None:
        await self._branches.delete(repo, branch)

    async def open_pull(
        self, issue: IssueRef, *, branch: str, base: str, title: str, body: str, draft: bool
    ) -> PullRequest:
        """Open it, or find the open one from that branch and bring its text up to date.

        Where drafts are not available it is opened ready, and the result says so.
        """
        repo = issue.repo
        text = {"title": title, "body": body}

        async def find() -> responses.Pull | None:
            found = await self._open_pull_from(repo, branch)
            if found is None or (found.title, found.body) == (title, body):
                return found
            if found.is_by(await self._at.ourselves(repo, Purpose.PUBLISH)):  # a person's own words stay
                await self._at.write(repo, Purpose.PUBLISH, Call("PATCH", f"/pulls/{found.number}", text))
            return found

        async def post() -> responses.Pull:
            return await self._post_pull(repo, branch, {**text, "head": branch, "base": base}, draft=draft)

        return (await self._at.find_or_make(repo, find, post)).meant

    def compare_url(self, repo: Repo, *, base: str, branch: str) -> str:
        return f"{self._server}/{self._at.name(repo)}/compare/{quote(base)}...{quote(branch)}?expand=1"

    async def rewrite_pull(self, repo: Repo, number: int, *, title: str, body: str) -> None:
        """Bring our words up to date; a person's stay."""
        text = {"title": title, "body": body}
        async with self._at.turn(repo):
            answer = await self._at.ask(repo, Purpose.PUBLISH, Call("GET", f"/pulls/{number}"))
            found = answer.read(responses.Pull)
            ours = found.is_by(await self._at.ourselves(repo, Purpose.PUBLISH))
            if ours and (found.title, found.body) != (title, body):
                await self._at.write(repo, Purpose.PUBLISH, Call("PATCH", f"/pulls/{number}", text))

    async def dress_pull(
        self, repo: Repo, number: int, *, labels: Sequence[str], reviewers: Sequence[str]
    ) -> list[str]:
        """Labels and review requests, best effort. Returns what could not be done, for people."""
        wishes = [
            *((f"The label `{name}`", f"/issues/{number}/labels", {"labels": [name]}) for name in labels),
            *(
                (f"A review by `{login}`", f"/pulls/{number}/requested_reviewers", {"reviewers": [login]})
                for login in reviewers
            ),
        ]
        problems = []
        for wish, where, body in wishes:
            try:
                await self._at.write(repo, Purpose.PUBLISH, Call("POST", where, body, repeatable=True))
            except WorldError as error:
                problems.append(f"{wish} was not to be had. {error.remedy}".rstrip())
        return problems

    async def _open_pull_from(self, repo: Repo, branch: str) -> responses.Pull | None:
        owner = self._at.name(repo).partition("/")[0]
        call = Call("GET", "/pulls", query={"state": "open", "head": f"{owner}:{branch}"})
        found = await self._at.list(repo, Purpose.PUBLISH, call, responses.Pull)
        # GitHub ignores a filter that it does not understand.
        return next((pull for pull in found if pull.is_from(repo) and pull.head.ref == branch), None)

    async def _post_pull(self, repo: Repo, branch: str, fields: dict[str, str], *, draft: bool) -> responses.Pull:
        call = Call("POST", "/pulls", {**fields, "draft": draft}, expect=(422,))
        answer = await self._at.write(repo, Purpose.PUBLISH, call)
        if answer.status != 422:
            return answer.read(responses.Pull)
        if draft and "draft" in answer.message.lower():
            return await self._post_pull(repo, branch, fields, draft=False)
        there = await self._open_pull_from(repo, branch) if "already exists" in answer.message else None
        if there is None:
            raise answer.error()
        return there
