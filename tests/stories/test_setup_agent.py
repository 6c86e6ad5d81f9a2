"""No plan holds, so an agent looks for the environment. Its script is run again from nothing, and only that counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.app import environment_options, help_policy
from bot.core.environment.help import FOUND_BY_AGENT, allowance
from bot.core.environment.proof import Found, passing
from bot.core.model import (
    Experiment,
    Limits,
    Repo,
    RepoConfig,
    SandboxId,
    SolveFacts,
    SolveId,
    Status,
    Strategy,
)
from bot.demo.toolchain import make_toolchain
from bot.environment import Environments, Place
from bot.simulators.github import SimIssue
from bot.simulators.model import SUBMIT, Answer, Hold, Message, Script, bash, too_much_text, turns
from tests.stories.setup_repositories import ALL, GENERATED, PYTEST, SCRIPT, Odd, is_set_up, looks, written
from tests.stories.world import World, a_world, spec

PATIENCE = 120.0  # seconds for a whole solve, on a machine that has much else to do
LOOKED_AT = SolveId("environment-1")


@asynccontextmanager
async def odd_world(directory: Path, odd: Odd, script: Script, **changes: object) -> AsyncIterator[World]:
    """A repository that no plan brings up, and a model that looks for its environment as well as for the fix."""
    told: dict[str, Any] = {"setup_agent": True, "sandbox_toolchains": (make_toolchain(directory / "toolchain"),)}
    async with a_world(directory, scripts={"fixer": script}, files=odd.files, **told | changes) as world:
        yield world


NOTHING_SAID = RepoConfig()


async def found_in(world: World, config: RepoConfig = NOTHING_SAID, dollars: float = 2.0) -> Found:
    """What a solve would find, without the rest of the solve."""
    bot, settings = world.bot.bot, world.settings
    repo = Repo(world.repo.installation.id, world.repo.id, world.repo.name)
    base = await bot.world.mirrors.fetch(repo, await bot.world.github.remote(repo), want="main")
    experiments = [Experiment(1, spec("fixer"), None, Strategy.BASELINE, 100, dollars)]
    allowed = allowance(help_policy(settings), Limits(dollars=dollars), experiments)
    environments = Environments(bot.world, bot.judge, environment_options(settings))
    try:
        return await bot.engine.alone(environments.find(Place(LOOKED_AT, repo, base, config, allowance=allowed)))
    finally:
        for name in await bot.world.sandboxes.snapshots():
            await bot.world.sandboxes.drop_snapshot(name)


async def solved(world: World) -> tuple[SimIssue, SolveFacts]:
    issue = await world.issue()
    await world.label(issue)
    facts = await world.over(issue, within=PATIENCE)
    await world.said(issue, "<!-- solvebot solve=")
    return issue, facts


async def at_work(hold: Hold) -> None:
    async with asyncio.timeout(PATIENCE):
        await hold.arrived.wait()


def set_up_prompts(world: World) -> list[str]:
    """What the agents of the set-up were told, one for each call of a model."""
    return [str(request.messages[1]["content"]) for request in world.models.asked if is_set_up(request.messages)]


@pytest.mark.parametrize("name", ALL)
async def test_its_script_brings_the_repository_up(tmp_path: Path, name: str) -> None:
    odd = ALL[name]
    async with odd_world(tmp_path, odd, looks("cat README.md", odd.script)) as world:
        found = await found_in(world)
        assert found.attempt.holds
        assert passing(found.attempt) == 2
        plan = found.attempt.plan
        assert (plan.setup, plan.test, plan.why) == (odd.setup, odd.test, FOUND_BY_AGENT)
        assert found.help is not None
        assert (found.help.model, found.help.steps) == ("fixer", 3)
        assert found.help.dollars == pytest.approx(0.003)
        assert "found it (fixer, 3 steps, $0.0030)" in found.note


async def test_a_solve_pays_for_it_shows_it_and_keeps_it(tmp_path: Path) -> None:
    async with odd_world(tmp_path, GENERATED, looks(GENERATED.script)) as world:
        issue, facts = await solved(world)
        assert facts.status is Status.COMPLETED, facts.error
        assert facts.baseline is not None
        assert facts.baseline.per_test
        assert len(facts.baseline.stable) == 2
        assert facts.setup_agent is not None
        assert facts.setup_agent.dollars == pytest.approx(0.002)
        assert facts.dollars == pytest.approx(0.001 * world.models.calls["simulated/fixer"])
        assert facts.runs[0].experiment.dollars == pytest.approx(2.0 - 0.002)
        [pull] = world.repo.pulls
        for body in (pull.state.body or "", issue.bot_comments[0].body):
            assert f"Receipt: ${facts.dollars:.4f}" in body
            assert "| set-up: `fixer` | 2 |" in body
            assert f'test: "{GENERATED.test}"' in body
            assert "`.github/solvebot.yml`" in body

        asked = len(set_up_prompts(world))
        _, facts = await solved(world)
        assert facts.toolchain is not None
        assert facts.toolchain.why == FOUND_BY_AGENT
        assert facts.setup_agent is None
        assert len(set_up_prompts(world)) == asked == 2


FORGES = "mkdir -p ~/.solve'bot' && printf '<testsuite><testcase name=\"a\"/></testsuite>' > ~/.solve'bot'/report.xml"
NOT_IN_A_FRESH_ONE = "did not hold in a fresh sandbox"
REFUSED = {
    "what it did by hand": (("sh tools/generate", written((), PYTEST)), NOT_IN_A_FRESH_ONE),
    "only exits 0": ((written((), "true"),), NOT_IN_A_FRESH_ONE),
    "runs no test": (
        (written(("sh tools/generate",), f"{PYTEST} greet || python3 -c 'import greet'"),),
        NOT_IN_A_FRESH_ONE,
    ),
    "forges a report": ((written((), FORGES),), NOT_IN_A_FRESH_ONE),
    "names the report": ((written((), "cp x ~/.solvebot/report.xml"),), "where only test runners write"),
    "is missing": (("true",), "There is no file"),
    "is large": ((f"head -c 1048576 /dev/zero | tr '\\0' a > {SCRIPT}",), "larger than 64 kB"),
    "is no text": ((f"printf '\\377\\376' > {SCRIPT}",), "not UTF-8"),
    "is a folder": ((f"mkdir {SCRIPT}",), "There is no file"),
    "is a link": ((f"ln -s /etc/shadow {SCRIPT}",), "There is no file"),
}


@pytest.mark.parametrize(("first", "second"), [tuple(list(REFUSED)[i : i + 2]) for i in range(0, len(REFUSED), 2)])
async def test_scripts_that_do_not_do(tmp_path: Path, first: str, second: str) -> None:
    """Two rounds, each with another; the second agent is told what was wrong with the first."""

    def script(messages: Sequence[Message]) -> Answer:
        is_second = "An earlier agent left a script" in str(messages[1]["content"])
        return looks(*REFUSED[second if is_second else first][0])(messages)

    async with odd_world(tmp_path, GENERATED, script) as world:
        found = await found_in(world)
        assert not found.attempt.holds
        assert found.attempt.plan.why != FOUND_BY_AGENT
        assert "an agent that looked for one found none" in found.note
        assert REFUSED[second][1] in found.note
        prompts = dict.fromkeys(set_up_prompts(world))
        assert [REFUSED[first][1] in prompt for prompt in prompts] == [False, True]
        assert found.help is not None
        assert found.help.steps == world.models.calls["simulated/fixer"]


async def test_the_second_script_may_do_what_the_first_did_not(tmp_path: Path) -> None:
    def script(messages: Sequence[Message]) -> Answer:
        knows = NOT_IN_A_FRESH_ONE in str(messages[1]["content"])
        return looks(GENERATED.script if knows else written((), PYTEST))(messages)

    async with odd_world(tmp_path, GENERATED, script) as world:
        found = await found_in(world)
        assert found.attempt.plan.why == FOUND_BY_AGENT
        assert found.help is not None
        assert found.help.steps == 4


async def test_it_knows_what_was_tried_and_what_there_is(tmp_path: Path) -> None:
    async with odd_world(tmp_path, GENERATED, looks(GENERATED.script)) as world:
        await found_in(world)
        prompt = set_up_prompts(world)[0]
        assert "Plan 1 (detected: test files) did not hold." in prompt
        assert "$ python -m pytest -q\nNo test could be run" in prompt
        assert "python3 3." in prompt


@pytest.mark.parametrize(("changes", "steps"), [({"setup_agent_dollars": 0.0105}, 11), ({"setup_agent_steps": 3}, 3)])
async def test_it_stops_at_its_limits(tmp_path: Path, changes: dict[str, object], steps: int) -> None:
    """All agents of one set-up together, and at most one call above the dollars."""
    async with odd_world(tmp_path, GENERATED, turns(*[bash("true")] * 50), **changes) as world:
        found = await found_in(world)
        assert found.help is not None
        assert found.help.steps == steps == world.models.calls["simulated/fixer"]
        assert not found.attempt.holds


@pytest.mark.parametrize(
    ("dollars", "changes", "note"),
    [(0.03, {}, "$0.03 for the whole solve leave too little"), (2.0, {"setup_agent": False}, "")],
)
async def test_it_is_not_started(tmp_path: Path, dollars: float, changes: dict[str, object], note: str) -> None:
    async with odd_world(tmp_path, GENERATED, turns(), **changes) as world:
        found = await found_in(world, dollars=dollars)
        assert found.help is None
        assert note in found.note
        assert bool(found.note) is bool(note)
        assert not world.models.calls


async def test_the_repositorys_own_tests_need_no_agent_when_they_pass(tmp_path: Path) -> None:
    async with odd_world(tmp_path, GENERATED, turns()) as world:
        found = await found_in(world, RepoConfig(test="test -f tools/words.txt"))
        assert found.help is None
        assert not world.models.calls


async def test_a_model_that_fails_ends_no_solve(tmp_path: Path) -> None:
    async with odd_world(tmp_path, GENERATED, looks(GENERATED.script)) as world:
        world.models.interpose("simulated/fixer", bash("true"), too_much_text())
        found = await found_in(world)
        assert found.help is not None
        assert found.help.steps == 2
        assert "found none (fixer, 2 steps, $0.0010)" in found.note
        assert not found.attempt.holds


async def test_a_lost_sandbox_is_made_again_and_no_model_is_asked_again(tmp_path: Path) -> None:
    hold = Hold(then=bash("cat first && sh tools/generate && cp ~/draft " + SCRIPT))
    draft = GENERATED.script.replace(SCRIPT, "/home/agent/draft")
    script = turns(bash("echo x > first", draft), hold, bash(SUBMIT))
    async with odd_world(tmp_path, GENERATED, script) as world:
        looking = asyncio.create_task(found_in(world))
        await at_work(hold)
        await world.bot.bot.world.sandboxes.close(SandboxId(f"{LOOKED_AT}-setup"))
        hold.release.set()
        found = await looking
        assert found.attempt.plan.why == FOUND_BY_AGENT
        assert world.models.calls["simulated/fixer"] == 3


async def test_cancelled_while_it_looks(tmp_path: Path) -> None:
    """What the solve holds is closed, as the end of every story sees."""
    hold = Hold()

    def script(messages: Sequence[Message]) -> Answer:
        return hold if is_set_up(messages) and len(messages) > 2 else bash("sleep 0")

    async with odd_world(tmp_path, GENERATED, script) as world:
        issue = await world.issue()
        await world.label(issue)
        await at_work(hold)
        await world.comment(issue, "/solve cancel")
        facts = await world.over(issue, within=PATIENCE)
        assert facts.status is Status.CANCELLED
        assert facts.setup_agent is not None
        assert facts.setup_agent.steps == 1
        await world.said(issue, "Cancelled:")
        await world.said(issue, "Cancelled. The status comment")
