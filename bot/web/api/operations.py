"""Repositories, models, usage; and what is the operator's: queue, deliveries, sandboxes, settings, audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query

from bot.core.listing import PAGE, Page, UsageBy, read_cursor
from bot.core.model import Fared, ModelSpec, Status
from bot.core.trigger.budgets import Period, Whose
from bot.core.views import AuditEntry, DeliveryView, RepositoryView, UsageRow, WorkerView
from bot.web.api.authentication import Admin, Given, Somebody
from bot.web.api.services import Services
from bot.web.api.solves import After, Size
from bot.web.api.steering import Key
from bot.web.operating import Operating
from bot.web.reading import BadCursor
from bot.web.repositories import RepositoryDetail, repository_detail
from bot.web.shown_settings import SettingView

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Me:
    """Who you are here, and what this token is for."""

    login: str
    id: int
    is_admin: bool
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """Deliveries that wait, since when the oldest does; and how many solves and runs there are in each state."""

    waiting: int
    oldest: datetime | None
    solves: Mapping[str, int]
    runs: Mapping[str, int]
    ended_today: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BudgetView:
    whose: Whose
    period: Period
    dollars: float
    spent: float
    left: float


@dataclass(frozen=True, slots=True)
class Done:
    what: str


@dataclass(frozen=True, slots=True)
class SandboxView:
    """One that a service lends us."""

    id: str
    provider: str
    machine: str
    asked_at: datetime
    expires_at: datetime
    is_networked: bool


@router.get("/me", tags=["you"])
async def show_yourself(principal: Somebody) -> Me:
    person = principal.person
    return Me(person.login, person.id, principal.is_admin, tuple(sorted(scope.value for scope in principal.scopes)))


@router.get("/repositories", tags=["repositories"])
async def list_repositories(
    given: Given, principal: Somebody, after: After = "", size: Size = PAGE
) -> Page[RepositoryView]:
    """By name, those that you may read, with what came of solves there."""
    return await given.reading.repositories(principal, after, size)


@router.get("/repositories/{id}", tags=["repositories"])
async def show_a_repository(
    id: Annotated[int, Path(ge=1, le=2**53, description="As in `GET /repositories`.")],
    given: Given,
    principal: Somebody,
) -> RepositoryDetail:
    """What came of solves there, how it is set up and tested, and what its configuration says, with its mistakes."""
    return await repository_detail(given.reading, given.github, principal, id, given.clock.now())


@router.get("/models", tags=["models"])
async def list_models(given: Given, principal: Somebody) -> list[ModelSpec]:
    """The catalogue."""
    return list(await given.reading.models(principal))


@router.get("/models/record", tags=["models"])
async def show_the_record(given: Given, principal: Somebody) -> list[Fared]:
    """What people did with the pull requests of each model, in repositories that you may read."""
    return list(await given.reading.record(principal))


@router.get("/usage", tags=["usage"])
async def show_usage(
    given: Given,
    principal: Somebody,
    by: UsageBy = UsageBy.DAY,
    days: Annotated[int, Query(ge=1, le=366)] = 30,
) -> list[UsageRow]:
    """Dollars, runs and hours of sandboxes, in repositories that you may read."""
    return list(await given.reading.usage(principal, by, given.clock.now() - timedelta(days=days)))


@router.get("/workers", tags=["operations"])
async def list_workers(given: Given, _: Admin) -> list[WorkerView]:
    """Of a fleet that shares a PostgreSQL, with the last sign of life of each."""
    return await given.store.workers()


@router.get("/budgets", tags=["operations"])
async def show_budgets(given: Given, _: Admin) -> list[BudgetView]:
    """What is spent and set aside, of what may be; of repositories and people by the one that has the least left."""
    spent = await given.store.spent(given.limits.budgets, given.clock.now())
    return [
        BudgetView(each.budget.whose, each.budget.period, each.budget.dollars, each.dollars, each.left)
        for each in spent
    ]


@router.get("/queue", tags=["operations"])
async def show_the_queue(given: Given, _: Admin) -> Queue:
    tally = await given.store.tally(given.clock.now() - timedelta(days=1))
    return Queue(tally.waiting, tally.oldest, _counts(tally.solves), _counts(tally.runs), _counts(tally.ended))


@router.get("/deliveries", tags=["operations"])
async def list_deliveries(given: Given, _: Admin, after: After = "", size: Size = PAGE) -> Page[DeliveryView]:
    """The newest first, without what is in them."""
    position = read_cursor(after)
    if position is None:
        raise BadCursor
    return await given.views.deliveries(position, size)


@router.get("/audit", tags=["operations"])
async def list_audit(given: Given, _: Admin, after: After = "", size: Size = PAGE) -> Page[AuditEntry]:
    """Who did what, the newest first."""
    position = read_cursor(after)
    if position is None:
        raise BadCursor
    found: Page[AuditEntry] = given.redact.within(await given.views.audit(position, size))
    return found


@router.get("/sandboxes", tags=["operations"])
async def list_sandboxes(given: Given, _: Admin) -> list[SandboxView]:
    """Those that services lend us. Those on this machine are not kept account of."""
    return [
        SandboxView(
            lease.sandbox, lease.provider, lease.machine or "", lease.asked_at, lease.expires_at, lease.networked
        )
        for lease in await given.ledger.leases()
    ]


@router.get("/settings", tags=["operations"])
async def list_settings(given: Given, _: Admin) -> list[SettingView]:
    """Their names, where they come from, and their values; of secrets no value."""
    return list(given.settings)


@router.post("/deliveries/{guid}/redeliver", status_code=202, tags=["operations"])
async def redeliver(
    guid: Annotated[str, Path(pattern=r"^[\w-]{1,80}$")], given: Given, principal: Admin, key: Key
) -> Done:
    """To the engine once more: what died half-way goes on, and what was done is not done again."""
    await _operating(given).redeliver(principal, guid, key)
    return Done("The delivery waits again.")


@router.post("/providers/{name}/reset", status_code=200, tags=["operations"])
async def reset_a_provider(
    name: Annotated[str, Path(pattern=r"^[\w.:-]{1,200}$")], given: Given, principal: Admin, key: Key
) -> Done:
    """Ask a service again that is left alone because it has failed too often."""
    await _operating(given).reset(principal, name, key)
    return Done("The service is asked again from now on.")


def _operating(given: Services) -> Operating:
    return Operating(given.store, given.views, given.ledger, given.inbox, given.clock)


def _counts(numbers: Mapping[Status, int]) -> dict[str, int]:
    return {status.value: number for status, number in numbers.items()}
