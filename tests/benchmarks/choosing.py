"""Does the choice choose well? On candidates of real issues, labelled right or wrong, of which nothing is run here.

The data is not in the repository: a file of JSON lines, one for each issue, with `candidates` (system, model, resolved,
regression_ok, gates, line-ups) and `similarity` rows that begin with two numbers of candidates, their token similarity
and the share of places that they have in common. Their weights in `bot/core/choosing/odds.py` come from such data.

Everything is said twice: with the product's weights, and with weights fitted on four fifths of the issues and measured
on the last fifth, five times over. Priors are a system's share of the issues in the other four fifths, so nothing that
is measured was seen before. No issue, system or repository is known by its name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from pathlib import Path
from typing import Any

from bot.core.candidate.similarity import AGREES, SAME_MODEL
from bot.core.choosing.early_stop import enough
from bot.core.choosing.odds import COMPANY, CONSTANT, PLACE, PRIOR, REGRESSIONS, TOKEN, logit, weigh
from bot.core.evidence.observations import Case
from bot.core.model import (
    Baseline,
    Evidence,
    Experiment,
    Gate,
    GateFailure,
    ModelSpec,
    RunFacts,
    RunId,
    SolveId,
    Strategy,
)
from tests.benchmarks.calibration import Scored
from tests.benchmarks.fitting import Row, fit

FOLDS = 5
ONE_OF_EACH = ("lite9", "poly3", "rust8", "live4")  # the largest mixed line-up of each set
# Recorded by a pattern over all languages that is gone; most of what it caught was right. Without patches it cannot be
# looked for again.
FORGOTTEN_GATES = frozenset({"tests skipped"})
SHRINK = 4  # issues at the mean that a system is believed to have had before it is seen
_SAMPLE = re.compile(r"[-_](?:run[-_]?)?\d+$")
TESTED, UNTESTED = Baseline("t", stable=("t",)), Baseline("t")
NAMES = ("constant", "prior", "place", "token", "regressions", "n")
OURS = (CONSTANT, PRIOR, PLACE, TOKEN, REGRESSIONS, COMPANY)


@dataclass(frozen=True)
class Patch:
    """`system`: who made it, whichever of its samples this is; its share of other issues is the prior."""

    system: str
    model: str
    right: bool
    regressions: bool | None
    gated: bool
    inert: bool
    lines: float


@dataclass(frozen=True)
class Issue:
    """One line-up's candidates for one issue."""

    lineup: str
    fold: int
    patches: tuple[Patch, ...]
    alike: Mapping[tuple[int, int], tuple[float, float]]  # token, place

    @property
    def mean(self) -> float:
        return sum(patch.right for patch in self.patches) / len(self.patches)

    @property
    def oracle(self) -> bool:
        return any(patch.right for patch in self.patches)


def read(path: Path) -> list[Issue]:
    """Every line-up of every issue."""
    issues = []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        fold = int(hashlib.sha256(row["issue"].encode()).hexdigest(), 16) % FOLDS
        lineups = sorted({name for candidate in row["candidates"] for name in candidate["lineups"]})
        issues += [_issue(row, lineup, fold) for lineup in lineups]
    return issues


def _issue(row: Mapping[str, Any], lineup: str, fold: int) -> Issue:
    chosen = [number for number, candidate in enumerate(row["candidates"]) if lineup in candidate["lineups"]]
    place = {number: position for position, number in enumerate(chosen)}
    alike = {}
    for one, other, token, where, *_ in row["similarity"]:
        if one in place and other in place:
            alike[place[one], place[other]] = alike[place[other], place[one]] = (token, where)
    return Issue(lineup, fold, tuple(_patch(row["candidates"][number]) for number in chosen), alike)


def _patch(candidate: Mapping[str, Any]) -> Patch:
    return Patch(
        _SAMPLE.sub("", candidate["system"]),
        candidate["model"],
        bool(candidate["resolved"]),
        candidate["regression_ok"],
        bool(set(candidate["gates"]) - FORGOTTEN_GATES),
        not candidate["own_source"] and not candidate["empty"],
        candidate["features"].get("lines", 0.0),
    )


# ----------------------------------------------------------------------------------------------- as the product sees it


def _run(number: int) -> RunId:
    return RunId(f"r{number}")


def case(issue: Issue, priors: Mapping[str, float]) -> Case:
    """The issue's candidates as evidence, with agreement among those that are not broken."""
    evidence = [_evidence(number, patch) for number, patch in enumerate(issue.patches)]
    runs = {_run(number): _facts(number, patch, priors) for number, patch in enumerate(issue.patches)}
    baseline = TESTED if any(patch.regressions is not None for patch in issue.patches) else UNTESTED
    unbroken = {item.run for item in Case(tuple(evidence), runs, baseline).unbroken}
    witnesses = [number for number in range(len(evidence)) if _run(number) in unbroken]
    agreed = [
        _with_agreement(item, number, issue, [other for other in witnesses if other != number])
        if number in witnesses
        else item
        for number, item in enumerate(evidence)
    ]
    return Case(tuple(agreed), runs, baseline)


