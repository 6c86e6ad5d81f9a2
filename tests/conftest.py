"""Tests that need namespaces are not run where there are none, and the reason is said at the end.

`SOLVEBOT_TESTS_REQUIRE_NAMESPACES=1` makes that a failure: for machines that are supposed to have them.
"""

from __future__ import annotations

import asyncio
import functools
import os

import pytest

from bot.ports import SandboxUnusable
from tests.contracts.local_sandboxes import bubblewrap, public_directory

# Here, because a plugin that a test module names must not have been imported by another one before.
pytest_plugins = ["tests.contracts.postgres", "tests.contracts.query_plans"]


@functools.cache
def why_no_namespaces() -> str:
    """What the sandbox's own self-test says; empty where the isolation is to be had."""
    with public_directory() as directory:
        try:
            asyncio.run(bubblewrap(directory).check())
        except SandboxUnusable as error:
            return f"{error} {error.remedy}"
    return ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    needing = [item for item in items if item.get_closest_marker("namespaces")]
    if not needing or not why_no_namespaces():
        return
    if os.environ.get("SOLVEBOT_TESTS_REQUIRE_NAMESPACES") == "1":
        raise pytest.UsageError(f"namespaces are required, and not to be had: {why_no_namespaces()}")
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in needing]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if why_no_namespaces():
        terminalreporter.section("not run")
        terminalreporter.line(f"The tests marked `namespaces` were not run here: {why_no_namespaces()}")
