"""What forbids publishing, so far as it is known beforehand: before the first dollar is spent.

Known are the names of branches, the rules that GitHub tells for a branch that is not there yet, whether pull requests
are on, and whether GitHub signs our commits. What remains unknown is said by GitHub itself, when it is too late: rules
about files, protection of the old kind, and regular expressions that could take long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

MAX_PATTERN = 200
MAX_QUANTIFIERS = 4
_QUANTIFIED_GROUP = re.compile(r"\)[*+?{]")
_QUANTIFIER = re.compile(r"[*+{]")


@dataclass(frozen=True, slots=True)
class BranchRule:
    """A rule that holds for the branch and for us. `operator`, `pattern` and `negate` are of those about texts."""

    kind: str
    operator: str = ""
    pattern: str = ""
    negate: bool = False
    on_creation: bool = True  # does it hold for a new branch, too?


@dataclass(frozen=True, slots=True)
class Publishing:
    """What GitHub says about a branch that we want to make. `signs`: None where nobody asked."""

    in_the_way: tuple[str, ...] = ()
    rules: tuple[BranchRule, ...] = ()
    has_pull_requests: bool = True
    signs: bool | None = None
    author: str = ""  # e-mail addresses that the commit will bear
    committer: str = ""


class Bar(Enum):
    """Why nothing can be published."""

    NAME = "another branch is in the way"
    NO_PULLS = "pull requests are off"
    CREATION = "branches may not be created"
    BRANCH_NAME = "the name of the branch"
    MESSAGE = "the message of the commit"
    AUTHOR = "the author of the commit"
    SIGNATURE = "commits have to be signed"
    CHECKS = "checks before there is a branch"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """`detail`: the branch in the way, or what is wanted."""

    bar: Bar
    detail: str = ""


def obstacles(branch: str, message: str, found: Publishing) -> list[Obstacle]:
    """All of them, what is easiest to mend first."""
    bars = [Obstacle(Bar.NAME, name) for name in found.in_the_way[:1]]
    if not found.has_pull_requests:
        bars.append(Obstacle(Bar.NO_PULLS))
    for rule in found.rules:
        bars += _of_rule(rule, branch, message, found)
    return list(dict.fromkeys(bars))


def _of_rule(rule: BranchRule, branch: str, message: str, found: Publishing) -> Iterator[Obstacle]:
    texts = {
        "branch_name_pattern": (Bar.BRANCH_NAME, branch),
        "commit_message_pattern": (Bar.MESSAGE, message),
        "commit_author_email_pattern": (Bar.AUTHOR, found.author),
        "committer_email_pattern": (Bar.AUTHOR, found.committer),
    }
    if rule.kind == "creation":
        yield Obstacle(Bar.CREATION)
    elif rule.kind == "required_signatures" and found.signs is False:
        yield Obstacle(Bar.SIGNATURE)
    elif rule.kind in ("required_status_checks", "workflows") and rule.on_creation:
        yield Obstacle(Bar.CHECKS)
    elif rule.kind in texts:
        bar, text = texts[rule.kind]
        if text and fits(rule, text) is False:
            yield Obstacle(bar, in_words(rule))


def fits(rule: BranchRule, text: str) -> bool | None:
    """None where it cannot be said."""
    match rule.operator:
        case "starts_with":
            found = text.startswith(rule.pattern)
        case "ends_with":
            found = text.endswith(rule.pattern)
        case "contains":
            found = rule.pattern in text
        case "regex" if _is_tame(rule.pattern):
            try:
                found = re.search(rule.pattern, text) is not None
            except (re.error, RecursionError, OverflowError):
                return None
        case _:
            return None
    return found is not rule.negate


def in_words(rule: BranchRule) -> str:
    operators = {"starts_with": "start with", "ends_with": "end with", "contains": "contain", "regex": "match"}
    return f"{'not ' if rule.negate else ''}{operators.get(rule.operator, 'fit')} {rule.pattern}"


def _is_tame(pattern: str) -> bool:
    """Nobody's expression may keep us busy: repetitions are few, and not of what holds some itself."""
    few = len(_QUANTIFIER.findall(pattern)) <= MAX_QUANTIFIERS
    return len(pattern) <= MAX_PATTERN and few and not _QUANTIFIED_GROUP.search(pattern)


def parents(branch: str) -> list[str]:
    """Names that no branch may have beside this one, because git keeps branches as files in directories."""
    parts = branch.split("/")[:20]
    return ["/".join(parts[:number]) for number in range(1, len(parts))]
