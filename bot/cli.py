"""solvebot: the command line. Parsing and printing only; what the commands do is elsewhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click
import uvloop
from rich.console import Console
from rich.table import Table

from bot import __version__, app, logs
from bot.core.model import ModelSpec, Prices
from bot.engine import EngineError
from bot.ports import Store, WorldError
from bot.settings import Settings, SettingsError, environment, top_of
from bot.store.migrate import WrongSchema, migrate
from bot.web.listening import CannotListen

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
    except (WorldError, EngineError, WrongSchema) as error:
        remedy = getattr(error, "remedy", "")
        raise click.ClickException(f"{error}\n{remedy}".strip()) from error


class _Unusable(click.ClickException):
    """What was given cannot be used."""

    exit_code = 2  # as click has it for its own arguments


def _logging(settings: Settings) -> None:
    logs.configure(format=settings.log_format, level=settings.log_level, redact=app.redactor(settings))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """An issue goes in, the champion of several sandboxed attempts comes out as a pull request."""


@main.command()
def serve() -> None:
    """Receive webhooks and do the work, in one process."""
    settings = _settings(serving=True)
    _logging(settings)
    _run(app.serve(settings))


@main.command()
def web() -> None:
    """Receive webhooks only; `solvebot worker` does the work, on the same database."""
    settings = _settings(serving=True)
    _logging(settings)
    _run(app.serve_web(settings), uvloop.run)  # whose way of starting processes does not suit the sandboxes


@main.command()
def worker() -> None:
    """Do the work only; `solvebot web` receives, on the same database."""
    settings = _settings(serving=True)
    _logging(settings)
    _run(app.serve_work(settings))


@main.command()
@click.option("--keep", is_flag=True, help="Leave everything running at the end, and print the addresses.")
def demo(keep: bool) -> None:
    """The main job in front of you, without any account."""
    from bot.demo.stage import demo as play

    logs.configure(format="console", level="ERROR", redact=lambda text: text)
    _run(play(Console(), keep=keep))


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
    from bot.terminal import solve_here

    settings = _settings(serving=False, solving=path)
    if settings.data.resolve().is_relative_to(top_of(path)):
        raise click.ClickException(
            f"DATA_DIR is {settings.data.absolute()}, which is in the clone: what a repository brings along must not "
            "be taken for ours.\nSet DATA_DIR to a directory elsewhere, or run this from one. (.env is not read here.)"
        )
    logs.configure(format="console", level="ERROR", redact=app.redactor(settings))
    options = SolveOptions(models=models, attempts=attempts, dollars=budget, repro=repro)
    _run(solve_here(settings, path, issue, options))


@main.command()
@click.option("-e", "--event", required=True, envvar="GITHUB_EVENT_NAME", help="issues, issue_comment, ...")
@click.option(
    "-p", "--payload", required=True, envvar="GITHUB_EVENT_PATH",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)  # fmt: skip
def receive(event: str, payload: Path) -> None:
    """Feed one payload, as if GitHub had delivered it, and work until nothing of it is left to do."""
    from bot.terminal import receive_one

    settings = _settings(serving=True)
    _logging(settings)
    _run(receive_one(settings, event, payload.read_bytes()))


@main.command()
def doctor() -> None:
    """Check what can be checked now, and say what to do about the rest."""
    from bot.doctor import examine

    _run(examine(environment(), Console()))


@main.command("migrate")
def migrate_() -> None:
    """Bring the database to the tables that this version knows. `serve` and `worker` do it by themselves."""
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


def _with_store(work: Callable[[Store], Coroutine[Any, Any, None]]) -> None:
    settings = _settings(serving=False)

    async def connected() -> None:
        async with app.the_store(settings) as store:
            await work(store)

    _run(connected())


@models.command("list")
def models_list() -> None:
    """All models; prices are dollars per million tokens."""

    async def show(store: Store) -> None:
        table = Table("name", "provider", "model", "input", "output", "prior", "active")
        for spec in await store.models(active_only=False):
            prices = (f"{spec.prices.input:g}", f"{spec.prices.output:g}") if spec.prices else ("unknown", "unknown")
            table.add_row(
                spec.name, spec.provider, spec.model_id, *prices, f"{spec.prior:.2f}", "yes" if spec.is_active else "no"
            )
        Console().print(table)

    _with_store(show)


@models.command("add")
@click.argument("name")
@click.argument("model_id")
@click.option("--provider", default="openrouter", show_default=True)
@click.option("--input", "input_price", type=float, help="Dollars per million tokens.")
@click.option("--output", "output_price", type=float, help="Dollars per million tokens.")
@click.option("--temperature", type=click.FloatRange(0, 2))
@click.option("--max-tokens", type=click.IntRange(min=1))
@click.option("--prior", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Share it solves alone.")
def models_add(name: str, model_id: str, provider: str, input_price: float | None, output_price: float | None,
               temperature: float | None, max_tokens: int | None, prior: float) -> None:  # fmt: skip
    """Add a model, or change one. NAME is what people type, MODEL_ID what the provider calls it."""
    if (input_price is None) != (output_price is None):
        raise click.UsageError("give both --input and --output, or neither")
    prices = Prices(input_price, output_price) if input_price is not None and output_price is not None else None
    spec = ModelSpec(name, provider, model_id, temperature, max_tokens, prices, prior)

    async def save(store: Store) -> None:
        await store.save_model(spec)
        click.echo(f"{name} is in the catalogue.")

    _with_store(save)


@models.command("disable")
@click.argument("name")
def models_disable(name: str) -> None:
    """Nobody may ask for it any more."""

    async def disable(store: Store) -> None:
        if not await store.disable_model(name):
            raise click.ClickException(f"there is no model {name}; `solvebot models list` shows all")
        click.echo(f"{name} is disabled.")

    _with_store(disable)


if __name__ == "__main__":
    main()
