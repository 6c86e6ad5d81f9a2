"""Mirrors are a cache of bounded size, and what went is fetched again."""

from __future__ import annotations

import os
from pathlib import Path

from bot.github.mirror import GitMirrors
from bot.github.mirror_room import IN_USE, make_room
from bot.ports import Remote
from tests.contracts.mirror_world import REPO, Origin, git

NOW = 2_000_000_000.0


def mirror(directory: Path, name: str, *, used: float, size: int = 1000) -> None:
    path = directory / name
    (path / "objects").mkdir(parents=True)
    (path / "objects" / "pack").write_bytes(b"x" * size)
    os.utime(path, (NOW - used, NOW - used))


def test_the_least_recently_used_go_first_and_only_as_many_as_need_be(tmp_path: Path) -> None:
    mirror(tmp_path, "1.git", used=IN_USE * 3)
    mirror(tmp_path, "2.git", used=IN_USE * 4)
    mirror(tmp_path, "3.git", used=IN_USE * 2)
    assert make_room(tmp_path, 3000, NOW) == []
    assert make_room(tmp_path, 2999, NOW) == ["2.git"]
    assert make_room(tmp_path, 1000, NOW) == ["1.git"]
    assert [path.name for path in tmp_path.iterdir()] == ["3.git"]


def test_what_was_used_lately_stays(tmp_path: Path) -> None:
    mirror(tmp_path, "1.git", used=IN_USE - 1)
    mirror(tmp_path, "submodule-2.git", used=IN_USE + 1)
    assert make_room(tmp_path, 0, NOW) == ["submodule-2.git"]


def test_what_a_crash_left_half_deleted_goes(tmp_path: Path) -> None:
    mirror(tmp_path, ".gone-1", used=0)
    assert make_room(tmp_path, 10**9, NOW) == []
    assert list(tmp_path.iterdir()) == []


async def test_a_mirror_that_went_is_fetched_again(tmp_path: Path) -> None:
    origin = Origin(tmp_path / "origin")
    origin.directory.mkdir()
    git(origin.directory, "init", "-q", "--bare", "-b", "main")
    base = origin.commit({"a.txt": "a\n"})
    remote = Remote(str(origin.directory))

    async def where(_repo: object) -> Remote:
        return remote

    mirrors = GitMirrors(tmp_path / "mirrors", remote=where, pauses=(), most_disk=0)
    await mirrors.fetch(REPO, remote, want="main")
    assert make_room(tmp_path / "mirrors", 0, NOW * 2) == [f"{REPO.id}.git"]
    assert [file.path for file in await mirrors.files(REPO, base)] == ["a.txt"]
