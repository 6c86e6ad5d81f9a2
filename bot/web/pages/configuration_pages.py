"""The configuration of a repository: shown with its mistakes, edited, and proposed as a pull request.

Checked while it is typed: the script of the page sends the form, and exchanges what was found. Without it there is a
button. To check asks nothing of GitHub.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.core.model import IssueRef, Permission, Repo
from bot.core.render import proposals
from bot.core.render import web_pages as say
from bot.core.render.configuration import configured
from bot.core.trigger.config import CONFIG_PATHS, ConfigProblem, parse_config
from bot.core.trigger.config_values import Mistake
from bot.core.trigger.events import Wish
from bot.core.trigger.proposals import tidied, unfit
from bot.web.asking import Asked, Asking
from bot.web.pages.desk import Desk, Looking
from bot.web.repositories import Editable, editable

LONGEST_LINK = 6_000  # characters; GitHub takes 8 kB


@dataclass(frozen=True, slots=True)
class Checked:
    """`says`: what is not as it would be without the file. `on_github`: their own editor, with the text in it."""

    mistakes: Sequence[Mistake]
    says: Sequence[tuple[str, str]]
    on_github: str = ""


class ConfigurationPages:
    """`site`: where people see repositories."""

    def __init__(self, desk: Desk, asking: Asking, site: str) -> None:
        self._desk = desk
        self._asking = asking
        self._site = site.rstrip("/")
        path = "/repositories/{owner}/{name}/configuration"
        self.routes = [
            Route(path, desk.open_to(self.show), methods=["GET"]),
            Route(path, desk.open_to(self.send), methods=["POST"]),
        ]

    async def show(self, looking: Looking) -> Response:
        repo = await self._repository(looking)
        now = await editable(self._asking.reading, self._asking.github, repo)
        return await self._editor(looking, repo, now, now.text if now.is_there else proposals.STARTER)

    async def send(self, looking: Looking) -> Response:
        fields = await self._desk.sessions.form(looking.request)
        if fields is None:
            return looking.trouble(say.WRONG_FORM)
        repo, text = await self._repository(looking), tidied(fields.get("text", ""))
        if fields.get("check") == "live":
            return looking.page("checked.html", repo=repo, checked=await self._checked(repo, fields, text))
        now = await editable(self._asking.reading, self._asking.github, repo)
        why = await asyncio.to_thread(
            unfit, text, now.text if now.is_there else None, self._asking.reading.redact(text)
        )
        if fields.get("check") or why is not None:
            problem = "" if fields.get("check") or why is None else proposals.WHY_NOT[why]
            return await self._editor(looking, repo, now, text, problem)
        return await self._propose(looking, repo, text)

    async def _propose(self, looking: Looking, repo: Repo, text: str) -> Response:
        """Pressed twice within a minute is pressed once."""
        asking = self._asking
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
        key = f"page {Wish.CONFIGURE.value} {repo.id} {digest} {asking.clock.now():%Y-%m-%dT%H:%M}"
        kept = await asking.ask(looking.principal, key, Asked(Wish.CONFIGURE, IssueRef(repo, 0), text=text))
        return RedirectResponse(f"/requests/{quote(kept.id)}", 303)

    async def _repository(self, looking: Looking) -> Repo:
        name = f"{looking.part('owner')}/{looking.part('name')}"
        return await self._asking.reading.repository(looking.principal, name)

    async def _editor(self, looking: Looking, repo: Repo, now: Editable, text: str, problem: str = "") -> Response:
        has = await self._asking.reading.permissions.of(looking.principal, repo)
        about = {"branch": now.branch, "is_new": "" if now.is_there else "yes"}
        return looking.page(
            "configuration.html",
            repo=repo,
            now=now,
            text=self._asking.reading.redact(text),
            problem=problem,
            about=about,
            may_propose=has.at_least(Permission.WRITE) and not now.is_empty,
            edit_url=self._on_github(repo, "edit", now.branch, f"/{now.path}") if now.is_there else "",
            checked=await self._checked(repo, about, text),
        )

    async def _checked(self, repo: Repo, about: Mapping[str, str], text: str) -> Checked:
        config = await asyncio.to_thread(parse_config, text)
        mistakes, says = (config.mistakes, ()) if isinstance(config, ConfigProblem) else ((), configured(config))
        redact = self._asking.reading.redact
        filled = urlencode({"filename": CONFIG_PATHS[0], "value": redact(text)})
        link = self._on_github(repo, "new", about.get("branch", ""), f"?{filled}") if about.get("is_new") else ""
        found: Checked = redact.within(Checked(mistakes, says, link if len(link) <= LONGEST_LINK else ""))
        return found

    def _on_github(self, repo: Repo, what: str, branch: str, rest: str) -> str:
        return f"{self._site}/{quote(repo.name)}/{what}/{quote(branch)}{rest}"
