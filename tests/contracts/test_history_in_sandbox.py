"""The repository that is put into a sandbox: it works there, and holds nothing but the base commit's past."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.core.environment.checkout import HIDE, SETTLE
from bot.core.environment.history import History
from bot.core.model import SandboxId, Sha
from bot.github.mirror import GitMirrors
from bot.ports import Gone, Rejected, Remote, Sandboxes
from tests.contracts.lent_sandboxes import lent
from tests.contracts.local_sandboxes import local_sandboxes, public_directory
from tests.contracts.mirror_world import GIT_ENVIRONMENT, REPO, RUN, Committed, World, git, make_world

A = SandboxId("solve-1.a")
SOON = 60.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def inside(workspace: Path, *arguments: str) -> str:
    """As somebody's git would, with nothing configured."""
    environment = GIT_ENVIRONMENT | {"GIT_NO_REPLACE_OBJECTS": "", "HOME": "/nonexistent"}
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=workspace, capture_output=True, check=True, env=environment)
    return done.stdout.decode(errors="surrogateescape").strip()


async def workspace(world: World, commit: Sha, *, branch: str = "main") -> tuple[Path, History]:
    """What lies in the sandbox: the archive, and the repository over it."""
    path = world.directory / "workspace"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    repository = world.directory / "git.tar"
    history = await world.mirrors.repository(REPO, commit, repository, branch=branch)
    for tar in (await world.archive(commit), repository):
        unpack(tar, path)
    return path, history


def unpack(tar: Path, into: Path) -> None:
    subprocess.run(["tar", "-x", "-m", "--recursive-unlink", "-C", into, "-f", tar], check=True)


async def fetched(world: World, want: str = "main") -> Sha:
    return await world.mirrors.fetch(REPO, world.remote, want=want)


def tag(world: World, name: str, commit: str, *, annotated: bool = True) -> str:
    """As a plumber makes one: a name that is an option is no hindrance."""
    directory = world.origin.directory
    object = git(directory, "rev-parse", commit)
    if annotated:
        text = f"object {object}\ntype commit\ntag {name}\ntagger A <a@example.org> 1800000000 +0000\n\nIts text\n"
        object = git(directory, "hash-object", "-t", "tag", "-w", "--stdin", stdin=os.fsencode(text))
    git(directory, "update-ref", "--stdin", stdin=os.fsencode(f"create refs/tags/{name} {object}\n"))
    return object


