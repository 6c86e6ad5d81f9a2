"""What is on record about an execution, and what a crash makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.ports import Finished
from bot.sandbox.local.execution_record import Executions

DONE = Finished(exit_code=3, output="said\n", seconds=0.5)


def test_the_first_may_go_ahead_and_the_second_gets_its_result(tmp_path: Path) -> None:
    assert Executions(tmp_path).begin("a") is None
    Executions(tmp_path).end("a", DONE)
    assert Executions(tmp_path).begin("a") == DONE
    assert Executions(tmp_path).begin("b") is None


def test_what_our_crash_cut_off_is_not_run_again(tmp_path: Path) -> None:
    Executions(tmp_path).begin("a")
    again = Executions(tmp_path).begin("a")
    assert again is not None
    assert again.interrupted


@pytest.mark.parametrize("damage", [lambda record: record[: len(record) // 2], lambda record: b"\0" * len(record)])
def test_an_end_that_did_not_get_to_the_disk_was_never_reached(tmp_path: Path, damage: object) -> None:
    Executions(tmp_path).begin("a")
    Executions(tmp_path).end("a", DONE)
    [record] = tmp_path.iterdir()
    assert callable(damage)
    record.write_bytes(damage(record.read_bytes()))
    again = Executions(tmp_path).begin("a")
    assert again is not None
    assert again.interrupted
