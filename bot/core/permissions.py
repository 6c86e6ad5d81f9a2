"""Who may ask. The permission is what GitHub's API says of the sender now; nothing in the event is believed."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.model import Permission, Person


@dataclass(frozen=True, slots=True)
class Allowed:
    pass


@dataclass(frozen=True, slots=True)
class Refused:
    """`why` is one sentence for the person who asked."""

    why: str


def may_ask(permission: Permission, needed: Permission, sender: Person) -> Allowed | Refused:
    """People with the needed permission or a better one; never bots, whatever they may do.

    A bot's comment may repeat what a stranger wrote, so its permission says nothing about who is asking.
    """
    if sender.is_bot:
        return Refused("Bots cannot ask for a solve; a person has to.")
    if not permission.at_least(needed):
        return Refused(
            f"Asking here takes {needed.value} permission on this repository, and @{sender.login} has "
            f"{'none' if permission is Permission.NONE else permission.value}."
        )
    return Allowed()
