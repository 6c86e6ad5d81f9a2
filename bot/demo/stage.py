"""The demo from beginning to end: a world, a bot, a label, a pull request, and a look at whether it is right."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from rich.console import Console

from bot.adapters import local_sandboxes
from bot.app import Running, running
from bot.core.model import SolveFacts, SolveId
from bot.core.trigger.app_manifest import callback_of
from bot.declared_settings import Secret
from bot.demo import models, repository, show
from bot.demo.toolchain import make_toolchain
from bot.ports import SandboxUnusable
from bot.settings import Settings
from bot.simulators.e2b.host import Toolchain
from bot.simulators.e2b.simulator import World as E2BWorld
from bot.simulators.e2b.simulator import e2b
from bot.simulators.github import GitHubSimulator, Note, SimIssue, SimRepository
from bot.simulators.model import ModelSimulator
from bot.simulators.serving import Deferred, serving

WEBHOOK_SECRET = "a secret that only the demo knows"
THINKING = 0.5  # seconds that a scripted model takes for an answer
GIVE_UP = 240.0  # seconds


@dataclass(frozen=True, slots=True)
class Scene:
    github: GitHubSimulator
    models: ModelSimulator
    bot: Running
    url: str
    repo: SimRepository
    issue: SimIssue
    directory: Path
    settings: Settings


async def demo(console: Console, *, keep: bool, sandbox: str = "bubblewrap") -> int:
    """The exit code: 0 only if the pull request is there and right. `sandbox` as in SANDBOX."""
    place = gettempdir()  # asked here, because the bot has a place of its own, which is gone in the end
    with TemporaryDirectory(prefix="solvebot-demo-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # sandboxes run as other users, and what they need is below
        async with scene(console, directory, sandbox=sandbox) as stage:
            show.opening(console, stage.issue, stage.settings)
            await stage.issue.label(show.LABEL, by=repository.MAINTAINER)
            facts = await _watch(console, stage, stage.issue)
            problems = problems_with(stage, facts)
            show.published(console, stage.repo, facts, problems)
            if not problems:
                problems = await review(console, stage, facts)
            if not problems:
                problems = await repair(console, stage)
            if not problems and not keep:
                await merge(console, stage, facts)
            if not problems:
                show.ending(console, stage.repo, facts, place)
            if keep:
                await _keep(console, stage)
        return 1 if problems else 0


@contextlib.asynccontextmanager
async def scene(
    console: Console, directory: Path, *, thinking: float = THINKING, sandbox: str = "bubblewrap"
) -> AsyncIterator[Scene]:
    """Everything is running, and an issue is open."""
    github = GitHubSimulator(directory, webhook_secret=WEBHOOK_SECRET)
    llm = ModelSimulator(latency=thinking)
    models.teach(llm)
    front = Deferred()
    async with github.serving(), llm.serving(), serving(front) as url:
        github.app.callback_urls = (callback_of(url),)
        settings = replace(_settings(directory, github, llm), public_url=url)
        settings = await _isolated(console, settings)
        async with _sandboxes(settings, directory, sandbox) as settings, running(settings) as bot:
            front.app = bot.app
            for spec in models.catalogue():
                await bot.bot.world.store.save_model(spec)
            repo = github.repository(repository.NAME, history=repository.HISTORY, by=repository.MAINTAINER)
            repo.grant(repository.MAINTAINER, "maintain")
            issue = await repo.open_issue(repository.ISSUE_TITLE, repository.ISSUE_BODY, by="sam")
            github.webhooks.url = f"{url}/webhook"
            yield Scene(github, llm, bot, url, repo, issue, directory, settings)


def _settings(directory: Path, github: GitHubSimulator, llm: ModelSimulator) -> Settings:
    """What an operator would put into the environment."""
    return Settings(
        app_id=str(github.app.app_id),
        private_key=Secret(github.app.private_key_pem),
        webhook_secrets=(Secret(WEBHOOK_SECRET),),
        api_url=github.url,
        server_url=github.url,
        write_interval=0.0,
        model_url=llm.url,
        model_key=Secret(llm.key),
        model_provider="simulator",
        attempts=4,
        max_parallel=4,
        setup_hosts=(),
        sandbox_toolchains=(make_toolchain(directory / "toolchain"),),
        data=directory / "bot",
        status_interval=1.0,
        sweep_interval=0.0,
        stop_seconds=0.0,
        pages=True,
        client_id=github.app.client_id,
        client_secret=Secret(github.app.client_secret),
        admins=(repository.MAINTAINER,),
    ).with_found_bubblewrap()


@contextlib.asynccontextmanager
async def _sandboxes(settings: Settings, directory: Path, kind: str) -> AsyncIterator[Settings]:
    """With E2B's SDK, to which its simulator answers, or with this machine's own."""
    if kind != "e2b":
        yield settings
        return
    toolchains = settings.sandbox_toolchains
    world = E2BWorld(
        toolchain=Toolchain(toolchains, tuple(str(toolchain / "bin") for toolchain in toolchains)),
        isolated=not settings.run_untrusted_code_without_isolation,
    )
    place = directory / "e2b"
    place.mkdir()
    async with e2b(place, bubblewrap=settings.bubblewrap, world=world) as service:
        yield replace(
            settings,
            sandbox=("e2b",),
            e2b_key=Secret(service.key),
            e2b_url=service.url,
            e2b_creations=world.plan.creations,
        )


async def _isolated(console: Console, settings: Settings) -> Settings:
    """Where namespaces are not to be had, the demo goes on without: its agents are scripts of our own."""
    try:
        await local_sandboxes(settings).check()
    except SandboxUnusable as unusable:
        show.not_isolated(console, unusable)
        return settings.without_isolation()
    return settings


async def _watch(console: Console, stage: Scene, about: SimIssue, before: SolveId | None = None) -> SolveFacts:
    """Until what was asked for there is over: of a pull request, its revision. `before`: the one that is known."""
    store, is_pull = stage.bot.bot.world.store, about.state.pull is not None
    with show.Screen(console, stage.github, about) as screen:
        async with asyncio.timeout(GIVE_UP):
            while True:
                facts = await store.latest(stage.repo.id, about.number)
                if facts is not None and is_pull and (facts.solve.revises is None or facts.id == before):
                    facts = None
                screen.update(facts)
                if facts is not None and facts.status.is_over and show.said_so(about, facts):
                    await stage.github.delivered()
                    return facts
                if stage.bot.working.done():
                    stage.bot.working.result()
                await asyncio.sleep(0.2)


async def review(console: Console, stage: Scene, original: SolveFacts) -> list[str]:
    """A maintainer requests a change and gets it; returns what is not as it should be."""
    [pull] = stage.repo.pulls
    show.reviewing(console, pull, repository.REVIEW)
    note = Note("ledger/amounts.py", _line_of(stage, pull, "_GROUPED = "), repository.REVIEW_OF_A_LINE)
    await pull.review("REQUEST_CHANGES", repository.REVIEW, by=repository.MAINTAINER, threads=[note])
    facts = await _watch(console, stage, pull)
    await _at_rest(stage)
    show.revised(console, pull, facts)
    return problems_after(pull, original)


async def repair(console: Console, stage: Scene) -> list[str]:
    """A check fails on the commit of the bot and gets its repair, and then it passes."""
    [pull] = stage.repo.pulls
    before, head = await stage.bot.bot.world.store.latest(stage.repo.id, pull.number), pull.pull.head_sha
    await stage.bot.heads.refresh()
    show.failing(console, pull, repository.CHECK, repository.CHECK_LOG)
    await stage.repo.check(head, repository.CHECK, "failure", log=repository.CHECK_LOG)
    facts = await _watch(console, stage, pull, before.id if before is not None else None)
    await _at_rest(stage)
    show.one_commit(console, facts)
    after = pull.pull.head_sha
    if list(pull.repo.state.git.commit(after).parents) != [head]:
        return ["The repair is not one commit on top of the branch."]
    await stage.repo.check(after, repository.CHECK, "success")
    return [] if "a repair of" in pull.body else ["The pull request does not tell of the repair."]


async def _at_rest(stage: Scene) -> None:
    async with asyncio.timeout(GIVE_UP):
        while await stage.bot.bot.engine.active():  # noqa: ASYNC110 - after its last word it tells of it in the text
            await asyncio.sleep(0.1)


async def merge(console: Console, stage: Scene, original: SolveFacts) -> None:
    await stage.repo.pulls[0].merge(by=repository.MAINTAINER)
    store = stage.bot.bot.world.store
    async with asyncio.timeout(GIVE_UP):
        while await store.fate_at(original.id) is None:  # noqa: ASYNC110 - what the bot has heard is in its database
            await asyncio.sleep(0.1)
    show.merged(console, stage.issue, [each.fate.value for each in await store.record()])


def _line_of(stage: Scene, pull: SimIssue, text: str) -> int:
    lines = (stage.repo.file(pull.pull.head_sha, "ledger/amounts.py") or b"").decode().split("\n")
    return next(number for number, line in enumerate(lines, 1) if text in line)


def problems_after(pull: SimIssue, original: SolveFacts) -> list[str]:
    """Looks at GitHub's side, too."""
    before = original.pull_request.head_sha if original.pull_request else ""
    head = pull.repo.state.git.commit(pull.pull.head_sha)
    if list(head.parents) != [before]:
        return ["The revision is not one commit on top of the branch."]
    [thread] = pull.pull.threads
    answers = [comment.body for comment in thread.comments if comment.by_app]
    if len(answers) != 1 or head.sha[:10] not in answers[0]:
        return ["The thread has no answer that names the commit."]
    return [] if "### Revisions" in pull.body else ["The pull request does not tell of the revision."]


