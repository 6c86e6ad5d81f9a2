"""What is said about the checks of a pull request: why a repair starts or does not, and what CI showed.

Sentences that are stored are plain text; whoever shows them makes them harmless.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.choosing.phrases import listing
from bot.core.evidence.ci_log import Matched
from bot.core.render.text import harmless, listed
from bot.core.trigger.checks import LeftAlone, Why
from bot.core.trigger.feedback import FailedCheck
from bot.core.trigger.pull_watch import PullWatch

TURNED_GREEN = "The checks have passed on the same commit meanwhile, so nothing was pushed."
PUSHED_MEANWHILE = "Somebody pushed meanwhile, so the repair was left to them."
NO_LOG = "GitHub keeps no log of it that I can read."


def left_alone(found: LeftAlone) -> str:
    """One sentence, for the pull request."""
    names = listing(found.names)
    fails = f"{names} {'fails' if len(found.names) == 1 else 'fail'}"
    match found.why:
        case Why.OFF:
            return f"{fails} on my commit. I mend nothing by myself here, because `ci: {{repair: 0}}` says so."
        case Why.ENOUGH:
            return f"{fails} after my repair as well, so I leave it to people."
        case Why.BEFORE:
            return f"{fails} on my commit, and did not pass on the base commit either, so I leave it alone."
        case Why.FLAPS:
            return f"{fails} on my commit, and has passed on the same commit, too: it flaps, so I leave it alone."
    waits = "waits" if len(found.names) == 1 else "wait"
    return f"{names} {waits} for somebody to approve the run."


def failing(checks: Sequence[FailedCheck]) -> str:
    """The checks that a repair is about, by name."""
    return listed([check.name for check in checks])


def log_unread(remedy: str) -> str:
    return f"Its log could not be read: {remedy}."


def compared_with_ours(name: str, found: Matched) -> tuple[str, ...]:
    """A sentence for each thing that CI says and our own results agree with or contradict."""
    said = []
    if found.version is not None:
        version = found.version
        said.append(f"{name} runs {version.language} {version.there}, and I ran {version.here}.")
    if found.pass_here:
        verb = "fails" if len(found.pass_here) == 1 else "fail"
        said.append(f"{listing(found.pass_here)} {verb} in CI, and passed here every time.")
    if found.fail_here:
        verb = "fails" if len(found.fail_here) == 1 else "fail"
        said.append(f"{listing(found.fail_here)} {verb} in CI and here.")
    if found.unknown:
        verb = "is" if len(found.unknown) == 1 else "are"
        said.append(f"{listing(found.unknown)} {verb} not among the tests that I ran.")
    return tuple(said)


def what_ci_showed(checks: Sequence[FailedCheck]) -> str:
    """One sentence for people, where a repair did not help."""
    first = [sentence for check in checks for sentence in (*check.seen, check.unread) if sentence][:1]
    seen = first[0] if first else "What it printed names no test that I know."
    return f"In CI {listing([check.name for check in checks])} failed. {seen}"


def since_then(watch: PullWatch) -> str:
    """A section of the pull request: what was seen since; "" where there is nothing to say."""
    lines = [f"- {harmless(said, 600)}" for said in (watch.moved, watch.checks, watch.lacks) if said]
    return "### Since then\n\n" + "\n".join(lines) if lines else ""
