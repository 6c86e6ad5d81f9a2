"""Logs are events with keys: JSON for machines, coloured lines for people.

Much of what is logged was said by others: no secret in it gets past the last processor, and nothing that a terminal
would obey.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from bot.core.text.cleaning import visible
from bot.core.text.outgoing import Clean, Redactor

_STRUCTLOGS = ("_record", "_from_structlog")
_WIDEST = 64  # bits of a number; Python refuses to write very large ones, and what cannot be logged is lost


class _Redacted:
    """A processor: all but what structlog carries along for itself is redacted, then shown as it is read."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.pop("color_message", None)  # uvicorn's, which says the same again
        return {
            key if key in _STRUCTLOGS else self._said(key): value if key in _STRUCTLOGS else self._harmless(value)
            for key, value in event.items()
        }

    def _harmless(self, value: Any) -> Any:
        match value:
            case None | bool() | float():
                return value
            case int():
                return value if value.bit_length() <= _WIDEST else f"a number of {value.bit_length()} bits"
            case str():
                return self._said(value)
            case Mapping():
                return {self._harmless(key): self._harmless(item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._harmless(item) for item in value]
            case _:
                return self._said(repr(value))

    def _said(self, text: str) -> str:
        return _shown(self._redact(text))


def configure(*, format: str, level: str, redact: Redactor) -> None:
    """Everything, the libraries' own logging included, leaves through one handler on stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _Redacted(redact),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    as_lines = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    last = structlog.processors.JSONRenderer() if format == "json" else as_lines
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level)  # loggers do not ask their parents, and libraries set levels of their own
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("dbos", "asyncio", "alembic", "uvicorn.access", "httpx"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger("dbos").addFilter(_not_a_cancellation)


def _shown(text: Clean) -> str:
    return visible(text)


def _not_a_cancellation(record: logging.LogRecord) -> bool:
    """The engine logs every cancelled workflow as an error with a traceback; cancelling is what people asked for.

    So is the end of the process, at which it warns of each step.
    """
    error = record.exc_info[1] if record.exc_info else None
    return "Cancelled" not in type(error).__name__ and not record.getMessage().startswith("Asyncio task cancelled")
