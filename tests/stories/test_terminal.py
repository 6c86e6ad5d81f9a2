"""The command line as people use it: real processes, real clones."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from pathlib import Path

import pytest

from bot.declared_settings import Secret
from bot.local_solve import receive_one
from bot.ports import Rejected
from bot.settings import Settings
from bot.simulators.model import Hold, bash
from tests.stories.shell import PATIENCE, Shell, a_shell
from tests.stories.world import FILES, FIX, FIXES, GIVES_UP


def git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    path = tmp_path / "a clone"
    for name, content in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)
    git(path, "init", "-q", "-b", "main")
    git(path, "config", "user.name", "Ann")
    git(path, "config", "user.email", "ann@localhost")
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "Greet")
    (tmp_path / "issue.md").write_text("# No name, no greeting\n\nIt should greet the world.\n")
    return path


async def test_solve_puts_the_champion_on_a_branch_and_touches_nothing_else(clone: Path, tmp_path: Path) -> None:
    before = git(clone, "status", "--porcelain"), git(clone, "rev-parse", "HEAD")
    async with a_shell(tmp_path, FIXES) as (solvebot, llm, _):
        code, out, err = await solvebot("solve", str(clone), "--issue", "issue.md", "--model", "fixer")
        assert code == 0, err
        assert llm.errors == []
    assert "Traceback" not in err
    assert "   A (fixer): 1 of 1; own: " in err
    assert "\\" not in err
    assert "git diff HEAD...solvebot/1-no-name" in err
    decision = json.loads(out)
    assert all(f"• {reason}" in err for reason in [*decision["reasons"], *decision["uncertain"]])
    assert decision["outcome"] == "draft"
    assert decision["branch"].startswith("solvebot/1-no-name")
    [branch] = git(clone, "branch", "--list", "solvebot/*", "--format=%(refname:short)").splitlines()
    assert git(clone, "show", f"{branch}:greet.sh") == 'echo "hello ${1:-world}"'
    assert git(clone, "log", "-1", "--format=%an", branch) == "Ann"
    assert (git(clone, "status", "--porcelain"), git(clone, "rev-parse", "HEAD")) == before


async def test_a_changed_issue_begins_anew_after_an_interrupted_solve(clone: Path, tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, llm, _):
        hold = Hold(then=bash(FIX))
        llm.interpose("simulated/fixer", hold)
        process = await solvebot.start("solve", str(clone), "--issue", "issue.md", "--model", "fixer")
        async with asyncio.timeout(PATIENCE):
            await hold.arrived.wait()
            process.send_signal(signal.SIGINT)
            await process.communicate()
        (tmp_path / "issue.md").write_text("# No name, no greeting\n\nGreet the world, please.\n")
        code, _, err = await solvebot("solve", str(clone), "--issue", "issue.md", "--model", "fixer")
        assert code == 0, err
        assert llm.calls["simulated/fixer"] == 3  # the interrupted call of the old issue, and two of the new


async def test_a_clone_without_commits_and_one_without_a_branch(clone: Path, tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, _, _):
        git(clone, "checkout", "-q", "--detach")
        code, _, err = await solvebot("solve", str(clone), "--issue", "issue.md", "--model", "fixer")
        assert code == 1
        assert "Check out the branch" in err
        assert "Traceback" not in err
        git(clone, "checkout", "-q", "--orphan", "empty")
        code, _, err = await solvebot("solve", str(clone), "--issue", "issue.md", "--model", "fixer")
        assert "no commit yet" in err


async def test_a_wrong_model_key_is_told(clone: Path, tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, llm, _):
        solvebot.env["MODEL_API_KEY"] = "sk-wrong"
        code, _, err = await solvebot("solve", str(clone), "--issue", "issue.md", "--model", "fixer")
        assert code == 1
        assert "key" in err
        assert "Traceback" not in err
        llm.errors.clear()


async def test_no_champion_is_exit_code_1(clone: Path, tmp_path: Path) -> None:
    async with a_shell(tmp_path, GIVES_UP) as (solvebot, _, _):
        code, out, _ = await solvebot("solve", str(clone), "--issue", "issue.md", "--model", "fixer")
    assert code == 1
    assert json.loads(out)["champion"] is None
    assert git(clone, "branch", "--list", "solvebot/*") == ""


async def test_ctrl_c_ends_cleanly_and_the_same_command_goes_on(clone: Path, tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, llm, _):
        hold = Hold(then=bash(FIX))
        llm.interpose("simulated/fixer", hold)
        process = await solvebot.start("solve", str(clone), "--issue", "issue.md", "--model", "fixer")
        async with asyncio.timeout(PATIENCE):
            await hold.arrived.wait()
            process.send_signal(signal.SIGINT)
            _, err = await process.communicate()
        assert process.returncode == 130
        assert b"Traceback" not in err
        assert b"goes on from here" in err

        code, _, err2 = await solvebot("solve", str(clone), "--issue", "issue.md", "--model", "fixer")
        assert code == 0, err2
        assert llm.calls["simulated/fixer"] == 3  # the interrupted call, its repetition, the submission


async def test_an_unknown_model_is_told(clone: Path, tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, _, _):
        code, _, err = await solvebot("solve", str(clone), "--issue", "issue.md", "--model", "gpt-17")
    assert code == 1
    assert err.count("`gpt-17` is not a model here.") == 1


async def test_without_a_key_nothing_is_begun(clone: Path, tmp_path: Path) -> None:
    code, _, err = await Shell(tmp_path, {})("solve", str(clone), "--issue", "issue.md")
    assert code == 1
    assert "MODEL_API_KEY is missing" in err
    assert not (tmp_path / "data").exists()


async def test_receive_works_one_payload_off(tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, _, github):
        repo = github.repository("octo/greet", files=FILES, by="ann")
        repo.grant("ann", "write")
        issue = await repo.open_issue("No name", "x", by="sam")
        github.webhooks.url = "http://127.0.0.1:9/nobody"
        await issue.label("solve-me", by="ann")
        await github.delivered()
        payload = next(d.payload for d in github.webhooks.deliveries if d.action == "labeled")
        (tmp_path / "payload.json").write_bytes(payload)
        code, _, err = await solvebot("receive", "-e", "issues", "-p", "payload.json")
        assert code == 0, err
        assert len(repo.pulls) == 1
        assert github.errors == []


@pytest.mark.parametrize(
    ("event", "payload", "told"),
    [
        ("issues", b'{"action":\n "labeled"', "not JSON (line 2, column 11: "),
        ("issues", b"", "not JSON (line 1, column 1: "),
        ("issues", b"\xff{}", "not JSON in UTF-8"),
        ("issues", b"[" * 100_000, "not JSON in UTF-8"),
        ("issues", b'["labeled"]', "not an object"),
        ("issues", b'{"action": "opened"}', "does nothing at this event (issues, opened)"),
        ("push", b"{}", "does nothing at this event (push)"),
        ("two words", b"{}", "'two words' is no name of an event"),
    ],
)
async def test_a_payload_that_cannot_be_received_is_told(event: str, payload: bytes, told: str, tmp_path: Path) -> None:
    settings = Settings(webhook_secrets=(Secret("s"),), data=tmp_path / "data")
    with pytest.raises(Rejected) as refused:
        await receive_one(settings, event, payload)
    assert told in str(refused.value)
    assert refused.value.remedy
    assert not settings.data.exists()


async def test_it_calls_itself_by_its_name(tmp_path: Path) -> None:
    code, _, err = await Shell(tmp_path, {})("models", "add")
    assert code == 2
    assert "Usage: solvebot models add" in err


async def test_serve_without_settings_says_all_that_is_missing(tmp_path: Path) -> None:
    code, _, err = await Shell(tmp_path, {})("serve")
    assert code == 1
    for name in ("GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET", "MODEL_API_KEY"):
        assert f"{name} is missing" in err
