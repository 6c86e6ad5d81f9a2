"""What importing the program brings along, and does: seen from outside, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

# Parts of mini-SWE-agent's dependencies that are not installed with us (650 MB), and a second HTTP client.
UNWANTED = ("litellm", "openai", "datasets", "textual", "prompt_toolkit", "typer", "pandas", "numpy", "requests")

# Alembic runs the files of store/migrations itself, in a context that only it can make.
IMPORT_ALL = """
import importlib, json, os, pkgutil, sys
import bot

before = dict(os.environ)
names = [m.name for m in pkgutil.walk_packages(bot.__path__, "bot.") if "migrations" not in m.name]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(json.dumps({
    "names": names,
    "loaded": sorted({name.partition(".")[0] for name in sys.modules}),
    "environment": dict(os.environ) == before,
}))
"""


def in_a_new_process(code: str, home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TMPDIR": str(home / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_can_be_imported_and_nothing_unwanted_comes_along(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    said = json.loads(in_a_new_process(IMPORT_ALL, tmp_path))
    assert {"bot.agent.mini", "bot.agent.model", "bot.simulators.model"} <= set(said["names"])
    assert "minisweagent" in said["loaded"]
    assert [name for name in UNWANTED if name in said["loaded"]] == []


def test_importing_leaves_nothing_behind(tmp_path: Path) -> None:
    """mini-SWE-agent alone would print, write into the home and change the environment."""
    (tmp_path / "tmp").mkdir()
    said = json.loads(in_a_new_process(IMPORT_ALL, tmp_path))
    assert said["environment"]
    assert list(tmp_path.rglob("*")) == [tmp_path / "tmp"]


def test_who_lends_no_sandboxes_does_not_load_the_sdk_for_it(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    code = "import sys, bot.app, bot.cli, bot.doctor, bot.local_solve; print([m for m in sys.modules if m == 'e2b'])"
    assert in_a_new_process(code, tmp_path).strip() == "[]"


def test_who_has_no_pages_does_not_load_them(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    code = "import sys, bot.app, bot.web.receiving; print([m for m in sys.modules if m.startswith('bot.web.pages')])"
    assert in_a_new_process(code, tmp_path).strip() == "[]"


def test_upstreams_log_handler_is_gone(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    code = "import logging, bot.agent.mini; print(logging.getLogger('minisweagent').handlers)"
    assert in_a_new_process(code, tmp_path).strip() == "[]"
