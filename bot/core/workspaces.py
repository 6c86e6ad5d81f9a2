"""When the set-up of one solve serves the next one of the same repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta

from bot.core.model import Sha, Toolchain

KEPT = timedelta(days=7)  # since it was last used


def workspace_key(repo_id: int, base: Sha, toolchain: Toolchain, hosts: Sequence[str]) -> str | None:
    """The same for set-ups that make the same of the same: files (lock files among them), commands, what they reach.

    None: nothing is set up, so nothing is saved by keeping it.
    """
    if not toolchain.setup:
        return None
    made_from = [repo_id, base, toolchain.ecosystem, list(toolchain.setup), sorted(hosts)]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:32]
