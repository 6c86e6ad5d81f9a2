"""Checks of commits, from a payload to its slim record: a failure, the last of many, or a button of ours."""

from __future__ import annotations

import msgspec

from bot.github.payloads import Payload


class _CheckApp(msgspec.Struct, omit_defaults=True):
    id: int | None = None


class _CheckRun(msgspec.Struct, omit_defaults=True):
    id: int | None = None
    head_sha: str | None = None
    conclusion: str | None = None
    external_id: str | None = None
    app: _CheckApp | None = None


class _RequestedAction(msgspec.Struct, omit_defaults=True):
    identifier: str | None = None


class _CheckRuns(Payload):
    check_run: _CheckRun | None = None
    requested_action: _RequestedAction | None = None


class _CheckSuites(Payload):
    check_suite: _CheckRun | None = None


class _Statuses(Payload):
    sha: str | None = None
    state: str | None = None


_BUTTONS = ("requested_action", "rerequested")
_HARMLESS = ("success", "neutral", "skipped", "stale", "cancelled")
_read_check_runs = msgspec.json.Decoder(_CheckRuns).decode
_read_check_suites = msgspec.json.Decoder(_CheckSuites).decode
_read_statuses = msgspec.json.Decoder(_Statuses).decode


def check_run(body: bytes) -> Payload | None:
    """One is over that may be a failure; or somebody has pressed a button of ours, or *Re-run* there.

    Of buttons GitHub tells their App alone.
    """
    payload = _read_check_runs(body)
    run = payload.check_run
    if run is None:
        return None
    if payload.action in _BUTTONS:
        return payload
    return payload if payload.action == "completed" and run.conclusion not in _HARMLESS else None


def check_suite(body: bytes) -> Payload | None:
    """All checks of one App are over, perhaps the last that somebody waits for; or all of ours are wanted again."""
    payload = _read_check_suites(body)
    return payload if payload.check_suite is not None and payload.action in ("completed", "rerequested") else None


def status(body: bytes) -> Payload | None:
    payload = _read_statuses(body)
    return payload if payload.state not in (None, "pending") else None


def about_commit(event: str, record: bytes) -> str | None:
    """The commit that the slim record of a check is about; None for all other events, buttons included."""
    match event:
        case "check_run":
            payload = _read_check_runs(record)
            if payload.action in _BUTTONS:
                return None
            run = payload.check_run
        case "check_suite":
            run = _read_check_suites(record).check_suite
        case "status":
            return _read_statuses(record).sha or ""
        case _:
            return None
    return (run.head_sha if run is not None else None) or ""
