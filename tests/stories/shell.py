"""The command line as people use it: a process of its own, with an environment of its own.

Starting one costs more than most commands do. So they are forked from one that has loaded the bot (forking.py), and
where a file is about many commands, one of them has a process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, chdir
from pathlib import Path

from click.testing import CliRunner

from bot.adapters import the_store
from bot.cli import main
from bot.settings import Settings
from bot.simulators.github import GitHubSimulator
from bot.simulators.model import ModelSimulator, Script
from tests.stories.forking import Forked, forked
from tests.stories.migrated import put_databases
from tests.stories.world import KEY, SECRET, isolated_where_possible, settings_for, spec

PATIENCE = 240.0  # seconds for one command, on a machine that has much else to do
ROOT = Path(__file__).parents[2]

Command = Forked | asyncio.subprocess.Process


class Shell:
    """Runs `solvebot` with an environment of its own."""

    def __init__(self, directory: Path, env: dict[str, str]) -> None:
        self.directory = directory
        self.env = env

    async def start(self, *arguments: str) -> Command:
        return await forked(_solvebot, arguments, cwd=self.directory, env=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **self.env}

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        process = await self.start(*arguments)
        try:
            async with asyncio.timeout(PATIENCE):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


def _solvebot(arguments: Sequence[str]) -> None:
    main(arguments, prog_name="solvebot")


class FreshProcess(Shell):
    """The same, each loaded from nothing: for stories of how `solvebot` starts, and of what it loads."""

    async def start(self, *arguments: str) -> Command:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.cli",
            *arguments,
            cwd=self.directory,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=_heed_ctrl_c,
        )


class SameProcess(Shell):
    """The same commands and environment, in this process."""

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        others: dict[str, str | None] = dict.fromkeys(os.environ.keys() - {"PATH", "TMPDIR"})
        with chdir(self.directory):  # where `.env` is looked for
            done = await asyncio.to_thread(
                CliRunner(env=others | self.env).invoke, main, arguments, prog_name="solvebot"
            )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout, done.stderr


def _heed_ctrl_c() -> None:
    """Whoever runs the tests in the background ignores it, and what is begun by them would, too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@asynccontextmanager
async def a_shell(
    directory: Path, script: Script, kind: type[Shell] = Shell
) -> AsyncIterator[tuple[Shell, ModelSimulator, GitHubSimulator]]:
    llm, github = ModelSimulator(), GitHubSimulator(directory / "github", webhook_secret=SECRET, private_key_pem=KEY)
    llm.script("simulated/fixer", script, dollars_per_call=0.001)
    async with llm.serving(), github.serving():
        settings = await isolated_where_possible(settings_for(directory, github, llm))
        env = {
            "GITHUB_APP_ID": settings.app_id,
            "GITHUB_PRIVATE_KEY": KEY,
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITHUB_API_URL": github.url,
            "GITHUB_SERVER_URL": github.url,
            "GITHUB_WRITE_INTERVAL": "0",
            "MODEL_BASE_URL": llm.url,
            "MODEL_API_KEY": llm.key,
            "MODEL_PROVIDER": "simulator",
            "MODELS": "fixer",
            "SETUP_HOSTS": "none",
            "DATA_DIR": str(directory / "bot data"),
            "BUBBLEWRAP": str(settings.bubblewrap),
            "RUN_UNTRUSTED_CODE_WITHOUT_ISOLATION": str(settings.run_untrusted_code_without_isolation),
        }
        await _know_the_model(Settings.from_env(env, serving=False))
        shell = kind(directory, env)
        yield shell, llm, github


async def _know_the_model(settings: Settings) -> None:
    """As `solvebot models add` does; a process for it costs more than many a test."""
    await asyncio.to_thread(put_databases, settings)
    async with the_store(settings) as store:
        await store.save_model(spec("fixer"))
