"""What strangers and machines send, bent in every way: nothing raises, and no input costs more than its length allows.

Work is counted in calls, which is the same on every machine; memory is what Python allocates at most. What was found
stays in `FOUND`. `make fuzz` tries a hundred times as many.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.agent.calls import read_calls
from bot.agent.protocol import Said, read_answer, text_of
from bot.agent.refusal import refusal
from bot.core.candidate.diff_lines import diff_of
from bot.core.candidate.gates import GatePolicy, check_gates
from bot.core.candidate.hunks import hunks_of, joined
from bot.core.candidate.patches import read_patch
from bot.core.candidate.similarity import agreement
from bot.core.environment.files import Files
from bot.core.environment.workflows import copilot_setup, jobs
from bot.core.model import Candidate, ModelSpec, RunId
from bot.core.reports.formats import documents
from bot.core.reports.reading import read
from bot.core.trigger.commands import parse_commands
from bot.core.trigger.config import parse_config
from bot.core.trigger.event_reader import read_event
from bot.github.signatures import Malformed, told_by_github
from bot.github.tar import NotATar, members
from bot.github.webhook import slim
from tests.core.test_environment_workflows import FLASK_LIKE, TOOLS
from tests.core.test_gates import section

EXAMPLES = int(os.environ.get("SOLVEBOT_FUZZ", "40"))  # of each kind
LARGEST = 20_000  # bytes of one input
MANY = 3_000  # bytes of one token
CALLS = 60_000, 150  # as many anyhow, and for each byte
MEMORY = 8_000_000, 400  # bytes
NOW = datetime(2026, 11, 21, tzinfo=UTC)
SPEC = ModelSpec("m", "p", "p/m")

Read = Callable[[bytes], object]


# ------------------------------------------------------------------------------------------------------ what is fuzzed


def _webhook(data: bytes) -> object:
    """The event's name, a line end, and the body."""
    name, _, body = data.partition(b"\n")
    try:
        delivery = told_by_github("guid", name.decode("latin-1"), body)
    except Malformed:
        return None
    record = slim(delivery)
    return record and read_event(delivery.event, json.loads(record))


def _commands(data: bytes) -> object:
    before, _, text = data.decode(errors="surrogateescape").partition("\0")
    return parse_commands(text), parse_commands(text, previous=before)


def _config(data: bytes) -> object:
    return parse_config(data.decode(errors="replace"))


def _workflow(data: bytes) -> object:
    text = data.decode(errors="replace")
    found = {".github/workflows/ci.yml": text, ".github/workflows/copilot-setup-steps.yml": text}
    files = Files(frozenset(found), found)
    return jobs(files, TOOLS), copilot_setup(files, TOOLS)


def _report(data: bytes) -> object:
    return read(documents(data))


def _patch(data: bytes) -> object:
    patch = data.decode(errors="surrogateescape")
    candidate = Candidate(RunId("r"), patch, ())
    hunks = hunks_of(patch)
    return (
        list(read_patch(patch)),
        diff_of(patch),
        joined(hunks),
        check_gates(candidate, GatePolicy()),
        agreement(patch, patch[::-1]),
    )


def _answer(data: bytes) -> object:
    answer = read_answer(SPEC, 200, {"Retry-After": data[:20].decode("latin-1")}, data, sent=100, now=NOW)
    if not isinstance(answer, Said):
        return answer
    assert answer.dollars >= 0
    return read_calls(answer.message, 1), text_of(answer.message), refusal(answer.message, answer.finish_reason)


def _archive(data: bytes) -> object:
    found = []
    with suppress(NotATar):
        for member in members(io.BytesIO(data)):
            assert not member.path.startswith("/")
            assert ".." not in member.path.split("/")
            found.append(member)
    return found


