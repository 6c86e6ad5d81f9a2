"""Reviews and threads: what the hub reads and writes of them, and how strict the simulator is about them."""

from __future__ import annotations

import pytest

from bot.core.model import PullRequest
from bot.ports import Denied, Gone, PullState, Rejected, Review, ReviewState, ThreadAnswer, Unavailable
from bot.simulators.github import Note, Refusal, SimIssue
from tests.contracts.github_world import World
from tests.contracts.github_world import world as world

LONG = "\n".join(f"line {number}" for number in range(1, 9)) + "\n"


async def opened(world: World, text: str = LONG) -> tuple[PullRequest, SimIssue]:
    await world.repository.commit("solvebot/1-fix", {"long.txt": text}, "A fix", by="solvebot[bot]")
    pull = await world.pull("solvebot/1-fix")
    return pull, world.repository.issue(pull.number)


async def test_a_pull_request_as_it_is(world: World) -> None:
    pull, issue = await opened(world)
    expected = PullState("Fix", True, False, True, "solvebot/1-fix", pull.head_sha, "main")
    assert await world.hub.pull(world.repo, pull.number) == expected
    await issue.close(by="ann")
    assert not (await world.hub.pull(world.repo, pull.number)).open
    theirs = await world.repository.open_pull("Mine", head="solvebot/1-fix", by="ann")
    assert not (await world.hub.pull(world.repo, theirs.number)).ours
    with pytest.raises(Gone):
        await world.hub.pull(world.repo, 99)


async def test_unresolved_threads_with_their_conversations(world: World) -> None:
    pull, issue = await opened(world)
    notes = [Note("long.txt", 2, "Why two?"), Note("long.txt", 7, "And seven?")]
    review = await issue.review("REQUEST_CHANGES", "See below.", by="ann", threads=notes)
    first, second = issue.pull.threads
    await issue.reply(first, "I wonder, too.", by="bob")
    await issue.resolve(second, by="ann")

    [thread] = await world.hub.threads(world.repo, pull.number)
    assert (thread.path, thread.line, thread.first) == ("long.txt", 2, first.comments[0].id)
    assert thread.hunk == "@@ -0,0 +1,8 @@\n+line 1\n+line 2"
    assert [(said.author, said.body, said.is_bot) for said in thread.said] == [
        ("ann", "Why two?", False),
        ("bob", "I wonder, too.", False),
    ]
    assert thread.said[0].review == review.id
    assert thread.said[1].review != review.id
    assert await world.hub.review(world.repo, pull.number, review.id) == Review(
        ReviewState.CHANGES_REQUESTED, "See below."
    )


async def test_a_line_moves_with_the_commits_and_is_lost_when_it_changes(world: World) -> None:
    pull, issue = await opened(world)
    notes = [Note("long.txt", 2, "two"), Note("long.txt", 7, "seven")]
    await issue.review("COMMENT", by="ann", threads=notes)
    await world.repository.commit("solvebot/1-fix", {"long.txt": "zero\n" + LONG.replace("line 7", "seven")}, "More")
    assert [thread.line for thread in await world.hub.threads(world.repo, pull.number)] == [3, None]
    await world.repository.commit("solvebot/1-fix", {"long.txt": None}, "Away")
    assert [thread.line for thread in await world.hub.threads(world.repo, pull.number)] == [None, None]


async def test_more_threads_than_a_page_holds(world: World) -> None:
    pull, issue = await opened(world)
    await issue.review("COMMENT", by="ann", threads=[Note("long.txt", 1, f"no {number}") for number in range(120)])
    found = await world.hub.threads(world.repo, pull.number)
    assert [thread.said[0].body for thread in found] == [f"no {number}" for number in range(120)]


async def test_a_robot_is_known_in_a_thread(world: World) -> None:
    pull, issue = await opened(world)
    await issue.review("COMMENT", by="ann", threads=[Note("long.txt", 1, "one")])
    answer = ThreadAnswer(issue.pull.threads[0].comments[0].id, "<!-- a -->", "<!-- a -->\nDone.")
    assert await world.hub.answer_threads(world.repo, pull.number, [answer]) == []
    [thread] = await world.hub.threads(world.repo, pull.number)
    assert [(said.author, said.is_bot) for said in thread.said] == [("ann", False), ("solvebot", True)]


