"""The retry policy, as a table: what came back, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.resilience.github_retry import (
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    Failed,
    GiveUp,
    Wait,
    is_rate_limit,
    next_move,
    retry_after,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOW_EPOCH = int(NOW.timestamp())


def failed(
    method: str = "GET",
    status: int | None = 500,
    *,
    attempt: int = 1,
    message: str = "",
    repeatable: bool = False,
    fresh: bool = False,
    **headers: str,
) -> Failed:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Failed(method, status, names, attempt, NOW, message, repeatable, fresh)


@pytest.mark.parametrize("status", [None, 500, 502, 503, 504])
@pytest.mark.parametrize(
    ("method", "repeatable", "again"),
    [
        ("GET", False, True),
        ("PUT", False, True),
        ("PATCH", False, True),
        ("DELETE", False, True),
        ("POST", True, True),
        ("POST", False, False),
    ],
)
def test_a_failure_is_sent_again_only_when_twice_is_as_good_as_once(
    status: int | None, method: str, repeatable: bool, again: bool
) -> None:
    move = next_move(failed(method, status, repeatable=repeatable))
    assert move == (Wait(0.5) if again else GiveUp())


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 409, 410, 422, 451])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_answer_is_not_asked_for_twice(method: str, status: int) -> None:
    assert next_move(failed(method, status, repeatable=True)) == GiveUp()


def test_failures_are_waited_for_longer_each_time_and_then_no_more() -> None:
    moves = [next_move(failed(attempt=attempt)) for attempt in range(1, MOST_ATTEMPTS + 2)]
    assert moves == [Wait(0.5), Wait(1.0), Wait(2.0), GiveUp(), GiveUp()]


@pytest.mark.parametrize(
    ("given", "move"),
    [
        pytest.param(failed("POST", 429, retry_after="7"), Wait(7.0), id="429"),
        pytest.param(failed("POST", 403, retry_after="7"), Wait(7.0), id="403 with Retry-After"),
        pytest.param(failed("POST", 403, retry_after="1.5"), Wait(1.5), id="a fraction"),
        pytest.param(failed(status=403, retry_after="0"), Wait(0.0), id="at once"),
        pytest.param(failed(status=403, retry_after="-3"), Wait(0.0), id="the past"),
        pytest.param(failed(status=429, retry_after="Sat, 21 Nov 2026 12:00:20 GMT"), Wait(20.0), id="an HTTP date"),
        pytest.param(failed(status=429, retry_after="soon"), Wait(60.0), id="rubbish"),
        pytest.param(failed(status=429, retry_after="nan"), Wait(60.0), id="not a number"),
        pytest.param(failed(status=429, retry_after="1e999"), Wait(60.0), id="infinite"),
        pytest.param(failed(status=429, retry_after="3600"), GiveUp(3600.0), id="longer than we wait"),
        pytest.param(failed(status=429, retry_after="5", attempt=MOST_ATTEMPTS), GiveUp(5.0), id="too often"),
        pytest.param(
            failed(status=403, x_ratelimit_remaining="0", x_ratelimit_reset=str(NOW_EPOCH + 30)),
            Wait(31.0),
            id="primary, resets soon",
        ),
        pytest.param(
            failed(status=403, x_ratelimit_remaining="0", x_ratelimit_reset=str(NOW_EPOCH + 1800)),
            GiveUp(1801.0),
            id="primary, resets late",
        ),
        pytest.param(
            failed(status=403, x_ratelimit_remaining="0", x_ratelimit_reset=str(NOW_EPOCH - 5)),
            Wait(1.0),
            id="primary, was reset",
        ),
        pytest.param(
            failed(status=429, x_ratelimit_remaining="0", x_ratelimit_reset="later"), Wait(60.0), id="primary, rubbish"
        ),
        pytest.param(
            failed(status=403, retry_after="9", x_ratelimit_remaining="0", x_ratelimit_reset=str(NOW_EPOCH + 30)),
            Wait(9.0),
            id="Retry-After goes before reset",
        ),
        pytest.param(
            failed(
                "POST",
                403,
                message="You have exceeded a Secondary Rate limit",
                x_ratelimit_remaining="4990",
                x_ratelimit_reset=str(NOW_EPOCH + 5),
            ),
            Wait(60.0),
            id="secondary, by its words alone",
        ),
        pytest.param(
            failed("POST", 403, attempt=2, message="secondary rate limit"), GiveUp(120.0), id="secondary, again"
        ),
        pytest.param(failed(status=503, retry_after="4"), Wait(4.0), id="503 with Retry-After"),
        pytest.param(failed("POST", 503, retry_after="4"), GiveUp(), id="503 to a POST may have been done"),
    ],
)
def test_limits(given: Failed, move: Wait | GiveUp) -> None:
    assert next_move(given) == move


def test_forbidden_is_no_limit() -> None:
    refused = failed(status=403, message="Resource not accessible by integration", x_ratelimit_remaining="12")
    assert not is_rate_limit(refused)
    assert next_move(refused) == GiveUp()


@pytest.mark.parametrize("status", [401, 404])
def test_a_fresh_token_is_given_five_seconds(status: int) -> None:
    moves = [next_move(failed("POST", status, attempt=attempt, fresh=True)) for attempt in range(1, 5)]
    assert moves == [Wait(0.5), Wait(1.5), Wait(3.0), GiveUp()]


def test_a_fresh_token_changes_nothing_else() -> None:
    assert next_move(failed("POST", 422, fresh=True)) == GiveUp()
    assert next_move(failed("POST", 500, fresh=True)) == GiveUp()


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "soon", "nan", "inf", "-inf", "9" * 400, "1e999", "Sat, 99 Nov 2026 12:00:20 GMT"),
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
        "Wed, 21 Oct 2026 99999999999999999999:28:00 GMT",
        "Wed, 21 Oct 2026 07:28:00 +99999999999999999999",
        "Wed, 21 Oct 2026 07:28:00 -999999999",
        "Wed, 21 Oct " + "9" * 5_000 + " 07:28:00 GMT",
    ],
)
def test_no_usable_retry_after(value: str | None) -> None:
    assert retry_after(value, NOW) is None


@given(st.text(max_size=60))
def test_no_header_breaks_it(value: str) -> None:
    limited = replace(failed(status=429), headers={"retry-after": value, "x-ratelimit-reset": value})
    match next_move(limited):
        case Wait(seconds):
            assert 0 <= seconds <= LONGEST_WAIT
        case GiveUp(seconds):
            assert seconds is not None
            assert seconds > LONGEST_WAIT
