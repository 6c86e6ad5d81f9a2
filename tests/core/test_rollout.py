"""Who is replaced when, on which ports, and whether there is a way back."""

from __future__ import annotations

import pytest

from bot.core.operations.rollout import Member, Role, WayBack, members, superfluous, way_back


def test_receivers_are_replaced_first_and_no_two_processes_share_a_port() -> None:
    found = members(2, 2, 8000)
    assert found == (
        Member(Role.WEB, 1, 8000, 8001),
        Member(Role.WEB, 2, 8010, 8011),
        Member(Role.WORKER, 1, 0, 8021),
        Member(Role.WORKER, 2, 0, 8031),
    )
    assert [each.name for each in found] == ["web-1", "web-2", "worker-1", "worker-2"]


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [("0007", "0007", WayBack.RELEASE), ("0007", "0013", WayBack.BY_HAND), (None, "0013", WayBack.NONE)],
)
def test_an_older_release_does_not_start_on_a_newer_database(before: str | None, after: str, way: WayBack) -> None:
    assert way_back(before, after) is way


@pytest.mark.parametrize(
    ("releases", "current", "gone"),
    [
        ([], "", []),
        (["1", "2", "3", "4", "5"], "5", []),
        (["7", "1", "6", "2", "5", "3", "4"], "7", ["1", "2"]),
        (["1", "2", "3", "4", "5", "6"], "1", []),
    ],
)
def test_the_newest_releases_stay_and_the_one_that_runs(releases: list[str], current: str, gone: list[str]) -> None:
    assert superfluous(releases, current) == gone
