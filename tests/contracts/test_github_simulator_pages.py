"""The GitHub simulator makes an App of a manifest as GitHub does: a form, a person's click, a code that works once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.trigger.app_manifest import Wish, filled_in
from tests.browser import Browser, Page
from tests.contracts.github_visitor import Visitor, visiting

MANIFEST = (Path(__file__).parent.parent.parent / "bot" / "app.yml").read_text()
BACK = "http://127.0.0.1:9/registered"
GOOD = json.loads(filled_in(MANIFEST, Wish("greeter", address="https://bot.octo.dev"), BACK))


@pytest.fixture
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    async with visiting(tmp_path) as visitor:
        yield visitor
    assert visitor.github.errors == []


async def sent(browser: Browser, visitor: Visitor, manifest: dict[str, Any], owner: str = "") -> Page:
    path = f"/organizations/{owner}/settings/apps/new" if owner else "/settings/apps/new"
    return await browser.post(f"{visitor.github.url}{path}?state=abc", {"manifest": json.dumps(manifest)})


@pytest.mark.parametrize("owner", ["", "octo"])
async def test_an_app_is_made_once_and_its_code_is_good_once(visitor: Visitor, owner: str) -> None:
    async with Browser() as browser:
        page = await sent(browser, visitor, GOOD, owner)
        assert f"Create GitHub App for {owner or 'octocat'}" in page.text
        back = await browser.press(page)
        assert back.redirected_to.startswith(f"{BACK}?code=")
        assert back.redirected_to.endswith("&state=abc")
    code = back.redirected_to.partition("code=")[2].partition("&")[0]
    made = await visitor.call("POST", f"/app-manifests/{code}/conversions", token="")
    assert made.status == 201
    assert made.body["slug"] == "greeter"
    assert made.body["owner"]["login"] == (owner or "octocat")
    assert made.body["permissions"] == GOOD["default_permissions"]
    assert {"pem", "webhook_secret", "client_id", "client_secret"} <= made.body.keys()
    again = await visitor.call("POST", f"/app-manifests/{code}/conversions", token="")
    assert again.status == 404


async def test_a_code_is_good_for_an_hour(visitor: Visitor) -> None:
    async with Browser() as browser:
        back = await browser.press(await sent(browser, visitor, GOOD))
    code = back.redirected_to.partition("code=")[2].partition("&")[0]
    visitor.clock.goes_on(hours=1, seconds=1)
    assert (await visitor.call("POST", f"/app-manifests/{code}/conversions", token="")).status == 404


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (without("url"), "wasn&#x27;t supplied"),
        (without("redirect_url"), "wasn&#x27;t supplied"),
        ({**GOOD, "hook_attributes": {"active": False}}, "wasn&#x27;t supplied"),
        ({**GOOD, "hook_attributes": {"url": "http://localhost:8000/webhook"}}, "over the public Internet"),
        ({**GOOD, "hook_attributes": {"url": "http://127.0.0.1/webhook"}}, "over the public Internet"),
        ({**GOOD, "default_events": ["installation"]}, "Default events unsupported: installation"),
        ({**GOOD, "default_permissions": {"metadata": "read"}}, "not supported by permissions: issues"),
        ({**GOOD, "default_permissions": {"everything": "write"}}, "not included in the list: everything"),
        ({**GOOD, "name": "s" * 35}, "too long"),
        ({**GOOD, "webhook_secret": "of ours"}, "not a permitted key"),
    ],
)
async def test_a_wrong_manifest_is_refused(visitor: Visitor, manifest: dict[str, Any], words: str) -> None:
    async with Browser() as browser:
        page = await sent(browser, visitor, manifest)
    assert (page.status, words in page.text) == (422, True), page.text


async def test_a_new_app_is_installed_nowhere_until_somebody_does_it(visitor: Visitor) -> None:
    async with Browser() as browser:
        await browser.press(await sent(browser, visitor, GOOD))
        assert visitor.github.stage.state.installations == {}
        page = await browser.get(f"{visitor.github.url}/apps/greeter/installations/new")
        assert "was installed on octocat" in (await browser.press(page)).text
    [installation] = visitor.github.stage.state.installations.values()
    assert installation.permissions == GOOD["default_permissions"]
