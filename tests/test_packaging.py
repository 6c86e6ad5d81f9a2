"""The wheel, in an environment of its own: it holds all that is no Python, and its command works."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from bot.store.schema import newest_revision

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("wheel")
    source = into / "source"
    source.mkdir()
    for part in ("bot", "pyproject.toml", "README.md", "LICENSE"):
        (source / part).symlink_to(ROOT / part)
    done = _run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", into, source], cwd=into)
    assert done.returncode == 0, done.stderr
    [found] = into.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def solvebot(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a new environment, which has what the lock file names, and the wheel."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, symlinks=True)
    [packages] = place.glob("lib/python*/site-packages")
    (packages / "of-the-lock.pth").write_text(sysconfig.get_path("purelib"))
    done = _run([sys.executable, "-m", "pip", "--python", place, "install", "-q", "--no-deps", wheel], cwd=place)
    assert done.returncode == 0, done.stderr
    return place / "bin/solvebot"


def _run(command: list[object], cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    own = {name: os.environ[name] for name in os.environ if name not in ("PYTHONPATH", "DATA_DIR", "DATABASE_URL")}
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**own, **env}, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_every_file_that_the_code_reads(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "bot").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert there <= held


def test_the_command_works_in_an_empty_directory(solvebot: Path, tmp_path: Path) -> None:
    said = _run([solvebot, "demo", "--help"], cwd=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert "--keep" in said.stdout
    said = _run([solvebot, "migrate"], cwd=tmp_path, DATA_DIR=str(tmp_path / "data"))
    assert said.returncode == 0, said.stderr
    where = _run([solvebot.parent / "python", "-c", "import bot; print(bot.__file__)"], cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(solvebot.parent.parent)
    code = "from bot.store.schema import newest_revision as n; print(n())"
    assert _run([solvebot.parent / "python", "-c", code], cwd=tmp_path).stdout.strip() == newest_revision()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_its_commands(solvebot: Path, tmp_path: Path, shell: str) -> None:
    said = _run([solvebot, "completion", shell], cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert "_SOLVEBOT_COMPLETE" in said.stdout
    words = {"COMP_WORDS": "solvebot sp", "COMP_CWORD": "sp" if shell == "fish" else "1"}
    found = _run([solvebot], cwd=tmp_path, _SOLVEBOT_COMPLETE=f"{shell}_complete", **words)
    assert "spending" in found.stdout
