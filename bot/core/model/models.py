"""Language models, what they cost, and how good they are known to be."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars per million tokens."""

    input: float
    output: float
    cached_input: float | None = None


UNKNOWN_PRIOR = (
    0.63  # of a model that nobody has measured: the middle of the catalogue, because newer ones are not weaker
)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A row of the catalogue. `name` is what people type, `model_id` what the provider is asked for."""

    name: str
    provider: str
    model_id: str
    temperature: float | None = None
    max_tokens: int | None = None
    prices: Prices | None = None
    prior: float = UNKNOWN_PRIOR  # share of issues it solves alone, 0 to 1
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Published:
    """What others measured: the share of SWE-bench Verified that one agent resolved with a model, and when."""

    model: str
    share: float
    dollars: float | None  # per issue
    by: str
    on: str  # "autumn 2026"
