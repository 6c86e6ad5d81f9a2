"""solvebot remote: the same questions and requests, put to a server. Parsing and printing only."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from bot.ports import Unsolvable

if TYPE_CHECKING:
    from bot.remote import Remote

_JSON = click.option("--json", "as_json", is_flag=True, help="As the server says it, for programs.")


@click.group()
@click.option("--url", envvar="SOLVEBOT_URL", required=True, help="Of the server. SOLVEBOT_URL.")
@click.option("--token", envvar="SOLVEBOT_TOKEN", required=True, help="Better as SOLVEBOT_TOKEN: others see arguments.")
@click.pass_context
def remote(context: click.Context, url: str, token: str) -> None:
    """Ask a Solvebot on another machine, through its API."""
    from bot.remote import Remote

    context.obj = context.with_resource(Remote(url, token))


class _Command(click.Command):
    """What the server refuses is one line, and what to do another."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except Unsolvable as error:
            raise click.ClickException(str(error)) from error


@remote.command(cls=_Command)
@click.option("--repository", default="", help="owner/name")
@click.option("--person", default="", help="The login of who asked.")
@click.option("--state", default="", help="active, published, no-champion, failed, cancelled, merged, closed, reverted")
@click.option("--search", default="", help="In titles of issues.")
@click.option("--size", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--after", default="", help="`next` of the page before.")
@_JSON
@click.pass_obj
def solves(
    server: Remote, repository: str, person: str, state: str, search: str, size: int, after: str, as_json: bool
) -> None:
    """Solves of repositories that you may read, the newest first."""
    page = server.get(
        "/solves", repository=repository, person=person, state=state, search=search, size=size, after=after
    )
    rows = [
        (row["id"], f"{row['repo']['name']}#{row['issue']}", row["status"], f"${row['dollars']:.2f}", row["title"])
        for row in page["items"]
    ]
    _show(page, ("id", "issue", "state", "cost", "title"), rows, as_json)
    if page["next"] and not as_json:
        click.echo(f"More: --after {page['next']}")


@remote.command(cls=_Command)
@click.argument("id")
@_JSON
@click.pass_obj
def show(server: Remote, id: str, as_json: bool) -> None:
    """A solve and its runs."""
    found = server.get(f"/solves/{id}")
    rows = [
        (run["letter"], run["model"], run["status"], str(run["steps"]), f"${run['dollars']:.2f}", run["verdict"])
        for run in found["runs"]
    ]
    if not as_json:
        about = found["summary"]
        click.echo(f"{about['repo']['name']}#{about['issue']}: {about['title']}\n{found['phase']} {about['pull_url']}")
        if about["error"]:
            click.echo(about["error"])
    _show(found, ("", "model", "state", "steps", "cost", ""), rows, as_json)


@remote.command(cls=_Command)
@click.argument("id")
@_JSON
@click.pass_obj
def decision(server: Remote, id: str, as_json: bool) -> None:
    """What was decided, and what counted for each candidate."""
    found = server.get(f"/solves/{id}/decision")
    rows = [
        (each["letter"], f"{100 * each['chance']:.0f} %", each["verdict"], _terms(each["terms"]))
        for each in found["candidates"]
    ]
    _show(found, ("", "chance", "", "log-odds"), rows, as_json)
    if not as_json:
        for reason in (*found["reasons"], *found["uncertain"]):
            click.echo(f"- {reason}")


@remote.command(cls=_Command)
@click.argument("id")
@click.argument("letter")
@click.pass_obj
def patch(server: Remote, id: str, letter: str) -> None:
    """The patch of candidate LETTER, for `git apply`."""
    click.echo(server.text(f"/solves/{id}/runs/{letter}/patch"), nl=False)


@remote.command(cls=_Command)
@click.argument("issue")
@click.option("--model", "models", multiple=True, help="May be repeated.")
@click.option("--attempts", type=click.IntRange(1, 8))
@click.option("--budget", type=float, help="Dollars, at most.")
@click.option("--repro", help="A command that fails now and must pass.")
@click.option("--follow", is_flag=True, help="Tell what happens until it is over.")
@_JSON
@click.pass_obj
def start(
    server: Remote,
    issue: str,
    models: Sequence[str],
    attempts: int | None,
    budget: float | None,
    repro: str | None,
    follow: bool,
    as_json: bool,
) -> None:
    """Solve ISSUE, the address of one."""
    given = {"models": list(models), "attempts": attempts, "budget": budget, "repro": repro}
    options = {name: value for name, value in given.items() if value}
    answered = _ask(server, "/solves", {"issue": issue, "options": options}, as_json)
    if follow:
        _tell(server, answered["solve"], as_json)


@remote.command(cls=_Command)
@click.argument("id")
@_JSON
@click.pass_obj
def follow(server: Remote, id: str, as_json: bool) -> None:
    """Tell what happens in a solve until it is over."""
    _tell(server, id, as_json)


@remote.command(cls=_Command)
@click.argument("id")
@_JSON
@click.pass_obj
def cancel(server: Remote, id: str, as_json: bool) -> None:
    """End a solve."""
    _ask(server, f"/solves/{id}/cancel", None, as_json)


@remote.command(cls=_Command)
@click.argument("id")
@_JSON
@click.pass_obj
def retry(server: Remote, id: str, as_json: bool) -> None:
    """Solve the same issue again."""
    _ask(server, f"/solves/{id}/retry", None, as_json)


@remote.command(cls=_Command)
@click.argument("id")
@click.argument("letter")
@_JSON
@click.pass_obj
def use(server: Remote, id: str, letter: str, as_json: bool) -> None:
    """Put candidate LETTER in the place of the champion."""
    _ask(server, f"/solves/{id}/use", {"candidate": letter}, as_json)


@remote.command(cls=_Command)
@click.argument("id")
@click.argument("letter", default="")
@_JSON
@click.pass_obj
def approve(server: Remote, id: str, letter: str, as_json: bool) -> None:
    """Publish the champion that waits for approval, or candidate LETTER."""
    _ask(server, f"/solves/{id}/approve", {"candidate": letter}, as_json)


@remote.command(cls=_Command)
@click.argument("id")
@click.argument("why", default="")
@_JSON
@click.pass_obj
def reject(server: Remote, id: str, why: str, as_json: bool) -> None:
    """Publish nothing of what waits for approval."""
    _ask(server, f"/solves/{id}/reject", {"why": why}, as_json)


@remote.command(cls=_Command)
@click.argument("id")
@click.argument("text")
@_JSON
@click.pass_obj
def revise(server: Remote, id: str, text: str, as_json: bool) -> None:
    """Change the open pull request as TEXT says."""
    _ask(server, f"/solves/{id}/revise", {"text": text}, as_json)


@remote.command(cls=_Command)
@click.option("--by", type=click.Choice(["day", "repository", "model", "person"]), default="day", show_default=True)
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True)
@_JSON
@click.pass_obj
def usage(server: Remote, by: str, days: int, as_json: bool) -> None:
    """Dollars and hours, in repositories that you may read."""
    found = server.get("/usage", by=by, days=days)
    rows = [
        (row["key"], str(row["solves"]), str(row["runs"]), f"${row['dollars']:.2f}", f"{row['hours']:.1f}")
        for row in found
    ]
    _show(found, (by, "solves", "runs", "cost", "hours"), rows, as_json)