def objects(path: Path) -> set[str]:
    """All that the repository has, reachable or not."""
    listing = inside(path, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return set(listing.splitlines())


# ------------------------------------------------------------------------------------------------------ what is in it


async def test_it_is_an_ordinary_clone(world: World) -> None:
    first = world.origin.commit({"app.py": b"def f():\n    return 1\n"}, "First")
    tag(world, "v1.0", first)
    world.origin.commit({"app.py": b"def f():\n    return 1\n\n\nx = 1\n"}, "Second")
    commit = await fetched(world)
    path, history = await workspace(world, commit, branch="release/1.x")
    assert history == History(2, complete=True, versions=True)
    assert inside(path, "status", "--porcelain=v2", "--branch") == f"# branch.oid {commit}\n# branch.head release/1.x"
    assert inside(path, "log", "--format=%s") == "Second\nFirst"
    assert inside(path, "describe", "--dirty") == f"v1.0-1-g{commit[:7]}"
    assert inside(path, "blame", "-s", "-L1,1", "app.py").startswith(f"^{first[:7]}")
    assert inside(path, "fsck", "--full", "--strict") == ""
    assert inside(path, "diff", "HEAD~1", "--stat").endswith("1 file changed, 3 insertions(+)")
    (path / "app.py").write_text("def f():\n    return 2\n")
    assert inside(path, "status", "--short") == "M app.py"
    inside(path, "commit", "-q", "-a", "-m", "mine")
    assert inside(path, "log", "-1", "--format=%s|%an <%ae>") == "mine|A <a@example.org>"


async def test_nothing_else_is_in_it(world: World) -> None:
    await world.base({"a.py": b"a\n"})
    path, _ = await workspace(world, await fetched(world))
    files = {str(file.relative_to(path / ".git")) for file in (path / ".git").rglob("*") if file.is_file()}
    packs = {name for name in files if name.startswith("objects/pack/pack-")}
    assert {name.rpartition(".")[2] for name in packs} == {"pack", "idx"}
    assert len(packs) == 2
    assert files - packs == {"HEAD", "config", "index", "info/attributes", "packed-refs"}
    assert " ".join((path / ".git/config").read_text().split()) == (
        "[core] repositoryformatversion = 0 filemode = true bare = false "
        "[user] name = solvebot email = solvebot@localhost"
    )
    for file in (path / ".git").rglob("*"):
        assert not file.is_file() or str(world.directory).encode() not in file.read_bytes()


async def test_bisect_finds_the_commit_that_broke_it(world: World) -> None:
    for number in range(8):
        world.origin.commit({"value": b"%d\n" % number}, f"Value {number}")
    path, _ = await workspace(world, await fetched(world))
    inside(path, "bisect", "start", "HEAD", "HEAD~7")
    said = inside(path, "bisect", "run", "sh", "-c", 'test "$(cat value)" -lt 5')
    assert "Value 5" in said
    assert "is the first bad commit" in said


async def test_what_lies_outside_of_the_past_is_not_there(world: World) -> None:
    """The fix: in a later commit, on another branch, behind a tag and a tag of a tag."""
    base = world.origin.commit({"a.py": b"broken\n"}, "Base")
    later = world.origin.commit({"a.py": b"the fix\n"}, "The fix")
    directory = world.origin.directory
    git(directory, "update-ref", "refs/heads/fixed", later)
    git(directory, "update-ref", "refs/heads/main", base)
    secrets = {later, git(directory, "rev-parse", f"{later}^{{tree}}"), git(directory, "rev-parse", f"{later}:a.py")}
    secrets.add(tag(world, "v2.0", later))
    tag(world, "v2.0-light", later, annotated=False)
    of_tag = git(directory, "rev-parse", "v2.0")
    text = f"object {of_tag}\ntype tag\ntag signed\ntagger A <a@example.org> 1 +0000\n\nA tag of a tag\n"
    nested = git(directory, "hash-object", "-t", "tag", "-w", "--stdin", stdin=text.encode())
    git(directory, "update-ref", "refs/tags/nested", nested)
    tag(world, "v1.0", base)
    assert await fetched(world, "fixed") == later  # the mirror has it all
    assert await fetched(world) == base
    path, _ = await workspace(world, base)
    assert inside(path, "for-each-ref", "--format=%(refname)") == "refs/heads/main\nrefs/tags/v1.0"
    assert objects(path).isdisjoint(secrets | {nested})
    for secret in secrets:
        with pytest.raises(subprocess.CalledProcessError):
            inside(path, "cat-file", "-e", secret)
    assert inside(path, "fsck", "--full", "--unreachable", "--no-reflogs") == ""
    assert inside(path, "log", "--all", "--reflog", "--format=%s") == "Base"


async def test_later_commits_that_a_delta_could_be_made_of_are_not_in_the_pack(world: World) -> None:
    """Git likes to keep the newest version of a large file whole, and the older ones as differences to it."""
    lines = [f"line {number} of a file that is long enough to be worth it\n" for number in range(3_000)]
    base = world.origin.commit({"long.txt": "".join(lines).encode()}, "Base")
    later = world.origin.commit({"long.txt": "".join([*lines, "the fix\n"]).encode()}, "The fix")
    git(world.origin.directory, "repack", "-q", "-a", "-d", "-f")
    await fetched(world)
    path, _ = await workspace(world, base)
    assert len(objects(path)) == 3
    with pytest.raises(subprocess.CalledProcessError):
        inside(path, "cat-file", "-e", git(world.origin.directory, "rev-parse", f"{later}:long.txt"))
    assert inside(path, "fsck", "--full") == ""


async def test_the_mirror_is_not_written(world: World) -> None:
    world.origin.commit({"a": b"1"})
    tag(world, "v1", "main")
    commit = await fetched(world)

    def state() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in (world.directory / "mirrors").rglob("*") if path.is_file()}

    before = state()
    await world.mirrors.repository(REPO, commit, world.directory / "git.tar", branch="main")
    assert state() == before
    assert not list(world.directory.glob("*.part"))


