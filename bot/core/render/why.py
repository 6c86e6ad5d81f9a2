"""The answer to `/solve why`: what changed a place, what was run after, and what was seen of the whole change."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.choosing.why import No, Place, Step, Why
from bot.core.model import SolveFacts
from bot.core.render.evidence import attempts_made
from bot.core.render.revision import what_was_run
from bot.core.render.text import block, code, count, listed
from bot.core.text.outgoing import CleanFacts

MOST_SHOWN = 5  # commands that were run after


def because(why: Why, facts: CleanFacts) -> str:
    """`why` is made of the same clean facts, and of a trajectory that was cleaned when it was stored."""
    run, place = why.run, why.place
    where = f"Line {place.line} of {code(place.path)}" if place.line is not None else code(place.path)
    author = f"candidate **{run.experiment.letter}** ({code(run.experiment.model.name)})"
    parts = [f"{where} was changed by {author}, chosen from {attempts_made(facts)}."]
    if why.hunk:
        parts.append(block(why.hunk.rstrip("\n"), "diff", 3000))
    parts.append("\n".join([*_by(why), *_after(why), f"- On the whole change: {_sentence(facts)}"]))
    return "\n\n".join(parts)


def _by(why: Why) -> list[str]:
    step = why.changed_by
    if step is None and why.steps == 0:
        return ["- No steps are kept of this run, so I cannot say which one changed it."]
    if step is None:
        return [f"- None of its {count(why.steps, 'command')} names the file and writes, so I cannot say which did."]
    before = f", after {count(why.earlier, 'earlier change')} of the file" if why.earlier else ""
    return [f"- Step {step.number} changed it{before}: {_ran(step)}."]


def _after(why: Why) -> list[str]:
    if why.changed_by is None:
        return []
    if not why.after:
        return ["- After that the run executed nothing more."]
    more = len(why.after) - MOST_SHOWN
    rest = [f"  - and {count(more, 'command')} more"] if more > 0 else []
    return ["- After that it ran:", *(f"  - {_ran(step)}" for step in why.after[:MOST_SHOWN]), *rest]


def _ran(step: Step) -> str:
    end = "did not end" if step.exit_code is None else f"exit code {step.exit_code}"
    return f"{code(step.command, 160)} ({end})"


def _sentence(facts: SolveFacts) -> str:
    said = what_was_run(facts.champion)
    return said[0].lower() + said[1:]


def cannot_say(why: No, place: Place, facts: Sequence[CleanFacts]) -> str:
    changed = list(
        dict.fromkeys(
            change.path
            for each in facts
            if each.champion is not None and each.champion.candidate is not None
            for change in each.champion.candidate.changes
        )
    )
    match why:
        case No.NO_DECISION:
            return "Nothing was chosen here yet, so there is no change to explain. `/solve status` says how far it is."
        case No.NOT_CHANGED:
            return f"{_asked(place)} is not part of the change, or not clearly. It changes {listed(changed, 10)}."
        case No.LINE_NOT_CHANGED:
            return (
                f"Line {place.line} of {_asked(place)} is as it was before. "
                f"{code(f'/solve why {place.path}')} tells about the file."
            )


def _asked(place: Place) -> str:
    return code(place.path) or "That"
