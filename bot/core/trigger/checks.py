"""Checks on a commit of a pull request of ours: does one of them fail because of us, and is it ours to mend?

GitHub tells checks in two ways, check runs of Apps and statuses of a commit; here both are the same. A check may have
run several times on one commit. The last time counts, and one that said both things about the same commit proves
nothing about it: it flaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum

MOST_CHECKS = 500  # that are read of one commit
MOST_REPAIRED = 10  # that one repair is about
MOST_REPAIRS = 3  # what a repository may ask for, of one pull request
LOG_BYTES = 200_000  # of the end of a log
KNOWN_FOR = timedelta(days=30)  # how long after we pushed a commit its checks are ours to look at


class State(StrEnum):
    """What a check says at the moment."""

    GREEN = "green"
    RED = "red"
    RUNNING = "running"
    WAITING = "waiting"  # for somebody to approve it
    NOTHING = "nothing"  # cancelled, skipped, neutral, stale: no word about the commit


@dataclass(frozen=True, slots=True)
class Check:
    """One check as it stands on one commit. `job`: its id, where GitHub keeps a log of it; None: nowhere.

    `said` is what it says about itself: text from outside. `ours`: our own, which proves nothing to us.
    """

    name: str
    state: State
    url: str = ""
    said: str = ""
    job: int | None = None
    flaps: bool = False
    ours: bool = False


class Why(Enum):
    """Why no repair starts, although something fails or waits."""

    OFF = "off"  # the repository does not want it
    ENOUGH = "enough"  # as many repairs as it wants were made
    BEFORE = "before"  # all that fails failed on the base commit, too, or is not known there
    FLAPS = "flaps"  # all that fails has passed on the same commit as well
    WAITING = "waiting"  # nothing fails, and something waits for approval


@dataclass(frozen=True, slots=True)
class Repair:
    """These fail because of us."""

    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """`names`: of the checks that it is about."""

    why: Why
    names: tuple[str, ...]


def judge_checks(head: Sequence[Check], base: Sequence[Check], *, allowed: int, made: int) -> Repair | LeftAlone | None:
    """What to do about the checks of our commit. None: nothing, or not yet. `made`: repairs of the pull request.

    While one is running nothing is decided, so that one repair can be about all of them; one that waits for approval
    is not waited for. A check is ours to mend when it fails on our commit and was green on the base commit, or has no
    word about it there; and does not flap on either.
    """
    known = [check for check in head if not check.ours]
    if any(check.state is State.RUNNING for check in known):
        return None
    red = [check for check in known if check.state is State.RED]
    if not red:
        waiting = _names([check for check in known if check.state is State.WAITING])
        return LeftAlone(Why.WAITING, waiting) if waiting else None
    before = {check.name: check for check in base if not check.ours}
    steady = [check for check in red if not check.flaps and not _flapped(check, before)]
    if not steady:
        return LeftAlone(Why.FLAPS, _names(red))
    mine = [check for check in steady if _was_fine(check, before)]
    if not mine:
        return LeftAlone(Why.BEFORE, _names(steady))
    if made >= allowed:
        return LeftAlone(Why.ENOUGH if made else Why.OFF, _names(mine))
    return Repair(tuple(mine[:MOST_REPAIRED]))


def _flapped(check: Check, before: Mapping[str, Check]) -> bool:
    return check.name in before and before[check.name].flaps


def _was_fine(check: Check, before: Mapping[str, Check]) -> bool:
    return check.name not in before or before[check.name].state is State.GREEN


def _names(checks: Sequence[Check]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check.name for check in checks))


# ------------------------------------------------------------------------------------------------------- GitHub's words

_RED = frozenset({"failure", "timed_out", "startup_failure", "error"})


def state_of(status: str, conclusion: str | None) -> State:
    """Of a check run or a suite; and of a status, whose `state` is given as both."""
    if conclusion == "action_required" or status == "waiting":
        return State.WAITING
    if status == "pending" or (status != "completed" and conclusion is None):
        return State.RUNNING
    if conclusion == "success":
        return State.GREEN
    return State.RED if conclusion in _RED else State.NOTHING


@dataclass(frozen=True, slots=True)
class Seen:
    """One time that a check ran. `order`: the later it is, the higher."""

    check: Check
    order: tuple[str, int]


def latest(seen: Sequence[Seen]) -> tuple[Check, ...]:
    """Each check as it stands, by its name; a check flaps when it has been both green and red."""
    by_name: dict[str, list[Seen]] = {}
    for each in seen[:MOST_CHECKS]:
        by_name.setdefault(each.check.name, []).append(each)
    return tuple(_standing(times) for times in by_name.values())


def _standing(times: Sequence[Seen]) -> Check:
    last = max(times, key=lambda each: each.order).check
    states = {each.check.state for each in times}
    if not {State.GREEN, State.RED} <= states:
        return last
    return Check(last.name, last.state, last.url, last.said, last.job, flaps=True, ours=last.ours)
