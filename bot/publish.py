"""One pull request by the champion. Every write has a name under which a repetition finds it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from bot.core.choosing.approval import Standing
from bot.core.choosing.approval_rules import least_permission
from bot.core.choosing.champion import wants_draft
from bot.core.choosing.overlap import overlapping
from bot.core.model import IssueRef, Permission, Person, PullRequest, Sha, SolveFacts, SolveId, Task, TriggerKind
from bot.core.render import failure_reasons
from bot.core.render.page_links import NO_PAGES, PageLinks
from bot.core.render.pull_request import branch_name, commit_message, pull_body, pull_title, signed_off
from bot.core.text.outgoing import CleanFacts, Redactor
from bot.core.trigger.permissions import may_ask
from bot.core.trigger.still_wanted import unwanted
from bot.engine import step
from bot.finish import PATIENCE
from bot.own_check import OwnChecks
from bot.ports import Commit, Denied, GitHub, Gone, Mirrors, Rejected, Store

log = structlog.get_logger()

MAX_BRANCHES = 9
LOOKED_FOR = timedelta(days=60)  # a pull request that is open for longer is not told of


class Withheld(Exception):
    """The champion is not published; the text says why, to people."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the base branch while we worked. `sentence` is empty where it stayed."""

    sentence: str = ""
    applies: bool = True


@dataclass(frozen=True, slots=True)
class _Case:
    """What is to be published: the facts of a solve whose decision has a champion."""

    facts: SolveFacts
    told: CleanFacts
    task: Task
    patch: str

    @property
    def issue(self) -> IssueRef:
        return self.facts.solve.issue

    @property
    def asker(self) -> Person:
        return self.facts.solve.trigger.by

    @property
    def paths(self) -> frozenset[str]:
        champion = self.facts.champion
        changes = champion.candidate.changes if champion is not None and champion.candidate is not None else ()
        return frozenset(change.path for change in changes)

    @property
    def answerable(self) -> tuple[Person, Permission]:
        """Who vouches for the publication, and the permission for it: whoever approved, else whoever asked."""
        approval, who = self.facts.approval, self.task.config.who
        if approval is None or approval.standing is not Standing.APPROVED:
            return self.asker, who
        return Person(approval.by, approval.by_id), least_permission(who)


