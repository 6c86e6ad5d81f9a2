"""Durable workflows: the only room that knows DBOS.

What the story needs of it is small. A *workflow* is a method registered under a name and started under an id; a
*step* is a method decorated with `@step` whose result is recorded, so that after a crash the workflow is played again
and finished steps answer from the record. Values cross the record as JSON and come back as the types that the
signatures name.

    engine.py      workflows: registered, started, waited for, closed; what nobody plays is played again
    steps.py       a step: patience with a world that is away, its result or its error on record
    record.py      rows as people can read them; errors that come back as what they were; what cannot be read
    homes.py       where a workflow goes on whose sandboxes are on one worker's disk
    endings.py     waiting for workflows, one question for all
    sqlite.py      the engine's file: prepared, and ours alone

Facts about DBOS 3.4.0 that shape this room (each one tried):
- Names are addresses in the database: never rename a workflow or a step that may be in flight.
- The version is set by hand. By default it is a hash of the sources, and any edit would strand unfinished work.
- `launch` on the running loop makes workflows run on that loop; DBOS then owns the loop's default executor, so it is
  closed last.
- SQLite: its `unixepoch('subsec')` needs 3.42 on Python 3.12 and newer, and WAL with two connections has 4 to 8 times
  less tail latency than with more, which wait for each other's locks in their sleep; both come with an engine of our
  own, which then has to be prepared as DBOS prepares its own. One process per file, so it is locked before launch.
- Waiting for other workflows is a query every interval for each that waits, so here one asks for all (`Endings`).
- Rows tagged as pickled are unpickled whatever serializer is set: refused here, or write access to the database would
  be code execution.
- A cancelled workflow is told within a second, and only inside of steps; afterwards no step of it works.
- When a row cannot be written (a full disk), the workflow's task ends and the workflow stays on record as under way:
  nobody plays it any more until the next start, so here somebody looks for such ones.
"""

from bot.engine.endings import Child
from bot.engine.engine import Engine
from bot.engine.options import EngineOptions
from bot.engine.sqlite import EngineError, check_sqlite
from bot.engine.steps import SANDBOX_PATIENCE, STEPS, STORE_PATIENCE, patiently, returned, step
from bot.engine.workflow_state import WorkflowState

__all__ = [
    "SANDBOX_PATIENCE",
    "STEPS",
    "STORE_PATIENCE",
    "Child",
    "Engine",
    "EngineError",
    "EngineOptions",
    "WorkflowState",
    "check_sqlite",
    "patiently",
    "returned",
    "step",
]
