"""`/solve use B`: another candidate in the open pull request."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import Status
from bot.simulators.github import SimIssue
from bot.simulators.github.state import Reaction
from tests.stories.crashing import Dies
from tests.stories.deaths import MOMENTS
from tests.stories.lives import a_mortal_world
from tests.stories.world import BREAK, FIX, MAINTAINER, REGRESSION_TEST, World, a_world, commands, line_up

OTHER_FIX = 'printf \'test -n "$1" || set -- world\\necho "hello $1"\\n\' > greet.sh'
TESTS = "for t in tests/*.sh; do sh $t || exit 1; done"
OTHERS = b'test -n "$1" || set -- world\necho "hello $1"\n'
TWO = {"fixer": commands(FIX, REGRESSION_TEST), "other": commands(OTHER_FIX)}
SECRETIVE = "mkdir -p .github/workflows; echo 'on: push' > .github/workflows/x.yml"


@pytest.mark.parametrize(
    ("where", "either_database"),
    [
        ("the issue", "sqlite"),
        ("its button", "sqlite"),
        pytest.param("the pull request", "postgresql", marks=pytest.mark.long),
    ],
    indirect=["either_database"],
)
async def test_another_candidate_is_one_commit_on_top(tmp_path: Path, where: str, either_database: str) -> None:
    files = line_up(*TWO, test=TESTS)
    async with a_world(tmp_path, scripts=TWO, files=files, database_url=either_database) as world:
        issue, pull, _ = await world.published()
        before = pull.pull.head_sha
        assert world.repo.file(before, "tests/test_default.sh") is not None

        reactions = await ask_for_b(world, where, issue, pull)
        await world.settled()
        after = pull.pull.head_sha
        commit = world.repo.state.git.commit(after)
        assert list(commit.parents) == [before]
        assert commit.message.splitlines()[0] == "Use candidate B instead of A"
        assert world.repo.file(after, "greet.sh") == OTHERS
        assert world.repo.file(after, "tests/test_default.sh") is None
        assert world.repo.file(after, "README.md") == world.repo.file(before, "README.md")
        body = pull.state.body or ""
        assert "- ann chose B, in place of A." in body
        assert "candidate B, run" in body
        facts = await world.facts(issue)
        assert facts is not None
        assert facts.champion is facts.runs[1]
        assert facts.pull_request is not None
        assert facts.pull_request.head_sha == after
        assert "ann chose B" in issue.bot_comments[0].body
        assert [reaction.content for reaction in reactions] == ["eyes"]
        assert len(world.repo.pulls) == 1


async def ask_for_b(world: World, where: str, issue: SimIssue, pull: SimIssue) -> list[Reaction]:
    """Where it is to be seen that it was heard."""
    if where == "its button":
        [check] = world.repo.checks(pull.pull.head_sha)
        await world.repo.press(check, "use-2", by=MAINTAINER)
        return pull.reactions
    return (await world.comment(issue if where == "the issue" else pull, "/solve use b")).reactions


async def test_what_people_pushed_is_left_alone(tmp_path: Path) -> None:
    async with a_world(tmp_path, scripts=TWO, files=line_up(*TWO, test=TESTS)) as world:
        issue, pull, facts = await world.published()
        assert facts.pull_request is not None
        theirs = await world.repo.commit(facts.pull_request.branch, {"mine.txt": "mine\n"}, "Mine", by="ann")
        await world.comment(issue, "/solve use B")
        assert "holds commits that are not mine" in (await world.next_comment(issue)).body
        assert pull.pull.head_sha == theirs


CANNOT_BE_USED = (
    ("/solve use A", "holds that candidate already"),
    ("/solve use D", "There is no candidate D with a patch. You can use `C`."),
    ("/solve use 2", "B cannot be published, whoever asks: it changes a workflow file"),
    ("/solve use", "takes the letter or the number of one candidate"),
)


async def test_what_cannot_be_used(tmp_path: Path) -> None:
    scripts = {"fixer": commands(FIX, REGRESSION_TEST), "secretive": commands(SECRETIVE), "breaker": commands(BREAK)}
    async with a_world(tmp_path, scripts=scripts, files=line_up(*scripts, test=TESTS)) as world:
        issue, pull, _ = await world.published()
        before = pull.pull.head_sha
        for asks, answer in CANNOT_BE_USED:
            await world.comment(issue, asks)
            assert answer in (await world.next_comment(issue)).body
            assert pull.pull.head_sha == before


async def test_without_an_open_pull_request(tmp_path: Path) -> None:
    async with a_world(tmp_path, scripts=TWO, files=line_up(*TWO, test=TESTS)) as world:
        issue = await world.issue()
        await world.comment(issue, "/solve use B")
        assert "There is no pull request of mine" in (await world.next_comment(issue)).body
        await world.label(issue)
        await world.over(issue)
        await world.next_comment(issue)
        [pull] = world.repo.pulls
        await pull.close(by="ann")
        await world.comment(issue, "/solve use B")
        assert "is no longer open" in (await world.next_comment(issue)).body


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dies", MOMENTS)
async def test_every_death_on_the_way_leaves_one_commit(tmp_path: Path, dies: Dies) -> None:
    at = " (look at pull request|commit on top|advance branch|exchange|tell exchange)$"
    async with a_mortal_world(tmp_path, TWO, line_up(*TWO, test=TESTS)) as world:
        async with world.bot(dies=dies, at=at) as bot:
            issue = await world.issue()
            await world.label(issue)
            facts = await world.over(issue, within=120)
            assert facts.status is Status.COMPLETED, facts.error
            [pull] = world.repo.pulls
            before = pull.pull.head_sha
            await world.comment(issue, "/solve use B")
            await world.until(lambda: "ann chose B" in issue.bot_comments[0].body)
            await world.at_rest()
        assert len(bot.deaths) == 5
        assert list(world.repo.state.git.commit(pull.pull.head_sha).parents) == [before]
        assert world.repo.file(pull.pull.head_sha, "greet.sh") == OTHERS
        left_over = await world.left_over()
        assert not any(left_over.values()), left_over
