"""Databases as the first start of a bot leaves them, made once for each process of tests.

Making them is a tenth of what the processor does for a story. test_migrations.py is about how they are made, and one
story of what lies on the disk begins with nothing.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from dbos import DBOSClient

from bot.engine.engine import APPLICATION
from bot.engine.sqlite import open_sqlite
from bot.settings import Settings
from bot.store.migrate import migrate


def put_databases(settings: Settings) -> None:
    """Where the bot has files of its own, and has none yet. One on PostgreSQL makes its tables itself."""
    if settings.database_url:
        return
    settings.data.mkdir(parents=True, exist_ok=True)
    for name, content in _databases().items():
        file = settings.data / name
        if not file.exists():
            file.touch(mode=0o600)
            file.write_bytes(content)


def nothing(_settings: Settings) -> None:
    """For a story that begins before the first start."""


@functools.cache
def _databases() -> dict[str, bytes]:
    """By their names in the directory of data."""
    with tempfile.TemporaryDirectory(prefix="solvebot-migrated-") as name:
        settings = Settings(data=Path(name))
        migrate(settings.store_url)
        engine, lock = open_sqlite(settings.engine_url.removeprefix("sqlite:///"))
        client = DBOSClient(system_database_engine=engine, application_name=APPLICATION, lazy=True)
        client._sys_db.run_migrations()
        client.destroy()
        engine.dispose()
        lock.close()
        return {file.name: file.read_bytes() for file in settings.data.glob("*.sqlite")}
