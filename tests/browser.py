"""A browser without a screen: real HTTP, cookies, forms that are filled in and sent as they stand in the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from urllib.parse import urljoin

import aiohttp
from yarl import URL


@dataclass
class Form:
    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.sheets: list[str] = []
        self._text = ""  # the name of the field whose content is being read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(found.get("method", "get"), found.get("action", "")))
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link" and found.get("rel") == "stylesheet":
            self.sheets.append(found.get("href", ""))
        elif tag == "textarea" and self.forms and "name" in found:
            self._text = found["name"]
            self.forms[-1].fields[self._text] = ""
        elif tag == "input" and self.forms and "name" in found and not self._is_unchecked(found):
            self.forms[-1].fields[found["name"]] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._text:
            self.forms[-1].fields[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        """Browsers leave out a line end right behind the tag."""
        if tag == "textarea" and self._text:
            fields = self.forms[-1].fields
            fields[self._text] = fields[self._text].removeprefix("\n")
            self._text = ""

    @staticmethod
    def _is_unchecked(found: Mapping[str, str]) -> bool:
        return found.get("type") == "checkbox" and "checked" not in found


@dataclass(frozen=True)
class Page:
    url: str
    status: int
    headers: Mapping[str, str]
    text: str
    forms: list[Form]
    links: list[str]
    sheets: list[str] = field(default_factory=list)
    cookies: tuple[str, ...] = ()  # as the answer sets them

    @property
    def redirected_to(self) -> str:
        """What it may not be followed to: another site, where nobody listens."""
        return self.headers.get("location", "")


class Browser:
    def __init__(self) -> None:
        self._jar = aiohttp.CookieJar(unsafe=True)  # which is what aiohttp calls cookies of IP addresses
        self._session = aiohttp.ClientSession(cookie_jar=self._jar)

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._session.close()

    async def get(self, url: str, **headers: str) -> Page:
        return await self._request("GET", url, None, headers)

    async def post(self, url: str, fields: Mapping[str, str], **headers: str) -> Page:
        return await self._request("POST", url, fields, headers)

    async def press(self, page: Page, form: int = 0, /, **fields: str) -> Page:
        """The button of a form, with these fields filled in."""
        found = page.forms[form]
        unknown = fields.keys() - found.fields.keys()
        assert not unknown, f"{unknown} is not in {found}"
        return await self._request(
            found.method.upper(), urljoin(page.url, found.action), {**found.fields, **fields}, {}
        )

    def cookie(self, url: str, name: str) -> str:
        """What would be sent there."""
        return self._jar.filter_cookies(URL(url))[name].value

    async def follow(self, page: Page) -> Page:
        assert page.redirected_to, page.text
        return await self.get(urljoin(page.url, page.redirected_to))

    async def _request(
        self, method: str, url: str, fields: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Page:
        async with self._session.request(method, url, data=fields, headers=headers, allow_redirects=False) as answer:
            text = await answer.text()
        reader = _Reader()
        reader.feed(text)
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        cookies = tuple(answer.headers.getall("Set-Cookie", []))
        return Page(url, answer.status, lowered, text, reader.forms, reader.links, reader.sheets, cookies)
