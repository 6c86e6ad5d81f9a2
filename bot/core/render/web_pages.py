"""What the pages say besides what their templates hold: why something is not shown, not done, or not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.access import Scope
from bot.core.listing import State
from bot.core.model import ExitStatus, Fate, Status
from bot.core.views import EventKind, RunView, SolveEvent, SolveSummary


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
MAY_NOT = Trouble(403, "Not allowed", "Your permission in this repository is not enough for that.")
AWAY = Trouble(503, "Not just now", "What is needed for this page does not answer. Try again in a minute.")
BROKEN = Trouble(500, "Something broke on our side", "The log of this bot says what.")


@dataclass(frozen=True, slots=True)
class Pill:
    """A state in a word or two. `kind`: good, bad, busy, doubt, or "" for none of these. `is_live`: it goes on."""

    words: str
    kind: str = ""
    is_live: bool = False


_FATES = {
    Fate.MERGED: Pill("merged", "good"),
    Fate.CHANGED: Pill("merged after changes", "good"),
    Fate.CLOSED: Pill("closed", "bad"),
    Fate.REJECTED: Pill("rejected", "bad"),
    Fate.REVERTED: Pill("reverted", "bad"),
}
_ENDINGS = {
    ExitStatus.SUBMITTED: Pill("finished", "good"),
    ExitStatus.STEPS: Pill("out of steps", "doubt"),
    ExitStatus.DOLLARS: Pill("out of budget", "doubt"),
    ExitStatus.TIME: Pill("out of time", "doubt"),
    ExitStatus.FORMAT: Pill("unreadable answers", "bad"),
    ExitStatus.REFUSED: Pill("refused", "bad"),
    ExitStatus.MODEL: Pill("model failed", "bad"),
    ExitStatus.SANDBOX: Pill("sandbox lost", "bad"),
}


def solve_pill(solve: SolveSummary) -> Pill:
    if solve.fate is not None:
        return _FATES[solve.fate]
    match solve.status:
        case Status.PENDING:
            return Pill("waiting", "busy", is_live=True)
        case Status.RUNNING:
            return Pill("running", "busy", is_live=True)
        case Status.COMPLETED:
            return Pill("published", "good") if solve.pull_url else Pill("no champion", "doubt")
        case Status.FAILED:
            return Pill("failed", "bad")
        case Status.CANCELLED:
            return Pill("cancelled")


def run_pill(run: RunView) -> Pill:
    match run.status:
        case Status.PENDING:
            return Pill("waiting")
        case Status.RUNNING:
            return Pill("working", "busy", is_live=True)
        case Status.CANCELLED:
            return Pill("cancelled" if run.started_at else "not needed")
        case Status.FAILED:
            return _ENDINGS[run.exit_status] if run.exit_status else Pill("failed", "bad")
        case Status.COMPLETED:
            return _ENDINGS[run.exit_status] if run.exit_status else Pill("finished", "good")


WHY_NOT = "Why not"
NO_ISSUE = (
    "There is no such issue, or you may not see it. "
    "Enter its address on GitHub, or a repository with the App and a title."
)

SCOPES: Sequence[tuple[str, str]] = (
    (Scope.READ.value, "see what you may see: solves, runs, repositories, cost"),
    (Scope.STEER.value, "start, cancel, approve and whatever else a comment of yours may"),
    (Scope.OPERATE.value, "queue, deliveries, sandboxes, settings, audit"),
)
STATES: Sequence[tuple[State, str]] = (
    (State.ACTIVE, "Waiting or running"),
    (State.PUBLISHED, "Published"),
    (State.NO_CHAMPION, "No champion"),
    (State.FAILED, "Failed"),
    (State.CANCELLED, "Cancelled"),
    (State.MERGED, "Merged"),
    (State.CLOSED, "Closed"),
    (State.REVERTED, "Reverted"),
)
TERMS: Mapping[str, str] = {
    "constant": "where every candidate begins",
    "prior": "how often its model is right",
    "place": "others change the same place",
    "token": "others change the same words",
    "regressions": "old tests that broke",
    "inert": "comments or tests only",
    "special": "asks for values of the issue's example",
    "own_tests": "its own tests, before and after",
    "fixed": "tests that failed before",
    "repro": "the repro command",
    "cross": "tests of the others",
    "from_issue": "tests from the issue alone",
    "alike": "behaves as others do",
    "probes": "the same inputs, tried on all",
    "compared": "a model that read two of them",
    "company": "how many agree at all",
}
_HAPPENED: Mapping[EventKind, tuple[str, str]] = {
    EventKind.ACCEPTED: ("Accepted", ""),
    EventKind.STARTED: ("Read, and frozen as a task", ""),
    EventKind.PLANNED: ("Attempts planned", ""),
    EventKind.PREPARED: ("Set up and tested as it is", ""),
    EventKind.OBSERVED: ("Compared by running them", ""),
    EventKind.DECIDED: ("Decided", "good"),
    EventKind.PUBLISHED: ("Published", "good"),
    EventKind.NOTED: ("Noted", "doubt"),
    EventKind.ENDED: ("Ended", ""),
    EventKind.FATE: ("People decided", "good"),
    EventKind.RUN_STARTED: ("at work", "busy"),
    EventKind.RUN_ENDED: ("done", ""),
    EventKind.JUDGED: ("judged", ""),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """`letters`: of the runs that it is about."""

    at: datetime
    words: str
    kind: str = ""
    letters: tuple[str, ...] = ()


def story(solve: SolveSummary, events: Sequence[SolveEvent]) -> tuple[Moment, ...]:
    """What happened, oldest first, without the steps of runs. What several runs do one after the other is one moment.

    Where no events are kept, what is known besides.
    """
    told: list[Moment] = []
    for event in events:
        if event.kind not in _HAPPENED:
            continue
        words, kind = _HAPPENED[event.kind]
        if told and told[-1].words == words and (not event.run or event.run not in told[-1].letters):
            told[-1] = replace(told[-1], letters=(*told[-1].letters, *filter(None, [event.run])))
        else:
            told.append(Moment(event.at, words, kind, (event.run,) if event.run else ()))
    if told:
        return tuple(told)
    known = ((solve.created_at, "Accepted"), (solve.started_at, "Started"), (solve.completed_at, "Ended"))
    return tuple(Moment(at, words) for at, words in known if at is not None)


_OBSERVATION = re.compile(r"<returncode>-?\d{1,9}</returncode>\n<output>\n(.*?)\n?</output>\s*", re.DOTALL)


def output_of(observation: str) -> str:
    """What a command printed, out of what the agent was told of it."""
    found = _OBSERVATION.fullmatch(observation)
    return found[1] if found else observation


def ago(at: datetime, now: datetime) -> str:
    """just now, 5 min ago, 3 h ago, 12 d ago"""
    seconds = (now - at).total_seconds()
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"
