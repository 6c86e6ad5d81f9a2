"""From a delivery to what is done about it: refused, answered, cancelled, or a started solve.

Each delivery is a small workflow under GitHub's GUID, so one that died half-way goes on, and one that is delivered
again does nothing new. Everything that has to be looked up is looked up in one step, whose result is a list of
actions; carrying them out is one step each. Nothing here costs money.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from bot.clearance import clearance
from bot.conclude import PATIENCE, Conclusion
from bot.configuration import read_config
from bot.core.commands import (
    CancelCommand,
    Command,
    ExplainCommand,
    HelpCommand,
    Misread,
    RetryCommand,
    SolveCommand,
    StatusCommand,
    UseCommand,
    parse_commands,
)
from bot.core.config import ConfigProblem
from bot.core.events import (
    CommentPosted,
    InstallationChanged,
    IssueClosed,
    IssueEvent,
    IssueMoved,
    LabelAdded,
    LabelRemoved,
    PullRequestClosed,
    RepositoryChanged,
    Unreadable,
    asks_us,
    is_one_of,
    read_event,
    trigger_of,
)
from bot.core.exchange import candidate_for
from bot.core.matrix import ServerLimits, plan
from bot.core.model import (
    IssueRef,
    ModelSpec,
    Repo,
    RepoConfig,
    RunFacts,
    Solve,
    SolveFacts,
    SolveId,
    SolveOptions,
    TriggerKind,
    solve_id,
)
from bot.core.outgoing import CleanFacts, Redactor
from bot.core.permissions import may_ask
from bot.core.phase import is_unpublished
from bot.core.render import replies
from bot.core.render.pull import branch_pattern
from bot.engine import Engine, step
from bot.exchange import ExchangeJob
from bot.fates import Fates
from bot.inbox import InboxRow
from bot.ports import Busy, Clock, Denied, GitHub, Gone, Rejected, Store
from bot.republish import RepublishJob
from bot.upkeep import Upkeep

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. Empty fields are not done; the order of the fields is the order of doing."""

    start: Solve | None = None
    use: ExchangeJob | None = None
    cancel: SolveId | None = None
    cancelled_by: str = ""
    reaction: str = ""
    reply: str = ""
    republish: RepublishJob | None = None


@dataclass(frozen=True, slots=True)
class Actions:
    todo: tuple[Action, ...] = ()
    issue: IssueRef | None = None  # where it is answered; None: nobody is waiting for an answer
    comment_id: int | None = None  # the comment to react to; None: react to the issue
    because: str = ""  # for the log, when there is nothing to do


class Refusal(Exception):
    """A no, as the one line that people read."""


