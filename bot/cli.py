"""solvebot: the command line. Parsing and printing only; what the commands do is elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
from click.shell_completion import get_completion_class

from bot import __version__, logs
from bot.command_line import Commands, configure_logging, run, settings_from_environment, with_store
from bot.core.text.outgoing import Redactor
from bot.models_cli import models
from bot.ports import Store, WorldError
from bot.remote_cli import remote
from bot.sandboxes_cli import sandboxes
from bot.settings import Settings, environment, environment_in, top_of
from bot.store.schema import WrongSchema
from bot.tokens_cli import tokens

if TYPE_CHECKING:
    pass


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """An issue goes in, the champion of several sandboxed attempts comes out as a pull request."""


@main.command()
def serve() -> None:
    """Receive webhooks and do the work, in two processes, of which one starts the other."""
    from bot import app, checks

    settings = settings_from_environment(serving=True)
    configure_logging(settings)
    run(app.serve(settings, first=checks.refuse_what_cannot_work))


@main.command()
def web() -> None:
    """Receive webhooks only; `solvebot worker` does the work, on the same database."""
    import uvloop  # whose way of starting processes does not suit the sandboxes

    from bot.receiver_process import api_alone, pages_alone
    from bot.web.receiving import receive

    settings = settings_from_environment(serving=True)
    configure_logging(settings)
    run(receive(settings, first=_refuse_what_cannot_receive, behind=api_alone, pages=pages_alone), uvloop.run)


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

    settings = settings_from_environment(serving=True)
    configure_logging(settings)
    run(app.serve_work(settings, first=checks.refuse_what_cannot_work))


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
    run(play(console(piped=100), keep=keep, sandbox=sandbox))


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

    settings = settings_from_environment(serving=False, solving=path)
    _refuse_without_model_key(settings)
    _refuse_data_in(path, settings)
    logs.configure(format="console", level="ERROR", redact=Redactor(settings.secrets))
    options = SolveOptions(models=models, attempts=attempts, dollars=budget, repro=repro)
    run(solve_here(settings, path, issue, options))


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

    settings = settings_from_environment(serving=False, solving=path)
    if agent:
        _refuse_without_model_key(settings)
    _refuse_data_in(path, settings)
    logs.configure(format="console", level="ERROR", redact=Redactor(settings.secrets))
    run(environment_here(settings, path, write=write, as_json=as_json, agent=agent))


@main.command()
@click.option("-e", "--event", required=True, envvar="GITHUB_EVENT_NAME", help="issues, issue_comment, ...")
@click.option(
    "-p", "--payload", required=True, envvar="GITHUB_EVENT_PATH",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)  # fmt: skip
def receive(event: str, payload: Path) -> None:
    """Feed one payload, as if GitHub had delivered it, and work until nothing of it is left to do."""
    from bot.local_solve import receive_one

    settings = settings_from_environment(serving=True)
    configure_logging(settings)
    run(receive_one(settings, event, payload.read_bytes()))


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

    settings = settings_from_environment(serving=False)
    logs.configure(format="console", level="ERROR", redact=Redactor(settings.secrets))
    run(set_up(Path(".env"), environment, port, click.echo))


@main.command()
@click.option("--json", "as_json_", is_flag=True, help="All findings as JSON, for programs.")
def doctor(as_json_: bool) -> None:
    """Check what can be checked now, and say what to do about the rest."""
    from rich.console import Console

    from bot.doctor import as_json, examine

    run(as_json(environment(), click.echo) if as_json_ else examine(environment(), Console()))


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
    run(examine(Deployment(url, operators, secret, ca or ""), Console(), as_json=as_json))


_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@main.command()
@click.argument("url", callback=_address)
@click.option("--root", required=True, type=_DIRECTORY, help="Where .env is, and releases go.")
@click.option("--source", default=".", type=_DIRECTORY, help="A clone of the version.", show_default=True)
@click.option("--web", type=click.IntRange(1, 20), default=2, show_default=True, help="Receivers.")
@click.option("--worker", type=click.IntRange(1, 20), default=1, show_default=True, help="Several: with PostgreSQL.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False), help="A certificate to trust, too.")
def up(url: str, root: Path, source: Path, web: int, worker: int, ca: str | None) -> None:
    """Bring this version up in ROOT, in place of the one before: one process at a time, and back if it does not do.

    URL is what GitHub calls, without /webhook. Settings are ROOT/.env. A proxy such as deploy/Caddyfile has to ask all
    receivers: PORT, PORT+10, ...; each has its METRICS_PORT behind it, and workers follow.
    """
    from bot.clock import SYSTEM_CLOCK
    from bot.rollout.up import UpOptions, roll_out

    root, env = root.absolute(), environment_in(root)
    if worker > 1 and not env.get("DATABASE_URL"):
        raise click.UsageError("more than one worker needs a DATABASE_URL: postgresql://...")
    options = UpOptions(root, source.absolute(), web, worker, url, str(Path(ca).absolute()) if ca else "")
    run(roll_out(options, env, SYSTEM_CLOCK.now(), click.echo))


@main.command("migrate")
def migrate_() -> None:
    """Bring the database to the tables that this version knows. `serve` and `worker` do it by themselves."""
    from bot.store.migrate import migrate

    settings = settings_from_environment(serving=False)
    settings.data.mkdir(parents=True, exist_ok=True)
    try:
        migrate(settings.store_url)
    except (WorldError, WrongSchema) as error:
        raise click.ClickException(str(error)) from error
    click.echo("The database is up to date.")


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete these commands: eval "$(solvebot completion bash)" in its start file."""
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(main, {}, "solvebot", "_SOLVEBOT_COMPLETE").source())


@main.command("spending")
def spending_() -> None:
    """What is spent and set aside, of what DAY_DOLLARS, MONTH_DOLLARS and their like allow."""
    from bot.clock import SYSTEM_CLOCK
    from bot.terminal_tables import console, spending

    settings = settings_from_environment(serving=False)

    async def show(store: Store) -> None:
        console().print(spending(await store.spent(settings.budgets, SYSTEM_CLOCK.now())))

    if not settings.budgets:
        raise click.ClickException("no budget is set: DAY_DOLLARS, MONTH_DOLLARS, or one for repositories or people")
    with_store(settings, show)


for group in (models, tokens, sandboxes, remote):
    main.add_command(group)


if __name__ == "__main__":
    main(prog_name="solvebot")
