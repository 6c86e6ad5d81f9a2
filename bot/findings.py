"""What was found out about a bot, each with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Health(Enum):
    GOOD = "[green]✓[/]"
    DOUBTFUL = "[yellow]![/]"
    BAD = "[red]✗[/]"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, `found` what it is like, `remedy` what to do; "" when nothing.

    `unreached`: what there is no word about, because it did not answer.
    """

    health: Health
    what: str
    found: str
    remedy: str = ""
    unreached: str = ""


class Unfit(Exception):
    """Something that cannot work."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(f"{finding.what}: {finding.found}" for finding in findings))
        self.findings = tuple(findings)