def _evidence(number: int, patch: Patch) -> Evidence:
    broken = patch.regressions is False
    return Evidence(
        _run(number),
        gate_failures=(GateFailure(Gate.EMPTY, ""),) if patch.gated else (),
        regressions=("t",) if broken else (),
        stable_passed=int(patch.regressions is True),
        stable_total=int(patch.regressions is not None),
        inert=patch.inert,
    )


def _with_agreement(item: Evidence, number: int, issue: Issue, others: Sequence[int]) -> Evidence:
    models = [patch.model for patch in issue.patches]
    weights = [1.0 if models[other] != models[number] else SAME_MODEL for other in others]
    pairs = [issue.alike.get((number, other), (0.0, 0.0)) for other in others]

    def mean(values: Iterable[float]) -> float:
        return sum(w * value for w, value in zip(weights, values, strict=True)) / sum(weights) if weights else 0.0

    return replace(
        item,
        token=mean(token for token, _ in pairs),
        place=mean(place for _, place in pairs),
        agreement=max((token for token, _ in pairs), default=0.0),
        agrees_with=tuple(
            sorted(_run(other) for other, (token, _) in zip(others, pairs, strict=True) if token >= AGREES)
        ),
    )


def _facts(number: int, patch: Patch, priors: Mapping[str, float]) -> RunFacts:
    spec = ModelSpec(patch.model, "p", patch.model, prior=priors.get(patch.system, 0.5))
    return RunFacts(_run(number), SolveId("s"), Experiment(number + 1, spec, None, Strategy.BASELINE, 1, 1.0))


