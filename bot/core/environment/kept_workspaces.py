"""When the plan or the set-up of one solve serves the next one of the same repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta

from bot.core.candidate.testfiles import is_test_file
from bot.core.environment.files import Files
from bot.core.model import RepoConfig, Sha, Toolchain

KEPT = timedelta(days=7)  # since it was last used
PROGRAMS = ("venv/bin", ".local/bin")  # below the home: where set-up installs, found before the system's


CHECKOUT = 2  # raised when something else than before is put into a workspace: 2 is the history


def workspace_key(repo_id: int, base: Sha, toolchain: Toolchain, hosts: Sequence[str]) -> str | None:
    """The same for set-ups that make the same of the same: files (lock files among them), commands, what they reach.

    None: nothing is set up, so nothing is saved by keeping it.
    """
    if not toolchain.setup:
        return None
    made_from = [CHECKOUT, repo_id, base, toolchain.ecosystem, list(toolchain.setup), sorted(hosts)]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:32]


PLANNER = 1  # raised when the same files would be read differently


def environment_key(files: Files, config: RepoConfig, hosts: Sequence[str], about: Sequence[str] = ()) -> str:
    """The same for commits that say the same about how they are set up and tested, whatever their tests say.

    `about`: paths that the issue names. In a repository of several projects it matters in which of them they lie.
    """
    said = sorted((path, text) for path, text in files.texts.items() if not is_test_file(path))
    directories = {path.rpartition("/")[0] for path, _ in said} - {""}
    projects = sorted(name for name in directories if any(path.startswith(f"{name}/") for path in about))
    made_from = [PLANNER, said, config.setup, config.test, sorted(hosts), projects]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:32]