class Intake:
    def __init__(
        self,
        github: GitHub,
        store: Store,
        engine: Engine,
        conclusion: Conclusion,
        clock: Clock,
        server: ServerLimits,
        redact: Redactor,
        site: str,
    ) -> None:
        self._github = github
        self._store = store
        self._engine = engine
        self._conclusion = conclusion
        self._clock = clock
        self._server = server
        self._redact = redact
        self._site = site
        self._fates = Fates(store)
        self._upkeep = Upkeep(store, clock)

    async def handle(self, row: InboxRow) -> None:
        """The workflow: weigh, then do."""
        structlog.contextvars.bind_contextvars(delivery=row.guid)
        try:
            actions = await self.weigh(row)
            await self._do(row, actions)
        except Exception:  # the top of a workflow: one of the two places that may catch everything
            log.exception("delivery.broke", delivery=row.guid)
            await self.apologise(row)
            raise

    async def _do(self, row: InboxRow, actions: Actions) -> None:
        for number, action in enumerate(actions.todo):
            done = await self._carry_out(action)
            if actions.issue is not None and done.reaction:
                await self.react(actions.issue, actions.comment_id, done.reaction)
            if actions.issue is not None and done.reply:
                await self.reply(actions.issue, done.reply, replies.reply_marker(row.guid, number))

    async def _carry_out(self, action: Action) -> Action:
        """Start or cancel; what is left is to be said."""
        if action.start is not None:
            refusal = await self.claim(action.start)
            if refusal:
                return Action(reaction="confused", reply=refusal)
            await self._engine.start("solve", action.start.id, action.start)
        if action.use is not None:
            await self._engine.start("use", action.use.id, action.use)
        if action.republish is not None:
            await self._engine.start("republish", action.republish.id, action.republish)
        if action.cancel is not None:
            stopped = await self._conclusion.cancel(action.cancel, action.cancelled_by)
            if not stopped and action.reply:
                return Action(reaction=action.reaction, reply=replies.nothing_to_cancel())
        return action

    # ------------------------------------------------------------------------------------------------------- steps

    @step("weigh", patience=PATIENCE)
    async def weigh(self, row: InboxRow) -> Actions:
        """Everything that is to be known before anything is done. Reads only, but for our own upkeep."""
        event = read_event(row.event, row.record)
        log.info("delivery.read", delivery=row.guid, kind=type(event).__name__)
        match event:
            case LabelAdded() | CommentPosted():
                return await self._weigh_request(event)
            case LabelRemoved() | IssueClosed() | IssueMoved():
                return await self._weigh_end(event)
            case Unreadable():
                return await self._weigh_unreadable(event, row.guid)
            case PullRequestClosed():
                return Actions(because=await self._fates.note(event))
            case InstallationChanged():
                return _stopping(*await self._upkeep.installation(event))
            case RepositoryChanged():
                return _stopping(*await self._upkeep.repository(event))
            case _:
                return Actions(because=type(event).__name__)

    @step("apologise", patience=PATIENCE)
    async def apologise(self, row: InboxRow) -> None:
        """Nobody who asked something is left without an answer, where one can be given."""
        event = read_event(row.event, row.record)
        if isinstance(event, LabelAdded | CommentPosted | Unreadable) and event.issue and await self._asks(event):
            marker = replies.reply_marker(row.guid)
            sorry = replies.reply(self._redact(replies.ours_broke(row.guid)), marker)
            with suppress(Gone, Denied, Rejected):
                await self._github.say(event.issue, sorry, marker=marker)

    @step("claim")
    async def claim(self, solve: Solve) -> str:
        """Accept the solve. Where another one has the issue, what to answer; "" otherwise."""
        outcome = await self._store.accept(solve)
        if isinstance(outcome, Busy):
            other = await self._store.facts(outcome.solve)
            assert other is not None
            return replies.already_running(self._redact.facts(other), self._site)
        await self._store.audit(
            self._clock.now(), solve.trigger.by.login, "solve.accepted", str(solve.id), {"issue": str(solve.issue)}
        )
        log.info("solve.accepted", solve=solve.id, issue=str(solve.issue), by=solve.trigger.by.login)
        return ""

    @step("react", patience=PATIENCE)
    async def react(self, issue: IssueRef, comment_id: int | None, content: str) -> None:
        with suppress(Gone, Denied, Rejected):
            await self._github.react(issue, comment_id, content)

    @step("reply", patience=PATIENCE)
    async def reply(self, issue: IssueRef, text: str, marker: str) -> None:
        try:
            await self._github.say(issue, replies.reply(self._redact(text), marker), marker=marker)
        except (Gone, Denied, Rejected) as error:
            log.info("reply.unspeakable", issue=str(issue), reason=str(error))

    # ---------------------------------------------------------------------------------------------------- requests

    async def _weigh_request(self, event: LabelAdded | CommentPosted) -> Actions:
        comment_id = event.comment_id if isinstance(event, CommentPosted) else None
        try:
            todo = await self._asked(event)
        except Refusal as refusal:
            todo = (Action(reaction="confused", reply=str(refusal)),)
        except Gone as gone:
            return Actions(because=str(gone))
        return Actions(todo, event.issue, comment_id)

    async def _weigh_unreadable(self, event: Unreadable, guid: str) -> Actions:
        """Its row is kept for the operator. Who asked is told, where that is known."""
        log.error("delivery.unreadable", delivery=guid, why=event.why, issue=str(event.issue))
        if event.issue is None or not asks_us(event, _or_defaults(await self._config(event.issue.repo)).labels):
            return Actions(because=event.why)
        return Actions((Action(reply=replies.unreadable(guid)),), event.issue)

    async def _asked(self, event: LabelAdded | CommentPosted) -> tuple[Action, ...]:
        """Cheap things first; the sender's permission stands before every answer that tells more than help does."""
        if isinstance(event, LabelAdded):
            if event.is_pull_request:
                return ()
            config = await self._config(event.issue.repo)
            if not is_one_of(event.label, _or_defaults(config).labels):
                return ()
            await self._allowed(event, config)
            return (await self._start(event, SolveOptions(), config),)
        commands = dict.fromkeys(parse_commands(event.text, previous=event.previous))  # each is answered once
        if not commands or event.by.is_bot:
            return ()
        misread = [command for command in commands if isinstance(command, Misread)]
        if misread:
            raise Refusal(self._not_understood(misread))
        config = await self._config(event.issue.repo)
        return tuple([await self._answer(event, c, config) for c in commands if not isinstance(c, Misread)])

    async def _answer(self, event: CommentPosted, command: Command, config: RepoConfig | ConfigProblem) -> Action:
        issue = event.issue
        if isinstance(command, HelpCommand):
            return Action(reply=self._help(await self._store.models(), config))
        await self._allowed(event, config)
        latest = await self._store.latest(issue.repo.id, issue.number)
        told = self._redact.facts(latest) if latest else None
        match command:
            case SolveCommand():
                return await self._start(event, command.options, config)
            case RetryCommand():
                if latest is None:
                    raise Refusal(replies.nothing_to_retry())
                if command.options is None and is_unpublished(latest):
                    return await self._publish_again(event, latest, config)
                return await self._start(event, command.options or latest.solve.options, config)
            case CancelCommand():
                return self._cancel(latest, f"{event.by.login} said `/solve cancel`")
            case StatusCommand():
                return Action(reply=replies.status_reply(told) if told else replies.no_solve_yet())
            case UseCommand():
                return _use(event, told, command.number)
            case ExplainCommand():
                return Action(reply=replies.explanation(told, self._site) if told else replies.no_solve_yet())

    async def _allowed(self, event: IssueEvent, config: RepoConfig | ConfigProblem) -> None:
        """The sender's permission now, by the API: whoever labels is asked about, not whoever wrote the issue."""
        needed = _or_defaults(config).who
        try:
            has = await self._github.permission(event.issue.repo, event.by.login)
        except Denied as error:
            log.error("permission.unknown", issue=str(event.issue), reason=str(error), remedy=error.remedy)
            raise Refusal(replies.permission_unknown(self._redact(event.by.login))) from error
        if not may_ask(has, needed, event.by):
            login = self._redact(event.by.login)
            raise Refusal(replies.robots_may_not_ask() if event.by.is_bot else replies.not_allowed(login, has, needed))

    async def _start(
        self, event: LabelAdded | CommentPosted, options: SolveOptions, config: RepoConfig | ConfigProblem
    ) -> Action:
        """Before any money: is there anything to solve, and do we know how."""
        await self._solvable(event, options, config)
        if isinstance(config, ConfigProblem):
            mistakes = [(mistake.line, self._redact(mistake.reason)) for mistake in config.mistakes]
            raise Refusal(replies.config_problems(config.path, mistakes))
        planned = plan(options, config, await self._store.models(), self._server)
        if isinstance(planned, Misread):
            raise Refusal(self._not_understood([planned]))
        active = await self._store.active(event.issue.repo.id, event.issue.number)
        trigger = trigger_of(event)
        id = solve_id(event.issue, trigger.key)
        if active is not None and active.id != id:
            raise Refusal(replies.already_running(self._redact.facts(active), self._site))
        solve = Solve(id, event.issue, event.title, event.body, trigger, options, self._clock.now())
        if forbidden := await clearance(self._github, solve, config, self._redact):
            raise Refusal(forbidden)
        return Action(start=solve)

    async def _publish_again(
        self, event: CommentPosted, latest: SolveFacts, config: RepoConfig | ConfigProblem
    ) -> Action:
        """The champion is there and paid for."""
        await self._solvable(event, latest.solve.options, config)
        wanted = latest.task.config.pull_request if latest.task else _or_defaults(config).pull_request
        asked = replace(_or_defaults(config), pull_request=wanted)
        if forbidden := await clearance(self._github, latest.solve, asked, self._redact):
            raise Refusal(forbidden)
        job = RepublishJob(latest.id, event.by, f"c{event.comment_id}")
        return Action(reaction="eyes", reply=replies.publishing_again(self._redact.facts(latest)), republish=job)

    async def _solvable(
        self, event: LabelAdded | CommentPosted, options: SolveOptions, config: RepoConfig | ConfigProblem
    ) -> None:
        if event.is_pull_request:
            raise Refusal(replies.not_an_issue())
        issue = await self._github.issue(event.issue)
        if not issue.open:
            raise Refusal(replies.issue_closed())
        if issue.locked:
            raise Refusal(replies.issue_locked())
        repository = await self._github.repository(event.issue.repo)
        await self._store.repository_seen(repository.repo, archived=repository.archived)
        if repository.archived or repository.disabled:
            raise Refusal(replies.repository_archived())
        if repository.empty:
            raise Refusal(replies.repository_empty())
        if options.base and await self._github.branch_head(event.issue.repo, options.base) is None:
            raise Refusal(replies.no_such_base(self._redact(options.base)))
        branches = branch_pattern(_or_defaults(config).pull_request.branch, event.issue.number)
        pull = await self._github.open_pull_request(event.issue, branches=branches)
        if pull is not None:
            raise Refusal(replies.pull_request_open(pull))

    async def _asks(self, event: LabelAdded | CommentPosted | Unreadable) -> bool:
        """Whether it was for us, as far as can be told: what broke may be the reading of the configuration itself."""
        if isinstance(event, CommentPosted):
            return bool(parse_commands(event.text, previous=event.previous))
        try:
            labels = _or_defaults(await self._config(event.issue.repo)).labels if event.issue else ()
        except Exception:  # after the top of a workflow has caught it
            labels = RepoConfig().labels
        if isinstance(event, LabelAdded):
            return not event.is_pull_request and is_one_of(event.label, labels)
        return asks_us(event, labels)

    def _not_understood(self, misread: Sequence[Misread]) -> str:
        said = [(each.what, replies.what_to_do(each, self._server)) for each in misread]
        return replies.not_understood([(self._redact(what), self._redact(remedy)) for what, remedy in said])

    def _help(self, models: Sequence[ModelSpec], config: RepoConfig | ConfigProblem) -> str:
        labels = [self._redact(label) for label in _or_defaults(config).labels]
        return replies.help_text(models, labels, self._server)

    async def _config(self, repo: Repo) -> RepoConfig | ConfigProblem:
        """From the default branch, whatever branch the request is about."""
        repository = await self._github.repository(repo)
        return RepoConfig() if repository.empty else await read_config(self._github, repo, repository.default_branch)

    # -------------------------------------------------------------------------------------------------------- ends

    async def _weigh_end(self, event: LabelRemoved | IssueClosed | IssueMoved) -> Actions:
        active = await self._store.active(event.issue.repo.id, event.issue.number)
        if active is None:
            return Actions(because="nothing is running for this issue")
        match event:
            case LabelRemoved():
                labels = active.task.config.labels if active.task else RepoConfig().labels
                if active.solve.trigger.kind is not TriggerKind.LABEL or not is_one_of(event.label, labels):
                    return Actions(because="that label did not start it")
                why = f"{event.by.login} removed the label"
            case IssueClosed():
                why = f"{event.by.login} closed the issue"
            case IssueMoved():
                why = f"{event.by.login} {'deleted' if event.deleted else 'transferred'} the issue"
        return Actions((Action(cancel=active.id, cancelled_by=why),))

    def _cancel(self, latest: SolveFacts | None, by: str) -> Action:
        if latest is None or latest.status.is_over:
            return Action(reply=replies.nothing_to_cancel())
        return Action(
            cancel=latest.id, cancelled_by=by, reply=replies.cancelled_reply(self._redact.facts(latest), self._site)
        )


def _use(event: CommentPosted, latest: CleanFacts | None, number: int) -> Action:
    found = candidate_for(latest, number)
    if not isinstance(found, RunFacts):
        raise Refusal(replies.not_usable(latest, number, found))
    return Action(use=ExchangeJob(found.solve, found.id, event.by, f"c{event.comment_id}"), reaction="eyes")


def _stopping(solves: Sequence[SolveId], why: str) -> Actions:
    return Actions(tuple(Action(cancel=id, cancelled_by=why) for id in solves), because="" if solves else "noted")


def _or_defaults(config: RepoConfig | ConfigProblem) -> RepoConfig:
    """What counts until the mistakes are mended."""
    return RepoConfig() if isinstance(config, ConfigProblem) else config
