"""What candidates do with the same inputs, beside what was done before any change.

Tests tell right from wrong, and nobody wrote one for every input. Inputs alone only tell candidates apart: they show to
people where two differ, which behave alike, and which do what was done before.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from bot.core.ids import RunId

MOST_DIFFERENCES = 3
EQUALS_ALL = "what equals everything"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`outcomes`: one for each probe, "returns [1.0]" or "raises ValueError: too small"; "" where none was seen.

    What an error says is worded by each as they like: candidates are compared by its class.
    """

    run: RunId
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probed:
    """Expressions, and what came of each. `from_issue`: how many of them, the first ones, stand in the issue."""

    probes: tuple[str, ...]
    from_issue: int
    base: tuple[str, ...]
    seen: tuple[Behaviour, ...]

    def outcomes(self, run: RunId) -> tuple[str, ...]:
        return next((item.outcomes for item in self.seen if item.run == run), ())


@dataclass(frozen=True, slots=True)
class Difference:
    """`base`: what came of it before any change."""

    expression: str
    one: str
    other: str
    base: str


def pass_anything(probed: Probed) -> frozenset[RunId]:
    """Those that return what equals everything, where the base commit did not: no test that compares says anything."""
    said = f"returns {EQUALS_ALL}"
    return frozenset(
        item.run
        for item in probed.seen
        if any(now == said != before for before, now in zip(probed.base, item.outcomes, strict=False))
    )


def telling(probed: Probed) -> tuple[int, ...]:
    """Probes with which not everybody, the base commit included, does the same."""
    rows = [probed.base, *(item.outcomes for item in probed.seen)]
    return tuple(n for n in range(len(probed.probes)) if len({_at(row, n) for row in rows} - {""}) > 1)


def alike(probed: Probed) -> tuple[tuple[RunId, ...], ...]:
    """Candidates with the same outcomes everywhere, the largest group first; of some of them nothing was seen."""
    groups: dict[tuple[str, ...], list[RunId]] = {}
    for item in probed.seen:
        if any(item.outcomes):
            groups.setdefault(tuple(map(_plain, item.outcomes)), []).append(item.run)
    found = [tuple(sorted(group)) for group in groups.values()]
    return tuple(sorted(found, key=lambda group: (-len(group), group)))


def unchanged(probed: Probed) -> frozenset[RunId]:
    """Candidates that do, to the letter, what was done before: with the issue's, or with all where it has none."""
    looked_at = range(probed.from_issue or len(probed.probes))
    return frozenset(
        item.run
        for item in probed.seen
        if any(item.outcomes) and all(_letters(item.outcomes, n) == _letters(probed.base, n) for n in looked_at)
    )


def shared_behaviour(probed: Probed, one: RunId, other: RunId) -> float | None:
    """The share of telling probes with which both do the same; None where none tells."""
    mine, theirs = probed.outcomes(one), probed.outcomes(other)
    both = [n for n in telling(probed) if _at(mine, n) and _at(theirs, n)]
    return sum(_at(mine, n) == _at(theirs, n) for n in both) / len(both) if both else None


def alone(probed: Probed, run: RunId, asked: Collection[str] = ()) -> float | None:
    """The share of telling probes with which nobody else does the same, the base commit included; None: none tells.

    `asked`: outcomes that somebody asked for, in which one may be alone.

    A special case is seldom alone, for it leaves the rest as it was; what changes too much is.
    """
    mine = probed.outcomes(run)
    others = [probed.base, *(item.outcomes for item in probed.seen if item.run != run)]
    seen = [n for n in telling(probed) if _at(mine, n)]
    lonely = [n for n in seen if _at(mine, n) not in asked and all(_at(row, n) != _at(mine, n) for row in others)]
    return len(lonely) / len(seen) if seen else None


def cured(probed: Probed, run: RunId, issue: str) -> float | None:
    """Of the probes that raise, before any change, an error that the issue names: the share that no longer does.

    Who cures the example alone cures few. None where there are none.
    """
    named = set(re.findall(r"\w+", issue))
    ill = [
        n
        for n, said in enumerate(probed.base)
        if said.startswith("raises ") and _plain(said)[len("raises ") :] in named
    ]
    mine = probed.outcomes(run)
    return sum(_at(mine, n) not in ("", _at(probed.base, n)) for n in ill) / len(ill) if ill else None


def differences(probed: Probed, one: RunId, other: RunId) -> tuple[Difference, ...]:
    """Where the two differ, in the shortest expressions, those of the issue first; each way of differing once."""
    mine, theirs = probed.outcomes(one), probed.outcomes(other)
    found: dict[tuple[str, str, str], Difference] = {}
    numbers = sorted(telling(probed), key=lambda n: (n >= probed.from_issue, len(probed.probes[n]), n))
    for n in numbers:
        a, b, base = _at(mine, n), _at(theirs, n), _at(probed.base, n)
        if a and b and a != b:
            found.setdefault((_kind(a), _kind(b), _kind(base)), Difference(probed.probes[n], a, b, base))
    return tuple(found.values())[:MOST_DIFFERENCES]


def _kind(outcome: str) -> str:
    """All that is returned is one kind; errors are told apart."""
    return "returns" if outcome.startswith("returns ") else outcome


def _plain(outcome: str) -> str:
    return outcome.partition(":")[0] if outcome.startswith("raises ") else outcome


def _at(row: tuple[str, ...], n: int) -> str:
    return _plain(_letters(row, n))


def _letters(row: tuple[str, ...], n: int) -> str:
    return row[n] if n < len(row) else ""
