"""Does anybody still want it? Asked before money is spent and from time to time, since events get lost.

What an event would have ended ends here: the issue or the pull request was closed, or the label that asked was taken
away; a sub-issue whose parent was labelled has none of its own. Whatever else changes about an issue after the
trigger is no reason.
"""

from __future__ import annotations

from collections.abc import Collection

from bot.core.model import RepoConfig, SolveFacts, TriggerKind
from bot.core.render import failure_reasons
from bot.core.trigger.events import is_one_of


def unwanted(facts: SolveFacts, *, is_open: bool, labels: Collection[str]) -> str:
    """Why nobody wants it any more; "" where somebody may."""
    is_revision = facts.solve.revises is not None
    if not is_open:
        return failure_reasons.PULL_CLOSED_UNSEEN if is_revision else failure_reasons.ISSUE_CLOSED_UNSEEN
    asked_by_label = facts.solve.trigger.kind is TriggerKind.LABEL and not (is_revision or facts.solve.batch)
    wanted = facts.task.config.labels if facts.task else RepoConfig().labels
    if asked_by_label and not any(is_one_of(label, wanted) for label in labels):
        return failure_reasons.LABEL_GONE
    return ""
