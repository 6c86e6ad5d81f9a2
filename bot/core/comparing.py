"""When a model is asked which of two candidates is right, who is asked, and what its answers are worth.

A model that judges alone follows style, and gets worse the more candidates there are. So it is asked about two of them,
only where everything that was run leaves them nearly equal, and twice: with the one first and with the other first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from bot.core.champion import TRUST
from bot.core.evidence import Case
from bot.core.model import Comparison, ModelSpec, RunId
from bot.core.odds import NOTHING_BESIDE, Beside, weigh
from bot.core.pool import PooledTest

NEAR = 0.8  # of log-odds
MOST_DOLLARS = 0.03  # for both orders together


class Answer(StrEnum):
    FIRST = "first"
    SECOND = "second"
    NEITHER = "neither"  # also whatever could not be read


def near_tie(
    case: Case, pool: Sequence[PooledTest] = (), beside: Beside = NOTHING_BESIDE, *, trust: float = TRUST
) -> tuple[RunId, RunId] | None:
    """The two best unbroken candidates, best first, where less than 0.8 of log-odds lie between them.

    Not where they made nearly the same change and no test tells them apart: then either will do. Nor where the better
    one is less likely right than the repository wants: a model's word is no proof.
    """
    table, judged = weigh(case, pool, beside)
    unbroken = [judged[item.run] for item in case.unbroken]
    best = sorted(unbroken, key=lambda each: (-each.terms.total, each.evidence.run))[:2]
    if len(best) < 2 or best[0].terms.total - best[1].terms.total >= NEAR:
        return None
    one, other = (each.evidence.run for each in best)
    if other in best[0].evidence.agrees_with and not table.apart(one, other):
        return None
    return (one, other) if best[0].confidence >= trust else None


def vote(pair: tuple[RunId, RunId], forward: Answer, backward: Answer, by: str) -> Comparison | None:
    """`forward`: with the first of the pair shown first; `backward`: shown second. Disagreement is no vote."""
    one, other = pair
    match forward, backward:
        case Answer.FIRST, Answer.SECOND:
            return Comparison(preferred=one, other=other, by=by)
        case Answer.SECOND, Answer.FIRST:
            return Comparison(preferred=other, other=one, by=by)
        case _:
            return None


def family(model: ModelSpec) -> str:
    """Who made it: `anthropic` of `anthropic/claude-opus-4.5`. Models of one family make the same mistakes."""
    maker, slash, _ = model.model_id.partition("/")
    return (maker if slash else model.model_id).casefold()


def stranger(catalogue: Iterable[ModelSpec], candidates: Iterable[ModelSpec]) -> ModelSpec | None:
    """The cheapest model of another family than all candidates, for a word that is independent of theirs.

    Only where its price is known, because its cost has to be bounded; None where there is no such model.
    """
    families = {family(model) for model in candidates}
    able = [m for m in catalogue if m.is_active and m.prices is not None and family(m) not in families]
    return min(able, key=lambda model: (_price(model), model.name), default=None)


def _price(model: ModelSpec) -> float:
    """A reader: ten tokens go in for one that comes out."""
    return 10 * model.prices.input + model.prices.output if model.prices else 0.0
