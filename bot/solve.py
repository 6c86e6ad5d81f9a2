"""What happens when someone says /solve, from top to bottom.

    acknowledge   eyes and the status comment, before anything else
    freeze        the issue as it was asked, the repository's configuration, the base commit
    plan          the matrix of experiments within the limits
    prepare       once: mirror, set-up, snapshot, baseline tests
    brief         what helps the agent: named files, best matches, similar fixes
    run           each experiment as a workflow of its own (run.py), at most `parallel` at a time
    decide        the ranked evidence and the outcome
    publish       one pull request by the champion (publish.py), or none
    conclude      a terminal status and the last word (conclude.py)

This is workflow code: it is played again after a crash, so everything with an effect is a step, and between steps
there is only `core`. A person's mistake ends the solve with a sentence; a failure on our side with an incident.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.again import again_when_lost
from bot.conclude import PATIENCE, Conclusion
from bot.core.champion import decide
from bot.core.checkout import HIDE, SETTLE, TOP
from bot.core.cleaning import freeze
from bot.core.commands import Misread
from bot.core.config import CONFIG_PATHS, ConfigProblem, Mistake, parse_config
from bot.core.ecosystems import meant_for
from bot.core.environment.files import Files
from bot.core.environment.plans import plans, wanted
from bot.core.environment.tools import Tools
from bot.core.localize import keywords, localize
from bot.core.matrix import Plan, ServerLimits, plan
from bot.core.model import (
    Baseline,
    Decision,
    ExitStatus,
    Outcome,
    Repo,
    RepoConfig,
    RunId,
    SandboxId,
    Solve,
    SolveFacts,
    SolveId,
    Status,
    Task,
    Toolchain,
    Workspace,
    kept_snapshot,
    prepared_snapshot,
    run_id,
)
from bot.core.prompts import INSTRUCTION_FILES, task_text
from bot.core.render import causes, replies
from bot.core.scratch import heavy_directories
from bot.core.similarity import with_agreement
from bot.core.workspaces import workspace_key
from bot.engine import SANDBOX_PATIENCE, Child, Engine, step
from bot.judge import Judge
from bot.ports import Finished, GitHub, Gone, Rejected, Unsolvable, World, WorldError
from bot.publish import Publisher, Withheld
from bot.run import RunJob
from bot.status import StatusBoard

log = structlog.get_logger()
_CHECKOUT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class SolverOptions:
    server: ServerLimits
    setup_hosts: tuple[str, ...]  # `host` for all, `python=host` for one ecosystem
    setup_timeout: float  # seconds for each set-up command
    command_timeout: float  # seconds for one command of an agent, where the repository does not say
    longest_command: float  # ... and the most that it may say
    workspace_limit: int  # bytes of a workspace that we are willing to take out of a sandbox


@dataclass(frozen=True, slots=True)
class SetUp:
    toolchain: Toolchain
    note: str  # what went wrong, for people
    left_behind: dict[str, str]  # path -> blob of files that are not part of any candidate


class Solver:
    def __init__(
        self,
        world: World,
        engine: Engine,
        judge: Judge,
        publisher: Publisher,
        board: StatusBoard,
        conclusion: Conclusion,
        options: SolverOptions,
    ) -> None:
        self._world = world
        self._engine = engine
        self._judge = judge
        self._publisher = publisher
        self._board = board
        self._conclusion = conclusion
        self._options = options

    async def solve(self, job: Solve) -> None:
        """The workflow. Whatever happens in it, the solve ends with a terminal status and a last word."""
        structlog.contextvars.bind_contextvars(solve=job.id)
        try:
            await self._story(job)
        except (Unsolvable, Withheld) as error:
            await self._conclusion.fail(job.id, str(error))
        except Gone:
            await self._conclusion.cancel(job.id, "the issue is gone")
        except Exception as error:  # the top of a workflow: one of the two places that may catch everything
            log.exception("solve.broke", solve=job.id)
            remedy = error.remedy if isinstance(error, WorldError) else ""
            await self._conclusion.fail(job.id, remedy or causes.OURS, incident=str(job.id))

    async def _story(self, job: Solve) -> None:
        await self.acknowledge(job)
        task = await self.freeze(job)
        planned = await self.plan(job, task)
        prepared = await self.set_up(job, task)
        baseline = await self.baseline(job, task, prepared)
        brief = await self.brief(job, task, prepared, baseline)
        await self._run_all(job, task, planned, prepared, brief)
        decision = await self.decide(job)
        if decision.outcome is not Outcome.NONE:
            await self._publisher.publish(job.id)
        await self._conclusion.complete(job.id)

    async def _run_all(self, job: Solve, task: Task, planned: Plan, prepared: SetUp, brief: str) -> None:
        """Each experiment as a workflow of its own, at most `parallel` at a time, in the order of the plan."""
        wanted = task.config.command or self._options.command_timeout
        command_seconds = min(wanted, self._options.longest_command)
        waiting = [
            RunJob(
                id=run_id(job.id, experiment.index),
                solve=job.id,
                repo=job.issue.repo,
                base=task.base_sha,
                experiment=experiment,
                minutes=planned.limits.minutes,
                command_seconds=command_seconds,
                task=brief,
                test_command=prepared.toolchain.test,
                left_by_setup=prepared.left_behind,
            )
            for experiment in planned.experiments
        ]
        working: dict[str, Child] = {}
        while waiting or working:
            while waiting and len(working) < planned.limits.parallel:
                run = waiting.pop(0)
                working[run.id] = await self._engine.queue("run", run.id, run)
            done = await self._engine.first_of(list(working.values()))
            del working[done]
            await self.tell(job.id, RunId(done))

    # ------------------------------------------------------------------------------------------------------- steps

    @step("acknowledge", patience=PATIENCE)
    async def acknowledge(self, job: Solve) -> None:
        await self._world.github.react(job.issue, job.trigger.comment_id, "eyes")
        await self._board.refresh(job.id)

    @step("freeze", patience=PATIENCE)
    async def freeze(self, job: Solve) -> Task:
        """The text as of the trigger, the configuration of the default branch, the commit to start from."""
        repo = job.issue.repo
        repository = await self._world.github.repository(repo)
        branch = job.options.base or repository.default_branch
        try:
            base = await self._world.mirrors.fetch(repo, await self._world.github.remote(repo), want=branch)
        except Gone as error:
            raise Unsolvable(replies.no_such_base(branch)) from error
        task = await asyncio.to_thread(  # anybody's text, as much as they like: cleaning may take seconds
            freeze,
            job,
            await self._world.github.remarks(job.issue, before=job.trigger.at),
            config=await self._config(repo, repository.default_branch),
            base_branch=branch,
            base_sha=base,
            private=repository.private,
        )
        await self._world.store.frozen(job.id, task, self._world.clock.now())
        await self._board.refresh(job.id)
        return task

    @step("plan")
    async def plan(self, job: Solve, task: Task) -> Plan:
        planned = plan(task.options, task.config, await self._world.store.models(), self._options.server)
        if isinstance(planned, Misread):
            raise Unsolvable(f"{planned.what} {planned.remedy}")
        await self._world.store.planned(job.id, planned.experiments, planned.limits)
        for note in planned.notes:
            await self._world.store.noted(job.id, note)
        return planned

    @step("set up", patience=SANDBOX_PATIENCE)
    async def set_up(self, job: Solve, task: Task) -> SetUp:
        """Once for all runs: archive, set-up commands with their network, snapshot."""
        return await again_when_lost("set-up", lambda _: self._set_up(job, task))

    async def _set_up(self, job: Solve, task: Task) -> SetUp:
        repo, base = job.issue.repo, task.base_sha
        files = [file.path for file in await self._world.mirrors.files(repo, base)]
        texts = {path: await self._text(job, task, path) for path in wanted(files)}
        toolchain = plans(Files(frozenset(files), texts), task.config, Tools({})).plans[0]
        hosts = meant_for(toolchain.ecosystem, self._options.setup_hosts)
        key = workspace_key(repo.id, base, toolchain, hosts)
        if (left_behind := await self._kept(job, key)) is not None:
            return SetUp(toolchain, "", left_behind)
        sandbox = SandboxId(str(job.id))
        await self._world.sandboxes.create(sandbox, ecosystem=toolchain.ecosystem)
        with TemporaryDirectory(prefix="solvebot-") as scratch:
            archive = Path(scratch) / "base.tar"
            await self._world.mirrors.archive(repo, base, archive)
            await self._world.sandboxes.put(sandbox, archive)
            await self._put_history(sandbox, repo, task, Path(scratch) / "git.tar")
            note = await self._run_setup(sandbox, toolchain, hosts)
            tree = Path(scratch) / "prepared.tar"
            await self._world.sandboxes.take(
                sandbox, tree, exclude=(TOP, *heavy_directories(files)), limit=self._options.workspace_limit
            )
            left_behind = await self._world.mirrors.untracked(repo, base, tree)
        await self._world.sandboxes.run(sandbox, HIDE, timeout=_CHECKOUT_SECONDS)
        await self._world.sandboxes.snapshot(sandbox, prepared_snapshot(job.id))
        await self._world.sandboxes.close(sandbox)
        if key is not None and not note:
            await self._keep(job, key, left_behind)
        return SetUp(toolchain, note, left_behind)

    async def _put_history(self, sandbox: SandboxId, repo: Repo, task: Task, tar: Path) -> None:
        """Before set-up, because versions may be made from it. Candidates are never computed from this repository."""
        await self._world.mirrors.repository(repo, task.base_sha, tar, branch=task.base_branch)
        await self._world.sandboxes.put(sandbox, tar)
        await self._world.sandboxes.run(sandbox, SETTLE, timeout=_CHECKOUT_SECONDS)

    async def _kept(self, job: Solve, key: str | None) -> dict[str, str] | None:
        """What the set-up of an earlier solve had left behind, when it serves this one as well."""
        repo_id = job.issue.repo.id
        workspace = None if key is None else await self._world.store.workspace(repo_id)
        if workspace is None or workspace.key != key:
            return None
        if not await self._world.sandboxes.name_snapshot(kept_snapshot(workspace.key), prepared_snapshot(job.id)):
            return None
        await self._world.store.keep_workspace(replace(workspace, used_at=self._world.clock.now()))
        log.info("solve.set_up.kept", solve=job.id)
        return workspace.left_behind

    async def _keep(self, job: Solve, key: str, left_behind: dict[str, str]) -> None:
        """In place of the one before. Written down first, so that nobody tidies it away."""
        workspace = Workspace(job.issue.repo.id, key, left_behind, self._world.clock.now())
        await self._world.store.keep_workspace(workspace)
        await self._world.sandboxes.name_snapshot(prepared_snapshot(job.id), kept_snapshot(key))

    @step("baseline", patience=SANDBOX_PATIENCE)
    async def baseline(self, job: Solve, task: Task, prepared: SetUp) -> Baseline:
        found = await self._judge.baseline(job, task, prepared.toolchain, note=prepared.note)
        await self._world.store.prepared(job.id, prepared.toolchain, found)
        await self._board.refresh(job.id)
        return found

    @step("brief")
    async def brief(self, job: Solve, task: Task, prepared: SetUp, baseline: Baseline) -> str:
        """What the agents are told, the same for all of them."""
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
        return task_text(task, prepared.toolchain, hints, instructions, baseline)

    @step("tell")
    async def tell(self, id: SolveId, ended: RunId) -> None:
        """A run is over. One that broke, or that the engine gave up, could not say so itself."""
        run = (await self._facts(id)).run(ended)
        if run is not None and not run.status.is_over:
            log.error("run.broke", solve=id, run=ended)
            await self._world.store.run_ended(
                ended, Status.FAILED, at=self._world.clock.now(), exit_status=ExitStatus.SANDBOX, error=causes.OURS
            )
        await self._board.refresh(id)

    @step("decide")
    async def decide(self, job: Solve) -> Decision:
        facts = await self._facts(job.id)
        assert facts.baseline is not None
        judged = with_agreement(
            [run.evidence for run in facts.runs if run.evidence],
            {run.id: run.candidate for run in facts.runs if run.candidate},
        )
        for evidence in judged:
            await self._world.store.judged(evidence.run, evidence)
        decision = decide(judged, {run.id: run for run in facts.runs}, facts.baseline)
        await self._world.store.decided(job.id, decision)
        await self._board.refresh(job.id)
        log.info("solve.decided", solve=job.id, outcome=decision.outcome, champion=decision.champion)
        return decision

    # ------------------------------------------------------------------------------------------------------ details

    async def _config(self, repo: Repo, default_branch: str) -> RepoConfig:
        config = await read_config(self._world.github, repo, default_branch)
        if isinstance(config, ConfigProblem):
            raise Unsolvable(causes.config_mistakes(config.path, [(m.line, m.reason) for m in config.mistakes]))
        return config

    async def _run_setup(self, sandbox: SandboxId, toolchain: Toolchain, hosts: Sequence[str]) -> str:
        """The set-up commands in order. A failing one is told and not fatal: tests may run without it."""
        for command in toolchain.setup:
            done = await self._world.sandboxes.run(sandbox, command, timeout=self._options.setup_timeout, network=hosts)
            if done.exit_code != 0:
                return causes.set_up_failed(command, _ending(done), done.output)
        return ""

    async def _text(self, job: Solve, task: Task, path: str) -> str:
        content = await self._world.mirrors.read(job.issue.repo, task.base_sha, path)
        return (content or b"").decode(errors="replace")

    async def _facts(self, id: SolveId) -> SolveFacts:
        facts = await self._world.store.facts(id)
        assert facts is not None
        return facts


async def read_config(github: GitHub, repo: Repo, default_branch: str) -> RepoConfig | ConfigProblem:
    """The repository's word, from its default branch; a file that cannot be read is a mistake like any other."""
    for path in CONFIG_PATHS:
        try:
            text = await github.file(repo, path, f"refs/heads/{default_branch}")  # a tag may have the same name
        except Rejected as error:
            return ConfigProblem((Mistake(1, 1, error.remedy),), path)
        if text is not None:
            config = parse_config(text)
            return replace(config, path=path) if isinstance(config, ConfigProblem) else config
    return RepoConfig()


def _ending(done: Finished) -> str:
    if done.timed_out:
        return f"stopped after {done.seconds:.0f} s"
    return f"ended by the limit on {done.killed_by}" if done.killed_by else f"exit code {done.exit_code}"
