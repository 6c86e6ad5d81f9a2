"""Recipes carried out by a real shell, outside of any sandbox: for commands of our own tests only."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bot.core.model import TestReport
from bot.core.reports import documents, report
from bot.core.runners import recipe

ENVIRONMENT = {"CI": "1", "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}


def carry_out(command: str, workspace: Path, *, path: str = "") -> TestReport:
    """As the judge does it. `path` goes in front of PATH."""
    home = workspace.parent / f"{workspace.name}-home"
    home.mkdir(exist_ok=True)
    env = {**ENVIRONMENT, "PATH": f"{path}:{os.environ['PATH']}", "HOME": str(home)}

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script.replace("/home/agent", str(home))],
            cwd=workspace,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )

    how = recipe(command)
    assert run(how.before).stdout == ""
    done = run(how.command)
    assert run(how.after).stdout == ""
    left = (home / ".solvebot/report").read_bytes()
    return report(command, exit_code=done.returncode, seconds=1.0, output=done.stdout, documents=documents(left))
