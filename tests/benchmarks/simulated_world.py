"""GitHub, models and people in one process: `python -m tests.benchmarks.simulated_world DIRECTORY REPOSITORIES`."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from bot.simulators.github import GitHubSimulator, SimIssue, SimRepository
from bot.simulators.model import ModelSimulator
from tests.benchmarks.child import Said, answering, say
from tests.benchmarks.scripts import FILES, Gate

SECRET = "the secret of a benchmark"
MAINTAINER = "ann"


class People:
    """Ask for solves, many at once, and wait until the last of them has had its last word."""

    def __init__(self, github: GitHubSimulator, llm: ModelSimulator, repositories: int) -> None:
        self._github = github
        self._llm = llm
        self._gate = Gate()
        for name, script in self._gate.scripts().items():
            llm.script(f"simulated/{name}", script, dollars_per_call=0.001)
        self._repos = [self._repository(number) for number in range(repositories)]
        self._issues: list[SimIssue] = []
        self._asked_at = 0.0

    def _repository(self, number: int) -> SimRepository:
        repo = self._github.repository(f"octo/greet-{number}", files=FILES, by=MAINTAINER)
        repo.grant(MAINTAINER, "write")
        return repo

    async def answer(self, question: Said) -> Said:
        match question:
            case {"deliver_to": str(url)}:
                self._github.webhooks.url = url
                return {"repository": self._repos[0].id, "installation": self._repos[0].installation.id}
            case {"latency": float(seconds)}:
                self._llm.latency = seconds
                return {}
            case {"ask": int(number), "for": str(command)}:
                await self._ask(number, command)
                return {}
            case {"gathered": int(number), "within": float() | int() as seconds}:
                return {"gathered": await self._gathered(number, seconds)}
            case {"over_within": float() | int() as seconds}:
                return await self._over(seconds)
        raise ValueError(question)

    async def _ask(self, number: int, command: str) -> None:
        """`command`: a comment, or nothing for the label."""
        self._issues = [
            await self._repos[at % len(self._repos)].open_issue(
                f"No name, no greeting, number {at}", "It should greet the world.", by="sam"
            )
            for at in range(number)
        ]
        await self._github.delivered()
        self._asked_at = time.monotonic()
        for issue in self._issues:
            await (issue.comment(command, by=MAINTAINER) if command else issue.label("solve-me", by=MAINTAINER))

    async def _gathered(self, number: int, seconds: float) -> int:
        """Until so many runs wait at the gate."""
        deadline = time.monotonic() + seconds
        while self._llm.under_way < number and time.monotonic() < deadline:  # noqa: ASYNC110 - a rare look is cheaper
            await asyncio.sleep(0.05)
        return self._llm.under_way

    def _unfinished(self) -> int:
        return sum(not _ended(issue) for issue in self._issues)

    async def _over(self, seconds: float) -> Said:
        self._gate.open()
        deadline = time.monotonic() + seconds
        while (left := self._unfinished()) and time.monotonic() < deadline:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)
        return {
            "seconds": time.monotonic() - self._asked_at,
            "unfinished": left,
            "pulls": sum(len(repo.pulls) for repo in self._repos),
            "comments": sum(len(issue.bot_comments) for issue in self._issues),
            "edits": sum(len(comment.edits) for issue in self._issues for comment in issue.bot_comments),
            "calls": self._llm.calls.total(),
            "errors": [*self._github.errors, *self._llm.errors][:5],
        }


def _ended(issue: SimIssue) -> bool:
    """The reaction at its end is the last thing that a solve does."""
    reactions = [*issue.reactions, *(r for comment in issue.comments for r in comment.reactions)]
    return any(reaction.content in ("rocket", "confused") for reaction in reactions)


async def main(directory: Path, repositories: int) -> None:
    github = GitHubSimulator(directory, webhook_secret=SECRET)
    llm = ModelSimulator()
    async with github.serving(), llm.serving():
        people = People(github, llm, repositories)
        say(github=github.url, model=llm.url, app=str(github.app.app_id), key=github.app.private_key_pem, token=llm.key)
        await answering(people.answer)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
