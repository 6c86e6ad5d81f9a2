"""What is on record of workflows: rows as people can read them, and errors that come back as what they were.

A record is a stored format. Whoever changes what a step returns, what a workflow takes, or the order of steps meets
records of before in solves that are in flight at the upgrade: tests/records has all of these shapes and a solve of
each release. What cannot be read is `Unreadable`, and the workflow is played from its beginning.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, Serializer, _context, _dbos
from dbos import error as dbos_error

from bot import ports
from bot.ports import StoreAway

_PLAIN = (str, int, float, bool, type(None))


class StepFailed(Exception):
    """An error of a step whose class the record cannot bring back."""


class Unreadable(BaseException):
    """What is on record of a workflow does not fit to its code: another version wrote it.

    Not an `Exception`, because it says nothing about the world: no workflow may take it for an answer.
    """


class Unrecorded(asyncio.CancelledError):
    """The engine's database did not take what has happened. The workflow is left as it is on record: under way.

    A cancellation, because the workflow knows no more than that it is not to go on.
    """


_KNOWN: dict[str, type[Exception]] = {
    cls.__name__: cls for cls in (ValueError, TypeError, RuntimeError, TimeoutError, KeyError, OSError, StepFailed)
}
_KNOWN |= {n: c for n, c in vars(dbos_error).items() if isinstance(c, type) and issubclass(c, Exception)}
_KNOWN |= {n: c for n, c in vars(ports).items() if isinstance(c, type) and issubclass(c, Exception)}


def recordable(error: Exception) -> Exception:
    """The error as a replay would raise it: of the nearest class that the record can bring back.

    What is an adapter's own becomes the port's, so that a first life and a replay take the same branch.
    """
    for cls in type(error).__mro__:
        if _KNOWN.get(cls.__name__) is cls:
            return error if cls is type(error) else _made(cls, _plain_args(error), _plain_attributes(error))
    return StepFailed(f"{type(error).__name__}: {error}")


class JsonSerializer(Serializer):
    """Readable rows; errors come back as the class they were."""

    def name(self) -> str:
        return "solvebot_json"

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            data = {
                "$error": type(data).__name__,
                "message": str(data)[:4000],
                "args": _plain_args(data),
                "attributes": _plain_attributes(data),
            }
        return json.dumps(data, separators=(",", ":"), allow_nan=False)

    def deserialize(self, serialized_data: str) -> Any:
        data = json.loads(serialized_data)
        if not (isinstance(data, dict) and "$error" in data):
            return data
        cls = _KNOWN.get(data["$error"])
        if cls is None:
            return StepFailed(f"{data['$error']}: {data['message']}")
        return _made(cls, data["args"], data["attributes"])


def _plain_args(error: BaseException) -> list[Any]:
    return [arg for arg in error.args if isinstance(arg, _PLAIN)]


def _plain_attributes(error: BaseException) -> dict[str, Any]:
    return {name: value for name, value in vars(error).items() if isinstance(value, _PLAIN)}


def _made(cls: type[Exception], args: list[Any], attributes: dict[str, Any]) -> Exception:
    error = cls.__new__(cls)
    error.args = tuple(args)
    vars(error).update(attributes)
    return error


def refuse_pickle(_self: Any, _data: str) -> Any:
    raise ValueError("a pickled row in the engine's database is refused")


@contextmanager
def on_record() -> Iterator[None]:
    """Around what a workflow asks of the engine: what goes wrong there is none of the story's business."""
    try:
        yield
    except dbos_error.DBOSUnexpectedStepError as error:
        raise Unreadable(str(error)) from error
    except sa.exc.SQLAlchemyError as error:
        raise Unrecorded(str(error)) from error


@contextmanager
def asked() -> Iterator[None]:
    """Around what is asked of the engine from outside of workflows: its database may be away."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise StoreAway(f"the engine's database: {error}") from error


def is_in_workflow() -> bool:
    """In its own code, not in a step of it."""
    context = _context.get_local_dbos_context()
    return context is not None and context.is_workflow()


def forget() -> None:
    """Inside a workflow: none of its steps has happened. Refused where another worker has taken it over meanwhile."""
    context = _context.assert_current_dbos_context()
    database = _dbos._get_dbos_instance()._sys_db
    steps = database.tables.operation_outputs
    id = context.workflow_id
    with database.engine.begin() as db:
        database._check_owner_txn(db, id, str(context.owner_xid))
        db.execute(sa.delete(steps).where(steps.c.workflow_uuid == id))
    context.function_id = 0


def under_way(executor: str) -> set[str]:
    """Ids of the workflows that this executor is to play."""
    found = DBOS.list_workflows(status="PENDING", executor_id=executor, load_input=False, load_output=False)
    return {workflow.workflow_id for workflow in found}


def put_back(ids: Iterable[str], executor: str, queue: str) -> None:
    """Let them be taken again, by whoever has room; who still plays one of them is refused at its next step."""
    database = _dbos._get_dbos_instance()._sys_db
    for id in ids:
        database.reenqueue_for_recovery(id, [executor], queue)


def cancel(ids: Sequence[str]) -> None:
    DBOS.cancel_workflows([*ids])


def cancelled(ids: Sequence[str]) -> set[str]:
    """Those that are."""
    if not ids:
        return set()
    found = DBOS.list_workflows(workflow_ids=[*ids], status="CANCELLED", load_input=False, load_output=False)
    return {workflow.workflow_id for workflow in found}


def delete(ids: Sequence[str]) -> None:
    DBOS.delete_workflows([*ids])
