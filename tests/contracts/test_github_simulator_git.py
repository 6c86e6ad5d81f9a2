"""The GitHub simulator's repositories are real: contents, git data, pull requests, checks, fetching."""

from __future__ import annotations

import asyncio
import base64
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.simulators.github import Refusal
from tests.contracts.github_visitor import Visitor, visiting

ABSENT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    async with visiting(tmp_path) as visitor:
        yield visitor
    assert visitor.github.errors == []


async def git(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        "git", *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"GIT_TERMINAL_PROMPT": "0"}
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def head(visitor: Visitor) -> str:
    sha = visitor.repo.branch_sha("main")
    assert sha is not None
    return sha


# --------------------------------------------------------------------------------------------------------- contents


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("contents/README.md", 200),
        ("contents/README.md?ref=main", 200),
        ("contents/README.md?ref={head}", 200),
        ("contents/README.md?ref=nowhere", 404),
        ("contents/nothing", 404),
        ("contents/README.md/below", 404),
        ("contents/src%2Fwidget.py", 200),
        ("branches/main", 200),
        ("branches/nowhere", 404),
        ("branches/a..b", 404),
        ("commits/main", 200),
        ("commits/{short}", 200),
        ("commits/nowhere", 422),
        ("git/ref/heads/main", 200),
        ("git/ref/heads/mai", 404),
        ("git/ref/heads/a..b", 404),
        ("git/commits/{head}", 200),
        ("git/commits/{short}", 404),
        ("git/blobs/{head}", 404),
        ("git/trees/main", 200),
        ("git/trees/nowhere", 404),
        ("compare/main...nowhere", 404),
    ],
)
async def test_what_can_be_read(visitor: Visitor, path: str, status: int) -> None:
    sha = head(visitor)
    assert (await visitor.call("GET", path.format(head=sha, short=sha[:10]))).status == status


async def test_a_file_a_raw_file_and_a_directory(visitor: Visitor) -> None:
    told = (await visitor.call("GET", "contents/src/widget.py")).body
    assert base64.b64decode(told["content"]) == visitor.repo.file("main", "src/widget.py")
    assert (told["type"], told["encoding"], told["path"]) == ("file", "base64", "src/widget.py")
    raw = await visitor.call("GET", "contents/src/widget.py", Accept="application/vnd.github.raw+json")
    assert raw.raw == visitor.repo.file("main", "src/widget.py")
    listed = (await visitor.call("GET", "contents/src")).body
    assert [(item["name"], item["type"]) for item in listed] == [("deep", "dir"), ("widget.py", "file")]
    assert {item["name"] for item in (await visitor.call("GET", "contents")).body} == {"README.md", "src", ".github"}


async def test_above_a_megabyte_a_file_comes_raw_only(visitor: Visitor) -> None:
    content = b"\0" * (1024 * 1024 + 1)
    await visitor.repo.commit("main", {"big.bin": content}, "Big")
    told = (await visitor.call("GET", "contents/big.bin")).body
    assert (told["content"], told["encoding"], told["size"]) == ("", "none", len(content))
    raw = await visitor.call("GET", "contents/big.bin", Accept="application/vnd.github.raw+json")
    assert raw.raw == content


async def test_symbolic_links_are_followed_to_files_only(visitor: Visitor) -> None:
    links = {"link": (b"src/widget.py", "120000"), "out": (b"../../etc/passwd", "120000")}
    await visitor.repo.commit("main", links, "Links")
    assert base64.b64decode((await visitor.call("GET", "contents/link")).body["content"]).startswith(b"def widget")
    out = (await visitor.call("GET", "contents/out")).body
    assert (out["type"], out["target"]) == ("symlink", "../../etc/passwd")


async def test_an_empty_repository_has_no_git_data(visitor: Visitor) -> None:
    empty = visitor.github.repository("octo/empty")
    visitor.token = await visitor.token_for(empty)
    base = "/repos/octo/empty"
    assert (await visitor.call("GET", base)).body["size"] == 0
    assert (await visitor.call("GET", f"{base}/contents/x")).body["message"] == "This repository is empty."
    for path, body in (("refs", {"ref": "refs/heads/x", "sha": ABSENT}), ("blobs", {"content": "x"})):
        got = await visitor.call("POST", f"{base}/git/{path}", body)
        assert (got.status, got.body["message"]) == (409, "Git Repository is empty.")
    assert (await visitor.call("GET", f"{base}/git/ref/heads/main")).status == 409
    assert (await visitor.call("GET", f"{base}/branches/main")).status == 404


