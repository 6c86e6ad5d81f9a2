"""DATA_DIR is of one database alone, and so are the two SQLite files in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import running
from bot.data_directory import claim, prepare
from bot.engine import EngineError
from bot.engine.sqlite import open_sqlite
from bot.ports import HostBroken
from bot.simulators.github import GitHubSimulator
from bot.simulators.model import ModelSimulator
from tests.stories.world import KEY, settings_for


def test_another_database_is_refused(tmp_path: Path) -> None:
    claim(tmp_path, "production00")
    claim(tmp_path, "production00")
    with pytest.raises(HostBroken, match="belongs to the database production00") as refused:
        claim(tmp_path, "staging00000")
    assert str(tmp_path / "instance") in refused.value.remedy


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    """As root nothing is read-only, so a file stands in the way."""
    (tmp_path / "file").write_text("")
    with pytest.raises(HostBroken, match=r"DATA_DIR .* cannot be written: Not a directory") as refused:
        prepare(tmp_path / "file" / "data")
    assert "Give it to the user" in refused.value.remedy


def test_the_engines_file_belongs_to_one_database(tmp_path: Path) -> None:
    path = str(tmp_path / "engine.sqlite")
    for instance in ("production00", "production00", ""):
        engine, lock = open_sqlite(path, instance)
        engine.dispose()
        lock.close()
    with pytest.raises(EngineError, match="restore both from the same backup"):
        open_sqlite(path, "staging00000")
    engine, lock = open_sqlite(path, "production00")
    engine.dispose()
    lock.close()


async def test_nothing_is_begun_in_anothers_directory(tmp_path: Path) -> None:
    github = GitHubSimulator(tmp_path, webhook_secret="secret", private_key_pem=KEY)
    settings = settings_for(tmp_path, github, ModelSimulator())
    prepare(settings.data)
    claim(settings.data, "production00")
    with pytest.raises(HostBroken, match="belongs to the database production00"):
        async with running(settings):
            pytest.fail("it runs")
    assert not (settings.data / "sandboxes").exists()
