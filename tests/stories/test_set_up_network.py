"""SETUP_HOSTS=auto, from the operator's package manager to a set-up command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.stories.world import a_world, line_up

NPM = "#!/bin/sh\necho https://operator:hunter22@npm.corp.test/\n"
# Of the three lines the first is only true when the operator's mirror arrives, the second when nothing else of it does.
SETUP = (
    "setup:\n"
    "  - env | grep -qx npm_config_registry=https://npm.corp.test/\n"
    "  - '! env | grep -q hunter22'\n"
    "  - env | grep -qx HUSKY=0\n"
)


async def test_the_operators_mirror_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's other tools are asked as they are, but for those that might ask somebody else."""
    programs = tmp_path / "programs"
    programs.mkdir()
    usual = 'test "$npm_config_userconfig" = user.rc && exec echo https://npm.test/'
    for name, script in (("npm", NPM.replace("echo", f"{usual}\necho", 1)), ("cargo", "#!/bin/sh\nexit 1\n")):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    async with a_world(tmp_path, files=line_up("fixer", extra=SETUP), setup_hosts=("auto",)) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        await world.next_comment(issue)
        assert facts.baseline is not None
        assert facts.baseline.note == ""
        assert facts.pull_request is not None
