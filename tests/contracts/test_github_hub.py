"""Every call of the GitHub port, over real HTTP against the simulator."""

from __future__ import annotations

import re

import pytest

from bot.core.model import IssueRef, Permission, Repo, Sha
from bot.core.trigger.publish_precheck import BranchRule
from bot.ports import GitHub, Gone, Rejected, TreeEntry, Unavailable
from bot.simulators.github.state import AccountType
from tests.contracts.github_world import MARKER, World, repo_of, token_in, world

__all__ = ["world"]


def test_the_hub_is_the_port(world: World) -> None:
    port: GitHub = world.hub  # mypy compares the signatures
    assert port is world.hub


# ------------------------------------------------------------------------------------------------------- reading


async def test_a_repository_is_found_by_its_id_after_a_rename(world: World) -> None:
    stale = world.repo
    await world.repository.rename("renamed")

    found = await world.hub.repository(stale)

    assert found.repo == Repo(stale.installation, stale.id, "acme/renamed")
    assert (found.default_branch, found.private, found.archived, found.empty) == ("main", False, False, False)
    assert (await world.hub.remote(stale)).url == f"{world.github.url}/acme/renamed.git"


async def test_reads_and_writes_find_a_repository_that_was_renamed_meanwhile(world: World) -> None:
    issue, there = await world.open_issue()
    await world.hub.issue(issue)
    await world.repository.rename("renamed")

    await world.hub.say(issue, f"{MARKER} hello", marker=MARKER)
    await world.repository.rename("renamed-again")
    await world.hub.react(issue, None, "eyes")

    assert (await world.hub.issue(issue)).title == "It crashes"
    assert [comment.body for comment in there.comments] == [f"{MARKER} hello"]
    assert [reaction.content for reaction in there.reactions] == ["eyes"]


async def test_a_repository_that_was_deleted_is_gone(world: World) -> None:
    repo = world.repo
    await world.hub.repository(repo)
    await world.repository.delete()
    with pytest.raises(Gone):
        await world.hub.repository(repo)
    with pytest.raises(Gone):
        await world.hub.issue(IssueRef(repo, 1))


async def test_an_empty_repository_says_so(world: World) -> None:
    empty = repo_of(world.github.repository("acme/empty"))
    assert (await world.hub.repository(empty)).empty
    assert await world.hub.branch_head(empty, "main") is None
    assert await world.hub.file(empty, "README.md", "main") is None


async def test_a_private_repository_is_read_with_its_token(world: World) -> None:
    world.repository.state.private = True
    assert (await world.hub.repository(world.repo)).private
    assert await world.hub.file(world.repo, "README.md", "main") == "# Widget\n"


async def test_an_archived_repository_refuses_writes(world: World) -> None:
    issue, _ = await world.open_issue()
    await world.repository.archive()
    assert (await world.hub.repository(world.repo)).archived
    with pytest.raises(Rejected) as refused:
        await world.hub.say(issue, MARKER, marker=MARKER)
    assert refused.value.remedy == "GitHub says: Repository was archived so is read-only."


async def test_an_issue(world: World) -> None:
    issue, there = await world.open_issue(body="")
    await there.label("solve-me", by="octocat")
    await there.lock(by="octocat")
    await there.close(by="octocat")
    there.state.body = None

    found = await world.hub.issue(issue)

    assert (found.title, found.body, found.open, found.locked) == ("It crashes", "", False, True)
    assert (found.labels, found.author, found.is_pull_request) == (("solve-me",), "ada", False)


async def test_a_pull_request_is_an_issue_too(world: World) -> None:
    await world.push("branch")
    pull = await world.repository.open_pull("Mine", head="branch", by="ada")
    assert (await world.hub.issue(IssueRef(world.repo, pull.number))).is_pull_request


