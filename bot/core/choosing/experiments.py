"""The matrix of a solve: which experiments are run, and within which limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.choosing.line_up import line_up
from bot.core.model import MAX_ATTEMPTS, Experiment, Limits, ModelSpec, RepoConfig, SolveOptions, Strategy
from bot.core.trigger.budgets import Budget
from bot.core.trigger.commands import Misread, resolve_models

DEFAULT_STRATEGIES = (Strategy.BASELINE, Strategy.TEST_FIRST)
REPEAT_TEMPERATURES = (0.7, 1.0, 0.4)
AUTO = ("auto",)  # the server's models: the cheapest set that is nearly as good as the best
LEAST_SHARE = 0.01  # dollars; below it a run cannot even read the issue


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What the operator set: the ceilings, and the line-up where nobody else says."""

    limits: Limits
    models: tuple[str, ...]
    attempts: int = 3
    max_attempts: int = MAX_ATTEMPTS
    budgets: tuple[Budget, ...] = ()

    def within(self, dollars: float) -> ServerLimits:
        """No more than was set aside; 0: nothing was."""
        if not dollars:
            return self
        return replace(self, limits=replace(self.limits, dollars=min(self.limits.dollars, dollars)))


@dataclass(frozen=True, slots=True)
class Plan:
    """`notes`: where it is less than what was asked for, a sentence each."""

    experiments: tuple[Experiment, ...]
    limits: Limits
    notes: tuple[str, ...] = ()


def plan(
    options: SolveOptions, config: RepoConfig, catalogue: Sequence[ModelSpec], server: ServerLimits
) -> Plan | Misread:
    """Models, strategies and attempts are the command's, else the repository's, else the server's.

    - Each limit is the strictest of the three, and every run gets the same share of the dollars.
    - Who names more models, strategies or temperatures than the default number of attempts gets one attempt for each;
      who names a number of attempts gets that number.
    - Diversity comes first, because attempts that differ fail differently: attempts go round the models; each round
      a model takes the next strategy, and starts where its neighbour does not; when a model has had every
      strategy, it takes the next temperature.
    - Temperatures that nobody named: a model's own first, then 0.7, 1.0, 0.4 for its repetitions.
    """
    names = options.models or config.models or server.models
    if names == AUTO and (chosen := line_up(catalogue, options.attempts or config.attempts or server.attempts)):
        names = tuple(model.name for model in chosen)
    models = resolve_models(names, catalogue)
    if isinstance(models, Misread):
        return models if options.models else _not_the_commands_fault(models, config)
    strategies = options.strategies or config.strategies or DEFAULT_STRATEGIES
    named = max(len(models), len(options.strategies or config.strategies), len(options.temperatures))
    wanted = options.attempts or config.attempts or max(server.attempts, named)
    attempts = min(wanted, server.max_attempts, MAX_ATTEMPTS)
    limits = _strictest(options, config, server.limits)
    share = _share(limits.dollars, attempts)
    if share < LEAST_SHARE:
        return Misread(
            f"${limits.dollars:g} is not enough for {_attempts(attempts)}.",
            f"Allow at least ${LEAST_SHARE * attempts:.2f}, or ask for fewer attempts.",
        )
    experiments = tuple(
        _experiment(index, models, strategies, options.temperatures, limits.steps, share) for index in range(attempts)
    )
    return Plan(experiments, limits, _notes(options, wanted, attempts, limits, models))


def after_setup(planned: Plan, spent: float) -> Plan:
    """What an agent spent on the environment is no longer there for the runs, which share the rest."""
    left = max(planned.limits.dollars - spent, 0.0)
    share = _share(left, len(planned.experiments))
    return replace(planned, experiments=tuple(replace(each, dollars=share) for each in planned.experiments))


def _share(dollars: float, attempts: int) -> float:
    """Rounded down, so that the shares never exceed the whole."""
    return math.floor(dollars / attempts * 1e6) / 1e6


def _not_the_commands_fault(misread: Misread, config: RepoConfig) -> Misread:
    where = "`.github/solvebot.yml`" if config.models else "the server's default line-up"
    return Misread(f"{misread.what} It comes from {where}.", misread.remedy)


def _strictest(options: SolveOptions, config: RepoConfig, server: Limits) -> Limits:
    return Limits(
        parallel=min(server.parallel, config.parallel or server.parallel),
        minutes=min(server.minutes, config.minutes or server.minutes, options.minutes or server.minutes),
        dollars=min(server.dollars, config.dollars or server.dollars, options.dollars or server.dollars),
        steps=min(server.steps, config.steps or server.steps),
        rounds=config.rounds or 1,
    )


def _experiment(
    index: int,
    models: Sequence[ModelSpec],
    strategies: Sequence[Strategy],
    temperatures: Sequence[float],
    steps: int,
    share: float,
) -> Experiment:
    round_, place = divmod(index, len(models))
    repetition = round_ // len(strategies)
    model = models[place]
    if temperatures:
        temperature: float | None = temperatures[(place + repetition) % len(temperatures)]
    else:
        temperature = (model.temperature, *REPEAT_TEMPERATURES)[repetition % (1 + len(REPEAT_TEMPERATURES))]
    strategy = strategies[(place + round_) % len(strategies)]
    return Experiment(index + 1, model, temperature, strategy, steps, share)


def _notes(
    options: SolveOptions, wanted: int, attempts: int, limits: Limits, models: Sequence[ModelSpec]
) -> tuple[str, ...]:
    notes = []
    if attempts < wanted:
        notes.append(f"{wanted} attempts were asked for; this server allows {attempts}.")
    if attempts < len(models):
        unused = ", ".join(model.name for model in models[attempts:])
        notes.append(f"With {_attempts(attempts)} there is no place for {unused}.")
    if options.dollars and limits.dollars < options.dollars:
        notes.append(f"${options.dollars:g} were allowed; the limit here is ${limits.dollars:g}.")
    if options.minutes and limits.minutes < options.minutes:
        notes.append(f"{options.minutes:g} minutes were allowed; the limit here is {limits.minutes:g}.")
    return tuple(notes)


def _attempts(number: int) -> str:
    return "1 attempt" if number == 1 else f"{number} attempts"