# --------------------------------------------------------------------------------------------------------- git data

_FILE = {"path": "a", "mode": "100644", "content": "a"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("blobs", {"content": "text"}, 201),
        ("blobs", {"content": "AAEC", "encoding": "base64"}, 201),
        ("blobs", {"content": "***", "encoding": "base64"}, 422),
        ("blobs", {"content": "x", "encoding": "latin-1"}, 422),
        ("blobs", {}, 422),
        ("trees", {"tree": [_FILE]}, 201),
        ("trees", {"tree": []}, 422),
        ("trees", {"tree": _FILE}, 422),
        ("trees", {"base_tree": "{head}", "tree": [_FILE]}, 201),
        ("trees", {"base_tree": ABSENT, "tree": [_FILE]}, 422),
        ("trees", {"base_tree": "{head}", "tree": [{"path": "README.md", "mode": "100644", "sha": None}]}, 201),
        ("trees", {"base_tree": "{head}", "tree": [{"path": "nothing", "mode": "100644", "sha": None}]}, 422),
        ("trees", {"tree": [{"path": "a", "mode": "100644"}]}, 422),
        ("trees", {"tree": [_FILE | {"sha": ABSENT}]}, 422),
        ("trees", {"tree": [{"path": "a", "mode": "100644", "sha": ABSENT}]}, 422),
        ("trees", {"tree": [{"path": "a", "mode": "160000", "sha": ABSENT}]}, 201),
        ("trees", {"tree": [_FILE | {"mode": "100600"}]}, 422),
        ("trees", {"tree": [_FILE | {"type": "tree"}]}, 422),
        ("trees", {"tree": [_FILE | {"path": "/a"}]}, 422),
        ("trees", {"tree": [_FILE | {"path": "a/../b"}]}, 422),
        ("trees", {"tree": [_FILE | {"path": "a/.GIT/config"}]}, 422),
        ("trees", {"tree": [_FILE | {"path": ""}]}, 422),
        ("commits", {"message": "m", "tree": "{tree}", "parents": ["{head}"]}, 201),
        ("commits", {"message": "m", "tree": ABSENT, "parents": ["{head}"]}, 422),
        ("commits", {"message": "m", "tree": "{tree}", "parents": [ABSENT]}, 422),
        ("commits", {"message": "m", "tree": "{tree}", "parents": ["{tree}"]}, 422),
        ("commits", {"tree": "{tree}"}, 422),
        ("commits", {"message": "m", "tree": "{tree}", "author": {"name": "ann"}}, 422),
        ("refs", {"ref": "refs/heads/new", "sha": "{head}"}, 201),
        ("refs", {"ref": "refs/heads/deep/er", "sha": "{head}"}, 201),
        ("refs", {"ref": "refs/heads/main", "sha": "{head}"}, 422),
        ("refs", {"ref": "refs/heads/main/below", "sha": "{head}"}, 422),
        ("refs", {"ref": "refs/heads/new", "sha": ABSENT}, 422),
        ("refs", {"ref": "refs/heads/new", "sha": "{tree}"}, 422),
        ("refs", {"ref": "new", "sha": "{head}"}, 422),
        ("refs", {"ref": "refs/heads/../../../escape", "sha": "{head}"}, 422),
        ("refs", {"ref": "refs/heads/sp ace", "sha": "{head}"}, 422),
        ("refs", {"ref": "refs/heads/x.lock", "sha": "{head}"}, 422),
    ],
)
async def test_what_git_data_can_be_written(visitor: Visitor, path: str, body: dict[str, Any], status: int) -> None:
    sha = head(visitor)
    names = {"{head}": sha, "{tree}": visitor.repo.state.git.commit(sha).tree}

    def filled(value: Any) -> Any:
        return [filled(item) for item in value] if isinstance(value, list) else names.get(str(value), value)

    got = await visitor.call("POST", f"git/{path}", {key: filled(value) for key, value in body.items()})
    assert got.status == status, got.raw


