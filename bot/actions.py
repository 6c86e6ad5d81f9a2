"""What a delivery comes to: things to do, or one line that says no."""

from __future__ import annotations

from dataclasses import dataclass

from bot.approval import ApprovalAnswer
from bot.batches import Wanted
from bot.core.model import IssueRef, Person, Solve, SolveId
from bot.core.trigger.proposals import Proposal
from bot.republish import RepublishJob
from bot.use_candidate import ExchangeJob

REFUSED = "confused"  # the reaction to what is refused


@dataclass(frozen=True, slots=True)
class UpdateJob:
    """`issue`: the pull request. `asked`: somebody waits for an answer; else it was time to."""

    original: SolveId
    issue: IssueRef
    by: Person
    key: str  # of the request
    comment_id: int | None = None
    asked: bool = True

    @property
    def id(self) -> str:
        return f"{self.original}-update-{self.key}"


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
    update: UpdateJob | None = None
    retell: SolveId | None = None  # whose pull request's text says something new
    answer: ApprovalAnswer | None = None
    batch: Wanted | None = None
    refresh: SolveId | None = None  # whose status comment has something else to say
    propose: Proposal | None = None
    reshow: SolveId | None = None  # whose own check GitHub waits for
    a_day: int | None = None  # of `start`: how many may begin in its repository in 24 hours

    @property
    def solve(self) -> SolveId | None:
        """Which one it is about."""
        for job in (self.use, self.republish):
            if job is not None:
                return job.solve
        if self.answer is not None:
            return self.answer.solve.id
        return self.start.id if self.start is not None else self.cancel or self.refresh

    @property
    def is_refusal(self) -> bool:
        return self.reaction == REFUSED

    @property
    def begins(self) -> bool:
        """Something comes of it."""
        return not self.is_refusal and (self.solve is not None or self.propose is not None)


@dataclass(frozen=True, slots=True)
class Actions:
    todo: tuple[Action, ...] = ()
    issue: IssueRef | None = None  # where it is answered; None: nobody is waiting for an answer
    comment_id: int | None = None  # the comment to react to; None: react to the issue
    because: str = ""  # for the log, when there is nothing to do
    request: str = ""  # of the API, whose answer is kept for who asks for it


class Refusal(Exception):
    """A no, as the one line that people read."""


class Hindered(Refusal):
    """To somebody who may ask: it would be done, but for what goes on already, a limit, or a mistake."""
