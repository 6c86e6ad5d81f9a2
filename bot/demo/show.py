"""What the demo shows: in a terminal a picture that changes, elsewhere a line for everything that happens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import msgspec
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.markdown import Markdown, TableElement
from rich.markup import escape
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from bot.core.model import SolveFacts, Status
from bot.core.render.text import count, dollars
from bot.core.solve_status import phase
from bot.demo import repository
from bot.demo.page import write_page
from bot.ports import SandboxUnusable
from bot.settings import Settings
from bot.simulators.github import GitHubSimulator, SimIssue, SimRepository
from bot.simulators.github.state import Comment
from bot.simulators.github.webhooks import Delivery
from bot.terminal_tables import decision, matrix, plain_line, seen, state

LABEL = "solve-me"


def opening(console: Console, issue: SimIssue, settings: Settings) -> None:
    console.print(Rule("[bold]Solvebot demo"))
    console.print(f"Watch it live: {settings.public_url}", soft_wrap=True)
    console.print(
        f"Sign in as [bold]{repository.MAINTAINER}[/]; the simulated GitHub asks for a name and nothing else.\n"
    )
    isolated = not settings.run_untrusted_code_without_isolation
    console.print(
        f"{what_is_real(e2b='e2b' in settings.sandbox, isolated=isolated)} In [bold]{repository.NAME}[/], somebody has "
        f"opened an issue, and [bold]{repository.MAINTAINER}[/] labels it [bold]{LABEL}[/].\n"
    )
    console.print(
        Panel(Markdown(repository.ISSUE_BODY), title=f"{issue} {repository.ISSUE_TITLE}", border_style="yellow")
    )


def what_is_real(*, e2b: bool, isolated: bool) -> str:
    simulated = "GitHub, a provider of models and E2B" if e2b else "GitHub and a provider of models"
    real = "The bot, its database, git and E2B's SDK" if e2b else "The bot, its database and git"
    where = (
        "in this machine's sandboxes" if isolated else "as plain processes, because this machine cannot isolate them"
    )
    return (
        f"{simulated} are simulated on loopback, and what the models answer was written beforehand. {real} are real, "
        f"and so are commands and tests: they run {where}."
    )


def not_isolated(console: Console, unusable: SandboxUnusable) -> None:
    console.print(
        Panel(
            f"This machine cannot isolate sandboxes: {escape(str(unusable))}\n{escape(unusable.remedy)}\n\n"
            "The demo's agents are scripts of our own, so it goes on with plain processes. "
            "[bold]serve[/] would refuse to start here.",
            title="No isolation",
            border_style="red",
        )
    )


class Screen:
    """Deliveries, the matrix of runs and the status comment, as they change. In a terminal they fit into 80x24."""

    def __init__(self, console: Console, github: GitHubSimulator, issue: SimIssue) -> None:
        self._console = console
        self._deliveries = Deliveries(github.webhooks.deliveries)
        self._issue = issue
        self._live = Live(console=console, refresh_per_second=8, transient=True) if console.is_terminal else None
        self._told: set[str] = set()

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, facts: SolveFacts | None) -> None:
        self._deliveries.look()
        if self._live is not None:
            self._live.update(picture(self._deliveries, facts, self._issue.bot_comments))
        else:
            self._tell(facts)

    def _tell(self, facts: SolveFacts | None) -> None:
        """One line for each thing that has not been told yet."""
        for delivery in self._deliveries.of_people:
            self._once(f"webhook    {delivery.event}.{delivery.action or ''} {delivery.guid}")
        if facts is None:
            return
        if line := environment(facts):
            self._once(f"environment {line}")
        for run in facts.runs:
            if run.status is not Status.PENDING:
                letter, model = run.experiment.letter, run.experiment.model.name
                found = f", {seen(run.evidence)}" if run.evidence else ""
                steps = count(run.steps, "step")
                self._once(f"run {letter}      {model}: {state(run)}, {steps}, {dollars(run.dollars)}{found}")
        self._once(f"solve      {facts.id} is {phase(facts).value}")

    def _once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._console.print(line, markup=False, highlight=False)


class Deliveries:
    """What GitHub has sent: because of people, and because of the bot's own doings, which are many."""

    def __init__(self, sent: Sequence[Delivery]) -> None:
        self._sent = sent
        self._looked_at = 0
        self.of_people: list[Delivery] = []
        self.of_the_bot = 0

    def look(self) -> None:
        """At those that are new."""
        new = self._sent[self._looked_at :]
        self._looked_at += len(new)
        for delivery in new:
            sender = msgspec.json.decode(delivery.payload, type=_Sent).sender
            if sender.type == "Bot":
                self.of_the_bot += 1
            else:
                self.of_people.append(delivery)


