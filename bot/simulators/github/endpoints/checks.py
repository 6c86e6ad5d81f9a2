"""Statuses of a commit, and the logs of jobs: those lie on another host, which the App's token must never reach."""

from __future__ import annotations

from bot.simulators.github.actions import checks
from bot.simulators.github.calls import IN_REPOSITORY, Answer, Call, Endpoint
from bot.simulators.github.refusals import not_found
from bot.simulators.github.state import Status


async def combined_status(call: Call) -> Answer:
    """The latest of each context."""
    sha = call.repo.git.resolve(call.parameters["ref"])
    if sha is None:
        raise not_found()
    latest: dict[str, Status] = {status.context: status for status in call.repo.statuses if status.sha == sha}
    states = [status.state for status in latest.values()]
    worst = next((state for state in ("failure", "error") if state in states), "")
    state = "failure" if worst else "success" if states and set(states) == {"success"} else "pending"
    shown = [call.stage.shapes.status(call.repo, status) for status in latest.values()]
    return Answer({"state": state, "sha": sha, "total_count": len(shown), "statuses": shown[:100]})


async def list_statuses(call: Call) -> Answer:
    """All of them, newest first."""
    sha = call.repo.git.resolve(call.parameters["ref"])
    found = [status for status in reversed(call.repo.statuses) if status.sha == sha]
    return call.listing(found, lambda status: call.stage.shapes.status(call.repo, status))


async def list_suites(call: Call) -> Answer:
    sha = call.repo.git.resolve(call.parameters["ref"]) or ""
    found = list(checks.suites(call.stage, call.repo, sha).values())
    return call.listing(found, lambda suite: suite, wrap="check_suites")


async def job_log(call: Call) -> Answer:
    """A redirect to where it lies, which is good for a minute."""
    run = call.repo.check_runs.get(call.parameters["id"])
    if run is None or run.app != "github-actions":
        raise not_found()
    return Answer(status=302, headers={"Location": f"{call.stage.state.url}/_logs/{call.repo.id}/{run.id}"})


ENDPOINTS = (
    Endpoint("GET", f"{IN_REPOSITORY}/commits/{{ref}}/status", combined_status, "statuses: read"),
    Endpoint("GET", f"{IN_REPOSITORY}/commits/{{ref}}/statuses", list_statuses, "statuses: read"),
    Endpoint("GET", f"{IN_REPOSITORY}/commits/{{ref}}/check-suites", list_suites, "checks: read"),
    Endpoint("GET", f"{IN_REPOSITORY}/actions/jobs/{{id:int}}/logs", job_log, "actions: read"),
)
