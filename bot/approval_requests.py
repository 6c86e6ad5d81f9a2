"""`/solve approve` and `/solve reject`, by somebody who may: what is to be done, or why not."""

from __future__ import annotations

from bot.actions import Action, Refusal
from bot.approval import ApprovalAnswer
from bot.core.choosing.approval_rules import No, approvable, approved, is_waiting, rejected
from bot.core.model import RunFacts, SolveFacts
from bot.core.render import approval as render
from bot.core.text.outgoing import Redactor
from bot.core.trigger.commands import ApproveCommand, RejectCommand
from bot.core.trigger.events import CommentPosted, Requested


def approval_answer(
    event: CommentPosted | Requested,
    command: ApproveCommand | RejectCommand,
    latest: SolveFacts | None,
    redact: Redactor,
) -> Action:
    """The first answer counts; whoever comes later is told. Raises `Refusal`."""
    told = redact.facts(latest) if latest is not None else None
    number = command.number if isinstance(command, ApproveCommand) else None
    found = approvable(latest, number)
    if latest is None or latest.approval is None or not is_waiting(latest):
        raise Refusal(render.nothing_to_answer(told, found if isinstance(found, No) else No.NOTHING))
    if isinstance(command, RejectCommand):
        answer = rejected(latest.approval, redact(command.why), event.by, event.key, event.at)
    elif isinstance(found, RunFacts):
        answer = approved(latest.approval, found.id, event.by, event.key, event.at)
    else:
        raise Refusal(render.not_approvable(told, number, found))
    return Action(answer=ApprovalAnswer(latest.solve, answer), reaction="eyes")
