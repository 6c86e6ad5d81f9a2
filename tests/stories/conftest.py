"""Fixtures of the stories."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.stories.world import World, a_world


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Unlike pytest's own, sandboxes that run as other users can get there."""
    with TemporaryDirectory(prefix="solvebot-story-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


@pytest.fixture(params=["sqlite", "postgresql"])
def either_database(request: pytest.FixtureRequest) -> str:
    """What DATABASE_URL says: nothing, or a PostgreSQL of this test's own."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """One repository, one model that fixes its issue."""
    async with a_world(tmp_path) as world:
        yield world
