"""What is set, as it may be shown: of secrets the names alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingView:
    """`value`: as text, "" for a secret; `source`: "set" or "default"."""

    name: str
    source: str
    value: str
    is_secret: bool
    doc: str
