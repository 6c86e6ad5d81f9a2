"""The smallest champion that does the same: what nobody else needed, and no test needs, does not reach people.

Measured elsewhere: of patches that agree, those without the hunks that nobody else has are right more often
(PatchFusion, 2607.01597). Here a hunk is dropped only after everything was run again without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.core.candidate.file_roles import BY_NAME, FileRoles, roles_of
from bot.core.candidate.hunks import Hunk, hunks_of
from bot.core.evidence.behaviour import Probed, shared_behaviour
from bot.core.evidence.observations import is_broken
from bot.core.evidence.pool import PooledTest
from bot.core.model import Candidate, Evidence, Minimal, RunFacts, RunId, SolveFacts

MOST_HUNKS = 4  # that are tried: each costs as much as judging a candidate
_PROSE = (".md", ".rst", ".txt", ".adoc")  # no test can need it, so that none does says nothing


def spare_hunks(facts: SolveFacts) -> tuple[Hunk, ...]:
    """Hunks of the champion that may be more than it takes, the largest first.

    Not needed by somebody who behaves alike: another unbroken candidate that passes every pooled test that the champion
    passes, at least one, does the same with the same inputs, and leaves these lines as they are. No other unbroken
    candidate changes them either. Never tests nor what they read, never documentation, and never all that there is.
    """
    champion = facts.champion
    if champion is None or champion.candidate is None:
        return ()
    others = [run for run in facts.runs if run.id != champion.id and _counts(run)]
    if not any(_alike(champion.id, run.id, facts.pool, facts.probed) for run in others):
        return ()
    theirs = [hunk for run in others if run.candidate for hunk in hunks_of(run.candidate.patch)]
    roles = roles_of(facts.baseline) if facts.baseline else BY_NAME
    ours = [hunk for hunk in hunks_of(champion.candidate.patch) if _is_source(hunk.path, roles)]
    alone = [hunk for hunk in ours if not any(_touch(hunk, other) for other in theirs)]
    if len(alone) == len(ours):
        return ()
    return tuple(sorted(alone, key=lambda hunk: -(hunk.added + hunk.removed))[:MOST_HUNKS])


def as_good(before: Evidence, after: Evidence) -> bool:
    """Is everything that was observed of a champion still so?"""
    if is_broken(after) or after.gate_failures or not {*after.regressions} <= {*before.regressions}:
        return False
    return (
        after.stable_total == before.stable_total
        and after.own_tests_on_candidate is before.own_tests_on_candidate
        and {*after.fixed} >= {*before.fixed}
        and after.repro_after == before.repro_after
        and after.problem == before.problem
    )


def same_behaviour(probed: Probed | None, run: RunId, seen: Mapping[str, str]) -> bool:
    """`seen`: expression -> what comes of it now. All that was seen of the champion has to come again."""
    if probed is None:
        return True
    return all(
        seen.get(probe) == said for probe, said in zip(probed.probes, probed.outcomes(run), strict=False) if said
    )


def minimal(candidate: Candidate, dropped: Iterable[Hunk]) -> Minimal:
    return Minimal(candidate, tuple(f"{hunk.path}:{hunk.line} (+{hunk.added} -{hunk.removed})" for hunk in dropped))


def _counts(run: RunFacts) -> bool:
    return run.candidate is not None and run.evidence is not None and not is_broken(run.evidence)


def _alike(champion: RunId, other: RunId, pool: Iterable[PooledTest], probed: Probed | None) -> bool:
    ours = [test for test in pool if champion in test.passed_by]
    behaves = shared_behaviour(probed, champion, other) if probed else None
    return bool(ours) and all(other in test.passed_by for test in ours) and behaves in (None, 1.0)


def _is_source(path: str, roles: FileRoles) -> bool:
    return not (roles.is_of_tests(path) or path.lower().endswith(_PROSE))


def _touch(one: Hunk, other: Hunk) -> bool:
    whole = one.is_whole_file or other.is_whole_file
    return one.path == other.path and (whole or not one.old_lines.isdisjoint(other.old_lines))
