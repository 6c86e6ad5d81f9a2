"""Repositories, issues, people, and what people may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository as one installation of the App sees it. `id` is its identity; `name` ("owner/name") may change."""

    installation: int
    id: int
    name: str

    @property
    def owner(self) -> str:
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True)
class IssueRef:
    repo: Repo
    number: int

    def __str__(self) -> str:
        return f"{self.repo.name}#{self.number}"


@dataclass(frozen=True, slots=True)
class Person:
    login: str
    id: int
    is_bot: bool = False


class Permission(StrEnum):
    """What a collaborator may do, least first. GitHub's `maintain` and `triage` are distinguished here."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"

    def at_least(self, needed: Permission) -> bool:
        order = list(Permission)
        return order.index(self) >= order.index(needed)
