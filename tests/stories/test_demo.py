"""The demo: it ends well, its picture fits into a small terminal, and what it keeps running can be used."""

from __future__ import annotations

import asyncio
import shlex
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from itertools import pairwise
from pathlib import Path

import aiohttp
import msgspec
import pytest
from rich.console import Console

from bot.core.model import SolveFacts
from bot.demo.show import Deliveries, folded, in_five_lines, picture, what_is_real
from bot.demo.toolchain import make_toolchain
from bot.simulators.github.state import Account, Comment
from bot.simulators.github.webhooks import Delivery
from tests.core.facts import decided, run
from tests.core.spoken import pull_body, status_comment
from tests.stories.shell import PATIENCE, Command, FreshProcess

NOW = datetime(2026, 11, 21, tzinfo=UTC)


async def test_the_demo_ends_with_the_right_pull_request(tmp_path: Path) -> None:
    code, out, err = await FreshProcess(tmp_path, {"TMPDIR": str(tmp_path)})("demo")
    assert code == 0, out + err
    assert "One issue, 4 attempts, one pull request" in out
    assert "Watch it live: http://127.0.0.1:" in out
    assert "1 step," in out
    assert "run C      thorough: judging" in out
    assert "16 of 16; own: fail → pass" in out
    assert "set-up command failed" not in out
    assert "issue_comment.edited" not in out  # the bot's own doings
    assert "Reviewed, revised, repaired, merged. The issue is closed; the record says: merged after changes." in out
    assert "lint fails:" in out
    assert "+# Groups of three digits, as in one million: 1,000,000" in out
    assert "…" not in out
    *_, done, proof, doubt, others, receipt, empty, look = out.splitlines()
    assert done.startswith("Done: Fixes #1: candidate C (thorough), chosen from 4 attempts, changes ledger/amounts.py")
    assert proof.startswith("Proof: its own tests fail without the change and pass with it; all 16 tests")
    assert doubt.startswith("Doubt: ")
    assert others == "Others: A (hasty): runner-up; B (bold): breaks 1 test; D (timid): empty."
    assert receipt.startswith("✓ One issue, 4 attempts, one pull request")
    assert empty == ""
    page = Path(look.partition("file://")[2]).read_text()
    for part in ("<strong>Proof:</strong>", "<summary>Candidate B (bold)</summary>", "+_GROUPED = re.compile"):
        assert part in page
    assert '-    day, description, amount = line.rstrip("\\n").split(";")' not in out  # B's, which is folded


@pytest.mark.parametrize(
    ("e2b", "isolated", "told", "untold"),
    [
        (False, True, "GitHub and a provider of models are simulated", "E2B"),
        (True, True, "GitHub, a provider of models and E2B are simulated", "E2B are real"),
        (False, False, "as plain processes, because this machine cannot isolate them", "sandboxes"),
        (True, False, "as plain processes, because this machine cannot isolate them", "everything else"),
    ],
)
def test_what_is_simulated_is_said(e2b: bool, isolated: bool, told: str, untold: str) -> None:
    said = what_is_real(e2b=e2b, isolated=isolated)
    assert told in said
    assert untold not in said
    assert "what the models answer was written beforehand" in said
    assert "everything else is real" not in said


def test_what_is_folded_is_a_heading_in_a_terminal() -> None:
    facts = decided()
    body = folded(pull_body(facts, branch="b", verified=True))
    assert "▸ Candidate B (m2)" in body
    assert "▸ Reproduce the evidence" in body
    assert "<details>" not in body
    assert "git clone" not in body
    assert "### What changed" in body
    five = in_five_lines(facts, pull_body(facts, branch="b", verified=True))
    assert [line.partition(":")[0] for line in five[:4]] == ["Done", "Proof", "Doubt", "Others"]
    assert five[3] == "Others: B (m2): breaks 1 test."
    assert len(five) == 5
    assert not any("\n" in line or "`" in line or "*" in line for line in five)


def delivery(number: int, sender: str) -> Delivery:
    payload = msgspec.json.encode({"sender": {"login": "x", "type": sender}})
    return Delivery(
        number, f"0c61985b-2988-4680-bcf0-5b697dd9cb{number:02}", "issue_comment", "created", 1, 1, payload, NOW
    )


@pytest.mark.parametrize("undecided", [True, False])
def test_the_picture_of_eight_runs_fits_into_80x24(undecided: bool) -> None:
    facts: SolveFacts = replace(decided(), runs=tuple(run(number) for number in range(1, 9)))
    if undecided:
        facts = replace(facts, decision=None, pull_request=None)
    deliveries = Deliveries(
        [*(delivery(number, "Bot") for number in range(9)), *(delivery(n, "User") for n in range(5))]
    )
    deliveries.look()
    comment = Comment(1, status_comment(facts), Account(1, "solvebot[bot]"), NOW, NOW, by_app=True)
    said = StringIO()
    Console(file=said, width=80, height=24).print(picture(deliveries, facts, [comment]))
    lines = said.getvalue().splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert sum("issue_comment.created" in line for line in lines) == 3
    assert "and 9 deliveries of the bot's own doings" in said.getvalue()


@asynccontextmanager
async def kept(directory: Path) -> AsyncIterator[tuple[Command, dict[str, str]]]:
    """The demo after its end, and what it has printed since, by the first word of the line."""
    process = await FreshProcess(directory, {"TMPDIR": str(directory)}).start("demo", "--keep")
    assert process.stdout is not None
    lines: dict[str, str] = {}
    try:
        async with asyncio.timeout(PATIENCE):
            while "What" not in lines:
                line = (await process.stdout.readline()).decode()
                assert line, "it has ended"
                lines[line.split(" ")[0].strip()] = line.strip()
            yield process, lines
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def post(curl: str) -> int:
    """What the line would do."""
    words = shlex.split(curl)
    headers = dict(word.split(": ", 1) for before, word in pairwise(words) if before == "-H")
    headers["X-GitHub-Delivery"] = "of-a-test"
    url = next(word for word in words if word.startswith("http"))
    body = Path(words[-1].removeprefix("@")).read_bytes()
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status


@pytest.mark.long  # the same demo once more
async def test_what_the_demo_keeps_running_can_be_used(tmp_path: Path) -> None:
    async with kept(tmp_path) as (process, lines):
        clone = await asyncio.create_subprocess_exec(*shlex.split(lines["git"]), "-q", cwd=tmp_path)
        assert await clone.wait() == 0
        assert (tmp_path / "ledger" / "ledger" / "amounts.py").exists()
        assert await post(lines["curl"]) == 202
        assert process.stdout is not None
        while "already open for this issue" not in (line := (await process.stdout.readline()).decode()):
            assert line, "it has ended"
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
        assert err.decode() == ""
        assert process.returncode == 0


async def test_ctrl_c_in_the_middle_of_the_demo_says_nothing(tmp_path: Path) -> None:
    process = await FreshProcess(tmp_path, {"TMPDIR": str(tmp_path)}).start("demo")
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while b"1 step," not in (line := await process.stdout.readline()):
            assert line, "it has ended"
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert err == b"", err.decode()


async def test_python_of_the_toolchain_finds_pytest(tmp_path: Path) -> None:
    """Or the detected set-up would want to install it, without a network."""
    python = make_toolchain(tmp_path / "toolchain") / "bin" / "python3"
    process = await asyncio.create_subprocess_exec(python, "-c", "import pytest; print(pytest.__file__)", stdout=-1)
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert Path(out.decode()).is_relative_to(tmp_path)
