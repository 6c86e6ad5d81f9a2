"""Checks of other Apps and statuses: what a CI does on a commit, and the buttons of a check run of ours."""

from __future__ import annotations

from bot.simulators.github.refusals import Refusal, unprocessable
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import Account, CheckRun, Json, Repository, Status, WaitingSuite

ACTIONS = "github-actions"
OVER = "completed"
STATES = ("error", "failure", "pending", "success")
LONGEST_DESCRIPTION = 140
_BAD = ("failure", "timed_out", "startup_failure", "action_required", "cancelled")


def run(
    stage: Stage, repo: Repository, sha: str, name: str, conclusion: str | None, *, app: str, output: Json, log: str
) -> CheckRun:
    """One more time of a check. `conclusion` None: it is still running. All of one App's on a commit are a suite."""
    now, id = stage.state.time(), stage.state.id()
    suite = next((each.suite for each in repo.check_runs.values() if (each.head_sha, each.app) == (sha, app)), id + 1)
    check = CheckRun(id, name, sha, "in_progress", None, now, None, output, app=app, log=log, suite=suite)
    check.details_url = f"{stage.state.url}/{repo.full_name}/actions/runs/{suite}/job/{id}"
    repo.check_runs[id] = check
    by = stage.state.account(f"{app}[bot]")
    stage.emit(repo, "check_run", "created", by, check_run=stage.shapes.check_run(repo, check))
    if conclusion is not None:
        finish(stage, repo, check, conclusion)
    return check


def finish(stage: Stage, repo: Repository, check: CheckRun, conclusion: str) -> None:
    """And with the last of its suite the suite."""
    check.status, check.conclusion, check.completed_at = OVER, conclusion, stage.state.time()
    by = stage.state.account(f"{check.app}[bot]")
    stage.emit(repo, "check_run", OVER, by, check_run=stage.shapes.check_run(repo, check))
    told = suites(stage, repo, check.head_sha)[check.suite]
    if told["status"] == OVER:
        stage.emit(repo, "check_suite", OVER, by, check_suite=told)


def wait_for_approval(stage: Stage, repo: Repository, sha: str, *, app: str) -> None:
    """As workflows do that somebody has changed whom GitHub does not trust."""
    suite = WaitingSuite(stage.state.id(), sha, app)
    repo.waiting_suites.append(suite)
    told = stage.shapes.check_suite(repo, suite.id, sha, app, OVER, "action_required", 0)
    stage.emit(repo, "check_suite", OVER, stage.state.account(f"{app}[bot]"), check_suite=told)


def suites(stage: Stage, repo: Repository, sha: str) -> dict[int, Json]:
    """All of a commit, by their ids; one is over when all of its checks are."""
    found: dict[int, Json] = {}
    by_suite: dict[int, list[CheckRun]] = {}
    for run in latest(repo, sha):
        by_suite.setdefault(run.suite or run.id + 1, []).append(run)
    for id, runs in by_suite.items():
        over = all(run.status == OVER and not run.rerequested for run in runs)
        worst = next((bad for bad in _BAD if any(run.conclusion == bad for run in runs)), "success")
        begun = "queued" if any(run.rerequested for run in runs) else "in_progress"
        status, conclusion = (OVER, worst) if over else (begun, None)
        found[id] = stage.shapes.check_suite(repo, id, sha, runs[0].app, status, conclusion, len(runs))
    for waiting in repo.waiting_suites:
        if waiting.sha == sha:
            found[waiting.id] = stage.shapes.check_suite(repo, waiting.id, sha, waiting.app, OVER, "action_required", 0)
    return found


def latest(repo: Repository, sha: str) -> list[CheckRun]:
    """The last time of each check of each App."""
    found = {(each.app, each.name): each for each in repo.check_runs.values() if each.head_sha == sha}
    return list(found.values())


def set_status(
    stage: Stage, repo: Repository, sha: str, context: str, state: str, description: str, by: Account
) -> Status:
    if state not in STATES:
        raise unprocessable(f"Invalid request.\n\n{state} is not a member of {list(STATES)}.")
    if len(description) > LONGEST_DESCRIPTION:
        raise unprocessable("description is too long (maximum is 140 characters)")
    status = Status(stage.state.id(), sha, context, state, description or None, None, by, stage.state.time())
    repo.statuses.append(status)
    stage.emit_flat(
        repo,
        "status",
        by,
        **stage.shapes.status(repo, status),
        sha=sha,
        name=repo.full_name,
        branches=[],
        commit={"sha": sha},
    )
    return status


def press(stage: Stage, repo: Repository, check: CheckRun, identifier: str, by: Account) -> None:
    """A button that its App has put on it. GitHub shows it to those who may write."""
    if identifier not in [action.get("identifier") for action in check.actions]:
        raise Refusal(404, f"the check has no button {identifier}")
    told = stage.shapes.check_run(repo, check)
    wanted = {"identifier": identifier}
    stage.emit(repo, "check_run", "requested_action", by, check_run=told, requested_action=wanted)


def rerequest(stage: Stage, repo: Repository, check: CheckRun, by: Account) -> None:
    """GitHub queues the suite and leaves the check run as it is, until its App tells of it."""
    check.rerequested = True
    stage.emit(repo, "check_run", "rerequested", by, check_run=stage.shapes.check_run(repo, check))


def rerequest_all(stage: Stage, repo: Repository, check: CheckRun, by: Account) -> None:
    """Of the App whose check that is, on that commit."""
    check.rerequested = True
    told = suites(stage, repo, check.head_sha)[check.suite or check.id + 1]
    stage.emit(repo, "check_suite", "rerequested", by, check_suite=told)