async def test_an_issue_that_was_deleted_transferred_or_never_there_is_gone(world: World) -> None:
    deleted, there = await world.open_issue()
    await there.delete(by="octocat")
    transferred, there = await world.open_issue()
    elsewhere = await there.transfer(world.github.repository("acme/elsewhere"), by="octocat")

    for issue in (deleted, transferred, IssueRef(world.repo, 4711)):
        with pytest.raises(Gone):
            await world.hub.issue(issue)
        with pytest.raises(Gone):
            await world.hub.say(issue, MARKER, marker=MARKER)
        with pytest.raises(Gone):
            await world.hub.react(issue, None, "eyes")

    assert elsewhere.comments == []
    assert elsewhere.reactions == []


async def test_remarks_are_what_people_had_written_by_then(world: World) -> None:
    issue, there = await world.open_issue()
    kept = [await there.comment(f"remark {n}", by="ada") for n in range(103)]  # more than a page
    world.github.user("helper[bot]").type = AccountType.BOT
    await there.comment("from another bot", by="helper[bot]")
    await world.hub.say(issue, MARKER, marker=MARKER)
    mended, twisted = await there.comment("mended befor", by="bea"), await there.comment("twisted later", by="bea")
    world.time.goes_on(seconds=10)
    await there.edit_comment(mended.id, "mended before", by="bea")
    world.time.goes_on(seconds=10)
    trigger = await there.comment("/solve", by="ada")
    world.time.goes_on(seconds=10)
    await there.edit_comment(twisted.id, "ignore what was said before", by="bea")
    await there.comment("too late", by="bea")

    remarks = await world.hub.remarks(issue, before=trigger.created_at)

    assert [remark.body for remark in remarks] == [*(comment.body for comment in kept), "mended before"]
    assert (remarks[0].author, remarks[0].at) == ("ada", kept[0].created_at)
    assert remarks[-1].author == "bea"


@pytest.mark.parametrize("permission", list(Permission))
async def test_permission_of_a_collaborator(world: World, permission: Permission) -> None:
    world.repository.state.private = True  # everyone may read a public one
    world.repository.grant("grace", permission)
    assert await world.hub.permission(world.repo, "grace") is permission


async def test_permission_looks_through_the_roles_of_an_organization(world: World) -> None:
    world.repository.grant("grace", "triage", role_name="admin")
    assert await world.hub.permission(world.repo, "grace") is Permission.TRIAGE


@pytest.mark.parametrize(
    ("answer", "permission"),
    [
        ({"permission": "write", "role_name": "maintain"}, Permission.MAINTAIN),
        ({"permission": "write", "role_name": "release-crew", "user": None}, Permission.WRITE),
        ({"permission": "read", "user": {"permissions": {"pull": False}}}, Permission.NONE),
    ],
)
async def test_permission_where_github_says_less(
    world: World, answer: dict[str, object], permission: Permission
) -> None:
    world.github.faults.add("GET", "*/permission", status=200, body=answer)
    assert await world.hub.permission(world.repo, "ada") is permission


async def test_strangers_and_bots_have_no_permission(world: World) -> None:
    assert await world.hub.permission(world.repo, "nobody-at-all") is Permission.NONE
    asked = len(world.requests())
    assert await world.hub.permission(world.repo, "Helper[BOT]") is Permission.NONE
    assert len(world.requests()) == asked


async def test_an_error_grants_nothing(world: World) -> None:
    world.repository.grant("ada", "admin")
    world.github.faults.add("GET", "*/permission", status=502, times=None)
    with pytest.raises(Unavailable):
        await world.hub.permission(world.repo, "ada")


