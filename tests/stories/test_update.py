"""`/solve update`: the base branch comes into the pull request, or the change is made anew on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.model import Limits, Status, TriggerKind, run_id
from bot.simulators.github import SimIssue
from tests.stories.deaths import SQLITE_IN_THE_SUITE
from tests.stories.pulls import a_pull
from tests.stories.test_repair import mends, plain
from tests.stories.world import World, a_world, line_up

TESTS = "for t in tests/*.sh; do sh $t || exit 1; done"
FILES = line_up("fixer", test=TESTS)
ANEW = "printf '#!/bin/sh\\necho \"hello ${1:-world}\"\\n' > greet.sh"
ITS_TEST = "printf '%s\\n' 'test \"$(sh greet.sh)\" = \"hello world\"' > tests/test_default.sh"


async def pulled(world: World) -> SimIssue:
    return await a_pull(world.github, world.repo, world.bot.bot.world.store)


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_what_is_clean_is_merged_by_github(tmp_path: Path, either_database: str) -> None:
    async with a_world(tmp_path, files=FILES, database_url=either_database) as world:
        pull = await pulled(world)
        before = pull.pull.head_sha
        await world.comment(pull, "/solve update")
        assert (await world.next_comment(pull)).body.endswith(f"#{pull.number} holds all of main already.")
        tip = await world.repo.commit("main", {"notes.txt": "news\n"}, "News")
        asked = await world.comment(pull, "/solve update")
        told = (await world.said(pull, "was merged in")).body
        after = pull.pull.head_sha
        assert list(world.repo.state.git.commit(after).parents) == [before, tip]
        assert world.repo.state.git.commit(after).message == "Merge main into solvebot/1-no-name"
        assert world.repo.file(after, "notes.txt") == b"news\n"
        assert f"main was merged in by {after[:10]}; what the tests say here is from before that." in told
        assert f"main was merged in by {after[:10]}" in pull.body
        assert [reaction.content for reaction in asked.reactions] == ["eyes"]
        assert world.models.calls == {}

        await world.check(pull, "test", "failure")  # the merge is a commit of ours, too
        assert (await world.revised(pull)).solve.trigger.kind is TriggerKind.CHECK


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_where_it_conflicts_the_change_is_made_anew_on_the_base_branch(
    tmp_path: Path, either_database: str
) -> None:
    async with a_world(
        tmp_path, scripts={"fixer": mends(ANEW, ITS_TEST)}, files=FILES, database_url=either_database
    ) as world:
        pull = await pulled(world)
        before = pull.pull.head_sha
        tip = await world.repo.commit("main", {"greet.sh": '#!/bin/sh\necho "hello $1"\n'}, "News")
        await world.comment(pull, "/solve update")
        facts = await world.revised(pull)
        assert facts.status is Status.COMPLETED, facts.error
        after = pull.pull.head_sha
        assert list(world.repo.state.git.commit(after).parents) == [before, tip]
        assert world.repo.file(after, "greet.sh") == b'#!/bin/sh\necho "hello ${1:-world}"\n'
        assert world.repo.file(after, "tests/test_default.sh") == b'test "$(sh greet.sh)" = "hello world"\n'
        asked = "".join(str(message["content"]) for request in world.models.asked for message in request.messages)
        assert '+echo "hello ${1:-world}"' in asked
        assert f"- {after[:10]}, made anew on `main`, asked for by ann: candidate A of 1 attempt" in pull.body
        assert await world.repo.state.git.merge_base(tip, after) == tip


async def test_people_are_not_overruled(tmp_path: Path) -> None:
    """Their commits are in the pull request, and the base branch conflicts with it."""
    async with a_world(tmp_path, files=FILES) as world:
        pull = await pulled(world)
        theirs = await world.repo.commit(pull.pull.head, {"notes.txt": "mine\n"}, "Theirs", by="ann")
        await world.repo.commit("main", {"greet.sh": "echo conflict\n"}, "News")
        await world.comment(pull, "/solve update")
        told = plain((await world.said(pull, "by hand")).body)
        assert "main conflicts with this pull request, and there are commits of ann in it" in told
        assert pull.pull.head_sha == theirs
        await world.comment(pull, "/solve update", by="stranger")
        assert "you have **read**" in (await world.said(pull, "you have")).body
        issue = world.repo.issue(1)
        await world.comment(issue, "/solve update")
        assert "belongs into a pull request of mine" in (await world.next_comment(issue)).body


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_a_base_that_goes_on_is_told_of_and_merged_once_a_week(tmp_path: Path, either_database: str) -> None:
    """Nobody waits for an answer, so there is no comment; what conflicts is named, and costs nothing."""
    files = line_up("fixer", test=TESTS, extra="update: weekly\n")
    async with a_world(tmp_path, files=files, database_url=either_database) as world:
        pull, store = await pulled(world), world.bot.bot.world.store
        stale = world.bot.bot.stale
        await stale.look()
        assert "has moved on" not in pull.body
        await world.repo.commit("main", {"notes.txt": "news\n"}, "News")
        await stale.look()
        assert "main has moved on since the tests here were run." in plain(pull.body)

        original = await store.of_pull(world.repo.id, pull.number)
        assert original is not None
        before = pull.pull.head_sha
        old = world.bot.bot.world.clock.now() - timedelta(days=8)
        await store.watched(original.id, replace(original.watch, updated_at=old))
        await stale.look()
        await stale.look()
        await world.settled()
        after = pull.pull.head_sha
        assert world.repo.state.git.commit(after).parents[0] == before
        assert f"main was merged in by {after[:10]}" in plain(pull.body)
        [check] = world.repo.checks(after)
        assert check.output["title"] == "the base branch was merged in; nothing was run since"
        await world.repo.commit("main", {"greet.sh": "echo conflict\n"}, "News")
        await stale.look()
        assert "main has moved on since" in plain(pull.body)
        assert pull.pull.head_sha == after
        assert pull.bot_comments == []


async def test_another_candidate_would_take_the_base_branch_out_again(tmp_path: Path) -> None:
    async with a_world(tmp_path, files=FILES) as world:
        pull, store = await pulled(world), world.bot.bot.world.store
        original = await store.of_pull(world.repo.id, pull.number)
        assert original is not None
        first, second = original.runs[0], run_id(original.id, 2)
        assert first.candidate is not None
        assert first.evidence is not None
        experiments = [first.experiment, replace(first.experiment, index=2)]
        await store.planned(original.id, experiments, Limits())
        await store.run_ended(second, Status.COMPLETED, at=original.solve.created_at, exit_status=None)
        await store.candidate_found(second, replace(first.candidate, run=second))
        await store.judged(second, replace(first.evidence, run=second))
        await world.repo.commit("main", {"notes.txt": "news\n"}, "News")
        await world.comment(pull, "/solve update")
        await world.said(pull, "was merged in")
        after = pull.pull.head_sha
        issue = world.repo.issue(1)
        await world.comment(issue, "/solve use B")
        told = (await world.next_comment(issue)).body
        assert f"The base branch was merged into #{pull.number} since" in told
        assert pull.pull.head_sha == after