class _Sender(msgspec.Struct):
    type: str


class _Sent(msgspec.Struct):
    sender: _Sender


def picture(deliveries: Deliveries, facts: SolveFacts | None, comments: Sequence[Comment]) -> RenderableType:
    """At most 21 lines for eight runs; of the comment only what it begins with, since the runs are there already."""
    sent = [
        f"{delivery.event}.{delivery.action or ''}  [dim]{delivery.guid}[/]  → {delivery.status_code or 'under way'}"
        for delivery in deliveries.of_people[-3:]
    ]
    sent.append(
        f"[dim]and {count(deliveries.of_the_bot, 'delivery', 'deliveries')} of the bot's own doings, ignored[/]"
    )
    edits = f", edited {count(len(comments[0].edits), 'time')}" if comments and comments[0].edits else ""
    said = _readable(comments[0].body).strip().split("\n\n")[0] if comments else "_nothing yet_"
    return Group(
        Rule("webhook deliveries", style="blue"),
        *map(Text.from_markup, sent),
        Rule("environment", style="cyan"),
        Text(environment(facts) or "looking for one that holds"),
        Rule("runs", style="cyan"),
        matrix(facts),
        Rule(f"the status comment{edits}", style="green"),
        Markdown(said),
    )


def environment(facts: SolveFacts | None) -> str:
    """What was found, once it is found."""
    if facts is None or facts.toolchain is None or facts.baseline is None:
        return ""
    tests = count(len(facts.baseline.stable), "test")
    return f"{facts.toolchain.why}: {tests} pass, and fail when the code is broken on purpose"


def said_so(issue: SimIssue, facts: SolveFacts) -> bool:
    """The last word stands in the comment, and the reaction was changed with it."""
    return any(reaction.content in ("rocket", "confused") for reaction in issue.reactions) and facts.status.is_over


def published(console: Console, repo: SimRepository, facts: SolveFacts, problems: list[str]) -> None:
    """What was made of it."""
    console.print(decision(facts))
    for pull in repo.pulls:
        title = f"pull request #{pull.number}: {pull.title}"
        console.print(Panel(_Page(_readable(folded(pull.state.body or ""))), title=title, border_style="magenta"))
        console.print(Panel(Syntax(_diff(facts), "diff", word_wrap=True), title="its diff", border_style="magenta"))
    for problem in problems:
        console.print(f"[red]✗[/] {escape(problem)}")


def _diff(facts: SolveFacts) -> str:
    return facts.champion.candidate.patch if facts.champion and facts.champion.candidate else ""


def ending(console: Console, repo: SimRepository, facts: SolveFacts, place: str) -> None:
    """The decision in five lines, and where to look: a page in `place`."""
    _next(console)
    console.print(Rule("[bold]the decision"))
    [pull] = repo.pulls
    for line in in_five_lines(facts, pull.state.body or ""):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    page = write_page(place, f"#{pull.number} {pull.title}", pull.state.body or "", _diff(facts))
    said = f"\nThe pull request, its diff and the other candidates: {Path(page).as_uri()}"
    console.print(said, markup=False, highlight=False, soft_wrap=True)


def in_five_lines(facts: SolveFacts, body: str) -> list[str]:
    """The three with which the pull request begins, the others, and what it took."""
    three = [
        plain_line(line).removeprefix("- ").replace("`", "") for line in body.splitlines() if line.startswith("- **")
    ]
    ranking = facts.decision.ranking if facts.decision else ()
    others = [
        f"{run.experiment.letter} ({run.experiment.model.name}): {ranked.verdict}"
        for ranked in ranking
        if (run := facts.run(ranked.run)) and run is not facts.run(facts.decision.champion if facts.decision else None)
    ]
    return [
        *three[:3],
        f"Others: {'; '.join(others)}.",
        f"✓ One issue, {count(len(facts.runs), 'attempt')}, one pull request, for {dollars(facts.dollars)}: chosen by "
        "running tests, not by its place in the script.",
    ]


_SECTION = re.compile(r"<details>\n<summary>(.*?)</summary>\n\n.*?\n\n</details>", re.DOTALL)


