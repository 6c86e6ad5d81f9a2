"""Logs: no secret in any corner of them, and nothing that acts on the terminal they are read in."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from starlette.applications import Starlette

from bot import logs
from bot.clock import SystemClock
from bot.core.text.outgoing import Redactor
from bot.engine import Engine, EngineOptions
from bot.simulators.serving import serving

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
    logs.configure(format=format, level="DEBUG", redact=Redactor((SECRET,)))
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
@pytest.mark.parametrize("joint", ["\u200b", "\x1b[1m", "\u2066", "\x00", "\\"])
def test_a_secret_with_something_in_it_that_the_log_leaves_out_is_a_secret(
    joint: str, format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(format=format, level="DEBUG", redact=Redactor(("hunter2_hunter2",)))
    for secret in ("hunter2_hunter2", TOKEN):
        leak = secret.replace("_", f"{joint}_")
        structlog.get_logger().info(leak, **{leak: leak, f"_{leak}": leak, "": [leak]})
        logging.getLogger("elsewhere").warning("%s", leak, extra={"_private": leak})
    written = capsys.readouterr().err
    assert written.count("[redacted]") == 16
    assert "hunter2" not in written
    assert "a1B2" not in written


def test_a_number_that_python_does_not_write_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(format="json", level="DEBUG", redact=Redactor())
    structlog.get_logger().info("counted", number=10**5000, small=-3)
    line = json.loads(capsys.readouterr().err)
    assert (line["number"], line["small"]) == ("a number of 16610 bits", -3)


@pytest.mark.parametrize("format", ["json", "console"])
def test_what_is_logged_does_nothing_to_the_terminal(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(format=format, level="DEBUG", redact=Redactor())
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


@pytest.mark.parametrize("format", ["json", "console"])
def test_no_colours_where_there_is_no_terminal(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(format=format, level="INFO", redact=Redactor())
    structlog.get_logger().warning("an event", reason="said")
    coloured = {"color_message": "Started server process [\x1b[36m%d\x1b[0m]"}  # as uvicorn has it
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 12, extra=coloured)
    written = capsys.readouterr().err
    assert "Started server process [12]" in written
    assert "\x1b" not in written
    assert "color_message" not in written


def test_a_library_that_sets_its_own_level_is_still_held_to_ours(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(format="json", level="ERROR", redact=Redactor())
    library = logging.getLogger("of a library")
    library.setLevel("INFO")
    library.warning("not worth telling")
    library.error("worth telling")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["worth telling"]


async def test_the_http_client_of_e2bs_sdk_does_not_tell_of_each_request(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(format="json", level="INFO", redact=Redactor())
    async with serving(Starlette()) as url, httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/v2/sandboxes")).status_code == 404
    assert capsys.readouterr().err == ""


async def test_the_engine_tells_of_no_cancelled_workflow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At Ctrl-C in the middle of a solve, whatever the engine's own level is."""
    logs.configure(format="json", level="INFO", redact=Redactor())
    reached = asyncio.Event()

    async def wait(_: str) -> None:
        reached.set()
        await asyncio.Event().wait()

    engine = Engine(EngineOptions(f"sqlite:///{tmp_path / 'engine.sqlite'}", worker_runs=1), SystemClock())
    engine.register("wait", wait)
    await engine.launch()
    try:
        await engine.start("wait", "w", "w")
        async with asyncio.timeout(30):
            await reached.wait()
    finally:
        await engine.close()
    logging.getLogger("dbos").warning("something else")
    told = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert told == ["engine.draining", "something else"]