@remote.command(cls=_Command)
@click.argument("path")
@click.pass_obj
def get(server: Remote, path: str) -> None:
    """What the API says at PATH, such as /queue, /models or /settings; as JSON."""
    click.echo(json.dumps(server.get("/" + path.lstrip("/")), indent=2, ensure_ascii=False))


def _ask(server: Remote, path: str, body: object, as_json: bool) -> Mapping[str, Any]:
    answered: Mapping[str, Any] = server.answer(server.post(path, body))
    click.echo(json.dumps(answered, ensure_ascii=False) if as_json else answered["answer"])
    return answered


def _tell(server: Remote, solve: str, as_json: bool) -> None:
    for event in server.follow(solve):
        if as_json:
            click.echo(json.dumps(event.data, ensure_ascii=False))
            continue
        told = " ".join(f"{name}={value}" for name, value in event.data["data"].items())
        click.echo(" ".join(filter(None, (event.kind, event.data["run"], _plain(told)))))
    sys.stdout.flush()


def _show(found: object, heads: Sequence[str], rows: Sequence[Sequence[str]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    from rich.markup import escape
    from rich.table import Table

    from bot.terminal_tables import console

    table = Table(box=None)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_plain(cell)) for cell in row))
    console().print(table)


def _terms(terms: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(f"{term['name']} {term['log_odds']:+.2f}" for term in terms)


def _plain(text: str) -> str:
    """On one line, and nothing that a terminal would obey."""
    from bot.core.text.cleaning import visible

    return " ".join(visible(text).split())
