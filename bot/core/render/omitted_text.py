"""What people read about text that is not given to an agent."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.text.unshown import Unshown


def not_shown(dropped: Mapping[Unshown, int]) -> tuple[str, ...]:
    """2 hidden elements and 1 link without a text, which GitHub does not show. Nothing where nothing was dropped."""
    found = [(kind, dropped[kind]) for kind in Unshown if dropped.get(kind)]
    counted = [f"{number} {kind if number == 1 else _PLURALS[kind]}" for kind, number in found]
    if not counted:
        return ()
    listed = " and ".join(filter(None, (", ".join(counted[:-1]), counted[-1])))
    return (f"{listed}, which GitHub does not show",)


_PLURALS = {
    Unshown.ELEMENT: "hidden elements",
    Unshown.LINK: "links without a text",
    Unshown.MATHS: "hidden parts of formulas",
    Unshown.CELL: "table cells without a column",
    Unshown.NOTE: "footnotes that nothing refers to",
    Unshown.FENCE: "remarks behind the language of code blocks",
    Unshown.DIAGRAM: "comments in diagrams",
    Unshown.DATA: "maps or models",
}