async def make_commit(visitor: Visitor, *entries: dict[str, object], **more: object) -> dict[str, Any]:
    """On top of main, through the API."""
    sha = head(visitor)
    tree = await visitor.call("POST", "git/trees", {"base_tree": sha, "tree": list(entries)})
    assert tree.status == 201, tree.raw
    body = {"message": "Fix", "tree": tree.body["sha"], "parents": [sha], **more}
    commit: dict[str, Any] = (await visitor.call("POST", "git/commits", body)).body
    return commit


async def test_modes_deletions_and_bytes_survive(visitor: Visitor) -> None:
    binary = bytes(range(256))
    blob = await visitor.call("POST", "git/blobs", {"content": base64.b64encode(binary).decode(), "encoding": "base64"})
    commit = await make_commit(
        visitor,
        {"path": "наука/run.sh", "mode": "100755", "content": "#!/bin/sh\n"},
        {"path": "a b/data.bin", "mode": "100644", "sha": blob.body["sha"]},
        {"path": "link", "mode": "120000", "content": "README.md"},
        {"path": "src/deep/down/leaf.py", "mode": "100644", "sha": None},
    )
    await visitor.call("POST", "git/refs", {"ref": "refs/heads/fix", "sha": commit["sha"]})
    modes = visitor.repo.modes("fix")
    assert modes["наука/run.sh"] == "100755"
    assert modes["link"] == "120000"
    assert visitor.repo.file("fix", "a b/data.bin") == binary
    assert not any(path.startswith("src/deep") for path in modes)
    code, output = await git("--git-dir", str(visitor.repo.state.git.path), "fsck", "--strict", "--no-dangling")
    assert (code, output) == (0, "")


@pytest.mark.parametrize(
    ("named", "knob", "verified"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"author": {"name": "Ann", "email": "ann@example.org"}}, True, False),
        ({"committer": {"name": "Ann", "email": "ann@example.org"}}, True, False),
        ({"signature": "-----BEGIN PGP SIGNATURE-----"}, True, False),
    ],
)
async def test_a_commit_is_verified_when_nobody_is_named(
    visitor: Visitor, named: dict[str, object], knob: bool, verified: bool
) -> None:
    visitor.github.stage.verify_commits = knob
    commit = await make_commit(visitor, {"path": "a", "mode": "100644", "content": "a"}, **named)
    assert commit["verification"]["verified"] is verified
    read = (await visitor.call("GET", f"git/commits/{commit['sha']}")).body
    assert read["verification"]["verified"] is verified


async def test_a_branch_moves_forward_only(visitor: Visitor) -> None:
    old = head(visitor)
    commit = await make_commit(visitor, {"path": "a", "mode": "100644", "content": "a"})
    await visitor.call("POST", "git/refs", {"ref": "refs/heads/fix", "sha": old})

    async def move(sha: str, branch: str = "fix", **more: object) -> int:
        return (await visitor.call("PATCH", f"git/refs/heads/{branch}", {"sha": sha, **more})).status

    assert await move(commit["sha"]) == 200
    assert await move(old) == 422
    assert await move(old, force=False) == 422
    assert await move(old, force=True) == 200
    assert await move(ABSENT) == 422
    assert await move(old, branch="nowhere") == 422
    assert await move(old, force="yes") == 422
    assert (await visitor.call("DELETE", "git/refs/heads/fix")).status == 204
    assert (await visitor.call("DELETE", "git/refs/heads/fix")).status == 422


