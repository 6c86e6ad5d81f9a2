"""The bot as a process that dies, and is started again.

    python -m tests.stories.crashing PLAN

What lives is `bot.app.serve`, with nothing built into it for this: a listener on SQLAlchemy recognises the engine's
inserts of a started workflow, of a step's result and of a workflow's end, and what the ledger of lent sandboxes writes
down, and kills the process with SIGKILL just before it is written (what was done is done, and nobody knows) or just
after the commit (it is known, and must not be done again). Around it stands what an init system would be: it loads
everything once, forks a life, and forks the next one when that was killed or has ended in peace. An error ends it.

In the plan's directory are `life` (the process id of the present one), `deaths` (where the earlier ones died, a line
each, on the disk before the signal), and `log`.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import re
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from bot import adapters, app, assembly, logs
from bot.clock import SYSTEM_CLOCK
from bot.engine import EngineOptions
from bot.github.wire import connections
from bot.sandbox.local import seccomp
from bot.settings import Settings

_ENGINES = r'INSERT INTO (?:"?\w+"?\.)?"?(?:operation_outputs|workflow_status|workflow_output)"?\s'
_LEDGERS = r"(?:INSERT INTO|UPDATE|DELETE FROM) (?:sandbox_leases|sandbox_images)\s"
_WRITES = re.compile(rf"({_ENGINES}|{_LEDGERS})")
_LATER = ("anyio._backends._asyncio", "encodings.idna", "httpcore", "uvicorn.lifespan.off")
_LATER_FOR_LENDING = ("bot.sandbox.e2b.machines",)
_LATER_ON_SQLITE = ("dbos._sys_db_sqlite",)
_LATER_ON_POSTGRESQL = ("dbos._sys_db_postgres", "psycopg", "sqlalchemy.dialects.postgresql.psycopg")
_MARK = "boundaries"
_TURN = "turn"


class Dies(StrEnum):
    NEVER = "never"
    BEFORE = "before it is known"
    AFTER = "after it is known"


@dataclass(frozen=True, slots=True)
class Plan:
    """`at`: a regular expression that a boundary must match for a death. `once`: no boundary kills a second time."""

    directory: str
    environment: Mapping[str, str]
    dies: Dies = Dies.NEVER
    at: str = ""
    once: bool = True
    recovery_attempts: int = 1000  # more lives than any drill has
    queued_recovery_attempts: int = 1000
    heartbeat: float = 0.2
    dead_after: float = 2.0

    @property
    def deaths(self) -> Path:
        return Path(self.directory) / "deaths"

    @property
    def life(self) -> Path:
        return Path(self.directory) / "life"


def died_at(plan: Plan) -> list[str]:
    return plan.deaths.read_text().splitlines() if plan.deaths.exists() else []


class Reaper:
    """Listens to what the engine writes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._died_at = set(died_at(plan))
        self._turn = threading.Lock()

    def listen(self) -> None:
        sa.event.listen(sa.Engine, "before_cursor_execute", self._before)
        sa.event.listen(sa.Engine, "commit", self._committing)
        sa.event.listen(sa.Engine, "rollback", lambda connection: connection.info.pop(_MARK, None))
        sa.event.listen(sa.Pool, "checkin", self._returned)

    def _before(
        self, connection: sa.Connection, _cursor: Any, statement: str, parameters: Any, context: Any, _many: bool
    ) -> None:
        """On PostgreSQL the engine compiles its statements itself, and brings their values by name."""
        found = _WRITES.match(statement)
        values = context.compiled_parameters[0] if found and context.compiled else parameters
        boundary = _name(found[1], values, connection) if found else None
        if boundary is not None:
            if self._plan.dies is Dies.BEFORE:
                self._die_at([boundary])
            connection.info.setdefault(_MARK, []).append(boundary)

    def _committing(self, connection: sa.Connection) -> None:
        """No other thread may end the process between this commit and the death that belongs to it."""
        if _MARK in connection.info:
            self._turn.acquire()
            connection.info[_TURN] = True

    def _returned(self, _connection: Any, record: Any) -> None:
        """A connection comes back to its pool when its transaction is over."""
        boundaries = record.info.pop(_MARK, [])
        if self._plan.dies is Dies.AFTER:
            self._die_at(boundaries)
        if record.info.pop(_TURN, False):
            self._turn.release()

    def _die_at(self, boundaries: Sequence[str]) -> None:
        """Those of one transaction share a death."""
        deadly = [name for name in boundaries if re.search(self._plan.at, name)]
        if self._plan.once:
            deadly = [name for name in deadly if name not in self._died_at]
        if deadly:
            with self._plan.deaths.open("a") as file:
                file.writelines(f"{name}\n" for name in deadly)
                file.flush()
                os.fsync(file.fileno())
            os.kill(os.getpid(), signal.SIGKILL)