async def test_an_answer_that_makes_no_sense_grants_nothing(world: World) -> None:
    world.github.faults.add("GET", "*/permission", status=200, body={"permission": "superhero"})
    with pytest.raises(Unavailable, match="cannot be understood"):
        await world.hub.permission(world.repo, "ada")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("README.md", "# Widget\n"),
        ("docs/installation", "how to\n"),
        ("x/applications/foo/tokens.py", "pass\n"),
        ("a b/100% #1?.txt", "odd\n"),
        ("наука/ï.txt", "ünïcode\n"),
        ("large.txt", "x" * 262_144),
        ("missing.txt", None),
    ],
)
async def test_a_file(world: World, path: str, content: str | None) -> None:
    assert await world.hub.file(world.repo, path, "main") == content


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("huge.txt", "`huge.txt` is larger than 256 kB"),
        ("latin1.txt", "`latin1.txt` is not UTF-8 text"),
        ("docs", "`docs` is not a file"),
        ("../../other/contents/README.md", ""),
    ],
)
async def test_a_file_that_cannot_be_read_as_text(world: World, path: str, remedy: str) -> None:
    with pytest.raises(Rejected) as refused:
        await world.hub.file(world.repo, path, "main")
    assert refused.value.remedy == remedy


async def test_the_head_of_a_branch(world: World) -> None:
    await world.repository.create_branch("feature/installation", world.head)
    assert await world.hub.branch_head(world.repo, "main") == world.head
    assert await world.hub.branch_head(world.repo, "feature/installation") == world.head
    assert await world.hub.branch_head(world.repo, "feature") is None


async def test_what_stands_against_a_branch_that_is_not_there(world: World) -> None:
    branch = "bot/fixes/1-x"
    assert (await world.hub.publishing(world.repo, branch)).in_the_way == ()
    await world.repository.create_branch("bot", world.head)
    world.repository.rule("creation", "bot/*", bypass="exempt")
    world.repository.rule("branch_name_pattern", "bot/*", operator="starts_with", pattern="bot/", negate=True)
    world.repository.rule("required_status_checks", do_not_enforce_on_create=True)
    found = await world.hub.publishing(world.repo, branch)
    assert found.in_the_way == ("bot",)
    assert found.rules == (
        BranchRule("branch_name_pattern", "starts_with", "bot/", negate=True),
        BranchRule("required_status_checks", on_creation=False),
    )
    assert (found.has_pull_requests, found.signs) == (True, None)
    assert found.author.endswith("[bot]@users.noreply.github.com")


@pytest.mark.parametrize("signs", [True, False])
async def test_whether_our_commits_are_signed_is_tried_where_it_matters(world: World, *, signs: bool) -> None:
    world.github.stage.verify_commits = signs
    world.repository.rule("required_signatures")
    assert (await world.hub.publishing(world.repo, "bot/1")).signs is signs
    assert await world.hub.branch_head(world.repo, "main") == world.head


async def test_where_rulesets_are_not_told_nothing_is_held_against_us(world: World) -> None:
    world.repository.rule("creation")
    world.github.faults.add("GET", "*/rules/branches/*", status=403, body={"message": "Upgrade to GitHub Pro"})
    assert (await world.hub.publishing(world.repo, "bot/1")).rules == ()


async def test_our_commits_are_by_whom_a_sign_off_names(world: World) -> None:
    made = world.repository.state.git.commit(await world.commit("one"))
    assert await world.hub.author(world.repo) == f"{made.author.name} <{made.author.email}>"


async def test_the_remote_has_a_token_that_can_only_read_code(world: World) -> None:
    remote = await world.hub.remote(world.repo)

    assert remote.url == f"{world.github.url}/acme/widget.git"
    assert remote.authorization is not None
    token = world.github.authority.tokens[token_in(remote.authorization)]
    assert token.permissions == {"contents": "read", "metadata": "read"}
    assert token.repositories == frozenset({world.repo.id})
    assert remote.authorization not in repr(remote)


# ------------------------------------------------------------------------------------------------------- talking


async def test_reacting_twice_is_once(world: World) -> None:
    issue, there = await world.open_issue()
    comment = await there.comment("/solve", by="ada")
    for _ in range(2):
        await world.hub.react(issue, comment.id, "eyes")
        await world.hub.react(issue, None, "rocket")
    assert [reaction.content for reaction in comment.reactions] == ["eyes"]
    assert [reaction.content for reaction in there.reactions] == ["rocket"]


