"""`/solve #12 #14 #15`, a milestone, sub-issues: what is started for each issue, and the one comment that tells of all.

Each solve is one like any other. What they have in common is who asked, a budget, and a row from which the comment is
made anew whenever one of them has got further.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from bot.core.ids import SolveId
from bot.core.model import IssueRef, Solve, SolveFacts, SolveOptions
from bot.core.render import replies
from bot.core.render.batch import batch_comment, batch_marker
from bot.core.solve_status import Phase, phase
from bot.core.text.outgoing import Redactor
from bot.core.trigger.batches import Batch, Entry, batch_id, first_of, shared
from bot.core.trigger.events import CommentPosted, LabelAdded, Requested, trigger_of
from bot.ports import Clock, Denied, GitHub, Gone, Rejected, Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A batch before anything of it is claimed. `a_day`: as the repository limits it."""

    batch: Batch
    solves: tuple[Solve, ...]
    a_day: int | None


Request = CommentPosted | LabelAdded | Requested
Start = Callable[[Request, SolveOptions], Awaitable[Solve | str]]
"""What is to be accepted for an issue, or why not."""


async def weigh_batch(
    event: Request,
    numbers: Sequence[int],
    asked_for: SolveOptions,
    github: GitHub,
    clock: Clock,
    start: Start,
    a_day: int | None,
) -> Wanted:
    """Each issue as it is now: what people wrote there after this is not part of its task."""
    id = batch_id(event.issue, trigger_of(event).key)
    taken, left_out = first_of(numbers)
    options = shared(asked_for, len(taken))
    entries, solves = list[Entry](), list[Solve]()
    for number in taken:
        ref = IssueRef(event.issue.repo, number)
        try:
            issue = await github.issue(ref)
        except Gone:
            entries.append(Entry(number, refusal=replies.no_such_issue()))
            continue
        asked = replace(event, issue=ref, title=issue.title, body=issue.body, is_pull_request=issue.is_pull_request)
        found = await start(asked, options)
        if isinstance(found, Solve):
            solves.append(replace(found, batch=id))
            entries.append(Entry(number, found.id))
        else:
            entries.append(Entry(number, refusal=found))
    each = shared(asked_for, len(solves))  # what could not be started leaves its part to the others
    solves = [replace(solve, options=each, reserved=_of_more(solve.reserved, options, each)) for solve in solves]
    batch = Batch(id, event.issue, event.by.login, tuple(entries), clock.now(), asked_for.dollars, left_out)
    return Wanted(batch, tuple(solves), a_day)


def _of_more(reserved: float, before: SolveOptions, now: SolveOptions) -> float:
    """What was set aside for a part that has grown, unless something else than the part bounds it."""
    return now.dollars if now.dollars is not None and reserved == before.dollars else reserved


def without_refused(batch: Batch, refused: dict[SolveId, str]) -> Batch:
    """Those that could not be claimed after all."""
    entries = [
        Entry(entry.number, refusal=refused[entry.solve]) if entry.solve in refused else entry
        for entry in batch.entries
    ]
    return replace(batch, entries=tuple(entries))


class BatchBoard:
    """The one comment of each batch. It is read anew whenever one of its solves is in another phase."""

    def __init__(self, github: GitHub, store: Store, redact: Redactor) -> None:
        self._github = github
        self._store = store
        self._redact = redact
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._phases: dict[SolveId, Phase] = {}

    async def moved(self, facts: SolveFacts) -> None:
        """A solve has perhaps got further."""
        if not facts.solve.batch:
            return
        now = phase(facts)
        if self._phases.get(facts.id) is now:
            return
        await self.refresh(facts.solve.batch)
        self._phases[facts.id] = now
        if facts.status.is_over:
            self._phases.pop(facts.id, None)

    async def refresh(self, id: str) -> None:
        """Post the comment, or bring it up to date; where nothing can be said any more, it is left as it is."""
        async with self._locks[id]:
            batch = await self._store.batch(id)
            if batch is None:
                return
            known = {entry.solve: await self._store.facts(entry.solve) for entry in batch.entries if entry.solve}
            told = {solve: self._redact.facts(facts) for solve, facts in known.items() if facts is not None}
            try:
                body = batch_comment(batch, told)
                await self._github.say(batch.issue, body, marker=batch_marker(id))
            except (Gone, Denied, Rejected) as error:
                log.info("batch.unspeakable", batch=id, reason=str(error))
