"""A whole world for a story: GitHub, models and the bot, talking over real HTTP; and the end that every story has.

A story drives people (`world.label`, `world.comment`) and reads what the bot says (`await world.next_comment()`). When
it ends, nothing may be left over: no comment that nobody read, no delivery or solve under way, no sandbox, no error in
the log that the story did not expect, nothing that GitHub or the models were asked wrongly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot import logs
from bot.adapters import local_sandboxes
from bot.app import Running, running
from bot.assembly import redactor
from bot.clock import SYSTEM_CLOCK
from bot.core.model import ModelSpec, Prices, SolveFacts, Strategy
from bot.declared_settings import Secret
from bot.github.client import Sleep
from bot.ports import AlarmClock, SandboxUnusable
from bot.settings import Settings
from bot.simulators.github import GitHubSimulator, Note, SimIssue, SimRepository, generate_key
from bot.simulators.github.actions.checks import ACTIONS
from bot.simulators.github.state import CheckRun, Comment, Review, Thread
from bot.simulators.model import SUBMIT, ModelSimulator, Script, bash, turns
from bot.simulators.serving import serving
from tests.stories.migrated import put_databases

SOON = 240.0  # seconds until a story is taken for hanging, on a machine that has much else to do
LOOK = 0.1  # seconds between two looks at the bot's databases, each of which costs it several milliseconds
SECRET = "the secret of a story"
KEY = generate_key()  # one for all stories: making one takes longer than most of them
MAINTAINER = "ann"

FILES: Mapping[str, str] = {
    "README.md": "# greet\n",
    "greet.sh": 'echo "hello $1"\n',
    "tests/test.sh": 'test "$(sh greet.sh ann)" = "hello ann"\n',
    ".github/solvebot.yml": 'test: "sh tests/test.sh"\nmodels: [fixer]\nattempts: 1\n',
}

FIX = "printf 'echo \"hello ${1:-world}\"\\n' > greet.sh"
REGRESSION_TEST = "printf '%s\\n' 'test \"$(sh greet.sh)\" = \"hello world\"' > tests/test_default.sh"
BREAK = "printf 'echo \"good bye\"\\n' > greet.sh"

FIXES: Script = turns(bash(FIX, text="A default name."), bash(SUBMIT, text="Greets the world when nobody is named."))
BREAKS: Script = turns(bash(BREAK), bash(SUBMIT))
GIVES_UP: Script = turns(bash("cat greet.sh"), bash(SUBMIT))


class Problems(logging.Handler):
    """Everything the service logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(f"{record.name}: {record.getMessage()} {record.exc_text or record.exc_info or ''}")


