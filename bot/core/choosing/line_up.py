"""The line-up where nobody names models: the cheapest set that is nearly as good as the best one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import prod

from bot.core.choosing.comparing import family
from bot.core.model import ModelSpec, Prices

NEARLY = 0.02  # of the share of issues that at least one of the set solves
MOST_MODELS = 30  # of a catalogue; those with the best priors

# An attempt of mini-SWE-agent on SWE-bench Verified cost about $0.03 with deepseek-v3.2 and $0.70 with Opus 4.5: both
# fit 475,000 tokens read, nine of ten from the cache, and 10,000 written.
_READ, _CACHED, _WRITTEN = 475_000, 0.9, 10_000
# Models fail on the same issues. Three cheap ones, the best of which solves .764 alone, solve .856 together, where
# independent ones would solve .98: so of what independence promises this share is kept.
_INDEPENDENT = 0.42


def line_up(catalogue: Iterable[ModelSpec], most: int) -> tuple[ModelSpec, ...]:
    """At most `most` models with known prices, the best prior first; of two families at least, where there are two.

    Of all such sets whose expected oracle (the share of issues that at least one solves) is within 2 points of the best
    one's, that with the lowest price of one attempt each. Nothing where no price is known.
    """
    priced = [model for model in catalogue if model.is_active and model.prices is not None]
    models = sorted(priced, key=lambda model: (-model.prior, model.name))[:MOST_MODELS]
    sets = [found for size in range(1, max(1, most) + 1) for found in combinations(models, size)]
    diverse = [found for found in sets if len(set(map(family, found))) > 1]
    sets = diverse or sets
    if not sets:
        return ()
    best = max(map(oracle, sets))
    good = [found for found in sets if oracle(found) >= best - NEARLY]
    return min(good, key=lambda found: (sum(map(attempt_dollars, found)), -oracle(found)))


def oracle(models: Sequence[ModelSpec]) -> float:
    """The share of issues that at least one of them solves, from their priors."""
    best = max(model.prior for model in models)
    independent = 1 - prod(1 - model.prior for model in models)
    return best + _INDEPENDENT * (independent - best)


def attempt_dollars(model: ModelSpec) -> float:
    """What one attempt costs, by the model's prices."""
    prices = model.prices or Prices(0.0, 0.0)
    cached = prices.input if prices.cached_input is None else prices.cached_input
    read = _READ * ((1 - _CACHED) * prices.input + _CACHED * cached)
    return (read + _WRITTEN * prices.output) / 1_000_000
