"""Tables for the terminal: the matrix of runs while they work, and the decision."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from bot.core.cleaning import visible
from bot.core.model import RunFacts, SolveFacts, Status
from bot.core.render.evidence import agreement, own_tests, size, stable_tests
from bot.core.render.text import dollars

_COLOURS = {
    Status.PENDING: "dim",
    Status.RUNNING: "cyan",
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "yellow",
}


def matrix(facts: SolveFacts | None) -> Table:
    table = Table("", "model", "strategy", "state", "steps", "cost", "last command", title="runs", expand=True)
    for run in facts.runs if facts else ():
        table.add_row(
            run.experiment.letter,
            run.experiment.model.name,
            run.experiment.strategy.value,
            f"[{_COLOURS[run.status]}]{run.status.value}[/]",
            str(run.steps),
            dollars(run.dollars),
            escape(visible(run.last_command)[:50]),
        )
    return table


def decision(facts: SolveFacts) -> Table:
    table = Table(
        "", "model", "stable tests kept", "own tests: before → after", "agrees", "size", "steps", "cost", "verdict",
        title="the decision", expand=True,
    )  # fmt: skip
    for ranked in facts.decision.ranking if facts.decision else ():
        run = facts.run(ranked.run)
        if run is not None:
            table.add_row(*_decision_row(run, facts, ranked.verdict))
    return table


def _decision_row(run: RunFacts, facts: SolveFacts, verdict: str) -> tuple[str, ...]:
    champion = facts.decision is not None and facts.decision.champion == run.id
    seen = run.evidence
    shown = (stable_tests(seen), own_tests(seen), agreement(seen, facts), size(seen)) if seen else ("", "", "", "")
    return (
        run.experiment.letter,
        run.experiment.model.name,
        *(text.replace("**", "") for text in shown),
        str(run.steps),
        dollars(run.dollars),
        f"[bold green]{verdict}[/]" if champion else verdict,
    )
