"""The check run of our own on a pull request, from the solve to what its buttons do."""

from __future__ import annotations

from pathlib import Path

from bot.core.model import Status
from bot.simulators.github import Note
from tests.stories.test_revise import EVERYBODY, FILES, ITS_TEST, reviewed
from tests.stories.world import FIX, MAINTAINER, REGRESSION_TEST, a_world

NOTHING = "cat greet.sh"


async def test_the_check_goes_along_with_each_commit_and_its_buttons_are_answered(tmp_path: Path) -> None:
    scripts = {"fixer": reviewed((FIX, REGRESSION_TEST), (EVERYBODY, ITS_TEST))}
    async with a_world(tmp_path, scripts=scripts, files=FILES) as world:
        _, pull, _ = await world.published()
        [check] = world.repo.checks(pull.pull.head_sha)
        assert (check.name, check.conclusion) == ("Solvebot", "neutral")
        assert str(check.output["title"]).startswith("1 test kept, own tests red to green, confidence 0.")
        assert [action["label"] for action in check.actions] == ["Revise"]

        await world.repo.press(check, "revise", by="stranger")
        assert "pressed revise. " in (await world.next_comment(pull)).body
        await world.repo.press(check, "revise", by=MAINTAINER)
        assert "No thread on" in (await world.next_comment(pull)).body

        await pull.review("COMMENT", "", by=MAINTAINER, threads=[Note("greet.sh", 1, "Everybody, please.")])
        await world.github.delivered()
        before = pull.pull.head_sha
        await world.repo.press(check, "revise", by=MAINTAINER)
        await world.repo.press(check, "revise", by=MAINTAINER)  # nobody knows whether the first one was heard
        await world.github.delivered()
        facts = await world.revised(pull)
        assert facts.status is Status.COMPLETED, facts.error
        after = pull.pull.head_sha
        assert list(world.repo.state.git.commit(after).parents) == [before]
        assert len(world.replies(pull.pull.threads[0])) == 1
        [now] = world.repo.checks(after)
        assert "own tests red to green" in str(now.output["title"])
        assert [run.id for run in world.repo.checks(before)] == [check.id]


async def test_without_the_permission_all_goes_on_and_no_comment_speaks_of_it(tmp_path: Path) -> None:
    scripts = {"fixer": reviewed((FIX, REGRESSION_TEST), (NOTHING,))}
    async with a_world(tmp_path, scripts=scripts, files=FILES) as world:
        granted = world.repo.installation.state.permissions
        await world.repo.installation.accept_permissions({**granted, "checks": "read"})
        issue, pull, facts = await world.published()
        assert facts.status is Status.COMPLETED
        assert world.repo.checks(pull.pull.head_sha) == []
        said = [pull.body, *(comment.body for comment in (*issue.bot_comments, *pull.bot_comments))]
        assert not any("checks: write" in text for text in said)
