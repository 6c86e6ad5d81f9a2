"""`deploy/up`: a deployment comes up from nothing, is upgraded under load, and goes back when the new one fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from tests.stories.upgrading import Load, a_site, copy_of_this
from tests.stories.world import FILES, MAINTAINER, SOON


@pytest.mark.needs("caddy")
async def test_an_upgrade_under_load_loses_no_delivery_and_one_that_fails_is_taken_back(
    tmp_path: Path, postgres_url: str
) -> None:
    async with a_site(tmp_path, postgres_url) as site:
        repo = site.github.repository("octo/greet", files=FILES, by=MAINTAINER)
        repo.grant(MAINTAINER, "write")
        code, said = await site.up(copy_of_this(tmp_path / "first", version="1"))
        assert code == 0, said
        first, pids = site.release(), site.pids()
        assert set(pids) == {"web-1", "web-2", "worker-1"}

        load, stop = Load(site.url, site.ca), asyncio.Event()
        sending = asyncio.create_task(load.send(stop))
        issue = await repo.open_issue("No name, no greeting", "It should greet the world.", by="sam")
        await issue.label("solve-me", by=MAINTAINER)
        code, said = await site.up(copy_of_this(tmp_path / "second", version="2"))
        assert code == 0, said
        second = site.release()
        assert second != first
        assert not set(site.pids().values()) & set(pids.values())

        broken = copy_of_this(tmp_path / "third", version="3")
        health = broken / "bot/web/health.py"
        health.write_text(health.read_text().replace("/healthz", "/gone"))
        code, said = await site.up(broken)
        assert (code, site.release()) == (1, second), said
        assert "What ran before runs again" in said
        await site.github.wait_for(lambda: repo.pulls, SOON)
        stop.set()
        await sending
        assert load.refused == []
        with psycopg.connect(postgres_url) as database:
            kept = {guid for (guid,) in database.execute("select guid from deliveries").fetchall()}
        assert set(load.sent) <= kept
