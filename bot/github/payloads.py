"""What every payload of GitHub's holds that we read: who did it, where, and which installation is told.

Every field may be missing or null, and what is not listed is skipped.
"""

from __future__ import annotations

import msgspec


class Account(msgspec.Struct, omit_defaults=True):
    login: str | None = None
    id: int | None = None
    type: str | None = None


class Repository(msgspec.Struct, omit_defaults=True):
    id: int | None = None
    full_name: str | None = None


class Installation(msgspec.Struct, omit_defaults=True):
    id: int | None = None
    account: Account | None = None


class Payload(msgspec.Struct, omit_defaults=True):
    action: str | None = None
    sender: Account | None = None
    repository: Repository | None = None
    installation: Installation | None = None
