"""People sign in with GitHub and watch a solve; whoever may not read the repository sees nothing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser import Browser
from tests.stories.site import Site, a_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, private=True) as site:
        yield site


async def test_a_solve_of_a_private_repository_is_seen_by_those_who_may_read_it(site: Site) -> None:
    _, pull, facts = await site.world.published()
    path = f"/solves/{facts.id}"
    async with Browser() as browser:
        asked = await browser.get(f"{site.url}{path}")
        assert f"/sign-in?to={path}" in asked.links
        assert "greeting" not in asked.text
        page = await site.enter(browser, "ann", path)
        assert page.url == f"{site.url}{path}"
        assert page.status == 200
        assert "No name, no greeting" in page.text
        assert f"Pull request #{pull.number}" in page.text or f"Draft pull request #{pull.number}" in page.text
        assert "fixer" in page.text
        run = await browser.get(f"{site.url}{path}/runs/A")
        assert run.status == 200
        assert "greet.sh" in run.text
        assert "No name, no greeting" in (await browser.get(f"{site.url}/")).text
    async with Browser() as browser:
        hidden = await site.enter(browser, "mallory", path)
        nothing = await browser.get(f"{site.url}/solves/s-1-1-nothing")
        assert (hidden.status, hidden.text) == (404, nothing.text)
        assert (await browser.get(f"{site.url}{path}/runs/A")).status == 404
        assert "No name, no greeting" not in (await browser.get(f"{site.url}/")).text
