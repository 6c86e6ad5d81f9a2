"""Cursors lead back to where they came from, and any other text leads nowhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.listing import NEWEST, Position, cursor, page_of, read_cursor

times = st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC))
ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


@given(times, ids)
def test_a_cursor_leads_back(at: datetime, id: str) -> None:
    position = Position(at, id)
    text = cursor(position)
    assert text.isascii()
    assert len(text) > 400 or read_cursor(text) == position


@given(st.text())
def test_reading_is_total(text: str) -> None:
    found = read_cursor(text)
    assert found is None or found.at.tzinfo is not None


@pytest.mark.parametrize(
    "text", ["x", "=", "é", "A" * 401, "MjAyNi0xMS0yMCBz", "OTk5OS05OS05OSBz", "MjAyNi0xMS0yMFQwMDowMDowMFo"]
)
def test_no_cursor_of_ours(text: str) -> None:
    assert read_cursor(text) is None


def test_the_beginning() -> None:
    assert read_cursor("") == NEWEST


@given(st.integers(0, 8), st.integers(1, 8))
def test_a_page_says_whether_there_is_another(rows: int, size: int) -> None:
    found = [str(number) for number in range(min(rows, size + 1))]
    positions = [Position(datetime(2026, 1, 1, tzinfo=UTC), id) for id in found]
    page = page_of(found, positions, size)
    assert page.items == tuple(found[:size])
    assert bool(page.next) is (rows > size)
    if page.next:
        assert read_cursor(page.next) == positions[size - 1]
