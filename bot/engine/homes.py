"""Where a workflow goes on: sandboxes on a worker's own disk are its home, and what works in them belongs there.

Each home has two queues: one for runs, which are bounded, and one for all that goes on after its worker has ended.
When nobody lives in a home any more, whoever notices takes in what is queued there. A fleet whose sandboxes are lent
has no homes: any worker may go on with anything.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from dbos import DBOS, _dbos, _utils

RUNS = "runs"
_REST = "rest"
_AT = "@"


def runs_of(home: str) -> str:
    """The queue of runs. Without a home it is everybody's."""
    return f"{RUNS}{_AT}{home}" if home else RUNS


def rest_of(home: str) -> str:
    """The queue of all else that is taken up again."""
    return f"{_REST}{_AT}{home}" if home else str(_utils.INTERNAL_QUEUE_NAME)


def home_of(name: str) -> str:
    """Of a worker or of a queue; "" where it has none."""
    return name.partition(_AT)[2]


def inherit(living: Iterable[str], heir: str, version: str) -> list[str]:
    """Let what dead workers had go on: where another worker lives in the same home there, else in `heir`.

    Returns the dead workers.
    """
    living = frozenset(living)
    inhabited = {home_of(worker) for worker in living} | {heir}
    pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
    stranded = [each for each in pending if each.executor_id not in living and each.app_version == version]
    database = _dbos._get_dbos_instance()._sys_db
    for workflow in stranded:
        assert workflow.executor_id is not None
        home = home_of(workflow.executor_id)
        queue = rest_of(home if home in inhabited else heir)
        database.reenqueue_for_recovery(workflow.workflow_id, [workflow.executor_id], queue)
    _move_in(inhabited, heir)
    return sorted({each.executor_id for each in stranded if each.executor_id})


def _move_in(inhabited: Iterable[str], heir: str) -> None:
    """From the queues of homes in which nobody lives."""
    database = _dbos._get_dbos_instance()._sys_db
    table = database.tables.workflow_status
    queued = sa.and_(table.c.status == "ENQUEUED", table.c.queue_name.contains(_AT))
    with database.engine.begin() as db:
        for name in db.execute(sa.select(table.c.queue_name).where(queued).distinct()).scalars().all():
            if home_of(name) not in inhabited:
                to = runs_of(heir) if name.startswith(RUNS) else rest_of(heir)
                db.execute(sa.update(table).where(queued, table.c.queue_name == name).values(queue_name=to))