@dataclass(slots=True)
class World:
    github: GitHubSimulator
    models: ModelSimulator
    settings: Settings
    bot: Running
    repo: SimRepository
    problems: Problems
    expected_problems: list[str] = field(default_factory=list)
    unread_is_fine: bool = False

    async def issue(self, title: str = "No name, no greeting", body: str = "It should greet the world.") -> SimIssue:
        return await self.repo.open_issue(title, body, by="sam")

    async def label(self, issue: SimIssue, name: str = "solve-me", *, by: str = MAINTAINER) -> None:
        await issue.label(name, by=by)
        await self.github.delivered()

    async def comment(self, issue: SimIssue, text: str, *, by: str = MAINTAINER) -> Comment:
        comment = await issue.comment(text, by=by)
        await self.github.delivered()
        return comment

    async def review(self, pull: SimIssue, text: str = "", *notes: Note, by: str = MAINTAINER) -> Review:
        """One that requests changes, with conversations on lines."""
        review = await pull.review("REQUEST_CHANGES", text, by=by, threads=notes)
        await self.github.delivered()
        return review

    async def check(self, pull: SimIssue, name: str, conclusion: str, *, log: str = "", app: str = ACTIONS) -> CheckRun:
        """Of a CI, on the head of the pull request, as soon as the receiver knows that commit."""
        await self.bot.heads.refresh()
        run = await self.repo.check(pull.pull.head_sha, name, conclusion, log=log, app=app)
        await self.github.delivered()
        return run

    async def revised(self, pull: SimIssue) -> SolveFacts:
        """Wait until all that goes on is over: the latest revision of the pull request, whose comment is read."""
        facts = await self.over(pull)
        assert facts.solve.revises is not None
        await self.next_comment(pull)
        return facts

    def replies(self, thread: Thread) -> list[str]:
        """Of the bot, in a conversation on a line; they are read now."""
        ours = [comment for comment in thread.comments if comment.by_app]
        for comment in ours:
            comment.read = True
        return [comment.body.partition("\n")[2] for comment in ours]

    async def next_comment(self, issue: SimIssue) -> Comment:
        """The bot's next unread comment; it is read now."""
        return await self.github.next_comment(issue, timeout=SOON)

    async def facts(self, issue: SimIssue) -> SolveFacts | None:
        return await self.bot.bot.world.store.latest(self.repo.id, issue.number)

    async def over(self, issue: SimIssue, *, within: float = SOON) -> SolveFacts:
        """Wait until the solve of the issue has had its last word."""
        async with asyncio.timeout(within):
            while True:
                facts = await self.facts(issue)
                if facts is not None and facts.status.is_over and await self._quiet():
                    return facts
                await asyncio.sleep(LOOK)

    async def published(self) -> tuple[SimIssue, SimIssue, SolveFacts]:
        """An issue that somebody labelled, and the one pull request that came of it; the status comment is read."""
        issue = await self.issue()
        await self.label(issue)
        facts = await self.over(issue)
        await self.next_comment(issue)
        [pull] = self.repo.pulls
        return issue, pull, facts

    async def said(self, issue: SimIssue, words: str) -> Comment:
        """Wait until one of the bot's comments, edited or not, holds these words; it counts as read."""

        def found() -> Comment | None:
            return next((comment for comment in issue.bot_comments if words in comment.body), None)

        comment = await self.github.wait_for(found, SOON)
        assert comment is not None
        comment.read = True
        return comment

    async def settled(self) -> None:
        """Wait until every delivery was taken, handed over and answered."""
        async with asyncio.timeout(SOON):
            while not await self._quiet():  # noqa: ASYNC110 - the engine's state is in its database
                await asyncio.sleep(LOOK)

    async def _quiet(self) -> bool:
        await self.github.delivered()
        if await self.bot.inbox.waiting(1):
            return False
        return not await self.bot.bot.engine.active()

    async def finish(self) -> None:
        """What every story has in common at its end."""
        await self.settled()
        for name, found in {
            "GitHub was asked wrongly": self.github.errors,
            "the models were asked wrongly": self.models.errors,
            "comments that nobody read": [] if self.unread_is_fine else self.github.unread(),
            "active solves": await self.bot.bot.world.store.active_solves(),
            "sandboxes": await self.bot.bot.world.sandboxes.living(),
            "snapshots": await self.snapshots_of_solves(),
            "errors in the log": [r for r in self.problems.records if not self._expected(r)],
        }.items():
            assert not found, f"{name}: {found}"

    async def snapshots_of_solves(self) -> list[str]:
        """Without those that are kept for the next one."""
        return [name for name in await self.bot.bot.world.sandboxes.snapshots() if not name.startswith("kept-")]

    def _expected(self, record: str) -> bool:
        return any(text in record for text in self.expected_problems)


GOOD = 0.75  # of a model: a fix of its, which breaks nothing, is trusted as a draft


def spec(name: str, *, prior: float = GOOD) -> ModelSpec:
    return ModelSpec(name, "simulator", f"simulated/{name}", prices=Prices(1.0, 4.0), prior=prior)