# ------------------------------------------------------------------------------------------- what it is made out of


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind in (("a/b.py", tarfile.REGTYPE), ("link", tarfile.SYMTYPE), ("é" * 150, tarfile.REGTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kind, "../x", 3 if kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(b"abc"))
    return file.getvalue()


def _event(name: str, **more: object) -> bytes:
    person = {"login": "ann", "id": 1, "type": "User"}
    common = {"sender": person, "repository": {"id": 2, "full_name": "octo/greet"}, "installation": {"id": 3}}
    issue = {"number": 7, "title": "It breaks", "body": "Here", "updated_at": "2026-01-01T00:00:00Z"}
    return f"{name}\n".encode() + json.dumps({**common, "issue": issue, **more}).encode()


_COMMENT = {"id": 5, "body": "/solve", "user": {"login": "ann", "id": 1, "type": "User"}}
_CALL = {"id": "1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
_JUNIT = (
    b'<testsuites><testsuite><testcase classname="a" name="b"><failure>x</failure></testcase></testsuite></testsuites>'
)


@dataclass(frozen=True, slots=True)
class Target:
    """`tokens` are what its grammar turns on."""

    read: Read
    seeds: Sequence[bytes]
    tokens: Sequence[bytes]


TARGETS = {
    "webhook": Target(
        _webhook,
        [
            _event("issues", action="labeled", label={"name": "solve-me"}),
            _event("issue_comment", action="created", comment=_COMMENT),
            _event("pull_request_review", action="submitted", review={**_COMMENT, "state": "changes_requested"}),
            _event("installation", action="created", repositories=[{"id": 2, "full_name": "octo/greet"}]),
        ],
        [b'"action"', b"null", b"1e999", b"[" * 99, b'{"a":' * 99, b"\\ud800", b"\xff", b'"/solve"', b"-1", b'"body"'],
    ),
    "commands": Target(
        _commands,
        [b"/solve model=a,b attempts=4 budget=2.5\n", b"> /solve\n```\n/solve\n```\n/solve cancel", b"a\0/solve retry"],
        [
            b"/solve ",
            b"```\n",
            b"<!--",
            b"-->",
            b"> ",
            b"    ",
            b"model=",
            b'repro="',
            b"=" * 50,
            b"[" * 99,
            b"\n/solve",
        ],
    ),
    "configuration": Target(
        _config,
        [b"labels: [solve-me]\nlimits: {dollars: 2.0, steps: 10}\nsetup: ['a']\n", b"protect: ['a/**']\nwho: write\n"],
        [b"&a ", b"*a", b"!!", b"? ", b": ", b"- ", b"{", b"[" * 60, b"|\n", b"\t", b"%YAML 9", b"\xc2\x85", b"<<: *a"],
    ),
    "workflow file": Target(
        _workflow,
        [FLASK_LIKE.encode(), b"on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: |\n          pytest\n"],
        [
            b"${{ ",
            b" }}",
            b"matrix.",
            b"fromJSON('[",
            b"&a ",
            b"*a",
            b"- run: ",
            b"  " * 40,
            b"$(",
            b"`",
            b"<<EOF\n",
            b"((" * 60,
        ],
    ),
    "test report": Target(
        _report,
        [
            b"\0root /w\n\0junit .\n" + _JUNIT,
            b"\0tap .\n1..2\nok 1 - a\nnot ok 2 - b\n\0output .\nRan 3 tests in 1s\n",
            b'\0go .\n{"Action":"pass","Test":"T"}\n\0jest .\n{"testResults":[]}\n\0trx .\n' + _JUNIT,
        ],
        [
            b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
            b"&b;",
            b"<testcase ",
            b"\0junit .\n",
            b"\0events .\n",
            b"<a>" * 200,
            b"</",
            b"ok 1",
        ],
    ),
    "patch": Target(
        _patch,
        [
            section("src/a.py", ["x = 1", "y"], ["z"]).encode(),
            section("tests/t.py", ["@pytest.mark.skip"], []).encode(),
        ],
        [
            b"diff --git a/x b/x\n",
            b"@@ -1,2 +3,4 @@\n",
            b"@@ -0,0 +1,99999999999 @@\n",
            b"+++ ",
            b"--- ",
            b"\\ No newline",
            b"\r",
            b'"\\377"',
        ],
    ),
    "model's answer": Target(
        _answer,
        [
            json.dumps(
                {"choices": [{"message": {"role": "assistant", "tool_calls": [_CALL]}}], "usage": {"cost": 1}}
            ).encode(),
            b'{"error": {"code": 429, "message": "slow"}}',
        ],
        [
            b'"tool_calls"',
            b'"arguments"',
            b"1e999",
            b"-1",
            b"NaN",
            b"[" * 99,
            b'{"a":' * 99,
            b"\\u0000",
            b"\xff",
            b'"usage"',
        ],
    ),
    "archive": Target(
        _archive,
        [_tar()],
        [b"\0" * 512, b"../", b"/etc/passwd\0", b"x" * 100, b"77777777777\0", b"\x80" + b"\xff" * 11],
    ),
}

FOUND: list[tuple[str, bytes]] = []
"""What once broke, by its target: tried each time."""


@st.composite
def bent(draw: st.DrawFn, target: Target) -> bytes:
    """A seed, cut, doubled, joined with others, and with tokens in it where none belongs."""
    data = draw(st.sampled_from(target.seeds))
    pieces = st.one_of(st.sampled_from(target.tokens), st.sampled_from(target.seeds), st.binary(max_size=8))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 200)))
        piece = draw(pieces) * draw(st.sampled_from((1, 1, 1, 2, 40)))
        data = (data[:start] + piece + data[end:])[:LARGEST]
    return data


# ----------------------------------------------------------------------------------------------------------- the tests


def _work(read: Read, data: bytes) -> int:
    """Calls of functions, ours and built-in ones."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        read(data)
    finally:
        sys.setprofile(None)
    return calls


def _memory(read: Read, data: bytes) -> int:
    """Bytes at most, beyond what there was."""
    tracemalloc.start()
    try:
        read(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _bounded(read: Read, data: bytes) -> None:
    assert _work(read, data) <= CALLS[0] + CALLS[1] * len(data)
    assert _memory(read, data) <= MEMORY[0] + MEMORY[1] * len(data)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_raises_and_all_is_bounded(name: str) -> None:
    target = TARGETS[name]

    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES <= 1000
    )
    @given(bent(target))
    def of(data: bytes) -> None:
        _bounded(target.read, data)

    of()


@pytest.mark.parametrize("name", TARGETS)
def test_a_token_by_the_thousand_is_bounded(name: str) -> None:
    """No piece costs more when there are many of it."""
    target = TARGETS[name]
    for token in target.tokens:
        for seed in target.seeds[:1]:
            half = len(seed) // 2
            _bounded(target.read, (seed[:half] + token * (MANY // len(token)) + seed[half:])[:LARGEST])


def test_what_was_found_stays_mended() -> None:
    for name, data in FOUND:
        _bounded(TARGETS[name].read, data)


def test_what_is_not_bounded_is_noticed() -> None:
    def quadratic(data: bytes) -> object:
        return [data.count(b"a") for _ in range(len(data)) for _ in range(len(data))]

    def greedy(data: bytes) -> object:
        return bytes(len(data) * 1_000_000)

    for careless in (quadratic, greedy, lambda data: data[len(data) :][0]):
        with pytest.raises((AssertionError, IndexError)):
            _bounded(careless, b"a" * 600)
