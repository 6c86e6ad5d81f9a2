"""The agent that looks for an environment when no plan holds: what it leaves is a script, and the script is tried.

    open       a sandbox with files and history, as plans begin in, and with the network of set-up
    look       the agent's loop, told what was tried and how it failed; it may change its sandbox as it likes
    leave      its script is read and its sandbox closed: nothing else of it is used
    replay     the script in a fresh sandbox, with the proof of any plan; how one failed is told in another round

Workflow code, like run.py: model call and command are one durable step each. Nothing that goes wrong here ends a
solve: then the best of the plans is what there is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.agent.mini import TOOLS, Agent, AgentResult, RunLimits
from bot.agent.prompts import setup_prompt
from bot.agent_sandbox import Done, Ran, Workplace
from bot.core.environment.brief import Signposts, setup_brief
from bot.core.environment.help import MAX_SCRIPT, SCRIPT, Allowance, Script, is_proved, read_script
from bot.core.environment.proof import Attempt
from bot.core.model import Consulted, RepoConfig, SandboxId, SolveId, Toolchain, Usage
from bot.core.render import failure_reasons
from bot.core.render.environment import agent_found, agent_found_nothing, agent_starts, not_proved
from bot.core.sandboxes import Use, sandbox_of
from bot.core.text.cleaning import visible
from bot.engine import SANDBOX_PATIENCE, patiently, step
from bot.ports import Finished, Reply, SandboxLost, World, WorldError

log = structlog.get_logger()

ROUNDS = 2  # the first script, and one by an agent that knows how the first failed


@dataclass(frozen=True, slots=True)
class SetupJob:
    """`furnish` makes a sandbox as plans begin in, `execute` runs a command there, networked, `replay` tries a plan."""

    solve: SolveId
    allowance: Allowance
    signposts: Signposts
    config: RepoConfig
    command_seconds: float
    seconds: float  # for all of it
    furnish: Callable[[SandboxId], Awaitable[object]]
    execute: Callable[[SandboxId, Done], Awaitable[Finished]]
    replay: Callable[[Toolchain], Awaitable[Attempt]]


@dataclass(frozen=True, slots=True)
class Looked:
    """`proved`: the replay of a script that held. `replayed`: some script was tried, whatever came of it."""

    work: Consulted | None = None  # None: nobody looked
    proved: Attempt | None = None
    replayed: bool = False
    note: str = ""  # what came of it, for people
    broke_off: bool = False  # model or sandbox failed, which says nothing about the repository


@dataclass(frozen=True, slots=True)
class Round:
    work: Consulted  # of all rounds so far
    script: Script
    broke_off: bool = False  # model or sandbox failed


class SetupAgent:
    def __init__(self, world: World, tell: Callable[[str], None]) -> None:
        self._world = world
        self._tell = tell

    async def look(self, job: SetupJob, failed: Sequence[Attempt]) -> Looked:
        """`failed`: the plans that were tried."""
        self._tell(agent_starts(job.allowance))
        work, tried, problem = Consulted(job.allowance.model.name), list(failed), ""
        replayed = broke_off = False
        for number in range(1, ROUNDS + 1):
            if broke_off or not _may_go_on(job, work):
                break
            done = await self._round(job, number, work, tried, problem)
            work, problem, broke_off = done.work, done.script.problem, done.broke_off
            if done.script.plan is None:
                continue
            replayed = True
            try:
                tried.append(await job.replay(done.script.plan))
            except WorldError as error:
                problem, broke_off = error.remedy or failure_reasons.SCRIPT_NOT_TRIED, True
                continue
            if is_proved(tried[-1]):
                return Looked(work, tried[-1], replayed, agent_found(work))
            problem = not_proved(tried[-1])
        return Looked(work, None, replayed, agent_found_nothing(work, problem), broke_off)

    async def _round(
        self, job: SetupJob, number: int, before: Consulted, tried: Sequence[Attempt], problem: str
    ) -> Round:
        place = self._workplace(job)
        work = before
        try:
            await self.open(job, place)
            brief = setup_brief(job.signposts, job.config, tried, problem)
            agent = self._agent(job, number, before, brief, place)
            result = await agent.run()
            work = _added(before, result)
            done = Round(work, await self.leave(job, number, work, result, place), broke_off=result.error is not None)
        except WorldError as error:
            log.warning("setup_agent.broke_off", solve=job.solve, reason=str(error))
            done = Round(work, Script(None, _for_people(error)), broke_off=True)
        await self.close(place)
        return done

    def _agent(self, job: SetupJob, number: int, before: Consulted, brief: str, place: Workplace) -> Agent:
        async def think(step: int, messages: Sequence[Mapping[str, Any]]) -> Reply:
            so_far = _sum(before, step - 1, agent.cost, agent.usage, agent.seconds)
            return await self.model_call(job, messages, so_far)

        async def act(step: int, index: int, command: str) -> Finished:
            wanted = Done(f"{number}.{step}.{index}", command)
            ran = await self.command(wanted, place)
            place.remember(wanted, ran)
            return ran.finished

        limits = RunLimits(
            job.allowance.steps - before.steps, job.allowance.dollars - before.dollars, job.seconds - before.seconds
        )
        agent = Agent(setup_prompt(brief, SCRIPT, job.command_seconds), limits, think, act)
        return agent

    # ------------------------------------------------------------------------------------------------------- steps

    @step("open set-up sandbox", patience=SANDBOX_PATIENCE)
    async def open(self, job: SetupJob, place: Workplace) -> None:
        await place.furnish(place.sandbox)
        log.info("setup_agent.started", solve=job.solve, model=job.allowance.model.name)

    @step("set-up model call")
    async def model_call(self, job: SetupJob, messages: Sequence[Mapping[str, Any]], so_far: Consulted) -> Reply:
        model = job.allowance.model
        reply = await self._world.model.complete(model, messages, temperature=model.temperature, tools=TOOLS)
        now = _sum(so_far, 1, reply.dollars, reply.usage, reply.seconds)
        await patiently(lambda: self._world.store.setup_worked(job.solve, now))
        return reply

    @step("set-up command", patience=SANDBOX_PATIENCE)
    async def command(self, wanted: Done, place: Workplace) -> Ran:
        self._tell(f"agent $ {wanted.command}")
        return await place.run(wanted)

    @step("leave set-up sandbox", patience=SANDBOX_PATIENCE)
    async def leave(self, job: SetupJob, number: int, work: Consulted, result: AgentResult, place: Workplace) -> Script:
        """What it cost is known, and what it left is read, unless model or sandbox have failed."""
        await self._world.store.setup_worked(job.solve, work)
        log.info("setup_agent.ended", solve=job.solve, round=number, exit=result.exit_status, dollars=work.dollars)
        if result.error is not None:
            return Script(None, _for_people(result.error))

        async def read(sandbox: SandboxId) -> bytes | None:
            return await self._world.sandboxes.read(sandbox, SCRIPT, limit=MAX_SCRIPT + 1)

        return read_script(await place.surviving("script", read), job.config, job.signposts.ecosystem)

    @step("close set-up sandbox")
    async def close(self, place: Workplace) -> None:
        await place.close()

    # ------------------------------------------------------------------------------------------------------ details

    def _workplace(self, job: SetupJob) -> Workplace:
        names = sandbox_of(job.solve, Use.SETUP_AGENT), sandbox_of(job.solve, Use.SETUP_AGENT_AGAIN)
        return Workplace(self._world.sandboxes, names, job.furnish, job.execute)


def _may_go_on(job: SetupJob, work: Consulted) -> bool:
    allowed = job.allowance
    return work.steps < allowed.steps and work.dollars < allowed.dollars and work.seconds < job.seconds


def _added(work: Consulted, result: AgentResult) -> Consulted:
    return _sum(work, result.steps, result.dollars, result.usage, result.seconds)


def _sum(work: Consulted, steps: int, dollars: float, usage: Usage, seconds: float) -> Consulted:
    return replace(
        work,
        steps=work.steps + steps,
        dollars=work.dollars + dollars,
        usage=work.usage + usage,
        seconds=work.seconds + seconds,
    )


def _for_people(error: WorldError) -> str:
    if error.said:
        return failure_reasons.provider_refused(visible(error.said), error.remedy)
    return error.remedy or (
        failure_reasons.SANDBOX_LOST if isinstance(error, SandboxLost) else failure_reasons.AGENT_BROKE_OFF
    )
