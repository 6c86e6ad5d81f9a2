"""Where solves are, what they cost, and how the bot does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import Response
from starlette.routing import Route

from bot.core.access import Deed
from bot.core.listing import LONGEST_CURSOR, NEWEST, Position, SolveFilter, UsageBy, read_cursor
from bot.core.render.configuration import configured
from bot.core.resilience.circuit_breaker import circuit
from bot.core.text.outgoing import Redactor
from bot.core.trigger.budgets import Budget, Spent
from bot.ports import Ledger, Store, Views
from bot.web.asking import Asking
from bot.web.pages.charts import columns, stacks
from bot.web.pages.desk import Desk, Looking
from bot.web.reading import BadCursor, allowed
from bot.web.repositories import repository_detail

PAGE = 50
LATEST = 15  # solves of one repository
SPANS = (7, 30, 90, 366)  # days


@dataclass(frozen=True, slots=True)
class Operated:
    """What the operator's page asks. `providers`: those that lend us sandboxes."""

    store: Store
    views: Views
    ledger: Ledger
    redact: Redactor
    providers: tuple[str, ...] = ()
    budgets: Sequence[Budget] = ()


class AccountPages:
    def __init__(self, desk: Desk, asking: Asking, operated: Operated) -> None:
        self._reading = asking.reading
        self._github = asking.github
        self._operated = operated
        self._clock = asking.clock
        self.routes = [
            Route("/repositories", desk.open_to(self.repositories)),
            Route("/repositories/{owner}/{name}", desk.open_to(self.repository)),
            Route("/money", desk.open_to(self.money)),
            Route("/operations", desk.open_to(self.operations)),
        ]

    async def repositories(self, looking: Looking) -> Response:
        after = looking.asked("after", LONGEST_CURSOR)
        page = await self._reading.repositories(looking.principal, after, PAGE)
        return looking.page("repositories.html", page=page, is_later=bool(after))

    async def repository(self, looking: Looking) -> Response:
        name = f"{looking.part('owner')}/{looking.part('name')}"
        repo = await self._reading.repository(looking.principal, name)
        solves = await self._reading.solves(looking.principal, SolveFilter(repository=repo.name), "", LATEST)
        detail = await repository_detail(self._reading, self._github, looking.principal, repo.id, self._clock.now())
        return looking.page(
            "repository.html",
            repo=repo,
            solves=solves,
            detail=detail,
            weeks=stacks(detail.record.weeks),
            configured=configured(detail.configuration.says),
        )

    async def money(self, looking: Looking) -> Response:
        wanted = looking.asked("days", 4)
        days = next((span for span in SPANS if str(span) == wanted), 30)
        since = self._clock.now() - timedelta(days=days)
        usage = {by: await self._reading.usage(looking.principal, by, since) for by in UsageBy}
        by_day = sorted((row.key, row.dollars) for row in usage[UsageBy.DAY])
        return looking.page(
            "money.html",
            days=days,
            spans=SPANS,
            chart=columns(by_day),
            budgets=await self._budgets(looking),
            total=sum(row.dollars for row in usage[UsageBy.DAY]),
            solves=sum(row.solves for row in usage[UsageBy.DAY]),
            tables=[(by.value, usage[by]) for by in (UsageBy.REPOSITORY, UsageBy.MODEL, UsageBy.PERSON, UsageBy.DAY)],
        )

    async def _budgets(self, looking: Looking) -> Sequence[Spent]:
        """For operators: sums of all repositories tell of those that others may not see."""
        if not looking.principal.is_admin or not self._operated.budgets:
            return ()
        return await self._operated.store.spent(self._operated.budgets, self._clock.now())

    async def operations(self, looking: Looking) -> Response:
        allowed(looking.principal, Deed.OPERATE)
        it, now = self._operated, self._clock.now()
        tally = await it.store.tally(now - timedelta(days=1))
        health = [(name, await it.ledger.health(name)) for name in it.providers]
        leases = await it.ledger.leases()
        return looking.page(
            "operations.html",
            tally=tally,
            waiting_since=tally.oldest,
            providers=[(name, each, circuit(each, now).value) for name, each in health],
            leases=leases,
            workers=await it.store.workers(),
            deliveries=await it.views.deliveries(_position(looking, "delivery"), PAGE),
            audit=it.redact.within(await it.views.audit(_position(looking, "entry"), PAGE)),
        )


def _position(looking: Looking, name: str) -> Position:
    text = looking.asked(name, LONGEST_CURSOR)
    position = read_cursor(text) if text else NEWEST
    if position is None:
        raise BadCursor
    return position
