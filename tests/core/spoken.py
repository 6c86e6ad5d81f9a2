"""What is said about facts that were made for a test: through the same path as all that leaves, without a secret."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.choosing.experiments import ServerLimits
from bot.core.choosing.use_candidate import No
from bot.core.model import ModelSpec, SolveFacts
from bot.core.render import pull_request, replies, revision, status
from bot.core.resilience.circuit_breaker import Outage
from bot.core.text.outgoing import Redactor
from bot.core.trigger.feedback import Thread

CLEAN = Redactor()


def status_comment(facts: SolveFacts, outage: Outage | None = None) -> str:
    return status.status_comment(CLEAN.facts(facts), outage)


def pull_title(facts: SolveFacts) -> str:
    return pull_request.pull_title(CLEAN.facts(facts))


def commit_message(facts: SolveFacts) -> str:
    return pull_request.commit_message(CLEAN.facts(facts))


def pull_body(
    facts: SolveFacts, moved: str = "", *, branch: str, verified: bool, revisions: Sequence[SolveFacts] = ()
) -> str:
    told = [CLEAN.facts(each) for each in revisions]
    return pull_request.pull_body(CLEAN.facts(facts), CLEAN(moved), branch=branch, verified=verified, revisions=told)


def thread_answer(thread: Thread, facts: SolveFacts, why_not: str = "") -> str:
    return revision.thread_answer(thread, CLEAN.facts(facts), CLEAN(why_not))


def branch_name(template: str, issue: int, title: str) -> str:
    return pull_request.branch_name(template, issue, CLEAN(title))


def explanation(facts: SolveFacts, site: str = replies.GITHUB) -> str:
    return replies.explanation(CLEAN.facts(facts), site)


def already_running(facts: SolveFacts, site: str = replies.GITHUB) -> str:
    return replies.already_running(CLEAN.facts(facts), site)


def cancelled_reply(facts: SolveFacts, site: str = replies.GITHUB) -> str:
    return replies.cancelled_reply(CLEAN.facts(facts), site)


def not_usable(facts: SolveFacts | None, number: int, why: No) -> str:
    return replies.not_usable(CLEAN.facts(facts) if facts else None, number, why)


def permission_unknown(login: str) -> str:
    return replies.permission_unknown(CLEAN(login))


def status_reply(facts: SolveFacts) -> str:
    return replies.status_reply(CLEAN.facts(facts))


def help_text(models: Sequence[ModelSpec], labels: Sequence[str], server: ServerLimits = replies.ANY_SERVER) -> str:
    return replies.help_text(models, [CLEAN(label) for label in labels], server)


def not_understood(problems: Sequence[tuple[str, str]]) -> str:
    return replies.not_understood([(CLEAN(what), CLEAN(remedy)) for what, remedy in problems])
