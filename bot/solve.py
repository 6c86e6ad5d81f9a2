"""What happens when someone says /solve, from top to bottom.

    acknowledge   eyes and the status comment, before anything else
    freeze        the issue as it was asked, the repository's configuration, the base commit
    plan          the matrix of experiments within the limits
    prepare       once: an environment that holds (environment.py), snapshot, baseline tests
    brief         what helps the agent: named files, best matches, similar fixes
    run           each experiment as a workflow of its own (run.py), at most `parallel` at a time (run_queue.py)
    compare       tests from the issue alone, every candidate on the tests of all (judging/pool.py), and between near
                  ties a model that reads both (comparison.py)
    decide        the ranked evidence and the outcome; where nobody can be trusted, perhaps another round (rounds.py)
    trim          the champion without what nobody needs (judging/trimmer.py)
    publish       one pull request by the champion (publish.py), or none; where the repository wants it, only after
                  somebody has approved (approval.py)
    conclude      a terminal status and the last word (finish.py)

This is workflow code: it is played again after a crash, so everything with an effect is a step, and between steps
there is only `core`. A person's mistake ends the solve with a sentence; a failure on our side with an incident.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from bot.advisers import Advisers
from bot.approval import WaitingRoom
from bot.comparison import Comparison
from bot.configuration import readable_config
from bot.core.candidate.similarity import case_of
from bot.core.choosing.approval_rules import wants_approval
from bot.core.choosing.champion import decide, publishes_unproven, without_runs
from bot.core.choosing.comparing import beside_of
from bot.core.choosing.experiments import Plan, ServerLimits, after_setup, plan
from bot.core.choosing.outcomes import with_record
from bot.core.choosing.rounds import of_first_round
from bot.core.environment.help import HelpPolicy, allowance
from bot.core.environment.proof import Attempt, Found
from bot.core.evidence.observations import provable
from bot.core.localization import keywords, localize
from bot.core.model import (
    Baseline,
    Consulted,
    Decision,
    Outcome,
    Solve,
    SolveFacts,
    SolveId,
    Task,
    Toolchain,
    run_id,
)
from bot.core.prompts import INSTRUCTION_FILES, task_text
from bot.core.render import failure_reasons
from bot.core.render.environment import notes, tried
from bot.core.text.cleaning import freeze
from bot.core.trigger.commands import Misread
from bot.core.trigger.still_wanted import unwanted
from bot.engine import SANDBOX_PATIENCE, Engine, step
from bot.environment import Environments, Place
from bot.finish import PATIENCE, Conclusion
from bot.judging import Court
from bot.ports import Denied, Gone, Unsolvable, Unwanted, World, WorldError
from bot.publish import Publisher, Withheld
from bot.rounds import Rounds, Wave
from bot.run import RunJob
from bot.run_queue import RunQueue
from bot.status_comment import StatusBoard

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SolverOptions:
    server: ServerLimits
    command_timeout: float  # seconds for one command of an agent, where the repository does not say
    longest_command: float  # ... and the most that it may say
    help: HelpPolicy  # for an agent that looks for the environment


@dataclass(frozen=True, slots=True)
class Ready:
    """What all attempts begin with."""

    planned: Plan
    attempt: Attempt  # at setting the repository up
    baseline: Baseline


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of the decision."""

    publisher: Publisher
    waiting_room: WaitingRoom
    conclusion: Conclusion


