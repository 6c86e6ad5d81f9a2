"""The doctor's last word."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.operations.setting_names import Misnamed

MODELS = "the models"
KEY_CHECK = "the check of the model key"


def lacks(rights: Sequence[str]) -> str:
    return f"{', '.join(rights)} {'is' if len(rights) == 1 else 'are'} missing"


def lost(number: int, last: str) -> str:
    """`last`: GitHub's words about the newest."""
    return f"{number} of the last 24 hours did not arrive; the newest: {last}"


def ending(bad: int, unreached: Sequence[str]) -> str:
    """What is wrong counts first; without that, what nobody has proven is said."""
    if bad:
        return f"{bad} to mend before `solvebot serve` can work."
    if not unreached:
        return "Ready to serve."
    were = "was" if len(unreached) == 1 and unreached[0] != MODELS else "were"
    named = " and ".join(filter(None, [", ".join(unreached[:-1]), unreached[-1]]))
    return f"Ready to serve, but {named} {were} not reached."


def meant(wrong: Misnamed) -> str:
    return f"The setting is called {wrong.meant}."
