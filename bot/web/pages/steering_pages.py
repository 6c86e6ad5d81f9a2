"""The buttons and the form: what is asked goes the way of the API, and a page waits until it was answered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.core.access import Principal
from bot.core.choosing.approval import MAX_WHY
from bot.core.choosing.experiments import ServerLimits
from bot.core.estimate import Estimate
from bot.core.model import Fate, IssueRef, Permission, Repo, SolveId, SolveOptions
from bot.core.render import web_pages as say
from bot.core.solve_status import Phase
from bot.core.trigger.api_requests import options_of
from bot.core.trigger.commands import Misread
from bot.core.trigger.events import Wish
from bot.core.trigger.options import BadOption
from bot.core.views import SolveDetail
from bot.ports import Request
from bot.web.asking import Asked, Asking, NoSuchIssue
from bot.web.estimates import Estimates
from bot.web.pages.desk import Desk, Looking
from bot.web.reading import NoSuchThing, NotAllowed

_ISSUE = re.compile(r"/([\w.-]{1,100}/[\w.-]{1,100})/issues/(\d{1,9})/?(?:[#?].*)?")
_FIELDS = ("issue", "repository", "title", "text", "models", "attempts", "base", "budget", "minutes", "repro", "draft")
_OF_A_CANDIDATE = (Wish.USE, Wish.APPROVE)
_LETTER = re.compile(r"[A-Z]")
_REPOSITORY = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}")
MAX_TITLE, MAX_TEXT = 250, 20_000  # characters, as in the API


@dataclass(frozen=True, slots=True)
class _About:
    """`number`: of an issue; 0: one is opened first, with this title and text."""

    repository: str
    number: int
    title: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """A button. `letters`: of candidates, one of which is chosen first. `text`: what is asked for in words."""

    path: str
    words: str
    kind: str = ""
    letters: tuple[str, ...] = ()
    text: str = ""


async def deeds(asking: Asking, principal: Principal, detail: SolveDetail) -> tuple[Deed, ...]:
    """Those that make sense now, for those who may write. What the repository asks is asked when one is pressed."""
    has = await asking.reading.permissions.of(principal, detail.summary.repo)
    if not has.at_least(Permission.WRITE):
        return ()
    if not detail.summary.status.is_over:
        return (*_on_approval(detail), Deed("cancel", "Cancel", "danger"))
    again = () if detail.summary.revises else (Deed("retry", "Try again"),)
    others = tuple(run.letter for run in detail.runs if run.has_patch and not run.is_champion)
    is_open = detail.summary.pull_number is not None and detail.summary.fate in (None, Fate.REVERTED)
    return (*again, *((Deed("use", "Use it instead", letters=others),) if others and is_open else ()))


def _on_approval(detail: SolveDetail) -> tuple[Deed, ...]:
    """The champion stands first among those that may be published."""
    if detail.phase is not Phase.WAITING:
        return ()
    champions_first = sorted((run for run in detail.runs if run.has_patch), key=lambda run: not run.is_champion)
    letters = tuple(run.letter for run in champions_first)
    return Deed("approve", "Approve", "main", letters), Deed("reject", "Reject", text=say.WHY_NOT)


class SteeringPages:
    """`site`: where people see repositories."""

    def __init__(self, desk: Desk, asking: Asking, limits: ServerLimits, site: str) -> None:
        self._desk = desk
        self._asking = asking
        self._estimates = Estimates(asking.reading, asking.github, limits)
        self._site = site.rstrip("/")
        self.routes = [
            Route("/solves/{id}/cancel", desk.open_to(self.cancel), methods=["POST"]),
            Route("/solves/{id}/retry", desk.open_to(self.retry), methods=["POST"]),
            Route("/solves/{id}/use", desk.open_to(self.use), methods=["POST"]),
            Route("/solves/{id}/approve", desk.open_to(self.approve), methods=["POST"]),
            Route("/solves/{id}/reject", desk.open_to(self.reject), methods=["POST"]),
            Route("/start", desk.open_to(self.form), methods=["GET"]),
            Route("/start", desk.open_to(self.start), methods=["POST"]),
            Route("/requests/{id}", desk.open_to(self.request)),
        ]

    async def cancel(self, looking: Looking) -> Response:
        return await self._about(looking, Wish.CANCEL)

    async def retry(self, looking: Looking) -> Response:
        return await self._about(looking, Wish.RETRY)

    async def use(self, looking: Looking) -> Response:
        return await self._about(looking, Wish.USE)

    async def approve(self, looking: Looking) -> Response:
        return await self._about(looking, Wish.APPROVE)

    async def reject(self, looking: Looking) -> Response:
        return await self._about(looking, Wish.REJECT)

    async def _about(self, looking: Looking, wish: Wish) -> Response:
        """Pressed twice within a minute is pressed once."""
        fields = await self._desk.sessions.form(looking.request)
        if fields is None:
            return looking.trouble(say.WRONG_FORM)
        facts = await self._asking.reading.facts(looking.principal, SolveId(looking.part("id")))
        letter = fields.get("letter", "") if wish in _OF_A_CANDIDATE else ""
        if wish in _OF_A_CANDIDATE and not _LETTER.fullmatch(letter):
            raise NoSuchThing
        number = ord(letter) - ord("A") + 1 if letter else 0
        why = fields.get("text", "").strip()[:MAX_WHY] if wish is Wish.REJECT else ""
        asked = Asked(wish, facts.solve.issue, facts.id, candidate=number, text=why)
        return await self._ask(looking, f"{wish.value} {facts.id} {letter}", asked)

    async def _ask(self, looking: Looking, what: str, asked: Asked) -> Response:
        key = f"page {what} {self._asking.clock.now():%Y-%m-%dT%H:%M}"
        kept = await self._asking.ask(looking.principal, key, asked)
        return RedirectResponse(f"/requests/{quote(kept.id)}", 303)

    # ------------------------------------------------------------------------------------------------------ the form

    async def form(self, looking: Looking) -> Response:
        return await self._form(looking, {"issue": looking.asked("issue", 400)}, "")

    async def _form(
        self, looking: Looking, fields: Mapping[str, str], problem: str, estimate: Estimate | None = None
    ) -> Response:
        models = await self._asking.reading.models(looking.principal)
        repositories = (await self._asking.reading.repositories(looking.principal)).items
        filled = {name: fields.get(name, "") for name in _FIELDS}
        return looking.page(
            "start.html",
            fields=filled,
            models=models,
            repositories=repositories,
            problem=problem,
            site=self._site,
            estimate=estimate,
        )

    async def start(self, looking: Looking) -> Response:
        fields = await self._desk.sessions.form(looking.request)
        if fields is None:
            return looking.trouble(say.WRONG_FORM)
        about = self._about_what(fields)
        if about is None:
            return await self._form(looking, fields, say.NO_ISSUE)
        try:
            repo = await self._asking.reading.repository(looking.principal, about.repository)
            if fields.get("estimate"):
                return await self._estimate(looking, fields, repo)
            asked = Asked(
                Wish.SOLVE,
                IssueRef(repo, about.number),
                options=_options(fields),
                title=about.title,
                text=about.text,
            )
            return await self._ask(looking, f"solve {about} {asked.options}", asked)
        except BadOption as bad:
            return await self._form(looking, fields, f"{bad.what} {bad.remedy}".strip())
        except (NoSuchThing, NoSuchIssue):
            return await self._form(looking, fields, say.NO_ISSUE)
        except NotAllowed:
            return await self._form(looking, fields, say.MAY_NOT.text)

    def _about_what(self, fields: Mapping[str, str]) -> _About | None:
        """An issue by its address; or, where none is given, a bug that has none yet: a repository, a title, a text."""
        address = fields.get("issue", "").strip()
        if found := _ISSUE.fullmatch(address.removeprefix(self._site)):
            return _About(found[1], int(found[2]))
        name, title = fields.get("repository", "").strip(), fields.get("title", "").strip()[:MAX_TITLE]
        if address or not title or not _REPOSITORY.fullmatch(name):
            return None
        return _About(name, 0, title, fields.get("text", "").strip()[:MAX_TEXT])

    async def _estimate(self, looking: Looking, fields: Mapping[str, str], repo: Repo) -> Response:
        """The form once more, with what it would cost. Raises `BadOption`."""
        now = self._asking.clock.now()
        found = await self._estimates.of(looking.principal, repo, _options(fields), now)
        if isinstance(found, Misread):
            return await self._form(looking, fields, f"{found.what} {found.remedy}".strip())
        return await self._form(looking, fields, "", found)

    # -------------------------------------------------------------------------------------------------- what came of it

    async def request(self, looking: Looking) -> Response:
        """Only for whoever has asked."""
        kept = await self._asking.requests.request(looking.part("id"))
        if kept is None or kept.user != looking.principal.person.id:
            raise NoSuchThing
        if kept.answered_at is not None and not kept.refused and kept.solve is not None:
            return RedirectResponse(_solve(kept), 303)
        return looking.page("request.html", request=kept, back=_solve(kept), link=self._link(kept.answer))

    def _link(self, answer: str) -> str:
        """The first on GitHub that it names."""
        return next((word for word in answer.split() if word.startswith(f"{self._site}/")), "")


def _solve(request: Request) -> str:
    return f"/solves/{quote(request.solve, safe='')}" if request.solve else "/"


def _options(fields: Mapping[str, str]) -> SolveOptions:
    """Raises `BadOption`."""
    minutes = fields.get("minutes", "").strip()
    given: dict[str, Any] = {
        "model": _words(fields.get("models", "")),
        "attempts": fields.get("attempts", "").strip() or None,
        "budget": fields.get("budget", "").strip() or None,
        "time": f"{minutes}m" if minutes else None,
        "base": fields.get("base", "").strip() or None,
        "repro": fields.get("repro", "").strip() or None,
    }
    return options_of(given, draft=fields.get("draft") == "yes")


def _words(text: str) -> Sequence[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]
