"""Plans whose tests do not come to an end: one that hangs, or takes the runner with it, must not cost all others."""

from __future__ import annotations

from dataclasses import replace

from bot.core.model import RepoConfig, TestReport, Toolchain
from bot.core.runners import LASTING_PACKAGES, lasting

TRIAL_SECONDS = 150.0  # for the tests of a plan that can be given a limit for each test instead
_BY_SIGNAL = 128  # exit codes above it: POSIX, 2.8.2


def with_time_limits(plan: Toolchain, config: RepoConfig) -> Toolchain | None:
    """The same tests, each with a time limit, in a process that can be lost.

    None: that is not to be had, or a person has said how the tests are run.
    """
    command = lasting(plan.test or "")
    if command is None or config.test is not None or not any("~/venv" in line for line in plan.setup):
        return None
    has_uv = any("uv " in line for line in plan.setup)
    installer = "uv pip install --quiet --python ~/venv" if has_uv else "~/venv/bin/python -m pip install --quiet"
    setup = (*plan.setup, f"{installer} {' '.join(LASTING_PACKAGES)}")
    return replace(plan, setup=setup, test=command, why=f"{plan.why}, a time limit for each test")


def came_to_no_end(report: TestReport | None) -> bool:
    """Out of time, or ended by a signal: a crash of the interpreter."""
    return report is not None and (report.timed_out or (report.exit_code > _BY_SIGNAL and not report.per_test))
