"""How alike are two changes? Agreement of independent runs is the best evidence that needs no tests.

Measured on 11,562 candidates of real issues, each labelled right or wrong: graded agreement closes a fifth of the gap
between a blind draw and the best candidate, all other features of the text together less than that. What counts is
where a change is made (`place`), then what it says (`agreement`). A patch that agrees with one of *another* model is
right in .81/.41/.56 of three sets, one that agrees with its own model's only in .73/.30/.23, one that agrees with
nobody in .72/.16/.10: so the same model counts 0.4 of another, the ratio of these sets' mean steps in log-odds.

Tests are left out of the comparison, and a patch that has nothing else agrees with nobody: otherwise the patches
without any fix form the largest group.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from bot.core.candidate.file_roles import BY_NAME, FileRoles, roles_of
from bot.core.candidate.patches import Edit, read_patch
from bot.core.evidence.observations import Case
from bot.core.model import Candidate, Evidence, Likeness, RunId, SolveFacts

AGREES = 0.8  # from here on people are told that it is nearly the same change
SAME_MODEL = 0.4  # what agreement within one model counts, beside that with another one
MAX_PATCH = 2_000_000  # characters read of one patch
MAX_LINE = 2_000  # characters read of one line
MAX_TOKENS = 50_000  # kept of one patch
MAX_PLACES = 50_000  # old lines of one patch

_HASH_COMMENTS = re.compile(r"\.(bash|cfg|cmake|conf|exs?|jl|mk|nim|p[lm]|py[ix]?|r|rb|sh|tcl|toml|ya?ml|zsh)$")
_STRING = (
    r""" "(?:\\.|[^"\\])*"? | '(?:\\.|[^'\\])*'? """  # an open one ends with its line, so that reading stays linear
)
_HASH_LINE = re.compile(rf"({_STRING})|\#.*", re.VERBOSE)
_SLASH_LINE = re.compile(rf"({_STRING})|//.*|/\*.*?(?:\*/|$)", re.VERBOSE)
_TOKEN = re.compile(r"\w+|[^\w\s]")


_Tokens = Counter[tuple[str, str]]  # of (path, token)


@dataclass(frozen=True, slots=True)
class _Change:
    added: _Tokens = field(default_factory=Counter)
    removed: _Tokens = field(default_factory=Counter)
    places: set[tuple[str, int]] = field(default_factory=set)  # path and old line

    @property
    def is_inert(self) -> bool:
        return not (self.added or self.removed)


def agreement(patch_a: str, patch_b: str) -> float:
    """How alike two patches are, 0 to 1: the tokens they share of the source lines that they add and remove.

    Each token counts with its file and its side. Added and removed lines are compared apart and the lower result
    counts, because patches to the same line share what they remove whatever they put in its place. White space,
    comments, tests and their support files do not count. 0 when either patch has nothing that counts.
    """
    return _alike(_read(patch_a), _read(patch_b))


def place(patch_a: str, patch_b: str) -> float:
    """The share of old lines, of all that either patch's hunks cover with their context, that both cover, 0 to 1.

    A new file has no old lines, so it is one place. Tests and their support files do not count.
    """
    return _together(_read(patch_a), _read(patch_b))


def case_of(facts: SolveFacts) -> Case:
    """What has been judged so far, with how far it agrees."""
    assert facts.baseline is not None
    runs = {run.id: run for run in facts.runs}
    case = Case(tuple(run.evidence for run in facts.runs if run.evidence), runs, facts.baseline)
    return replace(case, evidence=with_agreement(case, {run.id: run.candidate for run in facts.runs if run.candidate}))


def with_agreement(case: Case, candidates: Mapping[RunId, Candidate]) -> tuple[Evidence, ...]:
    """The evidence with all about agreement filled in, in the order given.

    Broken candidates neither give nor get agreement: what does not work is no witness.
    """
    unbroken = {item.run for item in case.unbroken}
    roles = roles_of(case.baseline)
    changes = {run: _read(candidate.patch, roles) for run, candidate in candidates.items() if run in unbroken}
    return tuple(_compared(item, changes, case) for item in case.evidence)


def _compared(evidence: Evidence, changes: Mapping[RunId, _Change], case: Case) -> Evidence:
    own = changes.get(evidence.run)
    if own is None:
        return evidence
    likenesses = tuple(
        Likeness(run, _together(own, other), _alike(own, other))
        for run, other in sorted(changes.items())
        if run != evidence.run
    )
    place, token = means(evidence.run, likenesses, case)
    return replace(
        evidence,
        agreement=max((each.token for each in likenesses), default=0.0),
        agrees_with=tuple(each.run for each in likenesses if each.token >= AGREES),
        place=place,
        token=token,
        likenesses=likenesses,
        inert=own.is_inert,
    )


def means(run: RunId, likenesses: Sequence[Likeness], case: Case) -> tuple[float, float]:
    """Of place and token, another model's counting more."""
    weights = [1.0 if case.other_model(run, each.run) else SAME_MODEL for each in likenesses]
    total = sum(weights) or 1.0
    return (
        sum(weight * each.place for weight, each in zip(weights, likenesses, strict=True)) / total,
        sum(weight * each.token for weight, each in zip(weights, likenesses, strict=True)) / total,
    )


def _together(a: _Change, b: _Change) -> float:
    either = len(a.places | b.places)
    return len(a.places & b.places) / either if either and not (a.is_inert or b.is_inert) else 0.0


def _alike(a: _Change, b: _Change) -> float:
    sides = [(a.added, b.added), (a.removed, b.removed)]
    return min((2 * (x & y).total() / (x.total() + y.total()) for x, y in sides if x or y), default=0.0)


def _read(patch: str, roles: FileRoles = BY_NAME) -> _Change:
    change = _Change()
    left = MAX_TOKENS
    for edit in read_patch(patch[:MAX_PATCH]):
        if roles.is_of_tests(edit.path):
            continue
        change.places.update(_places(edit, MAX_PLACES - len(change.places)))
        for side, lines in ((change.added, edit.added), (change.removed, edit.removed)):
            for line in lines:
                found = _TOKEN.findall(_without_comment(edit.path, line[:MAX_LINE]))[:left]
                side.update((edit.path, token) for token in found)
                left -= len(found)
                if left == 0:
                    return change
    return change


def _places(edit: Edit, most: int) -> Iterator[tuple[str, int]]:
    lines = (line for start, number in edit.places for line in range(start, start + max(1, number)))
    return ((edit.path, line) for line in islice(lines, most))


def _without_comment(path: str, text: str) -> str:
    if _HASH_COMMENTS.search(path):
        return _HASH_LINE.sub(r"\1", text)
    if text.lstrip().startswith(("* ", "*/")):  # the middle or the end of a block comment
        return ""
    return _SLASH_LINE.sub(r"\1", text)
