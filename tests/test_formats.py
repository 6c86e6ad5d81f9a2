"""What is on record of workflows is a stored format: it changes only on purpose, and old records can be read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.formats import RECORDS, Reading

ROOT = Path(__file__).parent.parent
RELEASES = sorted(path.parent.name for path in RECORDS.glob("*/formats.json"))

GONE = {"0.1.0": {"set up"}}
"""Steps of releases whose records nobody reads: where one stands, the workflow begins anew."""


def told(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def test_the_file_says_what_the_code_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.formats"], cwd=ROOT, capture_output=True, text=True, timeout=240, check=True
    )
    assert done.stdout == (RECORDS / "formats.json").read_text(), (
        "Records of solves in flight change their shape. New fields want a default. Then: "
        "python -m tests.formats > tests/records/formats.json"
    )


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_release_wrote_can_be_read(release: str) -> None:
    old, new = told(RECORDS / release / "formats.json"), told(RECORDS / "formats.json")
    reading = Reading(old, new)
    assert old["workflows"].keys() <= new["workflows"].keys()
    assert old["steps"].keys() - new["steps"].keys() == GONE[release]
    for kind in ("workflows", "steps"):
        for name in old[kind].keys() & new[kind].keys():
            assert reading.fits(old[kind][name], new[kind][name]), name


def record(*required: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(required)}


TEXT, NUMBER, INTEGER, NULL = {"type": "string"}, {"type": "number"}, {"type": "integer"}, {"type": "null"}


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        (TEXT, TEXT, True),
        (TEXT, NUMBER, False),
        (INTEGER, NUMBER, True),
        (NUMBER, INTEGER, False),
        (TEXT, {"anyOf": [TEXT, NULL]}, True),
        ({"anyOf": [TEXT, NULL]}, TEXT, False),
        (NULL, {"anyOf": [{"$ref": "Shape"}, NULL]}, True),
        (record("a", a=TEXT), record("a", a=TEXT, b=TEXT), True),
        (record("a", a=TEXT), record("a", "b", a=TEXT, b=TEXT), False),
        (record("a", "b", a=TEXT, b=TEXT), record("a", a=TEXT), True),
        (record("a", a=TEXT), record("a", a=NUMBER), False),
        (record(a=TEXT), record("a", a=TEXT), True),
        ({"$ref": "Shape"}, record("size", size=NUMBER), True),
        ({"$ref": "Shape"}, record("size", size=TEXT), False),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, True),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, False),
        ({"enum": ["a"]}, TEXT, True),
        (TEXT, {"enum": ["a"]}, False),
        ({"type": "array", "items": TEXT}, {"type": "array", "items": NUMBER}, False),
        ({"type": "object", "additionalProperties": INTEGER}, {"type": "object", "additionalProperties": TEXT}, False),
        ({"type": "array", "prefixItems": [TEXT]}, {"type": "array", "prefixItems": [TEXT, TEXT]}, False),
        (TEXT, {}, True),
    ],
)
def test_reading(old: dict[str, Any], new: dict[str, Any], fits: bool) -> None:
    shapes = {"shapes": {"Shape": record("size", size=INTEGER)}}
    assert Reading(shapes, shapes).fits(old, new) is fits