def _name(writes: str, values: Mapping[str, Any], connection: sa.Connection) -> str | None:
    """Such as "s-3000000005-1-l1795253565-r1 4 model call". None: nothing that is worth a death."""
    verb, *_, table = writes.replace('"', "").split()
    match verb, table.rpartition(".")[2]:
        case _, "operation_outputs":
            return f"{values['workflow_uuid']} {values['function_id']} {values['function_name']}"
        case _, "workflow_status":
            return f"{values['workflow_uuid']} started"
        case _, "workflow_output":
            return f"{values['workflow_uuid']} ended"
        case "INSERT", "sandbox_leases":
            return f"{values['sandbox_id']} intended"
        case "UPDATE", "sandbox_leases" if "machine_id" in values:
            return f"{_lessee(connection, values['key_1'])} lent"
        case "DELETE", "sandbox_leases":
            return f"{_lessee(connection, values['key_1'])} returned"
        case "INSERT", "sandbox_images":
            return f"{values['name']} saved"
        case "DELETE", "sandbox_images":
            return f"{values['name_1']} dropped"
    return None


def _lessee(connection: sa.Connection, lease: str) -> str | None:
    """Of which sandbox the lease is: a key is another one at each try."""
    question = sa.text("select sandbox_id from sandbox_leases where key = :lease")
    return connection.execute(question, {"lease": lease}).scalar_one_or_none()


def live(plan: Plan) -> None:
    settings = Settings.from_env(plan.environment)
    logs.configure(format="json", level="INFO", redact=assembly.redactor(settings))
    if plan.dies is not Dies.NEVER:
        Reaper(plan).listen()
    options = EngineOptions(
        settings.engine_url,
        queue_poll=settings.poll,
        result_poll=settings.poll,
        recovery_attempts=plan.recovery_attempts,
        queued_recovery_attempts=plan.queued_recovery_attempts,
        heartbeat=plan.heartbeat,
        dead_after=plan.dead_after,
        grace=settings.stop_seconds,
    )
    asyncio.run(app.serve(settings, options=options))


async def load(settings: Settings) -> None:
    """What each life would load for itself: modules that are imported when they are needed, certificates, the key."""
    names = [*_LATER, *(_LATER_FOR_LENDING if "e2b" in settings.sandbox else ())]
    names += _LATER_ON_POSTGRESQL if settings.database_url else _LATER_ON_SQLITE
    for name in names:
        importlib.import_module(name)
    seccomp.program()
    async with connections() as pool:
        adapters.hub(settings, pool, SYSTEM_CLOCK)


class Supervisor:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._life = 0
        self._stopping = False

    def run(self) -> int:
        """Until SIGTERM, or until a life ends by an error; returns the exit code of the last one."""
        asyncio.run(load(Settings.from_env(self._plan.environment)))
        signal.signal(signal.SIGTERM, self._stop)
        gc.freeze()  # what is loaded lives as long as we do: no life has to look through it again
        while True:
            self._life = os.fork()
            if self._life == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                live(self._plan)
                return 0
            self._announce()
            _, status = os.waitpid(self._life, 0)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping or code not in (0, -signal.SIGKILL):
                return code

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True
        os.kill(self._life, signal.SIGTERM)

    def _announce(self) -> None:
        unfinished = self._plan.life.with_suffix(".part")
        unfinished.write_text(str(self._life))
        unfinished.replace(self._plan.life)


def main(arguments: Sequence[str]) -> None:
    sys.exit(Supervisor(msgspec.json.decode(Path(arguments[0]).read_bytes(), type=Plan)).run())


if __name__ == "__main__":
    main(sys.argv[1:])
