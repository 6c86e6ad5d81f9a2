"""A directory for each release; `current` is the one that runs. Releases of one lock file share an environment.

ROOT/.env                  the settings         ROOT/current           -> releases/…
ROOT/releases/WHEN-WHAT    the code             ROOT/environments/…    a .venv for each lock file
ROOT/run, ROOT/log         what runs, and what it says
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.core.operations.rollout import superfluous
from bot.ports import HostBroken

PARTS = ("bot", "deploy", "requirements.lock", "pyproject.toml", "README.md")
LOCK = "requirements.lock"
_SCHEMA = "from bot.store.schema import newest_revision; print(newest_revision())"


@dataclass(frozen=True, slots=True)
class Release:
    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def run(self, root: Path, *command: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """In ROOT, where the settings are."""
        return subprocess.run(
            self.argv(*command), cwd=root, env=self.environment(env), capture_output=True, text=True, check=False
        )

    def argv(self, *command: str) -> Sequence[str]:
        return (str(self.path / ".venv/bin/python"), "-m", "bot.cli", *command)

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        return {**env, "PYTHONPATH": str(self.path), "PYTHONDONTWRITEBYTECODE": "1"}

    def schema(self) -> str:
        """The newest that it knows. Raises `HostBroken`."""
        argv = (str(self.path / ".venv/bin/python"), "-c", _SCHEMA)
        found = subprocess.run(argv, env=self.environment(os.environ), capture_output=True, text=True, check=False)
        if found.returncode:
            raise HostBroken(f"{self.name} does not start: {found.stderr.strip().splitlines()[-1:]}")
        return found.stdout.strip()


class Releases:
    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._all = self.root / "releases"
        self._current = self.root / "current"

    def current(self) -> Release | None:
        return Release(self._current.resolve()) if self._current.exists() else None

    def make(self, source: Path, now: datetime) -> Release:
        """A copy, with its environment. Raises `HostBroken`."""
        path = self._all / f"{now:%Y%m%dT%H%M%S%f}-{_digest(_files(source))[:8]}"
        path.mkdir(parents=True)
        for part in PARTS:
            whole = source / part
            if whole.is_dir():
                shutil.copytree(whole, path / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(whole, path / part)
        (path / ".venv").symlink_to(self._environment(path))
        return Release(path)

    def switch(self, release: Release) -> None:
        """In one step: there is no moment without one."""
        new = self.root / ".current"
        new.unlink(missing_ok=True)
        new.symlink_to(release.path)
        new.replace(self._current)

    def tidy(self) -> None:
        current = self.current()
        names = [path.name for path in self._all.iterdir()]
        for name in superfluous(names, current.name if current else ""):
            shutil.rmtree(self._all / name)

    def _environment(self, release: Path) -> Path:
        """Made once for each lock file and Python."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        place = self.root / "environments" / f"{version}-{_digest([release / LOCK])[:16]}"
        if not (place / ".venv").exists():
            (place / "deploy").mkdir(parents=True, exist_ok=True)
            shutil.copy2(release / LOCK, place / LOCK)
            for script in ("bootstrap", "solvebot"):
                shutil.copy2(release / "deploy" / script, place / "deploy" / script)
            made = subprocess.run([place / "deploy/bootstrap", LOCK], capture_output=True, text=True, check=False)
            if made.returncode:
                shutil.rmtree(place)
                raise HostBroken(f"the environment could not be made: {made.stderr.strip()}")
        return place / ".venv"


def _files(source: Path) -> Iterator[Path]:
    for part in PARTS:
        whole = source / part
        if not whole.exists():
            raise HostBroken(f"{source} has no {part}", remedy="Name a clone of Solvebot: --source DIRECTORY.")
        found = sorted(whole.rglob("*")) if whole.is_dir() else [whole]
        yield from (path for path in found if path.is_file() and "__pycache__" not in path.parts)


def _digest(paths: Iterator[Path] | Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
