"""solvebot: the command line. Parsing and printing only; what the commands do is elsewhere."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from bot import __version__, logs
from bot.core.model import UNKNOWN_PRIOR, ModelSpec, Prices
from bot.core.text.outgoing import Redactor
from bot.findings import Unfit
from bot.ports import Store, Unsolvable, WorldError
from bot.settings import Settings, SettingsError, environment, top_of
from bot.store.schema import WrongSchema
from bot.web.listening import CannotListen

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from starlette.types import ASGIApp

    from bot.app import Lending
    from bot.inbox import Inbox
    from bot.store.store import SqlStore

MAX_PRICE = 1e6  # dollars per million tokens; more is a mistake
INTERRUPTED = 130  # what a shell calls a process that Ctrl-C ended


def _settings(*, serving: bool, solving: Path | None = None) -> Settings:
    """The environment over .env, all of it or a list of what is wrong."""
    try:
        return Settings.from_env(environment(solving=solving), serving=serving)
    except SettingsError as error:
        raise click.ClickException("\n  ".join(["these settings need you:", *error.problems])) from error


def _run(
    work: Coroutine[Any, Any, int | None],
    on_a_loop: Callable[[Coroutine[Any, Any, int | None]], int | None] = asyncio.run,
) -> None:
    """Errors that a person can mend become one line; Ctrl-C ends without a traceback."""
    try:
        sys.exit(on_a_loop(work) or 0)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except CannotListen as error:
        raise _Unusable(f"{error}\n{error.remedy}") from error
    except Unfit as error:
        lines = [f"{finding.what}: {finding.found}. {finding.remedy}" for finding in error.findings]
        raise click.ClickException("\n  ".join(["this cannot work:", *lines])) from error
    except (WorldError, Unsolvable, WrongSchema) as error:
        remedy = getattr(error, "remedy", "")
        raise click.ClickException(f"{error}\n{remedy}".strip()) from error


class _Unusable(click.ClickException):
    """What was given cannot be used."""

    exit_code = 2  # as click has it for its own arguments


def _logging(settings: Settings) -> None:
    logs.configure(format=settings.log_format, level=settings.log_level, redact=Redactor(settings.secrets))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """An issue goes in, the champion of several sandboxed attempts comes out as a pull request."""


@main.command()
def serve() -> None:
    """Receive webhooks and do the work, in one process."""
    from bot import app, checks

    settings = _settings(serving=True)
    _logging(settings)
    _run(app.serve(settings, first=checks.refuse_what_cannot_work))


@main.command()
def web() -> None:
    """Receive webhooks only; `solvebot worker` does the work, on the same database."""
    import uvloop  # whose way of starting processes does not suit the sandboxes

    from bot.web.receiving import receive

    settings = _settings(serving=True)
    _logging(settings)
    _run(receive(settings, first=_refuse_what_cannot_receive, behind=_api_alone, pages=_pages_alone), uvloop.run)


async def _api_alone(settings: Settings, inbox: Inbox, stack: AsyncExitStack) -> ASGIApp:
    """Loaded beside the loop, when somebody first asks for it."""
    onlookers = await asyncio.to_thread(import_module, "bot.onlookers")
    app: ASGIApp = await onlookers.open_api_alone(settings, inbox, stack)
    return app


async def _pages_alone(settings: Settings, inbox: Inbox, stack: AsyncExitStack) -> ASGIApp:
    opening = await asyncio.to_thread(import_module, "bot.pages")
    app: ASGIApp = await opening.open_pages_alone(settings, inbox, stack)
    return app


async def _refuse_what_cannot_receive(settings: Settings) -> None:
    """What is wrong is told with all else that is; only for that all of the bot is loaded."""
    from bot.web.receiving import may_receive

    if not may_receive(settings):
        from bot.checks import refuse_what_cannot_work

        await refuse_what_cannot_work(settings)


@main.command()
def worker() -> None:
    """Do the work only; `solvebot web` receives, on the same database."""
    from bot import app, checks

    settings = _settings(serving=True)
    _logging(settings)
    _run(app.serve_work(settings, first=checks.refuse_what_cannot_work))


@main.command()
@click.option("--keep", is_flag=True, help="Leave everything running at the end, and print the addresses.")
@click.option(
    "--sandbox",
    type=click.Choice(["bubblewrap", "e2b"]),
    default="bubblewrap",
    help="Where commands run: this machine's sandboxes, or E2B's SDK against a simulator of E2B.",
)
def demo(keep: bool, sandbox: str) -> None:
    """The main job in front of you, without any account."""
    from bot.demo.stage import demo as play
    from bot.terminal_tables import console

    logs.configure(format="console", level="ERROR", redact=Redactor())
    _run(play(console(piped=100), keep=keep, sandbox=sandbox))


def _refuse_without_model_key(settings: Settings) -> None:
    if not settings.model_key.reveal():
        raise click.ClickException(
            "MODEL_API_KEY is missing: the key for MODEL_BASE_URL. (.env is not read in the clone.)"
        )


def _refuse_data_in(path: Path, settings: Settings) -> None:
    if settings.data.resolve().is_relative_to(top_of(path)):
        raise click.ClickException(
            f"DATA_DIR is {settings.data.absolute()}, which is in the clone: what a repository brings along must not "
            "be taken for ours.\nSet DATA_DIR to a directory elsewhere, or run this from one. (.env is not read here.)"
        )


@main.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--issue", "issue", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", "models", multiple=True, help="A name of `solvebot models list`; may be repeated.")
@click.option("--attempts", type=click.IntRange(1, 8), help="Number of runs.")
@click.option("--budget", type=click.FloatRange(min=0, min_open=True), help="Dollars, at most.")
@click.option("--repro", help="A command that fails now and must pass.")
def solve(
    path: Path, issue: Path, models: tuple[str, ...], attempts: int | None, budget: float | None, repro: str | None
) -> None:
    """Solve an issue of a clone on this disk, without GitHub: the champion becomes a new branch.

    ISSUE is a Markdown file; its first heading is the title. The status goes to stderr, the decision to stdout.
    """
    from bot.core.model import SolveOptions
    from bot.local_solve import solve_here

    settings = _settings(serving=False, solving=path)
    _refuse_without_model_key(settings)
    _refuse_data_in(path, settings)
    logs.configure(format="console", level="ERROR", redact=Redactor(settings.secrets))
    options = SolveOptions(models=models, attempts=attempts, dollars=budget, repro=repro)
    _run(solve_here(settings, path, issue, options))


@main.command("environment")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Write the configuration into the clone, as .github/solvebot.yml.")
@click.option("--json", "as_json", is_flag=True, help="Print all that was seen, as JSON, instead of the configuration.")
@click.option("--agent", is_flag=True, help="Where no plan holds, let a model look for one. It costs money.")
def environment_(path: Path, write: bool, as_json: bool, agent: bool) -> None:
    """Set a clone up and run its tests, as a solve would, and say what was found. Without --agent no model is asked.

    What is tried goes to stderr, the .github/solvebot.yml that says what was found to stdout.
    """
    from bot.environment_command import environment_here

    settings = _settings(serving=False, solving=path)
    if agent:
        _refuse_without_model_key(settings)
    _refuse_data_in(path, settings)
    logs.configure(format="console", level="ERROR", redact=Redactor(settings.secrets))
    _run(environment_here(settings, path, write=write, as_json=as_json, agent=agent))


@main.command()
@click.option("-e", "--event", required=True, envvar="GITHUB_EVENT_NAME", help="issues, issue_comment, ...")
@click.option(
    "-p", "--payload", required=True, envvar="GITHUB_EVENT_PATH",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)  # fmt: skip
def receive(event: str, payload: Path) -> None:
    """Feed one payload, as if GitHub had delivered it, and work until nothing of it is left to do."""
    from bot.local_solve import receive_one

    settings = _settings(serving=True)
    _logging(settings)
    _run(receive_one(settings, event, payload.read_bytes()))


def _address(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return text.removesuffix("/").removesuffix("/webhook")
    except ValueError:
        pass
    raise click.BadParameter(f"{text!r} is no address; it starts with https://")


def _addresses(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_address(context, parameter, text) for text in texts)


@main.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=8002, show_default=True, help="On loopback. 0: any.")
def setup(port: int) -> None:
    """Register the App, install it and try the keys, in a browser; what comes of it is written to .env.

    Without a browser on this machine it prints the address and waits.
    """
    from bot.onboarding.command import set_up

    settings = _settings(serving=False)
    logs.configure(format="console", level="ERROR", redact=Redactor(settings.secrets))
    _run(set_up(Path(".env"), environment, port, click.echo))


@main.command()
@click.option("--json", "as_json_", is_flag=True, help="All findings as JSON, for programs.")
def doctor(as_json_: bool) -> None:
    """Check what can be checked now, and say what to do about the rest."""
    from rich.console import Console

    from bot.doctor import as_json, examine

    _run(as_json(environment(), click.echo) if as_json_ else examine(environment(), Console()))


@main.command()
@click.argument("url", callback=_address)
@click.option(
    "--operators", multiple=True, callback=_addresses, help="Where a process answers /metrics; may be repeated."
)
@click.option(
    "--ca", type=click.Path(exists=True, dir_okay=False), help="A certificate to trust, as of an internal CA."
)
@click.option("--json", "as_json", is_flag=True, help="For pipelines.")
def check(url: str, operators: tuple[str, ...], ca: str | None, as_json: bool) -> None:
    """Look at a deployment from outside. Sends nothing that starts anything.

    URL is what GitHub calls, without /webhook. With GITHUB_WEBHOOK_SECRET it is sent a signed ping. Exit codes: 0 all
    is well, 1 something is broken, 2 wrong use, 3 nothing is broken but not all could be looked at.
    """
    from rich.console import Console

    from bot.deployment import Deployment, examine

    secret = environment().get("GITHUB_WEBHOOK_SECRET", "").split(",")[0].strip().encode()
    _run(examine(Deployment(url, operators, secret, ca or ""), Console(), as_json=as_json))


@main.command("migrate")
def migrate_() -> None:
    """Bring the database to the tables that this version knows. `serve` and `worker` do it by themselves."""
    from bot.store.migrate import migrate

    settings = _settings(serving=False)
    settings.data.mkdir(parents=True, exist_ok=True)
    try:
        migrate(settings.store_url)
    except (WorldError, WrongSchema) as error:
        raise click.ClickException(str(error)) from error
    click.echo("The database is up to date.")


@main.group()
def models() -> None:
    """The catalogue of models: what people may ask for, and what it costs."""


def _with_store(settings: Settings, work: Callable[[Store], Coroutine[Any, Any, None]]) -> None:
    from bot import app

    async def connected() -> None:
        async with app.the_store(settings) as store:
            await work(store)

    _run(connected())


@models.command("list")
def models_list() -> None:
    """All models. Prices are dollars per million tokens, the prior is the share of issues that it solves alone.

    Below them, shares that were published, also of models that can be added.
    """
    from bot.agent.catalogue import PUBLISHED
    from bot.terminal_tables import catalogue, console, published

    async def show(store: Store) -> None:
        found = await store.models(active_only=False)
        console().print(catalogue(found))
        console().print(published(PUBLISHED, found))

    _with_store(_settings(serving=False), show)


@models.command("record")
def models_record() -> None:
    """What people did with each model's champions, and how that moves its prior. It stays on this server."""
    from bot.terminal_tables import console, record

    async def show(store: Store) -> None:
        console().print(record(await store.models(active_only=False), await store.record()))

    _with_store(_settings(serving=False), show)


