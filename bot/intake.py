"""From a delivery to what is done about it: refused, answered, cancelled, or a started solve.

Each delivery is a small workflow under GitHub's GUID, so one that died half-way goes on, and one that is delivered
again does nothing new. Everything that has to be looked up is looked up in one step, whose result is a list of
actions; carrying them out is one step each. Nothing here costs money.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from bot.actions import Action, Actions, Refusal
from bot.authorization import Permits
from bot.cancellation import Ends
from bot.configuration import read_config
from bot.core.choosing.experiments import ServerLimits, plan
from bot.core.choosing.use_candidate import candidate_for
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
    solve_id,
)
from bot.core.render import replies
from bot.core.render.pull_request import branch_pattern
from bot.core.solve_status import is_unpublished
from bot.core.text.outgoing import CleanFacts, Redactor
from bot.core.trigger.commands import (
    CancelCommand,
    Command,
    ExplainCommand,
    HelpCommand,
    Misread,
    RetryCommand,
    ReviseCommand,
    SolveCommand,
    StatusCommand,
    UpdateCommand,
    UseCommand,
    parse_commands,
)
from bot.core.trigger.config import ConfigProblem
from bot.core.trigger.events import (
    ChecksReported,
    CommentPosted,
    InstallationChanged,
    IssueClosed,
    IssueMoved,
    LabelAdded,
    LabelRemoved,
    PullRequestClosed,
    PullRequestReopened,
    RepositoryChanged,
    ReviewSubmitted,
    ThreadCommented,
    Unreadable,
    asks_us,
    is_one_of,
    read_event,
    trigger_of,
)
from bot.engine import Engine, step
from bot.finish import PATIENCE, Conclusion
from bot.inbox import InboxRow
from bot.installations import Upkeep
from bot.ports import Busy, Clock, Denied, GitHub, Gone, Rejected, Store
from bot.publish_precheck import clearance
from bot.pull_text import PullText
from bot.repairs import Repairs
from bot.republish import RepublishJob
from bot.reviews import Asking, Reviews
from bot.use_candidate import ExchangeJob

log = structlog.get_logger()


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
        text: PullText,
    ) -> None:
        self._github = github
        self._store = store
        self._engine = engine
        self._conclusion = conclusion
        self._clock = clock
        self._server = server
        self._redact = redact
        self._site = site
        self._ends = Ends(store)
        self.reviews = Reviews(github, store, clock, server, redact)
        self._repairs = Repairs(github, store, clock, self.reviews, redact)
        self._text = text
        self._permits = Permits(github, redact)
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
            await self._engine.start(action.start.workflow, action.start.id, action.start)
        if action.use is not None:
            await self._engine.start("use", action.use.id, action.use)
        if action.republish is not None:
            await self._engine.start("republish", action.republish.id, action.republish)
        if action.update is not None:
            await self._engine.start("update", action.update.id, action.update)
        if action.retell is not None:
            await self.retell(action.retell)
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
            case ReviewSubmitted() | ThreadCommented():
                return await self._weigh_review(event)
            case LabelRemoved() | IssueClosed() | IssueMoved():
                return await self._ends.of_issue(event)
            case Unreadable():
                return await self._weigh_unreadable(event, row.guid)
            case ChecksReported():
                return await self._repairs.of_checks(event)
            case PullRequestClosed():
                return await self._ends.of_pull(event)
            case PullRequestReopened():
                return await self._ends.undone(event)
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
        if isinstance(event, LabelAdded | Unreadable | Asking) and event.issue and await self._asks(event):
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

    @step("retell", patience=PATIENCE)
    async def retell(self, original: SolveId) -> None:
        await self._text.rewrite(original)

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
            await self._permits.check(event, _or_defaults(config).who)
            return (await self._start(event, SolveOptions(), config),)
        commands = self._commands(event.text, event.previous)
        if not commands or event.by.is_bot:
            return ()
        config = await self._config(event.issue.repo)
        return tuple([await self._answer(event, command, config) for command in commands])

    async def _answer(self, event: CommentPosted, command: Command, config: RepoConfig | ConfigProblem) -> Action:
        issue = event.issue
        if isinstance(command, HelpCommand):
            return Action(reply=self._help(await self._store.models(), config))
        await self._permits.check(event, _or_defaults(config).who)
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
                return _use(event, await self.reviews.with_candidates(latest), command.number)
            case UpdateCommand():
                return Action(update=await self.reviews.update(event), reaction="eyes")
            case ReviseCommand():
                return Action(start=await self.reviews.revision(event, config))
            case ExplainCommand():
                return Action(reply=replies.explanation(told, self._site) if told else replies.no_solve_yet())

    async def _weigh_review(self, event: ReviewSubmitted | ThreadCommented) -> Actions:
        """Who requests changes may not have us in mind: what nobody asked of us is not refused aloud."""
        if await self.reviews.original(event) is None:
            return Actions(because="not a pull request of ours")
        try:
            commands = self._commands(event.text, event.previous if isinstance(event, ThreadCommented) else None)
            if any(not isinstance(command, ReviseCommand) for command in commands):
                raise Refusal(replies.only_revise())
            asks = bool(commands) or (isinstance(event, ReviewSubmitted) and event.changes_requested)
            if not asks or (isinstance(event, ThreadCommented) and await self.reviews.asks_with_its_review(event)):
                return Actions(because="asks nothing of us, or its review does")
            config = await self._config(event.issue.repo)
            await self._permits.check(event, _or_defaults(config).who)
            todo = (Action(start=await self.reviews.revision(event, config)),)
        except Refusal as refusal:
            if not parse_commands(event.text):
                return Actions(because=str(refusal))
            todo = (Action(reaction="confused", reply=str(refusal)),)
        except Gone as gone:
            return Actions(because=str(gone))
        return Actions(todo, event.issue)

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

    def _commands(self, text: str, previous: str | None) -> list[Command]:
        """Each is answered once. Raises `Refusal` where one of them cannot be read."""
        commands = dict.fromkeys(parse_commands(text, previous=previous))
        misread = [command for command in commands if isinstance(command, Misread)]
        if misread:
            raise Refusal(self._not_understood(misread))
        return [command for command in commands if not isinstance(command, Misread)]

    async def _asks(self, event: LabelAdded | Unreadable | Asking) -> bool:
        """Whether it was for us, as far as can be told: what broke may be the reading of the configuration itself."""
        if isinstance(event, Asking):
            previous = None if isinstance(event, ReviewSubmitted) else event.previous
            return bool(parse_commands(event.text, previous=previous))
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
