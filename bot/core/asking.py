"""Questions to a model beside the runs: what one may cost at most, known before it is asked, and what it did cost."""

from __future__ import annotations

from dataclasses import replace

from bot.core.model import Consulted, ModelSpec, SolveFacts, Usage

BYTES_PER_TOKEN = 2  # text and code have three to four; a bound that fails with odd text would be none
NO_USAGE = Usage()
SECONDS = 180.0  # for one question: what it may add is not worth waiting for


def most_dollars(model: ModelSpec, size: int, answer_tokens: int) -> float:
    """For a question of so many bytes and an answer of so many tokens; infinite without a known price."""
    if model.prices is None:
        return float("inf")
    return (size / BYTES_PER_TOKEN * model.prices.input + answer_tokens * model.prices.output) / 1_000_000


def dollars_left(facts: SolveFacts) -> float:
    """Of what the whole solve may cost."""
    return max(0.0, facts.limits.dollars - facts.dollars) if facts.limits else 0.0


def bounded(model: ModelSpec, answer_tokens: int) -> ModelSpec:
    """The same model, which says no more than that."""
    return replace(model, max_tokens=min(model.max_tokens or answer_tokens, answer_tokens))


def added(cost: Consulted, dollars: float, usage: Usage = NO_USAGE, seconds: float = 0.0) -> Consulted:
    """With one question more."""
    return replace(
        cost,
        steps=cost.steps + 1,
        dollars=cost.dollars + dollars,
        usage=cost.usage + usage,
        seconds=cost.seconds + seconds,
    )
