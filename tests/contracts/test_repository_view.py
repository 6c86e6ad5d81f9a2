"""A repository through the API and on its page: record, environment, and the configuration with its mistakes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.model import Fate, KnownEnvironment, Toolchain
from tests.browser import Browser
from tests.contracts.api_world import PRIVATE, ApiWorld, api_world
from tests.contracts.pages_world import PagesWorld, pages_world
from tests.contracts.test_store import SPEC

PLAN = Toolchain(("pip install .",), "pytest -q", "detected: pyproject.toml with pytest", "python", ("ruff check",))
BROKEN = "attempts: 99\nmodel: [sonnet]\n"


@pytest.fixture
async def api(tmp_path: Path, sqlite_url: str) -> AsyncIterator[ApiWorld]:
    async with api_world(tmp_path, sqlite_url) as world:
        await world.store.became(PRIVATE, Fate.MERGED, world.time.now())
        await world.store.keep_environment(KnownEnvironment(world.private.id, "k", PLAN, world.time.now()))
        yield world


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[PagesWorld]:
    async with pages_world(tmp_path, sqlite_url) as world:
        await world.store.became(PRIVATE, Fate.MERGED, world.time.now())
        yield world


async def test_all_about_a_repository(api: ApiWorld) -> None:
    found = (await api.as_("rita", f"/repositories/{api.private.id}")).json()
    assert found["summary"]["repo"]["name"] == "octo/secret"
    assert (found["summary"]["merged"], found["dollars_per_merge"]) == (1, 0.359375)
    assert [week["merged"] for week in found["record"]["weeks"] if week["solves"]] == [1]
    assert [model["model"] for model in found["record"]["models"]] == ["sonnet"]
    assert (found["plan"]["test"], found["plan"]["setup"]) == ("pytest -q", ["pip install ."])
    assert (found["configuration"]["is_there"], found["configuration"]["says"]["labels"]) == (False, ["solve-me"])


async def test_mistakes_in_its_configuration(api: ApiWorld) -> None:
    await api.private.commit("main", {".github/solvebot.yml": BROKEN}, "Mistakes")
    told = (await api.as_("rita", f"/repositories/{api.private.id}")).json()["configuration"]
    assert (told["path"], told["is_there"], told["says"]) == (".github/solvebot.yml", True, None)
    assert [mistake["line"] for mistake in told["mistakes"]] == [1, 2]


@pytest.mark.parametrize("id", ["0", "-1", "x", "9007199254740993"])
async def test_what_is_no_id(api: ApiWorld, id: str) -> None:
    assert (await api.as_("rita", f"/repositories/{id}")).status_code == 422


async def test_what_is_not_there_is_answered_as_what_may_not_be_seen(api: ApiWorld) -> None:
    nothing, hidden = await api.as_("sam", "/repositories/12"), await api.as_("sam", f"/repositories/{api.private.id}")
    assert (nothing.status_code, nothing.json()) == (404, hidden.json())


async def test_an_estimate_goes_by_runs_that_the_person_may_read(api: ApiWorld) -> None:
    await api.store.save_model(SPEC)
    path = f"/repositories/{api.private.id}/estimate?models=sonnet&attempts=2&budget=1"
    found = (await api.as_("rita", path)).json()
    assert (found["attempts"], found["known"], found["dollars_to"], found["most_dollars"]) == (2, 2, 0.25, 1.0)
    public = f"/repositories/{api.public.id}/estimate?models=sonnet"
    assert ((await api.as_("rita", public)).json()["known"], (await api.as_("sam", public)).json()["known"]) == (2, 0)
    wrong = await api.as_("rita", f"/repositories/{api.private.id}/estimate?models=nothing")
    assert (wrong.status_code, wrong.json()["title"]) == (422, "An option is wrong")


async def test_its_page_has_charts_with_tables_behind_them(world: PagesWorld) -> None:
    await world.store.keep_environment(KnownEnvironment(world.private.id, "k", PLAN, world.time.now()))
    await world.private.commit("main", {".github/solvebot.yml": BROKEN}, "Mistakes")
    async with Browser() as browser:
        text = (await world.enter(browser, "rita", "/repositories/octo/secret")).text
    assert (text.count("<svg"), text.count("<table")) == (2, 3)  # one for the weeks, one for the model; and its solves
    for words in ("$0.359", "for each merged pull request", "pytest -q", "line 1", "line 2"):
        assert words in text, words


async def test_the_page_of_one_without_solves_says_what_to_do(world: PagesWorld) -> None:
    quiet = world.github.repository("octo/quiet", files={"a.txt": "a"})
    await world.store.repository_seen(world.repo(quiet))
    async with Browser() as browser:
        text = (await world.enter(browser, "rita", "/repositories/octo/quiet")).text
    assert "Nothing has been solved here yet" in text
    assert "<svg" not in text
    assert "Not known yet" in text
    assert "There is no file" in text
