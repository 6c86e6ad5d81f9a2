"""`make drill`: solves whose bot is killed at random moments, for as long as you like, on both databases; then a fleet
that shares nothing but PostgreSQL loses a worker, which is killed or stands still for too long; then the
service that lends sandboxes is away in the middle of twenty solves.

    python -m tests.stories.drill [ROUNDS]

Every round has another seed, which it prints; the first that does not end well ends the drill with its story.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.contracts.postgres import PostgresServer, bundled_binaries, machine_binaries, postgres_server
from tests.stories.fleet import loses_a_worker
from tests.stories.test_crash_sweep import killed_at_random
from tests.stories.test_outage import refused_connections, ten_minutes_of_503

ROUNDS = 10
KILLS = 8
EACH = 5  # solves in each state, twenty together


async def drill(rounds: int, postgres: PostgresServer) -> None:
    for seed in range(rounds):
        for database, url in (("SQLite", ""), ("PostgreSQL", postgres.create_database())):
            with TemporaryDirectory(prefix="solvebot-drill-") as name:
                Path(name).chmod(0o755)
                calls = await killed_at_random(Path(name), seed, kills=KILLS, database_url=url)
            print(f"seed {seed}, {database}: {KILLS} kills, {calls.total()} model calls, one pull request", flush=True)


async def fleets(rounds: int, postgres: PostgresServer) -> None:
    for seed in range(rounds):
        with TemporaryDirectory(prefix="solvebot-drill-") as name:
            Path(name).chmod(0o755)
            how = await loses_a_worker(Path(name), postgres.create_database(), seed)
        print(f"seed {seed}, two workers, one {how}: four solves, four last words, four pull requests", flush=True)


async def outages() -> None:
    for outage in (ten_minutes_of_503, refused_connections):
        with TemporaryDirectory(prefix="solvebot-drill-") as name:
            Path(name).chmod(0o755)
            await outage(Path(name), EACH)
        print(f"{outage.__name__}: twenty solves, nothing lost", flush=True)


if __name__ == "__main__":
    with postgres_server(machine_binaries() or bundled_binaries()) as server:
        asyncio.run(drill(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS, server))
        asyncio.run(fleets(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS, server))
    asyncio.run(outages())
