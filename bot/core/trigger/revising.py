"""A revision: may there be one, what may it cost, and what of all that reviewers say is its task?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.core.choosing.experiments import LEAST_SHARE
from bot.core.model import Permission, RepoConfig, Sha, Solve, SolveFacts, SolveOptions, Task, Trigger, TriggerKind
from bot.core.render.text import count
from bot.core.text.cleaning import clean_text, task_digest, visible
from bot.core.text.suggestion_blocks import block_of
from bot.core.trigger.feedback import FailedCheck, Feedback, Onto, Said, Thread

MOST_REVISIONS = 10  # of one pull request
BUDGETS = 3  # a pull request and all its revisions cost at most so many times what one solve may cost
MOST_THREADS = 50  # that one revision answers
MOST_AUTHORS = 20  # whose permission is asked for
TEXT_LIMIT = 20_000  # characters of a review
SAID_LIMIT = 4_000  # of one comment in a thread
ALL_SAID_LIMIT = 40_000
ALL_SAID_READ = 200_000  # before cleaning, which takes up to a second for the 65,536 characters of one comment
HUNK_LINES = 20
MOST_BEFORE = 200_000  # characters of a change that is made anew


class No(Enum):
    """Why a pull request is not revised."""

    NOT_OURS = "not ours"
    TOO_MANY = "too many"
    TOO_DEAR = "too dear"


def dollars_for(original: SolveFacts | None, before: Sequence[SolveFacts], dollars: float) -> float | No:
    """What the next revision may cost. `dollars`: what one solve may cost here; `before`: the revisions so far.

    A pull request has at most ten, and all of them together with the solve itself cost at most three solves.
    """
    if original is None or original.task is None:
        return No.NOT_OURS
    if len(before) >= MOST_REVISIONS:
        return No.TOO_MANY
    left = BUDGETS * dollars - original.dollars - sum(revision.dollars for revision in before)
    return min(dollars, left) if left >= LEAST_SHARE else No.TOO_DEAR


def revision_options(original: SolveFacts, dollars: float) -> SolveOptions:
    """As the pull request was asked for, with what is left of its money."""
    asked = original.solve.options
    return replace(asked, dollars=min(dollars, asked.dollars or dollars), base=None, draft=False)


def is_repair(job: Solve) -> bool:
    """Started by a failing check, and by nobody's word."""
    return job.trigger.kind is TriggerKind.CHECK


def is_made_anew(job: Solve) -> bool:
    """On a base branch that has moved on, and not on what is in the pull request."""
    return job.trigger.kind is TriggerKind.UPDATE


def keeps_to_its_head(job: Solve) -> bool:
    """Where people push meanwhile it gives way, because it was about the branch as it stood."""
    return is_repair(job) or is_made_anew(job)


@dataclass(frozen=True, slots=True)
class Target:
    """The branch that a revision is pushed to, and the commit that it was made for."""

    branch: str
    head: Sha


def target_of(task: Task) -> Target:
    onto = task.feedback.onto if task.feedback is not None else None
    return Target(onto.branch, onto.head) if onto is not None else Target(task.base_branch, task.base_sha)


def authors(threads: Sequence[Thread]) -> tuple[str, ...]:
    """People whose permission decides what counts, those who spoke last first; robots have none."""
    said = sorted((each for thread in threads for each in thread.said), key=lambda each: each.at, reverse=True)
    return tuple(dict.fromkeys(each.author for each in said if not each.is_bot))[:MOST_AUTHORS]


@dataclass(frozen=True, slots=True)
class Heard:
    """`left_out`: what of it is not part of the task and why, for people.

    `checks`: what a repair is about. `onto`: where the change is made anew.
    """

    threads: tuple[Thread, ...]
    left_out: tuple[str, ...] = ()
    checks: tuple[FailedCheck, ...] = ()
    onto: Onto | None = None


