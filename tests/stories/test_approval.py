"""`publish: after-approval`: nothing is published before somebody with write permission says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

import pytest

from bot.clock import SystemClock
from bot.core.access import Scope
from bot.core.choosing.approval import Standing
from bot.core.model import Fate, Person, SolveFacts, Status
from bot.remote import Refused, Remote
from bot.simulators.github import SimIssue
from bot.tokens_command import create
from tests.stories.crashing import Dies
from tests.stories.deaths import ON_EITHER_DATABASE, SQLITE_IN_THE_SUITE
from tests.stories.lives import a_mortal_world
from tests.stories.world import FIX, REGRESSION_TEST, World, a_world, commands, line_up

OTHER_FIX = 'printf \'test -n "$1" || set -- world\\necho "hello $1"\\n\' > greet.sh'
TESTS = "for t in tests/*.sh; do sh $t || exit 1; done"
TWO = {"fixer": commands(FIX, REGRESSION_TEST), "other": commands(OTHER_FIX)}
FILES = line_up(*TWO, test=TESTS, extra="publish: after-approval\n")
STEPS = " (ask for approval|answer approval|take up what was approved|look again|open)$"


class Forward(SystemClock):
    """Can be put forward."""

    by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.by

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.5))


@asynccontextmanager
async def waiting(directory: Path, database_url: str = "", **changes: object) -> AsyncIterator[tuple[World, SimIssue]]:
    """An issue whose champion waits; nothing else goes on."""
    async with a_world(directory, scripts=TWO, files=FILES, database_url=database_url, **changes) as world:  # type: ignore[arg-type]
        issue = await world.issue()
        await world.label(issue)
        await world.said(issue, "✋ Nothing is published yet")
        await world.settled()
        yield world, issue


async def facts_of(world: World, issue: SimIssue) -> SolveFacts:
    facts = await world.facts(issue)
    assert facts is not None
    return facts


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_it_waits_holding_nothing_until_somebody_approves(tmp_path: Path, either_database: str) -> None:
    async with waiting(tmp_path, either_database) as (world, issue):
        [status] = issue.bot_comments
        assert "```diff\ndiff --git a/greet.sh" in status.body
        assert "`/solve approve B` opens it with B instead." in status.body
        assert world.repo.pulls == []
        assert await world.bot.bot.engine.active() == []
        assert await world.bot.bot.world.sandboxes.living() == []
        assert await world.snapshots_of_solves() == []
        await world.bot.worker.tidy()
        assert (await facts_of(world, issue)).status is Status.RUNNING

        await world.repo.commit("main", {"other.txt": "x"}, "Moved on")
        asked = await world.comment(issue, "/solve approve")
        facts = await world.over(issue)
        assert facts.status is Status.COMPLETED, facts.error
        [pull] = world.repo.pulls
        assert "approved by ann;" in (pull.state.body or "")
        assert "🏆 Opened" in status.body
        assert [reaction.content for reaction in asked.reactions] == ["eyes"]
        await world.comment(issue, "/solve approve")
        assert "ann approved it already" in (await world.next_comment(issue)).body
        assert len(world.repo.pulls) == 1


async def test_another_candidate_may_be_approved(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (world, issue):
        await world.comment(issue, "/solve use B")
        assert "`/solve approve B` publishes it" in (await world.next_comment(issue)).body
        await world.comment(issue, "/solve approve D")
        assert (
            "There is no candidate D with a patch. You can approve `A`, `B`." in (await world.next_comment(issue)).body
        )
        await world.comment(issue, "/solve approve b")
        await world.over(issue)
        [pull] = world.repo.pulls
        assert world.repo.file(pull.pull.head_sha, "tests/test_default.sh") is None
        assert pull.pull.draft
        assert "ann chose B, in place of A." in (pull.state.body or "")


async def test_who_may_ask_may_not_approve_without_write(tmp_path: Path) -> None:
    files = {**FILES, ".github/solvebot.yml": FILES[".github/solvebot.yml"] + "who: triage\n"}
    async with a_world(tmp_path, scripts=TWO, files=files) as world:
        world.repo.grant("tom", "triage")
        issue = await world.issue()
        await world.label(issue, by="tom")
        await world.said(issue, "✋ Nothing is published yet")
        await world.settled()
        for said in ("/solve approve", "/solve reject no"):
            await world.comment(issue, said, by="tom")
            assert (
                "needs the permission **write** here, and you have **triage**" in (await world.next_comment(issue)).body
            )
        world.repo.grant("tom", "none")  # who asked is gone; who approves answers for it
        await world.comment(issue, "/solve approve")
        facts = await world.over(issue)
        assert facts.status is Status.COMPLETED, facts.error


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_a_rejection_ends_it_and_is_recorded(tmp_path: Path, either_database: str) -> None:
    async with waiting(tmp_path, either_database) as (world, issue):
        await world.comment(issue, "/solve reject too *large* for @me")
        facts = await world.over(issue)
        assert facts.status is Status.CANCELLED
        assert facts.approval is not None
        assert (facts.approval.standing, facts.approval.why) == (Standing.REJECTED, "too *large* for @me")
        assert "🛑 Cancelled: ann rejected it: “too \\*large\\* for @\u200bme”." in issue.bot_comments[0].body
        [fared] = await world.bot.bot.world.store.record()
        assert (fared.fate, fared.model) == (Fate.REJECTED, "fixer")
        await world.comment(issue, "/solve approve")
        assert "ann rejected it already" in (await world.next_comment(issue)).body
        assert world.repo.pulls == []


async def test_nobody_answers_for_two_weeks(tmp_path: Path, either_database: str) -> None:
    clock = Forward()
    async with waiting(tmp_path, either_database, clock=clock) as (world, issue):
        clock.by = timedelta(days=13)
        await world.bot.worker.tidy()
        await world.settled()
        assert (await facts_of(world, issue)).status is Status.RUNNING
        clock.by = timedelta(days=15)
        await world.bot.worker.tidy()
        facts = await world.over(issue)
        assert facts.status is Status.CANCELLED
        assert "nobody approved it within 14 days" in issue.bot_comments[0].body
        await world.comment(issue, "/solve approve")
        assert "Nobody answered in time" in (await world.next_comment(issue)).body


@pytest.mark.parametrize("ends", ["/solve cancel", "close"])
async def test_what_ends_any_solve_ends_one_that_waits(tmp_path: Path, ends: str) -> None:
    async with waiting(tmp_path) as (world, issue):
        if ends == "close":
            await issue.close(by="ann")
        else:
            await world.comment(issue, ends)
            await world.next_comment(issue)
        facts = await world.over(issue)
        assert facts.status is Status.CANCELLED
        await world.comment(issue, "/solve approve")
        assert "Nothing waits for approval here" in (await world.next_comment(issue)).body


async def test_several_answers_at_once_are_one(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (world, issue):
        world.unread_is_fine = True
        said = ["/solve approve", "/solve reject no", "/solve approve B"]
        await asyncio.gather(*(issue.comment(text, by="ann") for text in said))
        facts = await world.over(issue)
        assert facts.approval is not None
        assert len(world.repo.pulls) == (facts.approval.standing is Standing.APPROVED)
        assert facts.status is (Status.COMPLETED if world.repo.pulls else Status.CANCELLED)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("either_database", "dies"), ON_EITHER_DATABASE, indirect=["either_database"])
async def test_every_death_on_the_way_leaves_one_pull_request(tmp_path: Path, either_database: str, dies: Dies) -> None:
    async with a_mortal_world(tmp_path, TWO, FILES, either_database) as world:
        async with world.bot(dies=dies, at=STEPS) as bot:
            issue = await world.issue()
            await world.label(issue)
            await world.until(lambda: any("✋" in said.body for said in issue.bot_comments))
            await world.at_rest()
            await world.comment(issue, "/solve approve")
            await world.until(lambda: "🏆 Opened" in issue.bot_comments[0].body)
            await world.at_rest()
        assert len(bot.deaths) == 5
        assert len(world.repo.pulls) == 1
        assert len(issue.bot_comments) == 1
        left_over = await world.left_over()
        assert not any(left_over.values()), left_over


async def test_it_is_approved_through_the_api_as_by_a_comment(tmp_path: Path) -> None:
    async with waiting(tmp_path, api=True) as (world, issue):
        id = (await facts_of(world, issue)).id
        account = world.github.user("ann")
        _, token = await create(
            world.bot.store,
            Person(account.login, account.id),
            "a story",
            [Scope.READ, Scope.STEER],
            1,
            world.bot.bot.world.clock.now(),
        )
        with Remote(urljoin(str(world.github.webhooks.url), "/"), token, pause=0.05) as ann:
            with pytest.raises(Refused, match="no candidate D"):
                await asyncio.to_thread(lambda: ann.answer(ann.post(f"/solves/{id}/approve", {"candidate": "D"})))
            said = await asyncio.to_thread(lambda: ann.answer(ann.post(f"/solves/{id}/approve", {"candidate": "B"})))
            assert (said["solve"], said["answer"]) == (id, "It is approved, and published in a moment.")
            await world.over(issue)
            [pull] = world.repo.pulls
            assert "ann chose B, in place of A." in (pull.state.body or "")
            with pytest.raises(Refused, match="approved it already"):
                await asyncio.to_thread(lambda: ann.answer(ann.post(f"/solves/{id}/reject", {"why": "too large"})))