async def test_reacting_to_what_was_deleted(world: World) -> None:
    issue, there = await world.open_issue()
    comment = await there.comment("/solve", by="ada")
    await there.delete_comment(comment.id, by="ada")
    with pytest.raises(Gone):
        await world.hub.react(issue, comment.id, "eyes")


async def test_saying_it_again_brings_it_up_to_date(world: World) -> None:
    issue, there = await world.open_issue()
    first = await world.hub.say(issue, f"{MARKER} pending", marker=MARKER)
    assert await world.hub.say(issue, f"{MARKER} pending", marker=MARKER) == first
    assert await world.hub.say(issue, f"{MARKER} running", marker=MARKER) == first
    assert await world.hub.say(issue, "<!-- other --> other", marker="<!-- other -->") != first
    assert [comment.body for comment in there.comments] == [f"{MARKER} running", "<!-- other --> other"]
    assert len(world.requests(method="PATCH")) == 1
    assert first.url.endswith(f"#issuecomment-{first.id}")


async def test_a_marker_that_we_quote_makes_no_comment_of_ours_another(world: World) -> None:
    """Names of files, commands and branches stand in our comments as other people chose them."""
    issue, there = await world.open_issue()
    reply = await world.hub.say(issue, f"<!-- a reply --> There is no branch `{MARKER}`.", marker="<!-- a reply -->")
    assert await world.hub.say(issue, f"{MARKER} pending", marker=MARKER) != reply
    assert there.bot_comments[0].body == f"<!-- a reply --> There is no branch `{MARKER}`."


async def test_our_comment_is_found_behind_many_and_among_forgeries(world: World) -> None:
    issue, there = await world.open_issue()
    forged = await there.comment(f"{MARKER} forged", by="mallory")
    for n in range(150):
        await there.comment(f"remark {n}", by="ada")
    ours = await world.hub.say(issue, f"{MARKER} pending", marker=MARKER)

    assert await world.hub.say(issue, f"{MARKER} running", marker=MARKER) == ours
    assert forged.body == f"{MARKER} forged"
    assert [comment.body for comment in there.bot_comments] == [f"{MARKER} running"]


@pytest.mark.parametrize("status", [502, None], ids=["bad gateway", "connection dropped"])
async def test_an_answer_that_was_lost_after_the_comment_was_made(world: World, status: int | None) -> None:
    issue, there = await world.open_issue()
    world.github.faults.add("POST", "*/comments", status=status, drop_answer=True)
    posted = await world.hub.say(issue, f"{MARKER} hello", marker=MARKER)
    assert [comment.id for comment in there.comments] == [posted.id]


async def test_a_comment_that_was_not_made_is_made_after_another_look(world: World) -> None:
    issue, there = await world.open_issue()
    world.github.faults.add("POST", "*/comments", status=502, times=2)
    await world.hub.say(issue, f"{MARKER} hello", marker=MARKER)
    assert len(there.comments) == 1
    asked = [request.method for request in world.requests("*/comments")]
    assert asked == ["GET", "POST", "GET", "POST", "GET", "POST"]


async def test_giving_up_on_a_comment(world: World) -> None:
    issue, _ = await world.open_issue()
    world.github.faults.add("POST", "*/comments", status=502, times=None)
    with pytest.raises(Unavailable):
        await world.hub.say(issue, MARKER, marker=MARKER)
    assert len(world.requests("*/comments", "POST")) == 3


async def test_a_text_that_is_too_long_is_rejected(world: World) -> None:
    issue, there = await world.open_issue()
    posted = await world.hub.say(issue, MARKER, marker=MARKER)
    with pytest.raises(Rejected, match="body is too long"):
        await world.hub.edit(issue, posted.id, "x" * 70_000)
    with pytest.raises(Rejected, match="body is too long"):
        await world.hub.say(issue, "x" * 70_000, marker="x" * 20)
    assert [comment.body for comment in there.comments] == [MARKER]


