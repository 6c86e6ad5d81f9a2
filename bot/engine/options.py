"""How the engine works, as the settings want it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineOptions:
    url: str  # sqlite:///path or postgresql://...
    worker_runs: int = 8
    queue_poll: float = 0.25  # seconds until a queued run is noticed
    result_poll: float = 0.5  # seconds until a finished run is noticed
    recovery_attempts: int = 50  # a workflow that was in flight at that many crashes is given up
    queued_recovery_attempts: int = 10  # ... a queued one sooner, so that it does not take its parent along
    heartbeat: float = 5.0  # seconds between two looks for work that nobody does, and between signs of life
    dead_after: float = 30.0  # PostgreSQL: ... and until another worker takes its work over
    grace: float = 0.0  # seconds that steps get to end when the engine is closed
    instance: str = ""  # the database that the engine works for, where it has a file of its own
    home: str = ""  # PostgreSQL: the directory of data whose sandboxes are this worker's alone; see homes.py
