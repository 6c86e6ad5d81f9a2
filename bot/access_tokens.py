"""Access tokens are made and ended: by their owners on a page, or by the operator at a terminal. Both are audited."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.access import AccessToken, token_digest, token_text
from bot.core.model import Person
from bot.core.token_wish import TokenWish
from bot.ports import Store, Tokens


@dataclass(frozen=True, slots=True)
class AccessTokens:
    tokens: Tokens
    store: Store

    async def create(self, wish: TokenWish, owner: Person, by: str, now: datetime) -> tuple[AccessToken, str]:
        """The token, and its text, which nobody can be shown again."""
        id = secrets.token_hex(6)
        text = token_text(id, secrets.token_urlsafe(32))
        token = AccessToken(id, wish.name, owner, wish.scopes, now, now + timedelta(days=wish.days))
        await self.tokens.create(token, token_digest(text))
        await self._audit(now, by, "token.created", token)
        return token, text

    async def revoke(self, id: str, by: str, now: datetime, *, owner: int | None = None) -> bool:
        """False where there is none to end; `owner`: only one of theirs."""
        found = await self.tokens.find(id)
        if found is None or not await self.tokens.revoke(id, now, owner=owner):
            return False
        await self._audit(now, by, "token.revoked", found[0])
        return True

    async def _audit(self, now: datetime, by: str, what: str, token: AccessToken) -> None:
        about = {"token": token.id, "name": token.name, "scopes": sorted(scope.value for scope in token.scopes)}
        await self.store.audit(now, by, what, token.owner.login, about)
