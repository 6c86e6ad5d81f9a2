from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core.model import SandboxId
from bot.ports import SandboxLost
from bot.sandbox.local.directories import FIRST_UID, Rooms, users_to_choose_from
from bot.sandbox.local.process import ProcessOptions, ProcessSandboxes
from tests.contracts.local_sandboxes import public_directory


@pytest.fixture
def rooms() -> Iterator[Rooms]:
    with public_directory() as directory:
        rooms = Rooms(directory, first_uid=FIRST_UID)
        rooms.prepare()
        yield rooms


@pytest.mark.parametrize(
    ("uid_map", "first", "last"),
    [
        ("         0          0 4294967295", FIRST_UID, FIRST_UID + 99_999_999),  # the host itself
        ("0 1000 1\n1 100000 65536", 32_769, 65_536),  # a container of an ordinary user
        ("0 100000 65536", 32_768, 65_535),
    ],
)
def test_users(uid_map: str, first: int, last: int) -> None:
    users = users_to_choose_from(uid_map, FIRST_UID)
    assert (users[0], users[-1]) == (first, last)


def test_nobody_but_root() -> None:
    assert not users_to_choose_from("0 1000 1", FIRST_UID)


async def test_every_room_has_its_own_user(rooms: Rooms) -> None:
    for name in ("a", "b", "c"):
        async with rooms.building() as room:
            await rooms.settle(room, SandboxId(name))
    found = [rooms.find(SandboxId(name)) for name in ("a", "b", "c")]
    owners = {room.workspace.stat().st_uid for room in found}
    assert len(owners) == (3 if rooms.drops_uid else 1)
    assert all(room.uid == (room.workspace.stat().st_uid if rooms.drops_uid else None) for room in found)
    assert {room.path.stat().st_mode & 0o777 for room in found} == {0o710}
    assert {room.workspace.stat().st_mode & 0o777 for room in found} == {0o700}


async def test_what_is_not_settled_is_gone(rooms: Rooms, tmp_path: Path) -> None:
    async with rooms.building() as room:
        (room.workspace / "file").touch()
        (room.workspace / "link").symlink_to(tmp_path)
    assert not room.path.exists()
    assert tmp_path.exists()
    assert rooms.living() == []


async def test_sweeping_leaves_alone_who_is_at_work(rooms: Rooms) -> None:
    async with rooms.building() as room:
        left_behind = room.path.with_name("left-behind")
        left_behind.mkdir()
        await rooms.sweep()
        assert room.path.exists()
        assert not left_behind.exists()


async def test_a_lost_room(rooms: Rooms) -> None:
    with pytest.raises(SandboxLost):
        rooms.find(SandboxId("never"))
    assert not rooms.has(SandboxId("never"))


async def test_what_a_cancelled_caller_left_half_deleted_goes(rooms: Rooms) -> None:
    """The janitor's round does it, and not only the next start."""
    left = rooms.directory / "gone" / "half"
    (left / "home").mkdir(parents=True)
    await ProcessSandboxes(ProcessOptions(rooms.directory)).tend()
    assert not left.exists()
