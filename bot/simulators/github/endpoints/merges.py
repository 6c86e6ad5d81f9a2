"""Merging one branch into another, and the commits of a pull request."""

from __future__ import annotations

from bot.simulators.github.actions import pulls, repositories
from bot.simulators.github.calls import CREATED, IN_REPOSITORY, NO_CONTENT, Answer, Call, Endpoint
from bot.simulators.github.gitdata import Commit, MergeConflict
from bot.simulators.github.refusals import Refusal
from bot.simulators.github.state import Json, Verification

UNSIGNED = Verification(False, "unsigned")


async def merge(call: Call) -> Answer:
    """`head`, a branch or a commit, into the branch `base`. 204 where that holds it already."""
    git, branch = call.repo.git, call.text("base")
    tip, head = git.ref(f"refs/heads/{branch}"), git.resolve(call.text("head"))
    if tip is None:
        raise Refusal(404, "Base does not exist")
    if head is None:
        raise Refusal(404, "Head does not exist")
    if git.is_ancestor(head, tip):
        return NO_CONTENT
    try:
        tree = await git.merge_tree(tip, head)
    except MergeConflict as error:
        raise Refusal(409, "Merge conflict") from error
    message = call.optional_text("commit_message") or f"Merge {call.text('head')} into {branch}"
    signature = call.stage.signature(call.bot)
    sha = git.write_commit(tree, (tip, head), message, signature, signature)
    call.repo.verifications[sha] = Verification(call.stage.verify_commits, "valid")
    repositories.update_ref(call.stage, call.repo, f"refs/heads/{branch}", sha, call.bot, force=False, token=call.token)
    return Answer(_shape(call, git.commit(sha)), CREATED)


async def list_commits(call: Call) -> Answer:
    """Oldest first; those that the base branch does not have."""
    pull, git = pulls.of(call.issue()), call.repo.git
    base = {commit.sha for commit in git.history(pull.base_sha)}
    found = [commit for commit in git.history(pull.head_sha) if commit.sha not in base]
    return call.listing(list(reversed(found)), lambda commit: _shape(call, commit))


def _shape(call: Call, commit: Commit) -> Json:
    shape = call.stage.shapes.commit(call.repo, commit, call.repo.verifications.get(commit.sha, UNSIGNED))
    author = call.stage.state.accounts.get(commit.author.name.lower())
    return shape | {"author": call.stage.shapes.account(author) if author else None}


ENDPOINTS = (
    Endpoint("POST", f"{IN_REPOSITORY}/merges", merge, "contents: write"),
    Endpoint("GET", f"{IN_REPOSITORY}/pulls/{{number:int}}/commits", list_commits, "pull_requests: read"),
)
