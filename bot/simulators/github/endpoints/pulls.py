"""Pull requests, reviewers and check runs."""

from __future__ import annotations

from bot.simulators.github.actions import checks, issues, pulls
from bot.simulators.github.calls import CREATED, IN_REPOSITORY, Answer, Call, Endpoint, wrong_type
from bot.simulators.github.endpoints.repositories import file_shape
from bot.simulators.github.gitdata import FileDiff
from bot.simulators.github.refusals import forbidden, invalid, not_found, unprocessable
from bot.simulators.github.state import CheckRun, Issue, Json, Pull

READ, WRITE = "pull_requests: read", "pull_requests: write"
CHECK_STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out")
LONGEST_OF_ACTION = {"label": 20, "identifier": 20, "description": 40}
MOST_ANNOTATIONS, LONGEST_OUTPUT, MOST_ACTIONS = 50, 65_535, 3


def _pull(call: Call) -> tuple[Issue, Pull]:
    issue = call.issue()
    return issue, pulls.of(issue)


def _shape(call: Call, issue: Issue) -> Json:
    shape = call.stage.shapes.pull(call.repo, issue, pulls.of(issue))
    if call.request.headers.get("x-github-api-version", "") >= "2026-03-10":
        del shape["merge_commit_sha"]
    return shape


