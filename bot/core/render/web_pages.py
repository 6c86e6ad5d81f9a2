"""What the pages say besides what their templates hold: why something is not shown, not done, or not there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    status: int
    title: str
    text: str


NOT_FOUND = Trouble(404, "Not here", "There is nothing at this address, or nothing that you may see.")
NOT_ALLOWED = Trouble(403, "Not allowed", "This page is for the operators of this bot, whom its setting ADMINS names.")
WRONG_FORM = Trouble(
    403, "Nothing was done", "The page that you sent this from is too old, or was not one of ours. Load it again."
)
NOT_ASKED = Trouble(
    400, "Not signed in", "GitHub's answer is one that this browser did not ask for, or that was used. Sign in again."
)
SIGN_IN_REFUSED = Trouble(403, "Not signed in", "GitHub was not allowed to say who you are, so nothing can be shown.")
SIGN_IN_BROKEN = Trouble(
    502, "Not signed in", "Signing in with GitHub does not work just now. The log of this bot says why."
)
ROBOT = Trouble(403, "Not signed in", "These pages are for people.")
AWAY = Trouble(503, "Not just now", "What is needed for this page does not answer. Try again in a minute.")
BROKEN = Trouble(500, "Something broke on our side", "The log of this bot says what.")
