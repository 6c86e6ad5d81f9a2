"""How git reaches a remote: with which options, and in which environment."""

from __future__ import annotations

from collections.abc import Mapping

from bot.github.git import configured
from bot.ports import Remote

FETCH = ("--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--update-shallow")

# A clone on this disk tells what was committed, not what its grafts make of it: a mirror has to get whole histories.
_WITHOUT_GRAFTS = "--upload-pack=GIT_GRAFT_FILE=/dev/null git -c advice.graftFileDeprecated=false upload-pack"


def is_on_this_disk(remote: Remote) -> bool:
    return "://" not in remote.url


def options(remote: Remote) -> tuple[str, ...]:
    """For `fetch` and `ls-remote`, in front of the address."""
    return (_WITHOUT_GRAFTS,) if is_on_this_disk(remote) else ()


def environment(neutral: Mapping[str, str], remote: Remote) -> dict[str, str]:
    """With the authorization, for this one address. What a clone on this disk lacks is not fetched from elsewhere."""
    if is_on_this_disk(remote):
        return {**neutral, "GIT_ALLOW_PROTOCOL": "file"}
    if remote.authorization is None:
        return dict(neutral)
    return configured([(f"http.{remote.url}.extraHeader", f"Authorization: {remote.authorization}")], after=neutral)