async def test_workflow_files_need_their_own_permission(visitor: Visitor) -> None:
    workflow: dict[str, object] = {
        "path": ".github/workflows/ci.yml",
        "mode": "100644",
        "content": "on: pull_request\n",
    }
    commit = await make_commit(visitor, workflow)
    ref = {"ref": "refs/heads/fix", "sha": commit["sha"]}
    got = await visitor.call("POST", "git/refs", ref)
    assert got.status == 422
    assert got.body["message"] == (
        "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` "
        "without `workflows` permission"
    )
    harmless = await make_commit(visitor, {"path": "a", "mode": "100644", "content": "a"})
    other = {"ref": "refs/heads/other", "sha": harmless["sha"]}
    assert (await visitor.call("POST", "git/refs", other)).status == 201
    installation = visitor.repo.installation
    await installation.accept_permissions({**installation.state.permissions, "workflows": "write"})
    token = await visitor.token_for(contents="write", workflows="write")
    assert (await visitor.call("POST", "git/refs", ref, token=token)).status == 201


async def test_rules_are_told_and_enforced(visitor: Visitor) -> None:
    visitor.repo.rule("creation", "solvebot/*")
    visitor.repo.rule("required_signatures")
    told = (await visitor.call("GET", "rules/branches/solvebot/1-x")).body
    assert [rule["type"] for rule in told] == ["creation", "required_signatures"]
    assert [rule["type"] for rule in (await visitor.call("GET", "rules/branches/other")).body] == [
        "required_signatures"
    ]
    sha = head(visitor)
    refused = await visitor.call("POST", "git/refs", {"ref": "refs/heads/solvebot/1-x", "sha": sha})
    assert (refused.status, "rule violations" in refused.body["message"]) == (422, True)
    assert (await visitor.call("POST", "git/refs", {"ref": "refs/heads/other", "sha": sha})).status == 201


async def test_a_ruleset_says_what_the_app_may_do_about_it(visitor: Visitor) -> None:
    visitor.repo.rule("creation", "a/*", bypass="always")
    visitor.repo.rule("creation", "b/*")
    [told] = (await visitor.call("GET", "rules/branches/a/1")).body
    ruleset = (await visitor.call("GET", f"rulesets/{told['ruleset_id']}")).body
    assert (ruleset["current_user_can_bypass"], ruleset["enforcement"]) == ("always", "active")
    assert (await visitor.call("GET", "rulesets/99")).status == 404
    sha = head(visitor)
    assert (await visitor.call("POST", "git/refs", {"ref": "refs/heads/a/1", "sha": sha})).status == 201
    refused = await visitor.call("POST", "git/refs", {"ref": "refs/heads/b/1", "sha": sha})
    assert (refused.status, refused.body["message"]) == (
        422,
        "Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n",
    )


@pytest.mark.parametrize(
    ("rule", "parameters", "says"),
    [
        ("branch_name_pattern", {"operator": "starts_with", "pattern": "feat/"}, "must start with a matching pattern"),
        ("branch_name_pattern", {"operator": "regex", "pattern": "^bot"}, "match a given regex pattern: ^bot"),
        ("branch_name_pattern", {"operator": "contains", "pattern": "new", "negate": True}, "must not contain"),
        ("commit_message_pattern", {"operator": "ends_with", "pattern": "JIRA"}, "Commit message must end with"),
        ("required_status_checks", {"required_status_checks": [{"context": "ci"}]}, '"ci" is expected'),
    ],
)
async def test_rules_about_names_messages_and_checks(
    visitor: Visitor, rule: str, parameters: dict[str, Any], says: str
) -> None:
    commit = await make_commit(visitor, {"path": "a", "mode": "100644", "content": "a"})
    visitor.repo.rule(rule, **parameters)
    refused = await visitor.call("POST", "git/refs", {"ref": "refs/heads/new", "sha": commit["sha"]})
    assert refused.status == 422
    assert says in refused.body["message"]


async def test_unsigned_commits_are_refused_where_signatures_are_required(visitor: Visitor) -> None:
    visitor.repo.rule("required_signatures")
    signed = await make_commit(visitor, {"path": "a", "mode": "100644", "content": "a"})
    assert (await visitor.call("POST", "git/refs", {"ref": "refs/heads/one", "sha": signed["sha"]})).status == 201
    visitor.github.stage.verify_commits = False
    other = await make_commit(visitor, {"path": "b", "mode": "100644", "content": "b"})
    refused = await visitor.call("POST", "git/refs", {"ref": "refs/heads/two", "sha": other["sha"]})
    assert "Commits must have verified signatures." in refused.body["message"]


