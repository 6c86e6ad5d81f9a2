"""Where the bot's directory and the toolchains may lie: anywhere, as long as somebody can get there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core.model import SandboxId, SnapshotId
from bot.ports import SandboxUnusable
from bot.sandbox.local.bubblewrap import BubblewrapOptions, BubblewrapSandboxes
from bot.sandbox.local.process import ProcessOptions, ProcessSandboxes
from tests.contracts.local_sandboxes import bwrap, public_directory

A, B, PREPARED = SandboxId("a"), SandboxId("b"), SnapshotId("prepared")
SOON = 20.0


@pytest.fixture
def closed() -> Iterator[Path]:
    """A directory as /root is, with a space in its name."""
    with public_directory() as directory:
        path = directory / "a clone"
        path.mkdir(mode=0o700)
        yield path


@pytest.fixture
def toolchain(closed: Path) -> Path:
    path = closed / "tools" / "bin"
    path.mkdir(parents=True)
    (path / "greet").write_text("#!/bin/sh\necho hello\n")
    (path / "greet").chmod(0o755)
    (closed / "secret").write_text("secret")
    return path.parent


@pytest.mark.namespaces
async def test_below_a_closed_directory(closed: Path, toolchain: Path) -> None:
    (closed / "data").mkdir(mode=0o700)
    options = BubblewrapOptions(
        closed / "data", toolchains=(toolchain,), path=(str(toolchain / "bin"),), executable=bwrap()
    )
    sandboxes = BubblewrapSandboxes(options)
    mounts = Path("/proc/self/mountinfo").read_text()
    await sandboxes.check()
    await sandboxes.create(A)
    await sandboxes.run(A, "echo kept > file", timeout=SOON)
    await sandboxes.snapshot(A, PREPARED)
    await sandboxes.create(B, snapshot=PREPARED)
    found = await sandboxes.run(B, "greet; cat file; which greet; ls '/mnt'; cat ../*/secret", timeout=SOON)
    assert found.output.splitlines()[:3] == ["hello", "kept", f"{toolchain}/bin/greet"]
    assert "secret\n" not in found.output.replace("*/secret", "")
    walled_off = await sandboxes.run(B, f"ls -A '{closed}'; touch '{toolchain}/x'", timeout=SOON)
    assert walled_off.output.splitlines()[0] == "tools"
    assert walled_off.exit_code != 0
    networked = await sandboxes.run(B, "greet", timeout=SOON, network=["registry.example"])
    assert networked.output == "hello\n"
    assert Path("/proc/self/mountinfo").read_text() == mounts
    for id_ in (A, B):
        await sandboxes.close(id_)
    await sandboxes.drop_snapshot(PREPARED)


@pytest.mark.namespaces
@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"executable": Path("/nowhere/bwrap")}, "apt install bubblewrap"),
        ({"executable": bwrap(), "toolchains": (Path("/nowhere"),)}, "list"),
    ],
)
async def test_what_is_missing_is_named(closed: Path, options: dict[str, object], remedy: str) -> None:
    with pytest.raises(SandboxUnusable) as caught:
        await BubblewrapSandboxes(BubblewrapOptions(closed, **options)).check()  # type: ignore[arg-type]
    assert remedy in caught.value.remedy


async def test_plain_processes_cannot_be_shown_another_place(closed: Path) -> None:
    with pytest.raises(SandboxUnusable) as caught:
        await ProcessSandboxes(ProcessOptions(closed)).check()
    assert "spaces" in caught.value.remedy
    without_space = closed.rename(closed.with_name("clone"))
    sandboxes = ProcessSandboxes(ProcessOptions(without_space))
    if os.geteuid() != 0:
        await sandboxes.check()
        return
    with pytest.raises(SandboxUnusable) as caught:
        await sandboxes.check()
    assert "chmod o+x" in caught.value.remedy
