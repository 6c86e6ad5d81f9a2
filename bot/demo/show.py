"""What the demo shows: in a terminal a picture that changes, elsewhere a line for everything that happens."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.markdown import Markdown
from rich.markup import escape
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax

from bot.core.model import SolveFacts, Status
from bot.core.phase import phase
from bot.core.render.text import dollars
from bot.demo import repository
from bot.ports import SandboxUnusable
from bot.screen import decision, matrix
from bot.simulators.github import GitHubSimulator, SimIssue, SimRepository


def opening(console: Console, issue: SimIssue) -> None:
    console.print(Rule("[bold]Solvebot demo"))
    console.print(
        f"A GitHub and a provider of models are simulated on loopback; everything else is real. In "
        f"[bold]{repository.NAME}[/], somebody has opened an issue, and [bold]{repository.MAINTAINER}[/] labels it "
        f"[bold]solve-me[/].\n"
    )
    console.print(
        Panel(Markdown(repository.ISSUE_BODY), title=f"{issue} {repository.ISSUE_TITLE}", border_style="yellow")
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
    """Deliveries, the matrix of runs and the status comment, as they change."""

    def __init__(self, console: Console, github: GitHubSimulator, issue: SimIssue) -> None:
        self._console = console
        self._github = github
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
        if self._live is not None:
            self._live.update(Group(self._deliveries(), matrix(facts), self._comment()))
        else:
            self._tell(facts)

    def _deliveries(self) -> Panel:
        lines = [
            f"{delivery.event}.{delivery.action or ''}  [dim]{delivery.guid}[/]  → "
            f"{delivery.status_code or 'under way'}"
            for delivery in list(self._github.webhooks.deliveries)[-4:]
        ]
        return Panel("\n".join(lines), title="webhook deliveries", border_style="blue")

    def _comment(self) -> Panel:
        comments = self._issue.bot_comments
        body = comments[0].body if comments else "_nothing yet_"
        edits = f", edited {len(comments[0].edits)} times" if comments and comments[0].edits else ""
        return Panel(Markdown(_readable(body)), title=f"the status comment{edits}", border_style="green")

    def _tell(self, facts: SolveFacts | None) -> None:
        """One line for each thing that has not been told yet."""
        for delivery in self._github.webhooks.deliveries:
            self._once(f"webhook    {delivery.event}.{delivery.action or ''} {delivery.guid}")
        if facts is None:
            return
        self._once(f"solve      {facts.id} is {phase(facts).value}")
        for run in facts.runs:
            if run.status is not Status.PENDING:
                letter, model = run.experiment.letter, run.experiment.model.name
                self._once(f"run {letter}      {model}: {run.status.value}, {run.steps} steps, {dollars(run.dollars)}")

    def _once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._console.print(line, markup=False, highlight=False)


def said_so(issue: SimIssue, facts: SolveFacts) -> bool:
    """The last word stands in the comment, and the reaction was changed with it."""
    return any(reaction.content in ("rocket", "confused") for reaction in issue.reactions) and facts.status.is_over


def ending(console: Console, repo: SimRepository, issue: SimIssue, facts: SolveFacts, problems: list[str]) -> None:
    console.print(decision(facts))
    for pull in repo.pulls:
        body = pull.state.body or ""
        title = f"pull request #{pull.number}: {pull.title}"
        console.print(Panel(Markdown(_readable(body)), title=title, border_style="magenta"))
    champion = facts.champion
    if champion is not None and champion.candidate is not None:
        console.print(Panel(Syntax(champion.candidate.patch, "diff"), title="its diff", border_style="magenta"))
    for problem in problems:
        console.print(f"[red]✗[/] {escape(problem)}")
    if problems:
        return
    console.print(
        f"[green]✓[/] [bold]One issue, {len(facts.runs)} attempts, one pull request, for {dollars(facts.dollars)}.[/] "
        "It was chosen by running tests, not by its place in the script.\n"
    )
    console.print(
        "Next, with a repository of your own (README, “Install as a real App”): register the App with app.yml, put its "
        "id, key and secret and a model key into .env, run [bold].venv/bin/solvebot doctor[/], then "
        "[bold].venv/bin/solvebot serve[/].\nWithout any App: [bold].venv/bin/solvebot solve PATH --issue FILE[/]."
    )


def addresses(console: Console, bot: str, github: str, models: str, directory: Path) -> None:
    console.print(
        Panel(
            f"bot          {bot}  (POST /webhook, GET /healthz, GET /readyz)\nGitHub API   {github}\n"
            f"models       {models}\nfiles        {directory}\n\nCtrl-C ends it all.",
            title="still running",
        )
    )


def _readable(body: str) -> str:
    """GitHub renders folded sections; a terminal shows them unfolded."""
    hidden = body.partition("-->\n")[2] or body
    for tag, text in (
        ("<details>", ""), ("</details>", ""), ("<summary>", "**"), ("</summary>", "**"),
        ("<sub>", ""), ("</sub>", ""), ("<br>", "\n"), ("\u200b", ""),
    ):  # fmt: skip
        hidden = hidden.replace(tag, text)
    return hidden
