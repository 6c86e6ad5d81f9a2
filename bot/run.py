"""An experiment being carried out: a sandbox from the snapshot, the agent's loop, the candidate, its evidence.

Workflow code, like solve.py: model call and command are one durable step each, and after a crash the conversation is
rebuilt from their results. The sandbox itself is found again by its name, which is the run's; when it is lost, a new
one is brought to where it was by its commands, and no model is asked again. It is closed by a step and not by
`finally`, because stopping the bot must not take the work away; what a cancelled run leaves behind is closed by
whoever cancels, and by the janitor. A run that is judged holds no sandbox: judging needs room for its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from bot.agent.calls import Unreadable, read_calls
from bot.agent.mini import TOOLS, Agent, AgentResult, RunLimits
from bot.agent.prompts import task_prompt
from bot.agent_sandbox import Done, Ran, Workplace
from bot.core.candidate.restoring import Asked, asked_for
from bot.core.candidate.run_scripts import kept_scripts, scripts_written
from bot.core.candidate.untracked_files import heavy_directories
from bot.core.environment.checkout import TOP
from bot.core.model import (
    ExitStatus,
    Experiment,
    Repo,
    RunFacts,
    RunId,
    SandboxId,
    Script,
    Sha,
    SolveId,
    Status,
    Usage,
    prepared_snapshot,
)
from bot.core.render import failure_reasons
from bot.core.sandboxes import Use, sandbox_of
from bot.core.text.cleaning import visible
from bot.core.text.outgoing import Redactor
from bot.engine import SANDBOX_PATIENCE, patiently, step
from bot.judging import Judge
from bot.ports import (
    Finished,
    HostBroken,
    Reply,
    SandboxDiffers,
    SandboxLost,
    SandboxUnusable,
    StoreAway,
    World,
    WorldError,
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RunJob:
    id: RunId
    solve: SolveId
    repo: Repo
    base: Sha
    experiment: Experiment
    minutes: float
    command_seconds: float  # for one command of the agent
    task: str  # what core/prompts.py says about it
    test_command: str | None
    left_by_setup: dict[str, str]  # path -> blob


@dataclass(frozen=True, slots=True)
class RunOptions:
    workspace_limit: int  # bytes of a workspace that we are willing to take out of a sandbox
    hashes_trees: bool = False  # another worker may have to make a sandbox anew, and compares


@dataclass(frozen=True, slots=True)
class Spent:
    """Totals of a run before the call that is about to be made."""

    dollars: float
    usage: Usage
    seconds: float


_NOTHING = Spent(0.0, Usage(), 0.0)
_BY_CLASS: Mapping[type[WorldError], str] = {
    SandboxLost: failure_reasons.SANDBOX_LOST,
    StoreAway: failure_reasons.STORE_AWAY,
    HostBroken: failure_reasons.HOST_BROKEN,
}


class Runner:
    def __init__(self, world: World, judge: Judge, redact: Redactor, options: RunOptions) -> None:
        self._world = world
        self._judge = judge
        self._redact = redact
        self._options = options

    async def run(self, job: RunJob) -> None:
        """The workflow. What came of it is in the store, whatever happened; only a defect raises."""
        structlog.contextvars.bind_contextvars(solve=job.solve, run=job.id)
        has_candidate = await self._attempt(job)
        await self.leave(job, has_candidate=has_candidate)

    async def leave(self, job: RunJob, *, has_candidate: bool) -> None:
        """The agent is done."""
        await self.close(job)
        if has_candidate:
            try:
                await self.judged(job)
            except WorldError as error:
                await self.give_up(job, error)

    async def _attempt(self, job: RunJob) -> bool:
        """Is there a candidate?"""
        try:
            try:
                return await self._work(job)
            except SandboxDiffers:
                await self.begins_anew(job)
                return await self._work(job)
        except WorldError as error:
            await self.give_up(job, error)
            return False

    async def _work(self, job: RunJob) -> bool:
        work = self._workplace(job)
        before = await self.open(job, work)
        agent = self._agent(job, work, before or _NOTHING)
        result = await agent.run()
        await self.finish(job, agent, result)
        if _has_candidate(result):
            await self.candidate(job, _last_words(result), work)
        return _has_candidate(result)

    def _agent(self, job: RunJob, work: Workplace, before: Spent) -> Agent:
        async def think(number: int, messages: Sequence[Mapping[str, Any]]) -> Reply:
            return await self.model_call(job, number, messages, Spent(agent.cost, agent.usage, agent.seconds))

        async def act(number: int, index: int, command: str) -> Finished:
            wanted = Done(f"{number}.{index}", command)
            ran = await self.command(wanted, work)
            work.remember(wanted, ran)
            return ran.finished

        limits = RunLimits(job.experiment.steps, job.experiment.dollars, job.minutes * 60)
        prompt = task_prompt(job.task, job.experiment.strategy, job.test_command)
        agent = Agent(prompt, limits, think, act)
        agent.cost, agent.usage = before.dollars, before.usage
        return agent

    # ------------------------------------------------------------------------------------------------------- steps

    @step("open sandbox", patience=SANDBOX_PATIENCE)
    async def open(self, job: RunJob, work: Workplace) -> Spent | None:
        """What was paid before: something, where the run is begun anew."""
        await work.furnish(work.sandbox)
        await self._world.store.run_started(job.id, work.sandbox, self._world.clock.now())
        log.info("run.started", solve=job.solve, run=job.id, model=job.experiment.model.name)
        run = await self._facts(job)
        return Spent(run.dollars, run.usage, run.seconds)

    @step("model call")
    async def model_call(self, job: RunJob, number: int, messages: Sequence[Mapping[str, Any]], spent: Spent) -> Reply:
        reply = await self._world.model.complete(
            job.experiment.model, messages, temperature=job.experiment.temperature, tools=TOOLS
        )
        await patiently(
            lambda: self._world.store.run_stepped(
                job.id,
                steps=number,
                dollars=spent.dollars + reply.dollars,
                usage=spent.usage + reply.usage,
                seconds=spent.seconds + reply.seconds,
                last_command=self._redact(_first_command(reply))[:200],
            )
        )
        return reply

    @step("command", patience=SANDBOX_PATIENCE)
    async def command(self, wanted: Done, work: Workplace) -> Ran:
        return await work.run(wanted)

    @step("finish")
    async def finish(self, job: RunJob, agent: Agent, result: AgentResult) -> None:
        failed = result.error is not None
        await self._world.store.run_stepped(
            job.id,
            steps=result.steps,
            dollars=result.dollars,
            usage=result.usage,
            seconds=result.seconds,
            last_command="",
        )
        await self._world.store.run_ended(
            job.id,
            Status.FAILED if failed else Status.COMPLETED,
            at=self._world.clock.now(),
            exit_status=result.exit_status,
            error=self._why(result),
            trajectory=await asyncio.to_thread(agent.trajectory, job.experiment.model.model_id, self._redact),
        )
        log.info("run.ended", solve=job.solve, run=job.id, exit=result.exit_status, reason=str(result.error or ""))

    @step("candidate", patience=SANDBOX_PATIENCE)
    async def candidate(self, job: RunJob, summary: str, work: Workplace) -> None:
        """The difference that we compute ourselves; what the agent says about it is kept as its words."""
        paths = [file.path for file in await self._world.mirrors.files(job.repo, job.base)]
        heavy = heavy_directories(paths)
        with TemporaryDirectory(prefix="solvebot-") as scratch:
            tree = Path(scratch) / "workspace.tar"

            async def take(sandbox: SandboxId) -> None:
                limit = self._options.workspace_limit
                await self._world.sandboxes.take(sandbox, tree, exclude=(TOP, *heavy), limit=limit)

            await work.surviving("candidate", take)
            found = await self._world.mirrors.candidate(
                job.repo, job.base, tree, job.id, ignoring=job.left_by_setup, asked=await self._asked(job)
            )
        written = scripts_written([done.command for done in work.done], {*paths, *(c.path for c in found.changes)})
        scripts = [Script(script.path, self._redact(script.text)) for script in kept_scripts(found.scripts, written)]
        found = replace(found, summary=self._redact(summary), scripts=tuple(scripts))
        await self._world.store.candidate_found(job.id, found)

    @step("judge", patience=SANDBOX_PATIENCE)
    async def judged(self, job: RunJob) -> None:
        facts = await self._world.store.facts(job.solve)
        assert facts is not None
        candidate = (await self._facts(job)).candidate
        assert candidate is not None
        evidence = await self._judge.judge(facts, candidate)
        await self._world.store.judged(job.id, evidence)
        log.info("run.judged", solve=job.solve, run=job.id, regressions=len(evidence.regressions))

    @step("give up")
    async def give_up(self, job: RunJob, error: WorldError) -> None:
        lost = isinstance(error, SandboxLost | SandboxUnusable)
        await self._world.store.run_ended(
            job.id,
            Status.FAILED,
            at=self._world.clock.now(),
            exit_status=ExitStatus.SANDBOX if lost else None,
            error=self._for_people(error, failure_reasons.NOT_TAKEN_OUT),
        )
        log.info("run.given_up", solve=job.solve, run=job.id, reason=str(error))

    @step("begin anew")
    async def begins_anew(self, job: RunJob) -> None:
        run = await self._facts(job)
        log.warning("run.differs", solve=job.solve, run=job.id)
        await self._world.store.noted(job.solve, failure_reasons.run_begun_elsewhere(run))

    @step("close sandbox")
    async def close(self, job: RunJob) -> None:
        await self._workplace(job).close()

    # ------------------------------------------------------------------------------------------------------ details

    async def _asked(self, job: RunJob) -> Asked:
        """The issue's own words, without what the repository says to everybody."""
        facts = await self._world.store.facts(job.solve)
        task = facts.task if facts else None
        return asked_for([task.title, task.body, *(remark.body for remark in task.remarks)]) if task else Asked()

    async def _facts(self, job: RunJob) -> RunFacts:
        facts = await self._world.store.facts(job.solve)
        assert facts is not None
        run = facts.run(job.id)
        assert run is not None
        return run

    def _workplace(self, job: RunJob) -> Workplace:
        async def furnish(sandbox: SandboxId) -> None:
            await self._world.sandboxes.create(sandbox, snapshot=prepared_snapshot(job.solve))

        async def execute(sandbox: SandboxId, done: Done) -> Finished:
            once = f"agent-{done.number}"
            return await self._world.sandboxes.run(sandbox, done.command, timeout=job.command_seconds, once=once)

        names = sandbox_of(job.id), sandbox_of(job.id, Use.WORK_AGAIN)
        return Workplace(self._world.sandboxes, names, furnish, execute, self._options.hashes_trees)

    def _why(self, result: AgentResult) -> str:
        """Why it ended, for people; "" where it just did."""
        if result.error:
            return self._for_people(result.error, failure_reasons.BROKE_OFF[result.exit_status])
        words = self._redact(visible(result.words))
        return (
            failure_reasons.said_instead(result.exit_status, words)
            if result.exit_status in failure_reasons.SAID_INSTEAD
            else ""
        )

    def _for_people(self, error: WorldError, otherwise: str) -> str:
        """Whoever made the error knows best what to do; `otherwise` says where it happened."""
        if error.said:
            return failure_reasons.provider_refused(self._redact(visible(error.said)), error.remedy)
        return error.remedy or _BY_CLASS.get(type(error), otherwise)


def _has_candidate(result: AgentResult) -> bool:
    """Work that was cut off by a limit is judged like any other; work that was cut off by a failure is not."""
    return result.error is None


def _last_words(result: AgentResult) -> str:
    texts = [m.get("content") for m in result.messages if m.get("role") == "assistant"]
    return next((text.strip() for text in reversed(texts) if isinstance(text, str) and text.strip()), "")


def _first_command(reply: Reply) -> str:
    """For people who watch. What a model sends need not be a call at all."""
    calls = read_calls(reply.message, 0)
    return "" if isinstance(calls, Unreadable) else calls[0].command
