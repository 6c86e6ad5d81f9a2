"""Control groups for memory, on this machine's own kernel where it lets us make some."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.sandbox.local.cgroup import MemoryGroups, find_memory_groups, places
from bot.sandbox.local.directories import locked

MEGABYTE = 1024**2

FIRST = """\
31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
35 31 0:32 {} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"""
SECOND = "24 20 0:22 {} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot"


@pytest.mark.parametrize(
    ("memberships", "mounts", "directories"),
    [
        ("8:pids:/\n4:memory:/vm/one\n0::/", FIRST.format("/"), ["/memory/vm/one"]),
        ("4:memory:/docker/c", FIRST.format("/docker/c"), ["/memory"]),  # a container sees its own part
        ("4:memory:/docker/c", FIRST.format("/docker/other"), []),
        ("4:memory:/", SECOND.format("/"), []),  # the controller is the first version's, and that is not mounted
        ("0::/system.slice/bot.service/main", SECOND.format("/"), [
            "/system.slice/bot.service/main", "/system.slice/bot.service", "/system.slice", "",
        ]),
        ("0::/", SECOND.format("/"), [""]),
        ("0::/../else", SECOND.format("/"), ["/../else", "/..", ""]),
        ("", SECOND.format("/"), [""]),
        ("", "", []),
    ],
)  # fmt: skip
def test_places(memberships: str, mounts: str, directories: list[str]) -> None:
    assert places(memberships, mounts) == [Path(f"/sys/fs/cgroup{directory}") for directory in directories]


def use_memory(groups: MemoryGroups, megabytes: int) -> tuple[int, bool]:
    """Exit status of a process that uses so much in a group, and whether the group starved. Nothing of it stays."""
    with groups.group() as group:
        entrance = group.entrance()
        program = f"import os; os.write({entrance}, b'0'); x = b'x' * {megabytes * MEGABYTE}"
        done = subprocess.run([sys.executable, "-c", program], pass_fds=[entrance], check=False)
        os.close(entrance)
        result = done.returncode, group.starved()
    assert not group.path.exists()
    return result


def test_the_kernel_bounds_the_memory() -> None:
    groups = find_memory_groups(64 * MEGABYTE)
    if groups is None:  # then the reason must be this machine's
        for place in places(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text()):
            with pytest.raises(OSError, match=str(place)):
                MemoryGroups(place, MEGABYTE).try_out()
        return
    assert use_memory(groups, 20) == (0, False)
    assert use_memory(groups, 200) == (-9, True)


def test_no_place_for_groups(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):  # an ordinary directory has no such files
        MemoryGroups(tmp_path, MEGABYTE).try_out()


def test_what_a_crash_left_behind(tmp_path: Path) -> None:
    groups = MemoryGroups(tmp_path, MEGABYTE)
    left_behind, in_use, others = (tmp_path / name for name in ("solvebot-1", "solvebot-2", "else"))
    for path in (left_behind, in_use, others):
        path.mkdir()
    with locked(in_use):
        groups.sweep()
    assert sorted(tmp_path.iterdir()) == [others, in_use]
