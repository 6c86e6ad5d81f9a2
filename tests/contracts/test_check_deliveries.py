"""Checks at the webhook: those of commits that are not ours are dropped without asking anybody."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.model import Person, Repo, Sha, SolveId
from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import ButtonPressed, ChecksReported, Ignored, SuiteRerequested
from bot.github.check_records import about_commit
from bot.github.signatures import told_by_github
from bot.github.webhook import slim
from bot.known_heads import KnownHeads

OURS, THEIRS = Sha("a" * 40), Sha("b" * 40)
NAMELESS = Ignored("check_suite without check_suite.head_sha")
REPO = Repo(5, 77, "octo/web")


def delivered(event: str, **payload: object) -> bytes | None:
    about = {"sender": {"login": "ann", "id": 9, "type": "User"}, "repository": {"id": 77, "full_name": "octo/web"}}
    body = {**about, "installation": {"id": 5}, **payload}
    return slim(told_by_github("g1", event, json.dumps(body).encode()))


def run(action: str = "completed", conclusion: str | None = "failure", **more: object) -> dict[str, object]:
    check = {"id": 3, "external_id": "s-1", "head_sha": OURS, "name": "test", "conclusion": conclusion, "output": {}}
    return {"action": action, "check_run": check, **more}


@pytest.mark.parametrize(
    ("event", "payload", "meant"),
    [
        ("check_run", run(), ChecksReported(REPO, OURS)),
        ("check_run", run(conclusion="timed_out"), ChecksReported(REPO, OURS)),
        ("check_run", run(conclusion="action_required"), ChecksReported(REPO, OURS)),
        ("check_run", run(conclusion="success"), None),
        ("check_run", run(conclusion="cancelled"), None),
        ("check_run", run("created", None), None),
        ("check_run", run("rerequested"), ButtonPressed(REPO, SolveId("s-1"), "rerun", Person("ann", 9))),
        ("check_run", {"action": "completed"}, None),
        (
            "check_run",
            run("requested_action", "neutral", requested_action={"identifier": "revise"}),
            ButtonPressed(REPO, SolveId("s-1"), "revise", Person("ann", 9)),
        ),
        ("check_run", run("requested_action", "neutral"), Ignored("check_run without requested_action.identifier")),
        ("check_suite", {"action": "completed", "check_suite": {"head_sha": OURS}}, ChecksReported(REPO, OURS)),
        ("check_suite", {"action": "requested", "check_suite": {"head_sha": OURS}}, None),
        ("check_suite", {"action": "completed", "check_suite": {}}, NAMELESS),
        ("check_suite", {"action": "rerequested", "check_suite": {"head_sha": OURS}}, SuiteRerequested(REPO, OURS)),
        ("check_suite", {"action": "rerequested", "check_suite": {}}, NAMELESS),
        ("status", {"sha": OURS, "state": "failure"}, ChecksReported(REPO, OURS)),
        ("status", {"sha": OURS, "state": "success"}, ChecksReported(REPO, OURS)),
        ("status", {"sha": OURS, "state": "pending"}, None),
        ("status", {"state": "error"}, Ignored("status without sha")),
    ],
)  # fmt: skip
def test_what_is_kept_of_checks(event: str, payload: dict[str, object], meant: object) -> None:
    record = delivered(event, **payload)
    assert (None if record is None else read_event(event, json.loads(record))) == meant


@pytest.mark.parametrize(
    ("event", "payload", "commit"),
    [
        ("check_run", run(), OURS),
        ("check_suite", {"action": "completed", "check_suite": {"head_sha": THEIRS}}, THEIRS),
        ("check_suite", {"action": "completed", "check_suite": {}}, ""),
        ("status", {"sha": THEIRS, "state": "failure"}, THEIRS),
        ("repository", {"action": "renamed"}, None),
        ("check_run", run("requested_action", "neutral", requested_action={"identifier": "revise"}), None),
        ("check_run", run("rerequested"), None),
        ("check_suite", {"action": "rerequested", "check_suite": {"head_sha": THEIRS}}, THEIRS),
    ],
)
def test_which_commit_a_record_is_about(event: str, payload: dict[str, object], commit: str | None) -> None:
    record = delivered(event, **payload)
    assert record is not None
    assert about_commit(event, record) == commit


class Time:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 28, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Shelf:
    """What is known, and what was put into the inbox; how often the database was asked."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.asked: list[datetime] = []
        self.taken: list[str] = []

    def load(self, since: datetime) -> list[str]:
        self.asked.append(since)
        return self.heads

    async def put(self, guid: str, event: str, record: bytes) -> None:
        self.taken.append(guid)


async def test_a_check_of_another_commit_asks_nobody() -> None:
    shelf, time = Shelf(), Time()
    known = KnownHeads(shelf.load, shelf.put, time)
    shelf.heads = [OURS]
    await known.refresh()
    assert known.is_ours(OURS, "g1", "status", b"{}")
    assert not any(known.is_ours(THEIRS, f"g{number}", "status", b"{}") for number in range(100))
    assert shelf.asked == [time.moment - timedelta(days=30)]


async def test_a_check_that_is_quicker_than_we_are_is_taken_within_a_minute() -> None:
    shelf, time = Shelf(), Time()
    known = KnownHeads(shelf.load, shelf.put, time)
    assert not known.is_ours(OURS, "quick", "status", b"{}")
    assert not known.is_ours(THEIRS, "theirs", "status", b"{}")
    shelf.heads = [OURS]
    await known.refresh()
    await known.refresh()
    assert shelf.taken == ["quick"]

    assert not known.is_ours(THEIRS, "late", "status", b"{}")
    time.moment += timedelta(seconds=61)
    shelf.heads = [OURS, THEIRS]
    await known.refresh()
    assert shelf.taken == ["quick"]


async def test_only_so_many_are_remembered() -> None:
    shelf, time = Shelf(), Time()
    known = KnownHeads(shelf.load, shelf.put, time)
    for number in range(2_001):
        known.is_ours(OURS, f"g{number}", "status", b"{}")
    shelf.heads = [OURS]
    await known.refresh()
    assert shelf.taken[0] == "g1"
    assert len(shelf.taken) == 2_000
