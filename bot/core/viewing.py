"""From what is stored about a solve to what is shown of it. Pure, and the same for the API, pages and terminals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from bot.core.candidate.similarity import case_of
from bot.core.choosing.comparing import beside_of
from bot.core.choosing.odds import Terms, weigh
from bot.core.conversation import Turn
from bot.core.model import Candidate, Fate, RunFacts, RunId, SolveFacts
from bot.core.solve_status import phase
from bot.core.text.outgoing import CleanFacts
from bot.core.views import (
    DecisionView,
    EnvironmentView,
    RunDetail,
    RunView,
    SolveDetail,
    SolveSummary,
    Term,
    TestRow,
    Weighed,
)


def summary(facts: CleanFacts, fate: Fate | None = None) -> SolveSummary:
    pull, issue = facts.pull_request, facts.solve.issue
    champion = facts.champion
    return SolveSummary(
        id=facts.id,
        repo=issue.repo,
        issue=issue.number,
        title=facts.solve.issue_title,
        status=facts.status,
        trigger=facts.solve.trigger.kind,
        requested_by=facts.solve.trigger.by.login,
        created_at=facts.solve.created_at,
        started_at=facts.started_at,
        completed_at=facts.completed_at,
        dollars=facts.dollars,
        runs=len(facts.runs),
        runs_over=sum(run.status.is_over for run in facts.runs),
        champion=champion.experiment.letter if champion else "",
        pull_number=pull.number if pull else None,
        pull_url=pull.url if pull else "",
        fate=fate,
        error=facts.error,
        revises=facts.solve.revises,
    )


def detail(facts: CleanFacts, fate: Fate | None = None) -> SolveDetail:
    task, limits, pull = facts.task, facts.limits, facts.pull_request
    return SolveDetail(
        summary=summary(facts, fate),
        phase=phase(facts),
        body=facts.solve.issue_body,
        base_branch=task.base_branch if task else "",
        base_sha=task.base_sha if task else "",
        digest=task.digest if task else "",
        private=task.private if task else False,
        most_dollars=limits.dollars if limits else 0.0,
        most_minutes=limits.minutes if limits else 0.0,
        environment=_environment(facts),
        runs=tuple(run_view(facts, run) for run in facts.runs),
        tests=tests(facts),
        decision=decision_view(facts),
        branch=pull.branch if pull else "",
        is_draft=pull.draft if pull else False,
        incident=facts.incident,
        ended_by=facts.ended_by,
        notes=facts.notes,
        left_out=task.left_out if task else (),
        asked=facts.solve.asked,
    )


def _environment(facts: SolveFacts) -> EnvironmentView | None:
    chain, baseline = facts.toolchain, facts.baseline
    if chain is None or baseline is None:
        return None
    return EnvironmentView(
        setup=chain.setup,
        test=chain.test or "",
        why=chain.why,
        ecosystem=chain.ecosystem,
        notes=chain.notes,
        stable=len(baseline.stable),
        failing=len(baseline.failing),
        flaky=baseline.flaky,
        repro=baseline.repro or "",
        note=baseline.note,
        tried=baseline.tried,
    )


def run_view(facts: SolveFacts, run: RunFacts) -> RunView:
    candidate, experiment = run.candidate, run.experiment
    ranking = facts.decision.ranking if facts.decision else ()
    ranked = next((each for each in ranking if each.run == run.id), None)
    return RunView(
        id=run.id,
        letter=experiment.letter,
        model=experiment.model.name,
        strategy=experiment.strategy,
        temperature=experiment.temperature,
        round=experiment.round,
        status=run.status,
        steps=run.steps,
        most_steps=experiment.steps,
        dollars=run.dollars,
        most_dollars=experiment.dollars,
        seconds=run.seconds,
        tokens=run.usage.total,
        exit_status=run.exit_status,
        error=run.error,
        last_command=run.last_command,
        files_changed=len(candidate.changes) if candidate else 0,
        lines_changed=candidate.lines_changed if candidate else 0,
        has_patch=bool(candidate and candidate.patch),
        is_champion=bool(facts.decision and facts.decision.champion == run.id),
        place=ranked.place if ranked else None,
        verdict=ranked.verdict if ranked else "",
        chance=ranked.confidence if ranked else 0.0,
        started_at=run.started_at,
        completed_at=run.completed_at,
    )


def run_detail(facts: CleanFacts, run: RunFacts, conversation: tuple[Turn, ...]) -> RunDetail:
    """`run`: one of `facts`. The champion's patch is as it is published."""
    champion = facts.champion
    shown = champion if champion is not None and champion.id == run.id else run
    candidate = shown.candidate or Candidate(run.id, "", ())
    return RunDetail(
        solve=facts.id,
        run=run_view(facts, run),
        patch=candidate.patch,
        changes=candidate.changes,
        dropped=candidate.dropped,
        summary=candidate.summary,
        scripts=candidate.scripts,
        evidence=run.evidence,
        conversation=conversation,
    )


def run_by_letter(facts: SolveFacts, letter: str) -> RunFacts | None:
    return next((run for run in facts.runs if run.experiment.letter == letter.upper()), None)


def tests(facts: SolveFacts) -> tuple[TestRow, ...]:
    letters = _letters(facts)

    def called(runs: tuple[RunId, ...]) -> tuple[str, ...]:
        return tuple(sorted(letters[run] for run in runs if run in letters))

    return tuple(
        TestRow(
            test.name,
            test.origin,
            test.group,
            letters.get(test.author, "") if test.author else "",
            called(test.passed_by),
            called(test.failed_by),
        )
        for test in facts.pool
    )


def decision_view(facts: SolveFacts) -> DecisionView | None:
    """What was decided, with the terms computed again from the evidence: they are not stored."""
    decision, letters = facts.decision, _letters(facts)
    if decision is None:
        return None
    terms = _terms(facts)
    return DecisionView(
        outcome=decision.outcome,
        champion=letters.get(decision.champion, "") if decision.champion else "",
        runner_up=letters.get(decision.runner_up, "") if decision.runner_up else "",
        chance=decision.confidence,
        reasons=decision.reasons,
        others=decision.others,
        uncertain=decision.uncertain,
        chosen_by=decision.chosen_by,
        candidates=tuple(
            Weighed(
                letters[each.run],
                each.place,
                each.verdict,
                each.eligible,
                each.confidence,
                _shown(terms.get(each.run)),
                round(terms[each.run].total, 3) if each.run in terms else 0.0,
            )
            for each in decision.ranking
            if each.run in letters
        ),
    )


def _terms(facts: SolveFacts) -> Mapping[RunId, Terms]:
    if facts.baseline is None:
        return {}
    _, judged = weigh(case_of(facts), facts.pool, beside_of(facts))
    return {run: each.terms for run, each in judged.items()}


def _shown(terms: Terms | None) -> tuple[Term, ...]:
    if terms is None:
        return ()
    found = ((field.name, round(getattr(terms, field.name), 3)) for field in fields(terms))
    return tuple(Term(name, value) for name, value in found if value)


def _letters(facts: SolveFacts) -> Mapping[RunId, str]:
    return {run.id: run.experiment.letter for run in facts.runs}
