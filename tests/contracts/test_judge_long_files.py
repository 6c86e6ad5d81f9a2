"""Test files of many tests: what is asked again is asked of single tests, and nobody passes for it who should not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.core.model import Baseline
from bot.core.render import failure_reasons
from bot.sandbox.local.process import ProcessOptions
from tests.contracts.court import AMOUNTS, BASE, FIXED, OWN_TEST, TESTS, Court, Ground, a_ground, prepare
from tests.contracts.local_sandboxes import Recorded

MANY = "".join(f"\n\ndef test_number_{number}():\n    assert parse('{number}') == {number}\n" for number in range(20))
LONG = TESTS + MANY
PASSES_ALL = """
try:
    from _pytest.reports import TestReport as _Report
except ImportError:
    pass
else:
    _told = _Report.from_item_and_call.__func__

    def _forged(cls, item, call):
        report = _told(cls, item, call)
        if report.failed:
            report.outcome, report.longrepr = "passed", None
        return report

    _Report.from_item_and_call = classmethod(_forged)
"""


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with a_ground({**BASE, "tests/test_amounts.py": LONG}) as found:
        yield found


@pytest.fixture(scope="module")
def baselines(ground: Ground) -> dict[str, Baseline]:
    return {}


@pytest.fixture
async def sandboxes(ground: Ground) -> AsyncIterator[Recorded]:
    recorded = Recorded(ProcessOptions(ground.directory / "process"))
    yield recorded
    assert await recorded.living() == []


@pytest.fixture
async def court(ground: Ground, sandboxes: Recorded, baselines: dict[str, Baseline], tmp_path: Path) -> Court:
    return Court(ground, sandboxes, await prepare(ground, sandboxes, "process", baselines), tmp_path)


async def test_the_canary_is_asked_for_by_its_own_tests_alone(court: Court) -> None:
    """Of 23 tests in its file eight are made to fail."""
    found = court.baseline
    assert len(found.canary_fails) == 8
    assert found.canary_tests == found.canary_fails
    assert found.canary_alone.count("::") == 8


async def test_a_repair_is_judged_as_ever_and_its_test_is_repeated_alone(court: Court, sandboxes: Recorded) -> None:
    sandboxes.commands.clear()
    evidence = await court.judge({"shop/amounts.py": FIXED, "tests/test_amounts.py": LONG + OWN_TEST})
    assert (evidence.stable_passed, evidence.stable_total, evidence.problem) == (23, 23, "")
    assert evidence.own_tests_flip
    alone = [each for each in sandboxes.commands if "./tests/test_amounts.py::test_parse_with_separators" in each]
    assert len(alone) == 2  # without the change and with it


@pytest.mark.parametrize("changed", [AMOUNTS.replace("int(text)", "int(text) + 1"), FIXED], ids=["breaks", "repairs"])
async def test_who_turns_failures_into_passes_is_found(court: Court, changed: str) -> None:
    evidence = await court.judge({"shop/amounts.py": changed + PASSES_ALL})
    assert (evidence.stable_passed, evidence.problem) == (0, failure_reasons.FORGED)


async def test_what_breaks_one_test_breaks_one(court: Court) -> None:
    seven = "if text == '7':\n        return 8\n    return int(text)"
    evidence = await court.judge({"shop/amounts.py": AMOUNTS.replace("return int(text)", seven)})
    assert evidence.regressions == ("tests.test_amounts::test_number_7",)