async def test_each_thread_is_answered_once(world: World) -> None:
    pull, issue = await opened(world)
    await issue.review("COMMENT", by="ann", threads=[Note("long.txt", 1, "one"), Note("long.txt", 2, "two")])
    one, two = (thread.comments[0].id for thread in issue.pull.threads)
    answers = [ThreadAnswer(to, f"<!-- {to} -->", f"<!-- {to} -->\nDone.") for to in (one, two)]
    await issue.reply(issue.pull.threads[1], answers[1].body, by="mallory")  # anybody can write a marker

    world.github.faults.add("POST", f"*/comments/{two}/replies", status=502, drop_answer=True)
    with pytest.raises(Unavailable):
        await world.hub.answer_threads(world.repo, pull.number, answers)
    assert await world.hub.answer_threads(world.repo, pull.number, answers) == []
    assert [[said.user.login for said in thread.comments] for thread in issue.pull.threads] == [
        ["ann", "solvebot[bot]"],
        ["ann", "mallory", "solvebot[bot]"],
    ]


async def test_threads_that_cannot_be_answered_do_not_stop_the_others(world: World) -> None:
    pull, issue = await opened(world)
    await issue.review("COMMENT", by="ann", threads=[Note("long.txt", n, str(n)) for n in (1, 2, 3)])
    ids = [thread.comments[0].id for thread in issue.pull.threads]
    world.github.faults.add("POST", f"*/comments/{ids[0]}/replies", status=422)
    del issue.pull.threads[1]
    answers = [ThreadAnswer(to, "<!-- a -->", "<!-- a -->\nDone.") for to in ids]
    assert await world.hub.answer_threads(world.repo, pull.number, answers) == ids[:2]
    assert len(issue.pull.threads[-1].comments) == 2


async def test_threads_are_resolved(world: World) -> None:
    pull, issue = await opened(world)
    await issue.review("COMMENT", by="ann", threads=[Note("long.txt", 1, "one")])
    [thread] = await world.hub.threads(world.repo, pull.number)
    assert await world.hub.resolve_threads(world.repo, [thread.id, "PRRT_kwDOAAAAAAAAAAAA"]) == [
        "PRRT_kwDOAAAAAAAAAAAA"
    ]
    assert await world.hub.threads(world.repo, pull.number) == []


async def test_what_graphql_refuses_is_an_error_of_the_ports(world: World) -> None:
    with pytest.raises(Gone):
        await world.hub.threads(world.repo, 99)
    pull, _ = await opened(world)
    for kind, error in (("FORBIDDEN", Denied), ("RATE_LIMITED", Unavailable), ("UNPROCESSABLE", Rejected)):
        body = {"errors": [{"type": kind, "message": "no"}], "data": None}
        world.github.faults.add("POST", "/graphql", status=200, body=body)
        with pytest.raises(error):
            await world.hub.threads(world.repo, pull.number)


@pytest.mark.parametrize("note", [Note("long.txt", 9, "behind"), Note("README.md", 1, "another"), Note("no", 1, "x")])
async def test_a_line_outside_of_the_diff_has_no_thread(world: World, note: Note) -> None:
    _, issue = await opened(world)
    with pytest.raises(Refusal, match="must be part of the diff"):
        await issue.review("COMMENT", by="ann", threads=[note])


@pytest.mark.parametrize(
    ("note", "line", "start"),
    [
        (Note("README.md", 1, "Why?"), 1, None),
        (Note("README.md", 1, "Why?", side="LEFT"), None, None),
        (Note("README.md", 2, "Why?", lines=2), 2, 1),
        (Note("README.md", 2, "Why?", lines=2, start_side="LEFT"), None, None),
    ],
)
async def test_lines_that_the_change_takes_away_are_no_lines_of_the_file(
    world: World, note: Note, line: int | None, start: int | None
) -> None:
    await world.repository.commit("solvebot/1-fix", {"README.md": "# Gadget\nNew.\n"}, "A fix", by="solvebot[bot]")
    pull = await world.pull("solvebot/1-fix")
    await world.repository.issue(pull.number).review("COMMENT", by="ann", threads=[note])
    [thread] = await world.hub.threads(world.repo, pull.number)
    assert (thread.line, thread.start) == (line, start)
    assert thread.hunk.rpartition("\n")[2].startswith("-" if note.side == "LEFT" else "+")


async def test_a_long_conversation_is_read_to_its_last_word(world: World) -> None:
    pull, issue = await opened(world)
    await issue.review("COMMENT", by="ann", threads=[Note("long.txt", 2, "First.")])
    [thread] = issue.pull.threads
    for number in range(40):
        await issue.reply(thread, f"Word {number}.", by="bob")
    [found] = await world.hub.threads(world.repo, pull.number)
    assert (found.said[0].body, found.said[-1].body) == ("First.", "Word 39.")
