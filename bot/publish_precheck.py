"""Before the first dollar: could the champion be published at all?"""

from __future__ import annotations

from dataclasses import replace

from bot.core.model import RepoConfig, Solve, SolveFacts
from bot.core.render.publish_precheck import not_permitted, not_publishable
from bot.core.render.pull_request import branch_name, commit_message
from bot.core.text.outgoing import Redactor
from bot.core.trigger.publish_precheck import obstacles
from bot.ports import Denied, GitHub


async def clearance(github: GitHub, solve: Solve, config: RepoConfig, redact: Redactor) -> str:
    """Why not, for people; "" where nothing is known to forbid it."""
    branch = branch_name(config.pull_request.branch, solve.issue.number, redact(solve.issue_title))
    try:
        found = await github.publishing(solve.issue.repo, branch)
    except Denied as error:
        return not_permitted(redact(error.remedy))
    bars = obstacles(branch, commit_message(redact.facts(SolveFacts(solve))), found)
    told = [replace(obstacle, detail=redact(obstacle.detail)) for obstacle in bars]
    return not_publishable(redact(branch), told) if bars else ""
