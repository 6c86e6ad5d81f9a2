"""Reviews that say too much at once: people who contradict each other, and suggestions that fit nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import SolveFacts, Status
from bot.simulators.github import Note, SimIssue
from bot.simulators.model import Hold, bash
from tests.stories.deaths import SQLITE_IN_THE_SUITE
from tests.stories.pulls import a_pull
from tests.stories.test_revise import EVERYBODY, FILES, ITS_TEST, reviewed
from tests.stories.test_revise_odds import held, revised_while
from tests.stories.world import FIX, FIXES, MAINTAINER, World, a_world

REVISES = {"fixer": reviewed((FIX,), (EVERYBODY, ITS_TEST))}


def asked(facts: SolveFacts) -> list[str]:
    """Where the threads are that became part of the task."""
    assert facts.task is not None
    assert facts.task.feedback is not None
    return [f"{thread.path}:{thread.line}" for thread in facts.task.feedback.threads]


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_of_two_who_contradict_each_other_who_may_more_is_named(tmp_path: Path, either_database: str) -> None:
    async with a_world(tmp_path, scripts=REVISES, files=FILES, database_url=either_database) as world:
        world.repo.grant("carl", "admin")
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        await pull.review("COMMENT", "", by="carl", threads=[Note("greet.sh", 1, "Greet everybody.")])
        [thread] = pull.pull.threads
        await pull.reply(thread, "No, greet nobody.", by=MAINTAINER)
        await world.settled()
        for said in thread.comments:  # GitHub tells seconds: what comes in the same one may have come later
            said.created_at = said.updated_at = said.created_at.replace(year=said.created_at.year - 1)
        await world.review(pull, "As it says in the thread.")
        facts = await world.revised(pull)
        assert facts.status is Status.COMPLETED, facts.error
        [answer] = world.replies(thread)
        assert "by the last word of carl." in answer
        request = "".join(str(message["content"]) for each in world.models.asked for message in each.messages)
        assert "the last word of carl counts" in request


async def test_a_suggestion_that_fits_nowhere_is_left_to_models(tmp_path: Path) -> None:
    """One whose line is gone by now, and one in the review's own text, which is about no line at all."""
    block = "```suggestion\necho nobody\n```"
    async with a_world(tmp_path, scripts=REVISES, files=FILES) as world:
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        await pull.review("COMMENT", "", by=MAINTAINER, threads=[Note("greet.sh", 1, block)])
        [thread] = pull.pull.threads
        for said in thread.comments:
            said.created_at = said.updated_at = said.created_at.replace(year=said.created_at.year - 1)
        loosened = {"greet.sh": 'echo "hello  ${1:-world}"\n'}
        theirs = await world.repo.commit(pull.pull.head, loosened, "Theirs", by="ann")
        assert thread.line is None
        await world.review(pull, block)
        facts = await world.revised(pull)
        assert facts.status is Status.COMPLETED, facts.error
        assert asked(facts) == ["greet.sh:None"]
        assert world.repo.state.git.commit(pull.pull.head_sha).parents == (theirs,)
        assert world.repo.state.git.commit(theirs).author.name == "ann"
        assert len(world.models.calls) > 0
        assert b"nobody" not in (world.repo.file(pull.pull.head_sha, "greet.sh") or b"")
        assert world.replies(thread) != []


async def resolves_it(world: World, pull: SimIssue) -> None:
    """And from then on GitHub takes no answer there."""
    [thread] = pull.pull.threads
    await pull.resolve(thread, by="ann")
    world.github.faults.add("POST", f"*/comments/{thread.comments[0].id}/replies", status=422)


async def test_a_thread_that_is_resolved_meanwhile_and_takes_no_answer(tmp_path: Path) -> None:
    facts, _, replies, commits, status = await revised_while(tmp_path, resolves_it)
    assert facts.status is Status.COMPLETED, facts.error
    assert replies == []
    assert next(iter(commits)).startswith("Answer the review")
    assert "GitHub did not let me answer 1 thread." in status


async def test_the_base_branch_disappears_before_anything_is_published(tmp_path: Path) -> None:
    hold = Hold(then=bash(FIX))
    async with a_world(tmp_path, scripts={"fixer": held(hold, FIXES)}) as world:
        await world.repo.create_branch("release", world.repo.branches["main"])
        issue = await world.issue()
        await world.comment(issue, "/solve base=release")
        await hold.arrived.wait()
        await world.repo.delete_branch("release", by="ann")
        hold.release.set()
        facts = await world.over(issue)
        said = (await world.next_comment(issue)).body
        assert facts.status is Status.FAILED
        assert world.repo.pulls == []
        assert "release" in facts.error
        assert "was deleted meanwhile" in said


async def test_the_base_branch_of_a_pull_request_disappears_in_a_revision(tmp_path: Path) -> None:
    async def deletes_the_base(world: World, pull: SimIssue) -> None:
        await world.repo.create_branch("release", world.repo.branches["main"])
        await pull.retarget("release", by="ann")
        world.github.webhooks.lose(event="pull_request")
        await world.repo.delete_branch("release", by="ann")

    facts, pull, _, commits, status = await revised_while(tmp_path, deletes_the_base)
    assert not pull.is_open
    assert facts.status is Status.FAILED
    assert "The pull request was closed meanwhile, so nothing was pushed." in status
    assert not any(subject.startswith("Answer") for subject in commits)


async def test_of_two_reviews_at_once_the_second_hears_what_to_do(tmp_path: Path) -> None:
    async def asks_as_well(world: World, pull: SimIssue) -> None:
        world.repo.grant("bob", "write")
        await pull.review("REQUEST_CHANGES", "And me.", by="bob", threads=[Note("greet.sh", 1, "Louder.")])
        await pull.review("REQUEST_CHANGES", "Buy my coin.", by="stranger")
        said = (await world.said(pull, "already working on this pull request")).body
        assert said.endswith("Once it is over, `/solve revise` takes up what is open then.")

    facts, pull, _, commits, _ = await revised_while(tmp_path, asks_as_well)
    assert facts.status is Status.COMPLETED, facts.error
    assert asked(facts) == ["greet.sh:1"]
    assert sum(subject.startswith("Answer") for subject in commits) == 1
    assert len(pull.bot_comments) == 2  # the status, and one answer to bob


async def test_a_review_that_is_dismissed_is_no_longer_answered(tmp_path: Path) -> None:
    async def dismisses(world: World, pull: SimIssue) -> None:
        await pull.dismiss(pull.pull.reviews[0], by=MAINTAINER)

    facts, _, _, commits, status = await revised_while(tmp_path, dismisses)
    assert facts.status is Status.CANCELLED
    assert facts.ended_by == "ann dismissed the review"
    assert "ann dismissed the review" in status
    assert not any(subject.startswith("Answer") for subject in commits)
