"""Solvebot without a server: one solve of a clone on this disk, or one payload by hand."""

from __future__ import annotations

import asyncio
import hmac
import json
import sys
import uuid
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import msgspec
from rich.console import Console
from rich.live import Live

from bot import adapters, app, assembly
from bot.clock import SystemClock
from bot.configuration import read_config
from bot.core.model import (
    IssueRef,
    Person,
    Repo,
    RepoConfig,
    Solve,
    SolveId,
    SolveOptions,
    Trigger,
    TriggerKind,
    solve_id,
)
from bot.core.render.status import status_comment
from bot.core.text.cleaning import visible
from bot.core.text.outgoing import CleanFacts, Redactor
from bot.engine import Engine, WorkflowState
from bot.github.local import LocalGitHub
from bot.github.mirror import GitMirrors
from bot.github.signatures import Delivery, Malformed, verify
from bot.github.webhook import slim
from bot.ports import Rejected, Store, World
from bot.publish_precheck import clearance
from bot.settings import Settings
from bot.temporary_files import temporary_files
from bot.terminal_tables import console, decision, matrix, plain_line, seen

LOOK = 0.25  # seconds between two looks at a solve


async def solve_here(settings: Settings, path: Path, issue: Path, options: SolveOptions) -> int:
    """The same solve as GitHub would get. 0 when a champion is on a branch, 1 when there is none.

    The decision goes to stdout as JSON. Stopped in the middle, the same command goes on where it was: each request
    has a directory of its own, so that it meets no other, and one that was changed begins anew.
    """
    out = console(stderr=True)
    github = await LocalGitHub.at(path, issue, say=lambda _body: None)
    digest = sha256(msgspec.json.encode([str(github.root), github.title, github.body, options])).hexdigest()[:12]
    repo = Repo(0, zlib.crc32(str(github.root).encode()), github.root.name)
    if (await github.repository(repo)).empty:
        raise Rejected("the clone has no commit yet", remedy="Commit something first.")
    async with working(settings, digest, github) as bot:
        store, engine = bot.world.store, bot.engine
        job = await _job(store, github, IssueRef(repo, 1), digest, options)
        if await store.facts(job.id) is None:
            await _refuse_unpublishable(github, job, assembly.redactor(settings))
        await store.accept(job)
        await engine.start("solve", job.id, job)
        try:
            facts = await _watch(out, store, engine, job.id, assembly.redactor(settings))
        except asyncio.CancelledError:
            out.print("Interrupted. The same command goes on from here.")
            raise
    return _result(out, facts)


@asynccontextmanager
async def working(settings: Settings, digest: str, github: LocalGitHub) -> AsyncIterator[assembly.Bot]:
    """A bot of its own for one clone; `digest` names the directory in which it keeps what it knows."""
    local = settings.data / "local"
    own = replace(settings, data=local / digest, database_url="", stop_seconds=0.0)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(adapters.the_store(own))
        async with adapters.the_store(settings) as main:
            for spec in await main.models(active_only=False):
                await store.save_model(spec)
        stack.enter_context(temporary_files(own.data / "tmp"))
        house = await stack.enter_async_context(adapters.housing(own, store, shared=local))
        session = await stack.enter_async_context(adapters.http_session())
        engine = adapters.engine(own)
        model = adapters.chat_model(own, session)
        mirrors = GitMirrors(local / "mirrors")
        bot = assembly.assemble(own, World(github, mirrors, house.sandboxes, model, store, SystemClock()), engine)
        await engine.launch()
        stack.push_async_callback(engine.close)
        yield bot


async def _refuse_unpublishable(github: LocalGitHub, job: Solve, redact: Redactor) -> None:
    """As on GitHub, before the first dollar."""
    repo = job.issue.repo
    config = await read_config(github, repo, (await github.repository(repo)).default_branch)
    if isinstance(config, RepoConfig) and (forbidden := await clearance(github, job, config, redact)):
        raise Rejected(forbidden)


async def _job(store: Store, github: LocalGitHub, issue: IssueRef, digest: str, options: SolveOptions) -> Solve:
    """The unfinished solve of this request, else the next one."""
    number = 1
    while (facts := await store.facts(solve_id(issue, _key(digest, number)))) is not None and facts.status.is_over:
        number += 1
    if facts is not None:
        return facts.solve
    now = SystemClock().now()
    trigger = Trigger(TriggerKind.COMMAND_LINE, _key(digest, number), Person(github.user, 0), now)
    return Solve(solve_id(issue, trigger.key), issue, github.title, github.body, trigger, options, now)


def _key(digest: str, number: int) -> str:
    return f"t{digest}" if number == 1 else f"t{digest}-{number}"


