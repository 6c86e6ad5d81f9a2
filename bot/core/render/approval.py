"""What is said where a champion waits for approval."""

from __future__ import annotations

from bot.core.choosing.approval import Approval, Standing
from bot.core.choosing.approval_rules import No
from bot.core.choosing.phrases import objection
from bot.core.choosing.use_candidate import Barred, with_patch
from bot.core.model import RunFacts, SolveFacts, letter
from bot.core.render.evidence import attempts_made
from bot.core.render.text import block, code, count, details, harmless, listed
from bot.core.text.cleaning import visible
from bot.core.text.outgoing import CleanFacts

MOST_SHOWN = 20_000  # characters of the champion's diff
MOST_OF_OTHERS = 6_000  # ... and of each other candidate's that could be chosen instead
MOST_OTHERS = 4


def headline(facts: SolveFacts) -> str:
    chosen = f"candidate **{_letter(facts)}**, chosen from {attempts_made(facts)}"
    return f"✋ Nothing is published yet: {chosen}, waits for approval."


def how_to_answer(facts: SolveFacts) -> str:
    approval = facts.approval
    until = f" Nobody's answer by {_day(approval)} ends it, too." if approval is not None else ""
    others = [run.experiment.letter for run in _others(facts)]
    instead = f" `/solve approve {others[0]}` opens it with {others[0]} instead." if others else ""
    return (
        f"Somebody with write permission says `/solve approve`, which opens the pull request with {_letter(facts)}."
        f"{instead} `/solve reject` and why ends it.{until}"
    )


def diffs(facts: SolveFacts) -> list[str]:
    """What would be published, and what could be instead, folded; never a part of a line."""
    champion = [run for run in (facts.champion,) if run is not None]
    shown = [_diff(run, MOST_SHOWN) for run in champion]
    return shown + [_diff(run, MOST_OF_OTHERS) for run in _others(facts)[:MOST_OTHERS]]


def _diff(run: RunFacts, most: int) -> str:
    assert run.candidate is not None
    changes, patch = run.candidate.changes, run.candidate.patch
    added, removed = sum(change.added for change in changes), sum(change.removed for change in changes)
    size = f"{count(len(changes), 'file')}, +{added:,} −{removed:,}"
    lines = patch.splitlines()
    kept = _beginning(lines, most)
    cut = f"\n\n{count(len(lines) - kept, 'line')} more, which did not fit here." if kept < len(lines) else ""
    unseen = len(patch.replace("\r\n", "\n").replace("\r", "\n")) - len(visible(patch))
    hidden = f"\n\nIt holds {count(unseen, 'character')} that nobody sees, left out here." if unseen else ""
    shown = block("\n".join(lines[:kept]), "diff", most + 1)
    return details(f"The change of candidate {run.experiment.letter}: {size}", shown + cut + hidden)


def _beginning(lines: list[str], most: int) -> int:
    """How many lines there is room for."""
    room = most
    for number, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            return number
    return len(lines)


def _others(facts: SolveFacts) -> list[RunFacts]:
    """All that could be published instead of the champion."""
    found = (with_patch(facts, run.experiment.index) for run in facts.runs)
    champion = facts.champion.id if facts.champion else None
    return [run for run in found if isinstance(run, RunFacts) and run.id != champion]


def _letter(facts: SolveFacts) -> str:
    return facts.champion.experiment.letter if facts.champion else "?"


def _day(approval: Approval) -> str:
    """28 November 2026"""
    return f"{approval.expires_at:%d %B %Y}".lstrip("0")


# ------------------------------------------------------------------------------------------------------------ replies


def nothing_to_answer(facts: CleanFacts | None, why: No) -> str:
    if why is No.ANSWERED and facts is not None and facts.approval is not None and not facts.approval.is_waiting:
        return answered_already(facts.approval)
    return "Nothing waits for approval here. `/solve status` says how far it is."


def answered_already(approval: Approval) -> str:
    match approval.standing:
        case Standing.APPROVED:
            return f"{harmless(approval.by)} approved it already; the status comment says what came of it."
        case Standing.REJECTED:
            return f"{harmless(approval.by)} rejected it already. `/solve retry` tries again."
        case _:
            return "Nobody answered in time, so it is over. `/solve retry` tries again."


def not_approvable(facts: CleanFacts | None, number: int | None, why: Barred | No) -> str:
    if isinstance(why, Barred):
        return f"{why.run.experiment.letter} cannot be published, whoever asks: it {objection(why.failure)}."
    letters = [run.experiment.letter for run in _others(facts)] if facts is not None else []
    champion = _letter(facts) if facts is not None else "?"
    return (
        f"There is no candidate {letter(number or 0)} with a patch. "
        f"You can approve {listed([champion, *letters], len(letters) + 1)}."
    )


def approved_by(facts: SolveFacts) -> str:
    """For the pull request; "" where nobody had to."""
    approval = facts.approval
    if approval is None or approval.standing is not Standing.APPROVED:
        return ""
    return f"approved by {harmless(approval.by)}"


def use_approve_instead(number: int) -> str:
    return f"Nothing is published yet: it waits for approval. {code(f'/solve approve {letter(number)}')} publishes it."
