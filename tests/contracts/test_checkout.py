"""What is put into a sandbox before set-up: files, history, submodules; and what is said of what is lacking."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.checkout import Checkouts
from bot.core.environment.absent_files import Absent
from bot.core.model import SandboxId, Sha
from bot.core.render.absent_files import lacking
from bot.github.local import LocalGitHub
from bot.github.mirror import GitMirrors
from bot.ports import Denied, Gone, Rejected, Remote, Sandboxes, WorldError
from tests.contracts.local_sandboxes import local_sandboxes, public_directory
from tests.contracts.mirror_world import REPO, RUN, World, git, make_world
from tests.contracts.test_fetch import Server, serving

A = SandboxId("solve-1.a")
SOON = 60.0
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345\n"


@dataclass
class Superproject:
    """`clone`: with its submodule checked out."""

    world: World
    library: Path
    clone: Path

    @property
    def pinned(self) -> Sha:
        return Sha(git(self.library, "rev-parse", "HEAD~1"))


@pytest.fixture
def project(tmp_path: Path) -> Superproject:
    """A repository with a submodule at another commit than that repository's latest."""
    world = make_world(tmp_path)
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q", "-b", "main")
    for text in ("pinned\n", "the fix\n"):
        (library / "lib.py").write_text(text)
        git(library, "add", "-A")
        git(library, "commit", "-q", "-m", text.strip())
    modules = b'[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../library\n[submodule "x"]\n\tpath = x\n\turl = /etc\n'
    attributes = b"*.png filter=lfs diff=lfs merge=lfs -text\n"
    world.origin.commit(
        {"a.py": b"a\n", ".gitmodules": modules, ".gitattributes": attributes, "logo.png": POINTER, "real.png": b"PNG"}
    )
    origin = world.origin.directory
    git(origin, "read-tree", "main")
    for path, commit in (("vendor/lib", git(library, "rev-parse", "HEAD~1")), ("x", "1" * 40)):
        git(origin, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    git(origin, "commit", "-q", "-m", "with submodules")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    shutil.rmtree(clone / "vendor")
    git(clone, "clone", "-q", str(library), "vendor/lib")
    return Superproject(world, library, clone)


@pytest.fixture(params=[pytest.param("bubblewrap", marks=pytest.mark.namespaces), "process"])
async def sandboxes(request: pytest.FixtureRequest, directory: Path) -> AsyncIterator[Sandboxes]:
    local = local_sandboxes(request.param, directory / "sandboxes")
    await local.create(A)
    yield local
    await local.close(A)


@pytest.fixture
def directory() -> Iterator[Path]:
    with public_directory() as path:
        yield path


async def test_a_clones_own_submodules_are_there_at_the_pinned_commit(
    project: Superproject, sandboxes: Sandboxes
) -> None:
    world = project.world
    github = LocalGitHub.to_read(project.clone)
    base = await world.mirrors.fetch(REPO, await github.remote(REPO), want="main")
    checkouts = Checkouts(github, world.mirrors, sandboxes)
    assert (await checkouts.put(A, REPO, base, branch="main")).complete
    absent = await checkouts.absent(REPO, base, ["vendor/lib/lib.py"])
    assert lacking(absent, versions=True) == (
        "The submodule x is not in the sandbox: the clone does not have that commit of it. What needs it cannot be "
        "tested, unless `setup` in .github/solvebot.yml gets it from somewhere else.",
        "Kept in Git LFS: logo.png. In the sandbox there are only pointers to them, and changes of them are "
        "not published.",
    )
    done = await sandboxes.run(A, "cat vendor/lib/lib.py; git status --short; git log --format=%s", timeout=SOON)
    assert done.output == "pinned\nwith submodules\nmore\n"

    async def taken() -> Path:
        tree = world.directory / "tree.tar"
        await sandboxes.take(A, tree, exclude=("./.git",), limit=10**7)
        return tree

    left = await world.mirrors.untracked(REPO, base, await taken())
    assert set(left) == {"vendor/lib/lib.py"}
    for command, changed in (("echo b > a.py", ["a.py"]), ("echo c > vendor/lib/lib.py", ["a.py", "vendor/lib"])):
        await sandboxes.run(A, command, timeout=SOON)
        candidate = await world.mirrors.candidate(REPO, base, await taken(), RUN, ignoring=left)
        assert [change.path for change in candidate.changes] == changed


@pytest.mark.parametrize("sha", ["pinned", "unknown"])
async def test_a_public_submodule_is_fetched_without_credentials_and_without_its_past(
    project: Superproject, sha: str
) -> None:
    mirrors = GitMirrors(project.world.directory / "of submodules")
    tar = project.world.directory / "lib.tar"
    commit = project.pinned if sha == "pinned" else Sha("1" * 40)
    async with serving(Server(project.world.directory)) as server:
        url = server.remote().url.replace("/origin", "/library")
        if sha == "unknown":
            with pytest.raises(Gone):
                await mirrors.submodule(url, commit, "vendor/lib", tar, most_files=10)
            return
        await mirrors.submodule(url, commit, "vendor/lib", tar, most_files=10)
        assert set(server.authorizations) == {None}
        server.authorizations.clear()
        await mirrors.submodule(url, commit, "vendor/lib", tar, most_files=10)
        assert server.authorizations == []  # it is there
        with pytest.raises(Rejected, match="too large"):
            await mirrors.submodule(url, commit, "vendor/lib", tar, most_files=0)
    unpacked = project.world.directory / "unpacked"
    shutil.unpack_archive(tar, unpacked)
    assert (unpacked / "vendor/lib/lib.py").read_text() == "pinned\n"
    [mirror] = (project.world.directory / "of submodules").glob("*.git")
    assert git(mirror, "rev-list", "--count", "--all") == "1"


@pytest.mark.parametrize(("status", "error"), [(401, Denied), (404, Gone), (301, Gone)])
async def test_a_private_submodule_is_none(project: Superproject, status: int, error: type[WorldError]) -> None:
    async with serving(Server(project.world.directory)) as server:
        server.statuses = [status] * 3
        with pytest.raises(error):
            await project.world.mirrors.submodule(
                server.remote().url, project.pinned, "lib", project.world.directory / "lib.tar", most_files=10
            )
        assert set(server.authorizations) == {None}


async def test_nothing_is_said_where_nothing_is_lacking(project: Superproject, sandboxes: Sandboxes) -> None:
    origin = project.world.origin
    origin.commit({".gitattributes": b"*.png filter=lfs\n", "small.png": b"not a pointer\n", "logo.png": b"nor this\n"})
    git(origin.directory, "read-tree", "main")
    git(origin.directory, "rm", "-q", "--cached", "x", "vendor/lib")
    git(origin.directory, "commit", "-q", "-m", "without submodules")
    base = await project.world.mirrors.fetch(REPO, Remote(str(origin.directory)), want="main")
    checkouts = Checkouts(LocalGitHub.to_read(origin.directory), project.world.mirrors, sandboxes)
    await checkouts.put(A, REPO, base, branch="main")
    assert await checkouts.absent(REPO, base, []) == Absent()
