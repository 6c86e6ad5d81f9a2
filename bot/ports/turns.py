"""Taking turns with other workers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.core.resilience.turns import Turn

ChangeTurn = Callable[[Turn, datetime], tuple[Turn, float]]
"""From what is on record and the time to what is to be on record, and how many seconds to wait."""


class Turns(Protocol):
    """Of all workers that share a database; core/resilience/turns.py decides."""

    async def change(self, name: str, change: ChangeTurn) -> float:
        """Read, change by a pure function, write: in one transaction, whoever else does it. Returns the wait."""
