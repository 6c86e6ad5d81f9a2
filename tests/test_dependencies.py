"""What is concluded from what the tools say; the tools themselves ask the network, and run in `make check`."""

from __future__ import annotations

import pytest

from tests.dependencies import LOCK, holes, is_allowed, names

LOCKED = len(names(LOCK.read_text()))


@pytest.mark.parametrize(
    ("said", "known", "unasked"),
    [
        pytest.param('{"dependencies": [{"name": "a", "version": "1", "vulns": []}], "fixes": []}', [], 0, id="clean"),
        pytest.param('{"dependencies": [{"name": "a", "vulns": [{"id": "GHSA-1"}]}]}', ["a: GHSA-1"], 0, id="a hole"),
        pytest.param('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', [], 1, id="one nobody knows"),
        pytest.param("", [], LOCKED, id="no network"),
        pytest.param("Traceback (most recent call last)", [], LOCKED, id="it broke"),
        pytest.param('{"dependencies": []}', [], LOCKED, id="it looked at nothing"),
    ],
)
def test_what_is_known_and_what_nobody_said(said: str, known: list[str], unasked: int) -> None:
    assert holes(said) == (known, unasked)


@pytest.mark.parametrize(
    ("package", "licence", "allowed"),
    [
        ("anything", "MIT", True),
        ("anything", "GPL-3.0-only", False),
        ("anything", "MIT AND GPL-3.0-only", False),
        ("anything", "UNKNOWN", False),
        ("psycopg", "LGPL-3.0-only", True),
        ("psycopg", "AGPL-3.0-only", False),
        ("anything", "LGPL-3.0-only", False),
    ],
)
def test_which_licences_will_do(package: str, licence: str, allowed: bool) -> None:
    assert is_allowed(package, licence) is allowed


def test_names_are_those_of_the_lock() -> None:
    assert LOCKED > 50
    assert {"httpx", "githubkit", "dbos"} <= set(names(LOCK.read_text()))
