"""The hash of a sandbox's files: the same for the same files, and for nothing else that anybody would notice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.agent_sandbox import tree_hash
from bot.core.environment.tree_hash import digest_of, is_the_same
from bot.core.model import SandboxId, SetUp, Sha, Toolchain
from bot.sandbox.local.process import ProcessOptions, ProcessSandboxes
from tests.contracts.local_sandboxes import DISK, MEMORY, SYSTEM_PATH, public_directory

MADE = "mkdir -p src .venv/lib && echo a > src/a.py && ln -s a.py src/b.py && echo x > .venv/lib/x && echo h > ~/tool"
SAME = (
    "touch -d 2001-01-01 src/a.py",
    "mkdir -p src/__pycache__ && echo 1 > src/__pycache__/a.pyc",
    "mkdir -p .pytest_cache ~/.cache && date +%N > .pytest_cache/v && date +%N > ~/.cache/v",
    "rm src/a.py && echo a > src/a.py",
    "echo y > .venv/lib/x",  # installed, and as large as before
)
DIFFERENT = (
    "echo b > src/a.py",
    "chmod +x src/a.py",
    "mv src/a.py src/c.py",
    "ln -sf c.py src/b.py",
    "rm src/b.py",
    "mkdir src/empty",
    "echo more >> .venv/lib/x",
    "echo more >> ~/tool",
    "echo 1 > 'a\nb'",
)


@pytest.fixture
def sandboxes() -> Iterator[ProcessSandboxes]:
    with public_directory() as directory:
        yield ProcessSandboxes(ProcessOptions(directory, path=(*SYSTEM_PATH.split(":"),), memory=MEMORY, disk=DISK))


async def made(sandboxes: ProcessSandboxes, name: str, *commands: str) -> str:
    id = SandboxId(name)
    await sandboxes.create(id)
    for command in commands:
        assert (await sandboxes.run(id, command, timeout=60)).exit_code == 0, command
    found = await tree_hash(sandboxes, id)
    await sandboxes.close(id)
    assert len(found) == 64
    return found


async def test_what_counts_and_what_does_not(sandboxes: ProcessSandboxes) -> None:
    before = await made(sandboxes, "first", MADE)
    found = {command: await made(sandboxes, "other", MADE, command) == before for command in (*SAME, *DIFFERENT)}
    assert found == dict.fromkeys(SAME, True) | dict.fromkeys(DIFFERENT, False)


@pytest.mark.parametrize(
    ("left", "tree", "same"),
    [("l", "t", True), ("l", "", True), ("l", "u", False), ("m", "t", False), ("m", "", False)],
)
def test_set_ups_are_compared_by_what_was_looked_at(left: str, tree: str, *, same: bool) -> None:
    before = SetUp(Sha("a" * 40), "main", Toolchain((), None, ""), "l", "t")
    assert is_the_same(before, SetUp(before.base, "main", before.plan, left, tree)) == same


def test_the_digest_does_not_depend_on_the_order() -> None:
    assert digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"}) != digest_of({"a": "12", "b": ""})
