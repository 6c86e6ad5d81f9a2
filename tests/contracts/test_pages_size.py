"""With ten thousand solves a page asks the database no more than with ten, and is no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.core.listing import Position, cursor
from bot.core.model import Status
from bot.store import rows
from bot.store.tables import solves
from tests.browser import Browser
from tests.contracts.pages_world import PRIVATE, PagesWorld, pages_world
from tests.contracts.test_store import NOON, solve
from tests.contracts.trajectories import long_conversation

MANY = 10_000
MOST_BYTES = 200_000
LISTS = ("/", "/?search=breaks", "/?repository=octo/web", "/repositories", "/repositories/octo/web")


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[PagesWorld]:
    async with pages_world(tmp_path, sqlite_url) as world:
        yield world


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement of this process."""
    told: list[str] = []

    def tell(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        told.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", tell)
    try:
        yield told
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", tell)


async def fill(world: PagesWorld) -> None:
    """All of them over, as a year leaves them."""
    repo = world.repo(world.public)
    values = []
    for number in range(MANY):
        at = NOON - timedelta(minutes=number + 1)
        row = rows.solve_values(solve(f"s-many-{number}", repo=repo, number=100 + number, at=at), web_url="", now=at)
        values.append({**row, "status": Status.COMPLETED, "cost": 0.5, "completed_at": at})
    await world.store._database.write(lambda db: db.execute(sa.insert(solves), values))


async def test_a_page_of_many_solves_costs_as_much_as_one_of_few(world: PagesWorld) -> None:
    async with Browser() as browser:
        await world.enter(browser, "rita")
        few, many = {}, {}
        for path in LISTS:
            with counted() as told:
                await world.get(browser, path)
            few[path] = len(told)
        await fill(world)
        for path in LISTS:
            with counted() as told:
                page = await world.get(browser, path)
            many[path] = len(told)
            assert (page.status, len(page.text.encode()) < MOST_BYTES) == (200, True), path
        deep = cursor(Position(NOON - timedelta(minutes=9_000), "s-many-8999"))
        with counted() as told:
            last = await world.get(browser, f"/?after={deep}")
        assert 'href="/solves/s-many-9' in last.text
        assert len(told) == many["/"]
    for path in LISTS:
        assert many[path] <= few[path] + 1, (path, few[path], many[path])


async def test_a_long_conversation_comes_in_parts(world: PagesWorld) -> None:

    await world.store._database.write(
        lambda db: db.execute(
            sa.text("update solve_runs set trajectory = :found where solve_id = :id and position = 1"),
            {"found": long_conversation(150), "id": PRIVATE},
        )
    )
    async with Browser() as browser:
        seen: list[str] = []
        path = f"/solves/{PRIVATE}/runs/A"
        page = await world.enter(browser, "rita", path)
        while True:
            assert len(page.text.encode()) < MOST_BYTES
            seen += [f"step {number}" for number in range(1, 151) if f'id="step-{number}"' in page.text]
            later = [link for link in page.links if "?from=" in link and link not in (page.url, path)]
            if not later or len(seen) >= 150:
                break
            page = await world.get(browser, later[-1].partition("#")[0])
        alone = await world.get(browser, f"{path}?step=77")
        assert "line 399 of file 77" in alone.text
        assert "line 200 of file 77" in alone.text
        assert "of file 78" not in alone.text
        assert seen == [f"step {number}" for number in range(1, 151)]
