"""What doing the same, or something else, with the same inputs says about candidates.

Whoever does what was done before agrees with nobody: only where somebody does something new can two agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

from bot.core.evidence.behaviour import Probed, alone, cured, unchanged
from bot.core.evidence.candidate_matrix import independence
from bot.core.evidence.observations import Case
from bot.core.model import RunId

_SHORT = 2  # characters of a value


def same(probed: Probed, one: RunId, other: RunId) -> float:
    """How far the two do the same new things, 0 to 1; 1 where neither does any, or one of them was not seen."""
    mine, theirs = _new(probed, one), _new(probed, other)
    seen = any(probed.outcomes(one)) and any(probed.outcomes(other))
    return _shared(mine, theirs) if seen and (mine or theirs) else 1.0


def alike(probed: Probed, run: RunId, case: Case) -> float | None:
    """How far the other unbroken candidates do the same new things, another model's counting more, 0 to 1."""
    mine = _new(probed, run)
    others = {item.run: _new(probed, item.run) for item in case.unbroken if item.run != run}
    if not mine:
        return None
    weights = {other: independence(case, run, other) for other in others}
    shared = sum(weight * _shared(mine, others[other]) for other, weight in weights.items())
    return shared / sum(weights.values()) if weights else None


def _shared(mine: Mapping[int, str], theirs: Mapping[int, str]) -> float:
    agreed = sum(theirs.get(number) == outcome for number, outcome in mine.items())
    return agreed / len({*mine, *theirs})


def cure(probed: Probed, run: RunId, case: Case, issue: str) -> float:
    """By how much more it cures, of what raises an error that the issue names, than the mean of the unbroken."""
    shares = {item.run: cured(probed, item.run, issue) for item in case.unbroken}
    known = {each: share for each, share in shares.items() if share is not None and probed.outcomes(each)}
    return known[run] - sum(known.values()) / len(known) if run in known else 0.0


def promise(probed: Probed, run: RunId, case: Case, issue: str) -> float:
    """Of what the issue names and does not complain of, by how much more it does than the mean of the unbroken.

    Named are errors by their class ("a ValueError would be right") and values as they are written ("I expect 1.0 MB"):
    those that some candidate now raises or returns where the base commit did not, and that are not what the issue's own
    inputs led to, which is what it complains of.
    """
    asked = _promised(probed, case, issue)
    shown = {item.run: _new(probed, item.run) for item in case.unbroken}
    shares = {each: _kept(asked, new) for each, new in shown.items()} if asked else {}
    return shares[run] - sum(shares.values()) / len(shares) if run in shares else 0.0


def _promised(probed: Probed, case: Case, issue: str) -> dict[str, frozenset[int]]:
    """What the issue names, and inputs with which some candidate does it anew: a value only with the issue's own."""
    before = set(map(_plain, probed.base[: probed.from_issue or len(probed.base)]))
    found: dict[str, set[int]] = {}
    for item in case.unbroken:
        for number, outcome in _new(probed, item.run).items():
            if number < probed.from_issue or not outcome.startswith("returns "):
                found.setdefault(outcome, set()).add(number)
    return {
        outcome: frozenset(numbers)
        for outcome, numbers in found.items()
        if outcome not in before and _is_named(outcome, issue)
    }


def _kept(asked: Mapping[str, frozenset[int]], new: Mapping[int, str]) -> float:
    """Of each promise as far as it is kept; each counts the same."""
    shares = [sum(new.get(n) == outcome for n in numbers) / len(numbers) for outcome, numbers in asked.items()]
    return sum(shares) / len(shares)


def _is_named(outcome: str, issue: str) -> bool:
    """Values of one or two characters stand everywhere."""
    way, _, what = outcome.partition(" ")
    if way == "returns":
        return len(what) > _SHORT and what.strip("'") in issue
    return bool(re.search(rf"\b{re.escape(what)}\b", issue))


def harm(probed: Probed, run: RunId, case: Case, issue: str) -> float:
    """The share of inputs that were well before and with which it does something else now that nobody asked for.

    What was well is known where the issue names the error that it complains of: all that returned. Elsewhere only that
    is counted with which it is alone, the base commit included, beyond the mean of the unbroken.
    """
    promised = _promised(probed, case, issue)
    if cured(probed, run, issue) is None:
        shares = {item.run: alone(probed, item.run, promised) or 0.0 for item in case.unbroken}
        return max(0.0, shares[run] - sum(shares.values()) / len(shares)) if run in shares else 0.0
    well = {n for n, outcome in enumerate(probed.base) if outcome.startswith("returns ")}
    changed = {n for n, outcome in _new(probed, run).items() if outcome not in promised}
    return len(well & changed) / len(well) if well else 0.0


def example_only(probed: Probed, run: RunId, case: Case) -> bool:
    """It treats special cases, where others do more.

    It does something new with the very inputs of the issue and with none that is like them, while others do. Or there
    are inputs with which two others, of different models, do the same new thing, and it does what was done before.
    """
    mine = _new(probed, run)
    others = {item.run: _new(probed, item.run) for item in case.unbroken if item.run != run}
    if not mine:
        return False
    if _stays_within(mine, probed) and any(new and not _stays_within(new, probed) for new in others.values()):
        return True
    left = {
        number: [other for other, new in others.items() if number in new]
        for number in range(len(probed.probes))
        if number not in mine and any(probed.outcomes(run)[number : number + 1])
    }
    return any(_agree(number, runs, others, case) for number, runs in left.items())


def _agree(number: int, runs: Sequence[RunId], new: Mapping[RunId, Mapping[int, str]], case: Case) -> bool:
    return any(
        case.other_model(one, other) and new[one][number] == new[other][number] for one, other in combinations(runs, 2)
    )


def _stays_within(new: Mapping[int, str], probed: Probed) -> bool:
    return bool(new) and all(number < probed.from_issue for number in new)


def does_nothing(probed: Probed, run: RunId, case: Case) -> bool:
    """It does to the letter what was done before, with inputs with which others do something else."""
    still = unchanged(probed)
    seen = {item.run for item in case.unbroken if any(probed.outcomes(item.run))}
    return run in still and bool(seen - still)


def _new(probed: Probed, run: RunId) -> dict[int, str]:
    """What it does otherwise than the base commit, by the number of the probe; errors by their class."""
    rows = zip(probed.base, probed.outcomes(run), strict=False)
    plain = ((_plain(base), _plain(outcome)) for base, outcome in rows)
    return {number: outcome for number, (base, outcome) in enumerate(plain) if base and outcome and base != outcome}


def _plain(outcome: str) -> str:
    return outcome.partition(":")[0] if outcome.startswith("raises ") else outcome