async def test_a_branch_below_another_is_refused_in_githubs_few_words(visitor: Visitor) -> None:
    for name, status in (("solvebot", 201), ("solvebot/1", 422)):
        answer = await visitor.call("POST", "git/refs", {"ref": f"refs/heads/{name}", "sha": head(visitor)})
        assert answer.status == status
    assert answer.body["message"] == "Reference update failed"


async def test_two_branches_are_compared(visitor: Visitor) -> None:
    moved = {"src/gadget.py": visitor.repo.file("main", "src/widget.py"), "src/widget.py": None}
    await visitor.repo.commit("topic", {**moved, "README.md": "# Widgets!\n", "new.bin": b"\0\1"}, "Topic")
    await visitor.repo.commit("main", {"later": "x"}, "Later")
    told = (await visitor.call("GET", "compare/main...topic")).body
    assert (told["status"], told["ahead_by"], told["behind_by"]) == ("diverged", 1, 1)
    files = {file["filename"]: file for file in told["files"]}
    assert files["README.md"]["patch"] == "@@ -1 +1 @@\n-# Widgets\n+# Widgets!"
    assert (files["new.bin"]["status"], "patch" in files["new.bin"]) == ("added", False)
    assert files["src/gadget.py"]["previous_filename"] == "src/widget.py"
    assert (await visitor.call("GET", "compare/main...main")).body["status"] == "identical"


# ---------------------------------------------------------------------------------------------------- pull requests


@pytest.mark.parametrize(
    ("body", "status", "about"),
    [
        ({}, 201, ""),
        ({"head": "octo:topic"}, 201, ""),
        ({"draft": True}, 201, ""),
        ({"head": "nowhere"}, 422, "head"),
        ({"head": "stranger:topic"}, 422, "head"),
        ({"base": "nowhere"}, 422, "base"),
        ({"head": "same"}, 422, "No commits between main and same"),
        ({"head": "there"}, 422, "A pull request already exists for octo:there."),
        ({"body": "x" * 65_537}, 422, "body is too long"),
        ({"title": None}, 422, '"title"'),
    ],
)
async def test_what_can_become_a_pull_request(
    visitor: Visitor, body: dict[str, object], status: int, about: str
) -> None:
    await visitor.repo.commit("topic", {"a": "a"}, "Topic")
    await visitor.repo.commit("there", {"b": "b"}, "There")
    await visitor.repo.open_pull("Already there", head="there", by="ann")
    await visitor.repo.create_branch("same", head(visitor))
    got = await visitor.call("POST", "pulls", {"title": "Fix", "head": "topic", "base": "main", **body})
    assert got.status == status
    assert about in got.raw.decode().replace('\\"', '"')


async def test_drafts_are_not_available_everywhere(visitor: Visitor) -> None:
    visitor.repo.state.drafts_available = False
    await visitor.repo.commit("topic", {"a": "a"}, "Topic")
    pull = {"title": "Fix", "head": "topic", "base": "main"}
    got = await visitor.call("POST", "pulls", {**pull, "draft": True})
    assert (got.status, "Draft pull requests are not supported" in got.body["message"]) == (422, True)
    assert (await visitor.call("POST", "pulls", pull)).status == 201


async def test_pull_requests_are_found_by_head(visitor: Visitor) -> None:
    for branch in ("one", "two"):
        await visitor.repo.commit(branch, {branch: branch}, branch)
        await visitor.repo.open_pull(branch, head=branch, by="ann")

    async def titles(query: str) -> list[str]:
        return [pull["title"] for pull in (await visitor.call("GET", f"pulls?{query}")).body]

    assert await titles("") == ["two", "one"]
    assert await titles("head=octo:one") == ["one"]
    assert await titles("head=one") == ["two", "one"]  # without an owner GitHub ignores it
    await visitor.repo.pulls[0].close(by="ann")
    assert await titles("head=octo:one") == []
    assert await titles("head=octo:one&state=all") == ["one"]


