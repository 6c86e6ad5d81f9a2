"""Every no is said, once, with its reason, and before any money."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.stories.world import FILES, GIVES_UP, World, a_world, line_up


async def test_who_may_not_write_may_not_ask(world: World) -> None:
    issue = await world.issue()
    world.repo.grant("tom", "triage")
    comment = await world.comment(issue, "/solve", by="tom")
    reply = await world.next_comment(issue)

    assert "needs the permission **write**" in reply.body
    assert "you have **triage**" in reply.body
    await world.settled()
    assert [r.content for r in comment.reactions] == ["confused"]
    assert await world.facts(issue) is None
    assert not world.models.calls


async def test_whoever_labels_is_asked_about_not_who_wrote_the_issue(world: World) -> None:
    world.repo.grant("tom", "triage")
    issue = await world.repo.open_issue("By a maintainer", "", by="ann")
    await world.label(issue, by="tom")
    reply = await world.next_comment(issue)
    assert "needs the permission **write**" in reply.body
    assert await world.facts(issue) is None


async def test_a_permission_that_cannot_be_asked_is_denied(world: World) -> None:
    world.expected_problems.append("permission.unknown")
    no = {"message": "Resource not accessible by integration"}
    world.github.faults.add("GET", "*/collaborators/*/permission", status=403, body=no, times=None)
    issue = await world.issue()
    await world.comment(issue, "/solve")
    assert "could not check ann's permission, so I started nothing" in (await world.next_comment(issue)).body
    assert await world.facts(issue) is None


async def test_another_label_is_nobody_s_business(world: World) -> None:
    issue = await world.issue()
    await world.label(issue, "bug")
    await world.settled()
    assert issue.bot_comments == []


async def test_a_closed_issue(world: World) -> None:
    issue = await world.issue()
    await issue.close(by="ann")
    await world.comment(issue, "/solve")
    assert "is closed" in (await world.next_comment(issue)).body


async def test_a_pull_request(world: World) -> None:
    await world.repo.commit("topic", {"new.txt": "x"}, "Something")
    pull = await world.repo.open_pull("Something", head="topic", by="ann")
    await world.comment(pull, "/solve")
    assert "not pull requests" in (await world.next_comment(pull)).body


async def test_an_issue_that_is_locked_gets_no_answer_and_no_solve(world: World) -> None:
    issue = await world.issue()
    await issue.lock(by="ann")
    await world.label(issue)
    await world.settled()
    assert issue.bot_comments == []
    assert await world.facts(issue) is None


async def test_an_archived_repository_is_left_alone(world: World) -> None:
    issue = await world.issue()
    await world.repo.archive(by="ann")
    await world.label(issue)
    await world.settled()
    assert await world.facts(issue) is None


async def test_an_empty_repository(tmp_path: Path) -> None:
    async with a_world(tmp_path, files={}) as world:
        issue = await world.issue()
        await world.label(issue)
        assert "no commit yet" in (await world.next_comment(issue)).body


async def test_a_pull_request_of_ours_is_open(world: World) -> None:
    issue = await world.issue()
    await world.label(issue)
    await world.over(issue)
    await world.next_comment(issue)
    [pull] = world.repo.pulls

    await world.comment(issue, "/solve")
    assert f"#{pull.number} is already open" in (await world.next_comment(issue)).body
    assert len(world.repo.pulls) == 1


async def test_no_such_base(world: World) -> None:
    issue = await world.issue()
    await world.comment(issue, "/solve base=release-9")
    assert "no branch `release-9`" in (await world.next_comment(issue)).body


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("/solve attempts=99", "99"),
        ("/solve model=gpt-17", "fixer"),
        ("/solve speed=fast", "speed"),
        ("/solve temperature=hot", "hot"),
        ("/solve strategy=magic", "test-first"),
        ("/solve budget=-1", "budget"),
        ("/solve time=never", "never"),
        ('/solve repro="make crash', "quote"),
        ("/solve attempts=2 attempts=3", "attempts"),
        ("/solve dance", "dance"),
        ("/slove", "/solve"),
    ],
)
async def test_a_wrong_command_gets_one_reply_and_starts_nothing(world: World, said: str, words: str) -> None:
    issue = await world.issue()
    comment = await world.comment(issue, said)
    reply = await world.next_comment(issue)
    assert words in reply.body
    assert "started nothing" in reply.body
    await world.settled()
    assert [r.content for r in comment.reactions] == ["confused"]
    assert await world.facts(issue) is None
    assert len(issue.bot_comments) == 1


@pytest.mark.parametrize(
    "said",
    [
        "> /solve",
        "```\n/solve\n```",
        "    /solve",
        "<!-- /solve -->",
        "please /solve",
        "/solver",
        "thanks!",
        "`/solve`",
    ],
)
async def test_what_is_no_command_gets_no_answer(world: World, said: str) -> None:
    issue = await world.issue()
    await world.comment(issue, said)
    await world.settled()
    assert issue.bot_comments == []
    assert await world.facts(issue) is None


@pytest.mark.parametrize("path", [".github/solvebot.yml", ".github/solvebot.yaml"])
async def test_mistakes_in_the_configuration_are_told_with_their_lines(tmp_path: Path, path: str) -> None:
    files = {name: text for name, text in FILES.items() if name != ".github/solvebot.yml"}
    async with a_world(tmp_path, files={**files, path: "tset: sh tests/test.sh\nattempts: many\n"}) as world:
        issue = await world.issue()
        await world.label(issue)
        reply = await world.next_comment(issue)
        assert f"`{path}`" in reply.body
        assert "line 1" in reply.body
        assert "line 2" in reply.body
        assert await world.facts(issue) is None


async def test_the_repository_asks_for_more_than_write(tmp_path: Path) -> None:
    async with a_world(tmp_path, files=line_up("fixer", extra="who: admin\n")) as world:
        issue = await world.issue()
        await world.label(issue)
        assert "needs the permission **admin**" in (await world.next_comment(issue)).body


async def test_help_status_and_explain(tmp_path: Path) -> None:
    async with a_world(tmp_path, scripts={"fixer": GIVES_UP}) as world:
        issue = await world.issue()
        await world.comment(issue, "/solve help")
        assert "What I understand" in (await world.next_comment(issue)).body
        await world.comment(issue, "/solve status")
        assert "no solve of this issue" in (await world.next_comment(issue)).body
        await world.comment(issue, "/solve")
        await world.over(issue)
        await world.next_comment(issue)
        await world.comment(issue, "/solve status\n\n/solve explain")
        assert "no champion" in (await world.next_comment(issue)).body
        assert "Outcome: none" in (await world.next_comment(issue)).body
        await world.comment(issue, "/solve cancel")
        assert "nothing to cancel" in (await world.next_comment(issue)).body


async def test_who_asks_with_what_nobody_can_read_is_told(world: World) -> None:
    world.expected_problems += ["webhook.unreadable", "delivery.unreadable"]
    issue = await world.issue()
    about = {
        "action": "created",
        "sender": {"login": "ann", "id": 1, "type": "User"},
        "repository": {"id": world.repo.id, "full_name": "octo/greet"},
        "installation": {"id": world.repo.installation.id},
        "issue": {"number": issue.number, "title": ["odd"]},
        "comment": {"id": 7, "body": "/solve"},
    }
    world.github.webhooks.emit("issue_comment", about, installation_id=1, repository_id=world.repo.id)
    assert "a form that I cannot read" in (await world.next_comment(issue)).body
    assert await world.facts(issue) is None


def spoil_models(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=30)) as database, database:
        database.execute("update ai_models set config = 'not json'")


async def test_whoever_asks_is_told_when_it_broke_on_our_side(world: World) -> None:
    """By a label as by a comment: a row of ours that cannot be read must not look as if nobody had heard."""
    world.expected_problems += ["delivery.broke", "JSON is malformed"]
    issue = await world.issue()
    await asyncio.to_thread(spoil_models, world.settings.data / "solvebot.sqlite")
    await world.label(issue)
    await world.said(issue, "Something broke on our side")
    await world.label(issue, "another label")
    await world.comment(issue, "/solve")
    await world.github.delivered()
    await world.settled()
    assert len([comment for comment in issue.bot_comments if "broke on our side" in comment.body]) == 2
    world.unread_is_fine = True


async def test_what_forbids_publishing_is_known_before_the_first_dollar(world: World) -> None:
    """Each obstacle is named, once it is out of the way the next one is, and no model is ever asked."""
    issue = await world.issue()
    rules = world.repo.state.rules

    async def refused(words: str) -> None:
        await world.comment(issue, "/solve")
        reply = (await world.next_comment(issue)).body
        assert words in reply
        assert "I started nothing" in reply

    await world.repo.commit("solvebot", {"x": "y"}, "A branch with an unlucky name")
    await refused("There is a branch `solvebot`, so git allows none called `solvebot/1-no-name-no-greeting`")
    await world.repo.delete_branch("solvebot")

    world.repo.state.pulls_available = False
    await refused("Pull requests are switched off")
    world.repo.state.pulls_available = True

    world.repo.rule("creation", "solvebot/*")
    await refused("A ruleset forbids new branches such as `solvebot/1-no-name-no-greeting`")
    rules.clear()

    world.repo.rule("branch_name_pattern", operator="regex", pattern="^(feature|fix)/", negate=False, name="")
    await refused("A ruleset wants names of branches to `match ^(feature")
    rules.clear()

    world.repo.rule("required_signatures")
    world.github.stage.verify_commits = False
    await refused("this GitHub does not sign what Apps write")
    world.github.stage.verify_commits = True
    rules.clear()
    assert await world.facts(issue) is None
    assert not world.models.calls


async def test_a_missing_permission_is_known_before_the_first_dollar(world: World) -> None:
    installation = world.repo.installation
    await installation.accept_permissions({**installation.state.permissions, "contents": "read"})
    issue = await world.issue()
    await world.label(issue)
    reply = (await world.next_comment(issue)).body
    assert "I may not publish anything here, so I started nothing. The App lacks the permission" in reply
    assert await world.facts(issue) is None


async def test_what_does_not_forbid_it_does_not_stop_anybody(world: World) -> None:
    """A ruleset that the App may bypass, signatures where GitHub signs, a branch that takes the usual name's place."""
    await world.repo.commit("solvebot/1-no-name-no-greeting/old", {"x": "y"}, "In the way")
    world.repo.rule("creation", "solvebot/*", bypass="always")
    world.repo.rule("required_signatures")
    world.repo.rule("branch_name_pattern", operator="starts_with", pattern="solvebot/", negate=False, name="")
    _, pull, _ = await world.published()
    assert pull.pull.head == "solvebot/1-no-name-no-greeting-2"


async def test_who_asks_for_more_than_may_be_spent_is_told_and_what_fits_is_set_aside(tmp_path: Path) -> None:
    async with a_world(tmp_path, day_dollars=1.0) as world:
        issue = await world.issue()
        await world.label(issue)
        reply = await world.next_comment(issue)
        assert "the whole that this server may spend in a day is $1.00" in reply.body
        assert "`/solve budget=1.00` fits in now." in reply.body
        assert await world.facts(issue) is None
        assert not world.models.calls
        await world.comment(issue, "/solve budget=1")
        facts = await world.over(issue)
        await world.next_comment(issue)
        assert facts.solve.reserved == 1.0
        assert facts.limits is not None
        assert facts.limits.dollars == 1.0
