"""Which deaths of a sweep are in the suite, on which database, and which are left to `make long`.

Before what was done is on record is the harder moment: it is done once more, and has to find itself. So every sweep
dies there in the suite. After it is on record, where it must not be done again, the sweep of a whole solve does
(test_crash_sweep.py), and on PostgreSQL the few that ask it; the others repeat that in the long form.
"""

from __future__ import annotations

import pytest

from tests.stories.crashing import Dies

MOMENTS = (Dies.BEFORE, pytest.param(Dies.AFTER, marks=pytest.mark.long))
ON_EITHER_DATABASE = (
    ("sqlite", Dies.BEFORE),
    ("postgresql", Dies.AFTER),
    pytest.param("sqlite", Dies.AFTER, marks=pytest.mark.long),
    pytest.param("postgresql", Dies.BEFORE, marks=pytest.mark.long),
)
"""For `parametrize`, with the name of the database indirectly: each moment once, and each database."""
SQLITE_IN_THE_SUITE = ("sqlite", pytest.param("postgresql", marks=pytest.mark.long))
"""For stories beside one that is told on both; test_store.py asks both for all that they ask of the store."""
