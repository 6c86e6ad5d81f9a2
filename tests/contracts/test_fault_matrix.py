"""Everything that is asked of lent sandboxes, beside everything that goes wrong at the service, and what comes of it.

What is promised, whatever is asked:
- What goes wrong once is never seen by who asked.
- What goes wrong for ever becomes one error of the port, after a bounded number of attempts.
- It is done once or not at all, and can be asked for again.
- Nothing is left that nobody holds, once `tend` has been there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass

import pytest
import pytest_asyncio
from _pytest.mark.structures import ParameterSet

from bot.core.model import SandboxId
from bot.core.resilience.sandbox_retry import MOST_ATTEMPTS
from bot.ports import Crowded, Denied, Sandboxes, SandboxLost, SandboxUnusable, Unavailable
from bot.simulators.e2b.faults import (
    CUT_AT_START,
    CUT_IN_OUTPUT,
    DROP_AFTER,
    DROP_BEFORE,
    HANG,
    SILENT,
    VANISH,
    ZOMBIE,
    Failure,
    Fault,
    answer,
    html,
    slow,
)
from tests.contracts.fault_bench import PREPARED, Bench, Time, fault_bench
from tests.contracts.fault_deeds import COMMANDS, EVERYTHING, FILES, LIFE, SNAPSHOTS, SOON, Comes, Deed, Scene, content

pytestmark = [pytest.mark.namespaces, pytest.mark.asyncio(loop_scope="class")]

HURRY = 0.2  # seconds until a request is given up, where the service keeps silent


@dataclass(frozen=True, slots=True)
class Mishap:
    """What goes wrong, and what comes of it when it does so once and whenever it is asked."""

    failure: Failure
    once: Comes = Comes.RIGHT
    always: Comes = Comes.AWAY
    only: frozenset[str] = frozenset()  # requests that it may happen to; none: all
    silent: bool = False  # no answer comes, so somebody has to lose patience


_LATE = slow(600)  # seconds; for ever it is the same as hanging


def of(*requests: str) -> frozenset[str]:
    return frozenset(requests)


_COMMAND = of("connect", "start")
_INSIDE = of("connect", "start", "files_write", "files_read", "network", "snapshot", "timeout", "kill")

MISHAPS = {
    # what goes wrong: once, and for ever
    "503": Mishap(answer(503), Comes.RIGHT, Comes.AWAY),
    "500": Mishap(answer(500), Comes.RIGHT, Comes.AWAY),
    "500 as HTML": Mishap(html(500), Comes.RIGHT, Comes.AWAY),
    "429": Mishap(answer(429), Comes.RIGHT, Comes.CROWDED),
    "429, come back": Mishap(answer(429, retry_after="2"), Comes.RIGHT, Comes.CROWDED),
    "401": Mishap(answer(401), Comes.DENIED, Comes.DENIED),
    "403": Mishap(answer(403), Comes.DENIED, Comes.DENIED),
    "dropped before": Mishap(DROP_BEFORE, Comes.RIGHT, Comes.AWAY),
    "dropped after": Mishap(DROP_AFTER, Comes.RIGHT, Comes.AWAY),
    "too late": Mishap(_LATE, Comes.RIGHT, Comes.AWAY, silent=True),
    "hangs": Mishap(HANG, Comes.RIGHT, Comes.AWAY, silent=True),
    "cut at start": Mishap(CUT_AT_START, Comes.RIGHT, Comes.AWAY, of("start")),
    "cut in output": Mishap(CUT_IN_OUTPUT, Comes.RIGHT, Comes.AWAY, of("start")),
    "vanishes": Mishap(VANISH, Comes.LOST, Comes.LOST, _INSIDE),
    "zombie": Mishap(ZOMBIE, Comes.RIGHT, Comes.AWAY, of("create")),
    "silent zombie": Mishap(SILENT, Comes.RIGHT, Comes.AWAY, of("create"), silent=True),
}


# ---------------------------------------------------------------------------------------------------------- the matrix


def can_happen(deed: Deed, request: str, mishap: Mishap, *, always: bool) -> bool:
    if mishap.only and request not in mishap.only:
        return False
    if mishap.failure is CUT_IN_OUTPUT and deed.mute:
        return False
    # What is an answer at the first attempt is not asked again, unless there are more rounds.
    return not always or (mishap.failure is not _LATE and (mishap.once is Comes.RIGHT or deed.rounds > 1))


def squares(deeds: Mapping[str, Deed]) -> list[ParameterSet]:
    return [
        pytest.param(deed, request, mishap, always, id=f"{name}: {request} {what} {'for ever' if always else 'once'}")
        for name, deed in deeds.items()
        for request in deed.requests
        for what, mishap in MISHAPS.items()
        for always in (False, True)
        if can_happen(deed, request, mishap, always=always)
    ]


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def bench() -> AsyncIterator[Bench]:
    async with fault_bench() as bench:
        yield bench


async def outcome(asked: Awaitable[object]) -> tuple[Comes, object]:
    """Any other error is none that was promised, and fails the test."""
    try:
        return Comes.RIGHT, await asked
    except Crowded:
        return Comes.CROWDED, None
    except Unavailable:
        return Comes.AWAY, None
    except Denied:
        return Comes.DENIED, None
    except SandboxUnusable:
        return Comes.UNUSABLE, None
    except SandboxLost:
        return Comes.LOST, None


def promised(deed: Deed, request: str, mishap: Mishap, *, always: bool) -> Comes:
    if always and deed.replaces and mishap.failure is VANISH:
        return Comes.AWAY
    comes = mishap.always if always else mishap.once
    is_busy = request == "connect" and mishap.failure == answer(503)  # which the service says of itself
    if always and comes is Comes.AWAY and request in _COMMAND and not deed.replaces and not is_busy:
        return Comes.LOST  # all else answers, so it is the machine
    return deed.instead.get(comes, comes)


async def meet(bench: Bench, deed: Deed, request: str, mishap: Mishap, *, always: bool) -> None:
    scene = Scene(bench, await deed.prepare(bench), bench.name())
    time = Time()
    worker = bench.worker(time, patience=HURRY if mishap.silent else 30.0)
    if "timeout" in deed.requests:
        await time.sleep(1200)  # so that leases have to be extended
    expected = promised(deed, request, mishap, always=always)
    bench.service.journal.clear()
    fault = bench.service.faults.add(request, mishap.failure, times=None if always else 1)
    came, answer = await outcome(deed.do(scene, worker))
    await bench.heal(fault)
    assert came is {Comes.LATER: Comes.RIGHT}.get(expected, expected)
    if came is Comes.RIGHT and expected is not Comes.LATER:
        assert answer == deed.answer
    _is_bounded(deed, fault, mishap, expected, always=always)
    await _can_be_asked_again(deed, scene, expected)
    if expected is Comes.LATER:
        await bench.calm.tend()
    assert await bench.left_over() == set()
    if expected in (Comes.RIGHT, Comes.LATER):
        assert await deed.see(scene) == deed.seen
    await _tidy(scene)


def _is_bounded(deed: Deed, fault: Fault, mishap: Mishap, expected: Comes, *, always: bool) -> None:
    is_an_answer = expected in (Comes.DENIED, Comes.UNUSABLE) or mishap.once is Comes.LOST
    attempts = 1 if is_an_answer else MOST_ATTEMPTS
    assert 1 <= fault.hits <= (attempts * deed.rounds if always else 1)


async def _can_be_asked_again(deed: Deed, scene: Scene, expected: Comes) -> None:
    if expected in (Comes.RIGHT, Comes.LATER, Comes.LOST):
        return
    assert await deed.do(scene, scene.bench.calm) == deed.answer
    assert await deed.see(scene) in (deed.seen, deed.twice)


async def _tidy(scene: Scene) -> None:
    await scene.bench.calm.drop_snapshot(scene.snapshot)
    await scene.bench.calm.close(scene.new)
    if scene.id != await scene.bench.sandbox():
        await scene.bench.calm.close(scene.id)


def _silently(deed: Deed) -> float:
    """Patience where the service does not even take connections."""
    return 2 * HURRY if deed.replaces else HURRY


async def meet_outage(bench: Bench, deed: Deed, *, refuse: bool, always: bool) -> None:
    """From the first request on, everything fails: until somebody pauses, or for ever."""
    scene = Scene(bench, await deed.prepare(bench), bench.name())
    time = Time()
    if "timeout" in deed.requests:
        await time.sleep(1200)
    worker = bench.worker(time, patience=_silently(deed) if refuse else 30.0)
    await bench.service.down(refuse=refuse)
    if not always:
        time.when_asleep = bench.service.up
    expected = deed.instead.get(Comes.AWAY, Comes.AWAY) if always else Comes.RIGHT
    came, answer = await outcome(deed.do(scene, worker))
    await bench.heal(None)
    assert came is {Comes.LATER: Comes.RIGHT}.get(expected, expected)
    assert len(time.slept) <= 2 * MOST_ATTEMPTS  # of what was asked, and of whether anything answers
    if came is Comes.RIGHT and expected is not Comes.LATER:
        assert answer == deed.answer
    await _can_be_asked_again(deed, scene, expected)
    if expected is Comes.LATER:
        await bench.calm.tend()
    assert await bench.left_over() == set()
    await _tidy(scene)


OUTAGES = pytest.mark.parametrize(
    ("refuse", "always"),
    [(False, False), (False, True), (True, False), (True, True)],
    ids=["503 until a pause", "503 for ever", "refused until a pause", "refused for ever"],
)


class TestOutage:
    @OUTAGES
    @pytest.mark.parametrize("deed", [pytest.param(deed, id=name) for name, deed in EVERYTHING.items()])
    async def test_square(self, bench: Bench, deed: Deed, refuse: bool, always: bool) -> None:
        await meet_outage(bench, deed, refuse=refuse, always=always)

    async def test_what_is_known_without_asking(self, bench: Bench) -> None:
        id, boxes = await bench.sandbox(), bench.worker(Time())
        await bench.service.down(refuse=True)
        bench.service.journal.clear()
        assert await boxes.exists(id)
        assert not await boxes.exists(SandboxId("nobody"))
        assert id in await boxes.living()
        assert await boxes.snapshots() == [PREPARED]
        await bench.heal(None)


class TestLife:
    @pytest.mark.parametrize(("deed", "request_", "mishap", "always"), squares(LIFE))
    async def test_square(self, bench: Bench, deed: Deed, request_: str, mishap: Mishap, always: bool) -> None:
        await meet(bench, deed, request_, mishap, always=always)


class TestFiles:
    @pytest.mark.parametrize(("deed", "request_", "mishap", "always"), squares(FILES))
    async def test_square(self, bench: Bench, deed: Deed, request_: str, mishap: Mishap, always: bool) -> None:
        await meet(bench, deed, request_, mishap, always=always)


class TestCommands:
    @pytest.mark.parametrize(("deed", "request_", "mishap", "always"), squares(COMMANDS))
    async def test_square(self, bench: Bench, deed: Deed, request_: str, mishap: Mishap, always: bool) -> None:
        await meet(bench, deed, request_, mishap, always=always)


class TestSnapshots:
    @pytest.mark.parametrize(("deed", "request_", "mishap", "always"), squares(SNAPSHOTS))
    async def test_square(self, bench: Bench, deed: Deed, request_: str, mishap: Mishap, always: bool) -> None:
        await meet(bench, deed, request_, mishap, always=always)


class TestNetwork:
    async def test_a_network_that_cannot_be_closed_is_closed_before_the_next_command(self, bench: Bench) -> None:
        """The service goes away while set-up runs: what it did is kept, and nothing runs with the network open."""
        scene = Scene(bench, await bench.another_sandbox(), bench.name())
        boxes = bench.worker(Time())
        command = f"echo x >>{scene.mark}; until [ -e go ]; do :; done; echo said"

        async def set_up(boxes: Sandboxes) -> str:
            done = await boxes.run(scene.id, command, timeout=SOON, once="set-up", network=["packages.example"])
            return done.output

        running = asyncio.create_task(set_up(boxes))
        while await content(scene) is None:
            pass
        fault = bench.service.faults.add("network", answer(503), times=None)
        await bench.calm.write(scene.id, {"go": (b"", "100644")})
        assert await outcome(running) == (Comes.AWAY, None)
        assert fault.hits == MOST_ATTEMPTS
        with pytest.raises(Unavailable):
            await bench.worker(Time()).run(scene.id, "echo never >>never", timeout=SOON)
        await bench.heal(fault)
        bench.service.journal.clear()
        assert (await bench.calm.run(scene.id, "cat never", timeout=SOON)).exit_code == 1
        assert [entry.operation for entry in bench.service.journal] == ["network", "start", "start"]
        assert await set_up(bench.calm) == "said\n"
        assert await content(scene) == b"x\n"
        await _tidy(scene)

    @pytest.mark.parametrize("failure", [answer(503), answer(401), VANISH], ids=["503", "401", "vanishes"])
    @pytest.mark.parametrize("network", [[], ["packages.example"]], ids=["none", "some"])
    async def test_who_is_cancelled_is_cancelled_whatever_the_service_says(
        self, bench: Bench, failure: Failure, network: list[str]
    ) -> None:
        scene = Scene(bench, await bench.another_sandbox(), bench.name())
        boxes = bench.worker(Time())
        running = asyncio.create_task(
            boxes.run(scene.id, f"echo x >>{scene.mark}; sleep 600", timeout=SOON, network=network)
        )
        while await content(scene) is None:
            pass
        fault = bench.service.faults.add("start", failure, times=None)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await bench.heal(fault)
        await bench.calm.close(scene.id)
        assert await bench.left_over() == set()