def heard(threads: Sequence[Thread], trigger: Trigger, may: Mapping[str, Permission], needed: Permission) -> Heard:
    """The threads as of the trigger, cleaned; oldest first.

    Of what was said, only what was there and unedited when it was asked for, and what came with the review that asks.
    A thread counts when somebody who may ask has spoken in it: else a stranger's words would become a task by
    another's review. A comment on a line asks for that thread alone. Where there are more than 50, those of the review
    come first, then the newest; and all of them together have at most some 40,000 characters.
    """
    known = [_as_of(thread, trigger, may, needed) for thread in threads]
    if trigger.thread is not None:
        known = [thread for thread in known if any(said.id == trigger.thread for said in thread.said)]
    ours = [thread for thread in known if any(said.may_ask for said in thread.said)]
    ours.sort(key=lambda thread: (_is_of(thread, trigger), thread.said[-1].at), reverse=True)
    kept, room = list[Thread](), _Room()
    for thread in ours[:MOST_THREADS]:
        if (cleaned := room.cleaned(thread)) is not None:
            kept.append(cleaned)
    strangers = sum(bool(thread.said) for thread in known) - len(ours)
    left_out = [f"{count(strangers, 'thread')} in which nobody spoke who may ask"] if strangers else []
    if missing := len(ours) - len(kept):
        left_out.append(f"{count(missing, 'thread')}, because all of them together are too many or too long")
    return Heard(tuple(sorted(kept, key=lambda thread: thread.first)), tuple(left_out))


def _as_of(thread: Thread, trigger: Trigger, may: Mapping[str, Permission], needed: Permission) -> Thread:
    there = [said for said in thread.said if _was_there(said, trigger)]
    return replace(thread, said=tuple(_placed(said, may, needed) for said in there))


def _was_there(said: Said, trigger: Trigger) -> bool:
    came_along = said.id == trigger.thread or (said.review is not None and said.review == trigger.review)
    if said.edited_at is not None and said.edited_at > trigger.at:
        return False
    changed = said.edited_at or said.at
    return came_along or (said.at < trigger.at and changed < trigger.at)


def _placed(said: Said, may: Mapping[str, Permission], needed: Permission) -> Said:
    has = Permission.NONE if said.is_bot else may.get(said.author, Permission.NONE)
    return replace(said, may_ask=has.at_least(needed) and not said.is_bot, rank=list(Permission).index(has))


def _is_of(thread: Thread, trigger: Trigger) -> bool:
    return trigger.review is not None and any(said.review == trigger.review for said in thread.said)


class _Room:
    """What is left to be read and kept."""

    def __init__(self) -> None:
        self._unread = ALL_SAID_READ
        self._unkept = ALL_SAID_LIMIT

    def cleaned(self, thread: Thread) -> Thread | None:
        """None: there is no room for it."""
        self._unread -= sum(len(said.body) for said in thread.said)
        if self._unread < 0:
            return None
        said = tuple(map(_cleaned, thread.said))
        self._unkept -= sum(len(each.body) for each in said)
        if self._unkept < 0:
            return None
        hunk = "\n".join(visible(thread.hunk[-TEXT_LIMIT:]).split("\n")[-HUNK_LINES:])
        return replace(thread, path=visible(thread.path)[:300], hunk=hunk[-SAID_LIMIT:], said=said)


def _cleaned(said: Said) -> Said:
    body = clean_text(said.body, limit=SAID_LIMIT)
    return replace(said, body=body, altered=block_of(said.body) != block_of(body))


def last_word(thread: Thread) -> Said | None:
    """Whose word counts where several people who may ask spoke: of those who may most, the last one.

    None where only one did, so that there is nothing to choose.
    """
    speakers = [said for said in thread.said if said.may_ask]
    if len({said.author for said in speakers}) < 2:
        return None
    return max(enumerate(speakers), key=lambda place: (place[1].rank, place[0]))[1]


@dataclass(frozen=True, slots=True)
class Branch:
    """The pull request's, as it stands."""

    name: str
    head: Sha
    own_tests: tuple[str, ...] = ()


def freeze_revision(job: Solve, original: Task, branch: Branch, heard: Heard, config: RepoConfig) -> Task:
    """The original task and what reviewers say about its change, which is in the base commit."""
    trigger = job.trigger
    text = clean_text(job.asked, limit=TEXT_LIMIT)
    feedback = Feedback(
        job.issue.number, trigger.by.login, text, heard.threads, branch.own_tests, heard.checks, heard.onto
    )
    digest = task_digest(
        original.title,
        original.body,
        original.remarks,
        branch.name,
        branch.head,
        config,
        job.options,
        feedback,
    )
    return replace(
        original,
        base_branch=branch.name,
        base_sha=branch.head,
        config=config,
        options=job.options,
        digest=digest,
        left_out=heard.left_out,
        feedback=feedback,
    )
