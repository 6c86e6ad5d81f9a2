"""A setting that nobody reads is told, with the name that is read."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.operations.setting_names import RENAMED, Misnamed, misnamed
from bot.settings import Settings

KNOWN = [setting.metadata["name"] for setting in fields(Settings)]
OF_A_SHELL = ["HOME", "HOSTNAME", "LANG", "LOGNAME", "PATH", "PWD", "SHLVL", "TERM", "USER", "POSTGRES_PASSWORD"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([*KNOWN, *OF_A_SHELL], []),
        (OF_A_SHELL, []),
        (["MAX_DOLARS"], [Misnamed("MAX_DOLARS", "MAX_DOLLARS")]),
        (["MAX_DOLARS", "MAX_DOLLARS"], []),
        (["GITHUB_WEBHOOK_SECRETS"], [Misnamed("GITHUB_WEBHOOK_SECRETS", "GITHUB_WEBHOOK_SECRET")]),
        (["WORKERS_RUNS", "DATA_DIRS"], [Misnamed("DATA_DIRS", "DATA_DIR"), Misnamed("WORKERS_RUNS", "WORKER_RUNS")]),
        (["OLD_NAME", "MAX_DOLLARS"], [Misnamed("OLD_NAME", "NEW_NAME")]),
        (["OLD_NAME", "NEW_NAME"], [Misnamed("OLD_NAME", "NEW_NAME")]),
    ],
)
def test_what_is_nearly_a_setting_or_was_one(names: list[str], told: list[Misnamed]) -> None:
    assert list(misnamed(names, [*KNOWN, "NEW_NAME"], {"OLD_NAME": "NEW_NAME"})) == told


def test_new_names_are_settings_and_old_ones_are_not() -> None:
    assert set(RENAMED.values()) <= set(KNOWN)
    assert not RENAMED.keys() & set(KNOWN)


@given(st.lists(st.text(max_size=80), max_size=20))
def test_anything_may_be_in_the_environment(names: list[str]) -> None:
    assert all(each.name in names and each.meant in KNOWN for each in misnamed(names, KNOWN))
