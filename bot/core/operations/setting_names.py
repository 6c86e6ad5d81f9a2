"""Settings that are set and never read: renamed since, or mistyped.

The environment is full of names that are nobody's mistake. So one is told only when it has a new name, or when it is
nearly that of a setting which is not set itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

RENAMED: Mapping[str, str] = {}  # old name -> new name
_ALIKE = 0.87  # MAX_DOLARS and MAX_DOLLARS; HOSTNAME and HOST are not
_MOST_NAMES = 500
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Misnamed:
    """`meant`: the setting as it is called now."""

    name: str
    meant: str


def misnamed(
    names: Collection[str], known: Collection[str], renamed: Mapping[str, str] = RENAMED
) -> tuple[Misnamed, ...]:
    found = []
    for name in sorted(names)[:_MOST_NAMES]:
        if name in known or len(name) > _LONGEST_NAME:
            continue
        if name in renamed:
            found.append(Misnamed(name, renamed[name]))
        elif meant := get_close_matches(name, [each for each in known if each not in names], n=1, cutoff=_ALIKE):
            found.append(Misnamed(name, meant[0]))
    return tuple(found)
