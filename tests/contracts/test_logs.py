"""Logs: no secret in any corner of them, and nothing that acts on the terminal they are read in."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot import logs
from bot.core.secrets import redact

SECRET = 'a "secret" with\nlines and ü'
TOKEN = "ghs_" + "a1B2" * 9


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


class Odd:
    def __repr__(self) -> str:
        return f"<Odd {TOKEN}>"


@pytest.mark.parametrize("format", ["json", "console"])
def test_no_secret_gets_into_a_log(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(format=format, level="DEBUG", redact=lambda text: redact(text, [SECRET]))
    log = structlog.get_logger()
    structlog.contextvars.bind_contextvars(bound=f"x {TOKEN}")
    log.info("plain", value=SECRET, inside={"a": [SECRET, {"b": (TOKEN,)}]}, odd=Odd(), data=TOKEN.encode())
    log.info(f"in the event {SECRET}", **{TOKEN: "in a key"})
    logging.getLogger("elsewhere").warning("by a library %s", {"Authorization": TOKEN}, extra={"more": [SECRET]})
    for logger in (log, logging.getLogger("elsewhere")):
        try:
            raise ValueError(f"{SECRET} {TOKEN}")
        except ValueError:
            logger.exception("broke")
    structlog.contextvars.clear_contextvars()
    written = capsys.readouterr().err
    assert written.count("broke") >= 2
    assert TOKEN not in written
    for form in (SECRET, json.dumps(SECRET)[1:-1], repr(SECRET)[1:-1], SECRET.split("\n")[0]):
        assert form not in written


@pytest.mark.parametrize("format", ["json", "console"])
def test_what_is_logged_does_nothing_to_the_terminal(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(format=format, level="DEBUG", redact=str)
    structlog.get_logger().info("an event \x1b[2J", reason="\x1b]0;owned\x07 \x9b2J \r\b", many=["\x1b[2J"])
    try:
        raise ValueError("\x1b[2J")
    except ValueError:
        structlog.get_logger().exception("broke")
    written = capsys.readouterr().err
    for active in ("\x1b[2J", "\x1b]0", "\x07", "\x9b", "\b", "\r"):
        assert active not in written
    if format == "json":
        assert [json.loads(line)["level"] for line in written.splitlines()] == ["info", "error"]
