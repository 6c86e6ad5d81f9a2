"""Access tokens at rest."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from bot.core.access import AccessToken


class Tokens(Protocol):
    async def create(self, token: AccessToken, digest: str) -> None: ...

    async def find(self, id: str) -> tuple[AccessToken, str] | None:
        """With its digest."""

    async def valid(self, ids: Collection[str], now: datetime) -> frozenset[str]:
        """Those of them that are neither over nor revoked."""

    async def used(self, id: str, at: datetime) -> None: ...

    async def owned(self, user: int | None = None) -> list[AccessToken]:
        """Of one person or of all, the newest first; those that are over too."""

    async def revoke(self, id: str, at: datetime, *, owner: int | None = None) -> bool:
        """False when there is none of that id, or it is not the owner's, or it is revoked already."""
