"""Is a sandbox that was made anew what it was? Told by a hash of its files, taken in it.

Everything counts by name, kind, mode, size and target; what lies in the workspace, and was not installed there, by its
content as well. Caches do not count: they differ from one time to the next, and nothing is decided by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from bot.core.model import SetUp

SECONDS = 120.0  # that taking it may last

_CACHES = r"\( -name .git -o -name __pycache__ -o -name .cache -o -name '*_cache' -o -name _cacache \) -prune"
_INSTALLED = r"\( -name node_modules -o -name .venv -o -name venv -o -name .tox -o -name site-packages \) -prune"

TREE_HASH = rf"""export LC_ALL=C PATH=/usr/bin:/bin
{{
  find . {_CACHES} -o -type d -printf 'd %m %p\n' -o -printf '%y %m %s %p %l\n'
  (cd "$HOME" && find . {_CACHES} -o -type d -printf '~d %m %p\n' -o -printf '~%y %m %s %p %l\n')
  find . {_CACHES} -o {_INSTALLED} -o -type f -print0 | xargs -0 -r sha256sum --
}} | sort | sha256sum | cut -c 1-64"""


def digest_of(left_behind: Mapping[str, str]) -> str:
    """path -> blob"""
    told = "\0".join(f"{path}\0{left_behind[path]}" for path in sorted(left_behind))
    return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def is_the_same(before: SetUp, now: SetUp) -> bool:
    """By all that was looked at both times."""
    trees = {before.tree, now.tree} - {""}
    return before.left_behind == now.left_behind and len(trees) <= 1