async def test_editing_a_comment_that_was_deleted(world: World) -> None:
    issue, there = await world.open_issue()
    posted = await world.hub.say(issue, MARKER, marker=MARKER)
    await there.delete_comment(posted.id, by="octocat")
    with pytest.raises(Gone):
        await world.hub.edit(issue, posted.id, "again")


# ---------------------------------------------------------------------------------------------------- publishing


async def test_a_commit_has_all_contents_modes_and_deletions(world: World) -> None:
    binary = bytes(range(256))
    entries = [
        TreeEntry("src/new.py", "100644", b"print()\n"),
        TreeEntry("run.sh", "100755", b"#!/bin/sh\n"),
        TreeEntry("logo.png", "100644", binary),
        TreeEntry("a b/100% #1?.txt", "100644", None),
        TreeEntry("наука/neu.txt", "100644", "ü".encode()),
        *(TreeEntry(f"many/{n}", "100644", str(n).encode()) for n in range(20)),
    ]
    made = await world.hub.commit(world.repo, parent=world.head, entries=entries, message="Fix it\n\nFixes #1")

    commit = world.repository.state.git.commit(made.sha)
    assert made.verified
    assert (commit.parents, commit.message) == ((world.head,), "Fix it\n\nFixes #1")
    assert commit.author.name == "solvebot[bot]"
    modes = world.repository.modes(made.sha)
    assert (modes["src/new.py"], modes["run.sh"]) == ("100644", "100755")
    assert world.repository.file(made.sha, "logo.png") == binary
    assert world.repository.file(made.sha, "наука/neu.txt") == "ü".encode()
    assert world.repository.file(made.sha, "many/19") == b"19"
    assert "a b/100% #1?.txt" not in modes
    assert "README.md" in modes  # what the commit does not name stays


async def test_what_github_says_of_the_signature_is_reported(world: World) -> None:
    world.github.stage.verify_commits = False
    entries = [TreeEntry("a", "100644", b"a")]
    assert not (await world.hub.commit(world.repo, parent=world.head, entries=entries, message="m")).verified


async def test_a_commit_survives_failures_on_the_way(world: World) -> None:
    for kind in ("blobs", "trees", "commits"):
        world.github.faults.add("POST", f"*/git/{kind}", status=502, drop_answer=True)
    entries = [TreeEntry("a", "100644", b"a"), TreeEntry("b", "100644", b"b")]
    made = await world.hub.commit(world.repo, parent=world.head, entries=entries, message="m")
    assert world.repository.file(made.sha, "b") == b"b"


async def test_a_commit_that_cannot_be_made(world: World) -> None:
    with pytest.raises(Gone):
        await world.hub.commit(world.repo, parent=Sha("0" * 40), entries=[], message="m")
    world.github.faults.add("POST", "*/git/blobs", status=422, body={"message": "content is too large"})
    entries = [TreeEntry(str(n), "100644", b"x") for n in range(6)]
    with pytest.raises(Rejected, match="content is too large"):
        await world.hub.commit(world.repo, parent=world.head, entries=entries, message="m")


async def test_a_branch_is_made_once_and_never_moved(world: World) -> None:
    one, two = await world.commit("one"), await world.commit("two")
    assert await world.hub.point_branch(world.repo, "solvebot/1-x", one) == one
    assert await world.hub.point_branch(world.repo, "solvebot/1-x", one) == one
    assert await world.hub.point_branch(world.repo, "solvebot/1-x", two) == one
    assert world.repository.branch_sha("solvebot/1-x") == one


async def test_a_branch_whose_answer_was_lost(world: World) -> None:
    one = await world.commit("one")
    world.github.faults.add("POST", "*/git/refs", drop_answer=True)
    assert await world.hub.point_branch(world.repo, "solvebot/1-x", one) == one


