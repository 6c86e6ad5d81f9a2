"""Who may ask. The permission is what GitHub's API says of the sender now; nothing in the event is believed."""

from __future__ import annotations

from bot.core.model import Permission, Person


def may_ask(permission: Permission, needed: Permission, sender: Person) -> bool:
    """People with the needed permission or a better one; never bots, whatever they may do.

    A bot's comment may repeat what a stranger wrote, so its permission says nothing about who is asking.
    """
    return not sender.is_bot and permission.at_least(needed)
