"""All ports together, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from bot.ports.clock import Clock
from bot.ports.github import GitHub
from bot.ports.mirrors import Mirrors
from bot.ports.model import Model
from bot.ports.sandboxes import Sandboxes
from bot.ports.store import Store


@dataclass(frozen=True, slots=True)
class World:
    """All of it: the adapters that one process talks through."""

    github: GitHub
    mirrors: Mirrors
    sandboxes: Sandboxes
    model: Model
    store: Store
    clock: Clock
