"""The `Mirrors` port, going out: archives byte for byte, and what can be read without a checkout."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.core.model import Sha
from bot.github.mirror import GitMirrors
from bot.ports import Gone, Rejected
from tests.contracts.mirror_world import REPO, RUN, Committed, World, git, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


HOSTILE_ATTRIBUTES = b"""\
[attr]hidden export-ignore
*.txt export-ignore
*.sub export-subst
*.c text eol=crlf
*.id ident
*.enc working-tree-encoding=UTF-16
*.f filter=evil
secret.py hidden
docs/** export-ignore
docs export-ignore
*.py diff=evil -text
*.md binary
"""


async def test_an_archive_is_the_commit_byte_for_byte(world: World) -> None:
    files: dict[str, Committed] = {
        ".gitattributes": HOSTILE_ATTRIBUTES,
        "a.txt": b"text\n",
        "b.sub": b"$Format:%H$\n",
        "c.c": b"int\n",
        "crlf.c": b"int\r\n",
        "d.id": b"$Id$\n",
        "e.enc": b"plain\n",
        "f.f": b"filtered\n",
        "secret.py": b"print()\n",
        "docs/.gitattributes": b"* export-ignore\n",
        "docs/page": b"page\n",
        "run.sh": (b"#!/bin/sh\n", "100755"),
        "link": "a.txt",
        "out": "/etc/passwd",
        "caf\udce9": b"latin-1 name\n",
        "new\nline": b"\n",
        "-rf": b"",
        "x" * 200 + "/" + "y" * 200: b"long\n",
    }
    commit = await world.base(files)
    members = await world.members(commit)
    got = {m.name: m.linkname if m.issym() else (data, "100755") if m.mode & 0o100 else data for m, data in members}
    assert got == files


async def test_an_archive_replaces_an_unfinished_one(world: World) -> None:
    commit = await world.base({"a": b"a"})
    (world.directory / "archive.tar.part").write_bytes(b"cut off")
    assert [(m.name, data) for m, data in await world.members(commit)] == [("a", b"a")]
    assert not (world.directory / "archive.tar.part").exists()


async def test_files_are_listed_with_mode_blob_and_size(world: World) -> None:
    commit = await world.base({"a": b"12345", "d/x.sh": (b"", "100755"), "l": "a", "caf\udce9": b"", "new\nline": b""})
    listing = await world.mirrors.files(REPO, commit)
    assert {(f.path, f.mode, f.size) for f in listing} == {
        ("a", "100644", 5),
        ("d/x.sh", "100755", 0),
        ("l", "120000", 1),
        ('"caf\\351"', "100644", 0),
        ("new\nline", "100644", 0),
    }
    assert {f.blob for f in listing if f.path == "a"} == {git(world.origin.directory, "rev-parse", "HEAD:a")}


@pytest.mark.parametrize(
    ("path", "limit", "content"),
    [
        ("a.py", 100, b"print(1)\n"),
        ("a.py", 5, b"print"),
        ("empty", 100, b""),
        ("link.md", 100, b"print(1)\n"),
        ("outside", 100, None),
        ("dir", 100, None),
        ("dir/new\nline", 100, b"odd"),
        ("nothing", 100, None),
        ("../a.py", 100, None),
        ("", 100, None),
    ],
)
async def test_read(world: World, path: str, limit: int, content: bytes | None) -> None:
    files: dict[str, Committed] = {
        "a.py": b"print(1)\n",
        "empty": b"",
        "link.md": "a.py",
        "outside": "/etc/passwd",
        "dir/new\nline": b"odd",
    }
    commit = await world.base(files)
    assert await world.mirrors.read(REPO, commit, path, limit=limit) == content


async def test_grep_counts_lines_of_text_files(world: World) -> None:
    commit = await world.base(
        {"a.py": b"Widget\nwidget widget\n", "b/c:1.py": b"x = wid.get\n", "bin": b"widget\0widget", "-e": b"--all\n"}
    )
    words = ["widget", "wid.get", "--all", "nowhere", "", "two\nlines", "widget"]
    assert await world.mirrors.grep(REPO, commit, words) == {
        "widget": {"a.py": 2},
        "wid.get": {"b/c:1.py": 1},
        "--all": {"-e": 1},
        "nowhere": {},
    }


async def test_history_is_newest_first_with_paths(world: World) -> None:
    world.origin.commit({"a": b"1", "new\nline": b""}, "First: ümlaut\n\nbody")
    world.origin.commit({}, "nothing in it")
    world.origin.commit({"a": b"2"}, "Third")
    commit = await world.mirrors.fetch(REPO, world.remote, want="main")
    history = await world.mirrors.history(REPO, commit)
    assert [(c.subject, c.paths) for c in history] == [
        ("Third", ("a",)),
        ("nothing in it", ()),
        ("First: ümlaut", ("a", "new\nline")),
    ]
    assert history[0].sha == commit
    assert history[0].at.utcoffset() is not None
    assert len(await world.mirrors.history(REPO, commit, limit=1)) == 1


@pytest.mark.parametrize("ask", ["files", "history", "read", "grep", "archive", "candidate", "entries", "applies"])
async def test_a_commit_that_is_not_there_is_gone(world: World, ask: str) -> None:
    tree = await world.workspace(await world.base({"a": b"a"}), {})
    missing = Sha("1" * 40)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "files": lambda: world.mirrors.files(REPO, missing),
        "history": lambda: world.mirrors.history(REPO, missing),
        "read": lambda: world.mirrors.read(REPO, missing, "a"),
        "grep": lambda: world.mirrors.grep(REPO, missing, ["a"]),
        "archive": lambda: world.mirrors.archive(REPO, missing, world.directory / "x.tar"),
        "candidate": lambda: world.mirrors.candidate(REPO, missing, tree, RUN),
        "entries": lambda: world.mirrors.entries(REPO, missing, ""),
        "applies": lambda: world.mirrors.applies(REPO, missing, ""),
    }
    with pytest.raises(Gone):
        await calls[ask]()


async def test_a_listing_is_kept_as_long_as_its_mirror(world: World) -> None:
    commit = world.origin.commit({"a": b"1"})
    await world.mirrors.fetch(REPO, world.remote, want=commit)
    first = await world.mirrors.files(REPO, commit)
    assert await world.mirrors.files(REPO, commit) == first
    shutil.rmtree(world.directory / "mirrors/42.git")
    with pytest.raises(Gone):
        await world.mirrors.files(REPO, commit)
    await world.mirrors.fetch(REPO, world.remote, want=commit)
    assert await world.mirrors.files(REPO, commit) == first


async def test_an_archive_that_would_fill_the_disk_is_not_made(world: World) -> None:
    """A few kilobytes of git are terabytes of files, when the same blob of zeros stands everywhere."""
    commit = await world.base({f"{number}.bin": bytes(9_000_000) for number in range(3)})
    mirrors = GitMirrors(world.directory / "mirrors", most_bytes=20_000_000)
    with pytest.raises(Rejected) as refused:
        await mirrors.archive(REPO, commit, world.directory / "large.tar")
    assert "27 MB" in refused.value.remedy
    assert not list(world.directory.glob("large.tar*"))


async def test_a_tree_that_holds_itself_again_and_again_is_not_listed(world: World) -> None:
    tree = git(world.origin.directory, "mktree", stdin=b"")
    blob = git(world.origin.directory, "hash-object", "-w", "--stdin", stdin=b"x")
    entries = "".join(f"100644 blob {blob}\tf{n}\n" for n in range(10))
    for _ in range(6):
        tree = git(world.origin.directory, "mktree", stdin=entries.encode())
        entries = "".join(f"040000 tree {tree}\td{n}\n" for n in range(10))
    commit = git(world.origin.directory, "commit-tree", tree, "-m", "a million files")
    git(world.origin.directory, "update-ref", "refs/heads/main", commit)
    base = await world.mirrors.fetch(REPO, world.remote, want="main")
    with pytest.raises(Rejected, match="1000000 files"):
        await world.mirrors.files(REPO, base)


async def test_a_commit_of_the_year_10000_is_history_like_any_other(world: World) -> None:
    first = world.origin.commit({"a.py": b"a\n"})
    raw = f"tree {git(world.origin.directory, 'rev-parse', f'{first}^{{tree}}')}\nparent {first}\n"
    raw += "author A <a@example.org> 253402300800 +0000\ncommitter A <a@example.org> 253402300800 +0000\n\nLater\n"
    commit = git(world.origin.directory, "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode())
    git(world.origin.directory, "update-ref", "refs/heads/main", commit)
    base = await world.mirrors.fetch(REPO, world.remote, want="main")
    assert [past.subject for past in await world.mirrors.history(REPO, base)] == ["Later", "more"]


async def test_other_users_of_the_machine_cannot_look_into_mirrors(world: World) -> None:
    await world.base({"a.py": b"a\n"})
    assert (world.directory / "mirrors").stat().st_mode & 0o077 == 0
