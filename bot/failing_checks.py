"""What a repair is to mend: the failing checks as they stand now, with the end of their logs, as data."""

from __future__ import annotations

import asyncio

from bot.core.evidence.ci_log import matched
from bot.core.model import Repo, Sha, SolveFacts
from bot.core.render import checks as render
from bot.core.text.cleaning import clean_text
from bot.core.text.job_log import readable_log
from bot.core.trigger.checks import LOG_BYTES, MOST_REPAIRS, Check, Repair, judge_checks
from bot.core.trigger.feedback import FailedCheck
from bot.ports import Denied, GitHub, Gone, Rejected, Unavailable

SAID_LIMIT = 4_000  # characters of what a check says about itself
LOG_LIMIT = 12_000  # ... of the end of a log, which agents are shown


class FailingChecks:
    def __init__(self, github: GitHub) -> None:
        self._github = github

    async def of(self, repo: Repo, head: Sha, original: SolveFacts) -> tuple[FailedCheck, ...]:
        """None where they have turned green meanwhile, or prove to flap."""
        found = await self._found(repo, head, original)
        return tuple([await self._frozen(repo, check, original) for check in found])

    async def any(self, repo: Repo, head: Sha, original: SolveFacts) -> bool:
        return bool(await self._found(repo, head, original))

    async def _found(self, repo: Repo, head: Sha, original: SolveFacts) -> tuple[Check, ...]:
        """Whether one may start is known already: what is asked here is whether there is something to mend."""
        assert original.task is not None
        base = await self._github.checks(repo, original.task.base_sha)
        now = judge_checks(await self._github.checks(repo, head), base, allowed=MOST_REPAIRS, made=0)
        return now.checks if isinstance(now, Repair) else ()

    async def _frozen(self, repo: Repo, check: Check, original: SolveFacts) -> FailedCheck:
        raw, unread = await self._log(repo, check)
        text = await asyncio.to_thread(readable_log, raw)  # anybody's text
        found = await asyncio.to_thread(matched, check.name, text, original.toolchain, original.baseline)
        said = clean_text(check.said, limit=SAID_LIMIT)
        seen = render.compared_with_ours(check.name, found)
        return FailedCheck(check.name, said, text[-LOG_LIMIT:], check.url, unread, seen)

    async def _log(self, repo: Repo, check: Check) -> tuple[str, str]:
        """The end of it; or why there is none."""
        if check.job is None:
            return "", "" if check.said else render.NO_LOG
        try:
            return await self._github.job_log(repo, check.job, most=LOG_BYTES), ""
        except Denied as error:
            return "", render.log_unread(error.remedy)
        except (Gone, Rejected, Unavailable):  # kept no longer, or too large
            return "", render.NO_LOG