class Publisher:
    def __init__(
        self, github: GitHub, mirrors: Mirrors, store: Store, redact: Redactor, links: PageLinks = NO_PAGES
    ) -> None:
        self._links = links
        self._github = github
        self._mirrors = mirrors
        self._store = store
        self._redact = redact
        self._check = OwnChecks(github, store, redact, links)

    async def publish(self, id: SolveId) -> None:
        """Raises `Withheld` where it must not be, or GitHub does not let us."""
        refusal = await self.look_again(id)
        if refusal:
            raise Withheld(refusal)
        await self.put(id)

    async def put(self, id: SolveId) -> None:
        """As `publish`, for whom it has been looked up that it may be."""
        try:
            commit = await self.commit(id)
            branch = await self.branch(id, commit)
            moved = await self.base_moved(id)
            await self.open(id, branch, commit, moved)
        except (Rejected, Denied) as error:
            raise Withheld(failure_reasons.pull_refused(error.remedy)) from error
        await self.dress(id)
        await self.tell_neighbours(id, moved)

    async def publish_left(self, id: SolveId, left: PullRequest) -> None:
        """What is on a branch of ours already, and lacks the pull request alone. Raises `Withheld`."""
        commit = Commit(left.head_sha, verified=left.verified is True)
        moved = await self.base_moved(id)
        try:
            await self.open(id, left.branch, commit, moved)
        except (Rejected, Denied) as error:
            raise Withheld(failure_reasons.pull_refused(error.remedy)) from error
        await self.dress(id)
        await self.tell_neighbours(id, moved)

    @step("look again", patience=PATIENCE)
    async def look_again(self, id: SolveId) -> str:
        """Minutes have passed: may the person still ask, and is the issue still open? Empty: go on."""
        case = await self._case(id)
        issue = await self._github.issue(case.issue)
        if why := unwanted(case.facts, is_open=issue.open, labels=issue.labels):
            return failure_reasons.not_wanted(why)
        answers, needed = case.answerable
        if not may_ask(await self._github.permission(case.issue.repo, answers.login), needed, answers):
            return failure_reasons.may_no_longer_ask(answers.login)
        here = case.facts.solve.trigger.kind is TriggerKind.COMMAND_LINE
        if not here and await self._github.branch_head(case.issue.repo, case.task.base_branch) is None:
            return failure_reasons.base_gone(case.task.base_branch)
        return ""

    @step("commit", patience=PATIENCE)
    async def commit(self, id: SolveId) -> Commit:
        case = await self._case(id)
        repo, base = case.issue.repo, case.task.base_sha
        entries = await self._mirrors.entries(repo, base, case.patch)
        message = commit_message(case.told)
        if case.task.config.pull_request.signoff:
            message = signed_off(message, await self._github.author(repo), case.asker)
        return await self._github.commit(repo, parent=base, entries=entries, message=message)

    @step("branch", patience=PATIENCE)
    async def branch(self, id: SolveId, commit: Commit) -> str:
        """The configured name, or the first with a number behind it that is not somebody else's work."""
        case = await self._case(id)
        title = self._redact(case.facts.solve.issue_title)
        name = branch_name(case.task.config.pull_request.branch, case.issue.number, title)
        for number in range(1, MAX_BRANCHES + 1):
            numbered = name if number == 1 else f"{name}-{number}"
            if await self._github.point_branch(case.issue.repo, numbered, commit.sha) == commit.sha:
                return numbered
        raise Rejected(
            f"{name} and {MAX_BRANCHES - 1} numbered ones exist", remedy=failure_reasons.delete_branches(name)
        )

    @step("base moved", patience=PATIENCE)
    async def base_moved(self, id: SolveId) -> Moved:
        case = await self._case(id)
        repo, base = case.issue.repo, case.task.base_branch
        head = await self._github.branch_head(repo, base)
        if head is None or head == case.task.base_sha:
            return Moved()
        head = await self._mirrors.fetch(repo, await self._github.remote(repo), want=head)
        applies = await self._mirrors.applies(repo, head, case.patch)
        return Moved(failure_reasons.base_moved(base, head, applies=applies), applies)

    @step("open", patience=PATIENCE)
    async def open(self, id: SolveId, branch: str, commit: Commit, moved: Moved) -> PullRequest:
        """Where it is refused, the branch is there all the same: it is remembered, and people are told."""
        case = await self._case(id)
        draft = wants_draft(case.facts, applies=moved.applies)
        said = self._redact(moved.sentence)
        try:
            pull = await self._github.open_pull(
                case.issue,
                branch=branch,
                base=case.task.base_branch,
                title=pull_title(case.told),
                body=pull_body(case.told, said, branch=branch, verified=commit.verified, links=self._links),
                draft=draft,
            )
        except (Rejected, Denied):
            url = self._github.compare_url(case.issue.repo, base=case.task.base_branch, branch=branch)
            left = PullRequest(0, url, branch, Sha(commit.sha), draft, commit.verified)
            await self._store.published(id, left)
            raise
        pull = replace(pull, verified=commit.verified, head_sha=Sha(commit.sha))
        await self._store.published(id, pull)
        log.info("pull.opened", solve=id, pull=pull.number, draft=pull.draft, verified=commit.verified)
        return pull

    @step("dress", patience=PATIENCE)
    async def dress(self, id: SolveId) -> None:
        case = await self._case(id)
        pull, config = case.facts.pull_request, case.task.config.pull_request
        if pull is None or not pull.number:
            return
        reviewers = [case.asker.login if name == "requester" else name for name in config.reviewers]
        undone = await self._github.dress_pull(case.issue.repo, pull.number, labels=config.labels, reviewers=reviewers)
        for what in undone:
            log.info("pull.undressed", solve=id, what=what)
        await self._check.show(id)

    @step("tell neighbours", patience=PATIENCE)
    async def tell_neighbours(self, id: SolveId, moved: Moved) -> None:
        """Pull requests of ours that change the same files are told of each other, in their texts."""
        case = await self._case(id)
        pull, repo = case.facts.pull_request, case.issue.repo
        if pull is None or not pull.number or case.facts.solve.trigger.kind is TriggerKind.COMMAND_LINE:
            return
        since = case.facts.solve.created_at - LOOKED_FOR
        others = await self._store.neighbours(repo.id, since=since)
        found = overlapping(pull.number, case.paths, others)
        for other, overlap in found:
            await self._store.overlaps(id, overlap)
            await self._store.overlaps(other.solve, replace(overlap, pull=pull.number))
            await self._rewrite(other.solve, Moved())
        if found:
            await self._rewrite(id, moved)

    async def _rewrite(self, id: SolveId, moved: Moved) -> None:
        case = await self._case(id)
        pull = case.facts.pull_request
        assert pull is not None
        revisions = [self._redact.facts(each) for each in await self._store.revisions(id)]
        words, signed = self._redact(moved.sentence), pull.verified is True
        body = pull_body(case.told, words, branch=pull.branch, verified=signed, revisions=revisions)
        with suppress(Gone, Denied, Rejected):  # closed, locked or deleted meanwhile
            await self._github.rewrite_pull(case.issue.repo, pull.number, title=pull_title(case.told), body=body)

    async def _case(self, id: SolveId) -> _Case:
        facts = await self._store.facts(id)
        assert facts is not None
        assert facts.task is not None
        assert facts.champion is not None
        assert facts.champion.candidate is not None
        return _Case(facts, self._redact.facts(facts), facts.task, facts.champion.candidate.patch)
