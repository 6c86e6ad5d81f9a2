"""The log-odds of a decision as bars: a row for each kind of evidence, a column for each candidate."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.views import DecisionView

FULL = 4.0  # log-odds that fill half of a cell; more fill it, too


@dataclass(frozen=True, slots=True)
class Bar:
    """In a box from -50 to 50."""

    value: float

    @property
    def width(self) -> float:
        return round(min(abs(self.value), FULL) / FULL * 50, 1)

    @property
    def x(self) -> float:
        return 0.0 if self.value > 0 else -self.width


@dataclass(frozen=True, slots=True)
class BarRow:
    name: str
    bars: tuple[Bar | None, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    letters: tuple[str, ...] = ()
    rows: tuple[BarRow, ...] = ()
    totals: tuple[float, ...] = ()


def bars_of(decision: DecisionView | None) -> Bars:
    """Without what is not weighed; the constant comes first, and then the rest in the order of the terms."""
    weighed = [each for each in decision.candidates if each.terms] if decision else []
    found = [{term.name: term.log_odds for term in each.terms} for each in weighed]
    names = list(dict.fromkeys(name for terms in found for name in ("constant", *terms)))
    rows = (BarRow(name, tuple(Bar(terms[name]) if name in terms else None for terms in found)) for name in names)
    return Bars(
        tuple(each.letter for each in weighed),
        tuple(row for row in rows if any(row.bars)),
        tuple(each.total for each in weighed),
    )
