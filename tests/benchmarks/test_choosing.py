"""The measure itself, on candidates that are made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.calibration import Scored, brier, calibration
from tests.benchmarks.choosing import measure, read
from tests.benchmarks.fitting import fit


def candidate(system: str, resolved: int, **changes: Any) -> dict[str, Any]:
    made = {"system": system, "model": system, "resolved": resolved, "regression_ok": None, "gates": [], "empty": False}
    return {**made, "own_source": True, "lineups": ["l"], "features": {"lines": 2.0}, **changes}


def issue(name: str, *candidates: dict[str, Any], alike: float = 0.9) -> dict[str, Any]:
    """The first two agree."""
    return {"issue": name, "candidates": list(candidates), "similarity": [[1, 0, alike, alike, 0.0]]}


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_who_agrees_is_chosen_and_the_gap_is_closed(tmp_path: Path) -> None:
    rows = [
        issue(f"i{n}", candidate("a", 1, model="m"), candidate("b", 1, model="m"), candidate("c", 0)) for n in range(30)
    ]
    [measured] = measure(written(tmp_path / "data.jsonl", *rows)).lineups
    assert (measured.issues, measured.oracle) == (30, 1.0)
    assert measured.mean == pytest.approx(2 / 3)
    assert (measured.without, measured.with_priors, measured.fitted) == (1.0, 1.0, 1.0)
    assert measured.stopped.saved == pytest.approx(1 / 3)
    assert measured.stopped.lost == 0.0


def test_a_draw_closes_nothing_and_samples_of_one_system_have_one_prior(tmp_path: Path) -> None:
    rows = [issue(f"i{n}", candidate("a-run1", n % 2), candidate("a-run2", 1 - n % 2), alike=0.0) for n in range(40)]
    [measured] = measure(written(tmp_path / "data.jsonl", *rows)).lineups
    assert measured.without == measured.with_priors == 0.0


def test_what_breaks_tests_or_fails_a_gate_is_never_chosen(tmp_path: Path) -> None:
    right = candidate("a", 1, regression_ok=True)
    rows = [
        issue(f"i{n}", candidate("b", 0, regression_ok=False), candidate("c", 0, gates=["binary"]), right)
        for n in range(20)
    ]
    path = written(tmp_path / "data.jsonl", *rows)
    assert measure(path).lineups[0].without == 1.0
    assert {found.fold for found in read(path)} > {0}


def test_weights_are_found_again() -> None:
    table = [((1.0, float(x)), x > 0 if (x + y) % 4 else x <= 0) for x in (-1, 1) for y in range(40)]
    constant, slope = fit(table)
    assert constant == pytest.approx(0.0, abs=0.01)
    assert slope == pytest.approx(1.0986, abs=0.01)  # three in four


def test_calibration_says_what_came_of_what_was_said() -> None:
    scored = [Scored(0.75, right) for right in (True, True, True, False)] + [Scored(1.0, False)]
    assert [(part.number, part.said, part.right) for part in calibration(scored)] == [(4, 0.75, 0.75), (1, 1.0, 0.0)]
    assert brier(scored) == pytest.approx((3 * 0.0625 + 0.5625 + 1) / 5)
