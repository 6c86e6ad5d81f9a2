"""What is made of a deployment that was looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.operations.deployment import Answer, Process, Public, Sample, Verdict, exit_code, suites

HSTS = {"strict-transport-security": "max-age=31536000; includeSubDomains", "x-content-type-options": "nosniff"}
RIGHT = {"unsigned": 401, "forged": 401, "form": 415, "get": 405, "too large": 413, "signed": 202}
PUBLIC = Public(
    is_tls=True,
    is_loopback=False,
    alive=Answer(200, HSTS, "ok\n"),
    plain=Answer(308, {"location": "https://bot.example.com/"}),
    certificate_days=60.0,
    hidden={"/metrics": Answer(404), "/readyz": Answer(404)},
    webhook={sent: Answer(status) for sent, status in RIGHT.items()},
)


def build(
    role: str, *, schema: str = "6", version: str = "1", database: str = "postgresql", sandbox: str = "e2b"
) -> Sample:
    words = {"role": role, "schema": schema, "version": version, "database": database, "sandbox": sandbox}
    return Sample("solvebot_build_info", words, 1.0)


HEALTH = (
    Sample("solvebot_database_answers", {}, 1.0),
    Sample("solvebot_delivery_waiting_seconds", {}, 0.5),
    Sample("solvebot_disk_bytes", {"of": "all"}, 100.0),
    Sample("solvebot_disk_bytes", {"of": "free"}, 60.0),
    Sample("solvebot_backup_age_seconds", {}, 3600.0),
)
CALLS = Sample("solvebot_model_calls_total", {"model": "fixer", "outcome": "answered"}, 9.0)
FAILED = Sample("solvebot_model_calls_total", {"model": "fixer", "outcome": "denied"}, 10.0)


def process(*samples: Sample, url: str = "http://w", failing: dict[str, str] | None = None) -> Process:
    return Process(url, Answer(200), {} if failing is None else failing, Answer(200), (*samples, *HEALTH))


WEB, WORKER = process(build("web"), url="http://web"), process(build("worker"), CALLS)


def other(name: str, value: float, **labels: str) -> Process:
    """A worker with one thing different."""
    samples = [s for s in WORKER.samples if (s.name, s.labels) != (name, labels)]
    return replace(WORKER, samples=(*samples, Sample(name, labels, value)))


def test_all_is_well() -> None:
    found = suites(PUBLIC, [WEB, WORKER])
    assert [suite.name for suite in found] == [
        "tls", "health", "surface", "webhook", "metrics", "database", "engine", "sandboxes", "models", "backups",
    ]  # fmt: skip
    assert {suite.verdict for suite in found} == {Verdict.GOOD}
    assert exit_code(found) == 0
    assert not [each.remedy for suite in found for each in suite.findings if each.remedy]


BAD, DOUBTFUL, UNSEEN = Verdict.BAD, Verdict.DOUBTFUL, Verdict.UNSEEN
OUTSIDE: list[tuple[dict[str, Any], str, Verdict, str]] = [
    ({"is_tls": False}, "tls", BAD, "no TLS"),
    ({"is_tls": False, "is_loopback": True}, "tls", UNSEEN, "the bot itself"),
    ({"alive": Answer(why="ClientConnectorCertificateError")}, "tls", BAD, "ClientConnectorCertificateError"),
    ({"certificate_days": 3.0}, "tls", DOUBTFUL, "3 days"),
    ({"plain": Answer(200)}, "tls", BAD, "answers with 200"),
    ({"plain": Answer(301, {"location": "http://bot.example.com/"})}, "tls", BAD, "answers with 301"),
    ({"plain": Answer(why="ClientConnectorError")}, "tls", Verdict.GOOD, "no plain HTTP"),
    ({"alive": Answer(200, {}, "ok")}, "tls", BAD, "Strict-Transport-Security"),
    ({"alive": Answer(200, HSTS | {"strict-transport-security": "max-age=60"}, "ok")}, "tls", BAD, "short"),
    ({"alive": Answer(200, HSTS | {"x-content-type-options": ""}, "ok")}, "tls", DOUBTFUL, "nosniff"),
    ({"alive": Answer(200, HSTS | {"server": "nginx/1.18.0"}, "ok")}, "tls", DOUBTFUL, "nginx/1.18.0"),
    ({"alive": Answer(502, HSTS)}, "health", BAD, "502"),
    ({"alive": Answer(200, HSTS, "<html>")}, "health", BAD, "/healthz"),
    ({"hidden": {"/metrics": Answer(200)}}, "surface", BAD, "/metrics"),
    ({"hidden": {"/metrics": Answer(302)}}, "surface", BAD, "/metrics"),
    ({"hidden": {"/metrics": Answer(why="TimeoutError")}}, "surface", UNSEEN, "TimeoutError"),
    ({"webhook": {**PUBLIC.webhook, "forged": Answer(202)}}, "webhook", BAD, "wrong signature gets 202, not 401"),
    ({"webhook": {**PUBLIC.webhook, "signed": Answer(401)}}, "webhook", BAD, "signed ping gets 401, not 202"),
    ({"webhook": {**PUBLIC.webhook, "get": Answer(why="TimeoutError")}}, "webhook", BAD, "TimeoutError"),
    ({"webhook": {}}, "webhook", UNSEEN, "was not sent"),
]


@pytest.mark.parametrize(("change", "suite", "verdict", "said"), OUTSIDE)
def test_from_outside(change: dict[str, Any], suite: str, verdict: Verdict, said: str) -> None:
    [found] = [each for each in suites(replace(PUBLIC, **change), [WEB, WORKER]) if each.name == suite]
    assert found.verdict is verdict
    assert any(said in each.said for each in found.findings), found


INSIDE: list[tuple[list[Process], str, Verdict, str]] = [
    ([], "health", UNSEEN, "nobody said"),
    ([], "metrics", UNSEEN, "nobody said"),
    ([], "database", UNSEEN, "nobody said"),
    ([], "engine", UNSEEN, "no worker"),
    ([], "sandboxes", UNSEEN, "no worker"),
    ([], "models", UNSEEN, "no model"),
    ([], "backups", UNSEEN, "nobody knows"),
    ([WEB], "engine", UNSEEN, "no worker"),
    ([process(build("worker"), failing={"key": "does not work"})], "health", BAD, "key does not work"),
    ([replace(WORKER, failing=None, ready=Answer(why="TimeoutError"))], "health", BAD, "TimeoutError"),
    ([replace(WORKER, samples=(), metrics=Answer(404))], "metrics", BAD, "404"),
    ([other("solvebot_database_answers", 0.0)], "database", BAD, "does not answer"),
    ([WORKER, process(build("worker", schema="7"))], "database", BAD, "6, 7"),
    (
        [process(build("web", database="sqlite")), process(build("worker", database="sqlite"))],
        "database",
        BAD,
        "SQLite",
    ),
    ([other("solvebot_disk_bytes", 2.0, of="free")], "database", DOUBTFUL, "2 %"),
    ([process(build("worker"), failing={"engine": "stands"})], "engine", BAD, "does not work"),
    ([WORKER, process(build("worker", version="2"))], "engine", DOUBTFUL, "1, 2"),
    ([other("solvebot_delivery_waiting_seconds", 60.0)], "engine", DOUBTFUL, "60 s"),
    ([other("solvebot_delivery_waiting_seconds", 900.0)], "engine", BAD, "900 s"),
    ([process(build("worker", sandbox="none"))], "sandboxes", BAD, "without isolation"),
    ([other("solvebot_sandbox_circuit", 1.0, provider="e2b", state="open")], "sandboxes", BAD, "e2b"),
    ([other("solvebot_sandbox_circuit", 1.0, provider="e2b", state="half-open")], "sandboxes", DOUBTFUL, "e2b"),
    ([process(build("worker"), CALLS, FAILED)], "models", BAD, "failed 10 of 19"),
    ([other("solvebot_backup_age_seconds", float("inf"))], "backups", BAD, "no backup"),
    ([other("solvebot_backup_age_seconds", float("nan"))], "backups", UNSEEN, "nobody knows"),
    ([other("solvebot_backup_age_seconds", 30 * 3600.0)], "backups", DOUBTFUL, "30 h"),
    ([other("solvebot_backup_age_seconds", 90 * 3600.0)], "backups", BAD, "90 h"),
]


@pytest.mark.parametrize(("processes", "suite", "verdict", "said"), INSIDE)
def test_from_inside(processes: list[Process], suite: str, verdict: Verdict, said: str) -> None:
    [found] = [each for each in suites(PUBLIC, processes) if each.name == suite]
    assert found.verdict is verdict
    assert any(said in each.said for each in found.findings), found
    assert all(each.remedy for each in found.findings if each.verdict in (BAD, DOUBTFUL, UNSEEN))


def test_what_was_not_seen_is_not_well_and_what_is_bad_counts_first() -> None:
    assert exit_code(suites(PUBLIC, [])) == 3
    assert exit_code(suites(replace(PUBLIC, hidden={"/metrics": Answer(200)}), [])) == 1


NAMES = st.sampled_from([sample.name for sample in (*HEALTH, CALLS, build("web"))]) | st.text(max_size=9)
LABELS = st.dictionaries(st.sampled_from(["of", "role", "provider", "state", "model", "outcome"]), st.text(max_size=9))
ANSWERS = st.builds(
    Answer,
    st.integers(0, 999),
    st.dictionaries(st.sampled_from(["server", "strict-transport-security", "location"]), st.text()),
    st.text(max_size=9),
    st.text(max_size=9),
)
PROCESSES = st.builds(
    Process,
    st.text(max_size=9),
    ANSWERS,
    st.none() | st.dictionaries(st.text(max_size=9), st.text(max_size=9)),
    ANSWERS,
    st.lists(st.builds(Sample, NAMES, LABELS, st.floats())).map(tuple),
)


@given(alive=ANSWERS, plain=st.none() | ANSWERS, processes=st.lists(PROCESSES, max_size=3))
def test_whatever_answers_there_is_a_verdict(alive: Answer, plain: Answer | None, processes: list[Process]) -> None:
    found = suites(replace(PUBLIC, alive=alive, plain=plain), processes)
    assert len(found) == 10
    assert exit_code(found) in (0, 1, 3)
