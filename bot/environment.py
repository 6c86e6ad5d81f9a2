"""The environment of a solve: plans are read from the repository, tried in order, and proved by running.

    read       what the repository says, what the sandbox brings along -> plans, best first (core/environment)
    try        each in a fresh sandbox: files and history, set-up commands with their network, snapshot, tests
    prove      single tests pass, and they notice when the workspace's own code is broken; the first such plan holds
    help       when none does, an agent may look for one (setup_agent.py), and its script is tried like a plan
    keep       for the repository, under a key of all that the plans were read from: the next solve does not search

Workflow code, like solve.py: each plan that is tried is one durable step.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.agent_sandbox import tree_hash
from bot.checkout import Checkouts
from bot.core.candidate.untracked_files import heavy_directories
from bot.core.environment.brief import Signposts, signposts
from bot.core.environment.checkout import HIDE, TOP
from bot.core.environment.ecosystems import meant_for
from bot.core.environment.files import Files
from bot.core.environment.help import NO_HELP, Allowance, NoHelp, needs_help
from bot.core.environment.history import History, makes_versions_from_git
from bot.core.environment.kept_workspaces import KEPT, environment_key, workspace_key
from bot.core.environment.plan import Plans
from bot.core.environment.plans import for_a_closed_network, main_ecosystem, plans, wanted
from bot.core.environment.proof import Attempt, Found, Proof, Trial, best, next_plan
from bot.core.environment.registries import SetUpNetwork
from bot.core.environment.time_limits import TRIAL_SECONDS, with_time_limits
from bot.core.environment.tools import PROBE, Tools, read_tools
from bot.core.environment.tree_hash import digest_of
from bot.core.environment.versions_of_then import Age
from bot.core.localization import named_files
from bot.core.model import (
    KnownEnvironment,
    Repo,
    RepoConfig,
    SandboxId,
    SetUp,
    Sha,
    SolveId,
    Toolchain,
    Workspace,
    kept_snapshot,
    prepared_snapshot,
)
from bot.core.render import failure_reasons
from bot.core.render.absent_files import lacking
from bot.core.render.environment import outcome, trying
from bot.core.sandboxes import sandbox_of
from bot.engine import SANDBOX_PATIENCE, step
from bot.judging import Judge
from bot.lost_sandbox import again_when_lost
from bot.ports import Finished, World
from bot.setup_agent import Looked, SetupAgent, SetupJob

log = structlog.get_logger()

PROBE_SECONDS = 30.0
OWN_COMMAND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """Whose environment is looked for, and at which commit of which branch. `issue`: its text, which may name files."""

    solve: SolveId
    repo: Repo
    base: Sha
    config: RepoConfig
    issue: str = ""
    branch: str = "main"
    allowance: Allowance | NoHelp = NO_HELP  # for an agent, when no plan holds
    anew: bool = False  # even if one has looked in vain lately


@dataclass(frozen=True, slots=True)
class EnvironmentOptions:
    setup_hosts: tuple[str, ...]  # as the operator says it
    network: Callable[[], Awaitable[SetUpNetwork]]  # ... and what that means on this machine
    setup_timeout: float  # seconds for each set-up command
    search_seconds: float  # after which no further plan is begun
    workspace_limit: int  # bytes of a workspace that we are willing to take out of a sandbox
    hashes_trees: bool = False  # of what is set up: other workers may have to make it anew


class Environments:
    def __init__(
        self, world: World, judge: Judge, options: EnvironmentOptions, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """`tell`: is told what is tried, and what came of it, for people who wait."""
        self._world = world
        self._judge = judge
        self._checkouts = Checkouts(world.github, world.mirrors, world.sandboxes)
        self._options = options
        self._tell = tell
        self._tools: dict[str, Tools] = {}  # by ecosystem, which may have a template of its own
        self._agent = SetupAgent(world, tell)

    async def find(self, place: Place) -> Found:
        """Workflow code: whatever happens to us, no plan is tried twice."""
        known = await self.known(place)
        if known is not None and (attempt := await self.attempt(place, known)).holds:
            return Found(attempt, (attempt,), Plans((known,)))
        found = await self.read(place)
        tried = await self._try(place, found)
        looked = await self._help(place, tried)
        chosen = looked.proved or await self._best(place, tried, replayed=looked.replayed)
        await self.keep(place, chosen)
        return Found(chosen, tuple(tried), found, looked.work, looked.note)

    async def _try(self, place: Place, found: Plans) -> list[Attempt]:
        tried: list[Attempt] = []
        while (plan := next_plan(found.plans, tried, place.config)) is not None:
            tried.append(await self.attempt(place, plan, tried[-1] if tried else None))
            if tried[-1].holds or sum(attempt.seconds for attempt in tried) > self._options.search_seconds:
                break
        return tried

    async def _best(self, place: Place, tried: Sequence[Attempt], *, replayed: bool) -> Attempt:
        """With its snapshot, which is there for the last one that was tried, unless an agent's script was, after it."""
        chosen = best(tried)
        if chosen.proof >= Proof.ANOTHER_COPY:
            chosen = tried[-1]  # of those that say nothing, the one whose snapshot is there
        if replayed or chosen is not tried[-1]:
            return await self.attempt(place, chosen.plan)
        return chosen

    async def _help(self, place: Place, tried: Sequence[Attempt]) -> Looked:
        """By an agent, where it is needed and allowed."""
        if not needs_help(best(tried), place.config):
            return Looked()
        if isinstance(place.allowance, NoHelp):
            return Looked(note=place.allowance.reason)
        if not place.anew and await self.looked_in_vain(place):
            return Looked(note=failure_reasons.LOOKED_IN_VAIN)
        signposts = await self.signposts(place)
        ecosystem = signposts.ecosystem
        job = SetupJob(
            place.solve,
            place.allowance,
            signposts,
            place.config,
            command_seconds=self._options.setup_timeout,
            seconds=self._options.search_seconds,
            furnish=lambda sandbox: self._furnish(place, sandbox, ecosystem),
            execute=lambda sandbox, done: self._run_networked(sandbox, done.command, ecosystem, f"agent-{done.number}"),
            replay=lambda plan: self.replay(place, plan),
        )
        looked = await self._agent.look(job, tried)
        if looked.proved is None and not looked.broke_off:
            await self.nothing_found(place)
        return looked

    # ------------------------------------------------------------------------------------------------------- steps

    @step("known environment")
    async def known(self, place: Place) -> Toolchain | None:
        """What held the last time that the repository said the same."""
        kept = await self._world.store.environment(place.repo.id)
        key = await self._key(place)
        return kept.toolchain if kept is not None and kept.key == key else None

    @step("signposts", patience=SANDBOX_PATIENCE)
    async def signposts(self, place: Place) -> Signposts:
        files = await self._files(place)
        return signposts(files, await self._look_for_tools(sandbox_of(place.solve), main_ecosystem(files)))

    @step("read plans", patience=SANDBOX_PATIENCE)
    async def read(self, place: Place) -> Plans:
        files = await self._files(place)
        tools = await self._look_for_tools(sandbox_of(place.solve), main_ecosystem(files))
        age = await self._age(place)
        found = await asyncio.to_thread(plans, files, place.config, tools, about=_about(place, files), age=age)
        if not (await self._options.network()).hosts:
            found = replace(found, plans=for_a_closed_network(found.plans))
        log.info("environment.plans", solve=place.solve, plans=len(found.plans), skipped=len(found.skipped))
        return found

    @step("try plan", patience=SANDBOX_PATIENCE)
    async def attempt(self, place: Place, plan: Toolchain, before: Attempt | None = None) -> Attempt:
        """`before`: the one before, whose snapshot is there: what is set up in the same way is not set up again."""
        return await self._attempt(place, plan, before)

    @step("replay script", patience=SANDBOX_PATIENCE)
    async def replay(self, place: Place, plan: Toolchain) -> Attempt:
        """As any plan is tried. Where nothing of the product could be broken, a test file is."""
        attempt = await self._attempt(place, plan)
        trial = attempt.trial
        if not attempt.holds or trial.notices is not None or trial.report is None:
            return attempt
        canary = await self._judge.canary(place.solve, place.repo, place.base, trial.report)
        return replace(attempt, trial=replace(trial, canary=canary))

    @step("looked in vain")
    async def looked_in_vain(self, place: Place) -> bool:
        """An agent has, lately, and the repository says the same as then."""
        key = await self._key(place)
        return await self._world.store.looked_in_vain(place.repo.id, key, since=self._world.clock.now() - KEPT)

    @step("nothing found")
    async def nothing_found(self, place: Place) -> None:
        key = await self._key(place)
        await self._world.store.nothing_found(place.repo.id, key, self._world.clock.now())

    @step("keep environment")
    async def keep(self, place: Place, attempt: Attempt) -> None:
        """In place of the one before: the plan for its next commits, the workspace for the next solve of this one.

        Written down first, so that nobody tidies it away.
        """
        if attempt.set_up_failure or attempt.proof > Proof.EXIT_CODE:
            return
        now = self._world.clock.now()
        if attempt.holds:
            key = await self._key(place)
            await self._world.store.keep_environment(KnownEnvironment(place.repo.id, key, attempt.plan, now))
        hosts = meant_for(attempt.plan.ecosystem, self._options.setup_hosts)
        if (made_from := workspace_key(place.repo.id, place.base, attempt.plan, hosts)) is not None:
            await self._world.store.keep_workspace(Workspace(place.repo.id, made_from, attempt.left_behind, now))
            await self._world.sandboxes.name_snapshot(prepared_snapshot(place.solve), kept_snapshot(made_from))

    # ------------------------------------------------------------------------------------------------------ details

    async def _attempt(self, place: Place, plan: Toolchain, before: Attempt | None = None) -> Attempt:
        begun = time.monotonic()
        self._tell(trying(plan))
        if before is not None and before.serves(plan):
            attempt = replace(before, plan=plan)
        else:
            attempt = await again_when_lost("set-up", lambda _: self._set_up(place, plan))
        can_be_limited = with_time_limits(plan, place.config) is not None
        seconds = TRIAL_SECONDS if can_be_limited else math.inf
        files = await self._files(place)
        trial = await self._judge.trial(place.solve, place.repo, place.base, plan, files, seconds)
        attempt = replace(attempt, trial=trial, seconds=time.monotonic() - begun)
        self._tell(outcome(attempt))
        log.info("environment.tried", solve=place.solve, why=plan.why, proof=attempt.proof.name, took=attempt.seconds)
        return attempt

    async def _key(self, place: Place) -> str:
        files = await self._files(place)
        return environment_key(files, place.config, self._options.setup_hosts, _about(place, files))

    async def _look_for_tools(self, sandbox: SandboxId, ecosystem: str) -> Tools:
        """Once in the life of this process: what sandboxes bring along changes with the operator's settings alone."""
        if ecosystem not in self._tools:

            async def probe(_lost: int) -> Finished:
                await self._world.sandboxes.create(sandbox, ecosystem=ecosystem)
                return await self._world.sandboxes.run(sandbox, PROBE, timeout=PROBE_SECONDS)

            self._tools[ecosystem] = read_tools((await again_when_lost("the look for tools", probe)).output)
            await self._world.sandboxes.close(sandbox)
        return self._tools[ecosystem]

    async def _set_up(self, place: Place, plan: Toolchain) -> Attempt:
        """Checkout, set-up commands with their network, snapshot. The tests are not run yet."""
        hosts = meant_for(plan.ecosystem, self._options.setup_hosts)
        key = workspace_key(place.repo.id, place.base, plan, hosts)
        if (left_behind := await self._kept(place, key)) is not None:
            absent = await self._checkouts.absent(place.repo, place.base, left_behind)
            how = SetUp(place.base, place.branch, plan, digest_of(left_behind))
            await self._world.store.set_up(place.solve, how)
            return Attempt(plan, Trial(), "", left_behind, lacking=lacking(absent, versions=True))
        attempt, how = await self._set_up_from_scratch(place, plan)
        await self._world.store.set_up(place.solve, how)
        return attempt

    async def set_up_again(self, place: Place, plan: Toolchain) -> SetUp:
        """On another machine. What is on record stays."""
        _, how = await self._set_up_from_scratch(place, plan)
        return how

    async def _set_up_from_scratch(self, place: Place, plan: Toolchain) -> tuple[Attempt, SetUp]:
        sandbox = sandbox_of(place.solve)
        history = await self._furnish(place, sandbox, plan.ecosystem)
        failure = await self._run_setup(sandbox, plan)
        with TemporaryDirectory(prefix="solvebot-") as scratch:
            tree = Path(scratch) / "prepared.tar"
            paths = [file.path for file in await self._world.mirrors.files(place.repo, place.base)]
            await self._world.sandboxes.take(
                sandbox, tree, exclude=(TOP, *heavy_directories(paths)), limit=self._options.workspace_limit
            )
            left_behind = await self._world.mirrors.untracked(place.repo, place.base, tree)
        await self._world.sandboxes.run(sandbox, f"{DROP_DOWNLOADS}; {HIDE}", timeout=OWN_COMMAND_SECONDS)
        hashed = await tree_hash(self._world.sandboxes, sandbox) if self._options.hashes_trees else ""
        await self._world.sandboxes.snapshot(sandbox, prepared_snapshot(place.solve))
        await self._world.sandboxes.close(sandbox)
        absent = await self._checkouts.absent(place.repo, place.base, left_behind)
        versions = history.versions or not makes_versions_from_git((await self._files(place)).texts.values())
        attempt = Attempt(plan, Trial(), failure, left_behind, lacking=lacking(absent, versions=versions))
        return attempt, SetUp(place.base, place.branch, plan, digest_of(left_behind), hashed)

    async def _furnish(self, place: Place, sandbox: SandboxId, ecosystem: str) -> History:
        """A fresh one, with what every plan begins with: files and their past."""
        await self._world.sandboxes.create(sandbox, ecosystem=ecosystem)
        return await self._checkouts.put(sandbox, place.repo, place.base, branch=place.branch)

    async def _run_setup(self, sandbox: SandboxId, plan: Toolchain) -> str:
        """The set-up commands in order. A failing one is told and not fatal: tests may run without it."""
        for command in plan.setup:
            self._tell(f"$ {command}")
            done = await self._run_networked(sandbox, command, plan.ecosystem)
            if done.exit_code != 0:
                return failure_reasons.set_up_failed(command, _ending(done), done.output)
        return ""

    async def _run_networked(
        self, sandbox: SandboxId, command: str, ecosystem: str, once: str | None = None
    ) -> Finished:
        network = await self._options.network()
        return await self._world.sandboxes.run(
            sandbox,
            command,
            timeout=self._options.setup_timeout,
            network=meant_for(ecosystem, network.hosts),
            env=network.environment,
            once=once,
        )

    async def _kept(self, place: Place, key: str | None) -> dict[str, str] | None:
        """What the set-up of an earlier solve had left behind, when it serves this one as well."""
        workspace = None if key is None else await self._world.store.workspace(place.repo.id)
        if workspace is None or workspace.key != key:
            return None
        if not await self._world.sandboxes.name_snapshot(kept_snapshot(workspace.key), prepared_snapshot(place.solve)):
            return None
        await self._world.store.keep_workspace(replace(workspace, used_at=self._world.clock.now()))
        log.info("environment.kept", solve=place.solve)
        return workspace.left_behind

    async def _age(self, place: Place) -> Age | None:
        past = await self._world.mirrors.history(place.repo, place.base, limit=1)
        return Age(past[0].at.date(), self._world.clock.now().date()) if past else None

    async def _files(self, place: Place) -> Files:
        paths = [file.path for file in await self._world.mirrors.files(place.repo, place.base)]
        texts: dict[str, str] = {}
        for path in wanted(paths):
            content = await self._world.mirrors.read(place.repo, place.base, path)
            texts[path] = (content or b"").decode(errors="replace")
        return Files(frozenset(paths), texts)


def _about(place: Place, files: Files) -> list[str]:
    return [file.path for file in named_files(place.issue, sorted(files.paths))]


# What installers keep for the next time would be copied with each snapshot.
DROP_DOWNLOADS = "rm -rf ~/.cache/uv ~/.cache/pip ~/.npm/_cacache ~/.cache/yarn ~/.yarn/berry/cache"


def _ending(done: Finished) -> str:
    if done.timed_out:
        return f"stopped after {done.seconds:.0f} s"
    return f"ended by the limit on {done.killed_by}" if done.killed_by else f"exit code {done.exit_code}"
