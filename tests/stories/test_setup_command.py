"""`solvebot setup`: from an empty directory to an installed App, by the pages that a person sees."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

import pytest
from dotenv import dotenv_values
from starlette.types import Receive, Scope, Send

from bot.core.trigger.app_manifest import NOWHERE
from bot.onboarding.door import Door
from bot.onboarding.pages import Pages
from bot.onboarding.settings_file import SettingsFile
from bot.onboarding.steps import Steps
from bot.simulators.github import GitHubSimulator, generate_key
from bot.simulators.model import ModelSimulator
from bot.simulators.serving import serving
from tests.browser import Browser, Page
from tests.stories.shell import Command, a_shell
from tests.stories.world import FIXES, KEY, SECRET, SOON

APP = ("GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET", "MODEL_API_KEY")


async def address_told(process: Command) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(SOON):
        while line := await process.stdout.readline():
            if found := re.search(rb"http://127\.0\.0\.1:\d+/\?token=\S+", line):
                return found[0].decode()
    raise AssertionError("no address")


async def at_github(browser: Browser, page: Page) -> Page:
    """The form that sends itself, and the button there: where the App can be installed."""
    back = await browser.follow(await browser.press(await browser.press(page)))
    return await browser.follow(back) if back.redirected_to else back


async def install(browser: Browser, page: Page) -> None:
    await browser.press(await browser.get(page.links[0]))


async def test_from_an_empty_directory_to_an_app_that_is_installed(tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, models, github):
        for name in APP:
            del solvebot.env[name]
        process = await solvebot.start("setup", "--port", "0")
        try:
            async with Browser() as browser:
                page = await browser.follow(await browser.get(await address_told(process)))
                first = await browser.press(page, name="greeter", model=models.key)
                waiting = await browser.follow(await browser.get(urljoin(page.url, "/waiting")))
                assert "in the other tab" in waiting.text
                page = await at_github(browser, first)
                assert "Install greeter" in (await browser.get(waiting.url)).text
                await browser.press(page)
                page = await browser.get(waiting.url)
                assert "fixer answered; that cost $0.00" in page.text
                assert "label an issue solve-me" in page.text, page.text
            async with asyncio.timeout(SOON):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, err
        written = dotenv_values(tmp_path / ".env")
        assert written["DELIVERIES"] == "poll"
        assert written["GITHUB_APP_ID"] == str(github.app.app_id)
        key = Path(written["GITHUB_PRIVATE_KEY"] or "")
        assert key.read_text() == github.app.private_key_pem
        assert [stat.S_IMODE(path.stat().st_mode) for path in (key, tmp_path / ".env")] == [0o600, 0o600]
        secrets = (models.key, github.webhooks.secret, github.app.client_secret, github.app.private_key_pem[40:80])
        assert not [secret for secret in secrets if secret in (out + err).decode()]
        assert {written[n] for n in ("MODEL_API_KEY", "GITHUB_WEBHOOK_SECRET", "GITHUB_CLIENT_SECRET")} == {
            *secrets[:3]
        }
        assert github.webhooks.url == NOWHERE
        assert (github.errors, models.errors) == ([], [])


# ------------------------------------------------------------------------------------------------- without a process


@dataclass
class Desk:
    """The pages, served in this process."""

    url: str
    door: Door
    pages: Pages
    browser: Browser
    github: GitHubSimulator
    env: Path
    said: list[str] = field(default_factory=list)

    async def first(self) -> Page:
        return await self.browser.follow(await self.browser.get(f"{self.url}/?token={self.door.token}"))

    async def registered(self, **wish: str) -> Page:
        await at_github(self.browser, await self.browser.press(await self.first(), 0, **wish))
        return await self.browser.get(f"{self.url}/")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    github = GitHubSimulator(tmp_path / "github", webhook_secret=SECRET, private_key_pem=KEY)
    models, env, door, said = ModelSimulator(), tmp_path / "etc" / ".env", Door(), list[str]()
    env.parent.mkdir()
    fixed = {"MODEL_BASE_URL": "", "MODEL_PROVIDER": "simulator", "DATA_DIR": str(tmp_path / "data")}

    def environment() -> dict[str, str]:
        written = {name: value or "" for name, value in dotenv_values(env).items()}
        return {**written, **fixed, "GITHUB_API_URL": github.url, "GITHUB_SERVER_URL": github.url}

    async with github.serving(), models.serving(), Browser() as browser:
        fixed["MODEL_BASE_URL"] = models.url
        listening: list[Pages] = []

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            await listening[0].app(scope, receive, send)

        async with serving(served) as url:
            pages = Pages(Steps(SettingsFile(env), environment), door, url, said.append, str(env))
            listening.append(pages)
            yield Desk(url, door, pages, browser, github, env, said)
    assert github.errors == []


async def test_the_address_is_good_once_and_for_one_browser(desk: Desk) -> None:
    async with Browser() as stranger:
        for path in ("/", "/?token=", "/?token=wrong", "/registered?state=x&code=y"):
            assert (await stranger.get(f"{desk.url}{path}")).status == 403
        assert (await desk.first()).status == 200
        assert (await stranger.get(f"{desk.url}/?token={desk.door.token}")).status == 403
        assert (await stranger.post(f"{desk.url}/register", {"name": "mine"})).status == 403
    assert (await desk.browser.get(f"{desk.url}/")).status == 200
    assert not desk.env.exists()


async def test_a_form_of_another_site_changes_nothing(desk: Desk) -> None:
    await desk.first()
    page = await desk.browser.post(f"{desk.url}/register", {"name": "mine"}, Origin="https://evil.example")
    assert page.status == 403
    page = await desk.browser.get(f"{desk.url}/", Host="evil.example")
    assert page.status == 400


async def test_a_state_is_checked_and_a_code_is_used_once(desk: Desk) -> None:
    page = await desk.browser.press(await desk.first(), name="greeter")
    back = (await desk.browser.press(await desk.browser.press(page))).redirected_to
    forged = re.sub("state=[^&]+", "state=forged", back)
    assert (await desk.browser.get(forged)).status == 400
    assert (await desk.browser.get(back.partition("&state")[0])).status == 400
    assert not desk.env.exists()
    assert (await desk.browser.get(back)).status == 303
    before = desk.env.read_text()
    assert (await desk.browser.get(back)).status == 400
    assert desk.env.read_text() == before


async def test_a_code_that_github_does_not_take_leaves_everything_as_it_is(desk: Desk) -> None:
    page = await desk.browser.press(await desk.first(), name="greeter")
    back = (await desk.browser.press(await desk.browser.press(page))).redirected_to
    page = await desk.browser.get(re.sub("code=[^&]+", "code=..%2F..%2Fapp", back))
    assert page.status == 502
    assert not desk.env.exists()
    assert not list(desk.env.parent.glob("*.pem"))


@pytest.mark.parametrize(
    "wish", [{"name": ""}, {"name": "s" * 35}, {"owner": "a/b"}, {"address": "http://localhost:8000"}]
)
async def test_what_github_would_refuse_is_asked_for_again(desk: Desk, wish: dict[str, str]) -> None:
    page = await desk.browser.press(await desk.first(), 0, **{"name": "greeter", **wish})
    assert page.status == 422
    assert 'role="alert"' in page.text


async def test_an_app_of_an_organisation_with_an_address(desk: Desk) -> None:
    desk.env.write_text("# ours\nMAX_DOLLARS=1\nDELIVERIES=poll\n")
    page = await desk.registered(name="greeter", owner="octo", address="https://bot.octo.dev")
    assert "Install greeter" in page.text
    assert desk.github.app.owner.login == "octo"
    assert desk.github.webhooks.url == "https://bot.octo.dev/webhook"
    assert desk.env.read_text().startswith("# ours\nMAX_DOLLARS=1\nDELIVERIES=webhook\nGITHUB_APP_ID=")


async def test_a_wrong_model_key_is_not_kept_and_not_shown(desk: Desk) -> None:
    page = await desk.registered(name="greeter")
    await install(desk.browser, page)
    page = await desk.browser.press(await desk.browser.get(page.url), model="sk-wrong-0123456789")
    assert page.status == 422
    assert 'role="alert"' in page.text
    assert "sk-wrong-0123456789" not in page.text + desk.env.read_text()


async def test_an_app_that_is_there_is_changed_only_when_somebody_says_so(desk: Desk) -> None:
    await desk.registered(name="greeter")
    before, was = desk.env.read_text(), desk.github.app.app_id
    again = Pages(desk.pages._steps, Door(token="another"), desk.url, desk.said.append, "")
    async with serving(again.app) as url, Browser() as browser:
        page = await browser.follow(await browser.get(f"{url}/?token=another"))
        assert "an App in the settings already" in page.text
        assert (await browser.post(f"{url}/register", {"name": "other"})).status == 303
        assert (await browser.press(page, 5)).status == 422  # the box is not ticked
        assert (desk.env.read_text(), desk.github.app.app_id) == (before, was)

        assert (await browser.press(page, 1, address="https://bot.octo.dev")).status == 303
        assert desk.github.webhooks.url == "https://bot.octo.dev/webhook"
        assert dotenv_values(desk.env)["DELIVERIES"] == "webhook"

        assert (await browser.post(f"{url}/replace", {"sure": "yes"})).status == 303
        assert "Name of the App" in (await browser.get(f"{url}/")).text
    assert os.listdir(desk.env.parent).count("greeter.private-key.pem") == 1


async def secrets_of(desk: Desk) -> list[str]:
    return (dotenv_values(desk.env)["GITHUB_WEBHOOK_SECRET"] or "").split(",")


async def test_a_webhook_secret_is_rotated_and_what_github_uses_is_always_accepted(desk: Desk) -> None:
    await desk.registered(name="greeter")
    [old] = await secrets_of(desk)
    seen = [(desk.github.webhooks.secret, await secrets_of(desk))]
    for what in ("new-webhook-secret", "new-webhook-secret", "tell-webhook-secret", "forget-webhook-secret"):
        assert (await desk.browser.post(f"{desk.url}/rotate", {"what": what})).status == 303
        seen.append((desk.github.webhooks.secret, await secrets_of(desk)))
    new = desk.github.webhooks.secret
    assert new != old
    assert seen == [
        (old, [old]), (old, [old, new]), (old, [old, new]), (new, [new, old]), (new, [new]),
    ]  # fmt: skip
    assert not [line for line in desk.said if new in line or old in line]


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("tell-webhook-secret", ""),
        ("forget-webhook-secret", ""),
        ("private-key", "not a key"),
        ("private-key", generate_key()),  # of no App
        ("client-secret", "two lines\nof text"),
        ("the-moon", ""),
        ("", ""),
    ],
)
async def test_what_cannot_be_rotated_stays(desk: Desk, what: str, value: str) -> None:
    await desk.registered(name="greeter")
    before = desk.env.read_text()
    page = await desk.browser.post(f"{desk.url}/rotate", {"what": what, "value": value})
    assert page.status == 422
    assert 'role="alert"' in page.text
    assert desk.env.read_text() == before
    assert os.listdir(desk.env.parent).count("greeter-1.private-key.pem") == 0


async def test_a_private_key_and_a_client_secret_are_taken_from_the_apps_page(desk: Desk) -> None:
    await desk.registered(name="greeter")
    pem = desk.github.app.private_key_pem.strip().replace("\n", "\r\n")  # as browsers send it
    assert (await desk.browser.post(f"{desk.url}/rotate", {"what": "private-key", "value": pem})).status == 303
    secret = "0123456789abcdef0123456789abcdef01234567"
    assert (await desk.browser.post(f"{desk.url}/rotate", {"what": "client-secret", "value": secret})).status == 303
    written = dotenv_values(desk.env)
    assert written["GITHUB_CLIENT_SECRET"] == secret
    assert Path(written["GITHUB_PRIVATE_KEY"] or "").name == "greeter-1.private-key.pem"
    assert Path(written["GITHUB_PRIVATE_KEY"] or "").read_text() == desk.github.app.private_key_pem


async def test_a_key_file_is_never_written_over(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / ".env")
    assert [file.write_key("greeter", text).name for text in ("a", "b")] == [
        "greeter.private-key.pem",
        "greeter-1.private-key.pem",
    ]


@pytest.mark.parametrize("value", ["plain", "with space", "it's", 'a "b" # c', "", "/a b/c.pem", "a\\n"])
def test_what_is_written_is_read_again(tmp_path: Path, value: str) -> None:
    file = SettingsFile(tmp_path / ".env")
    file.path.write_text("A=1\n# kept\nNAME=old")
    file.write({"NAME": value, "OTHER": "x"})
    assert dotenv_values(file.path) == {"A": "1", "NAME": value, "OTHER": "x"}
    assert "# kept" in file.path.read_text()
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
