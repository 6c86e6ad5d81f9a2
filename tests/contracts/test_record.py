"""Records that do not fit, that could not be written, and errors on record; against DBOS itself."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

import bot
from bot.clock import SystemClock
from bot.engine import Engine, EngineOptions, WorkflowState, patiently, step
from bot.engine.record import JsonSerializer, StepFailed, recordable
from bot.engine.sqlite import library
from bot.ports import Gone, Unavailable, WorldError


class Story:
    """Two steps and a wait; what happened is written down beside the engine."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.hold = asyncio.Event()
        self.waits = asyncio.Event()
        self.raises: Exception | None = None

    async def old(self, name: str) -> None:
        await self.first(name)
        await self.second(name)
        await self.wait(name)

    async def with_a_step_between(self, name: str) -> None:
        await self.first(name)
        await self.between(name)
        await self.second(name)
        await self.wait(name)

    async def anew(self, name: str) -> None:
        self.happened.append("anew")
        await self.old(name)

    @step("first")
    async def first(self, name: str) -> str:
        self.happened.append("first")
        return name

    @step("between")
    async def between(self, name: str) -> str:
        self.happened.append("between")
        return name

    @step("second")
    async def second(self, name: str) -> str:
        self.happened.append("second")
        return name

    @step("wait")
    async def wait(self, name: str) -> str:
        self.waits.set()
        await self.hold.wait()
        if self.raises is not None:
            raise self.raises
        self.happened.append("waited")
        return name


class Later(Story):
    """The same names of steps, another version."""

    async def with_another_result(self, name: str) -> None:
        await self.first_as_a_number(name)
        await self.wait(name)

    @step("first")
    async def first_as_a_number(self, name: str) -> int:
        self.happened.append("first as a number")
        return 1


@asynccontextmanager
async def an_engine(
    directory: Path,
    workflow: Callable[[str], Awaitable[object]],
    anew: Callable[[str], Awaitable[object]] | None = None,
    grace: float = 0.0,
) -> AsyncIterator[Engine]:
    url = f"sqlite:///{directory / 'engine.sqlite'}"
    engine = Engine(EngineOptions(url, queue_poll=0.01, result_poll=0.01, heartbeat=3600, grace=grace), SystemClock())
    engine.register("story", workflow, anew=anew)  # type: ignore[arg-type]  # Awaitable for Coroutine
    await engine.launch()
    try:
        yield engine
    finally:
        await engine.close()


async def over(engine: Engine, id: str = "s") -> WorkflowState:
    async with asyncio.timeout(30):
        while (state := await engine.state(id)) is WorkflowState.ACTIVE:  # noqa: ASYNC110 - the engine's database knows
            await asyncio.sleep(0.01)
    return state


async def in_flight(directory: Path) -> None:
    story = Story()
    async with an_engine(directory, story.old) as engine:
        await engine.start("story", "s", "s")
        await story.waits.wait()
    assert story.happened == ["first", "second"]


async def test_what_fits_is_played_on(tmp_path: Path) -> None:
    await in_flight(tmp_path)
    story = Story()
    story.hold.set()
    async with an_engine(tmp_path, story.old, story.anew) as engine:
        assert await over(engine) is WorkflowState.SUCCEEDED
    assert story.happened == ["waited"]


@pytest.mark.parametrize(
    ("version", "happens"),
    [
        ("with_a_step_between", ["first", "between", "second", "waited"]),
        ("with_another_result", ["first as a number", "waited"]),
    ],
)
async def test_what_does_not_fit_begins_anew(tmp_path: Path, version: str, happens: list[str]) -> None:
    await in_flight(tmp_path)
    story = Later()
    story.hold.set()
    async with an_engine(tmp_path, getattr(story, version)) as engine:
        assert await over(engine) is WorkflowState.SUCCEEDED
    assert story.happened == happens


async def test_in_its_place_what_was_registered_for_it(tmp_path: Path) -> None:
    await in_flight(tmp_path)
    story = Later()
    story.hold.set()
    async with an_engine(tmp_path, story.with_another_result, story.anew) as engine:
        assert await over(engine) is WorkflowState.SUCCEEDED
    assert story.happened == ["anew", "first", "second", "waited"]


async def test_a_result_that_never_fits_is_an_error_and_not_a_loop(tmp_path: Path) -> None:
    class Wrong(Story):
        @step("first")
        async def first(self, name: str) -> int:  # type: ignore[override]
            return name  # type: ignore[return-value]

    await in_flight(tmp_path)
    async with an_engine(tmp_path, Wrong().old) as engine:
        assert await over(engine) is WorkflowState.FAILED


async def test_withdrawn_workflows_can_be_started_anew(tmp_path: Path) -> None:
    story = Story()
    async with an_engine(tmp_path, story.old) as engine:
        await engine.start("story", "s", "s")
        await story.waits.wait()
        await engine.withdraw(["s", "never was"])
        assert await engine.state("s") is WorkflowState.UNKNOWN
        story.hold.set()
        await engine.start("story", "s", "s")
        assert await over(engine) is WorkflowState.SUCCEEDED
    assert story.happened == ["first", "second", "first", "second", "waited"]