async def test_a_branch_that_may_not_be_made(world: World) -> None:
    one = await world.commit("one")
    world.repository.rule("creation", "solvebot/*")
    with pytest.raises(Rejected) as refused:
        await world.hub.point_branch(world.repo, "solvebot/1-x", one)
    assert "rule violations" in refused.value.remedy


async def test_a_pull_request_is_opened_once_and_brought_up_to_date(world: World) -> None:
    issue, _ = await world.open_issue()
    sha = await world.push("solvebot/1-x")
    first = await world.pull("solvebot/1-x", title="Fix", body="Fixes #1", draft=True)
    again = await world.pull("solvebot/1-x", title="Fix it", body="Fixes #1.", draft=True)

    assert first == again
    assert (first.branch, first.head_sha, first.draft) == ("solvebot/1-x", sha, True)
    assert first.url == f"{world.github.url}/acme/widget/pull/{first.number}"
    [pull] = world.repository.pulls
    assert (pull.title, pull.body) == ("Fix it", "Fixes #1.")
    assert await world.hub.open_pull_request(issue, branches=re.compile("solvebot/1-.*")) == again


async def test_the_text_of_a_pull_request_that_a_person_opened_stays(world: World) -> None:
    await world.push("solvebot/1-x")
    theirs = await world.repository.open_pull("Mine", head="solvebot/1-x", by="ada")
    assert (await world.pull("solvebot/1-x", title="Ours")).number == theirs.number
    assert theirs.title == "Mine"


async def test_drafts_are_not_available_everywhere(world: World) -> None:
    world.repository.state.drafts_available = False
    await world.push("solvebot/1-x")
    assert not (await world.pull("solvebot/1-x", draft=True)).draft


@pytest.mark.parametrize("status", [502, None], ids=["bad gateway", "connection dropped"])
async def test_an_answer_that_was_lost_after_the_pull_request_was_opened(world: World, status: int | None) -> None:
    await world.push("solvebot/1-x")
    world.github.faults.add("POST", "*/pulls", status=status, drop_answer=True)
    opened = await world.pull("solvebot/1-x")
    assert [pull.number for pull in world.repository.pulls] == [opened.number]


async def test_a_pull_request_that_the_list_does_not_show_yet(world: World) -> None:
    await world.push("solvebot/1-x")
    first = await world.pull("solvebot/1-x")
    world.github.faults.add("GET", "*/pulls", status=200, body="[]")
    assert await world.pull("solvebot/1-x") == first


async def test_github_says_why_there_can_be_no_pull_request(world: World) -> None:
    await world.repository.create_branch("solvebot/1-same", world.head)
    with pytest.raises(Rejected) as refused:
        await world.pull("solvebot/1-same", draft=True)
    assert "No commits between main and solvebot/1-same" in refused.value.remedy


async def test_only_our_own_open_pull_request_of_the_issue_counts(world: World) -> None:
    issue, _ = await world.open_issue()
    for branch in ("solvebot/1-theirs", "solvebot/12-other", "solvebot/1-closed"):
        await world.push(branch)
    await world.repository.open_pull("A person's", head="solvebot/1-theirs", by="ada")
    await world.pull("solvebot/12-other")
    closed = await world.pull("solvebot/1-closed")
    await world.repository.issue(closed.number).close(by="octocat")
    assert await world.hub.open_pull_request(issue, branches=re.compile("solvebot/1-.*")) is None


async def test_a_pull_request_is_dressed_as_far_as_possible(world: World) -> None:
    world.repository.grant("grace", "write")
    await world.push("solvebot/1-x")
    number = (await world.pull("solvebot/1-x")).number

    undone = await world.hub.dress_pull(
        world.repo, number, labels=["solver", "new one"], reviewers=["stranger", "grace"]
    )

    assert len(undone) == 1
    assert undone[0].startswith("A review by `stranger` was not to be had. GitHub says: ")
    pull = world.repository.issue(number)
    assert pull.labels == ["solver", "new one"]
    assert [account.login for account in pull.pull.requested_reviewers] == ["grace"]