async def _watch(console: Console, store: Store, engine: Engine, id: SolveId, redact: Redactor) -> CleanFacts:
    """Until the workflow is over, and not only the solve: it tidies up at its end."""
    told: set[str] = set()
    with Live(console=console, transient=True) if console.is_terminal else _Quiet() as live:
        while True:
            stored = await store.facts(id)
            assert stored is not None
            facts = redact.facts(stored)
            if isinstance(live, Live):
                live.update(matrix(facts))
            for line in _news(facts, runs=not console.is_terminal):
                if line not in told:
                    console.print(line, markup=False, highlight=False)
                    told.add(line)
            if await engine.state(id) is not WorkflowState.ACTIVE:
                return facts
            await asyncio.sleep(LOOK)


def _news(facts: CleanFacts, *, runs: bool) -> Iterator[str]:
    """Lines to be told once each; how it ended is told in the end. `runs`: what has become of each, too."""
    if not facts.status.is_over:
        yield plain_line(status_comment(facts).splitlines()[1])
    yield from map(visible, facts.notes)
    if runs:
        for run in facts.runs:
            if run.evidence:
                yield f"   {run.experiment.letter} ({run.experiment.model.name}): {seen(run.evidence)}"


class _Quiet:
    """Where there is no terminal, nothing is painted over."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_error: object) -> None:
        return None


def _result(console: Console, facts: CleanFacts) -> int:
    pull = facts.pull_request
    if facts.decision is not None:
        console.print(decision(facts))
        runs = [
            {
                "id": run.id,
                "candidate": run.experiment.letter,
                "model": run.experiment.model.name,
                "dollars": run.dollars,
            }
            for run in facts.runs
        ]
        told = {
            "branch": pull.branch if pull else None,
            "setup_agent": msgspec.to_builtins(facts.setup_agent),
            "runs": runs,
            "pool": msgspec.to_builtins(facts.pool),
            **msgspec.to_builtins(facts.decision),
        }
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    for line in _last_words(facts):
        console.print(line, markup=False, highlight=False)
    return 0 if pull is not None else 1


def _last_words(facts: CleanFacts) -> Iterator[str]:
    """What speaks for the outcome and against it, and where the champion is."""
    for run in facts.runs:
        if run.error:
            yield f"{run.experiment.letter} ({run.experiment.model.name}): {visible(run.error)}"
    if facts.decision is not None:
        yield from (f"• {visible(reason)}" for reason in (*facts.decision.reasons, *facts.decision.others))
    if facts.pull_request is None:
        yield visible(facts.error) or "No candidate can be trusted, so there is no branch."
        return
    if facts.decision is not None and facts.decision.uncertain:
        yield "What is uncertain:"
        yield from (f"• {visible(doubt)}" for doubt in facts.decision.uncertain)
    branch = facts.pull_request.branch
    kind = "The champion, a draft," if facts.pull_request.draft else "The champion"
    yield f"{kind} is on the branch {branch}. Look at it: git diff HEAD...{branch}"


async def receive_one(settings: Settings, event: str, payload: bytes) -> int:
    """Put it into the inbox as if it had been delivered and verified, and work until nothing of it is left."""
    action = _action(payload)
    guid = str(uuid.uuid4())
    record = slim(_as_delivered(settings, guid, event, payload))
    if record is None:
        what = f"{event}, {action}" if action else event
        raise Rejected(
            f"the bot does nothing at this event ({what})",
            remedy="README lists those at which it does; of comments it takes those with a command, by people.",
        )
    async with app.running(settings) as bot:
        await bot.inbox.put(guid, event, record)
        while await bot.inbox.waiting(1) or await bot.bot.engine.active():
            if bot.working.done():
                bot.working.result()
            await asyncio.sleep(LOOK)
        return 0 if await bot.bot.engine.state(guid) is WorkflowState.SUCCEEDED else 1


def _action(payload: bytes) -> str:
    """What has happened, as the payload says; "" where it does not. Raises `Rejected` for what can be none."""
    try:
        said = json.loads(payload)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        remedy = "It must be the JSON that GitHub sends, whole: App settings, Advanced, Recent Deliveries."
        raise Rejected(f"the payload is not JSON ({where}: {error.msg})", remedy=remedy) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise Rejected("the payload is not JSON in UTF-8", remedy="Save it as GitHub sends it.") from error
    if not isinstance(said, dict):
        raise Rejected("the payload is not an object", remedy="What GitHub sends begins with { and has an action.")
    return visible(str(said.get("action", "")))[:40]


def _as_delivered(settings: Settings, guid: str, event: str, payload: bytes) -> Delivery:
    """Signed as GitHub would, because only what was verified is a delivery."""
    secret = settings.webhook_secrets[0].reveal().encode()
    headers = {
        b"x-github-event": event.encode(),
        b"x-github-delivery": guid.encode(),
        b"x-hub-signature-256": b"sha256=" + hmac.new(secret, payload, sha256).hexdigest().encode(),
    }
    try:
        return verify([secret], headers, payload)
    except Malformed as error:
        raise Rejected(f"{event!r} is no name of an event", remedy="Such as issues or issue_comment.") from error
