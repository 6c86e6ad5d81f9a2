"""Clones on this disk that are not as most are: they can be worked on, or are refused at once with a reason."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.core.environment.history import History
from bot.core.model import Sha
from bot.github.local import LocalGitHub
from bot.github.mirror import GitMirrors
from bot.ports import Rejected
from tests.contracts.mirror_world import REPO, World, git, make_world

AT_ONCE = 20.0  # seconds; on a machine that has much else to do


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = make_world(tmp_path)
    git(world.origin.directory, "config", "uploadpack.allowFilter", "true")
    for number in range(3):
        world.origin.commit({"f": b"version %d\n" % number, "same": b"same\n"}, f"Number {number}")
    git(world.origin.directory, "tag", "v1.0", "main~1")
    return world


def clone(world: World, *options: str) -> Path:
    path = world.directory / "clone"
    git(world.directory, "clone", "-q", *options, f"file://{world.origin.directory}", str(path))
    return path


async def worked_on(world: World, path: Path) -> tuple[Sha, History]:
    """What a solve does first."""
    github = LocalGitHub.to_read(path)
    state = await github.repository(REPO)
    await github.file(REPO, ".github/solvebot.yml", state.default_branch)
    mirrors = GitMirrors(world.directory / "of clones", pauses=(0.1,))
    commit = await mirrors.fetch(REPO, await github.remote(REPO), want=state.default_branch)
    await mirrors.archive(REPO, commit, world.directory / "archive.tar")
    return commit, await mirrors.repository(REPO, commit, world.directory / "git.tar", branch=state.default_branch)


async def seen(world: World, path: Path) -> tuple[Sha, History]:
    return await asyncio.wait_for(worked_on(world, path), AT_ONCE)


@contextmanager
def nobody_answers() -> Iterator[str]:
    """A server that takes every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/origin"


WHOLE = History(3, complete=True, versions=True)
ALONE = History(1, complete=False, versions=False)


@pytest.mark.parametrize(
    ("options", "history"),
    [
        ([], WHOLE),
        (["--shared"], WHOLE),
        (["--filter=blob:none"], ALONE),
        (["--filter=tree:0"], ALONE),
        (["--filter=blob:limit=1g"], WHOLE),
        (["--depth=1"], ALONE),
    ],
)
async def test_what_is_checked_out_can_be_worked_on(world: World, options: list[str], history: History) -> None:
    """Also with what a partial clone lacks out of reach: nothing is fetched into somebody's clone."""
    path = clone(world, *options)
    with nobody_answers() as address:
        git(path, "config", "remote.origin.url", address)
        commit, made = await seen(world, path)
    assert commit == git(path, "rev-parse", "HEAD")
    assert made == history


@pytest.mark.parametrize("filter", ["blob:none", "tree:0"])
async def test_a_partial_clone_without_files_is_refused(world: World, filter: str) -> None:
    path = clone(world, f"--filter={filter}", "--no-checkout")
    with nobody_answers() as address:
        git(path, "config", "remote.origin.url", address)
        with pytest.raises(Rejected) as refused:
            await seen(world, path)
    assert refused.value.remedy == "The clone is a partial one. Complete it: git fetch --refetch --no-filter"
    git(path, "config", "remote.origin.url", f"file://{world.origin.directory}")
    git(path, "fetch", "-q", "--refetch", "--no-filter")
    assert (await seen(world, path))[1] == WHOLE  # the remedy helps


async def test_sha256_is_refused(world: World) -> None:
    path = world.directory / "clone"
    git(world.directory, "init", "-q", "-b", "main", "--object-format=sha256", str(path))
    git(path, "commit", "-q", "--allow-empty", "-m", "first")
    with pytest.raises(Rejected) as refused:
        await seen(world, path)
    assert "SHA-256" in refused.value.remedy
    with pytest.raises(Rejected) as refused:
        await world.mirrors.fetch(REPO, await LocalGitHub.to_read(path).remote(REPO), want="main")
    assert "SHA-256" in refused.value.remedy


async def test_grafts_are_not_what_was_committed(world: World) -> None:
    path = clone(world)
    (path / ".git/info").mkdir(exist_ok=True)
    (path / ".git/info/grafts").write_text(f"{git(path, 'rev-parse', 'HEAD')}\n")
    assert git(path, "rev-list", "--count", "HEAD") == "1"
    assert (await seen(world, path))[1] == WHOLE
