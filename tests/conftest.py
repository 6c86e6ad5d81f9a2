"""What holds for all tests: where they may leave files, and which of them a machine cannot run.

Tests that need namespaces are not run where there are none; which and why is said at the end.
`SOLVEBOT_TESTS_REQUIRE_NAMESPACES=1` makes that a failure: for machines that are supposed to have them.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.ports import SandboxUnusable
from tests.chromium import executable
from tests.contracts.local_sandboxes import bubblewrap, public_directory
from tests.stories.forking import OF_TESTS

# Here, because a plugin that a test module names must not have been imported by another one before.
pytest_plugins = ["tests.contracts.postgres", "tests.contracts.query_plans", "tests.tools"]

NOT_RUN = pytest.StashKey[dict[str, int]]()  # file -> number of its tests
TEMPORARY = pytest.StashKey[Path]()
BEFORE = pytest.StashKey[tuple[str | None, str | None]]()
OF_PYTEST = "pytest-of-"  # the directory of its tmp_path


@functools.cache
def why_no_namespaces() -> str:
    """What the sandbox's own self-test says; empty where the isolation is to be had."""
    with public_directory() as directory:
        try:
            asyncio.run(bubblewrap(directory).check())
        except SandboxUnusable as error:
            return f"{error} {error.remedy}"
    return ""


def is_worker(config: pytest.Config) -> bool:
    """Of pytest-xdist: a process that runs tests for another one."""
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOT_RUN] = {}
    if is_worker(config):
        return
    if os.environ.get("SOLVEBOT_TESTS_REQUIRE_NAMESPACES") == "1" and why_no_namespaces():
        raise pytest.UsageError(f"namespaces are required, and not to be had: {why_no_namespaces()}")
    directory = Path(tempfile.mkdtemp(prefix=OF_TESTS))
    directory.chmod(0o711)  # sandboxes run as other users, and what they need is below
    config.stash[TEMPORARY] = directory
    config.stash[BEFORE] = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(directory)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "/stories/" not in item.nodeid)  # the longest first: nobody waits for one at the end
    needing = [item for item in items if _cannot_be_run(item)]
    if not needing:
        return
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in needing]
    config.stash[NOT_RUN] = Counter(item.nodeid.partition("::")[0] for item in needing)


def _cannot_be_run(item: pytest.Item) -> bool:
    if item.get_closest_marker("chromium") and executable() is None:
        return True
    return bool(item.get_closest_marker("namespaces") and why_no_namespaces())


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if is_worker(session.config):
        not_run: dict[str, int] = session.config.stash[NOT_RUN]
        session.config.workeroutput["not run"] = dict(not_run)  # type: ignore[attr-defined]
    elif left_over(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[NOT_RUN] = getattr(node, "workeroutput", {}).get("not run", {})


def left_over(config: pytest.Config) -> list[str]:
    """What tests forgot to delete."""
    return [path.name for path in config.stash[TEMPORARY].iterdir() if not path.name.startswith(OF_PYTEST)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if names := left_over(config):
        terminalreporter.section("left over")
        terminalreporter.line(f"The tests left {', '.join(names)} in the directory for temporary files.")
    if not_run := config.stash[NOT_RUN]:
        terminalreporter.section("not run")
        for file, number in not_run.items():
            terminalreporter.line(f"{file}: {number} tests that need namespaces or Chromium")
        terminalreporter.line(why_no_namespaces())
        if executable() is None:
            terminalreporter.line("There is no Chromium: `apt-get install chromium` brings it.")


def pytest_unconfigure(config: pytest.Config) -> None:
    """All as it was: one process may run tests again and again, as those do who change the code in between."""
    if directory := config.stash.get(TEMPORARY, None):
        shutil.rmtree(directory, ignore_errors=True)
        variable, tempfile.tempdir = config.stash[BEFORE]
        os.environ.pop("TMPDIR") if variable is None else os.environ.update(TMPDIR=variable)
