"""When a model is asked which of two candidates is right, who is asked, and what its answers are worth.

A model that judges alone follows style, and gets worse the more candidates there are. So it is asked about two of them,
only where everything that was run leaves them nearly equal, and twice: with the one first and with the other first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.core.asking import most_dollars
from bot.core.choosing.champion import TRUST
from bot.core.choosing.odds import NOTHING_BESIDE, Beside, weigh
from bot.core.evidence.observations import Case
from bot.core.evidence.pool import PooledTest
from bot.core.model import Answer, Compared, Comparison, ModelSpec, RunId, SolveFacts

NEAR = 0.8  # of log-odds
MOST_DOLLARS = 0.03  # for both orders together
ANSWER_TOKENS = 4_000  # of one answer, with what the model thinks before it
ORDERS = 2


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


def preference(compared: Compared | None) -> Comparison | None:
    """What both answers together are worth; None where there are not two."""
    if compared is None or len(compared.answers) != ORDERS:
        return None
    forward, backward = compared.answers
    return vote((compared.one, compared.other), forward, backward, compared.cost.model)


def beside_of(facts: SolveFacts) -> Beside:
    """All that counts beside evidence and pool, as far as it is known."""
    issue = f"{facts.task.title}\n{facts.task.body}" if facts.task else ""
    return Beside(facts.probed, issue, preference(facts.compared))


def next_order(compared: Compared) -> tuple[RunId, RunId] | None:
    """Who is shown first and who second in the next question; None where another answer changes nothing."""
    match compared.answers:
        case ():
            return compared.one, compared.other
        case (Answer.FIRST | Answer.SECOND,):
            return compared.other, compared.one
        case _:
            return None


def affordable(model: ModelSpec, size: int, compared: Compared, left: float) -> bool:
    """Do all questions that may follow stay within three cents, and within what is left of the solve's dollars?

    `size`: bytes of a question. What was spent already is no longer in `left`.
    """
    to_come = (ORDERS - len(compared.answers)) * most_dollars(model, size, ANSWER_TOKENS)
    return to_come <= min(MOST_DOLLARS - compared.cost.dollars, left)


def read_answer(text: str) -> Answer:
    """Its last line, to the letter; anything else is no preference."""
    last = text.strip().rpartition("\n")[2].strip()
    return next((answer for answer in Answer if answer.name == last), Answer.NEITHER)


def family(model: ModelSpec) -> str:
    """Who made it: `anthropic` of `anthropic/claude-opus-4.5`. Models of one family make the same mistakes."""
    maker, slash, _ = model.model_id.partition("/")
    return (maker if slash else model.model_id).casefold()


def stranger(catalogue: Iterable[ModelSpec], candidates: Iterable[ModelSpec]) -> ModelSpec | None:
    """The cheapest model of another family than all candidates, for a word that is independent of theirs.

    Only where its price is known, because its cost has to be bounded, and behind a provider of one of the candidates,
    because of no other it is known that it can be reached; None where there is no such model.
    """
    candidates = list(candidates)
    families = {family(model) for model in candidates}
    providers = {model.provider for model in candidates}
    known = [m for m in catalogue if m.is_active and m.prices is not None and m.provider in providers]
    able = [model for model in known if family(model) not in families]
    return min(able, key=lambda model: (_price(model), model.name), default=None)


def _price(model: ModelSpec) -> float:
    """A reader: ten tokens go in for one that comes out."""
    return 10 * model.prices.input + model.prices.output if model.prices else 0.0
