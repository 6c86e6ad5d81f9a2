"""Tests with programs of the distribution: Chromium, Caddy, promtool, systemd-analyze.

A test marked `needs("caddy")` is not run on a machine without it. Which and why is said at the end, and it does not
count as passed; with `SOLVEBOT_TESTS_REQUIRE_TOOLS=1` it is a failure. `deploy/bootstrap` unpacks what it can.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

NOT_RUN = pytest.StashKey[Counter[str]]()


@functools.cache
def found(name: str) -> str | None:
    """Its path: the system's, else what `deploy/bootstrap` unpacked."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.prefix) / "bin"))


def program(name: str) -> str:
    """For tests that are marked with it."""
    path = found(name)
    assert path is not None, f"{name} is not here; is the test marked?"
    return path


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*programs): of the distribution, without which it is not run")
    config.stash[NOT_RUN] = Counter()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    lacking = {item: names for item in items if (names := [name for name in _needs(item) if found(name) is None])}
    if lacking and os.environ.get("SOLVEBOT_TESTS_REQUIRE_TOOLS") == "1":
        names = sorted({name for each in lacking.values() for name in each})
        raise pytest.UsageError(f"programs are required, and not here: {', '.join(names)}")
    config.hook.pytest_deselected(items=list(lacking))
    items[:] = [item for item in items if item not in lacking]
    config.stash[NOT_RUN] = Counter(name for each in lacking.values() for name in each)


def _needs(item: pytest.Item) -> list[str]:
    return [name for mark in item.iter_markers("needs") for name in mark.args]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, number in config.stash[NOT_RUN].items():
        terminalreporter.line(f"not run, because {name} is not on this machine: {number} tests")