async def _detailed(call: Call, issue: Issue) -> Json:
    files = await _files(call, issue)
    counts = {
        "additions": sum(file.additions for file in files),
        "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }
    return _shape(call, issue) | counts


async def _files(call: Call, issue: Issue) -> tuple[FileDiff, ...]:
    pull, git = pulls.of(issue), call.repo.git
    base = await git.merge_base(pull.base_sha, pull.head_sha)
    return await git.diff(base or pull.base_sha, pull.head_sha)


async def create_pull(call: Call) -> Answer:
    head = call.text("head")
    owner, colon, branch = head.partition(":")
    if colon and owner.lower() != call.repo.owner.login.lower():
        raise invalid("PullRequest", "head", "invalid")
    issue = pulls.open_pull(
        call.stage,
        call.repo,
        title=call.text("title"),
        body=call.optional_text("body"),
        head=branch if colon else head,
        base=call.text("base"),
        draft=call.flag("draft"),
        by=call.bot,
    )
    return Answer(await _detailed(call, issue), CREATED)


async def list_pulls(call: Call) -> Answer:
    state, head, base = call.query("state", "open"), call.query("head"), call.query("base")
    owner = call.repo.owner.login
    found = [
        issue
        for issue in reversed(call.repo.issues.values())
        if issue.pull is not None
        and state in ("all", issue.state)
        # Without "owner:" GitHub ignores the filter, which has surprised many.
        and (":" not in head or head.lower() == f"{owner}:{issue.pull.head}".lower())
        and base in ("", issue.pull.base)
    ]
    return call.listing(found, lambda issue: _shape(call, issue))


async def get_pull(call: Call) -> Answer:
    return Answer(await _detailed(call, _pull(call)[0]))


async def edit_pull(call: Call) -> Answer:
    issue, pull = _pull(call)
    title, body, base = (call.optional_text(name) for name in ("title", "body", "base"))
    if base is not None:
        if call.repo.git.ref(f"refs/heads/{base}") is None:
            raise invalid("PullRequest", "base", "invalid")
        pull.base = base
    issues.edit_issue(call.stage, call.repo, issue, call.bot, title=title, body=body)
    match call.optional_text("state"):
        case None:
            pass
        case "closed":
            issues.close(call.stage, call.repo, issue, call.bot)
        case "open":
            issues.reopen(call.stage, call.repo, issue, call.bot)
        case _:
            raise invalid("PullRequest", "state", "invalid")
    return Answer(await _detailed(call, issue))


async def list_files(call: Call) -> Answer:
    return call.listing(await _files(call, _pull(call)[0]), file_shape)


async def request_reviewers(call: Call) -> Answer:
    issue, _ = _pull(call)
    if call.texts("team_reviewers"):
        raise unprocessable("Could not resolve to a node: the App has no access to teams.")
    accounts = []
    for login in call.texts("reviewers"):
        account = call.stage.state.accounts.get(login.lower())
        if account is None:
            raise unprocessable(
                "Reviews may only be requested from collaborators. One or more of the users or teams you specified "
                f"is not a collaborator of the {call.repo.full_name} repository."
            )
        accounts.append(account)
    for account in accounts:
        pulls.request_review(call.stage, call.repo, issue, account, call.bot)
    return Answer(_shape(call, issue), CREATED)


async def list_requested_reviewers(call: Call) -> Answer:
    _, pull = _pull(call)
    return Answer({"users": [call.stage.shapes.account(a) for a in pull.requested_reviewers], "teams": []})


# ------------------------------------------------------------------------------------------------------- check runs


async def pulls_of_commit(call: Call) -> Answer:
    sha = call.parameters["ref"]
    if not call.repo.git.resolve(sha):
        raise unprocessable(f"No commit found for SHA: {sha}")
    found = [
        (issue, issue.pull)
        for issue in call.repo.issues.values()
        if issue.pull is not None and sha in (issue.pull.merge_sha, issue.pull.head_sha)
    ]
    return call.listing(found, lambda each: call.stage.shapes.pull(call.repo, *each))


async def create_check(call: Call) -> Answer:
    sha = call.text("head_sha")
    if not call.repo.git.has(sha, "commit"):
        raise unprocessable(f"No commit found for SHA: {sha}")
    run = CheckRun(
        id=call.stage.state.id(),
        name=call.text("name"),
        head_sha=sha,
        status="queued",
        conclusion=None,
        started_at=call.stage.state.time(),
        completed_at=None,
        output={},
    )
    _update_check(call, run)
    call.repo.check_runs[run.id] = run
    pulls.check_changed(call.stage, call.repo, run, created=True)
    return Answer(call.stage.shapes.check_run(call.repo, run), CREATED)


async def update_check(call: Call) -> Answer:
    run = _check(call)
    if run.app:
        raise forbidden(f"Invalid app_id `{call.stage.app.app_id}`: the check run is another App's")
    _update_check(call, run)
    run.rerequested = False
    pulls.check_changed(call.stage, call.repo, run, created=False)
    return Answer(call.stage.shapes.check_run(call.repo, run))


async def get_check(call: Call) -> Answer:
    return Answer(call.stage.shapes.check_run(call.repo, _check(call)))


def _check(call: Call) -> CheckRun:
    run = call.repo.check_runs.get(call.parameters["id"])
    if run is None:
        raise not_found()
    return run


def _update_check(call: Call, run: CheckRun) -> None:
    status, conclusion = call.optional_text("status"), call.optional_text("conclusion")
    if status is not None and status not in CHECK_STATUSES:
        raise unprocessable(f"Invalid request.\n\n{status} is not a member of {list(CHECK_STATUSES)}.")
    if conclusion is not None and conclusion not in CONCLUSIONS:
        raise unprocessable(f"Invalid request.\n\n{conclusion} is not a member of {list(CONCLUSIONS)}.")
    if status == "completed" and conclusion is None:
        raise unprocessable("Invalid request.\n\nMissing required key: conclusion")
    if conclusion is not None:
        run.conclusion, run.status, run.completed_at = conclusion, "completed", call.stage.state.time()
    elif status is not None:
        run.status = status
    run.details_url = call.optional_text("details_url") or run.details_url
    run.external_id = call.optional_text("external_id") or run.external_id
    actions = call.objects("actions")
    if len(actions) > MOST_ACTIONS:
        raise unprocessable(f"Invalid request.\n\nNo more than {MOST_ACTIONS} items are allowed.")
    for action in actions:
        _check_action(action)
    run.actions = actions or run.actions
    _update_output(call, run)


def _check_action(action: Json) -> None:
    for name, most in LONGEST_OF_ACTION.items():
        value = action.get(name)
        if not isinstance(value, str) or not 1 <= len(value) <= most:
            raise unprocessable(f"Invalid request.\n\n{name} of an action has 1 to {most} characters.")


def _update_output(call: Call, run: CheckRun) -> None:
    output = call.body.get("output")
    if output is None:
        return
    if not isinstance(output, dict) or not {"title", "summary"} <= output.keys():
        raise wrong_type("output", output, "an object with title and summary")
    if any(len(str(output.get(name) or "")) > LONGEST_OUTPUT for name in ("summary", "text")):
        raise invalid("CheckRun", "output", "too_long", f"exceeds a maximum of {LONGEST_OUTPUT} characters")
    annotations = output.get("annotations", [])
    if len(annotations) > MOST_ANNOTATIONS:
        raise unprocessable(f"Invalid request.\n\nNo more than {MOST_ANNOTATIONS} items are allowed.")
    run.annotations += annotations
    run.output = {name: output.get(name) for name in ("title", "summary", "text")}


async def list_checks(call: Call) -> Answer:
    sha, filter = call.repo.git.resolve(call.parameters["ref"]), call.query("filter", "latest")
    if filter not in ("latest", "all"):
        raise unprocessable(f"Invalid request.\n\n{filter} is not a member of ['latest', 'all'].")
    of_commit = [run for run in call.repo.check_runs.values() if run.head_sha == sha]
    runs = of_commit if filter == "all" else checks.latest(call.repo, sha or "")
    return call.listing(runs, lambda run: call.stage.shapes.check_run(call.repo, run), wrap="check_runs")


_PULL = f"{IN_REPOSITORY}/pulls/{{number:int}}"
_CHECK = f"{IN_REPOSITORY}/check-runs"
ENDPOINTS = (
    Endpoint("GET", f"{IN_REPOSITORY}/pulls", list_pulls, READ),
    Endpoint("POST", f"{IN_REPOSITORY}/pulls", create_pull, WRITE),
    Endpoint("GET", _PULL, get_pull, READ),
    Endpoint("PATCH", _PULL, edit_pull, WRITE),
    Endpoint("GET", f"{_PULL}/files", list_files, READ),
    Endpoint("GET", f"{_PULL}/requested_reviewers", list_requested_reviewers, READ),
    Endpoint("POST", f"{_PULL}/requested_reviewers", request_reviewers, WRITE),
    Endpoint("POST", _CHECK, create_check, "checks: write"),
    Endpoint("GET", f"{_CHECK}/{{id:int}}", get_check, "checks: read"),
    Endpoint("PATCH", f"{_CHECK}/{{id:int}}", update_check, "checks: write"),
    Endpoint("GET", f"{IN_REPOSITORY}/commits/{{ref}}/check-runs", list_checks, "checks: read"),
    Endpoint("GET", f"{IN_REPOSITORY}/commits/{{ref}}/pulls", pulls_of_commit, READ),
)
