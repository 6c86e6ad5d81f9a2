"""The models that a new server starts with, as of 27 November 2026, all through OpenRouter.

Prices are dollars per million tokens as we knew them when this was written. They bound what a run may spend before it
asks, and stand in where an answer says no cost; the bill itself is the provider's `usage.cost`. Check them, and add
what came out since, with `solvebot models`: the catalogue in the database is the one that counts.

`prior` is the share of SWE-bench Verified that one agent resolved with the model in one attempt: the newest that was
published (`PUBLISHED`), else that of mini-SWE-agent 1.x (its leaderboard of 10 December 2025; for a model that is not
on it, the nearest relative's). Agents differ, so shares of two sources are only roughly comparable. Temperatures are
left to the providers: some of these models accept none.
"""

from __future__ import annotations

from bot.agent.wire import OPENROUTER
from bot.core.model import ModelSpec, Prices, Published


def _spec(name: str, model_id: str, prices: Prices, prior: float) -> ModelSpec:
    return ModelSpec(name=name, provider=OPENROUTER, model_id=model_id, prices=prices, prior=prior)


CATALOGUE: tuple[ModelSpec, ...] = (
    _spec("opus", "anthropic/claude-opus-4.5", Prices(5.00, 25.00, 0.50), 0.744),
    _spec("sonnet", "anthropic/claude-sonnet-4.5", Prices(3.00, 15.00, 0.30), 0.706),
    _spec("gemini-3-pro", "google/gemini-3-pro-preview", Prices(2.00, 12.00, 0.20), 0.742),
    _spec("gpt-5.1", "openai/gpt-5.1", Prices(1.25, 10.00, 0.125), 0.660),
    _spec("gpt-5", "openai/gpt-5", Prices(1.25, 10.00, 0.125), 0.650),
    _spec("gpt-5-mini", "openai/gpt-5-mini", Prices(0.25, 2.00, 0.025), 0.598),
    _spec("minimax-m2", "minimax/minimax-m2", Prices(0.30, 1.20), 0.610),
    _spec("deepseek-v3.2", "deepseek/deepseek-v3.2", Prices(0.28, 0.42, 0.028), 0.716),
    _spec("devstral-small", "mistralai/devstral-small", Prices(0.10, 0.30), 0.564),
    _spec("glm-4.6", "z-ai/glm-4.6", Prices(0.60, 2.20, 0.11), 0.554),
    _spec("qwen3-coder", "qwen/qwen3-coder", Prices(0.40, 1.60), 0.554),
    _spec("kimi-k2", "moonshotai/kimi-k2-0905", Prices(0.60, 2.50, 0.15), 0.438),
)

_INDEX, _AUTUMN = "OpenHands index", "autumn 2026"

# Models that are not in the catalogue above are here without what their tokens cost: that was not published with it.
PUBLISHED: tuple[Published, ...] = (
    Published("fable-5", 0.958, None, _INDEX, _AUTUMN),
    Published("opus-4.8", 0.838, None, _INDEX, _AUTUMN),
    Published("GPT-5.5", 0.782, None, _INDEX, _AUTUMN),
    Published("MiniMax-M3", 0.764, 0.15, _INDEX, _AUTUMN),
    Published("sonnet-4.6", 0.744, None, _INDEX, _AUTUMN),
    Published("DeepSeek-V4-Pro", 0.732, 0.04, _INDEX, _AUTUMN),
    Published("deepseek-v3.2", 0.716, 0.16, _INDEX, _AUTUMN),
)
