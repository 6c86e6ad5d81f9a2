"""A solve and its runs as they are stored, for what is made of them: comments, pull requests, tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.core.model import (
    Baseline,
    Candidate,
    ChangeKind,
    Decision,
    Evidence,
    ExitStatus,
    Experiment,
    FileChange,
    IssueRef,
    Limits,
    ModelSpec,
    Outcome,
    Person,
    PullRequest,
    Ranked,
    Repo,
    RepoConfig,
    RunFacts,
    RunId,
    Sha,
    Solve,
    SolveFacts,
    SolveId,
    SolveOptions,
    Status,
    Strategy,
    Task,
    Trigger,
    TriggerKind,
    Usage,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def solve(title: str = "It breaks") -> Solve:
    issue = IssueRef(Repo(1, 2, "octo/greet"), 7)
    trigger = Trigger(TriggerKind.LABEL, "l1", Person("ann", 42), NOW)
    return Solve(SolveId("s-2-7-l1"), issue, title, "body", trigger, SolveOptions(), NOW)


def run(index: int, **changes: object) -> RunFacts:
    experiment = Experiment(index, ModelSpec(f"m{index}", "p", "p/m"), None, Strategy.BASELINE, 10, 1.0)
    id = RunId(f"s-2-7-l1-r{index}")
    change = FileChange("src/a.py", ChangeKind.MODIFIED, "100644", "100644", Sha("0" * 40), 10, 3, 1)
    facts = RunFacts(
        id,
        SolveId("s-2-7-l1"),
        experiment,
        Status.COMPLETED,
        steps=4,
        dollars=0.01 * index,
        usage=Usage(1000, 100),
        seconds=61,
        exit_status=ExitStatus.SUBMITTED,
        candidate=Candidate(id, "diff", (change,), summary="Because."),
        evidence=Evidence(id, stable_passed=5, stable_total=5, files_changed=1, lines_changed=4),
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def decided(outcome: Outcome = Outcome.READY) -> SolveFacts:
    a, b = run(1), run(2)
    champion = a.id if outcome is not Outcome.NONE else None
    decision = Decision(
        outcome,
        champion,
        b.id if champion else None,
        (Ranked(a.id, 1, "champion" if champion else "empty", True), Ranked(b.id, 2, "breaks 1 test", False)),
        ("It keeps all 5 stable tests.",),
        ("Nobody else made the same change.",),
    )
    task = Task("It breaks", "body", (), "main", Sha("a" * 40), RepoConfig(), SolveOptions(), "d" * 64)
    pull = PullRequest(9, "https://x", "solvebot/7-it-breaks", Sha("b" * 40), False, True) if champion else None
    return SolveFacts(
        solve(),
        Status.COMPLETED,
        task=task,
        limits=Limits(),
        baseline=Baseline("pytest -q", True, ("t1", "t2", "t3", "t4", "t5"), flaky=("t6",)),
        runs=(a, b),
        decision=decision,
        pull_request=pull,
    )
