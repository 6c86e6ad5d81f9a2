"""The check run of our own on a pull request, from the solve to what its buttons do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import Status
from bot.core.render.page_links import NO_PAGES
from bot.core.text.outgoing import Redactor
from bot.own_check import OwnChecks
from bot.simulators.github import Note
from tests.stories.deaths import SQLITE_IN_THE_SUITE
from tests.stories.pulls import a_pull
from tests.stories.test_revise import EVERYBODY, FILES, ITS_TEST, reviewed
from tests.stories.world import FIX, MAINTAINER, REGRESSION_TEST, a_world

NOTHING = "cat greet.sh"


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_the_check_goes_along_with_each_commit_and_its_buttons_are_answered(
    tmp_path: Path, either_database: str
) -> None:
    scripts = {"fixer": reviewed((FIX, REGRESSION_TEST), (EVERYBODY, ITS_TEST))}
    async with a_world(tmp_path, scripts=scripts, files=FILES, database_url=either_database) as world:
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


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_re_run_says_it_again_and_is_retry_where_that_is_offered(tmp_path: Path, either_database: str) -> None:
    scripts = {"fixer": reviewed((FIX, REGRESSION_TEST), (NOTHING,))}
    async with a_world(tmp_path, scripts=scripts, files=FILES, database_url=either_database) as world:
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        github, store = world.bot.bot.world.github, world.bot.bot.world.store
        original = await store.of_pull(world.repo.id, pull.number)
        assert original is not None
        await OwnChecks(github, store, Redactor(), NO_PAGES).show(original.id)
        [check] = world.repo.checks(pull.pull.head_sha)
        for again in (world.repo.rerequest, world.repo.rerequest_all):
            await world.bot.heads.refresh()
            await again(check, by=MAINTAINER)
            await world.settled()
            assert world.repo.suite_status(check) == "completed"
        assert await store.revisions(original.id) == []

        await world.review(pull, "Everybody.", Note("greet.sh", 1, "Here."))
        await world.revised(pull)
        await world.repo.rerequest(check, by="stranger")
        assert "pressed retry. " in (await world.next_comment(pull)).body
        await world.repo.rerequest(check, by=MAINTAINER)
        await world.github.delivered()
        await world.revised(pull)
        assert len(await store.revisions(original.id)) == 2
        assert world.repo.suite_status(check) == "completed"
        assert [each.id for each in world.repo.checks(pull.pull.head_sha)] == [check.id]
        for thread in pull.pull.threads:
            world.replies(thread)


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
