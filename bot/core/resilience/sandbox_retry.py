"""When a request to a service that lends sandboxes is sent again, and after how long: the policy, as a pure function.

All that we ask of such a service may be asked twice: creating carries a key, scripts and files are such that doing it
again leaves the same behind, and ending, extending or allowing says how it shall be. So nothing is lost by asking again
when nobody knows whether it was done. github_retry.py says why this is no library.
"""

from __future__ import annotations

from bot.core.resilience.github_retry import GiveUp, Wait
from bot.core.resilience.sandbox_leases import Outcome

MOST_ATTEMPTS = 3
FIRST_PAUSE = 1.0  # seconds; twice as long each time
LONGEST_PAUSE = 10.0
LIMITED_PAUSE = 30.0  # of a limit that does not say how long it lasts
LONGEST_WAIT = 60.0  # that a caller sleeps; longer is for the durable engine, which survives a restart
SPREAD = 0.1  # of what a limit asks for, on top: so that not all come back at once


def next_move(outcome: Outcome, attempt: int, *, luck: float, retry_after: float | None = None) -> Wait | GiveUp:
    """What to do about an attempt, 1 for the first, that did not end well.

    `luck` is a random number from 0 to 1, `retry_after` what the service said, in seconds.

    - It failed, or nobody knows: again, after a pause of up to 1 s, then 2 s, ..., never more than 10 s, all of it
      random.
    - A limit: again, after as long as the service says, or 30 s. Coming back earlier makes it worse.
    - Gone, refused, or the key: an answer.

    Nothing is asked more than `MOST_ATTEMPTS` times, and nobody waits here for longer than `LONGEST_WAIT`.
    """
    if outcome not in (Outcome.TRANSIENT, Outcome.UNCLEAR, Outcome.LIMITED):
        return GiveUp()
    if outcome is Outcome.LIMITED and retry_after is None:
        retry_after = LIMITED_PAUSE
    if attempt >= MOST_ATTEMPTS or (retry_after or 0.0) > LONGEST_WAIT:
        return GiveUp(retry_after)
    if retry_after is not None:
        return Wait(retry_after * (1 + SPREAD * luck))
    return Wait(luck * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1)))
