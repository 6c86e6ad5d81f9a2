"""Packages that sandboxes of one snapshot share: as good as copies, and nobody's to change for the others."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.model import SandboxId, SnapshotId
from bot.sandbox.local.bubblewrap import BubblewrapOptions, BubblewrapSandboxes
from tests.contracts.local_sandboxes import bwrap, public_directory

ONE, OTHER, THIRD = SandboxId("one"), SandboxId("other"), SandboxId("third")
SNAPSHOT, SECOND = SnapshotId("prepared"), SnapshotId("second")
PACKAGES = "venv/lib/python3.11/site-packages"
SET_UP = f"""
cd && mkdir -p {PACKAGES}/colors /workspace/node_modules/left /workspace/node_modules/.cache
echo 'red = 1' > {PACKAGES}/colors/__init__.py && ln -s colors {PACKAGES}/colours && touch venv/.lock
echo 'module.exports = 1' > /workspace/node_modules/left/index.js && echo old > /workspace/node_modules/.cache/x
"""
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives each sandbox a user of its own")


@pytest.fixture
async def sandboxes() -> AsyncIterator[BubblewrapSandboxes]:
    with public_directory() as directory:
        found = BubblewrapSandboxes(BubblewrapOptions(directory, executable=bwrap()))
        await found.create(ONE)
        await said(found, ONE, SET_UP)
        await found.snapshot(ONE, SNAPSHOT)
        await found.close(ONE)
        yield found
        for id in await found.living():
            await found.close(id)


async def said(sandboxes: BubblewrapSandboxes, id: SandboxId, command: str, *, code: int = 0) -> str:
    done = await sandboxes.run(id, command, timeout=30)
    assert done.exit_code == code, done.output
    return done.output.strip()


def inodes(directory: Path, path: str) -> set[int]:
    return {found.stat().st_ino for found in directory.glob(f"*/*/{path}")}


async def test_they_are_there_once_and_everything_else_is_ones_own(sandboxes: BubblewrapSandboxes) -> None:
    for id in (ONE, OTHER):
        await sandboxes.create(id, snapshot=SNAPSHOT)
    directory = sandboxes._rooms.directory
    assert len(inodes(directory, f"home/{PACKAGES}/colors/__init__.py")) == 1
    assert len(inodes(directory, "workspace/node_modules/left/index.js")) == 1
    assert len(inodes(directory, "home/venv/.lock")) == 3
    assert len(inodes(directory, "workspace/node_modules/.cache/x")) == 3
    shown = await said(sandboxes, ONE, f"cat ~/{PACKAGES}/colours/__init__.py; stat -c %U ~/{PACKAGES}/colors")
    assert shown.split("\n") == ["red = 1", "agent"]


@pytest.mark.parametrize(
    "harm",
    [
        f"echo 'red = 2' > ~/{PACKAGES}/colors/__init__.py",
        f"echo 'red = 2' >> ~/{PACKAGES}/colors/__init__.py",
        f"chmod 666 ~/{PACKAGES}/colors/__init__.py",
        f"truncate -s 0 ~/{PACKAGES}/colors/__init__.py",
        f"touch -d 2001-01-01 ~/{PACKAGES}/colors/__init__.py",
        "echo > /workspace/node_modules/left/index.js",
    ],
)
async def test_what_others_see_cannot_be_changed(sandboxes: BubblewrapSandboxes, harm: str) -> None:
    for id in (ONE, OTHER):
        await sandboxes.create(id, snapshot=SNAPSHOT)
    assert (await sandboxes.run(ONE, harm, timeout=30)).exit_code != 0
    look = f"cat ~/{PACKAGES}/colors/__init__.py node_modules/left/index.js"
    assert await said(sandboxes, OTHER, look) == "red = 1\nmodule.exports = 1"


async def test_one_may_replace_remove_and_add_for_oneself(sandboxes: BubblewrapSandboxes) -> None:
    for id in (ONE, OTHER):
        await sandboxes.create(id, snapshot=SNAPSHOT)
    await said(
        sandboxes,
        ONE,
        f"cd ~/{PACKAGES} && sed -i s/1/2/ colors/__init__.py && echo x > colors/more.py && rm colours && "
        "rm -r /workspace/node_modules/left && echo new > /workspace/node_modules/.cache/x",
    )
    assert await said(sandboxes, ONE, f"cat ~/{PACKAGES}/colors/__init__.py") == "red = 2"
    await sandboxes.create(THIRD, snapshot=SNAPSHOT)
    for id in (OTHER, THIRD):
        look = f"cat ~/{PACKAGES}/colours/*.py node_modules/left/* node_modules/.cache/x"
        assert (await said(sandboxes, id, look)).split("\n") == ["red = 1", "module.exports = 1", "old"]


async def test_a_snapshot_of_a_sandbox_that_shares_is_whole(sandboxes: BubblewrapSandboxes) -> None:
    await sandboxes.create(ONE, snapshot=SNAPSHOT)
    await said(sandboxes, ONE, f"echo 'blue = 3' > ~/{PACKAGES}/colors/blue.py")
    await sandboxes.snapshot(ONE, SECOND)
    await sandboxes.drop_snapshot(SNAPSHOT)
    await sandboxes.close(ONE)
    await sandboxes.create(OTHER, snapshot=SECOND)
    await sandboxes.drop_snapshot(SECOND)
    assert await said(sandboxes, OTHER, f"cat ~/{PACKAGES}/colors/*.py") == "red = 1\nblue = 3"


@pytest.mark.parametrize("open_to", ["chmod 666", "chmod 600"])
async def test_a_directory_with_a_file_that_cannot_be_shared_is_copied(
    sandboxes: BubblewrapSandboxes, open_to: str
) -> None:
    await sandboxes.create(ONE)
    await said(sandboxes, ONE, f"{SET_UP}{open_to} ~/{PACKAGES}/colors/__init__.py")
    await sandboxes.snapshot(ONE, SECOND)
    await sandboxes.create(OTHER, snapshot=SECOND)
    await said(sandboxes, OTHER, f"echo 'red = 2' > ~/{PACKAGES}/colors/__init__.py")
    await sandboxes.create(THIRD, snapshot=SECOND)
    assert await said(sandboxes, THIRD, f"cat ~/{PACKAGES}/colors/__init__.py") == "red = 1"