def folded(body: str) -> str:
    """A terminal cannot unfold what is folded on a page, so of that only the heading is left."""
    return _SECTION.sub(r"▸ \1", body)


def _next(console: Console) -> None:
    console.print(
        "Next, with a repository of your own (README, “Install as a real App”): register the App with app.yml, put its "
        "id, key and secret and a model key into .env, run [bold].venv/bin/solvebot doctor[/], then "
        "[bold].venv/bin/solvebot serve[/].\nWithout any App: [bold].venv/bin/solvebot solve PATH --issue FILE[/]."
    )


def reviewing(console: Console, pull: SimIssue, review: str) -> None:
    console.print(Rule("[bold]the review"))
    console.print(
        f"[bold]{repository.MAINTAINER}[/] requests changes of pull request #{pull.number}: {escape(review)}\n"
    )


def revised(console: Console, pull: SimIssue, facts: SolveFacts) -> None:
    """What the bot says: in the thread, and below the pull request."""
    said = [comment for thread in pull.pull.threads for comment in thread.comments]
    talk = "\n\n".join(f"**{comment.user.login}**: {_readable(comment.body)}" for comment in said)
    console.print(Panel(_Page(talk), title="the thread", border_style="magenta"))
    for comment in pull.bot_comments:
        console.print(Panel(_Page(_readable(comment.body)), title="the status comment", border_style="green"))
    one_commit(console, facts)


def failing(console: Console, pull: SimIssue, check: str, log: str) -> None:
    console.print(Rule("[bold]a check fails"))
    console.print(f"On the bot's last commit of pull request #{pull.number}, [bold]{escape(check)}[/] fails:\n")
    console.print(log, markup=False, highlight=False)


def one_commit(console: Console, facts: SolveFacts) -> None:
    champion = facts.champion
    if champion is not None and champion.candidate is not None:
        patch = Syntax(champion.candidate.patch, "diff", word_wrap=True)
        console.print(Panel(patch, title="one commit on top", border_style="magenta"))


def merged(console: Console, issue: SimIssue, fates: Sequence[str]) -> None:
    closed = "closed" if not issue.is_open else "still open"
    record = ", ".join(fates)
    console.print(
        f"[green]✓[/] [bold]Reviewed, revised, repaired, merged.[/] The issue is {closed}; the record says: {record}.\n"
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """What goes on running: addresses, and a delivery in a file, with the headers that make it one."""

    bot: str
    github: str
    models: str
    directory: Path
    event: str
    payload: Path
    signature: str


def addresses(console: Console, kept: Kept) -> None:
    """Without frames and line breaks of ours, so that they can be copied."""
    console.print(Rule("still running"))
    lines = [
        f"bot          {kept.bot}  (POST /webhook, GET /healthz)",
        f"GitHub API   {kept.github}",
        f"models       {kept.models}",
        f"files        {kept.directory}",
        "",
        "The repository, with the champion on its branch:",
        f"git clone {kept.github}/{repository.NAME}.git",
        "",
        "The label once more, signed as GitHub does it:",
        f"curl -i {kept.bot}/webhook -H 'Content-Type: application/json' -H 'X-GitHub-Event: {kept.event}' "
        f'-H "X-GitHub-Delivery: $(cat /proc/sys/kernel/random/uuid)" '
        f"-H 'X-Hub-Signature-256: {kept.signature}' --data-binary @{kept.payload}",
        "",
        "What the bot says to it comes here. Ctrl-C ends it all.",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def new_comment(console: Console, comment: Comment) -> None:
    console.print(Panel(_Page(_readable(comment.body)), title="the bot comments", border_style="green"))


class _WholeTable(TableElement):
    """rich's own cuts words that are longer than their column."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in super().__rich_console__(console, options):
            if isinstance(table, Table):
                for column in table.columns:
                    column.overflow = "fold"
            yield table


class _Page(Markdown):
    elements = {**Markdown.elements, "table_open": _WholeTable}  # noqa: RUF012 - rich's way to say it


def _readable(body: str) -> str:
    """GitHub renders folded sections; a terminal shows them unfolded."""
    hidden = body.partition("-->\n")[2] or body
    for tag, text in (
        ("<details>", ""), ("</details>", ""), ("<summary>", "**"), ("</summary>", "**"),
        ("<sub>", ""), ("</sub>", ""), ("<br>", "\n"), ("\u200b", ""),
    ):  # fmt: skip
        hidden = hidden.replace(tag, text)
    return hidden
