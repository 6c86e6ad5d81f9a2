"""The one comment of a batch: a table of what became of each issue, brought up to date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.core.ids import SolveId
from bot.core.model import Status
from bot.core.render.text import count, dollars, fitted, harmless, table
from bot.core.solve_status import Phase, phase
from bot.core.text.outgoing import CleanFacts
from bot.core.trigger.batches import MOST_ISSUES, Batch, Entry


def batch_marker(id: str) -> str:
    return f"<!-- solvebot batch={id} -->"


def batch_comment(batch: Batch, facts: Mapping[SolveId, CleanFacts]) -> str:
    """A solve that is forgotten meanwhile keeps its line."""
    rows = [_row(entry, facts.get(entry.solve) if entry.solve else None) for entry in batch.entries]
    spent = sum(each.dollars for each in facts.values())
    most = f" of ${batch.dollars:.2f}" if batch.dollars is not None else ""
    body = [
        _headline(batch, facts),
        table(("issue", "state", "cost"), rows),
        *_left_out(batch),
        f"<sub>asked for by {harmless(batch.by)} · {dollars(spent)}{most} spent · each issue has a status comment of "
        "its own, and `/solve cancel` there stops it</sub>",
    ]
    return fitted("\n\n".join(body), batch_marker(batch.id))


def _left_out(batch: Batch) -> Iterator[str]:
    if batch.left_out:
        numbers = " ".join(f"#{number}" for number in batch.left_out)
        yield f"At most {MOST_ISSUES} issues are taken at once. `/solve {numbers}` takes the next ones."


def _headline(batch: Batch, facts: Mapping[SolveId, CleanFacts]) -> str:
    begun = [entry.solve for entry in batch.entries if entry.solve is not None]
    refused = len(batch.entries) - len(begun)
    not_begun = f" {count(refused, 'issue')} could not be started." if refused else ""
    if not begun:
        return f"🙅 Nothing was started.{not_begun}"
    over = sum(solve not in facts or facts[solve].status.is_over for solve in begun)
    if over < len(begun):
        return f"🧺 {over} of {count(len(begun), 'solve')} are over.{not_begun}"
    opened = sum(_is_published(facts[solve]) for solve in begun if solve in facts)
    return f"🧺 All is over: {count(opened, 'pull request')} for {count(len(batch.entries), 'issue')}.{not_begun}"


def _is_published(facts: CleanFacts) -> bool:
    return facts.status is Status.COMPLETED and facts.pull_request is not None


def _row(entry: Entry, facts: CleanFacts | None) -> tuple[str, str, str]:
    issue = f"#{entry.number}"
    if entry.refusal:
        return issue, f"not started: {entry.refusal}".replace("|", "¦"), ""
    if facts is None:
        return issue, "forgotten", ""
    return issue, _state(facts), dollars(facts.dollars)


def _state(facts: CleanFacts) -> str:
    now = phase(facts)
    match now:
        case Phase.PUBLISHED if facts.pull_request is not None and facts.pull_request.number:
            return f"{'draft' if facts.pull_request.draft else 'pull request'} #{facts.pull_request.number}"
        case Phase.FAILED:
            return f"failed: {harmless(facts.error, 200)}".replace("|", "¦")
        case Phase.CANCELLED:
            return f"cancelled: {harmless(facts.ended_by, 200) or 'stopped'}".replace("|", "¦")
        case _:
            return now.value