def settings_for(directory: Path, github: GitHubSimulator, llm: ModelSimulator, database_url: str = "") -> Settings:
    return Settings(
        app_id=str(github.app.app_id),
        private_key=Secret(github.app.private_key_pem),
        webhook_secrets=(Secret(SECRET),),
        api_url=github.url,
        server_url=github.url,
        write_interval=0.0,
        model_url=llm.url,
        model_key=Secret(llm.key),
        model_provider="simulator",
        baseline_repeats=2,
        setup_agent=False,
        setup_hosts=(),  # no story asks the tools of the machine that it happens on
        sandbox_installed_toolchains=False,
        data=directory / "bot",
        database_url=database_url,
        status_interval=0.0,
        sweep_interval=0.0,
        stop_seconds=0.0,
    ).with_found_bubblewrap()


_ISOLATED: dict[Path, bool] = {}  # by the bubblewrap that was asked


async def isolated_where_possible(settings: Settings) -> Settings:
    """Stories need a sandbox, not its walls; those have tests of their own. Tried once: each bot tries it again."""
    if settings.bubblewrap not in _ISOLATED:
        try:
            await local_sandboxes(settings).check()
        except SandboxUnusable:
            _ISOLATED[settings.bubblewrap] = False
        else:
            _ISOLATED[settings.bubblewrap] = True
    return settings if _ISOLATED[settings.bubblewrap] else settings.without_isolation()


@asynccontextmanager
async def a_world(
    directory: Path,
    *,
    scripts: Mapping[str, Script] | None = None,
    files: Mapping[str, str | bytes | tuple[bytes, str]] = FILES,
    database_url: str = "",
    private: bool = False,
    priors: Mapping[str, float] | None = None,
    sleep: Sleep = asyncio.sleep,
    clock: AlarmClock = SYSTEM_CLOCK,
    before: Callable[[Settings], None] = put_databases,
    **changes: object,
) -> AsyncIterator[World]:
    """`scripts`: model name -> what it does. `before`: what is there at the start. `changes`: settings that differ."""
    scripts = {"fixer": FIXES} if scripts is None else scripts
    github = GitHubSimulator(directory, webhook_secret=SECRET, private_key_pem=KEY)
    llm = ModelSimulator()
    problems = Problems()
    async with github.serving(), llm.serving():
        settings = replace(settings_for(directory, github, llm, database_url), **changes)  # type: ignore[arg-type]
        settings = await isolated_where_possible(settings)
        await asyncio.to_thread(before, settings)
        logs.configure(format="console", level="INFO", redact=redactor(settings))
        logging.getLogger().addHandler(problems)
        try:
            async with running(settings, sleep=sleep, clock=clock) as bot, serving(bot.app) as url:
                for name, script in scripts.items():
                    llm.script(f"simulated/{name}", script, dollars_per_call=0.001)
                    await bot.bot.world.store.save_model(spec(name, prior=(priors or {}).get(name, GOOD)))
                repo = github.repository("octo/greet", files=files, private=private, by=MAINTAINER)
                repo.grant(MAINTAINER, "write")
                github.webhooks.url = f"{url}/webhook"
                world = World(github, llm, settings, bot, repo, problems)
                yield world
                await world.finish()
        finally:
            logging.getLogger().removeHandler(problems)


def line_up(*names: str, test: str = "sh tests/test.sh", extra: str = "", attempts: int = 0) -> dict[str, str]:
    """The story's repository with these models in its configuration."""
    config = f'test: "{test}"\nmodels: [{", ".join(names)}]\nattempts: {attempts or len(names)}\n{extra}'
    return {**FILES, ".github/solvebot.yml": config}


def commands(*shell: str) -> Script:
    """A model that runs these and is done."""
    return turns(*(bash(command) for command in shell), bash(SUBMIT))


__all__: Sequence[str] = (
    "BREAK", "BREAKS", "FILES", "FIX", "FIXES", "GIVES_UP", "MAINTAINER", "REGRESSION_TEST", "SOON",
    "Strategy", "World", "a_world", "commands", "line_up", "spec",
)  # fmt: skip
