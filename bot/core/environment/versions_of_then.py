"""Packages in the versions that there were when the base commit was made: what has come since may not fit it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

_OLD = timedelta(days=120)  # then a release that does not fit is more likely than not
_YOUNG = timedelta(days=3)
_MOST_PLANS = 2
# The first release of each, https://devguide.python.org/versions/. Packages from before have nothing built for it.
_RELEASED = {
    (3, 9): date(2020, 10, 5),
    (3, 10): date(2021, 10, 4),
    (3, 11): date(2022, 10, 24),
    (3, 12): date(2023, 10, 2),
    (3, 13): date(2024, 10, 7),
    (3, 14): date(2025, 10, 7),
}
_INSTALL = re.compile(r"\buv pip install(?= )")
_DATED = re.compile(r" --exclude-newer \S+")


@dataclass(frozen=True, slots=True)
class Age:
    """When the base commit was made, and what day it is."""

    made: date
    today: date


def with_versions_of_then(plans: Sequence[Toolchain], age: Age, tools: Tools) -> tuple[Toolchain, ...]:
    """The first plans also with the versions of then, for an old commit before those of today, else behind them.

    Only uv is asked to: pip cannot, and npm's `--before` fetches all that was ever said of each package: with some
    hundred of them that takes more than five minutes. A commit of these days has no other versions.
    """
    return tuple(_each(plans, age, tools))


def _each(plans: Sequence[Toolchain], age: Age, tools: Tools) -> Iterator[Toolchain]:
    added = 0
    for plan in plans:
        then = _of_then(plan, age) if added < _MOST_PLANS and age.today - age.made > _YOUNG else None
        added += then is not None
        pair = (then, plan) if _comes_first(age, tools) else (plan, then)
        yield from filter(None, pair)


def _of_then(plan: Toolchain, age: Age) -> Toolchain | None:
    day = (age.made + timedelta(days=1)).isoformat()
    setup = tuple(_INSTALL.sub(f"uv pip install --exclude-newer {day}", line) for line in plan.setup)
    return None if setup == plan.setup else replace(plan, setup=setup, why=f"{plan.why}, packages of {day}")


def _comes_first(age: Age, tools: Tools) -> bool:
    numbers = re.match(r"(\d+)\.(\d+)", tools.versions.get("python3", ""))
    released = _RELEASED.get((int(numbers[1]), int(numbers[2]))) if numbers else None
    return age.today - age.made > _OLD and released is not None and age.made > released


def differ_in_versions(one: Toolchain, other: Toolchain) -> bool:
    """The same commands, with packages of another day."""
    return one.test == other.test and one.setup != other.setup and _undated(one) == _undated(other)


def _undated(plan: Toolchain) -> list[str]:
    return [_DATED.sub("", line) for line in plan.setup]
