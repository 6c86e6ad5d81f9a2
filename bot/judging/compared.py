"""What candidates are compared by, as the stored facts have it."""

from __future__ import annotations

from bot.core.candidate.file_roles import roles_of
from bot.core.model import Baseline, Candidate, SolveFacts
from bot.judging.bench import Overlay, overlay_of
from bot.ports import Mirrors, Rejected


async def candidate_files(mirrors: Mirrors, facts: SolveFacts, candidate: Candidate) -> Overlay | None:
    """None where its patch does not apply."""
    assert facts.task is not None
    try:
        return overlay_of(await mirrors.entries(facts.solve.issue.repo, facts.task.base_sha, candidate.patch))
    except Rejected:
        return None


def without_tests(files: Overlay, baseline: Baseline) -> Overlay:
    """Its sources, and nothing that tests load or that says which of them are run."""
    roles = roles_of(baseline)
    sources = {path: file for path, file in files.write.items() if not roles.is_of_tests(path)}
    return Overlay(sources, tuple(path for path in files.delete if not roles.is_of_tests(path)))


def parallel_of(facts: SolveFacts) -> int:
    """Sandboxes at a time, as many as runs of the solve."""
    return max(1, facts.limits.parallel) if facts.limits else 1


def baseline_of(facts: SolveFacts) -> Baseline:
    assert facts.baseline is not None
    return facts.baseline
