"""The scoreboard: what was observed about each candidate, in the status comment and in the pull request alike."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.choosing.phrases import OBJECTIONS
from bot.core.model import (
    Baseline,
    Consulted,
    Evidence,
    ExitStatus,
    Gate,
    RunFacts,
    SolveFacts,
    Status,
    Usage,
)
from bot.core.render import failure_reasons
from bot.core.render.candidate_matrix import UNSEEN, columns, in_pool, likely
from bot.core.render.failure_reasons import last_lines
from bot.core.render.text import block, code, count, details, dollars, duration, harmless, listed, table

_ENDINGS = {
    ExitStatus.SUBMITTED: "finished",
    ExitStatus.STEPS: "ran out of steps",
    ExitStatus.DOLLARS: "ran out of budget",
    ExitStatus.TIME: "ran out of time",
    ExitStatus.FORMAT: "stopped: unreadable answers",
    ExitStatus.REFUSED: "stopped: the model refused",
    ExitStatus.MODEL: "stopped: the model failed",
    ExitStatus.SANDBOX: "stopped: the sandbox was lost",
}


def attempts_made(facts: SolveFacts) -> str:
    """3 attempts; 6 attempts in 2 rounds"""
    begun = [run.experiment.round for run in facts.runs if run.was_begun]
    rounds = max(begun, default=1)
    return count(len(begun), "attempt") + (f" in {rounds} rounds" if rounds > 1 else "")


def runs_table(facts: SolveFacts) -> str:
    """While they work: one row per run."""
    rows = [
        (
            f"**{run.experiment.letter}**",
            code(run.experiment.model.name) + _temperature(run),
            run.experiment.strategy.value,
            str(run.steps),
            dollars(run.dollars),
            run_state(run),
        )
        for run in facts.runs
    ]
    return table(("", "model", "strategy", "steps", "cost", "state"), rows)


def scoreboard(facts: SolveFacts) -> str:
    """After the decision: one row per candidate, best first; a column for each group of tests that all were run on."""
    places = facts.decision.ranking if facts.decision else ()
    pooled = columns(facts)
    rows = []
    for ranked in places:
        run = facts.run(ranked.run)
        if run is None:
            continue
        evidence = run.evidence or Evidence(run.id)
        rows.append(
            (
                f"**{run.experiment.letter}**",
                code(run.experiment.model.name) + _temperature(run) + f" {run.experiment.strategy.value}",
                stable_tests(evidence),
                own_tests(evidence),
                reproduction(evidence),
                *(column.cell(run.id) for column in pooled),
                agreement(evidence, facts),
                size(evidence),
                UNSEEN if facts.solve.revises else likely(ranked.confidence),  # what is measured are answers to issues
                f"**{ranked.verdict}**" if ranked.run == facts.decision.champion else ranked.verdict,  # type: ignore[union-attr]
            )
        )
    heads = ("", "model, strategy", "stable tests", "its own tests", "repro", *(column.head for column in pooled))
    return table(*_told((*heads, "agrees with", "size", "likely right", "verdict"), rows))


def _told(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Sequence[str], list[list[str]]]:
    """Without the columns in which there is nothing about anybody: phones are narrow."""
    kept = [n for n in range(len(heads)) if not rows or any(row[n] != UNSEEN for row in rows)]
    return [heads[n] for n in kept], [[row[n] for n in kept] for row in rows]


def receipt(facts: SolveFacts) -> str:
    """Dollars, tokens and time per run, and of whoever else was asked; then what was saved.

    The total is the ledger's.
    """
    rows = [_beside("set-up", facts.setup_agent)] if facts.setup_agent else []
    rows += [
        _paid(f"**{run.experiment.letter}**", code(run.experiment.model.name), run)
        for run in facts.runs
        if run.was_begun
    ]
    rows += [_beside("tests from the issue", facts.issue_tests.cost)] if facts.issue_tests else []
    rows += [_beside("comparing", facts.compared.cost)] if facts.compared else []
    paid: list[RunFacts | Consulted | Consulted] = [*facts.beside_runs, *facts.runs]
    usage = sum((each.usage for each in paid), Usage())
    steps = sum(each.steps for each in paid)
    rows.append(("", "**total**", str(steps), _tokens(usage), "", f"**{dollars(facts.dollars)}**"))
    paid_for = table(("", "model", "steps", "tokens in / out", "time", "cost"), rows)
    return "\n\n".join(filter(None, (paid_for, harmless(failure_reasons.spared(facts)))))


def _beside(what: str, by: Consulted | Consulted) -> tuple[str, ...]:
    return _paid("", f"{what}: {code(by.model)}", by)


def _paid(letter: str, what: str, by: RunFacts | Consulted | Consulted) -> tuple[str, ...]:
    return (letter, what, str(by.steps), _tokens(by.usage), duration(by.seconds), dollars(by.dollars))


def _tokens(usage: Usage) -> str:
    return f"{usage.input_tokens:,} / {usage.output_tokens:,}"


def others(facts: SolveFacts) -> str:
    """What the other candidates did, so that nobody has to believe the verdicts: findings and patch of each, folded."""
    parts = []
    for run in facts.runs:
        if facts.champion is not None and run.id == facts.champion.id:
            continue
        found = findings(run, facts)
        if found:
            parts.append(details(f"Candidate {run.experiment.letter} ({run.experiment.model.name})", found))
    return "\n\n".join(parts)


def findings(run: RunFacts, facts: SolveFacts) -> str:
    """Everything that was observed about one candidate; "" when there is nothing to tell."""
    evidence = run.evidence
    if evidence is None:
        return harmless(run.error)
    lines = [f"- {harmless(run.error, 500)}"] if run.error else []
    lines += [f"- out: it {OBJECTIONS[item.gate]} {code(item.detail)}".rstrip() for item in evidence.gate_failures]
    if evidence.regressions:
        lines.append(f"- no longer pass: {listed(evidence.regressions, 10)}")
    if evidence.fixed:
        lines.append(f"- pass now: {listed(evidence.fixed, 10)}")
    if evidence.test_files:
        lines.append(
            f"- its tests, before and after its change: {own_tests(evidence)} ({listed(evidence.test_files, 10)})"
        )
    if met := in_pool(run, facts):
        lines.append(f"- {met}")
    lines += [f"- {harmless(text, 500)}" for text in (evidence.problem, *evidence.notes) if text]
    parts = ["\n".join(lines)] if lines else []
    if run.candidate is not None and run.candidate.patch and not _holds_a_secret(evidence):
        parts.append(block(run.candidate.patch, "diff", 4000))
    return "\n\n".join(parts)


def _holds_a_secret(evidence: Evidence) -> bool:
    return any(failure.gate is Gate.SECRET for failure in evidence.gate_failures)


def run_state(run: RunFacts) -> str:
    match run.status:
        case Status.PENDING:
            return "waiting"
        case Status.RUNNING:
            return f"working: {code(_beginning(run.last_command))}" if run.last_command else "working"
        case Status.CANCELLED:
            return "cancelled" if run.was_begun else "not begun"
        case Status.FAILED:
            return _ENDINGS.get(run.exit_status, "failed") if run.exit_status else "failed"
        case Status.COMPLETED:
            ending = _ENDINGS[run.exit_status] if run.exit_status else "finished"
            if run.candidate is not None and not run.candidate.changes:
                return f"{ending}, without a change"
            return ending


def stable_tests(evidence: Evidence) -> str:
    if not evidence.stable_total:
        return UNSEEN
    kept = f"{evidence.stable_passed} of {evidence.stable_total}"
    return kept if not evidence.regressions else f"{kept}, **{len(evidence.regressions)} broken**"


def own_tests(evidence: Evidence) -> str:
    if not evidence.test_files:
        return "none"
    seen = {True: "pass", False: "fail", None: "not run"}
    return f"{seen[evidence.own_tests_on_base]} → {seen[evidence.own_tests_on_candidate]}"


def reproduction(evidence: Evidence) -> str:
    if evidence.repro_before is None:
        return UNSEEN
    after = UNSEEN if evidence.repro_after is None else str(evidence.repro_after)
    return f"exit {evidence.repro_before} → {after}"


def agreement(evidence: Evidence, facts: SolveFacts) -> str:
    letters = [run.experiment.letter for run in facts.runs if run.id in evidence.agrees_with]
    return ", ".join(letters) if letters else UNSEEN


def size(evidence: Evidence) -> str:
    if not evidence.files_changed:
        return UNSEEN
    return f"{count(evidence.files_changed, 'file')}, {count(evidence.lines_changed, 'line')}"


def baseline_sentence(baseline: Baseline) -> str:
    if baseline.command is None:
        return f"No way to run tests was found. {harmless(baseline.note)}".rstrip()
    unit = "test" if baseline.per_test else "test command"
    parts = [f"{count(len(baseline.stable), unit)} always passed before the change"]
    if baseline.failing:
        parts.append(f"{len(baseline.failing)} always failed")
    if baseline.flaky:
        parts.append(f"{len(baseline.flaky)} flaky, not counted")
    sentence = "; ".join(parts) + f" ({code(baseline.command)})."
    said = last_lines(baseline.tail, 2)
    return f"{sentence} They said: {code(said)}" if said and not baseline.stable else sentence


def _beginning(command: str, length: int = 60) -> str:
    """The first line, cut where it gets too long for a table."""
    line = command.strip().partition("\n")[0]
    return line if line == command.strip() and len(line) <= length else f"{line[:length].rstrip()} …"


def _temperature(run: RunFacts) -> str:
    return f" at {run.experiment.temperature:g}" if run.experiment.temperature is not None else ""
