"""From what people ask to actions: comments, labels, reviews and the API, each command to what answers it.

Reads only. Cheap things come first; what somebody may not or cannot have is a `Refusal`, one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.actions import REFUSED, Action, Actions, Hindered, Refusal
from bot.approval_requests import approval_answer
from bot.authorization import Permits
from bot.cancellation import Ends
from bot.configuration import read_config
from bot.core.choosing.approval_rules import least_permission
from bot.core.choosing.experiments import ServerLimits
from bot.core.choosing.use_candidate import candidate_for
from bot.core.choosing.why import Place
from bot.core.model import (
    ModelSpec,
    Repo,
    RepoConfig,
    RunFacts,
    SolveFacts,
)
from bot.core.render import replies, requests
from bot.core.solve_status import is_unpublished
from bot.core.text.outgoing import CleanFacts, Redactor
from bot.core.trigger.api_requests import command_of
from bot.core.trigger.commands import (
    ApproveCommand,
    BatchCommand,
    CancelCommand,
    Command,
    ConfigureCommand,
    ExplainCommand,
    HelpCommand,
    MilestoneCommand,
    Misread,
    RejectCommand,
    RetryCommand,
    ReviseCommand,
    SolveCommand,
    StatusCommand,
    UpdateCommand,
    UseCommand,
    WhyCommand,
    parse_commands,
)
from bot.core.trigger.config import ConfigProblem
from bot.core.trigger.events import (
    CommentPosted,
    LabelAdded,
    Requested,
    ReviewSubmitted,
    ThreadCommented,
    Unreadable,
    Wish,
    asks_us,
    is_one_of,
)
from bot.ports import GitHub, Gone, Store
from bot.propose_configuration import Proposals
from bot.questions import Questions
from bot.reviews import Asking, Reviews
from bot.starts import Starts, or_defaults
from bot.use_candidate import ExchangeJob

log = structlog.get_logger()


class CommandDispatch:
    def __init__(
        self,
        github: GitHub,
        store: Store,
        server: ServerLimits,
        redact: Redactor,
        site: str,
        starts: Starts,
        reviews: Reviews,
        ends: Ends,
        proposals: Proposals,
    ) -> None:
        self._github = github
        self._store = store
        self._server = server
        self._redact = redact
        self._site = site
        self._starts = starts
        self._reviews = reviews
        self._ends = ends
        self._proposals = proposals
        self._permits = Permits(github, redact)
        self._questions = Questions(store, redact)

    async def of_api(self, event: Requested) -> Actions:
        """Like a command in a comment; but it names a solve, where a comment means the latest of its issue."""
        try:
            config = await self.config_of(event.issue.repo)
            await self._permits.check(event, or_defaults(config).who)
            latest = await self._store.latest(event.issue.repo.id, event.issue.number)
            is_about_one = event.solve is not None and event.wish is not Wish.REVISE
            if is_about_one and latest is not None and latest.id != event.solve:
                raise Refusal(requests.not_latest(latest.id))
            action = await self._answer(event, command_of(event), config)
        except Refusal as refusal:
            action = Action(reaction=REFUSED, reply=str(refusal))
        except Gone:
            action = Action(reaction=REFUSED, reply=requests.gone())
        return Actions((action,), request=event.request)

    async def of_request(self, event: LabelAdded | CommentPosted) -> Actions:
        comment_id = event.comment_id if isinstance(event, CommentPosted) else None
        try:
            todo = await self._asked(event)
        except Refusal as refusal:
            todo = (Action(reaction=REFUSED, reply=str(refusal)),)
        except Gone as gone:
            return Actions(because=str(gone))
        return Actions(todo, event.issue, comment_id)

    async def of_unreadable(self, event: Unreadable, guid: str) -> Actions:
        """Its row is kept for the operator. Who asked is told, where that is known."""
        log.error("delivery.unreadable", delivery=guid, why=event.why, issue=str(event.issue))
        if event.issue is None or not asks_us(event, or_defaults(await self.config_of(event.issue.repo)).labels):
            return Actions(because=event.why)
        return Actions((Action(reply=replies.unreadable(guid)),), event.issue)

    async def _asked(self, event: LabelAdded | CommentPosted) -> tuple[Action, ...]:
        """Cheap things first; the sender's permission stands before every answer that tells more than help does."""
        if isinstance(event, LabelAdded):
            if event.is_pull_request:
                return ()
            config = await self.config_of(event.issue.repo)
            if not is_one_of(event.label, or_defaults(config).labels):
                return ()
            await self._permits.check(event, or_defaults(config).who)
            return (await self._starts.labelled(event, config),)
        commands = self._commands(event.text, event.previous)
        if not commands or event.by.is_bot:
            return ()
        config = await self.config_of(event.issue.repo)
        return tuple([await self._answer(event, command, config) for command in commands])

    async def _answer(
        self, event: CommentPosted | Requested, command: Command, config: RepoConfig | ConfigProblem
    ) -> Action:
        issue = event.issue
        if isinstance(command, HelpCommand):
            return Action(reply=self._help(await self._store.models(), config))
        await self._permits.check(event, or_defaults(config).who)
        latest = await self._store.latest(issue.repo.id, issue.number)
        told = self._redact.facts(latest) if latest else None
        match command:
            case SolveCommand():
                return await self._starts.start(event, command.options, config)
            case BatchCommand():
                return await self._starts.batch(event, command.numbers, command.options, config)
            case MilestoneCommand():
                return await self._starts.milestone(event, command.options, config)
            case RetryCommand():
                if latest is None:
                    raise Refusal(replies.nothing_to_retry())
                if command.options is None and is_unpublished(latest):
                    return await self._starts.publish_again(event, latest, config)
                return await self._starts.start(event, command.options or latest.solve.options, config)
            case CancelCommand():
                return self._cancel(latest, self._who_cancels(event))
            case StatusCommand():
                return Action(reply=replies.status_reply(told) if told else replies.no_solve_yet())
            case UseCommand():
                return _use(event, await self._reviews.with_candidates(latest), command.number)
            case UpdateCommand():
                return Action(update=await self._reviews.update(event), reaction="eyes")
            case WhyCommand():
                return Action(reply=await self._questions.why(latest, Place(command.path, command.line)))
            case ApproveCommand() | RejectCommand():
                await self._permits.check(event, least_permission(or_defaults(config).who))
                if isinstance(command, RejectCommand) and (unwanted := await self._ends.unwanted(latest, command.why)):
                    return Action(refresh=unwanted, reaction="eyes")
                return approval_answer(event, command, latest, self._redact)
            case ConfigureCommand():
                await self._permits.check(event, least_permission(or_defaults(config).who))
                return Action(propose=await self._proposals.weigh(event, command.text))
            case ReviseCommand():
                return Action(start=await self._reviews.revision(event, config))
            case ExplainCommand():
                return Action(reply=replies.explanation(told, self._site) if told else replies.no_solve_yet())

    async def of_review(self, event: ReviewSubmitted | ThreadCommented) -> Actions:
        """Who requests changes may not have us in mind: what nobody asked of us is not refused aloud.

        Who may ask is told why nothing comes of it now, or the review would be lost without a word.
        """
        if await self._reviews.original(event) is None:
            return Actions(because="not a pull request of ours")
        try:
            commands = self._commands(event.text, event.previous if isinstance(event, ThreadCommented) else None)
            if any(not isinstance(command, ReviseCommand) for command in commands):
                raise Refusal(replies.only_revise())
            asks = bool(commands) or (isinstance(event, ReviewSubmitted) and event.changes_requested)
            if not asks or (isinstance(event, ThreadCommented) and await self._reviews.asks_with_its_review(event)):
                return Actions(because="asks nothing of us, or its review does")
            config = await self.config_of(event.issue.repo)
            await self._permits.check(event, or_defaults(config).who)
            todo = (Action(start=await self._reviews.revision(event, config)),)
        except Refusal as refusal:
            if not isinstance(refusal, Hindered) and not parse_commands(event.text):
                return Actions(because=str(refusal))
            todo = (Action(reaction=REFUSED, reply=str(refusal)),)
        except Gone as gone:
            return Actions(because=str(gone))
        return Actions(todo, event.issue)

    def _commands(self, text: str, previous: str | None) -> list[Command]:
        """Each is answered once. Raises `Refusal` where one of them cannot be read."""
        commands = dict.fromkeys(parse_commands(text, previous=previous))
        misread = [command for command in commands if isinstance(command, Misread)]
        if misread:
            raise Refusal(self._starts.not_understood(misread))
        return [command for command in commands if not isinstance(command, Misread)]

    async def asks(self, event: LabelAdded | Unreadable | Asking) -> bool:
        """Whether it was for us, as far as can be told: what broke may be the reading of the configuration itself."""
        if isinstance(event, Asking):
            previous = event.previous if isinstance(event, CommentPosted | ThreadCommented) else None
            return bool(parse_commands(event.text, previous=previous))
        try:
            labels = or_defaults(await self.config_of(event.issue.repo)).labels if event.issue else ()
        except Exception:  # after the top of a workflow has caught it
            labels = RepoConfig().labels
        if isinstance(event, LabelAdded):
            return not event.is_pull_request and is_one_of(event.label, labels)
        return asks_us(event, labels)

    def _help(self, models: Sequence[ModelSpec], config: RepoConfig | ConfigProblem) -> str:
        labels = [self._redact(label) for label in or_defaults(config).labels]
        return replies.help_text(models, labels, self._server)

    async def config_of(self, repo: Repo) -> RepoConfig | ConfigProblem:
        """From the default branch, whatever branch the request is about."""
        repository = await self._github.repository(repo)
        return RepoConfig() if repository.empty else await read_config(self._github, repo, repository.default_branch)

    def _cancel(self, latest: SolveFacts | None, by: str) -> Action:
        if latest is None or latest.status.is_over:
            return Action(reply=replies.nothing_to_cancel())
        return Action(
            cancel=latest.id, cancelled_by=by, reply=replies.cancelled_reply(self._redact.facts(latest), self._site)
        )

    def _who_cancels(self, event: CommentPosted | Requested) -> str:
        login = self._redact(event.by.login)
        return f"{login} said `/solve cancel`" if isinstance(event, CommentPosted) else requests.cancelled_by(login)


def _use(event: CommentPosted | Requested, latest: CleanFacts | None, number: int) -> Action:
    found = candidate_for(latest, number)
    if not isinstance(found, RunFacts):
        raise Refusal(replies.not_usable(latest, number, found))
    return Action(use=ExchangeJob(found.solve, found.id, event.by, event.key), reaction="eyes")
