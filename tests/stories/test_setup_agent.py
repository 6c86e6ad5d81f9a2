"""No plan holds, so an agent looks for the environment. Its script is run again from nothing, and only that counts."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.assembly import Bot, environment_options, help_policy
from bot.core.environment.help import FOUND_BY_AGENT, allowance
from bot.core.environment.proof import Found, passing
from bot.core.model import Experiment, Limits, Repo, RepoConfig, SandboxId, SolveFacts, SolveId, Status, Strategy
from bot.core.render import failure_reasons
from bot.declared_settings import Secret
from bot.demo.toolchain import make_toolchain
from bot.environment import Environments, Place
from bot.github.local import LocalGitHub
from bot.local_solve import working
from bot.ports import Sandboxes
from bot.settings import Settings
from bot.simulators.github import SimIssue
from bot.simulators.model import SUBMIT, Answer, Hold, Message, ModelSimulator, Script, bash, too_much_text, turns
from tests.contracts.local_sandboxes import public_directory
from tests.stories.migrated import put_databases
from tests.stories.setup_repositories import (
    ALL,
    GENERATED,
    IN_A_CORNER,
    PYTEST,
    SCRIPT,
    Odd,
    is_set_up,
    looks,
    written,
)
from tests.stories.shell import a_shell
from tests.stories.world import World, a_world, isolated_where_possible, spec

PATIENCE = 240.0  # seconds for a whole solve, on a machine that has much else to do
LOOKED_AT = SolveId("environment-1")
NOTHING_SAID = RepoConfig()


@pytest.fixture(scope="module")
def tools() -> Iterator[Path]:
    """Made once for all of these: it takes as long as one of them."""
    with public_directory() as directory:
        yield make_toolchain(directory / "toolchain")


@pytest.fixture
def tmp_path(tmp_path: Path, tools: Path) -> Path:
    shutil.copytree(tools, tmp_path / "toolchain", copy_function=os.link)
    return tmp_path


def toolchain(directory: Path) -> tuple[Path, ...]:
    return (directory / "toolchain",)


@dataclass(slots=True)
class Bench:
    """What a solve finds, without the rest of a solve: nothing else is going on in it."""

    models: ModelSimulator
    bot: Bot
    settings: Settings
    github: LocalGitHub

    @property
    def sandboxes(self) -> Sandboxes:
        return self.bot.world.sandboxes

    @property
    def calls(self) -> int:
        return self.models.calls.total()

    @property
    def prompts(self) -> list[str]:
        """What the agents were told, one for each call of a model."""
        return [str(request.messages[1]["content"]) for request in self.models.asked if is_set_up(request.messages)]

    async def find(self, config: RepoConfig = NOTHING_SAID, dollars: float = 2.0, anew: bool = False) -> Found:
        repo = Repo(0, 7, "octo/greet")
        base = await self.bot.world.mirrors.fetch(repo, await self.github.remote(repo), want="main")
        experiments = [Experiment(1, spec("fixer"), None, Strategy.BASELINE, 100, dollars)]
        allowed = allowance(help_policy(self.settings), Limits(dollars=dollars), experiments)
        environments = Environments(self.bot.world, self.bot.judge, environment_options(self.settings))
        place = Place(LOOKED_AT, repo, base, config, allowance=allowed, anew=anew)
        found = await self.bot.engine.alone(environments.find(place))
        assert await self.sandboxes.living() == []
        assert self.models.errors == []
        return found


@asynccontextmanager
async def a_bench(directory: Path, odd: Odd, script: Script, **changes: Any) -> AsyncIterator[Bench]:
    """A clone that no plan brings up, and a model."""
    models = ModelSimulator()
    models.script("simulated/fixer", script, dollars_per_call=0.001)
    async with models.serving():
        settings = Settings(
            model_url=models.url,
            model_key=Secret(models.key),
            model_provider="simulator",
            setup_hosts=(),
            sandbox_toolchains=toolchain(directory),
            data=directory / "bot",
        ).with_found_bubblewrap()
        settings = await isolated_where_possible(replace(settings, **changes))
        github = LocalGitHub.to_read(a_clone(directory / "clone", odd))
        for data in (settings.data, settings.data / "local" / "bench"):
            await asyncio.to_thread(put_databases, replace(settings, data=data))
        async with working(settings, "bench", github) as bot:
            yield Bench(models, bot, settings, github)


def a_clone(path: Path, odd: Odd) -> Path:
    for name, content in odd.files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    git = ["git", "-C", str(path), "-c", "user.name=Ann", "-c", "user.email=ann@localhost"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Greet"]):
        subprocess.run([*git, *words], check=True)
    return path


@asynccontextmanager
async def odd_world(directory: Path, script: Script) -> AsyncIterator[World]:
    """The same as a whole world, in which the model also fixes the issue."""
    tools = toolchain(directory)
    async with a_world(
        directory, scripts={"fixer": script}, files=GENERATED.files, setup_agent=True, sandbox_toolchains=tools
    ) as world:
        yield world


async def solved(world: World) -> tuple[SimIssue, SolveFacts]:
    issue = await world.issue()
    await world.label(issue)
    facts = await world.over(issue, within=PATIENCE)
    await world.said(issue, "<!-- solvebot solve=")
    return issue, facts


def asked_for_set_up(world: World) -> int:
    return sum(is_set_up(request.messages) for request in world.models.asked)


async def at_work(hold: Hold) -> None:
    async with asyncio.timeout(PATIENCE):
        await hold.arrived.wait()


@pytest.mark.parametrize(
    "name",
    [
        "a generated file",
        "an odd command",
        pytest.param("a package of its own", marks=pytest.mark.long),
        pytest.param("in a corner", marks=pytest.mark.long),
    ],
)
async def test_its_script_brings_the_repository_up(tmp_path: Path, name: str) -> None:
    odd = ALL[name]
    async with a_bench(tmp_path, odd, looks("cat README.md", odd.script)) as bench:
        found = await bench.find()
        assert found.attempt.holds
        assert passing(found.attempt) == 2
        plan = found.attempt.plan
        assert (plan.setup, plan.test, plan.why) == (odd.setup, odd.test, FOUND_BY_AGENT)
        assert found.help is not None
        assert (found.help.model, found.help.steps) == ("fixer", 3)
        assert found.help.dollars == pytest.approx(0.003)
        assert "found it (fixer, 3 steps, $0.0030)" in found.note


@pytest.mark.timeout(2 * PATIENCE + 60)
async def test_a_solve_pays_for_it_shows_it_and_keeps_it(tmp_path: Path) -> None:
    async with odd_world(tmp_path, looks(GENERATED.script)) as world:
        issue, facts = await solved(world)
        assert facts.status is Status.COMPLETED, facts.error
        assert facts.baseline is not None
        assert facts.baseline.per_test
        assert len(facts.baseline.stable) == 2
        assert facts.setup_agent is not None
        assert facts.setup_agent.dollars == pytest.approx(0.002)
        assert facts.dollars == pytest.approx(0.001 * world.models.calls.total())
        assert facts.runs[0].experiment.dollars == pytest.approx(2.0 - 0.002)
        [pull] = world.repo.pulls
        for body in (pull.state.body or "", issue.bot_comments[0].body):
            assert f"Receipt: ${facts.dollars:.4f}" in body
            assert "| set-up: `fixer` | 2 |" in body
            assert f'test: "{GENERATED.test}"' in body
            assert "`.github/solvebot.yml`" in body

        asked = asked_for_set_up(world)
        _, facts = await solved(world)
        assert facts.toolchain is not None
        assert facts.toolchain.why == FOUND_BY_AGENT
        assert facts.setup_agent is None
        assert asked_for_set_up(world) == asked == 2


INVENTS = written(("printf 'def test_a(): pass\n' > ~/test_a.py",), f"{PYTEST} /home/agent/test_a.py")
NOT_IN_A_FRESH_ONE = "did not hold in a fresh sandbox"
REFUSED = {
    "what it did by hand": (("sh tools/generate", written((), PYTEST)), NOT_IN_A_FRESH_ONE),
    "only exits 0": ((written((), "true"),), NOT_IN_A_FRESH_ONE),
    "runs no test": (
        (written(("sh tools/generate",), f"{PYTEST} greet || python3 -c 'import greet'"),),
        NOT_IN_A_FRESH_ONE,
    ),
    "invents its tests": ((INVENTS,), NOT_IN_A_FRESH_ONE),
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

    async with a_bench(tmp_path, GENERATED, script) as bench:
        found = await bench.find()
        assert not found.attempt.holds
        assert found.attempt.plan.why != FOUND_BY_AGENT
        assert "an agent that looked for one found none" in found.note
        assert REFUSED[second][1] in found.note
        prompts = dict.fromkeys(bench.prompts)
        assert [REFUSED[first][1] in prompt for prompt in prompts] == [False, True]
        assert found.help is not None
        assert found.help.steps == bench.calls


async def test_invented_tests_where_none_of_the_code_can_be_broken(tmp_path: Path) -> None:
    async with a_bench(tmp_path, IN_A_CORNER, looks(INVENTS)) as bench:
        found = await bench.find()
        assert not found.attempt.holds
        assert "nothing shows that they are about this code" in found.note


async def test_a_search_in_vain_is_not_paid_for_again(tmp_path: Path) -> None:
    """Unless a person asks for it."""
    async with a_bench(tmp_path, GENERATED, turns(bash(SUBMIT))) as bench:
        await bench.find()
        assert bench.calls == 2
        found = await bench.find()
        assert bench.calls == 2
        assert (found.help, found.note) == (None, failure_reasons.LOOKED_IN_VAIN)
        await bench.find(anew=True)
        assert bench.calls == 4


async def test_the_second_script_may_do_what_the_first_did_not(tmp_path: Path) -> None:
    def script(messages: Sequence[Message]) -> Answer:
        knows = NOT_IN_A_FRESH_ONE in str(messages[1]["content"])
        return looks(GENERATED.script if knows else written((), PYTEST))(messages)

    async with a_bench(tmp_path, GENERATED, script) as bench:
        found = await bench.find()
        assert found.attempt.plan.why == FOUND_BY_AGENT
        assert found.help is not None
        assert found.help.steps == 4


async def test_it_knows_what_was_tried_and_what_there_is(tmp_path: Path) -> None:
    async with a_bench(tmp_path, GENERATED, looks(GENERATED.script)) as bench:
        await bench.find()
        prompt = bench.prompts[0]
        assert "Plan 1 (detected: test files, as the sandbox is) did not hold." in prompt
        assert "$ python -m pytest -q\nNo test could be run" in prompt
        assert "python3 3." in prompt


@pytest.mark.parametrize(("changes", "steps"), [({"setup_agent_dollars": 0.0105}, 11), ({"setup_agent_steps": 3}, 3)])
async def test_it_stops_at_its_limits(tmp_path: Path, changes: dict[str, object], steps: int) -> None:
    """All agents of one set-up together, and at most one call above the dollars."""
    async with a_bench(tmp_path, GENERATED, turns(*[bash("true")] * 50), **changes) as bench:
        found = await bench.find()
        assert found.help is not None
        assert found.help.steps == steps == bench.calls
        assert not found.attempt.holds


@pytest.mark.parametrize(
    ("dollars", "changes", "note"),
    [(0.03, {}, "$0.03 for the whole solve leave too little"), (2.0, {"setup_agent": False}, "")],
)
async def test_it_is_not_started(tmp_path: Path, dollars: float, changes: dict[str, object], note: str) -> None:
    async with a_bench(tmp_path, GENERATED, turns(), **changes) as bench:
        found = await bench.find(dollars=dollars)
        assert found.help is None
        assert note in found.note
        assert bool(found.note) is bool(note)
        assert not bench.calls


async def test_the_repositorys_own_tests_need_no_agent_when_they_pass(tmp_path: Path) -> None:
    async with a_bench(tmp_path, GENERATED, turns()) as bench:
        found = await bench.find(RepoConfig(test="test -f tools/words.txt"))
        assert found.help is None
        assert not bench.calls


async def test_a_model_that_fails_ends_no_solve(tmp_path: Path) -> None:
    async with a_bench(tmp_path, GENERATED, looks(GENERATED.script)) as bench:
        bench.models.interpose("simulated/fixer", bash("true"), too_much_text())
        found = await bench.find()
        assert found.help is not None
        assert found.help.steps == 2
        assert "found none (fixer, 2 steps, $0.0010)" in found.note
        assert not found.attempt.holds
        assert (await bench.find()).attempt.holds  # it says nothing about the repository, so the next one looks


async def test_a_lost_sandbox_is_made_again_and_no_model_is_asked_again(tmp_path: Path) -> None:
    hold = Hold(then=bash("cat first && sh tools/generate && cp ~/draft " + SCRIPT))
    draft = GENERATED.script.replace(SCRIPT, "/home/agent/draft")
    script = turns(bash("echo x > first", draft), hold, bash(SUBMIT))
    async with a_bench(tmp_path, GENERATED, script) as bench:
        looking = asyncio.create_task(bench.find())
        await at_work(hold)
        await bench.sandboxes.close(SandboxId(f"{LOOKED_AT}-setup"))
        hold.release.set()
        found = await looking
        assert found.attempt.plan.why == FOUND_BY_AGENT
        assert bench.calls == 3


async def test_cancelled_while_it_looks(tmp_path: Path) -> None:
    """What the solve holds is closed, as the end of every story sees."""
    hold = Hold()

    def script(messages: Sequence[Message]) -> Answer:
        return hold if is_set_up(messages) and len(messages) > 2 else bash("sleep 0")

    async with odd_world(tmp_path, script) as world:
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


async def test_a_maintainer_tries_it_on_a_clone(tmp_path: Path) -> None:
    clone = a_clone(tmp_path / "clone", GENERATED)
    async with a_shell(tmp_path, looks(GENERATED.script)) as (solvebot, llm, _):
        solvebot.env["SETUP_HOSTS"] = "none"
        solvebot.env["SANDBOX_TOOLCHAINS"] = str(tmp_path / "toolchain")
        code, _, err = await solvebot("environment", str(clone))
        assert (code, llm.calls.total()) == (1, 0)
        code, out, err = await solvebot("environment", str(clone), "--agent", "--write")
        assert code == 0, err
        assert llm.calls.total() == 2
        assert "agent looks for one: fixer, at most 40 steps and $0.25" in err
        assert "agent $ cat > /home/agent/environment.yml" in err
        assert out == (
            f'# Tried on a fresh copy: 2 tests pass.\nsetup:\n  - "{GENERATED.setup[0]}"\ntest: "{GENERATED.test}"\n'
        )
        assert (clone / ".github/solvebot.yml").read_text() == out
        del solvebot.env["MODEL_API_KEY"]
        code, _, err = await solvebot("environment", str(clone), "--agent")
        assert code == 1
        assert "MODEL_API_KEY is missing" in err
