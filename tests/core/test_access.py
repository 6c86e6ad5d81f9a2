"""Who may see and do what: a table, and laws that hold for all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.access import (
    EVERY_SCOPE,
    AccessToken,
    Deed,
    Means,
    Principal,
    Scope,
    Verdict,
    is_admin,
    is_token,
    may,
    token_digest,
    token_id,
    token_text,
)
from bot.core.model import Permission, Person
from bot.core.text.secrets import redact

ANN = Principal(Person("ann", 9), Means.SESSION, "x")
ADMIN = Principal(Person("ann", 9), Means.SESSION, "x", is_admin=True)
READER = Principal(Person("ann", 9), Means.TOKEN, "x", frozenset({Scope.READ}), is_admin=True)
ROBOT = Principal(Person("ci[bot]", 8, is_bot=True), Means.TOKEN, "x")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("principal", "deed", "has", "needed", "verdict"),
    [
        (None, Deed.ANY, Permission.ADMIN, Permission.NONE, Verdict.SIGN_IN),
        (ANN, Deed.ANY, Permission.NONE, Permission.WRITE, Verdict.ALLOWED),
        (ANN, Deed.SEE, Permission.NONE, Permission.WRITE, Verdict.HIDDEN),
        (ADMIN, Deed.SEE, Permission.NONE, Permission.WRITE, Verdict.HIDDEN),  # administrators read no more than others
        (ANN, Deed.SEE, Permission.READ, Permission.WRITE, Verdict.ALLOWED),
        (ANN, Deed.STEER, Permission.NONE, Permission.WRITE, Verdict.HIDDEN),
        (ANN, Deed.STEER, Permission.TRIAGE, Permission.WRITE, Verdict.PERMISSION),
        (ADMIN, Deed.STEER, Permission.READ, Permission.WRITE, Verdict.PERMISSION),
        (ANN, Deed.STEER, Permission.WRITE, Permission.WRITE, Verdict.ALLOWED),
        (ANN, Deed.STEER, Permission.READ, Permission.READ, Verdict.ALLOWED),
        (ANN, Deed.STEER, Permission.WRITE, Permission.ADMIN, Verdict.PERMISSION),
        (ROBOT, Deed.STEER, Permission.ADMIN, Permission.WRITE, Verdict.ROBOT),
        (ROBOT, Deed.SEE, Permission.READ, Permission.WRITE, Verdict.ALLOWED),
        (ANN, Deed.OPERATE, Permission.ADMIN, Permission.NONE, Verdict.ADMIN),
        (ADMIN, Deed.OPERATE, Permission.NONE, Permission.NONE, Verdict.ALLOWED),
        (READER, Deed.OPERATE, Permission.NONE, Permission.NONE, Verdict.SCOPE),
        (READER, Deed.STEER, Permission.ADMIN, Permission.WRITE, Verdict.SCOPE),
        (
            READER,
            Deed.STEER,
            Permission.NONE,
            Permission.WRITE,
            Verdict.HIDDEN,
        ),  # and no word of the token
    ],
)
def test_table(principal: Principal | None, deed: Deed, has: Permission, needed: Permission, verdict: Verdict) -> None:
    assert may(principal, deed, has=has, needed=needed) is verdict


principals = st.builds(
    Principal,
    st.builds(Person, st.just("a"), st.just(1), st.booleans()),
    st.sampled_from(Means),
    st.just("x"),
    st.frozensets(st.sampled_from(Scope)),
    st.booleans(),
)


@given(principals, st.sampled_from(Deed), st.sampled_from(Permission), st.sampled_from(Permission))
def test_more_permission_never_forbids_and_fewer_scopes_never_allow(
    principal: Principal, deed: Deed, has: Permission, needed: Permission
) -> None:
    if may(principal, deed, has=has, needed=needed) is Verdict.ALLOWED:
        assert may(principal, deed, has=Permission.ADMIN, needed=needed) is Verdict.ALLOWED
        everything = Principal(principal.person, principal.means, "x", EVERY_SCOPE, principal.is_admin)
        assert may(everything, deed, has=has, needed=needed) is Verdict.ALLOWED
    else:
        assert may(principal, deed, has=Permission.NONE, needed=needed) is not Verdict.ALLOWED or deed in (
            Deed.ANY,
            Deed.OPERATE,
        )


def test_a_token_is_known_by_its_text_alone() -> None:
    text = token_text("0123456789ab", "A" * 43)
    assert token_id(text) == "0123456789ab"
    assert is_token(text, token_digest(text))
    assert not is_token(text[:-1] + "B", token_digest(text))
    assert redact(f"curl -H 'Authorization: Bearer {text}'") == "curl -H 'Authorization: Bearer [redacted]'"


@given(st.text())
def test_no_other_text_is_one(text: str) -> None:
    assert token_id(text) is None
    assert not is_token(text, token_digest(text + "x"))


@pytest.mark.parametrize(("after", "valid"), [(0, True), (59, True), (60, False), (61, False)])
def test_a_token_ends(after: int, valid: bool) -> None:
    token = AccessToken("a", "", Person("ann", 9), EVERY_SCOPE, NOON, NOON + timedelta(minutes=60))
    assert token.is_valid(NOON + timedelta(minutes=after)) is valid


@pytest.mark.parametrize(
    ("login", "teams", "expected"),
    [
        ("Ann", (), True),
        ("annie", (), False),
        ("octo", (), False),
        ("bob", ("octo/ops",), True),
        ("bob", ("octo/other",), False),
        ("octo/ops", (), False),
    ],
)
def test_who_is_an_administrator(login: str, teams: tuple[str, ...], expected: bool) -> None:
    assert is_admin(login, ("ann", "octo/Ops"), frozenset(teams)) is expected