class Solver:
    def __init__(
        self,
        world: World,
        engine: Engine,
        environments: Environments,
        court: Court,
        advisers: Advisers,
        board: StatusBoard,
        ending: Ending,
        options: SolverOptions,
    ) -> None:
        self._world = world
        self._run_queue = RunQueue(world, engine, board)
        self._environments = environments
        self._court = court
        self._comparison = Comparison(world.store, court, advisers)
        self._rounds = Rounds(world.store, board)
        self._board = board
        self._ending = ending
        self._options = options

    async def solve(self, job: Solve) -> None:
        """The workflow."""
        await self.to_its_end(job, self._story)

    async def to_its_end(self, job: Solve, story: Callable[[Solve], Awaitable[None]]) -> None:
        """Whatever happens in it, the solve ends with a terminal status and a last word."""
        structlog.contextvars.bind_contextvars(solve=job.id)
        try:
            await story(job)
        except Unwanted as error:
            await self._ending.conclusion.call_off(job.id, str(error))
        except (Unsolvable, Withheld) as error:
            await self._ending.conclusion.fail(job.id, str(error))
        except Exception as error:  # the top of a workflow: one of the two places that may catch everything
            if isinstance(error, Gone) and (gone := await self._ending.conclusion.what_is_gone(job.issue)):
                await self._ending.conclusion.call_off(job.id, gone)
                return
            log.exception("solve.broke", solve=job.id)
            remedy = error.remedy if isinstance(error, WorldError) else ""
            await self._ending.conclusion.fail(job.id, remedy or failure_reasons.OURS, incident=str(job.id))

    async def _story(self, job: Solve) -> None:
        await self.acknowledge(job)
        task = await self.freeze(job)
        decision = await self.choose(job, task)
        if decision.outcome is not Outcome.NONE:
            await self.trim(job)
            if wants_approval(task, job.trigger.kind):
                await self._ending.waiting_room.enter(job.id)
                return  # what a person says, or nobody for two weeks, starts the rest: approval.py
            await self._ending.publisher.publish(job.id)
        await self._ending.conclusion.complete(job.id)

    async def choose(self, job: Solve, task: Task) -> Decision:
        """From the frozen task to who is the champion."""
        ready = await self.prepare(job, task)
        if ready is None:
            await self.decide_without_runs(job)
            return without_runs()
        return await self.attempt(job, task, ready)

    async def prepare(self, job: Solve, task: Task) -> Ready | None:
        """Once for all attempts. None: nothing could be proved here."""
        planned = await self.plan(job, task)
        found = await self.environment(job, task, planned)
        if found.help is not None:
            planned = await self.plan_again(job, planned, found.help)
        baseline = await self.baseline(job, task, found)
        if not provable(baseline) and not publishes_unproven(task):
            return None
        return Ready(planned, found.attempt, baseline)

    async def attempt(self, job: Solve, task: Task, ready: Ready) -> Decision:
        brief = await self.brief(job, task, ready.attempt.plan, ready.baseline)
        decision = await self._round(job, task, ready, Wave(ready.planned.experiments, brief, brief))
        for made in range(1, ready.planned.limits.rounds):
            wave = await self._rounds.another(job.id, brief, made)
            if wave is None:
                break
            decision = await self._round(job, task, ready, wave)
        return decision

    async def _round(self, job: Solve, task: Task, ready: Ready, wave: Wave) -> Decision:
        """The decision is about all candidates, whichever round they come from."""
        await self._run_queue.work(job, self._runs(job, task, ready, wave), ready.planned.limits.parallel)
        await self._comparison.compare(job, wave.unbiased)
        return await self.decide(job)

    def _runs(self, job: Solve, task: Task, ready: Ready, wave: Wave) -> list[RunJob]:
        wanted = task.config.command or self._options.command_timeout
        command_seconds = min(wanted, self._options.longest_command)
        return [
            RunJob(
                id=run_id(job.id, experiment.index),
                solve=job.id,
                repo=job.issue.repo,
                base=task.base_sha,
                experiment=experiment,
                minutes=ready.planned.limits.minutes,
                command_seconds=command_seconds,
                task=wave.brief,
                test_command=ready.attempt.plan.test,
                left_by_setup=ready.attempt.left_behind,
            )
            for experiment in wave.experiments
        ]

    # ------------------------------------------------------------------------------------------------------- steps

    @step("acknowledge", patience=PATIENCE)
    async def acknowledge(self, job: Solve) -> None:
        await self._world.github.react(job.issue, job.trigger.comment_id, "eyes")
        await self._board.refresh(job.id)

    @step("freeze", patience=PATIENCE)
    async def freeze(self, job: Solve) -> Task:
        """The text as of the trigger, the configuration of the default branch, the commit to start from.

        Once: what was frozen stays so.
        """
        if (frozen := (await self._facts(job.id)).task) is not None:
            return frozen
        repo = job.issue.repo
        repository = await self._world.github.repository(repo)
        branch = job.options.base or repository.default_branch
        try:
            base = await self._world.mirrors.fetch(repo, await self._world.github.remote(repo), want=branch)
        except Gone as error:
            if await self._world.github.branch_head(repo, branch) is not None:
                raise
            raise Unsolvable(failure_reasons.no_such_base(branch)) from error
        task = await asyncio.to_thread(  # anybody's text, as much as they like: cleaning may take seconds
            freeze,
            job,
            await self._world.github.remarks(job.issue, before=job.trigger.at),
            config=await readable_config(self._world.github, repo, repository.default_branch),
            base_branch=branch,
            base_sha=base,
            private=repository.private,
        )
        await self._world.store.frozen(job.id, task, self._world.clock.now())
        await self._board.refresh(job.id)
        return task

    @step("plan")
    async def plan(self, job: Solve, task: Task) -> Plan:
        """Once, as the task is frozen once: runs are told apart by their place in it."""
        facts = await self._facts(job.id)
        if facts.experiments and facts.limits is not None:
            return Plan(of_first_round(facts.experiments), facts.limits)
        models = with_record(await self._world.store.models(), await self._world.store.record())
        planned = plan(task.options, task.config, models, self._options.server.within(job.reserved))
        if isinstance(planned, Misread):
            raise Unsolvable(f"{planned.what} {planned.remedy}")
        for note in planned.notes:
            await self._world.store.noted(job.id, note)
        await self._world.store.planned(job.id, planned.experiments, planned.limits)
        return planned

    async def environment(self, job: Solve, task: Task, planned: Plan) -> Found:
        allowed = allowance(self._options.help, planned.limits, planned.experiments)
        issue = f"{task.title}\n{task.body}"
        place = Place(job.id, job.issue.repo, task.base_sha, task.config, issue, task.base_branch, allowed)
        return await self._environments.find(place)

    @step("plan again")
    async def plan_again(self, job: Solve, planned: Plan, help: Consulted) -> Plan:
        """An agent has spent part of the budget on the environment."""
        rest = after_setup(planned, help.dollars)
        await self._world.store.planned(job.id, rest.experiments, rest.limits)
        return rest

    @step("baseline", patience=SANDBOX_PATIENCE)
    async def baseline(self, job: Solve, task: Task, found: Found) -> Baseline:
        attempt = found.attempt
        observed = await self._court.judge.baseline(job.id, task, job.issue.repo, attempt, note=notes(found))
        if not attempt.holds:
            observed = replace(observed, tried=tuple(map(tried, found.tried)))
        await self._world.store.prepared(job.id, attempt.plan, observed)
        if found.note:
            await self._world.store.noted(job.id, found.note)
        await self._board.refresh(job.id)
        return observed

    @step("brief", patience=PATIENCE)
    async def brief(self, job: Solve, task: Task, toolchain: Toolchain, baseline: Baseline) -> str:
        """What the agents are told, the same for all of them. Raises `Unwanted`: from here on it costs money."""
        await self._must_be_wanted(job)
        repo, base = job.issue.repo, task.base_sha
        words = keywords(task.title, task.body)
        files = [file.path for file in await self._world.mirrors.files(repo, base)]
        hints = await asyncio.to_thread(  # repositories have many files
            localize,
            task,
            files,
            await self._world.mirrors.grep(repo, base, words),
            await self._world.mirrors.history(repo, base),
        )
        instructions = {path: await self._text(job, task, path) for path in INSTRUCTION_FILES if path in files}
        return task_text(task, toolchain, hints, instructions, baseline)

    @step("decide without runs")
    async def decide_without_runs(self, job: Solve) -> None:
        await self._world.store.decided(job.id, without_runs())
        log.info("solve.unprovable", solve=job.id)

    @step("decide")
    async def decide(self, job: Solve) -> Decision:
        facts = await self._facts(job.id)
        assert facts.baseline is not None
        case = case_of(facts)
        for evidence in case.evidence:
            await self._world.store.judged(evidence.run, evidence)
        assert facts.task is not None
        decision = decide(
            case.evidence,
            case.runs,
            facts.baseline,
            facts.pool,
            beside=beside_of(facts),
            publish_unproven=publishes_unproven(facts.task),
            trust=facts.task.config.trust,
        )
        await self._world.store.decided(job.id, decision)
        await self._board.refresh(job.id)
        log.info("solve.decided", solve=job.id, outcome=decision.outcome, champion=decision.champion)
        return decision

    @step("trim", patience=SANDBOX_PATIENCE)
    async def trim(self, job: Solve) -> None:
        facts = await self._facts(job.id)
        minimal = await self._court.trimmer.trim(facts) if facts.minimal is None else None
        if minimal is not None:
            await self._world.store.trimmed(job.id, minimal)

    # ------------------------------------------------------------------------------------------------------ details

    async def _must_be_wanted(self, job: Solve) -> None:
        """Raises `Gone` as well."""
        try:
            issue = await self._world.github.issue(job.issue)
        except Denied as error:  # the App was suspended, say
            raise Gone(str(error)) from error
        if why := unwanted(await self._facts(job.id), is_open=issue.open, labels=issue.labels):
            raise Unwanted(why)

    async def _text(self, job: Solve, task: Task, path: str) -> str:
        content = await self._world.mirrors.read(job.issue.repo, task.base_sha, path)
        return (content or b"").decode(errors="replace")

    async def _facts(self, id: SolveId) -> SolveFacts:
        facts = await self._world.store.facts(id)
        assert facts is not None
        return facts
