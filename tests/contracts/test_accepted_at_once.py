"""The same request, weighed by two workers at the same moment, is one solve and is refused by nobody."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from bot.core.model import SolveId
from bot.store.store import opened
from tests.contracts.test_store import SOLVE, solve


@pytest.mark.parametrize("a_day", [None, 1])
async def test_it_is_accepted_by_all_of_them(database_url: str, a_day: int | None) -> None:
    """`a_day`: it is not the one too many of itself."""
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(database_url)) for _ in range(3)]
        for number in range(1, 9):
            place = replace(SOLVE.issue.repo, id=SOLVE.issue.repo.id + number)
            wanted = solve(f"s-{number}", number=number, repo=place)
            found = await asyncio.gather(*(store.accept(wanted, a_day=a_day) for store in stores))
            assert [getattr(each, "id", each) for each in found] == [SolveId(f"s-{number}")] * len(stores)
