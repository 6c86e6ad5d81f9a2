"""What is said when a pull request is brought up to date with its base branch, or should be."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.choosing.phrases import listing
from bot.core.model import Sha
from bot.core.render.replies import ours_broke as ours_broke
from bot.core.text.characters import encodable


def merge_message(base: str, branch: str) -> str:
    return f"Merge {encodable(base)} into {encodable(branch)}"


def not_open(number: int) -> str:
    return f"#{number} is not an open pull request of mine, so there is nothing that I could bring up to date."


def not_in_a_pull() -> str:
    return "`/solve update` belongs into a pull request of mine."


def base_gone(base: str) -> str:
    return f"The base branch {base} is gone. Give the pull request another one first."


def up_to_date(number: int, base: str) -> str:
    return f"#{number} holds all of {base} already."


def merged(base: str, head: Sha) -> str:
    return f"{base} was merged in by {head[:10]}; what the tests say here is from before that."


def moved_on(base: str) -> str:
    """Shown as plain text."""
    return f"{base} has moved on since the tests here were run. To merge it in, say /solve update."


def conflicts(base: str) -> str:
    """Shown as plain text."""
    return f"{base} has moved on and conflicts with this change. To have the change made anew, say /solve update."


def others_inside(base: str, others: Sequence[str]) -> str:
    return (
        f"{base} conflicts with this pull request, and there are commits of {listing(others)} in it, which a change "
        "made anew would overrule. Please merge it by hand."
    )


def not_merged(remedy: str) -> str:
    return f"GitHub did not let me merge the base branch. {remedy}".rstrip()
