"""The self-test must notice when a wall is missing: each of these bubblewraps leaves one out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.ports import SandboxUnusable
from bot.sandbox.local.bubblewrap import BubblewrapOptions, BubblewrapSandboxes
from bot.sandbox.local.directories import FIRST_UID, Rooms
from bot.sandbox.local.selftest import prove_isolation
from tests.contracts.local_sandboxes import bwrap, plain_processes, public_directory

# what is behind `--args` and its number is read after the arguments found there, so it has the last word
LEAKY = """\
#!/bin/sh
walls="$1 $2"
shift 2
exec env -i {variables} {bwrap} $walls {flags} "$@"
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    with public_directory() as path:
        yield path


@pytest.mark.namespaces
@pytest.mark.parametrize(
    ("variables", "flags", "found"),
    [
        ("PWD=/srv TOKEN=x", "", "variables of the first process: PWD, expected none"),
        ("", "--ro-bind /proc /proc", "the bot among the processes: "),
        ("", "--share-net", "network interfaces: |loopback: reached"),
        ("", "--tmpfs /etc", "places outside to write to: 1"),
        ("", "--cap-add CAP_CHOWN", "sets of capabilities: "),
    ],
)
async def test_a_missing_wall_is_noticed(directory: Path, variables: str, flags: str, found: str) -> None:
    leaky = directory / "bwrap"
    leaky.write_text(LEAKY.format(bwrap=bwrap(), variables=variables, flags=flags))
    leaky.chmod(0o755)
    with pytest.raises(SandboxUnusable, match=found):
        await BubblewrapSandboxes(BubblewrapOptions(directory, executable=leaky)).check()


async def test_plain_processes_do_not_pass(directory: Path) -> None:
    with pytest.raises(SandboxUnusable, match="the isolation failed its test"):
        await prove_isolation(plain_processes(directory), Rooms(directory, first_uid=FIRST_UID))
