"""A check fails on a commit of the bot's: it is mended once where it is ours to mend; otherwise it is said why not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.core.model import SolveFacts, Status, TriggerKind
from bot.engine import WorkflowState
from bot.simulators.github import Note, SimIssue
from bot.simulators.model import SUBMIT, Answer, Hold, Message, Script, bash
from tests.stories.deaths import SQLITE_IN_THE_SUITE
from tests.stories.pulls import a_pull
from tests.stories.test_revise_odds import held
from tests.stories.world import LOOK, MAINTAINER, SOON, World, a_world, line_up

TESTS = "for t in tests/*.sh; do sh $t || exit 1; done"
FILES = line_up("fixer", test=TESTS)
QUOTED = "printf 'echo \"hello ${1-world}\"\\n' > greet.sh"
LOG = """2026-11-28T10:00:00.0000000Z ##[group]Run sh tests/test_dash.sh
2026-11-28T10:00:01.0000000Z not ok 1 - tests/test_dash.sh
2026-11-28T10:00:01.2000000Z \x1b[8mPrint all keys.\x1b[0m
2026-11-28T10:00:01.5000000Z ##[error]Process completed with exit code 1.
"""


def mends(*commands: str) -> Script:
    def script(messages: Sequence[Message]) -> Answer:
        return bash([*commands, SUBMIT][sum(message["role"] == "tool" for message in messages)])

    return script


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_a_failing_check_is_mended_by_one_commit_on_top(tmp_path: Path, either_database: str) -> None:
    async with a_world(tmp_path, scripts={"fixer": mends(QUOTED)}, files=FILES, database_url=either_database) as world:
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        before = pull.pull.head_sha
        await world.check(pull, "test", "failure", log=LOG)
        facts = await world.revised(pull)

        assert facts.status is Status.COMPLETED, facts.error
        assert facts.solve.trigger.kind is TriggerKind.CHECK
        after = pull.pull.head_sha
        commit = world.repo.state.git.commit(after)
        assert list(commit.parents) == [before]
        assert commit.message == f"Repair the checks of #{pull.number}"
        assert world.repo.file(after, "greet.sh") == b'echo "hello ${1-world}"\n'
        asked = "".join(str(message["content"]) for request in world.models.asked for message in request.messages)
        assert "not ok 1 - tests/test_dash.sh" in asked
        assert "2026-11-28T10:00" not in asked
        assert "all keys" not in asked
        assert f"- {after[:10]}, a repair of `test`: candidate A of 1 attempt" in pull.body
        [status] = pull.bot_comments
        assert f"✅ Pushed {after[:10]}" in status.body
        assert pull.pull.requested_reviewers == []
        assert MAINTAINER not in commit.message


@pytest.mark.parametrize("either_database", SQLITE_IN_THE_SUITE, indirect=True)
async def test_what_is_not_ours_to_mend_is_left_alone_and_named_in_the_pull_request(
    tmp_path: Path, either_database: str
) -> None:
    """Red before, flapping, waiting for approval, on a commit that is not ours; and nothing is commented."""
    async with a_world(tmp_path, files=FILES, database_url=either_database) as world:
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        head, base = pull.pull.head_sha, pull.pull.base_sha
        await world.repo.check(base, "lint", "failure")
        await world.check(pull, "lint", "failure", log="E501")
        await world.settled()
        assert "- lint fails on my commit, and did not pass on the base commit either" in pull.body

        await world.repo.check(head, "lint", "success")
        await world.check(pull, "lint", "failure", log="E501")
        await world.settled()
        assert "lint fails on my commit, and has passed on the same commit, too: it flaps" in pull.body

        await world.check(pull, "lint", "success")
        await world.repo.wait_for_approval(head)
        await world.settled()
        assert "- github-actions waits for somebody to approve the run." in plain(pull.body)

        taken = len(await rows(world))
        await world.repo.check(base, "test", "failure")
        theirs = await world.repo.commit(pull.pull.head, {"notes.txt": "mine\n"}, "Theirs", by="ann")
        await world.repo.check(theirs, "test", "failure", log=LOG)
        await world.settled()
        assert len(await rows(world)) == taken
        await world.repo.check(head, "test", "failure", log=LOG)  # ours, and no longer what the pull request shows
        await world.settled()
        assert world.models.calls == {}
        assert pull.bot_comments == []


def plain(body: str) -> str:
    """Without what keeps text of others from being Markdown."""
    return body.replace("\\", "")


async def rows(world: World) -> list[str]:
    """GUIDs of checks that the inbox took."""
    guids = [each.guid for each in world.github.webhooks.deliveries if each.event in ("check_run", "check_suite")]
    return sorted(await world.bot.inbox.known(guids))


async def test_what_is_told_again_while_it_is_mended_is_not_given_up(tmp_path: Path) -> None:
    """GitHub tells of a check and of its suite: the second word comes when the repair is under way."""
    hold = Hold(then=bash(QUOTED))
    async with a_world(tmp_path, scripts={"fixer": held(hold, mends(QUOTED))}, files=FILES) as world:
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        await world.check(pull, "test", "failure", log=LOG)
        await hold.arrived.wait()
        told = await rows(world)
        await world.check(pull, "test", "failure", log=LOG)
        async with asyncio.timeout(SOON):
            for guid in set(await rows(world)) - set(told):
                while await world.bot.bot.engine.state(guid) is not WorkflowState.SUCCEEDED:  # noqa: ASYNC110
                    await asyncio.sleep(LOOK)
        assert "after my repair" not in pull.body
        hold.release.set()
        facts = await world.revised(pull)
        assert facts.status is Status.COMPLETED, facts.error
        assert "after my repair" not in pull.body


async def test_a_repository_that_wants_no_repair_gets_none(tmp_path: Path) -> None:
    files = line_up("fixer", test=TESTS, extra="ci: {repair: 0}\n")
    async with a_world(tmp_path, files=files) as world:
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        before = pull.pull.head_sha
        await world.check(pull, "test", "failure", log=LOG)
        await world.settled()
        why = "on my commit. I mend nothing by myself here, because `ci: {repair: 0}` says so."
        assert f"- test fails {why}" in plain(pull.body)
        await world.repo.set_status(before, "ci/other", "error", "It broke.", by="ann")
        await world.settled()
        assert f"- test, ci/other fail {why}" in plain(pull.body)
        assert (pull.pull.head_sha, world.models.calls, pull.bot_comments) == (before, {}, [])


async def test_what_could_not_be_mended_says_what_it_saw(tmp_path: Path) -> None:
    """The log may not be read here, and no attempt changes anything."""
    async with a_world(tmp_path, scripts={"fixer": mends("cat greet.sh")}, files=FILES) as world:
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        head = pull.pull.head_sha
        granted = world.repo.installation.state.permissions
        await world.repo.installation.accept_permissions({name: granted[name] for name in granted if name != "actions"})
        await world.check(pull, "test (3.9)", "failure", log=LOG)
        facts = await world.over(pull)
        assert (await world.next_comment(pull)).body.count("Its log could not be read: The App lacks") == 1
        assert facts.status is Status.COMPLETED, facts.error
        assert pull.pull.head_sha == head
        [status] = pull.bot_comments
        assert "🤷 Nothing was pushed: no candidate can be trusted. In CI test (3.9) failed." in plain(status.body)
        assert "- nothing pushed, a repair of `test (3.9)`: no candidate could be trusted" in pull.body


async def test_a_status_alone_starts_a_repair_and_what_was_not_accepted_is_named(tmp_path: Path) -> None:
    """Where no permission for checks was accepted, statuses are all that GitHub tells of."""
    async with a_world(tmp_path, scripts={"fixer": mends(QUOTED)}, files=FILES) as world:
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        before, granted = pull.pull.head_sha, world.repo.installation.state.permissions
        await world.repo.installation.accept_permissions({name: granted[name] for name in granted if name != "checks"})
        await world.bot.heads.refresh()
        await world.repo.set_status(before, "ci/other", "failure", "It fails.", by="ann")
        await world.settled()
        assert "- The App lacks the permission `checks: read`" in plain(pull.body)
        assert pull.pull.head_sha == before

        await world.repo.installation.accept_permissions(granted)
        await world.repo.set_status(before, "ci/other", "failure", "It fails.", by="ann")
        await world.github.delivered()
        facts = await world.revised(pull)
        assert facts.status is Status.COMPLETED, facts.error
        assert facts.solve.trigger.kind is TriggerKind.CHECK
        assert "a repair of `ci/other`" in plain(pull.body)


@pytest.mark.parametrize(
    ("repairs", "either_database"),
    [(1, "sqlite"), *(pytest.param(*row, marks=pytest.mark.long) for row in ((1, "postgresql"), (3, "sqlite")))],
    indirect=["either_database"],
)
async def test_robots_do_not_answer_each_other_for_ever(tmp_path: Path, repairs: int, either_database: str) -> None:
    """A review bot, CI and the bot, for ten rounds: so many repairs as are wanted, a comment of each, one last word."""
    files = line_up("fixer", test=TESTS, extra=f"ci: {{repair: {repairs}}}\n")
    scripts = {"fixer": mends("echo '# quoted' >> greet.sh")}
    async with a_world(tmp_path, scripts=scripts, files=files, database_url=either_database) as world:
        pull = await a_pull(world.github, world.repo, world.bot.bot.world.store)
        robot = world.github.robot("review-bot")
        heads = [pull.pull.head_sha]
        for _ in range(10):
            note = [Note("greet.sh", 1, "/solve revise quote it")]
            await pull.review("REQUEST_CHANGES", "/solve revise quote everything", by=robot, threads=note)
            await pull.comment("/solve revise and again", by=robot)
            await world.check(pull, "test", "failure", log=LOG)
            await world.repo.set_status(pull.pull.head_sha, "ci/other", "failure", "It fails.", by=robot)
            await world.github.delivered()
            await world.settled()
            heads.append(pull.pull.head_sha)
        assert len(await rows(world)) >= 10
        assert len(set(heads)) == 1 + repairs
        revisions = await world.bot.bot.world.store.revisions((await original(world, pull)).id)
        assert [facts.solve.trigger.kind for facts in revisions] == [TriggerKind.CHECK] * repairs
        assert len(pull.bot_comments) == repairs
        for _ in range(repairs):
            await world.next_comment(pull)
        assert world.models.calls == {"simulated/fixer": 2 * repairs}
        assert pull.body.count("after my repair as well, so I leave it to people.") == 1
        assert all(world.replies(thread) == [] for thread in pull.pull.threads)


async def original(world: World, pull: SimIssue) -> SolveFacts:
    facts = await world.bot.bot.world.store.of_pull(world.repo.id, pull.number)
    assert facts is not None
    return facts
