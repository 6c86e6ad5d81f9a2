"""make test-e2b: the contract of sandboxes against E2B itself, or a self-hosted one. It costs money, and says how much.

E2B_API_KEY is needed; E2B_DOMAIN and E2B_API_URL are as in the settings. Tests run one after the other; a machine that
a test leaves behind ends by itself after `SECONDS`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from bot.clock import SystemClock
from bot.sandbox.e2b.machines import E2BOptions, E2BProvider
from bot.sandbox.leases import LendingOptions
from bot.sandbox.remote import LeasedSandboxes
from bot.sandbox.request_counts import Account
from bot.sandbox.resilience import ResilienceOptions, Resilient
from bot.store.database import open_database
from bot.store.ledger import SqlLedger
from bot.store.migrate import migrate

WANTED = "SOLVEBOT_TESTS_REAL_E2B"
SECONDS = 300  # that a machine may live
MACHINES = 2  # at a time
DOLLARS_PER_HOUR = 0.109  # E2B's price list, 2026-08: 2 processors and 0.5 GB, the default
SUITE = "tests/contracts/test_sandbox_contract.py"
SELECTED = "real-e2b"


@asynccontextmanager
async def real_sandboxes(directory: Path) -> AsyncIterator[LeasedSandboxes]:
    """Under an instance of its own, so that no other bot's machines are touched. What is left is killed at the end."""
    url = f"sqlite:///{directory / 'ledger.sqlite'}"
    migrate(url)
    database = open_database(url)
    ledger, clock = SqlLedger(database), SystemClock()
    account = Account(ledger)
    options = E2BOptions(
        os.environ["E2B_API_KEY"],
        f"test{uuid4().hex[:8]}",
        domain=os.environ.get("E2B_DOMAIN", ""),
        api_url=os.environ.get("E2B_API_URL", ""),
    )
    provider = Resilient(E2BProvider(options), ledger, account, clock, ResilienceOptions())
    lending = LendingOptions(seconds=SECONDS, at_most=MACHINES, read=10.0)
    try:
        yield LeasedSandboxes([provider], ledger, clock, lending)
        for machine in await provider.machines():
            await provider.kill(machine.id)
        for image in await provider.images():
            await provider.delete_image(image)
    finally:
        await account.close()
        await database.close()


def main() -> int:
    if not os.environ.get("E2B_API_KEY"):
        print("Set E2B_API_KEY: this runs against the real service.", file=sys.stderr)
        return 2
    pytest = [sys.executable, "-m", "pytest", "-p", "no:xdist", SUITE, "-k", SELECTED]
    env = {**os.environ, WANTED: "1"}
    listed = subprocess.run([*pytest, "--collect-only", "-q"], env=env, capture_output=True, text=True, check=True)
    tests = sum("::" in line for line in listed.stdout.splitlines())
    most = tests * MACHINES
    dollars = most * SECONDS / 3600 * DOLLARS_PER_HOUR
    print(
        f"{tests} tests, one after the other: at most {most} sandboxes, {MACHINES} at a time, each for {SECONDS} s at "
        f"most. That is at most ${dollars:.2f}; as a rule a tenth of it.",
        flush=True,
    )
    return subprocess.run([*pytest, "-q", "--timeout=300"], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
