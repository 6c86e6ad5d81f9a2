"""Rulesets: which rules a change of a ref violates, in GitHub's words as far as those are known.

https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from bot.simulators.github.gitdata import Commit
from bot.simulators.github.refusals import unprocessable
from bot.simulators.github.state import Json, Repository, Rule

BYPASSES = ("always", "exempt")
_RESTRICTED = {
    "creation": "Cannot create ref due to creations being restricted.",
    "update": "Cannot update this protected ref.",
    "deletion": "Cannot delete this protected ref.",
}


def that_apply(repo: Repository, branch: str) -> list[Rule]:
    return [rule for rule in repo.rules if fnmatchcase(branch, rule.pattern)]


def check(repo: Repository, ref: str, operation: str, sha: str | None = None, *, is_app: bool = False) -> None:
    """`operation`: creation, update or deletion; `sha`: where the ref is to point."""
    branch = ref.removeprefix("refs/heads/")
    commits = list(repo.git.history(sha, known=repo.published)) if sha and repo.git.has(sha, "commit") else []
    violations = [
        violation
        for rule in that_apply(repo, branch)
        if not (is_app and rule.bypass in BYPASSES)
        for violation in _violations(repo, rule, branch, operation, commits)
    ]
    if violations:
        raise unprocessable("\n\n".join(["Repository rule violations found", *violations, ""]))


def _violations(repo: Repository, rule: Rule, branch: str, operation: str, commits: Sequence[Commit]) -> Iterator[str]:
    told = rule.parameters
    match rule.type:
        case "creation" | "update" | "deletion" if rule.type == operation:
            yield _RESTRICTED[operation]
        case "pull_request" if operation == "update":
            yield "Changes must be made through a pull request."
        case "branch_name_pattern" if operation == "creation" and not _fits(told, branch):
            yield f"Branch name must {_in_words(told)}"
        case "commit_message_pattern" if not all(_fits(told, commit.message) for commit in commits):
            yield f"Commit message must {_in_words(told)}"
        case "commit_author_email_pattern" if not all(_fits(told, commit.author.email) for commit in commits):
            yield f"Commit author email must {_in_words(told)}"
        case "required_signatures" if unsigned := [c.sha for c in commits if not _is_signed(repo, c)]:
            yield f"Commits must have verified signatures.\n\nFound {len(unsigned)} violation:\n\n{unsigned[0]}"
        case "required_status_checks" if commits and operation != "deletion":
            if operation == "update" or not told.get("do_not_enforce_on_create", False):
                for wanted in told.get("required_status_checks", []):
                    yield f'Required status check "{wanted["context"]}" is expected.'


def _is_signed(repo: Repository, commit: Commit) -> bool:
    found = repo.verifications.get(commit.sha)
    return found is not None and found.verified


def _fits(told: Json, text: str) -> bool:
    pattern = told["pattern"]
    found = {
        "starts_with": text.startswith(pattern),
        "ends_with": text.endswith(pattern),
        "contains": pattern in text,
        "regex": told["operator"] == "regex" and re.search(pattern, text) is not None,
    }[told["operator"]]
    return bool(found) is not bool(told.get("negate", False))


def _in_words(told: Json) -> str:
    operators = {
        "starts_with": "start with a matching pattern",
        "ends_with": "end with a matching pattern",
        "contains": "contain a matching pattern",
        "regex": "match a given regex pattern",
    }
    return f"{'not ' if told.get('negate') else ''}{operators[told['operator']]}: {told['pattern']}"
