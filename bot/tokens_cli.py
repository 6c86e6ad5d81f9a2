"""solvebot tokens: who may use the API. Parsing and printing only."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click

from bot.command_line import run, settings_from_environment
from bot.core.token_wish import MOST_DAYS
from bot.ports import Unsolvable
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.store.store import SqlStore


@click.group()
def tokens() -> None:
    """Access tokens for the API: who has one may see and do there what its owner may."""


@tokens.command("create")
@click.argument("login")
@click.option("--name", default="", help="What it is for, so that you know later.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(["read", "steer", "operate"]),
    multiple=True,
    default=("read", "steer"),
    show_default=True,
    help="What it may be used for; may be repeated.",
)
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=90, show_default=True, help="How long it is valid.")
def tokens_create(login: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make one for the person whom GitHub calls LOGIN. It is printed once, and kept nowhere."""
    settings = settings_from_environment(serving=True)

    async def make(store: SqlStore) -> None:
        from bot import tokens_command
        from bot.clock import SYSTEM_CLOCK
        from bot.core.access import Scope

        async with tokens_command.github(settings) as hub:
            owner = await tokens_command.person(hub, store, login)
        wanted = [Scope(scope) for scope in scopes]
        token, text = await tokens_command.create(store, owner, name, wanted, days, SYSTEM_CLOCK.now())
        click.echo(text)
        click.echo(f"For {owner.login}, until {token.expires_at:%Y-%m-%d}. It is not shown again.", err=True)

    _with_sql_store(settings, make)


@tokens.command("list")
def tokens_list() -> None:
    """All of them, with when they were last used. The tokens themselves are kept nowhere."""

    async def show(store: SqlStore) -> None:
        from bot import tokens_command
        from bot.clock import SYSTEM_CLOCK
        from bot.terminal_tables import console

        console().print(tokens_command.table(await store.tokens.owned(), SYSTEM_CLOCK.now()))

    _with_sql_store(settings_from_environment(serving=False), show)


@tokens.command("revoke")
@click.argument("id")
def tokens_revoke(id: str) -> None:
    """End the one with this ID at once."""

    async def end(store: SqlStore) -> None:
        from bot import tokens_command
        from bot.clock import SYSTEM_CLOCK

        if not await tokens_command.revoke(store, id, SYSTEM_CLOCK.now()):
            raise Unsolvable(f"There is no token {id}, or it is revoked already. `solvebot tokens list` shows all.")
        click.echo(f"{id} is revoked.")

    _with_sql_store(settings_from_environment(serving=False), end)


def _with_sql_store(settings: Settings, work: Callable[[SqlStore], Coroutine[Any, Any, None]]) -> None:
    from bot import adapters

    async def connected() -> None:
        async with adapters.the_store(settings) as store:
            await work(store)

    run(connected())
