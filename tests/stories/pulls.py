"""A pull request of the bot's that is there already: for stories that begin where a solve has ended."""

from __future__ import annotations

from collections.abc import Mapping
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
    Outcome,
    Person,
    PullRequest,
    Ranked,
    Repo,
    RepoConfig,
    SandboxId,
    Sha,
    Solve,
    SolveOptions,
    Status,
    Strategy,
    Task,
    Toolchain,
    Trigger,
    TriggerKind,
    Usage,
    run_id,
    solve_id,
)
from bot.ports import Store
from bot.simulators.github import GitHubSimulator, SimIssue, SimRepository
from tests.stories.world import MAINTAINER, spec

HELLO_WORLD: Mapping[str, str] = {
    "greet.sh": 'echo "hello ${1:-world}"\n',
    "tests/test_default.sh": 'test "$(sh greet.sh)" = "hello world"\n',
}
PATCH = """diff --git a/greet.sh b/greet.sh
--- a/greet.sh
+++ b/greet.sh
@@ -1 +1 @@
-echo "hello $1"
+echo "hello ${1:-world}"
"""
DOLLARS = 0.01


async def a_pull(
    github: GitHubSimulator, repo: SimRepository, store: Store, files: Mapping[str, str] = HELLO_WORLD
) -> SimIssue:
    """As a solve leaves it: the branch, the pull request, and all that is stored about it."""
    issue = await repo.open_issue("No name, no greeting", "It should greet the world.", by="sam")
    base = repo.branch_sha("main")
    assert base is not None
    branch = f"solvebot/{issue.number}-no-name"
    head = await repo.commit(branch, files, "Fix: no name", by=github.app.bot.login)
    pull = await repo.open_pull(
        "Fix: No name, no greeting", head=branch, body=f"Fixes #{issue.number}", by=github.app.bot.login
    )
    await _remember(store, _solve(repo, issue), Sha(base), _pull_request(github, pull, branch, Sha(head)))
    return pull


def _solve(repo: SimRepository, issue: SimIssue) -> Solve:
    at = datetime.now(UTC)
    ref = IssueRef(Repo(repo.installation.id, repo.id, repo.name), issue.number)
    trigger = Trigger(TriggerKind.LABEL, "l1", Person(MAINTAINER, 42), at)
    return Solve(solve_id(ref, "l1"), ref, issue.title, issue.body, trigger, SolveOptions(), at)


def _pull_request(github: GitHubSimulator, pull: SimIssue, branch: str, head: Sha) -> PullRequest:
    url = f"{github.url}/{pull.repo.name}/pull/{pull.number}"
    return PullRequest(pull.number, url, branch, head, draft=False, verified=True)


async def _remember(store: Store, solve: Solve, base: Sha, pull: PullRequest) -> None:
    id, at = solve.id, solve.created_at
    run = run_id(id, 1)
    task = Task(solve.issue_title, solve.issue_body, (), "main", base, RepoConfig(), SolveOptions(), "d" * 64)
    change = FileChange("greet.sh", ChangeKind.MODIFIED, "100644", "100644", None, 30, 1, 1)
    await store.accept(solve)
    await store.frozen(id, task, at)
    await store.planned(id, [Experiment(1, spec("fixer"), None, Strategy.BASELINE, 10, 1.0)], Limits())
    toolchain = Toolchain((), "sh tests/test.sh", "from a file")
    await store.prepared(id, toolchain, Baseline("sh tests/test.sh", stable=("t",)))
    await store.run_started(run, SandboxId(run), at)
    await store.run_stepped(run, steps=2, dollars=DOLLARS, usage=Usage(), seconds=1.0, last_command="")
    await store.run_ended(run, Status.COMPLETED, at=at, exit_status=ExitStatus.SUBMITTED)
    await store.candidate_found(run, Candidate(run, PATCH, (change,)))
    await store.judged(run, Evidence(run, stable_passed=1, stable_total=1, lines_changed=2, files_changed=1))
    await store.decided(id, Decision(Outcome.DRAFT, run, None, (Ranked(run, 1, "champion", True, 0.6),), (), (), 0.6))
    await store.published(id, pull)
    await store.ended(id, Status.COMPLETED, at=at)
