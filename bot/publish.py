"""One pull request by the champion. Every write has a name under which a repetition finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from bot.conclude import PATIENCE
from bot.core.model import Draft, Outcome, PullRequest, RepoConfig, Sha, SolveFacts, SolveId
from bot.core.permissions import may_ask
from bot.core.render.pull import branch_name, commit_message, pull_body, pull_title
from bot.engine import step
from bot.ports import Commit, GitHub, Mirrors, Rejected, Store

log = structlog.get_logger()

MAX_BRANCHES = 9


class Withheld(Exception):
    """The champion is not published; the text says why, to people."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the base branch while we worked. `sentence` is empty where it stayed."""

    sentence: str = ""
    applies: bool = True


class Publisher:
    def __init__(self, github: GitHub, mirrors: Mirrors, store: Store, redact: Callable[[str], str]) -> None:
        self._github = github
        self._mirrors = mirrors
        self._store = store
        self._redact = redact

    async def publish(self, id: SolveId) -> None:
        """Raises `Withheld` where it must not be, or GitHub does not let us."""
        refusal = await self.look_again(id)
        if refusal:
            raise Withheld(refusal)
        try:
            commit = await self.commit(id)
            branch = await self.branch(id, commit)
            moved = await self.base_moved(id)
            await self.open(id, branch, commit, moved)
        except Rejected as error:
            raise Withheld(f"GitHub refused the pull request. {error.remedy}".strip()) from error
        await self.dress(id)

    @step("look again", patience=PATIENCE)
    async def look_again(self, id: SolveId) -> str:
        """Minutes have passed: may the person still ask, and is the issue still open? Empty: go on."""
        facts = await self._facts(id)
        assert facts.task is not None
        issue = await self._github.issue(facts.solve.issue)
        if not issue.open:
            return "The issue was closed meanwhile."
        asker = facts.solve.trigger.by
        has = await self._github.permission(facts.solve.issue.repo, asker.login)
        if not may_ask(has, facts.task.config.who, asker):
            return f"{asker.login} may no longer ask for changes here."
        return ""

    @step("commit", patience=PATIENCE)
    async def commit(self, id: SolveId) -> Commit:
        facts = await self._facts(id)
        assert facts.task is not None
        assert facts.decision is not None
        champion = facts.run(facts.decision.champion)
        assert champion is not None
        assert champion.candidate is not None
        repo, base = facts.solve.issue.repo, facts.task.base_sha
        entries = await self._mirrors.entries(repo, base, champion.candidate.patch)
        return await self._github.commit(repo, parent=base, entries=entries, message=commit_message(facts))

    @step("branch", patience=PATIENCE)
    async def branch(self, id: SolveId, commit: Commit) -> str:
        """The configured name, or the first with a number behind it that is not somebody else's work."""
        facts = await self._facts(id)
        config = _config(facts)
        name = branch_name(config.pull_request.branch, facts.solve.issue.number, facts.solve.issue_title)
        for number in range(1, MAX_BRANCHES + 1):
            numbered = name if number == 1 else f"{name}-{number}"
            if await self._github.point_branch(facts.solve.issue.repo, numbered, commit.sha) == commit.sha:
                return numbered
        raise Rejected(f"{name} and {MAX_BRANCHES - 1} numbered ones exist", remedy=f"Delete old {name} branches.")

    @step("base moved", patience=PATIENCE)
    async def base_moved(self, id: SolveId) -> Moved:
        facts = await self._facts(id)
        assert facts.task is not None
        repo, task = facts.solve.issue.repo, facts.task
        head = await self._github.branch_head(repo, task.base_branch)
        if head is None or head == task.base_sha:
            return Moved()
        champion = facts.run(facts.decision.champion) if facts.decision else None
        assert champion is not None
        assert champion.candidate is not None
        head = await self._mirrors.fetch(repo, await self._github.remote(repo), want=head)
        if await self._mirrors.applies(repo, head, champion.candidate.patch):
            return Moved(
                f"{task.base_branch} moved on to {head[:10]} meanwhile; the patch still applies, untested there."
            )
        return Moved(
            f"{task.base_branch} moved on to {head[:10]} meanwhile, and the patch no longer applies there.", False
        )

    @step("open", patience=PATIENCE)
    async def open(self, id: SolveId, branch: str, commit: Commit, moved: Moved) -> PullRequest:
        facts = await self._facts(id)
        assert facts.task is not None
        pull = await self._github.open_pull(
            facts.solve.issue,
            branch=branch,
            base=facts.task.base_branch,
            title=self._redact(pull_title(facts)),
            body=self._redact(pull_body(facts, moved.sentence, verified=commit.verified)),
            draft=wants_draft(facts, moved),
        )
        pull = replace(pull, verified=commit.verified, head_sha=Sha(commit.sha))
        await self._store.published(id, pull)
        log.info("pull.opened", solve=id, pull=pull.number, draft=pull.draft, verified=commit.verified)
        return pull

    @step("dress", patience=PATIENCE)
    async def dress(self, id: SolveId) -> None:
        facts = await self._facts(id)
        config = _config(facts).pull_request
        if facts.pull_request is None or not facts.pull_request.number:
            return
        asker = facts.solve.trigger.by.login
        reviewers = [asker if name == "requester" else name for name in config.reviewers]
        undone = await self._github.dress_pull(
            facts.solve.issue.repo, facts.pull_request.number, labels=config.labels, reviewers=reviewers
        )
        for what in undone:
            log.info("pull.undressed", solve=id, what=what)

    async def _facts(self, id: SolveId) -> SolveFacts:
        facts = await self._store.facts(id)
        assert facts is not None
        return facts


def _config(facts: SolveFacts) -> RepoConfig:
    return facts.task.config if facts.task else RepoConfig()


def wants_draft(facts: SolveFacts, moved: Moved) -> bool:
    """The repository's word stands over the outcome's; asking for a draft, or a conflict with the base, makes one."""
    match _config(facts).pull_request.draft:
        case Draft.ALWAYS:
            return True
        case Draft.NEVER:
            return facts.solve.options.draft
    assert facts.decision is not None
    return facts.solve.options.draft or facts.decision.outcome is Outcome.DRAFT or not moved.applies
