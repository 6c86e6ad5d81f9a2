"""What became of champions, and what that says about the models that made them. Nothing of it leaves the instance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

from bot.core.model import Fared, Fate, ModelSpec, PullRequest, Sha

PSEUDO_ISSUES = 20  # what the published share weighs against people's verdicts here, counted in issues
REVERTED_WITHIN = timedelta(days=30)
_REVERTS = re.compile(r"^Reverts ([\w.-]{1,100}/[\w.-]{1,100})#(\d{1,9})\s*$", re.MULTILINE)


_REVERTS_COMMIT = re.compile(r"^This reverts commit ([0-9a-f]{40})\b", re.MULTILINE)
MOST_REVERTED = 10  # commits, by one push


def fate(ours: PullRequest, *, merged: bool, head_sha: str) -> Fate:
    """Of a pull request of ours that was closed. People's commits on the branch make it merged after changes."""
    if not merged:
        return Fate.CLOSED
    return Fate.MERGED if head_sha == ours.head_sha else Fate.CHANGED


def reverted(body: str, repository: str) -> int | None:
    """The pull request that a merged one takes back, as GitHub's *Revert* button writes it."""
    found = _REVERTS.search(body)
    return int(found[2]) if found and found[1].casefold() == repository.casefold() else None


def reverted_commits(message: str) -> tuple[Sha, ...]:
    """Those that a commit takes back, as `git revert` writes it; of several messages those of all."""
    found = (Sha(match[1]) for match in _REVERTS_COMMIT.finditer(message))
    return tuple(islice(dict.fromkeys(found), MOST_REVERTED))


@dataclass(frozen=True, slots=True)
class Tally:
    """Champions of one model, strategy or repository, by what became of them."""

    merged: int = 0
    changed: int = 0
    closed: int = 0
    reverted: int = 0

    @property
    def all(self) -> int:
        return self.merged + self.changed + self.closed + self.reverted

    @property
    def right(self) -> float:
        """Merged after changes counts half: somebody found something to do."""
        return self.merged + self.changed / 2


def tally(fared: Iterable[Fared]) -> Tally:
    counts = dict.fromkeys(Fate, 0)
    for each in fared:
        counts[each.fate] += each.number
    unwanted = counts[Fate.CLOSED] + counts[Fate.REJECTED]
    return Tally(counts[Fate.MERGED], counts[Fate.CHANGED], unwanted, counts[Fate.REVERTED])


def moved(prior: float, seen: Tally) -> float:
    """The share of issues that a model solves: the published one as 20 issues, moved by what people did with its own.

    By the champion's fate alone it takes hundreds of issues to learn a share, so it has to start from published ones.
    """
    return (PSEUDO_ISSUES * prior + seen.right) / (PSEUDO_ISSUES + seen.all)


def with_record(models: Sequence[ModelSpec], fared: Sequence[Fared]) -> tuple[ModelSpec, ...]:
    return tuple(
        replace(model, prior=moved(model.prior, tally(each for each in fared if each.model == model.name)))
        for model in models
    )