# ------------------------------------------------------------------------------------ what could not be written


def full(path: Path, *, on: bool) -> None:
    """The database refuses results of steps, as it does when the disk is full.

    By the engine's library: the closing of a second one's connection would take the locks of the first away.
    """
    with closing(library().connect(path)) as database:
        refuse = "create trigger full before insert on operation_outputs begin select raise(abort, 'disk full'); end"
        database.execute(refuse if on else "drop trigger full")
        database.commit()


async def test_what_could_not_be_written_is_played_again_when_there_is_room(tmp_path: Path) -> None:
    """And what catches all errors of the world is none the wiser."""
    story = Story()
    caught: list[Exception] = []

    async def catching(name: str) -> None:
        try:
            await story.old(name)
        except Exception as error:
            caught.append(error)

    async with an_engine(tmp_path, catching) as engine:
        await engine.start("story", "s", "s")
        await story.waits.wait()
        full(tmp_path / "engine.sqlite", on=True)
        story.hold.set()
        async with asyncio.timeout(30):
            while engine.playing:  # noqa: ASYNC110 - its task ends by itself
                await asyncio.sleep(0.01)
        assert await engine.state("s") is WorkflowState.ACTIVE
        full(tmp_path / "engine.sqlite", on=False)
        assert await engine.play_again() == [], "it may only be about to begin"
        assert await engine.play_again() == ["s"]
        assert await over(engine) is WorkflowState.SUCCEEDED
    assert story.happened == ["first", "second", "waited", "waited"]
    assert caught == []


async def test_what_is_played_is_not_played_again(tmp_path: Path) -> None:
    story = Story()
    async with an_engine(tmp_path, story.old) as engine:
        await engine.start("story", "s", "s")
        await story.waits.wait()
        assert [await engine.play_again() for _ in range(3)] == [[], [], []]


# --------------------------------------------------------------------------------------------------------- closing


async def test_what_is_being_done_gets_its_time_and_nothing_is_begun(tmp_path: Path) -> None:
    story = Story()

    async def then_more(name: str) -> None:
        await story.wait(name)
        await story.first(name)

    async with an_engine(tmp_path, then_more, grace=30) as engine:
        await engine.start("story", "s", "s")
        await story.waits.wait()
        asyncio.get_running_loop().call_later(0.2, story.hold.set)
    assert story.happened == ["waited"]

    async with an_engine(tmp_path, then_more) as engine:
        assert await over(engine) is WorkflowState.SUCCEEDED
    assert story.happened == ["waited", "first"]


async def test_who_waits_for_somebody_is_not_waited_for(tmp_path: Path) -> None:
    class Waiting(Story):
        @step("ask", patience=3600)
        async def ask(self, name: str) -> str:
            self.waits.set()
            raise Unavailable("later", retry_after=600)

    story = Waiting()
    async with an_engine(tmp_path, story.ask, grace=600) as engine:
        await engine.start("story", "s", "s")
        await story.waits.wait()
        async with asyncio.timeout(30):
            await engine.close()


async def test_only_the_write_is_repeated(tmp_path: Path) -> None:
    class Paying(Story):
        @step("pay")
        async def pay(self, name: str) -> str:
            self.happened.append("paid")

            async def write() -> None:
                self.happened.append("wrote")
                if self.happened.count("wrote") < 3:
                    raise Unavailable("the store is away", retry_after=0)

            await patiently(write, 60)
            return name

    story = Paying()
    async with an_engine(tmp_path, story.pay) as engine:
        await engine.start("story", "s", "s")
        assert await over(engine) is WorkflowState.SUCCEEDED
    assert story.happened == ["paid", "wrote", "wrote", "wrote"]


# ---------------------------------------------------------------------------------------------------------- errors


def all_errors() -> list[type[WorldError]]:
    """Of the whole program, adapters' own included."""
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(cls: type[WorldError]) -> list[type[WorldError]]:
        return [cls, *(found for sub in cls.__subclasses__() for found in below(sub))]

    return [cls for cls in below(WorldError) if cls.__module__.startswith("bot.")]


def test_a_replay_raises_what_the_first_life_raised() -> None:
    """Whatever adapters call their errors: the story takes the same branch."""
    found = all_errors()
    assert len(found) > 15
    serializer = JsonSerializer()
    for cls in found:
        error = cls.__new__(cls)
        error.args, error.remedy, error.dollars = ("it broke",), "Do that.", 0.25
        first = recordable(error)
        again = serializer.deserialize(serializer.serialize(first))
        assert type(again) is type(first), cls
        assert isinstance(error, type(first)), cls
        assert (str(again), vars(again)) == (str(first), vars(first)), cls
        assert first.__class__.__module__ == "bot.ports.errors", cls


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (Gone("x"), Gone),
        (FileNotFoundError(2, "no such file"), OSError),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "bad"), ValueError),
        (AssertionError("never"), StepFailed),
        (LookupError(), StepFailed),
    ],
)
def test_errors_that_are_nobodys(error: Exception, known: type[Exception]) -> None:
    first = recordable(error)
    serializer = JsonSerializer()
    assert type(first) is known
    assert type(serializer.deserialize(serializer.serialize(first))) is known