async def test_a_pull_request_lives(visitor: Visitor) -> None:
    issue = await visitor.repo.open_issue("Bug", by="ann")
    await visitor.repo.commit("topic", {"README.md": "# Better\n"}, "Topic")
    body = {"title": "Fix", "head": "topic", "base": "main", "body": f"Fixes #{issue.number}"}
    made = (await visitor.call("POST", "pulls", body)).body
    counts = (made["additions"], made["deletions"], made["changed_files"])
    assert (made["user"]["login"], made["mergeable"], counts) == ("solvebot[bot]", None, (1, 1, 1))
    new = await visitor.repo.commit("topic", {"more": "x"}, "More")
    number = made["number"]
    assert (await visitor.call("GET", f"pulls/{number}")).body["head"]["sha"] == new
    assert len((await visitor.call("GET", f"pulls/{number}/files")).body) == 2
    edited = await visitor.call("PATCH", f"pulls/{number}", {"title": "Better", "body": f"Closes #{issue.number}"})
    assert edited.body["title"] == "Better"
    await visitor.repo.commit("main", {"elsewhere": "y"}, "Base moves")
    pull = visitor.repo.issue(number)
    merged = await pull.merge(by="ann")
    assert visitor.repo.branch_sha("main") == merged
    assert visitor.repo.file("main", "README.md") == b"# Better\n"
    assert visitor.repo.file("main", "elsewhere") == b"y"
    assert (issue.is_open, pull.is_open, pull.pull.merged_at is None) == (False, False, False)
    told = (await visitor.call("GET", f"pulls/{number}", X_GitHub_Api_Version="2026-03-10")).body
    assert (told["merged"], "merge_commit_sha" in told) == (True, False)
    assert (await visitor.call("PATCH", f"pulls/{number}", {"state": "open"})).status == 422


async def test_conflicts_do_not_merge_and_deleted_branches_close(visitor: Visitor) -> None:
    await visitor.repo.commit("topic", {"README.md": "# Mine\n"}, "Mine")
    pull = await visitor.repo.open_pull("Mine", head="topic", by="ann")
    await visitor.repo.commit("main", {"README.md": "# Theirs\n"}, "Theirs")
    with pytest.raises(Refusal, match="405"):
        await pull.merge(by="ann")
    await visitor.repo.delete_branch("topic", by="ann")
    assert not pull.is_open


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"reviewers": ["ann"]}, 201),
        ({"reviewers": ["solvebot[bot]"]}, 422),
        ({"reviewers": ["stranger"]}, 422),
        ({"reviewers": ["nobody"]}, 422),
        ({"team_reviewers": ["core"]}, 422),
    ],
)
async def test_who_can_be_asked_to_review(visitor: Visitor, body: dict[str, object], status: int) -> None:
    visitor.github.user("stranger")
    await visitor.repo.commit("topic", {"a": "a"}, "Topic")
    await visitor.call("POST", "pulls", {"title": "Fix", "head": "topic", "base": "main"})
    assert (await visitor.call("POST", "pulls/1/requested_reviewers", body)).status == status
    users = (await visitor.call("GET", "pulls/1/requested_reviewers")).body["users"]
    assert [user["login"] for user in users] == (["ann"] if status == 201 else [])


async def test_reviews_are_listed(visitor: Visitor) -> None:
    await visitor.repo.commit("topic", {"a": "a"}, "Topic")
    await visitor.call("POST", "pulls", {"title": "Fix", "head": "topic", "base": "main"})
    await visitor.repo.issue(1).review("REQUEST_CHANGES", "please explain", by="ann")
    own = {"event": "REQUEST_CHANGES", "body": "no"}
    assert (await visitor.call("POST", "pulls/1/reviews", own)).status == 422
    assert (await visitor.call("POST", "pulls/1/reviews", {"event": "COMMENT", "body": "hm"})).status == 200
    told = (await visitor.call("GET", "pulls/1/reviews")).body
    assert [(r["user"]["login"], r["state"]) for r in told] == [
        ("ann", "CHANGES_REQUESTED"),
        ("solvebot[bot]", "COMMENTED"),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 201),
        ({"status": "completed"}, 422),
        ({"status": "completed", "conclusion": "neutral"}, 201),
        ({"conclusion": "fine"}, 422),
        ({"status": "soon"}, 422),
        ({"head_sha": ABSENT}, 422),
        ({"output": {"title": "t", "summary": "s" * 65_535}}, 201),
        ({"output": {"title": "t", "summary": "s" * 65_536}}, 422),
        ({"output": {"summary": "s"}}, 422),
        ({"output": {"title": "t", "summary": "s", "annotations": [{}] * 51}}, 422),
        ({"actions": [{"label": "Retry"}] * 4}, 422),
    ],
)
async def test_check_runs(visitor: Visitor, body: dict[str, object], status: int) -> None:
    sha = head(visitor)
    got = await visitor.call("POST", "check-runs", {"name": "Solver", "head_sha": sha, **body})
    assert got.status == status
    if status == 201:
        done = await visitor.call("PATCH", f"check-runs/{got.body['id']}", {"conclusion": "success"})
        assert (done.body["status"], done.body["conclusion"]) == ("completed", "success")
        listed = (await visitor.call("GET", f"commits/{sha}/check-runs")).body
        assert (listed["total_count"], listed["check_runs"][0]["name"]) == (1, "Solver")


