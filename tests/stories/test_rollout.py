"""`deploy/up`: a deployment comes up from nothing, is upgraded under load, and goes back when the new one fails."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from bot.core.operations.rollout import members
from bot.ports import HostBroken
from bot.rollout.processes import Processes
from bot.rollout.releases import Release
from tests.stories.test_check import free_port
from tests.stories.upgrading import ROOT, Load, a_site, caddy, copy_of_this, free_ports
from tests.stories.world import FILES, KEY, MAINTAINER, SECRET, SOON


@pytest.mark.needs("caddy")
async def test_receivers_are_replaced_one_by_one_behind_the_proxy_and_no_delivery_is_refused(tmp_path: Path) -> None:
    port, tls, root = free_ports(), free_port(), tmp_path / "site"
    root.mkdir()
    env = {
        "PATH": os.environ["PATH"], "PORT": str(port), "DATA_DIR": str(tmp_path / "data"), "MODEL_API_KEY": "unused",
        "GITHUB_APP_ID": "1", "GITHUB_PRIVATE_KEY": KEY, "GITHUB_WEBHOOK_SECRET": SECRET,
    }  # fmt: skip
    release, processes, receivers = Release(ROOT), Processes(root, env), members(2, 0, port)
    try:
        for each in receivers:
            processes.start(each, release)
            await processes.ready(each)
        async with caddy(tmp_path / "caddy", tls, port) as ca:
            load, stop = Load(f"https://localhost:{tls}", ca), asyncio.Event()
            sending = asyncio.create_task(load.send(stop))
            for each in receivers:
                await processes.stop(each)
                processes.start(each, release)
                await processes.ready(each)
            stop.set()
            await sending
    finally:
        for each in receivers:
            await processes.stop(each)
    assert load.refused == []
    with closing(sqlite3.connect(tmp_path / "data/solvebot.sqlite")) as database:
        kept = {guid for (guid,) in database.execute("select guid from deliveries").fetchall()}
    assert set(load.sent) <= kept


async def test_what_ends_by_itself_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    [receiver] = members(1, 0, free_ports())
    processes = Processes(tmp_path, {"PATH": os.environ["PATH"]})
    processes.start(receiver, Release(ROOT))
    with pytest.raises(HostBroken, match=r"web-1 ended by itself: .*MODEL_API_KEY is missing"):
        await processes.ready(receiver)
    assert not processes.runs(receiver)


@pytest.mark.long
@pytest.mark.timeout(1800)
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
