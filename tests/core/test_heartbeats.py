"""Who is dead is who gave no sign of life while somebody could see that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.resilience.heartbeats import LAID_DOWN, Seen, living, look

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
FRESH, STALE, BACK = "fresh", "stale", "back"


def seen(*looks: tuple[float, str]) -> frozenset[str]:
    """At these seconds, the other worker's beat being so."""
    found = Seen()
    for number, (at, kind) in enumerate(looks):
        beat = {FRESH: NOON + timedelta(seconds=at), STALE: NOON, BACK: NOON - timedelta(hours=number)}[kind]
        found = look(found, {"other": beat}, at, dead_after=30)
    return living(found, dead_after=30)


@pytest.mark.parametrize(
    ("looks", "lives"),
    [
        ([(100, STALE)], True),
        ([(100, FRESH), (110, FRESH), (120, FRESH), (130, FRESH), (140, FRESH)], True),
        ([(100, STALE), (110, STALE), (120, STALE)], True),
        ([(100, STALE), (107, STALE), (114, STALE), (121, STALE)], True),
        ([(100, STALE), (110, STALE), (180, STALE)], True),  # the database was away for a minute, or we were
        ([(100, STALE), (107, STALE), (114, STALE), (121, STALE), (128, STALE), (135, STALE)], False),
        ([(100, STALE), (110, STALE), (171, FRESH)], True),
        ([(100, STALE), (200, STALE), (300, STALE), (400, STALE), (500, STALE)], False),
        ([(100, BACK), (110, BACK), (120, BACK), (130, BACK)], True),  # its clock goes backwards
        ([(100, STALE), (110, STALE), (120, STALE), (129, FRESH), (135, FRESH)], True),
    ],
)
def test_who_is_alive(looks: list[tuple[float, str]], *, lives: bool) -> None:
    assert (seen(*looks) == {"other"}) == lives


def test_who_ended_in_peace_is_gone_at_once() -> None:
    assert living(look(Seen(), {"other": LAID_DOWN}, 0.0, dead_after=30), dead_after=30) == frozenset()
