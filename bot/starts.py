"""From a request to what is started: is there anything to solve, do we know how, and may the champion be published?

Reads only. What people have to put right is a `Refusal`, one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.actions import Action, Refusal
from bot.batches import Request, weigh_batch
from bot.core.choosing.experiments import ServerLimits, plan
from bot.core.model import RepoConfig, Solve, SolveFacts, SolveOptions, solve_id
from bot.core.render import replies
from bot.core.render.pull_request import branch_pattern
from bot.core.text.outgoing import Redactor
from bot.core.trigger.commands import Misread
from bot.core.trigger.config import ConfigProblem
from bot.core.trigger.events import CommentPosted, LabelAdded, Requested, trigger_of
from bot.ports import Clock, GitHub, Store
from bot.publish_precheck import clearance
from bot.republish import RepublishJob


class Starts:
    def __init__(
        self, github: GitHub, store: Store, clock: Clock, server: ServerLimits, redact: Redactor, site: str
    ) -> None:
        self._github = github
        self._store = store
        self._clock = clock
        self._server = server
        self._redact = redact
        self._site = site

    async def labelled(self, event: LabelAdded, config: RepoConfig | ConfigProblem) -> Action:
        """An issue that has open sub-issues asks for these."""
        children = await self._github.children(event.issue)
        if not children:
            return await self.start(event, SolveOptions(), config)
        return await self.batch(event, children, SolveOptions(), config)

    async def milestone(self, event: Request, options: SolveOptions, config: RepoConfig | ConfigProblem) -> Action:
        """GitHub labels no milestone, so it is asked for in one of its issues."""
        numbers = await self._github.of_milestone(event.issue)
        if not numbers:
            raise Refusal(replies.no_milestone() if numbers is None else replies.nothing_open_in_milestone())
        return await self.batch(event, numbers, options, config)

    async def batch(
        self, event: Request, numbers: Sequence[int], options: SolveOptions, config: RepoConfig | ConfigProblem
    ) -> Action:
        """At most 20 of them."""

        async def start(asked: Request, options: SolveOptions) -> Solve | str:
            try:
                return (await self.start(asked, options, config)).start or ""
            except Refusal as refusal:
                return str(refusal)

        a_day = or_defaults(config).day
        wanted = await weigh_batch(event, numbers, options, self._github, self._clock, start, a_day)
        return Action(batch=wanted, reaction="eyes" if wanted.solves else "confused")

    async def start(self, event: Request, options: SolveOptions, config: RepoConfig | ConfigProblem) -> Action:
        """Before any money: is there anything to solve, and do we know how."""
        await self._solvable(event, options, config)
        if isinstance(config, ConfigProblem):
            mistakes = [(mistake.line, self._redact(mistake.reason)) for mistake in config.mistakes]
            raise Refusal(replies.config_problems(config.path, mistakes))
        planned = plan(options, config, await self._store.models(), self._server)
        if isinstance(planned, Misread):
            raise Refusal(self.not_understood([planned]))
        active = await self._store.active(event.issue.repo.id, event.issue.number)
        trigger = trigger_of(event)
        id = solve_id(event.issue, trigger.key)
        if active is not None and active.id != id:
            raise Refusal(replies.already_running(self._redact.facts(active), self._site))
        solve = Solve(id, event.issue, event.title, event.body, trigger, options, self._clock.now())
        solve = replace(solve, reserved=planned.limits.dollars)
        if forbidden := await clearance(self._github, solve, config, self._redact):
            raise Refusal(forbidden)
        return Action(start=solve, a_day=config.day)

    async def publish_again(
        self, event: CommentPosted | Requested, latest: SolveFacts, config: RepoConfig | ConfigProblem
    ) -> Action:
        """The champion is there and paid for."""
        await self._solvable(event, latest.solve.options, config)
        wanted = latest.task.config.pull_request if latest.task else or_defaults(config).pull_request
        asked = replace(or_defaults(config), pull_request=wanted)
        if forbidden := await clearance(self._github, latest.solve, asked, self._redact):
            raise Refusal(forbidden)
        job = RepublishJob(latest.id, event.by, event.key)
        return Action(reaction="eyes", reply=replies.publishing_again(self._redact.facts(latest)), republish=job)

    async def _solvable(self, event: Request, options: SolveOptions, config: RepoConfig | ConfigProblem) -> None:
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
        branches = branch_pattern(or_defaults(config).pull_request.branch, event.issue.number)
        pull = await self._github.open_pull_request(event.issue, branches=branches)
        if pull is not None:
            raise Refusal(replies.pull_request_open(pull))

    def not_understood(self, misread: Sequence[Misread]) -> str:
        said = [(each.what, replies.what_to_do(each, self._server)) for each in misread]
        return replies.not_understood([(self._redact(what), self._redact(remedy)) for what, remedy in said])


def or_defaults(config: RepoConfig | ConfigProblem) -> RepoConfig:
    """What counts until the mistakes are mended."""
    return RepoConfig() if isinstance(config, ConfigProblem) else config
