"""A real shell for recipes, outside of any sandbox: for commands of our own tests only."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

# The plugins that our own tests have: loading them takes ten times as long as the rest of such a pytest.
_ENVIRONMENT = {"CI": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@dataclass(frozen=True)
class Shell:
    """`home` stands for the sandbox's own."""

    workspace: Path
    home: Path

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script.replace("/home/agent", str(self.home))],
            cwd=self.workspace,
            env=_ENVIRONMENT | {"PATH": os.environ["PATH"], "HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
