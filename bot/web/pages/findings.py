"""What was observed about one candidate, as names and short values."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.choosing.phrases import OBJECTIONS
from bot.core.model import Evidence
from bot.core.render.evidence import own_tests
from bot.core.render.text import count

SHOWN = 10


def findings(evidence: Evidence | None) -> tuple[tuple[str, str], ...]:
    if evidence is None:
        return ()
    return tuple((name, value) for name, value in _all(evidence) if value)


def _all(evidence: Evidence) -> Sequence[tuple[str, str]]:
    kept = f"{evidence.stable_passed:,} of {evidence.stable_total:,} still pass" if evidence.stable_total else ""
    files, lines = count(evidence.files_changed, "file"), count(evidence.lines_changed, "line")
    return (
        *(("Out", f"it {OBJECTIONS[each.gate]} {each.detail}".strip()) for each in evidence.gate_failures),
        ("Old tests", kept),
        ("Broken", _listed(evidence.regressions)),
        ("Fixed", _listed(evidence.fixed)),
        ("Its tests", f"{own_tests(evidence)} ({_listed(evidence.test_files)})" if evidence.test_files else ""),
        ("Repro", _repro(evidence)),
        ("Size", f"{files}, {lines}" if evidence.files_changed else ""),
        ("Problem", evidence.problem),
        *(("Note", note) for note in evidence.notes),
    )


def _repro(evidence: Evidence) -> str:
    if evidence.repro_before is None:
        return ""
    after = "not run" if evidence.repro_after is None else f"exit {evidence.repro_after}"
    return f"exit {evidence.repro_before} before, {after} after"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
