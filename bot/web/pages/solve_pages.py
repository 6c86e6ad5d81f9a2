"""Solves, one solve, one of its runs, and two candidates side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from starlette.responses import Response
from starlette.routing import Route

from bot.core.listing import LONGEST_CURSOR, SolveFilter, State
from bot.core.model import Gate, SolveId
from bot.core.render import web_pages as say
from bot.core.views import EventKind, RunDetail, RunView, SolveDetail, TestRow
from bot.web.pages.bars import bars_of
from bot.web.pages.desk import Desk, Looking
from bot.web.pages.findings import findings
from bot.web.pages.highlighting import ShownFile, shown
from bot.web.reading import NoSuchThing, Reading

TURNS = 50  # of a conversation, on a page
PAGE = 30  # solves


class SolvePages:
    """`site`: where people see repositories. `events_url`: of a solve, where what happens is streamed."""

    def __init__(self, desk: Desk, reading: Reading, site: str) -> None:
        self._reading = reading
        self._site = site.rstrip("/")
        self.routes = [
            Route("/", desk.open_to(self.solves)),
            Route("/solves/{id}", desk.open_to(self.solve)),
            Route("/solves/{id}/runs/{letter}", desk.open_to(self.run)),
            Route("/solves/{id}/compare", desk.open_to(self.compare)),
        ]

    async def solves(self, looking: Looking) -> Response:
        wanted = SolveFilter(
            looking.asked("repository"),
            looking.asked("person"),
            _state(looking.asked("state")),
            looking.asked("search", 100),
        )
        after = looking.asked("after", LONGEST_CURSOR)
        page = await self._reading.solves(looking.principal, wanted, after, PAGE)
        filters = {
            "repository": wanted.repository,
            "person": wanted.person,
            "state": wanted.state.value if wanted.state else "",
            "search": wanted.search,
        }
        kept = {name: value for name, value in filters.items() if value}
        return looking.page(
            "solves.html",
            page=page,
            wanted=wanted,
            states=[(state.value, name) for state, name in say.STATES],
            is_filtered=bool(kept),
            is_later=bool(after),
            first_page=f"/?{urlencode(kept)}",
            next_page=f"/?{urlencode({**kept, 'after': page.next})}",
        )

    async def solve(self, looking: Looking) -> Response:
        id = SolveId(looking.part("id"))
        detail = await self._reading.solve(looking.principal, id)
        events = await self._reading.events(looking.principal, id, 0)
        summary = detail.summary
        champion = await self._champion(looking, detail)
        ended = summary.completed_at
        return looking.page(
            "solve.html",
            detail=detail,
            story=say.story(summary, events),
            bars=bars_of(detail.decision),
            candidates=[run for run in detail.runs if run.has_patch],
            patches=champion,
            beside=round(summary.dollars - sum(run.dollars for run in detail.runs), 6),
            seconds=(ended - summary.created_at).total_seconds() if ended else 0,
            issue_url=f"{self._site}/{quote(summary.repo.name)}/issues/{summary.issue}",
            events_url=events_url(id),
            deeds=(),
            told=say.TOLD.get(looking.asked("told"), ""),
        )

    async def _champion(self, looking: Looking, detail: SolveDetail) -> Sequence[ShownFile]:
        letter = detail.summary.champion
        if not letter:
            return ()
        run = await self._reading.run(looking.principal, detail.summary.id, letter)
        return () if holds_a_secret(run) else await asyncio.to_thread(shown, run.patch)

    async def run(self, looking: Looking) -> Response:
        id, letter = SolveId(looking.part("id")), looking.part("letter")
        solve = await self._reading.solve(looking.principal, id)
        detail = await self._reading.run(looking.principal, id, letter)
        begin = _number(looking.asked("from", 6))
        hidden = holds_a_secret(detail)
        commands = () if detail.conversation else await self._commands(looking, id, detail.run)
        return looking.page(
            "run.html",
            solve=solve.summary,
            detail=detail,
            turns=detail.conversation[begin : begin + TURNS],
            all_turns=len(detail.conversation),
            begin=begin,
            size=TURNS,
            hidden=hidden,
            patch=() if hidden else await asyncio.to_thread(shown, detail.patch),
            findings=findings(detail.evidence),
            commands=commands,
            events_url=events_url(id),
        )

    async def _commands(self, looking: Looking, id: SolveId, run: RunView) -> Sequence[object]:
        """What the run has done so far: its conversation is stored when it is over."""
        events = await self._reading.events(looking.principal, id, 0)
        return [event for event in events if event.kind is EventKind.RUN_STEPPED and event.run == run.letter][-TURNS:]

    async def compare(self, looking: Looking) -> Response:
        id = SolveId(looking.part("id"))
        solve = await self._reading.solve(looking.principal, id)
        one, other = [
            await self._reading.run(looking.principal, id, looking.asked(name, 2)) for name in ("one", "other")
        ]
        left, right = await asyncio.to_thread(lambda: (_patch(one), _patch(other)))
        paths = list(dict.fromkeys(file.path for file in (*left, *right)))
        if not paths:
            raise NoSuchThing
        letters = (one.run.letter, other.run.letter)
        return looking.page(
            "compare.html",
            solve=solve.summary,
            one=one,
            other=other,
            pairs=[(path, _of(left, path), _of(right, path)) for path in paths],
            differing=[test for test in solve.tests if _differ(test, *letters)],
        )


def events_url(id: SolveId) -> str:
    return f"/solves/{quote(id, safe='')}/events"


def holds_a_secret(detail: RunDetail) -> bool:
    evidence = detail.evidence
    return evidence is not None and any(failure.gate is Gate.SECRET for failure in evidence.gate_failures)


def _patch(detail: RunDetail) -> Sequence[ShownFile]:
    return () if holds_a_secret(detail) else shown(detail.patch)


def _of(files: Sequence[ShownFile], path: str) -> ShownFile | None:
    return next((file for file in files if file.path == path), None)


def _differ(test: TestRow, one: str, other: str) -> bool:
    return any(a in test.passed_by and b in test.failed_by for a, b in ((one, other), (other, one)))


def _state(text: str) -> State | None:
    return State(text) if text in set(State) else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