# --------------------------------------------------------------------------------------------------------- fetching


def basic(token: str) -> list[str]:
    value = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return ["-c", f"http.extraHeader=Authorization: Basic {value}"]


async def test_a_private_repository_is_fetched_with_a_token(visitor: Visitor, tmp_path: Path) -> None:
    private = visitor.github.repository("octo/secret", files={"a": "a", "run": (b"x", "100755")}, private=True)
    private.state.git.blob(b"unreachable")
    url = f"{visitor.github.url}/octo/secret.git"
    read, none = await visitor.token_for(private, contents="read"), await visitor.token_for(private, issues="read")
    elsewhere = await visitor.token_for(visitor.repo, contents="read")
    code, output = await git(*basic(read), "clone", "-q", "--mirror", url, str(tmp_path / "good"))
    assert (code, output) == (0, "")
    code, output = await git("--git-dir", str(tmp_path / "good"), "rev-parse", "main")
    assert output.strip() == private.branch_sha("main")
    for options in ([], basic("ghs_nonsense"), basic(none), basic(elsewhere)):
        code, output = await git(*options, "clone", "-q", url, str(tmp_path / "bad"))
        assert code != 0, output
    visitor.clock.goes_on(hours=1)
    assert (await git(*basic(read), "ls-remote", url))[0] != 0


async def test_a_public_repository_is_fetched_by_anybody_and_under_its_old_name(
    visitor: Visitor, tmp_path: Path
) -> None:
    url = f"{visitor.github.url}/octo/widgets.git"
    code, _ = await git("clone", "-q", "--filter=blob:none", "--bare", url, str(tmp_path / "clone"))
    assert code == 0
    await visitor.repo.rename("gizmos", by="ann")
    new = await visitor.repo.commit("main", {"b": "b"}, "More")
    code, output = await git("ls-remote", url, "refs/heads/main")
    assert (code, new in output.split()) == (0, True)  # beside git's remark on the redirection
    assert (await git(*basic("ghs_nonsense"), "ls-remote", url))[0] != 0


async def test_nothing_is_pushed_over_http(tmp_path: Path) -> None:
    async with visiting(tmp_path / "served") as visitor:
        url = f"{visitor.github.url}/octo/widgets.git"
        await git("clone", "-q", url, str(tmp_path / "clone"))
        code, _ = await git(*basic(visitor.token), "-C", str(tmp_path / "clone"), "push", "-q", url, "main:other")
        assert code != 0
        assert visitor.repo.branch_sha("other") is None
        assert len(visitor.github.errors) == 1


async def test_thirty_writers_at_once_do_not_disturb_each_other(visitor: Visitor) -> None:
    async def write(number: int) -> None:
        commit = await make_commit(visitor, {"path": f"n/{number}", "mode": "100644", "content": str(number)})
        await visitor.call("POST", "git/refs", {"ref": f"refs/heads/solve/{number}", "sha": commit["sha"]})

    await asyncio.gather(*(write(number) for number in range(30)))
    for number in range(30):
        assert visitor.repo.file(f"solve/{number}", f"n/{number}") == str(number).encode()
        assert len(visitor.repo.modes(f"solve/{number}")) == 5