def _one_word(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """What goes into comma lists, commands and tables."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@+~-]{0,99}", text):
        raise click.BadParameter(
            f"{text!r} is no name: begin with a letter or a digit, and use only those and . _ - : / @ + ~, at most 100."
        )
    return text


def _price(_context: click.Context, _parameter: click.Parameter, price: float | None) -> float | None:
    if price is None or 0 <= price < MAX_PRICE:  # neither is what is not a number
        return price
    raise click.BadParameter(f"{price:g} is no price: use dollars per million tokens, from 0 to {MAX_PRICE:g}.")


@models.command("add")
@click.argument("name", callback=_one_word)
@click.argument("model_id", callback=_one_word)
@click.option("--provider", default="openrouter", show_default=True, callback=_one_word, help="As in MODEL_PROVIDER.")
@click.option("--input", "input_price", type=float, callback=_price, help="Dollars per million tokens.")
@click.option("--output", "output_price", type=float, callback=_price, help="Dollars per million tokens.")
@click.option("--temperature", type=click.FloatRange(0, 2))
@click.option("--max-tokens", type=click.IntRange(min=1))
@click.option("--prior", type=click.FloatRange(0, 1), default=UNKNOWN_PRIOR, show_default=True, help="Share it solves.")
def models_add(name: str, model_id: str, provider: str, input_price: float | None, output_price: float | None,
               temperature: float | None, max_tokens: int | None, prior: float) -> None:  # fmt: skip
    """Add a model, or change one. NAME is what people type, MODEL_ID what the provider calls it."""
    if (input_price is None) != (output_price is None):
        raise click.UsageError("give both --input and --output, or neither")
    prices = Prices(input_price, output_price) if input_price is not None and output_price is not None else None
    spec = ModelSpec(name, provider, model_id, temperature, max_tokens, prices, prior)
    settings = _settings(serving=False)

    async def save(store: Store) -> None:
        await _refuse_twin(store, name)
        await store.save_model(spec)
        click.echo(f"{name} is in the catalogue.")
        for hint in _what_it_lacks(spec, settings):
            click.echo(hint)

    _with_store(settings, save)


async def _refuse_twin(store: Store, name: str) -> None:
    """People's upper and lower case do not count, so one of the two could never be asked for."""
    names = [spec.name for spec in await store.models(active_only=False)]
    twin = next((other for other in names if other != name and other.lower() == name.lower()), None)
    if twin is not None:
        raise click.ClickException(f"there is {twin} already, and upper and lower case are the same to who asks for it")


def _what_it_lacks(spec: ModelSpec, settings: Settings) -> Iterator[str]:
    """What keeps it from being used, a sentence each."""
    if spec.prices is None and not settings.allow_unknown_prices:
        yield (
            "Its price is unknown, so no budget could be kept and it will not be used. "
            "Add it again with --input and --output, or set ALLOW_UNKNOWN_PRICES=true."
        )
    if spec.provider != settings.model_provider:
        yield f"This server has a key for {settings.model_provider} only (MODEL_PROVIDER), not for {spec.provider}."


@models.command("enable")
@click.argument("name")
def models_enable(name: str) -> None:
    """People may ask for it again."""

    async def enable(store: Store) -> None:
        known = {spec.name: spec for spec in await store.models(active_only=False)}
        if name not in known:
            raise _no_such_model(name)
        await store.save_model(replace(known[name], is_active=True))
        click.echo(f"{name} is enabled.")

    _with_store(_settings(serving=False), enable)


@models.command("disable")
@click.argument("name")
def models_disable(name: str) -> None:
    """Nobody may ask for it any more."""

    async def disable(store: Store) -> None:
        if not await store.disable_model(name):
            raise _no_such_model(name)
        click.echo(f"{name} is disabled.")

    _with_store(_settings(serving=False), disable)


def _no_such_model(name: str) -> click.ClickException:
    return click.ClickException(f"there is no model {name}; `solvebot models list` shows all")


@main.group()
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
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="It is valid for so long.")
def tokens_create(login: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make one for the person whom GitHub calls LOGIN. It is printed once, and kept nowhere."""
    settings = _settings(serving=True)

    async def make(store: SqlStore) -> None:
        from bot import tokens_command
        from bot.clock import SYSTEM_CLOCK
        from bot.core.access import Scope

        owner = await tokens_command.person(settings, store, login)
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

    _with_sql_store(_settings(serving=False), show)


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

    _with_sql_store(_settings(serving=False), end)


def _with_sql_store(settings: Settings, work: Callable[[SqlStore], Coroutine[Any, Any, None]]) -> None:
    from bot import app

    async def connected() -> None:
        async with app.the_store(settings) as store:
            await work(store)

    _run(connected())


@main.group()
def sandboxes() -> None:
    """What services lend us: for when something is wrong with them. The worker tidies up by itself."""


def _with_lending(work: Callable[[Lending, Store, Settings], Coroutine[Any, Any, int | None]]) -> None:
    from bot import app

    settings = _settings(serving=False)
    if "e2b" not in settings.sandbox:
        raise click.ClickException("no service lends us sandboxes: SANDBOX does not name e2b")
    logs.configure(format="console", level="ERROR", redact=Redactor(settings.secrets))

    async def connected() -> int | None:
        async with app.the_store(settings) as store, app.lending(settings, store) as lending:
            return await work(lending, store, settings)

    _run(connected())


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


if __name__ == "__main__":
    main(prog_name="solvebot")
