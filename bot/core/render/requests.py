"""What is answered to those who asked through the API, beside what a comment would be answered."""

from __future__ import annotations

from bot.core.choosing.approval import Standing
from bot.core.model import SolveId
from bot.core.text.outgoing import Clean


def started(id: SolveId) -> str:
    return f"The solve is accepted. Its id is {id}."


def issue_marker(request: str) -> str:
    return f"<!-- solvebot:request:{request} -->"


def issue_body(request: str, login: Clean, text: Clean) -> str:
    """Of an issue that we open, because there was none: in the words of who asked."""
    return f"{issue_marker(request)}\n{text}\n\n*{login} asked for this through Solvebot's API.*"


def exchange_begun() -> str:
    return "The pull request gets that candidate in a moment. What comes of it is said there."


def answered(standing: Standing) -> str:
    if standing is Standing.APPROVED:
        return "It is approved, and published in a moment."
    return "It is rejected: nothing is published."


def noted() -> str:
    return "It is written down."


def nothing_begun() -> str:
    return "Nothing was begun: the same is being asked for already, or the conversation is locked."


def gone() -> str:
    return "The issue or its repository is no longer there, or the App is not installed there any more."


def not_latest(latest: SolveId) -> str:
    return f"That is not the latest solve of its issue any more. The latest is {latest}."


def cancelled_by(login: Clean) -> str:
    return f"{login} cancelled it through the API"
