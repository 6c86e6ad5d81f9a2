"""Repositories of every kind come up by themselves: real git, real sandboxes, real installers, and no network.

What has to be installed comes from an index of files.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot.assembly import environment_options
from bot.core.environment.proof import Found, Proof, passing
from bot.core.environment.registries import SetUpNetwork
from bot.core.model import Repo, RepoConfig, SolveId
from bot.environment import Environments, Place
from bot.github.local import LocalGitHub
from bot.local_solve import working
from bot.settings import Settings
from tests.contracts.local_sandboxes import public_directory
from tests.contracts.small_repositories import APP, FAILURES, SOURCES, Kind, package
from tests.contracts.wheels import make_index
from tests.stories.world import isolated_where_possible

KINDS = {**FAILURES, **SOURCES}
Index = tuple[Path, Mapping[str, str]]


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    """A directory that sandboxes see, and the environment in which installers use what is in it."""
    with public_directory() as directory:
        (directory / "bin").mkdir(mode=0o755)
        yield directory, make_index(directory / "wheels")


async def found_in(directory: Path, kind: Kind, index: Index) -> Found:
    seen, environment = index
    settings = Settings(
        setup_hosts=("none",),
        sandbox_toolchains=(seen,),
        data=directory / "bot",
        baseline_repeats=1,
    ).with_found_bubblewrap()
    github = LocalGitHub.to_read(a_clone(directory / "clone", kind))

    async def network() -> SetUpNetwork:
        return SetUpNetwork(("index.invalid",), environment)

    async with working(await isolated_where_possible(settings), "kind", github) as bot:
        repo = Repo(0, 7, "octo/kind")
        base = await bot.world.mirrors.fetch(repo, await github.remote(repo), want="main")
        options = replace(environment_options(settings), network=network)
        place = Place(SolveId("environment-1"), repo, base, kind.config or RepoConfig())
        return await bot.engine.alone(Environments(bot.world, bot.judge, options).find(place))


def a_clone(path: Path, kind: Kind) -> Path:
    for name, text in kind.files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@localhost")
        subprocess.run(["git", "-C", str(path), *who, *arguments], check=True)

    git("init", "-q", "-b", "main")
    git("add", "-A", "-f")
    git("commit", "-qm", "first")
    if kind.tag:
        git("tag", kind.tag)
    git("commit", "-q", "--allow-empty", "-m", "second")
    return path


@pytest.mark.parametrize("name", KINDS)
async def test_it_comes_up(name: str, tmp_path: Path, index: Index) -> None:
    kind = KINDS[name]
    found = await found_in(tmp_path, kind, index)
    attempt, report = found.attempt, found.attempt.trial.report
    told = [(each.plan, each.set_up_failure, each.trial.report) for each in found.tried]
    assert report is not None, told
    assert attempt.holds, told
    assert attempt.trial.notices is True
    assert passing(attempt) == kind.passing, told
    assert kind.words in f"{attempt.plan} {report.tail}"


async def test_tests_of_another_copy_count_for_nothing(tmp_path: Path, index: Index) -> None:
    """The copy that pytest brought along is what such tests load."""
    config = RepoConfig(setup=("uv venv -q ~/venv", "uv pip install -q --python ~/venv pytest"), test="pytest -q")
    copy = Kind(
        {
            "src/iniconfig/__init__.py": "class IniConfig:\n    pass\n",
            "test_it.py": "def test_it():\n    from iniconfig import IniConfig\n    assert IniConfig\n",
        },
        1,
        config=config,
    )
    found = await found_in(tmp_path, copy, index)
    assert found.attempt.proof is Proof.ANOTHER_COPY


async def test_no_tests_are_no_success(tmp_path: Path, index: Index) -> None:
    """`unittest discover` that finds nothing ended with exit code 0 until Python 3.12."""
    config = RepoConfig(setup=(), test="python3 -m unittest discover -s nothing")
    empty = Kind({**APP, "nothing/__init__.py": ""}, 0, config=config)
    found = await found_in(tmp_path, empty, index)
    assert found.attempt.proof is Proof.NOTHING


async def test_where_nothing_works_each_plan_says_why(tmp_path: Path, index: Index) -> None:
    hopeless = package("hopeless", '[dependency-groups]\ntest = ["pytest"]\n') | {
        "backend.py": "raise OSError('no way')\n"
    }
    found = await found_in(tmp_path, Kind({**hopeless, "tests/test_double.py": "import hopeless\n"}, 0), index)
    assert not found.attempt.holds
    assert any("no way" in each.set_up_failure for each in found.tried)
