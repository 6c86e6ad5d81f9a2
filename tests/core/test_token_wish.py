"""Which tokens are made, and what is said of those that are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.access import AccessToken, Scope
from bot.core.model import Person
from bot.core.token_wish import MOST_VALID, BadWish, TokenWish, read_wish

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
READ, STEER, OPERATE = Scope.READ, Scope.STEER, Scope.OPERATE


def owned(number: int, *, days: int = 1) -> list[AccessToken]:
    ann = Person("ann", 9)
    return [AccessToken(str(n), "", ann, frozenset({READ}), NOON, NOON + timedelta(days=days)) for n in range(number)]


@pytest.mark.parametrize(
    ("name", "scopes", "days", "is_admin", "has", "expected"),
    [
        (" our  chat ", ["read", "steer"], "90", False, 0, TokenWish("our chat", frozenset({READ, STEER}), 90)),
        ("x", ["operate"], "366", True, 0, TokenWish("x", frozenset({OPERATE}), 366)),
        ("x", ["read", "sudo"], "1", False, MOST_VALID - 1, TokenWish("x", frozenset({READ}), 1)),
        ("x", ["operate"], "1", False, 0, "administrators"),
        ("", ["read"], "1", False, 0, "what the token is for"),
        ("\u200b", ["read"], "1", False, 0, "what the token is for"),
        ("x" * 101, ["read"], "1", False, 0, "what the token is for"),
        ("x", [], "1", False, 0, "may be used for"),
        ("x", ["sudo"], "1", False, 0, "may be used for"),
        ("x", ["read"], "0", False, 0, "1 to 366 days"),
        ("x", ["read"], "367", False, 0, "1 to 366 days"),
        ("x", ["read"], "-1", False, 0, "1 to 366 days"),
        ("x", ["read"], "\u0663", False, 0, "1 to 366 days"),
        ("x", ["read"], "1", False, MOST_VALID, "Revoke one"),
    ],
)
def test_wishes(name: str, scopes: list[str], days: str, is_admin: bool, has: int, expected: TokenWish | str) -> None:
    found = read_wish(name, scopes, days, is_admin=is_admin, owned=owned(has), now=NOON)
    if isinstance(expected, str):
        assert isinstance(found, BadWish)
        assert expected in found.why
    else:
        assert found == expected


def test_those_that_are_over_do_not_count() -> None:
    found = read_wish("x", ["read"], "1", is_admin=False, owned=owned(MOST_VALID, days=0), now=NOON)
    assert isinstance(found, TokenWish)


@given(st.text(), st.lists(st.text()), st.text(), st.booleans())
def test_whatever_is_sent(name: str, scopes: list[str], days: str, is_admin: bool) -> None:
    found = read_wish(name, scopes, days, is_admin=is_admin, owned=(), now=NOON)
    assert isinstance(found, TokenWish | BadWish)
