"""mini-SWE-agent 2.4.6 without what importing it does to its host.

On import `minisweagent` prints a banner, makes a directory in the user's home (and fails where it cannot), loads a
`.env` from there into our environment, and hangs a handler at level DEBUG on its logger. Two variables turn that off,
but only when they are set before the import: with bot/settings.py this is the one place that touches the environment,
and it puts back what it found.
Everything we use of mini-SWE-agent comes through here; nothing of it brings litellm, openai or requests along.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory


@contextmanager
def _quietly() -> Iterator[None]:
    with TemporaryDirectory(prefix="solvebot-") as empty:
        quiet = {"MSWEA_SILENT_STARTUP": "1", "MSWEA_GLOBAL_CONFIG_DIR": empty}
        before = {name: os.environ.get(name) for name in quiet}
        os.environ.update(quiet)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


with _quietly():
    from minisweagent.agents.default import DefaultAgent
    from minisweagent.exceptions import FormatError, InterruptAgentFlow
    from minisweagent.models.utils.actions_toolcall import BASH_TOOL

logging.getLogger("minisweagent").handlers.clear()
logging.getLogger("minisweagent").setLevel(logging.INFO)
logging.getLogger("agent").setLevel(logging.INFO)  # at DEBUG, DefaultAgent logs every message whole

__all__ = ["BASH_TOOL", "DefaultAgent", "FormatError", "InterruptAgentFlow"]
