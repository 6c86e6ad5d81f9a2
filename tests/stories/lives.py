"""A world whose bot is another process, which dies and lives again; GitHub and the models stay.

The simulators are in the test's process, on ports that do not change. The bot's state is what it left on the disk: this
side looks at it through the store, the sandboxes' directory and the engine's table of workflows.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec
import psycopg

from bot.adapters import local_sandboxes
from bot.core.model import SolveFacts
from bot.ports import Sandboxes
from bot.settings import Settings
from bot.simulators.e2b.simulator import E2B
from bot.simulators.github import GitHubSimulator, SimIssue, SimRepository
from bot.simulators.github.state import Comment
from bot.simulators.model import Message, ModelSimulator, Script
from bot.store.migrate import migrate
from bot.store.store import SqlStore, opened
from tests.stories import crashing
from tests.stories.crashing import Plan, died_at
from tests.stories.forking import Forked, forked_with_log
from tests.stories.left_behind import restore
from tests.stories.lent import left_at, lent_in_environment
from tests.stories.migrated import put_databases
from tests.stories.world import FILES, KEY, MAINTAINER, SECRET, isolated_where_possible, spec

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
LOOK = 0.05  # seconds between two looks at the disk
UP = 240.0  # seconds that a life may take to answer: on a busy machine the imports alone take some
UNFINISHED = "select workflow_uuid from {schema}workflow_status where status in ('PENDING', 'ENQUEUED', 'DELAYED')"
BOUNDARIES = """
select workflow_uuid || ' started' from {schema}workflow_status
union all select workflow_uuid || ' ' || function_id || ' ' || function_name from {schema}operation_outputs
union all select workflow_uuid || ' ended' from {schema}workflow_output
"""

COUNTED = "echo ran >> /home/agent/ran; wc -l < /home/agent/ran"
"""A command that says how many such commands its sandbox has seen, itself included."""


def counted(conversation: Sequence[Message]) -> list[int]:
    """What the counted commands in it said."""
    results = [str(message["content"]) for message in conversation if message["role"] == "tool"]
    return [int(found[1]) for text in results if (found := re.search(r"<output>\s*(\d+)", text))]


@dataclass(slots=True)
class Bot:
    """A supervised bot: `end_life` is followed by another life, `stop` and `cut_off` are not."""

    plan: Plan
    url: str
    process: Forked

    @property
    def operators(self) -> str:
        """Where it tells how it does."""
        return f"http://127.0.0.1:{self.plan.environment['METRICS_PORT']}"

    @property
    def life(self) -> int:
        return int(self.plan.life.read_text())

    @property
    def deaths(self) -> list[str]:
        return died_at(self.plan)

    @property
    def log(self) -> list[dict[str, Any]]:
        """What all lives have logged; a line that the end cut off is left out."""
        lines = (Path(self.plan.directory) / "log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [line for line in self.log if line["level"] in ("error", "critical")]

    async def up(self) -> None:
        """Until it takes deliveries."""
        async with asyncio.timeout(UP), aiohttp.ClientSession() as session:
            while True:
                assert self.process.returncode is None, "the bot has ended"
                try:
                    async with session.get(f"{self.operators}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(LOOK)

    async def end_life(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Returns when the next one has begun."""
        life = self.life
        os.kill(life, number)
        async with asyncio.timeout(UP):
            while self.life == life:
                assert self.process.returncode is None, "the bot has ended"
                await asyncio.sleep(LOOK)

    async def stop(self) -> int:
        """In peace, unless it has ended already; the exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(UP):
            return await self.process.wait()

    async def cut_off(self) -> None:
        """No next life, as when the machine is gone."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
            for process in (self.life, *children(self.life)):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def tail(self) -> str:
        return (Path(self.plan.directory) / "log").read_text()[-4000:]


def children(pid: int) -> list[int]:
    with suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@dataclass(slots=True)
