"""What happens when a reviewer asks for a change of our pull request, from top to bottom.

    acknowledge   eyes and a status comment in the pull request
    freeze        the original task, what is asked for, every unresolved thread, or of a repair the checks that fail
                  and their logs; the branch as it stands is the base
    choose        what reviewers wrote themselves, to the letter, if it holds; else what a solve does: plan,
                  environment, baseline, runs, comparison, decision (solve.py)
    push          one commit on top of the branch (push.py), or give way to people
    answer        a reply in each thread, by what the commit changes there
    conclude      a terminal status and the last word (finish.py)
    tell          a line in the pull request, and a review requested again

A revision is a solve whose base is the branch. Its steps are those of solve.py; here is what is different.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import structlog

from bot.configuration import readable_config
from bot.core.candidate.testfiles import is_test_file
from bot.core.choosing.champion import without_runs
from bot.core.evidence.observations import is_broken
from bot.core.model import (
    Decision,
    ExitStatus,
    Experiment,
    Outcome,
    Permission,
    Repo,
    RepoConfig,
    Sha,
    Solve,
    SolveFacts,
    SolveId,
    Status,
    Task,
    TriggerKind,
    run_id,
)
from bot.core.render import checks as render
from bot.core.render import failure_reasons
from bot.core.render.revision import is_answered, pushed, thread_answer, thread_marker
from bot.core.sandboxes import sandbox_of
from bot.core.text.outgoing import Redactor
from bot.core.trigger.feedback import Onto, Thread
from bot.core.trigger.revising import (
    MOST_BEFORE,
    Branch,
    Heard,
    authors,
    freeze_revision,
    heard,
    is_made_anew,
    is_repair,
)
from bot.core.trigger.suggestions import MAX_TEXT, applied, literal_experiment, suggested
from bot.engine import SANDBOX_PATIENCE, step
from bot.failing_checks import FailingChecks
from bot.finish import PATIENCE, Conclusion
from bot.judging import Judge
from bot.ports import Denied, Gone, Rejected, ThreadAnswer, Unsolvable, World
from bot.pull_text import PullText
from bot.push import Pusher
from bot.solve import Solver
from bot.status_comment import StatusBoard

log = structlog.get_logger()


class Reviser:
    def __init__(
        self,
        world: World,
        solver: Solver,
        judge: Judge,
        pusher: Pusher,
        board: StatusBoard,
        conclusion: Conclusion,
        redact: Redactor,
        text: PullText,
    ) -> None:
        self._world = world
        self._solver = solver
        self._judge = judge
        self._pusher = pusher
        self._board = board
        self._conclusion = conclusion
        self._redact = redact
        self._text = text
        self._checks = FailingChecks(world.github)

    async def revise(self, job: Solve) -> None:
        """The workflow."""
        await self._solver.to_its_end(job, self._story)
        await self.tell(job)

    async def _story(self, job: Solve) -> None:
        await self._solver.acknowledge(job)
        task = await self.freeze(job)
        decision = await self.choose(job, task)
        why_not = ""
        if decision.outcome is not Outcome.NONE:
            await self._solver.trim(job)
            why_not = await self.still_failing(job) if is_repair(job) else ""
            why_not = why_not or await self._pusher.push(job.id)
        await self.answer(job, why_not)
        if why_not:
            await self._conclusion.fail(job.id, why_not)
        else:
            await self._conclusion.complete(job.id)

    async def choose(self, job: Solve, task: Task) -> Decision:
        """Where reviewers wrote all of it themselves, and it holds, no model is asked."""
        ready = await self._solver.prepare(job, task)
        if ready is None:  # a revision may be shown unproven, so there is nothing that it could fail for
            return without_runs()
        if suggested(task) and await self.try_suggestions(job, task, ready.planned.experiments):
            return await self._solver.decide(job)
        return await self._solver.attempt(job, task, ready)

    # ------------------------------------------------------------------------------------------------------- steps

    @step("try suggestions", patience=SANDBOX_PATIENCE)
    async def try_suggestions(self, job: Solve, task: Task, planned: tuple[Experiment, ...]) -> bool:
        """To the letter, as a candidate of nobody's. False: it is out, and models are to see what can be done."""
        literal, store, now = literal_experiment(planned), self._world.store, self._world.clock.now()
        run, found = run_id(job.id, literal.index), suggested(task)
        paths = {each.path for each in found}
        texts = await self._world.mirrors.texts(job.issue.repo, task.base_sha, paths, limit=MAX_TEXT)
        candidate = applied(found, texts, run)
        if candidate is None:
            return False
        facts = await self._facts(job.id)
        assert facts.limits is not None
        await store.planned(job.id, (*planned, literal), facts.limits)
        await store.run_started(run, sandbox_of(run), now)
        await store.run_ended(run, Status.COMPLETED, at=now, exit_status=ExitStatus.SUBMITTED)
        await store.candidate_found(run, candidate)
        evidence = await self._judge.judge(await self._facts(job.id), candidate)
        await store.judged(run, evidence)
        if is_broken(evidence):
            return False
        for experiment in planned:
            other = run_id(job.id, experiment.index)
            await store.run_ended(
                other, Status.CANCELLED, at=now, exit_status=None, error=failure_reasons.SUGGESTIONS_HOLD
            )
        await self._board.refresh(job.id)
        return True

    @step("freeze revision", patience=PATIENCE)
    async def freeze(self, job: Solve) -> Task:
        """All that was said by then, the configuration of the default branch, and the branch as it stands."""
        repo, original = job.issue.repo, await self._original(job)
        pull = await self._world.github.pull(repo, job.issue.number)
        if not pull.open:
            raise Unsolvable(failure_reasons.PULL_CLOSED)
        repository = await self._world.github.repository(repo)
        remote = await self._world.github.remote(repo)
        head = await self._world.mirrors.fetch(repo, remote, want=pull.head_sha)
        assert original.task is not None
        config = await readable_config(self._world.github, repo, repository.default_branch)
        if is_made_anew(job):
            tip = await self._world.mirrors.fetch(repo, remote, want=pull.base)
            branch, kept = Branch(pull.base, tip), await self._before(original, Onto(pull.branch, head, ""))
        else:
            kept = await (self._failing(job, head) if is_repair(job) else self._said(job, config))
            branch = Branch(pull.branch, head, await self._own_tests(repo, original.task.base_sha, head))
        task = await asyncio.to_thread(freeze_revision, job, original.task, branch, kept, config)
        await self._world.store.frozen(job.id, task, self._world.clock.now())
        await self._board.refresh(job.id)
        return task

    async def _said(self, job: Solve, config: RepoConfig) -> Heard:
        threads = await self._world.github.threads(job.issue.repo, job.issue.number)
        may = await self._permissions(job.issue.repo, threads)
        return await asyncio.to_thread(heard, threads, job.trigger, may, config.who)  # anybody's text

    async def _before(self, original: SolveFacts, onto: Onto) -> Heard:
        """What is in the pull request, patch by patch."""
        pushed = [original, *(each for each in await self._world.store.revisions(original.id) if each.pull_request)]
        runs = [facts.champion for facts in pushed]
        patches = [run.candidate.patch for run in runs if run is not None and run.candidate is not None]
        return Heard((), onto=replace(onto, before="\n".join(patches)[:MOST_BEFORE]))

    async def _failing(self, job: Solve, head: Sha) -> Heard:
        checks = await self._checks.of(job.issue.repo, head, await self._original(job))
        if not checks:
            raise Unsolvable(render.TURNED_GREEN)
        return Heard((), checks=checks)

    @step("still failing", patience=PATIENCE)
    async def still_failing(self, job: Solve) -> str:
        """Of a repair: empty, or why it is not needed any more. What flaps may have passed meanwhile."""
        facts = await self._facts(job.id)
        assert facts.task is not None
        fails = await self._checks.any(job.issue.repo, facts.task.base_sha, await self._original(job))
        return "" if fails else render.TURNED_GREEN

    @step("answer threads", patience=PATIENCE)
    async def answer(self, job: Solve, why_not: str) -> None:
        """Where it cannot be said in a thread, the status comment says so."""
        facts = await self._facts(job.id)
        assert facts.task is not None
        assert facts.task.feedback is not None
        threads = facts.task.feedback.threads
        told, why = self._redact.facts(facts), self._redact(why_not)
        answers = [
            ThreadAnswer(thread.first, thread_marker(job.id, thread.first), thread_answer(thread, told, why))
            for thread in self._redact.within(threads)
        ]
        repo = job.issue.repo
        unsaid = await self._world.github.answer_threads(repo, job.issue.number, answers)
        if unsaid:
            await self._world.store.noted(job.id, failure_reasons.threads_unanswered(len(unsaid)))
        done = [thread.id for thread in threads if thread.first not in unsaid and is_answered(thread, facts)]
        if facts.task.config.pull_request.resolve and done:
            unresolved = await self._world.github.resolve_threads(repo, done)
            if unresolved:
                await self._world.store.noted(job.id, failure_reasons.threads_unresolved(len(unresolved)))

    @step("tell revision", patience=PATIENCE)
    async def tell(self, job: Solve) -> None:
        """In the pull request's text; and whoever reviewed is asked to look again."""
        original, facts = await self._original(job), await self._facts(job.id)
        await self._text.rewrite(original.id)
        repo, number = job.issue.repo, job.issue.number
        with suppress(Gone, Denied, Rejected):  # closed, locked or deleted meanwhile
            if pushed(facts) and job.trigger.kind in (TriggerKind.REVIEW, TriggerKind.THREAD):
                reviewers = [job.trigger.by.login]
                undone = await self._world.github.dress_pull(repo, number, labels=(), reviewers=reviewers)
                log.info("pull.review_requested", solve=job.id, undone=undone)

    # ------------------------------------------------------------------------------------------------------ details

    async def _permissions(self, repo: Repo, threads: list[Thread]) -> dict[str, Permission]:
        return {login: await self._world.github.permission(repo, login) for login in authors(threads)}

    async def _own_tests(self, repo: Repo, since: Sha, head: Sha) -> tuple[str, ...]:
        """Test files that the pull request brings: a reviewer may want them changed."""
        mirrors = self._world.mirrors
        try:
            await mirrors.fetch(repo, await self._world.github.remote(repo), want=since)
            before = {file.path: file.blob for file in await mirrors.files(repo, since)}
        except Gone:
            return ()
        now = await mirrors.files(repo, head)
        return tuple(file.path for file in now if is_test_file(file.path) and before.get(file.path) != file.blob)

    async def _original(self, job: Solve) -> SolveFacts:
        assert job.revises is not None
        return await self._facts(job.revises)

    async def _facts(self, id: SolveId) -> SolveFacts:
        facts = await self._world.store.facts(id)
        assert facts is not None
        return facts
