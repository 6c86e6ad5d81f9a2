"""`solvebot environment PATH`: set-up and tests of a clone, as a solve would have them, in front of a maintainer."""

from __future__ import annotations

import json
import sys
import uuid
import zlib
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from bot import assembly
from bot.configuration import read_config
from bot.core.choosing.experiments import plan
from bot.core.environment.help import Allowance, NoHelp, allowance
from bot.core.environment.proof import Found, passing
from bot.core.model import Repo, RepoConfig, SolveId, SolveOptions, Verdict
from bot.core.render.environment import configuration, tried
from bot.core.render.failure_reasons import config_mistakes
from bot.core.text.cleaning import visible
from bot.core.trigger.commands import Misread
from bot.core.trigger.config import CONFIG_PATHS, ConfigProblem
from bot.environment import Environments, Place
from bot.github.local import LocalGitHub
from bot.local_solve import working
from bot.ports import Unsolvable
from bot.settings import Settings
from bot.terminal_tables import console


async def environment_here(settings: Settings, path: Path, *, write: bool, as_json: bool, agent: bool) -> int:
    """0 when single tests pass that are about the clone's own code, else 1.

    `agent`: where no plan holds, one may look for it, as in a solve.

    What is tried goes to stderr as it happens. To stdout goes the configuration that says what was found, or, as
    JSON, all that was seen.
    """
    out, redact = console(stderr=True), assembly.redactor(settings)
    github = LocalGitHub.to_read(path)
    repo = Repo(0, zlib.crc32(str(github.root).encode()), github.root.name)
    digest = sha256(f"environment {github.root}".encode()).hexdigest()[:12]
    async with working(settings, digest, github) as bot:
        place = await _place(bot, github, repo)
        if agent:
            place = replace(place, allowance=await _allowance(bot, settings, place.config), anew=True)

        def tell(line: str) -> None:
            out.print(redact(visible(line)), markup=False, highlight=False)

        environments = Environments(bot.world, bot.judge, assembly.environment_options(settings), tell)
        found = await bot.engine.alone(environments.find(place))
        if found.note:
            tell(found.note)
    told = redact(configuration(found.attempt))
    record = redact.within(_record(github.root.name, place, found))
    sys.stdout.write(json.dumps(record) + "\n" if as_json else told)
    if write:
        target = github.root / CONFIG_PATHS[0]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(told)
        tell(f"Written to {target}.")
    return 0 if found.attempt.holds else 1


def _record(name: str, place: Place, found: Found) -> dict[str, object]:
    """All that was seen, as plain values; seconds are those of every plan that was tried."""
    attempt, report = found.attempt, found.attempt.trial.report
    verdicts = list(report.tests.values()) if report is not None else []
    return {
        "repository": name,
        "commit": place.base,
        "holds": attempt.holds,
        "proof": attempt.proof.name.lower().replace("_", " "),
        "passing": passing(attempt),
        "failing": verdicts.count(Verdict.FAILED),
        "seconds": round(sum(each.seconds for each in found.tried), 1),
        "test seconds": round(report.seconds, 1) if report is not None else None,
        "why": attempt.plan.why,
        "setup": list(attempt.plan.setup),
        "test": attempt.plan.test,
        "checks": list(attempt.plan.checks),
        "tried": [tried(each) for each in found.tried],
        "left out": [f"{skipped.source}: {skipped.reason}" for skipped in found.plans.skipped],
        "notes": list(attempt.plan.notes),
    }


async def _place(bot: assembly.Bot, github: LocalGitHub, repo: Repo) -> Place:
    state = await github.repository(repo)
    base = await bot.world.mirrors.fetch(repo, await github.remote(repo), want=state.default_branch)
    config = await read_config(github, repo, state.default_branch)
    if isinstance(config, ConfigProblem):
        raise Unsolvable(config_mistakes(config.path, [(m.line, m.reason) for m in config.mistakes]))
    return Place(SolveId(f"environment-{uuid.uuid4().hex[:12]}"), repo, base, config, branch=state.default_branch)


async def _allowance(bot: assembly.Bot, settings: Settings, config: RepoConfig) -> Allowance | NoHelp:
    """What a solve of this repository would get; who asks for it here allows it."""
    planned = plan(SolveOptions(), config, await bot.world.store.models(), assembly.server_limits(settings))
    if isinstance(planned, Misread):
        raise Unsolvable(f"{planned.what} {planned.remedy}")
    return allowance(replace(assembly.help_policy(settings), allowed=True), planned.limits, planned.experiments)
