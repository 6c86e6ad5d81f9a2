"""Signs of life on PostgreSQL: an outage buries nobody, and who was buried alive is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from bot.heartbeat import Buried, Heartbeat


@dataclass
class Fleet:
    """Two workers whose time passes when the test says so."""

    database: sa.Engine
    now: float = 1000.0
    buried: list[set[str]] = field(default_factory=list)
    one: Heartbeat = field(init=False)
    two: Heartbeat = field(init=False)

    def __post_init__(self) -> None:
        self.one, self.two = (
            Heartbeat(self.database, name, dead_after=30, clock=lambda: self.now) for name in ("one", "two")
        )
        self.one.first()
        self.two.first()

    def beats(self, worker: Heartbeat) -> list[str]:
        return worker.beat(lambda alive: sorted({"one", "two"} - alive))


@pytest.fixture
def fleet(postgres_url: str) -> Iterator[Fleet]:
    database = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:", 1))
    yield Fleet(database)
    database.dispose()


def test_the_first_that_is_back_after_an_outage_does_not_bury_the_other(fleet: Fleet) -> None:
    fleet.beats(fleet.one)
    fleet.beats(fleet.two)
    fleet.now += 61
    assert fleet.beats(fleet.one) == []
    fleet.now += 5
    assert fleet.beats(fleet.two) == []
    assert fleet.beats(fleet.one) == []


def test_who_gives_no_sign_of_life_is_buried_and_told_when_it_is_back(fleet: Fleet) -> None:
    buried: list[str] = []
    for _ in range(9):
        fleet.now += 5
        buried += fleet.beats(fleet.one)
    assert set(buried) == {"two"}
    with pytest.raises(Buried):
        fleet.beats(fleet.two)


def test_who_ends_in_peace_is_taken_over_at_once(fleet: Fleet) -> None:
    fleet.beats(fleet.one)
    fleet.two.last()
    assert fleet.beats(fleet.one) == ["two"]