def problems_with(stage: Scene, facts: SolveFacts) -> list[str]:
    """What is not as it should be, a sentence each. Looks at GitHub's side, not at what the bot says of itself."""
    problems = [f"GitHub was asked for what it does not have: {error}" for error in stage.github.errors]
    problems += [f"The models were asked wrongly: {error}" for error in stage.models.errors]
    pulls = stage.repo.pulls
    if len(pulls) != 1:
        return [*problems, f"There are {len(pulls)} pull requests, not one. {facts.error}"]
    issue, pull = pulls[0].state, pulls[0].pull
    if pull.draft or pull.base != "main" or f"Fixes #{stage.issue.number}" not in (issue.body or ""):
        problems.append("The pull request is not a ready one for main that fixes the issue.")
    if b"_GROUPED" not in (stage.repo.file(pull.head_sha, "ledger/amounts.py") or b""):
        problems.append("The pull request is not the one that removes the cause.")
    if b"test_thousands_may_be_separated" not in (stage.repo.file(pull.head_sha, "tests/test_amounts.py") or b""):
        problems.append("The pull request does not bring its regression test.")
    if len(stage.issue.bot_comments) != 1:
        problems.append(f"The bot wrote {len(stage.issue.bot_comments)} comments, not one.")
    return problems


async def _keep(console: Console, stage: Scene) -> None:
    for comment in stage.issue.bot_comments:
        comment.read = True
    show.addresses(console, _kept(stage))
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            with contextlib.suppress(TimeoutError):
                show.new_comment(console, await stage.github.next_comment(stage.issue, timeout=3600.0))


def _kept(stage: Scene) -> show.Kept:
    label = next(delivery for delivery in stage.github.webhooks.deliveries if delivery.action == "labeled")
    payload = stage.directory / "delivery.json"
    payload.write_bytes(label.payload)
    return show.Kept(
        bot=stage.url,
        github=stage.github.url,
        models=stage.models.url,
        directory=stage.directory,
        event=label.event,
        payload=payload,
        signature=label.request_headers["X-Hub-Signature-256"],
    )
