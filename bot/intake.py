"""From a delivery to what is done about it: refused, answered, cancelled, or a started solve.

Each delivery is a small workflow under GitHub's GUID, so one that died half-way goes on, and one that is delivered
again does nothing new. Everything that has to be looked up is looked up in one step, whose result is a list of
actions; carrying them out is one step each. Nothing here costs money.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace

import msgspec
import structlog

from bot.actions import REFUSED, Action, Actions, Refusal
from bot.approval import ApprovalAnswer, go_on
from bot.authorization import Permits
from bot.batches import BatchBoard, Wanted, without_refused
from bot.buttons import Buttons
from bot.cancellation import Ends
from bot.command_dispatch import CommandDispatch
from bot.core.choosing.approval_rules import No
from bot.core.choosing.experiments import ServerLimits
from bot.core.model import (
    IssueRef,
    Solve,
    SolveId,
)
from bot.core.render import replies, requests
from bot.core.render.approval import answered_already, nothing_to_answer
from bot.core.text.outgoing import Redactor
from bot.core.trigger.batches import Batch
from bot.core.trigger.budgets import OverBudget
from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import (
    ButtonPressed,
    ChecksReported,
    CommentPosted,
    CommitsReverted,
    InstallationChanged,
    IssueClosed,
    IssueMoved,
    LabelAdded,
    LabelRemoved,
    PullRequestChanged,
    PullRequestClosed,
    PullRequestReopened,
    RepositoryChanged,
    Requested,
    ReviewDismissed,
    ReviewSubmitted,
    SuiteRerequested,
    ThreadCommented,
    Unreadable,
    Wish,
)
from bot.engine import Engine, step
from bot.finish import PATIENCE, Conclusion
from bot.inbox import InboxRow
from bot.installations import Upkeep
from bot.ports import Busy, Clock, Denied, Full, GitHub, Gone, Rejected, Store
from bot.propose_configuration import Proposals
from bot.pull_text import PullText
from bot.repairs import Repairs
from bot.reviews import Asking, Reviews
from bot.starts import Starts, or_defaults

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
        batches: BatchBoard,
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
        self._batches = batches
        self._ends = Ends(store, github, clock)
        self.reviews = Reviews(github, store, clock, server, redact)
        self._repairs = Repairs(github, store, clock, self.reviews, redact)
        self._text = text
        starts = Starts(github, store, clock, server, redact, site)
        self._proposals = Proposals(github, store, clock, redact)
        self._commands = CommandDispatch(
            github, store, server, redact, site, starts, self.reviews, self._ends, self._proposals
        )
        self._permits = Permits(github, redact)
        self._buttons = Buttons(github, store, clock, self.reviews, self._permits, redact)
        self._upkeep = Upkeep(store, clock)

    async def handle(self, row: InboxRow) -> None:
        """The workflow: weigh, then do."""
        structlog.contextvars.bind_contextvars(delivery=row.guid)
        try:
            row = await self.with_issue(row) if _lacks_issue(row) else row
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
            if actions.request:
                await self.answer(actions.request, done)

    async def _carry_out(self, action: Action) -> Action:
        """Start or cancel; what is left is to be said."""
        if action.start is not None:
            refusal = await self.claim(action.start, action.a_day)
            if refusal:
                return Action(reaction=REFUSED, reply=refusal)
            await self._engine.start(action.start.workflow, action.start.id, action.start)
        if action.batch is not None:
            await self._start_all(action.batch)
        if action.use is not None:
            await self._engine.start("use", action.use.id, action.use)
        if action.republish is not None:
            await self._engine.start("republish", action.republish.id, action.republish)
        if action.answer is not None:
            refusal = await self.answer_approval(action.answer)
            if refusal:
                return Action(reaction="confused", reply=refusal)
            await go_on(self._engine, action.answer.solve, action.answer.approval.standing)
        if action.refresh is not None:
            await self._conclusion.say_so(action.refresh)
        if action.update is not None:
            await self._engine.start("update", action.update.id, action.update)
        if action.retell is not None:
            await self.retell(action.retell)
        if action.reshow is not None:
            await self.show_check_again(action.reshow)
        if action.propose is not None:
            return await self._proposals.open(action.propose)
        if action.cancel is not None:
            stopped = await self._conclusion.cancel(action.cancel, action.cancelled_by)
            if not stopped and action.reply:
                return Action(reaction=action.reaction, reply=replies.nothing_to_cancel())
        return action

    async def _start_all(self, wanted: Wanted) -> None:
        refused = dict[SolveId, str]()
        for solve in wanted.solves:
            if refusal := await self.claim(solve, wanted.a_day):
                refused[solve.id] = refusal
        await self.open_batch(without_refused(wanted.batch, refused))
        for solve in wanted.solves:
            if solve.id not in refused:
                await self._engine.start(solve.workflow, solve.id, solve)

    # ------------------------------------------------------------------------------------------------------- steps

    @step("open batch", patience=PATIENCE)
    async def open_batch(self, batch: Batch) -> None:
        await self._store.batch_begun(batch)
        await self._batches.refresh(batch.id)

    @step("weigh", patience=PATIENCE)
    async def weigh(self, row: InboxRow) -> Actions:
        """Everything that is to be known before anything is done. Reads only, but for our own upkeep."""
        event = read_event(row.event, row.record)
        log.info("delivery.read", delivery=row.guid, kind=type(event).__name__)
        match event:
            case LabelAdded() | CommentPosted():
                return await self._commands.of_request(event)
            case ReviewSubmitted() | ThreadCommented():
                return await self._commands.of_review(event)
            case Requested():
                return await self._commands.of_api(event)
            case LabelRemoved() | IssueClosed() | IssueMoved():
                return await self._ends.of_issue(event)
            case Unreadable():
                return await self._commands.of_unreadable(event, row.guid)
            case ChecksReported():
                return await self._repairs.of_checks(event)
            case ButtonPressed():
                return await self._buttons.weigh(event)
            case SuiteRerequested():
                return await self._buttons.of_suite(event)
            case PullRequestClosed():
                return await self._ends.of_pull(event)
            case CommitsReverted():
                return await self._ends.of_commits(event)
            case ReviewDismissed():
                return await self._ends.of_review(event)
            case PullRequestReopened():
                return await self._ends.undone(event)
            case PullRequestChanged():
                return await self._ends.followed(event)
            case InstallationChanged():
                return _stopping(*await self._upkeep.installation(event))
            case RepositoryChanged():
                return _stopping(*await self._upkeep.repository(event))
            case _:
                return Actions(because=type(event).__name__)

    @step("open issue", patience=PATIENCE)
    async def with_issue(self, row: InboxRow) -> InboxRow:
        """Where somebody has told the API of a bug that has no issue. Who may not ask gets none."""
        event = read_event(row.event, row.record)
        assert isinstance(event, Requested)
        title, body = self._redact(event.title), self._redact(event.body)
        said = requests.issue_body(event.request, self._redact(event.by.login), body)
        try:
            await self._permits.check(event, or_defaults(await self._commands.config_of(event.issue.repo)).who)
            marker = requests.issue_marker(event.request)
            issue = await self._github.open_issue(event.issue.repo, title=title, body=said, marker=marker)
        except (Refusal, Gone, Denied, Rejected) as error:
            log.info("issue.not_opened", delivery=row.guid, reason=str(error))
            return row
        return replace(row, record=msgspec.to_builtins(replace(event, issue=issue)))

    @step("apologise", patience=PATIENCE)
    async def apologise(self, row: InboxRow) -> None:
        """Nobody who asked something is left without an answer, where one can be given."""
        event = read_event(row.event, row.record)
        if isinstance(event, Requested):
            await self._store.requests.answered(
                event.request, self._clock.now(), solve=None, refused=True, answer=replies.ours_broke(row.guid)
            )
        elif isinstance(event, LabelAdded | Unreadable | Asking) and event.issue and await self._commands.asks(event):
            marker = replies.reply_marker(row.guid)
            sorry = replies.reply(self._redact(replies.ours_broke(row.guid)), marker)
            with suppress(Gone, Denied, Rejected):
                await self._github.say(event.issue, sorry, marker=marker)

    @step("claim")
    async def claim(self, solve: Solve, a_day: int | None = None) -> str:
        """Accept the solve. Where another one has the issue, the day is full or no money is left, what to answer."""
        outcome = await self._store.accept(solve, self._server.budgets, a_day=a_day)
        if isinstance(outcome, Full):
            return replies.day_is_full(outcome.most, outcome.free_at)
        if isinstance(outcome, OverBudget):
            log.warning("solve.over_budget", solve=solve.id, **asdict(outcome.spent.budget), asked=outcome.asked)
            return replies.over_budget(outcome) + ("" if solve.revises else replies.budget_that_fits(outcome))
        if isinstance(outcome, Busy):
            other = await self._store.facts(outcome.solve)
            assert other is not None
            return replies.already_running(self._redact.facts(other), self._site)
        await self._store.audit(
            self._clock.now(), solve.trigger.by.login, "solve.accepted", str(solve.id), {"issue": str(solve.issue)}
        )
        log.info("solve.accepted", solve=solve.id, issue=str(solve.issue), by=solve.trigger.by.login)
        return ""

    @step("answer approval")
    async def answer_approval(self, answer: ApprovalAnswer) -> str:
        """Empty: it is the first, and stands."""
        stands = await self._store.answered(answer.solve.id, answer.approval)
        if stands is not None and stands.key == answer.approval.key:
            return ""
        return nothing_to_answer(None, No.NOTHING) if stands is None else answered_already(stands)

    @step("retell", patience=PATIENCE)
    async def retell(self, original: SolveId) -> None:
        await self._text.rewrite(original)

    @step("show check again", patience=PATIENCE)
    async def show_check_again(self, original: SolveId) -> None:
        await self._text.show_check_again(original)

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

    @step("answer", patience=PATIENCE)
    async def answer(self, request: str, done: Action) -> None:
        """For who asks the API what came of it."""
        await self._store.requests.answered(
            request, self._clock.now(), solve=done.solve, refused=not done.begins, answer=self._redact(_told(done))
        )


def _told(done: Action) -> str:
    """To who asked through the API."""
    if done.start is not None:
        return requests.started(done.start.id)
    if done.reply:
        return done.reply
    if done.answer is not None:
        return requests.answered(done.answer.approval.standing)
    if done.refresh is not None:
        return requests.noted()
    return requests.exchange_begun() if done.use else requests.nothing_begun()


def _lacks_issue(row: InboxRow) -> bool:
    event = read_event(row.event, row.record)
    return isinstance(event, Requested) and event.wish is Wish.SOLVE and not event.issue.number


def _stopping(solves: Sequence[SolveId], why: str) -> Actions:
    return Actions(tuple(Action(cancel=id, cancelled_by=why) for id in solves), because="" if solves else "noted")
