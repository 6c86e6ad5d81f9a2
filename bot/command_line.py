"""What all commands share: settings, errors that become one line, and the store."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from bot import logs
from bot.core.render.doctor import meant
from bot.core.text.outgoing import Redactor
from bot.findings import Unfit
from bot.ports import Store, Unsolvable, WorldError
from bot.settings import Settings, SettingsError, environment, secret_texts, unread
from bot.store.schema import WrongSchema
from bot.web.listening import CannotListen

INTERRUPTED = 130  # what a shell calls a process that Ctrl-C ended


def settings_from_environment(*, serving: bool, solving: Path | None = None) -> Settings:
    """The environment over .env, all of it or a list of what is wrong."""
    found = environment(solving=solving)
    for wrong in unread(found):
        click.echo(f"{wrong.name} is set, and nobody reads it. {meant(wrong)}", err=True)
    try:
        return Settings.from_env(found, serving=serving)
    except SettingsError as error:
        raise click.ClickException("\n  ".join(["these settings need you:", *error.problems])) from error


def run(
    work: Coroutine[Any, Any, int | None],
    on_a_loop: Callable[[Coroutine[Any, Any, int | None]], int | None] = asyncio.run,
) -> None:
    """Errors that a person can mend become one line; Ctrl-C ends without a traceback."""
    try:
        sys.exit(on_a_loop(work) or 0)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except CannotListen as error:
        raise Unusable(f"{error}\n{error.remedy}") from error
    except Unfit as error:
        lines = [f"{finding.what}: {finding.found}. {finding.remedy}" for finding in error.findings]
        raise click.ClickException("\n  ".join(["this cannot work:", *lines])) from error
    except (WorldError, Unsolvable, WrongSchema) as error:
        remedy = getattr(error, "remedy", "")
        raise click.ClickException(f"{error}\n{remedy}".strip()) from error


class Unusable(click.ClickException):
    """What was given cannot be used."""

    exit_code = 2  # as click has it for its own arguments


def configure_logging(settings: Settings) -> None:
    logs.configure(format=settings.log_format, level=settings.log_level, redact=Redactor(settings.secrets))


def with_store(settings: Settings, work: Callable[[Store], Coroutine[Any, Any, None]]) -> None:
    from bot import adapters

    async def connected() -> None:
        async with adapters.the_store(settings) as store:
            await work(store)

    run(connected())


class Commands(click.Group):
    """What any of them says as it fails holds no secret: libraries quote addresses, and what was sent."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error)["message"] = Redactor(secret_texts(environment()))(error.message)
            raise
