"""What a solve will cost and take, before it is begun: from the record, and never more than its limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.choosing.experiments import Plan
from bot.core.model import Experiment, SolveId

MOST_KNOWN = 300  # runs that are looked at, the newest
LEAST_KNOWN = 3  # runs of a model in the repository; with fewer, those elsewhere count, too
LOW, HIGH = 0.25, 0.9


@dataclass(frozen=True, slots=True)
class KnownRun:
    """One that is over. `solve_minutes`: from the beginning of its solve to the end, without waiting for approval."""

    solve: SolveId
    repository: int
    model: str
    dollars: float
    solve_minutes: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Between the dollars and minutes of a cheap run and those of a dear one, of runs like those that are planned.

    `known`: how many there are to go by; `unknown`: models of the plan without any, counted with all they may cost.
    `minutes_from` and `minutes_to` are None where no solve is known.
    """

    attempts: int
    models: tuple[str, ...]
    dollars_from: float
    dollars_to: float
    most_dollars: float
    minutes_from: float | None
    minutes_to: float | None
    known: int
    here: bool  # all of it from this repository
    unknown: tuple[str, ...]


def estimate(plan: Plan, repository: int, known: Sequence[KnownRun]) -> Estimate:
    """Each attempt costs what runs of its model cost: here where there are three, else anywhere. A plan caps it."""
    of = {each.model.name: _of_model(each.model.name, repository, known) for each in plan.experiments}
    pairs = [_dollars(each, of[each.model.name]) for each in plan.experiments]
    used = [run for runs in of.values() for run in runs]
    minutes = sorted({run.solve: run.solve_minutes for run in used}.values())
    most = plan.limits.dollars
    return Estimate(
        attempts=len(plan.experiments),
        models=tuple(of),
        dollars_from=round(min(sum(low for low, _ in pairs), most), 4),
        dollars_to=round(min(sum(high for _, high in pairs), most), 4),
        most_dollars=most,
        minutes_from=round(_quantile(minutes, LOW), 1) if minutes else None,
        minutes_to=round(_quantile(minutes, HIGH), 1) if minutes else None,
        known=len(used),
        here=bool(used) and all(run.repository == repository for run in used),
        unknown=tuple(name for name, runs in of.items() if not runs),
    )


def _of_model(name: str, repository: int, known: Sequence[KnownRun]) -> list[KnownRun]:
    everywhere = [run for run in known if run.model == name]
    here = [run for run in everywhere if run.repository == repository]
    return here if len(here) >= LEAST_KNOWN else everywhere


def _dollars(experiment: Experiment, runs: Sequence[KnownRun]) -> tuple[float, float]:
    if not runs:
        return 0.0, experiment.dollars
    costs = sorted(run.dollars for run in runs)
    low, high = _quantile(costs, LOW), _quantile(costs, HIGH)
    return min(low, experiment.dollars), min(high, experiment.dollars)


def _quantile(values: Sequence[float], share: float) -> float:
    """Of sorted values; the nearest one that is not below."""
    return values[min(int(share * len(values)), len(values) - 1)]
