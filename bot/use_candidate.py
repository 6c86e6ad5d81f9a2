"""`/solve use B`: another candidate becomes the content of the open pull request, by one new commit on top.

Workflow code. The branch only ever moves forward, from the commit that we know of: where people have pushed meanwhile,
it cannot, and nothing is changed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from bot.core.choosing.use_candidate import exchanged
from bot.core.model import Person, RunFacts, RunId, Sha, SolveFacts, SolveId
from bot.core.render import replies
from bot.core.render.pull_request import branch_pattern, exchange_message, pull_body, pull_title, signed_off
from bot.core.text.outgoing import Redactor
from bot.engine import step
from bot.finish import PATIENCE
from bot.own_check import OwnChecks
from bot.ports import Commit, Denied, Gone, Rejected, World
from bot.status_comment import StatusBoard

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ExchangeJob:
    solve: SolveId
    run: RunId
    by: Person
    key: str  # of the request

    @property
    def id(self) -> str:
        return f"{self.solve}-use-{self.key}"


class Exchange:
    def __init__(self, world: World, board: StatusBoard, redact: Redactor) -> None:
        self._world = world
        self._board = board
        self._redact = redact
        self._check = OwnChecks(world.github, world.store, redact, board.links)

    async def use(self, job: ExchangeJob) -> None:
        """The workflow. Whatever comes of it is said."""
        structlog.contextvars.bind_contextvars(solve=job.solve)
        try:
            refusal = await self.look(job)
            if not refusal:
                commit = await self.commit_on_top(job)
                refusal = await self.advance(job, commit)
            if not refusal:
                await self.record(job, commit)
                await self.tell_exchange(job)
        except (Gone, Denied, Rejected) as error:
            refusal = replies.not_exchanged(self._redact(error.remedy))
        except Exception:  # the top of a workflow, where everything may be caught: nobody is left without an answer
            log.exception("exchange.broke", solve=job.solve, run=job.run)
            refusal = replies.ours_broke(job.id)
        if refusal:
            await self.refuse(job, refusal)

    # ------------------------------------------------------------------------------------------------------- steps

    @step("look at pull request", patience=PATIENCE)
    async def look(self, job: ExchangeJob) -> str:
        """Is it open, and as we left it? Empty: go on."""
        facts = await self._facts(job)
        assert facts.task is not None
        assert facts.pull_request is not None
        ours, issue = facts.pull_request, facts.solve.issue
        branches = branch_pattern(facts.task.config.pull_request.branch, issue.number)
        pull = await self._world.github.open_pull_request(issue, branches=branches)
        if pull is None or pull.number != ours.number:
            return replies.pull_request_not_open(ours.number)
        if any(revision.pull_request is not None for revision in await self._world.store.revisions(job.solve)):
            return replies.revised_since(ours.number)
        if pull.head_sha == facts.watch.head:
            return replies.updated_since(ours.number)
        return replies.commits_of_people(ours) if pull.head_sha != ours.head_sha else ""

    @step("commit on top", patience=PATIENCE)
    async def commit_on_top(self, job: ExchangeJob) -> Commit:
        """The base commit with the candidate's patch, as a child of the branch."""
        facts = await self._facts(job)
        assert facts.task is not None
        assert facts.pull_request is not None
        run = _run(facts, job)
        assert run.candidate is not None
        repo, head = facts.solve.issue.repo, facts.pull_request.head_sha
        await self._world.mirrors.fetch(repo, await self._world.github.remote(repo), want=head)
        entries = await self._world.mirrors.entries(repo, facts.task.base_sha, run.candidate.patch, since=head)
        message = exchange_message(self._redact.facts(facts), run, job.by)
        if facts.task.config.pull_request.signoff:
            message = signed_off(message, await self._world.github.author(repo), job.by)
        return await self._world.github.commit(repo, parent=head, entries=entries, message=message)

    @step("advance branch", patience=PATIENCE)
    async def advance(self, job: ExchangeJob, commit: Commit) -> str:
        """Empty: the branch holds the commit."""
        facts = await self._facts(job)
        assert facts.pull_request is not None
        pull = facts.pull_request
        moved = await self._world.github.advance_branch(facts.solve.issue.repo, pull.branch, commit.sha)
        return "" if moved else replies.commits_of_people(pull)

    @step("exchange")
    async def record(self, job: ExchangeJob, commit: Commit) -> None:
        facts = await self._facts(job)
        assert facts.decision is not None
        assert facts.pull_request is not None
        if facts.decision.champion != job.run:
            await self._world.store.decided(job.solve, exchanged(facts.decision, job.run, job.by.login))
        pull = replace(facts.pull_request, head_sha=Sha(commit.sha), verified=commit.verified)
        await self._world.store.published(job.solve, pull)
        detail = {"run": str(job.run), "commit": commit.sha}
        await self._world.store.audit(self._world.clock.now(), job.by.login, "solve.exchanged", str(job.solve), detail)
        log.info("pull.exchanged", solve=job.solve, pull=pull.number, run=job.run)

    @step("tell exchange", patience=PATIENCE)
    async def tell_exchange(self, job: ExchangeJob) -> None:
        """In the pull request's text and in the status comment."""
        facts = await self._facts(job)
        assert facts.pull_request is not None
        pull = facts.pull_request
        told = self._redact.facts(facts)
        body = pull_body(told, branch=pull.branch, verified=pull.verified is True, links=self._board.links)
        await self._world.github.rewrite_pull(
            facts.solve.issue.repo,
            pull.number,
            title=pull_title(told),
            body=body,
        )
        await self._check.show(job.solve)
        await self._board.refresh(job.solve)

    @step("refuse exchange", patience=PATIENCE)
    async def refuse(self, job: ExchangeJob, why: str) -> None:
        facts = await self._facts(job)
        marker = replies.reply_marker(job.id)
        log.info("pull.not_exchanged", solve=job.solve, run=job.run)
        with suppress(Gone, Denied, Rejected):
            await self._world.github.say(facts.solve.issue, replies.reply(self._redact(why), marker), marker=marker)

    # ------------------------------------------------------------------------------------------------------ details

    async def _facts(self, job: ExchangeJob) -> SolveFacts:
        facts = await self._world.store.facts(job.solve)
        assert facts is not None
        return facts


def _run(facts: SolveFacts, job: ExchangeJob) -> RunFacts:
    run = facts.run(job.run)
    assert run is not None
    return run
