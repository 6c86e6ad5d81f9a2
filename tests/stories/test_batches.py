"""`/solve #1 #2 #3`: one solve each, one comment with a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import Status
from tests.stories.crashing import Dies
from tests.stories.deaths import MOMENTS, SQLITE_IN_THE_SUITE
from tests.stories.lives import a_mortal_world
from tests.stories.world import FILES, FIXES, a_world

LIMITED = {**FILES, ".github/solvebot.yml": FILES[".github/solvebot.yml"] + "limits: {day: 2}\n"}


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_one_comment_tells_of_all_and_names_each_refusal(tmp_path: Path, either_database: str) -> None:
    async with a_world(tmp_path, files=LIMITED, database_url=either_database) as world:
        first, second, closed, last = [await world.issue(f"No name {number}") for number in range(4)]
        await closed.close(by="ann")
        numbers = " ".join(f"#{issue.number}" for issue in (first, second, closed, last))
        await world.comment(first, f"/solve {numbers} #99 budget=1")
        for issue in (first, second):
            facts = await world.over(issue)
            assert facts.status is Status.COMPLETED, facts.error
            assert facts.limits is not None
            assert facts.limits.dollars == pytest.approx(1 / 3)
            assert facts.solve.batch
        await world.settled()
        await world.next_comment(second)
        table, status = sorted(first.bot_comments, key=lambda comment: "batch=" not in comment.body)
        for comment in (table, status):
            comment.read = True
        assert "🧺 All is over: 2 pull requests for 5 issues. 3 issues could not be started." in table.body
        assert f"| #{closed.number} | not started: This issue is closed." in table.body
        assert (
            f"| #{last.number} | not started: In this repository at most 2 solves may begin in 24 hours" in table.body
        )
        assert "| #99 | not started: there is no such issue here. |" in table.body
        assert {f"draft #{pull.number}" in table.body for pull in world.repo.pulls} == {True}
        assert len(first.bot_comments) == 2

        await world.label(last)
        assert (
            "at most 2 solves may begin in 24 hours, and that many have. The next one may at"
            in (await world.next_comment(last)).body
        )


async def test_a_label_on_a_parent_asks_for_its_sub_issues(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        parent, child, closed = [await world.issue(f"No name {number}") for number in range(3)]
        elsewhere = world.github.repository("octo/other", files=FILES, by="ann")
        other = await elsewhere.open_issue("Not here", by="ann")
        for each in (child, closed, other):
            await parent.add_sub_issue(each, by="ann")
        await closed.close(by="ann")
        await world.label(parent)
        facts = await world.over(child)
        assert facts.status is Status.COMPLETED, facts.error
        await world.next_comment(child)
        [table] = parent.bot_comments
        table.read = True
        assert "🧺 All is over: 1 pull request for 1 issue." in table.body
        assert await world.facts(parent) is None
        assert len(world.repo.pulls) == 1


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_a_milestone_is_asked_for_in_any_of_its_issues(tmp_path: Path, either_database: str) -> None:
    async with a_world(tmp_path, database_url=either_database) as world:
        asked, other, closed, alone = [await world.issue(f"No name {number}") for number in range(4)]
        for each in (asked, other, closed):
            await each.put_into_milestone(1, by="ann")
        await closed.close(by="ann")
        await world.comment(alone, "/solve milestone")
        assert "This issue is in no milestone." in (await world.next_comment(alone)).body
        await world.comment(closed, "/solve milestone budget=1")
        for issue in (asked, other):
            facts = await world.over(issue)
            assert facts.status is Status.COMPLETED, facts.error
            assert facts.limits is not None
            assert facts.limits.dollars == 0.5
            await world.next_comment(issue)
        await world.settled()
        assert "🧺 All is over: 2 pull requests for 2 issues." in (await world.next_comment(closed)).body
        assert await world.facts(alone) is None


async def test_who_may_not_ask_starts_none(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        issue = await world.issue()
        await world.comment(issue, f"/solve #{issue.number}", by="sam")
        assert "needs the permission" in (await world.next_comment(issue)).body


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dies", MOMENTS)
async def test_every_death_at_its_beginning_leaves_one_table(tmp_path: Path, dies: Dies) -> None:
    async with a_mortal_world(tmp_path, {"fixer": FIXES}) as world:
        async with world.bot(dies=dies, at=" (weigh|claim|open batch)$") as bot:
            first, second = await world.issue(), await world.issue()
            await world.comment(first, "/solve #1 #2")
            await world.until(lambda: any("🧺 All is over" in said.body for said in first.bot_comments))
            await world.at_rest()
        assert len(bot.deaths) == 4
        assert len(world.repo.pulls) == 2
        assert (len(first.bot_comments), len(second.bot_comments)) == (2, 1)
        left_over = await world.left_over()
        assert not any(left_over.values()), left_over
