"""Tables for the terminal: the matrix of runs while they work, the decision, the catalogue of models.

They fit into 80 columns without losing a word: what is too long goes on in the next line. Only the last column of the
matrix, which changes all the time, is cut.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.core.choosing.outcomes import tally, with_record
from bot.core.choosing.phrases import OBJECTIONS
from bot.core.model import Evidence, Fared, ModelSpec, Published, RunFacts, SolveFacts, Status
from bot.core.render.evidence import agreement, own_tests, size, stable_tests
from bot.core.render.text import dollars
from bot.core.text.cleaning import visible
from bot.core.trigger.budgets import Spent

PIPED = 1000  # columns where no terminal is: whoever reads a pipe wants whole lines

_COLOURS = {
    Status.PENDING: "dim",
    Status.RUNNING: "cyan",
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "yellow",
}


def console(*, stderr: bool = False, piped: int = PIPED) -> Console:
    """As wide as its terminal; `piped` columns where there is none."""
    found = Console(stderr=stderr)
    return found if found.is_terminal else Console(stderr=stderr, width=piped)


def matrix(facts: SolveFacts | None) -> Table:
    """A line for each run: what it is doing, then what was seen of its candidate."""
    table = _table("", "model", "strategy", "state", "steps", "cost")
    table.add_column("last command, then evidence", no_wrap=True, overflow="ellipsis", ratio=1)
    table.expand = True
    for run in facts.runs if facts else ():
        table.add_row(
            run.experiment.letter,
            escape(run.experiment.model.name),
            run.experiment.strategy.value,
            f"[{_COLOURS[run.status]}]{state(run)}[/]",
            str(run.steps),
            dollars(run.dollars),
            escape(seen(run.evidence) if run.evidence else " ".join(visible(run.last_command).split())),
        )
    return table


def state(run: RunFacts) -> str:
    """What is going on with it, judging included, for which a run has no status of its own."""
    if run.status is not Status.COMPLETED:
        return run.status.value
    return "judged" if run.evidence else "judging"


def seen(evidence: Evidence) -> str:
    """The evidence in a few words: what it fails at once, or its tests."""
    if evidence.gate_failures:
        return f"out: it {OBJECTIONS[evidence.gate_failures[0].gate]}"
    return f"{_plain(stable_tests(evidence))}; own: {own_tests(evidence)}"


def decision(facts: SolveFacts) -> Table:
    table = _table("", "model", "stable tests", "own tests", "agrees", "size", "cost", "verdict")
    table.title = "the decision (own tests: without → with the change)"
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
        escape(run.experiment.model.name),
        *map(_plain, shown),
        dollars(run.dollars),
        f"[bold green]{verdict}[/]" if champion else verdict,
    )


def catalogue(models: Sequence[ModelSpec]) -> Table:
    """Prices are dollars per million tokens."""
    table = _table("name", "provider", "model", "input", "output", "prior", "active", gap=1)
    for spec in models:
        prices = (f"{spec.prices.input:g}", f"{spec.prices.output:g}") if spec.prices else ("?", "?")
        table.add_row(
            escape(spec.name),
            escape(spec.provider),
            escape(spec.model_id),
            *prices,
            f"{spec.prior:.2f}",
            "yes" if spec.is_active else "no",
        )
    return table


def published(shares: Sequence[Published], models: Sequence[ModelSpec]) -> Table:
    """Shares of SWE-bench Verified, best first; those of models that are not in the catalogue as well."""
    table = _table("share", "model", "per issue", "listed", "by")
    table.title = "published: share of SWE-bench Verified that one agent resolved"
    table.title_justify = "left"
    known = {spec.name.casefold() for spec in models}
    for each in sorted(shares, key=lambda each: -each.share):
        table.add_row(
            f"{each.share:.3f}",
            escape(each.model),
            "?" if each.dollars is None else f"${each.dollars:.2f}",
            "yes" if each.model.casefold() in known else "no",
            escape(f"{each.by}, {each.on}"),
        )
    return table


def record(models: Sequence[ModelSpec], fared: Sequence[Fared]) -> Table:
    """One row for each model, strategy and repository; the last column is the prior of the whole model."""
    table = _table("model", "strategy", "repository", "merged", "changed", "closed", "reverted", "prior", gap=1)
    priors = {model.name: model.prior for model in with_record(models, fared)}
    for model, strategy, repository in sorted({(each.model, each.strategy, each.repository) for each in fared}):
        of = [each for each in fared if (each.model, each.strategy, each.repository) == (model, strategy, repository)]
        seen = tally(of)
        counts = (seen.merged, seen.changed, seen.closed, seen.reverted)
        prior = f"{priors[model]:.2f}" if model in priors else "?"
        table.add_row(escape(model), strategy.value, escape(repository), *map(str, counts), prior)
    return table


def spending(spent: Sequence[Spent]) -> Table:
    """One row for each budget; of repositories and people the one that has the least left."""
    table = _table("whose", "period", "spent or set aside", "of")
    for each in spent:
        table.add_row(each.budget.whose, each.budget.period, f"${each.dollars:.2f}", f"${each.budget.dollars:.2f}")
    return table


def _table(*columns: str, gap: int = 2) -> Table:
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading, overflow="fold")
    return table


def _plain(markdown: str) -> str:
    return markdown.replace("**", "")


def plain_line(markdown: str) -> str:
    """One line of ours without what only Markdown needs."""
    unescaped = re.sub(r"\\([^\w\s])", r"\1", markdown.replace("**", "").replace("\u200b", ""))
    return visible(html.unescape(unescaped))