class MortalWorld:
    github: GitHubSimulator
    models: ModelSimulator
    settings: Settings
    environment: dict[str, str]
    store: SqlStore
    sandboxes: Sandboxes
    repo: SimRepository
    directory: Path
    service: E2B | None = None  # which lends the sandboxes, if they are not this machine's

    @asynccontextmanager
    async def bot(self, name: str = "bot", **plan: Any) -> AsyncIterator[Bot]:
        """Alive, and GitHub's webhooks go to it. `plan`: fields of `Plan`. At the end it is stopped in peace."""
        directory = self.directory / name
        directory.mkdir()
        port = _free_port()
        environment = self.environment | {"PORT": str(port), "METRICS_PORT": str(_free_port())}
        bot = await _start(Plan(str(directory), environment, **plan), f"http://127.0.0.1:{port}")
        self.github.webhooks.url = f"{bot.url}/webhook"
        try:
            await bot.up()
            yield bot
            if bot.process.returncode is None:
                await bot.up()
                code = await bot.stop()
                assert code == 0, f"the bot ended with {code}"
        except Exception as error:
            error.add_note(bot.tail())
            raise
        finally:
            await bot.cut_off()

    async def issue(self) -> SimIssue:
        return await self.repo.open_issue("No name, no greeting", "It should greet the world.", by="sam")

    async def label(self, issue: SimIssue) -> None:
        await issue.label("solve-me", by=MAINTAINER)
        await self.github.delivered()

    async def comment(self, issue: SimIssue, text: str, *, by: str = MAINTAINER) -> Comment:
        comment = await issue.comment(text, by=by)
        await self.github.delivered()
        return comment

    async def over(self, issue: SimIssue, *, within: float = 240.0) -> SolveFacts:
        """Wait until the solve of the issue has ended, and every workflow with it."""

        async def ended() -> SolveFacts | None:
            if self.unfinished():  # the cheaper question first
                return None
            facts = await self.store.latest(self.repo.id, issue.number)
            return facts if facts is not None and facts.status.is_over else None

        async with asyncio.timeout(within):
            while (facts := await ended()) is None:  # noqa: ASYNC110 - only the disk can tell
                await asyncio.sleep(LOOK)
        return facts

    async def at_rest(self, *, within: float = 240.0) -> None:
        """Until every workflow is over."""
        await self.until(lambda: not self.unfinished(), within=within)

    async def until(self, condition: Callable[[], T], *, within: float = 240.0) -> T:
        """For what can only be seen from outside: a file, a line of the log."""
        async with asyncio.timeout(within):
            while not (value := condition()):  # noqa: ASYNC110 - as above
                await asyncio.sleep(LOOK)
        return value

    def unfinished(self) -> list[str]:
        """Ids of the workflows that are not over."""
        return self._ask_engine(UNFINISHED)

    def boundaries(self) -> list[str]:
        """All that the engine has on record, by the names of crashing.py."""
        return self._ask_engine(BOUNDARIES)

    def _ask_engine(self, question: str) -> list[str]:
        url = self.settings.engine_url
        if url.startswith("postgresql"):
            with psycopg.connect(url) as postgres:
                return [str(row[0]) for row in postgres.execute(question.format(schema="dbos.").encode())]
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as sqlite:
            return [str(row[0]) for row in sqlite.execute(question.format(schema=""))]

    async def left_over(self) -> dict[str, object]:
        """What must be empty at the end of every drill."""
        return {
            "GitHub was asked wrongly": self.github.errors,
            "the models were asked wrongly": self.models.errors,
            "active solves": await self.store.active_solves(),
            "temporary files": [str(path) for path in (self.settings.data / "tmp").glob("*/*")],
            **(await left_at(self.service, self.store.ledger) if self.service else await self._left_here()),
        }

    async def _left_here(self) -> dict[str, object]:
        rooms = self.settings.data / "sandboxes"
        return {
            "sandboxes": await self.sandboxes.living(),
            "snapshots": await self.sandboxes.snapshots(),
            "half-made or half-deleted": [
                str(path) for kind in ("building", "gone") for path in (rooms / kind).iterdir()
            ],
        }

    def counts(self, model: str) -> list[int]:
        """What the counted commands of a model's run said, as its last conversation has it."""
        asked = [request for request in self.models.asked if request.model == f"simulated/{model}"]
        return counted(asked[-1].messages)


@asynccontextmanager
async def a_mortal_world(
    directory: Path,
    scripts: Mapping[str, Script],
    files: Mapping[str, str | bytes | tuple[bytes, str]] = FILES,
    database_url: str = "",
    service: E2B | None = None,
    left_by: Path | None = None,
    **environment: str,
) -> AsyncIterator[MortalWorld]:
    """`environment`: settings that differ, by the names that an operator uses. `left_by`: records of a release."""
    github = GitHubSimulator(directory, webhook_secret=SECRET, private_key_pem=KEY)
    llm = ModelSimulator()
    async with github.serving(), llm.serving():
        told = {
            "GITHUB_APP_ID": str(github.app.app_id),
            "GITHUB_PRIVATE_KEY": github.app.private_key_pem,
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITHUB_API_URL": github.url,
            "GITHUB_SERVER_URL": github.url,
            "GITHUB_WRITE_INTERVAL": "0",
            "MODEL_BASE_URL": llm.url,
            "MODEL_API_KEY": llm.key,
            "MODEL_PROVIDER": "simulator",
            "BASELINE_REPEATS": "2",
            "SETUP_AGENT": "false",
            "SETUP_HOSTS": "none",
            "SANDBOX_INSTALLED_TOOLCHAINS": "false",
            "ENGINE_POLL": "0.1",
            "DATA_DIR": str(directory / "data"),
            "DATABASE_URL": database_url,
            "STATUS_INTERVAL": "3600",
            "SWEEP_INTERVAL": "0",
            "STOP_SECONDS": "0",
            **(lent_in_environment(service) if service else {}),
            **environment,
        }
        settings = await isolated_where_possible(Settings.from_env(told))
        told["RUN_UNTRUSTED_CODE_WITHOUT_ISOLATION"] = str(settings.run_untrusted_code_without_isolation)
        settings.data.mkdir(exist_ok=True)
        if left_by is not None:
            restore(left_by, settings.data)
        await asyncio.to_thread(put_databases, settings)
        await asyncio.to_thread(migrate, settings.store_url)
        repo = github.repository("octo/greet", files=files, by=MAINTAINER)
        repo.grant(MAINTAINER, "write")
        async with opened(settings.store_url) as store:
            for name, script in scripts.items():
                llm.script(f"simulated/{name}", script, dollars_per_call=0.001)
                await store.save_model(spec(name))
            boxes = local_sandboxes(settings)
            yield MortalWorld(github, llm, settings, told, store, boxes, repo, directory, service)


async def _start(plan: Plan, url: str) -> Bot:
    file = Path(plan.directory) / "plan.json"
    file.write_bytes(msgspec.json.encode(plan))
    with (Path(plan.directory) / "log").open("ab") as log:
        process = await forked_with_log(crashing.main, [str(file)], cwd=ROOT, env=os.environ, log=log.fileno())
    return Bot(plan, url, process)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