class Priors:
    """A system's share of right patches in the other folds of its line-up, drawn to the mean of the line-up."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        self._right: dict[tuple[str, str, int], list[int]] = {}
        for issue in issues:
            for patch in issue.patches:
                seen = self._right.setdefault((issue.lineup, patch.system, issue.fold), [0, 0])
                seen[0] += patch.right
                seen[1] += 1

    def __call__(self, issue: Issue) -> Mapping[str, float]:
        others = {key: seen for key, seen in self._right.items() if key[0] == issue.lineup and key[2] != issue.fold}
        mean = sum(r for r, _ in others.values()) / max(1, sum(n for _, n in others.values()))
        shares = {}
        for system in {patch.system for patch in issue.patches}:
            right = sum(r for key, (r, _) in others.items() if key[1] == system)
            number = sum(n for key, (_, n) in others.items() if key[1] == system)
            shares[system] = (right + SHRINK * mean) / (number + SHRINK)
        return shares


# ------------------------------------------------------------------------------------------------------------- choosing


@dataclass(frozen=True)
class Chosen:
    issue: Issue
    right: float  # the mean of those that nothing tells apart
    scored: tuple[Scored, ...]


def by_product(issue: Issue, priors: Mapping[str, float]) -> Chosen:
    """`weigh`, as a decision does it; who is broken is never chosen."""
    seen = case(issue, priors)
    _, judged = weigh(seen)
    odds = {item.run: judged[item.run].terms.total for item in seen.unbroken}
    chances = {run: judged[run].confidence for run in odds}
    return _chosen(issue, odds, chances)


def by_weights(issue: Issue, priors: Mapping[str, float], weights: Sequence[float]) -> Chosen:
    seen = case(issue, priors)
    odds = {run: sum(w * x for w, x in zip(weights, row, strict=True)) for run, row in rows(seen).items()}
    return _chosen(issue, odds, {run: 1 / (1 + exp(-value)) for run, value in odds.items()})


def smallest(issue: Issue) -> Chosen:
    seen = case(issue, {})
    return _chosen(issue, {item.run: -issue.patches[int(item.run[1:])].lines for item in seen.unbroken}, {})


def _chosen(issue: Issue, odds: Mapping[RunId, float], chances: Mapping[RunId, float]) -> Chosen:
    best = max(odds.values(), default=0.0)
    rights = [issue.patches[int(run[1:])].right for run, value in odds.items() if value > best - 1e-6]
    scored = tuple(Scored(chance, issue.patches[int(run[1:])].right) for run, chance in chances.items())
    return Chosen(issue, sum(rights) / len(rights) if rights else 0.0, scored)


def gap(chosen: Sequence[Chosen]) -> float:
    """(accuracy - mean of the candidates) / (oracle - mean)"""
    accuracy, mean, oracle = (
        sum(values) / len(chosen)
        for values in (
            [each.right for each in chosen],
            [each.issue.mean for each in chosen],
            [each.issue.oracle for each in chosen],
        )
    )
    return (accuracy - mean) / (oracle - mean) if oracle > mean else 0.0


# -------------------------------------------------------------------------------------------------------------- fitting


def rows(seen: Case) -> dict[RunId, tuple[float, ...]]:
    """What the weights are multiplied with."""
    unbroken = seen.unbroken
    return {
        item.run: (
            1.0,
            logit(max(0.05, min(0.95, seen.runs[item.run].experiment.model.prior))),
            item.place,
            item.token,
            float(bool(item.stable_total)),
            float(len(unbroken)),
        )
        for item in unbroken
    }


def training(
    issues: Iterable[Issue], priors: Callable[[Issue], Mapping[str, float]]
) -> list[tuple[Sequence[float], bool]]:
    found: list[tuple[Sequence[float], bool]] = []
    for issue in issues:
        seen = rows(case(issue, priors(issue)))
        found += [(row, issue.patches[int(run[1:])].right) for run, row in seen.items()]
    return found


# ----------------------------------------------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Stopped:
    saved: float  # share of the runs
    lost: float  # points of accuracy


def early_stop(issues: Sequence[Issue], priors: Callable[[Issue], Mapping[str, float]]) -> Stopped:
    """Runs one after the other. As nothing is run here, alike is who has nearly the same text, and no pool is red."""
    made, whole, right, right_of_all = 0, 0, 0.0, 0.0
    for issue in issues:
        number = _begun(issue, priors(issue))
        made, whole = made + number, whole + len(issue.patches)
        right += by_product(replace(issue, patches=issue.patches[:number]), priors(issue)).right
        right_of_all += by_product(issue, priors(issue)).right
    return Stopped(1 - made / whole, (right_of_all - right) / len(issues))


def _begun(issue: Issue, priors: Mapping[str, float]) -> int:
    for number in range(2, len(issue.patches)):
        if enough(case(replace(issue, patches=issue.patches[:number]), priors), ()):
            return number
    return len(issue.patches)


@dataclass(frozen=True)
class Measured:
    lineup: str
    issues: int
    mean: float
    oracle: float
    smallest: float
    without: float
    with_priors: float
    fitted_without: float
    fitted: float
    stopped: Stopped


@dataclass(frozen=True)
class Result:
    lineups: list[Measured]
    said: dict[str, list[Scored]]
    weights: list[float]  # fitted on all


def measure(path: Path) -> Result:
    issues = read(path)
    priors = Priors(issues)
    by_fold = [fit(training([i for i in issues if i.fold != fold], priors)) for fold in range(FOLDS)]
    bare = [fit(_bare(training([i for i in issues if i.fold != fold], lambda issue: {}))) for fold in range(FOLDS)]
    names = sorted({issue.lineup for issue in issues})
    chosen = [by_product(issue, priors(issue)) for issue in issues]
    held_out = [by_weights(issue, priors(issue), by_fold[issue.fold]) for issue in issues]
    return Result(
        [_measured(name, [i for i in issues if i.lineup == name], priors, by_fold, bare) for name in names],
        {
            "Candidates": [each for one in chosen for each in one.scored],
            "Candidates, weights held out": [each for one in held_out for each in one.scored],
            "Champions": [max(one.scored, key=lambda each: each.chance) for one in chosen if one.scored],
        },
        fit(training(issues, priors)),
    )


def mean_gaps(lineups: Sequence[Measured]) -> tuple[float, ...]:
    """In the order of the table."""
    columns = zip(*((m.smallest, m.without, m.fitted_without, m.with_priors, m.fitted) for m in lineups), strict=True)
    return tuple(sum(column) / len(lineups) for column in columns)


def _bare(table: Iterable[Row]) -> list[Row]:
    return [((*row[:1], 0.0, *row[2:]), right) for row, right in table]


def _measured(
    name: str,
    issues: Sequence[Issue],
    priors: Callable[[Issue], Mapping[str, float]],
    by_fold: Sequence[Sequence[float]],
    bare: Sequence[Sequence[float]],
) -> Measured:
    return Measured(
        name,
        len(issues),
        sum(issue.mean for issue in issues) / len(issues),
        sum(issue.oracle for issue in issues) / len(issues),
        gap([smallest(issue) for issue in issues]),
        gap([by_product(issue, {}) for issue in issues]),
        gap([by_product(issue, priors(issue)) for issue in issues]),
        gap([by_weights(issue, {}, bare[issue.fold]) for issue in issues]),
        gap([by_weights(issue, priors(issue), by_fold[issue.fold]) for issue in issues]),
        early_stop(issues, priors),
    )
