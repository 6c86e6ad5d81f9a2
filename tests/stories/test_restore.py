"""A backup, an empty machine, and a solve that goes on there."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bot.simulators.model import SUBMIT, Hold, bash, turns
from tests.stories.shell import Shell, a_shell
from tests.stories.test_check import free_port
from tests.stories.world import FILES, FIX, MAINTAINER, SOON

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def serving(solvebot: Shell) -> AsyncIterator[str]:
    """Killed at the end, as by a machine that is lost. Yields where deliveries go."""
    solvebot.env |= {"PORT": free_port(), "METRICS_PORT": free_port()}
    process = await solvebot.start("serve")
    assert process.stderr is not None
    try:
        async with asyncio.timeout(SOON), aiohttp.ClientSession() as client:
            while b'"listening"' not in await process.stderr.readline():
                pass
            async with client.get(f"http://127.0.0.1:{solvebot.env['PORT']}/healthz") as answer:
                assert answer.status == 200
        drained = asyncio.create_task(process.stderr.read())
        yield f"http://127.0.0.1:{solvebot.env['PORT']}/webhook"
    finally:
        process.kill()
        await process.wait()
        await drained


def operator(solvebot: Shell, script: str, argument: Path) -> str:
    env = {"PATH": os.environ["PATH"], "DATA_DIR": solvebot.env["DATA_DIR"]}
    done = subprocess.run([ROOT / "deploy" / script, argument], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def test_a_solve_goes_on_where_a_backup_is_restored_into_an_empty_directory(tmp_path: Path) -> None:
    hold = Hold(bash(SUBMIT, text="Greets the world when nobody is named."))
    async with a_shell(tmp_path, turns(bash(FIX, text="A default name."), hold)) as (solvebot, _, github):
        repo = github.repository("octo/greet", files=FILES, by=MAINTAINER)
        repo.grant(MAINTAINER, "write")
        async with serving(solvebot) as github.webhooks.url:
            issue = await repo.open_issue("No name, no greeting", "It should greet the world.", by="sam")
            await issue.label("solve-me", by=MAINTAINER)
            async with asyncio.timeout(SOON):
                await hold.arrived.wait()
            backup = Path(await asyncio.to_thread(operator, solvebot, "backup", tmp_path / "backups"))
        shutil.rmtree(solvebot.env["DATA_DIR"])
        solvebot.env["DATA_DIR"] = str(tmp_path / "another machine")
        await asyncio.to_thread(operator, solvebot, "restore", backup)
        hold.release.set()
        async with serving(solvebot) as github.webhooks.url:
            await github.wait_for(lambda: repo.pulls, SOON)
        assert len(repo.pulls) == 1
        assert github.errors == []
