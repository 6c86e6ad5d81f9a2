"""Pictures of the pages, light, dark and on a phone: `make pictures` writes them to docs/pictures.

They are of the data of studio.py, and small enough to be kept: whoever adds one that is not is told.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page, ViewportSize

from bot.store.migrate import migrate
from tests.chromium import a_browser, a_tab
from tests.contracts.pages_world import pages_world
from tests.studio import DONE, LIVE, WAITING, furnish

WHERE = Path(__file__).parent.parent / "docs/pictures"
MOST_BYTES = 150_000
SIZE: ViewportSize = {"width": 1080, "height": 680}


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    path: str
    is_dark: bool = False
    is_phone: bool = False


PICTURES = (
    Picture("solves", "/"),
    Picture("solve", f"/solves/{DONE}"),
    Picture("solve-dark", f"/solves/{DONE}", is_dark=True),
    Picture("live-phone", f"/solves/{LIVE}", is_phone=True),
    Picture("approval-dark", f"/solves/{WAITING}", is_dark=True),
    Picture("start-phone", "/start", is_phone=True),
    Picture("repository", "/repositories/octo/web"),
    Picture("repository-phone", "/repositories/octo/web", is_dark=True, is_phone=True),
    Picture("configuration", "/repositories/octo/web/configuration"),
    Picture("configuration-phone", "/repositories/octo/web/configuration", is_dark=True, is_phone=True),
    Picture("money", "/money?days=90"),
    Picture("tokens", "/tokens"),
    Picture("operations-dark", "/operations", is_dark=True),
)


async def sign_in(page: Page, login: str) -> None:
    await page.click("text=Sign in with GitHub")
    await page.fill("input[name=login]", login)
    await page.click("button")
    if "/login/oauth/authorize" in page.url:
        await page.click("button")


async def take(where: Path, pictures: Sequence[Picture]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/store.sqlite"
        migrate(url)
        async with pages_world(Path(directory), url, furnish) as world, a_browser() as browser:
            for each in pictures:
                hosts = (world.url, world.github.url)
                async with a_tab(browser, *hosts, phone=each.is_phone, dark=each.is_dark) as tab:
                    await tab.page.goto(f"{world.url}{each.path}")
                    await sign_in(tab.page, "ada")
                    if not each.is_phone:
                        await tab.page.set_viewport_size(SIZE)
                    await tab.page.screenshot(path=where / f"{each.name}.png", animations="disabled")


def main() -> None:
    WHERE.mkdir(exist_ok=True)
    asyncio.run(take(WHERE, PICTURES))
    large = [path.name for path in WHERE.glob("*.png") if path.stat().st_size > MOST_BYTES]
    sys.exit(f"larger than {MOST_BYTES:,} bytes: {', '.join(large)}" if large else 0)


if __name__ == "__main__":
    main()
