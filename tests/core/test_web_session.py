"""What a browser holds says nothing about what is kept, and it is sent nowhere but to us."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Person
from bot.core.web_session import LIFETIME, begun, challenge, digest, form_token, is_form_token, local_path

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
OURS = "https://solvebot.example"


@pytest.mark.parametrize("path", ["/", "/solves/s-1-2-l3", "/?repository=octo%2Fweb&state=active", "/a//b", "/@octo"])
def test_a_path_of_ours_is_where_people_go_on(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "",
        "solves",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/ /evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/solves/\x00",
        "/solvés",
        "/" + "a" * 1000,
    ],
)
def test_every_other_address_leads_to_the_first_page(elsewhere: str) -> None:
    assert local_path(elsewhere) == "/"


@given(st.text())
def test_nobody_is_sent_to_another_host(wanted: str) -> None:
    assert urlsplit(urljoin(OURS, local_path(wanted))).netloc == "solvebot.example"


@given(st.text(min_size=1), st.text())
def test_a_form_brings_the_token_of_its_own_browser(secret: str, given: str) -> None:
    assert is_form_token(form_token(secret), secret)
    assert is_form_token(given, secret) == (given == form_token(secret))
    assert form_token(secret) not in (secret, digest(secret))


def test_nobody_has_the_token_of_no_browser() -> None:
    assert not is_form_token(form_token(""), "")


def test_a_challenge_is_what_the_standard_says() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_session_ends_after_twelve_hours_and_knows_no_secret() -> None:
    session = begun("the secret", Person("ann", 7), NOW)
    assert (session.is_valid(NOW), session.is_valid(NOW + LIFETIME)) == (True, False)
    assert LIFETIME.total_seconds() == 12 * 3600
    assert "the secret" not in repr(session)