async def test_a_commit_that_is_not_there_is_gone(world: World) -> None:
    world.origin.commit({"a": b"1"})
    await fetched(world)
    with pytest.raises(Gone):
        await world.mirrors.repository(REPO, Sha("1" * 40), world.directory / "git.tar", branch="main")


# ------------------------------------------------------------------------------------------------- odd repositories


def long_history(world: World, commits: int, *, file: bytes = b"x\n") -> Sha:
    """One stream for all of them."""
    stream = []
    for number in range(commits):
        stream.append(b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\n" % (1_800_000_000 + number))
        stream.append(b"data 5\nmore\n")
        stream.append(b"M 644 inline f\ndata %d\n%d %s\n" % (len(file) + len(str(number)) + 1, number, file))
    git(world.origin.directory, "fast-import", "--quiet", stdin=b"".join(stream))
    return Sha(git(world.origin.directory, "rev-parse", "main"))


@pytest.mark.parametrize(
    ("tagged", "history", "said"),
    [
        pytest.param(None, History(200, complete=False, versions=True), "", id="no tag"),
        pytest.param(50, History(200, complete=False, versions=True), "v1.0-50-g", id="a tag nearby"),
        pytest.param(400, History(600, complete=False, versions=True), "v1.0-400-g", id="a tag further away"),
        pytest.param(1_500, History(2_000, complete=False, versions=True), "v1.0-1500-g", id="a tag far away"),
        pytest.param(2_100, History(200, complete=False, versions=False), "", id="a tag too far away"),
    ],
)
async def test_the_past_reaches_to_the_tag_that_versions_are_made_from(
    world: World, tagged: int | None, history: History, said: str
) -> None:
    long_history(world, 2_400)
    if tagged is not None:
        tag(world, "v1.0", f"main~{tagged}")
    path, made = await workspace(world, await fetched(world))
    assert made == history
    assert inside(path, "rev-list", "--count", "HEAD") == str(history.commits)
    assert inside(path, "rev-parse", "--is-shallow-repository") == "true"
    assert inside(path, "fsck", "--full") == ""
    assert inside(path, "status", "--short") == ""
    if said:
        assert inside(path, "describe", "--tags", "--long").startswith(said)


async def test_a_tag_without_a_number_is_no_version(world: World) -> None:
    long_history(world, 500)
    tag(world, "nightly", "main~2", annotated=False)
    tag(world, "2.0", "main~300")
    path, _ = await workspace(world, await fetched(world))
    assert inside(path, "describe", "--tags", "--long").startswith("nightly-2-g")
    assert inside(path, "describe", "--tags", "--long", "--match=*[0-9]*").startswith("2.0-300-g")


async def test_versions_of_a_history_full_of_merges(world: World) -> None:
    """How many commits lie behind a tag depends on both sides of every merge."""
    directory = world.origin.directory
    commit = world.origin.commit({"f": b"0"})
    tree = git(directory, "rev-parse", f"{commit}^{{tree}}")
    before: list[str] = [commit]
    for number in range(120):
        dated = ("-c", f"user.name=A{number}")
        side = git(directory, *dated, "commit-tree", tree, "-p", before[max(-20, -len(before))], "-m", f"side {number}")
        merge = git(directory, *dated, "commit-tree", tree, "-p", before[-1], "-p", side, "-m", f"merge {number}")
        before.append(merge)
    git(directory, "update-ref", "refs/heads/main", before[-1])
    tag(world, "v3.1", before[-90])
    base = await fetched(world)
    path, history = await workspace(world, base)
    assert history.versions
    assert inside(path, "describe", "--tags", "--long").startswith(
        git(directory, "describe", "--tags", "--long", "main")[:-7]
    )
    assert inside(path, "fsck", "--full") == ""


async def test_a_past_that_is_too_large_is_left_out(world: World) -> None:
    """Sixty versions of a megabyte that nothing makes smaller."""
    for number in range(60):
        world.origin.commit({"noise.bin": os.urandom(1_000_000), "f": b"%d" % number})
    path, history = await workspace(world, await fetched(world))
    assert history == History(50, complete=False, versions=True)
    assert inside(path, "fsck", "--full") == ""
    assert (world.directory / "git.tar").stat().st_size < 55_000_000


async def test_a_base_commit_that_is_too_large_itself_is_there_all_the_same(world: World) -> None:
    world.origin.commit({"f": b"0"})
    world.origin.commit({f"{number}.bin": os.urandom(4_000_000) for number in range(14)})
    world.origin.commit({"f": b"1"})
    path, history = await workspace(world, await fetched(world))
    assert history.commits == 3
    assert inside(path, "status", "--short") == ""


async def test_a_root_commit(world: World) -> None:
    base = await world.base({"a.py": b"a\n"})
    path, history = await workspace(world, base)
    assert history == History(1, complete=True, versions=True)
    assert inside(path, "log", "--format=%H") == base
    assert inside(path, "rev-parse", "--is-shallow-repository") == "false"


async def test_a_commit_without_files(world: World) -> None:
    tree = git(world.origin.directory, "mktree", stdin=b"")
    commit = git(world.origin.directory, "commit-tree", tree, "-m", "nothing")
    git(world.origin.directory, "update-ref", "refs/heads/main", commit)
    path, _ = await workspace(world, await fetched(world))
    assert inside(path, "status", "--short") == ""
    assert inside(path, "fsck", "--full") == ""


async def test_of_a_shallow_clone(world: World) -> None:
    for number in range(5):
        world.origin.commit({"f": b"%d" % number}, f"Number {number}")
    tag(world, "v1", "main~1")
    tag(world, "v0", "main~4")
    shallow = world.directory / "shallow"
    git(world.directory, "clone", "-q", "--depth=3", f"file://{world.origin.directory}", str(shallow))
    commit = await world.mirrors.fetch(REPO, Remote(str(shallow)), want="main")
    path, history = await workspace(world, commit)
    assert history == History(3, complete=False, versions=True)
    assert inside(path, "log", "--format=%s") == "Number 4\nNumber 3\nNumber 2"
    assert inside(path, "describe").startswith("v1-1-g")
    assert inside(path, "fsck", "--full") == ""


async def test_attributes_change_nothing(world: World) -> None:
    """Row 13: what an agent sees changed is what is changed, and there is a commit whatever a repository demands."""
    files: dict[str, Committed] = {
        ".gitattributes": b"* text=auto eol=crlf ident filter=lfs\n*.enc working-tree-encoding=UTF-16\n*.py -diff\n",
        "crlf.txt": b"one\r\ntwo\r\n",
        "lf.txt": b"one\ntwo\n",
        "mixed.py": b"# $Id$\r\nx\n",
        "not-utf16.enc": b"plain\n",
        "run.sh": (b"#!/bin/sh\n", "100755"),
        "link": "lf.txt",
    }
    path, _ = await workspace(world, await world.base(files))
    assert inside(path, "status", "--short") == ""
    for name in ("crlf.txt", "mixed.py", "not-utf16.enc"):
        with (path / name).open("ab") as file:
            file.write(b"more\n")
    assert inside(path, "diff", "--numstat") == "1\t0\tcrlf.txt\n1\t0\tmixed.py\n1\t0\tnot-utf16.enc"
    inside(path, "add", "-A")
    inside(path, "stash")
    assert inside(path, "status", "--short") == ""


async def test_replacements_and_grafts_of_the_origin_have_no_say(world: World) -> None:
    first = world.origin.commit({"a": b"1"}, "First")
    world.origin.commit({"a": b"2"}, "Second")
    third = world.origin.commit({"a": b"3"}, "Third")
    directory = world.origin.directory
    git(directory, "update-ref", f"refs/replace/{third}", first)
    path, _ = await workspace(world, await fetched(world))
    assert inside(path, "log", "--format=%s") == "Third\nSecond\nFirst"
    assert inside(path, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


async def test_a_submodule_is_an_empty_directory_and_no_change(world: World) -> None:
    world.origin.commit({"a.py": b"a\n", ".gitmodules": b'[submodule "lib"]\n\tpath = lib\n\turl = ../lib\n'})
    git(world.origin.directory, "read-tree", "main")
    git(world.origin.directory, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    git(world.origin.directory, "commit", "-q", "-m", "with a submodule")
    path, _ = await workspace(world, await fetched(world))
    assert inside(path, "status", "--short") == ""
    assert inside(path, "ls-files", "--stage", "lib").startswith(f"160000 {'1' * 40}")
    assert inside(path, "fsck", "--full") == ""


async def test_a_tree_that_git_refuses_is_rejected(world: World) -> None:
    """Made by hand: a directory that is called as the repository itself."""
    blob = git(world.origin.directory, "hash-object", "-w", "--stdin", stdin=b"[core]\n")
    entry = b"100644 config\0" + bytes.fromhex(blob)
    inner = git(world.origin.directory, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=entry)
    outer = b"40000 .git\0" + bytes.fromhex(inner)
    tree = git(world.origin.directory, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=outer)
    commit = git(world.origin.directory, "commit-tree", tree, "-m", "hostile")
    git(world.origin.directory, "update-ref", "refs/heads/main", commit)
    base = await fetched(world)
    with pytest.raises(Rejected, match="invalid path"):
        await world.mirrors.repository(REPO, base, world.directory / "git.tar", branch="main")
    assert not (world.directory / "git.tar").exists()


@pytest.mark.parametrize("branch", ["--help", "a..b", "1" * 40, "a b", "", "HEAD"])
async def test_what_is_no_branch_is_called_main(world: World, branch: str) -> None:
    path, _ = await workspace(world, await world.base({"a": b"1"}), branch=branch)
    assert inside(path, "symbolic-ref", "HEAD") == "refs/heads/main"


# -------------------------------------------------------------------------------------------------------------- tags


async def test_tags_with_odd_names(world: World) -> None:
    commit = world.origin.commit({"a": b"1"})
    good = ["release/2026", "ümläut", "a`b$(id);'d'", "caf\udce9", "v1.0+local"]
    for number, name in enumerate([*good, "-rf", "--help", "1" * 40]):
        tag(world, name, commit, annotated=bool(number % 2))
    path, _ = await workspace(world, await fetched(world))
    assert sorted(inside(path, "tag", "--points-at=HEAD").splitlines()) == sorted(good)


async def test_tags_of_trees_and_files_are_none_of_commits(world: World) -> None:
    commit = world.origin.commit({"a": b"1"})
    directory = world.origin.directory
    for name, what in {"tree": f"{commit}^{{tree}}", "blob": f"{commit}:a"}.items():
        object = git(directory, "rev-parse", what)
        git(directory, "update-ref", f"refs/tags/{name}", object)
        text = f"object {object}\ntype {name}\ntag of-{name}\ntagger A <a@example.org> 1 +0000\n\nx\n"
        annotated = git(directory, "hash-object", "-t", "tag", "-w", "--stdin", stdin=text.encode())
        git(directory, "update-ref", f"refs/tags/of-{name}", annotated)
    tag(world, "v1", commit)
    path, _ = await workspace(world, await fetched(world))
    assert inside(path, "tag") == "v1"
    assert len(objects(path)) == 4  # the commit, its tree, its file, the tag


async def test_tags_follow_the_origin(world: World) -> None:
    """Those that were moved, taken back, or that became a directory of tags stand in nobody's way."""
    first = world.origin.commit({"a": b"1"})
    tag(world, "v1", first, annotated=False)
    tag(world, "old", first)
    await fetched(world)
    second = world.origin.commit({"a": b"2"})
    directory = world.origin.directory
    for name in ("v1", "old"):
        git(directory, "update-ref", "-d", f"refs/tags/{name}")
    tag(world, "v1/a", second)
    tag(world, "v1/b", first, annotated=False)
    path, _ = await workspace(world, await fetched(world))
    assert inside(path, "for-each-ref", "refs/tags", "--format=%(refname) %(objecttype)") == (
        "refs/tags/v1/a tag\nrefs/tags/v1/b commit"
    )
    git(directory, "update-ref", "-d", "refs/tags/v1/a")
    git(directory, "update-ref", "-d", "refs/tags/v1/b")
    path, _ = await workspace(world, await fetched(world))
    assert inside(path, "tag") == ""


@pytest.mark.timeout(120)
async def test_ten_thousand_tags(world: World) -> None:
    long_history(world, 300)
    commits = git(world.origin.directory, "rev-list", "main").splitlines()
    lines = [f"{commits[number % 300]} refs/tags/n/{number}" for number in range(10_000)]
    packed = "# pack-refs with: peeled fully-peeled \n" + "\n".join(lines) + "\n"
    (world.origin.directory / ".git/packed-refs").write_text(packed)
    path, history = await workspace(world, await fetched(world))
    assert history.versions
    assert len(inside(path, "tag").splitlines()) == sum(number % 300 < 200 for number in range(10_000))


async def test_two_thousand_annotated_tags(world: World) -> None:
    commit = world.origin.commit({"a": b"1"})
    stream = b"".join(
        b"tag t%d\nfrom %s\ntagger A <a@example.org> 1800000000 +0000\ndata 1\nx" % (number, commit.encode())
        for number in range(2_000)
    )
    git(world.origin.directory, "fast-import", "--quiet", stdin=stream)
    path, _ = await workspace(world, await fetched(world))
    assert len(inside(path, "tag").splitlines()) == 2_000
    assert inside(path, "fsck", "--full") == ""


async def test_an_origin_that_lost_its_tags_on_the_way_can_be_worked_on(world: World) -> None:
    """A tag whose object is damaged in the origin: the branch is all that a solve cannot do without."""
    commit = world.origin.commit({"a": b"1"})
    directory = world.origin.directory
    tag(world, "good", commit, annotated=False)
    broken = tag(world, "broken", commit)
    (directory / ".git/objects" / broken[:2] / broken[2:]).unlink()
    assert await fetched(world) == commit
    path, _ = await workspace(world, commit)
    assert inside(path, "log", "--format=%H") == commit


# ---------------------------------------------------------------------------------------------------- in the sandbox


@pytest.fixture(
    params=[
        pytest.param("bubblewrap", marks=pytest.mark.namespaces),
        "process",
        pytest.param("e2b", marks=pytest.mark.namespaces),
    ]
)
async def sandboxes(request: pytest.FixtureRequest, directory: Path) -> AsyncIterator[Sandboxes]:
    if request.param == "e2b":
        async with lent(directory) as service:
            sandboxes = service.sandboxes()
            await sandboxes.create(A)
            yield sandboxes
            await sandboxes.close(A)
    else:
        local = local_sandboxes(request.param, directory / "sandboxes")
        await local.create(A)
        yield local
        await local.close(A)


@pytest.fixture
def directory() -> Iterator[Path]:
    with public_directory() as path:
        yield path


async def test_git_works_in_every_kind_of_sandbox(world: World, sandboxes: Sandboxes) -> None:
    """Nobody's `dubious ownership`, no name to be told; what set-up leaves behind is not looked at."""
    world.origin.commit({"a.py": b"a\n"}, "First")
    tag(world, "v1.0", "main")
    commit = world.origin.commit({"a.py": b"b\n", "sp ace/[x].py": b"x\n"}, "Second")
    await fetched(world)
    await world.mirrors.repository(REPO, commit, world.directory / "git.tar", branch="main")
    for tar in (await world.archive(commit), world.directory / "git.tar"):
        await sandboxes.put(A, tar)

    async def said(command: str) -> str:
        done = await sandboxes.run(A, command, timeout=SOON)
        assert done.exit_code == 0, done
        return done.output.strip()

    await said(SETTLE)
    assert await said("git diff-files; git status --short; git describe --dirty") == f"v1.0-1-g{commit[:7]}"
    await said("mkdir -p built.egg-info 'sp ace/made [by] set-up' .husky && touch built.egg-info/x version.py")
    await said("touch 'sp ace/made [by] set-up/x' '#odd' '!odd' 'back\\slash' $'new\\nline' 'end '; echo c > a.py")
    await said("git config core.hooksPath .husky; printf '#!/bin/sh\\nexit 1\\n' > .husky/pre-commit")
    await said("chmod +x .husky/pre-commit; mkdir -p .git/hooks; cp .husky/pre-commit .git/hooks/commit-msg")
    await said(HIDE)
    quoted = '?? "back\\\\slash"\n?? "new\\nline"'
    assert await said("git status --short") == f"M a.py\n{quoted}"
    await said("echo > znew.py; echo > 'sp ace/zmade by.py'")
    assert await said("git status --short") == f'M a.py\n{quoted}\n?? "sp ace/zmade by.py"\n?? znew.py'
    assert await said("git commit -q -a -m mine && git log -1 --format='%s|%an <%ae>'") == (
        "mine|solvebot <solvebot@localhost>"
    )
    assert await said("git blame -s a.py | cut -d' ' -f2-; git stash list; git remote; git branch --all") == (
        "1) c\n* main"
    )


async def test_scripts_do_nothing_where_there_is_no_repository(world: World, sandboxes: Sandboxes) -> None:
    for script in (SETTLE, HIDE):
        assert (await sandboxes.run(A, script, timeout=SOON)).exit_code == 0
    assert (await sandboxes.run(A, "ls -A", timeout=SOON)).output == ""


async def test_a_candidate_does_not_depend_on_the_repository(world: World, sandboxes: Sandboxes) -> None:
    """An agent that commits, or throws the repository away, has changed the files that it changed."""
    base = await world.base({"a.py": b"a\n"})
    await world.mirrors.repository(REPO, base, world.directory / "git.tar", branch="main")
    for tar in (await world.archive(base), world.directory / "git.tar"):
        await sandboxes.put(A, tar)
    tree = world.directory / "taken.tar"
    for command in ("echo b > a.py; git commit -q -a -m mine", "rm -rf .git; git init -q; git add -A"):
        await sandboxes.run(A, command, timeout=SOON)
        for exclude in ((), ("./.git",)):
            await sandboxes.take(A, tree, exclude=exclude, limit=10**7)
            with tarfile.open(tree) as tar_file:
                assert ("./.git/HEAD" in tar_file.getnames()) is not bool(exclude)
            candidate = await world.mirrors.candidate(REPO, base, tree, RUN)
            assert [(change.path, change.added) for change in candidate.changes] == [("a.py", 1)]


async def test_mirrors_of_one_directory_agree(world: World) -> None:
    world.origin.commit({"a": b"1"})
    tag(world, "v1", "main")
    commit = await fetched(world)
    other = GitMirrors(world.directory / "mirrors")
    assert await other.repository(REPO, commit, world.directory / "other.tar", branch="x") == History(1, True, True)
