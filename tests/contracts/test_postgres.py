"""The tests' own PostgreSQL comes up from both places its binaries may be in."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.contracts.postgres import bundled_binaries, copy_wheel, machine_binaries, postgres_server


@pytest.fixture(params=["machine", "wheel", "unreadable"])
def binaries(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A machine without PostgreSQL has one source less, and the wheel stands in for it."""
    if request.param == "machine":
        return machine_binaries() or bundled_binaries()
    if request.param == "wheel":
        return bundled_binaries()
    hidden = tmp_path / "hidden"
    binaries = copy_wheel(bundled_binaries(), hidden)
    hidden.chmod(0o700)
    return binaries


def test_a_server_comes_up_and_goes(binaries: Path) -> None:
    with postgres_server(binaries) as server:
        url = server.create_database()
        with psycopg.connect(url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        server.drop_database(url)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
