"""solvebot sandboxes: what services lend us at this moment. Parsing and printing only."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click

from bot import logs
from bot.command_line import run, settings_from_environment
from bot.core.text.outgoing import Redactor
from bot.ports import Store
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.adapters import Lending


@click.group()
def sandboxes() -> None:
    """What services lend us: for when something is wrong with them. The worker tidies up by itself."""


def _with_lending(work: Callable[[Lending, Store, Settings], Coroutine[Any, Any, int | None]]) -> None:
    from bot import adapters

    settings = settings_from_environment(serving=False)
    if "e2b" not in settings.sandbox:
        raise click.ClickException("no service lends us sandboxes: SANDBOX does not name e2b")
    logs.configure(format="console", level="ERROR", redact=Redactor(settings.secrets))

    async def connected() -> int | None:
        async with adapters.the_store(settings) as store, adapters.lending(settings, store) as lending:
            return await work(lending, store, settings)

    run(connected())


@sandboxes.command("list")
def sandboxes_list() -> None:
    """All that we hold, and all that there is. Exit code 1 when a service does not answer."""
    from bot import sandboxes_command
    from bot.terminal_tables import console

    _with_lending(lambda lending, _store, _settings: sandboxes_command.show(lending, console()))


@sandboxes.command("kill")
@click.argument("names", nargs=-1, required=True)
def sandboxes_kill(names: tuple[str, ...]) -> None:
    """End sandboxes, by the names of `solvebot sandboxes list`. A run that was in one gets another."""
    from bot import sandboxes_command
    from bot.terminal_tables import console

    _with_lending(lambda lending, _store, _settings: sandboxes_command.kill(lending, names, console()))


@sandboxes.command("reset-breaker")
@click.argument("provider", required=False)
def sandboxes_reset_breaker(provider: str | None) -> None:
    """Ask a service again that was left alone, or all of them, without waiting for the next look."""
    from bot import sandboxes_command
    from bot.terminal_tables import console

    _with_lending(lambda lending, _store, _settings: sandboxes_command.reset_breaker(lending, provider, console()))


@sandboxes.command("usage")
def sandboxes_usage() -> None:
    """What was asked in the last hour, what is left of the plan, and whether the queued runs fit."""
    from bot import sandboxes_command
    from bot.terminal_tables import console

    _with_lending(lambda lending, store, settings: sandboxes_command.usage(lending, store, settings, console()))
