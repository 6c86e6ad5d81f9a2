"""The `GitHub` port over a clone on this disk: what it answers, and that it touches nothing of the user's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.model import IssueRef, Permission, Repo, Sha
from bot.github.local import LocalGitHub
from bot.github.mirror import GitMirrors
from bot.ports import GitHub, Rejected, TreeEntry
from tests.contracts.mirror_world import REPO, git

ISSUE = IssueRef(REPO, 7)


@dataclass
class Clone:
    directory: Path
    home: Path
    issue: Path
    said: list[str] = field(default_factory=list)

    async def github(self, path: str = "") -> LocalGitHub:
        return await LocalGitHub.at(self.directory / path, self.issue, say=self.said.append, home=self.home)

    @property
    def head(self) -> Sha:
        return Sha(git(self.directory, "rev-parse", "HEAD"))

    def state(self) -> Mapping[str, bytes]:
        """Every file that is not an object or a ref of ours, with its content."""
        files = [file for file in self.directory.rglob("*") if file.is_file()]
        names = {str(file.relative_to(self.directory)): file for file in files}
        return {
            name: file.read_bytes()
            for name, file in names.items()
            if not name.startswith((".git/objects/", ".git/refs/heads/solvebot/", ".git/logs/refs/heads/solvebot/"))
        }


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    for name in ("clone/sub", "home"):
        (tmp_path / name).mkdir(parents=True)
    clone = Clone(tmp_path / "clone", tmp_path / "home", tmp_path / "issue.md")
    clone.issue.write_text("# It crashes\n\nWhen I press the button.\n")
    git(clone.directory, "init", "-q", "-b", "trunk")
    git(clone.directory, "config", "user.name", "Ada")
    git(clone.directory, "config", "user.email", "ada@example.org")
    (clone.directory / "app.py").write_text("print(1)\n")
    (clone.directory / "sub/run.sh").write_text("#!/bin/sh\n")
    git(clone.directory, "add", "-A")
    git(clone.directory, "commit", "-q", "-m", "first")
    return clone


async def test_it_is_the_port(clone: Clone) -> None:
    github: GitHub = await clone.github()
    state = await github.repository(REPO)
    assert (state.repo, state.default_branch, state.empty, state.archived) == (REPO, "trunk", False, False)
    assert await github.permission(REPO, "anybody") is Permission.ADMIN
    assert await github.remarks(ISSUE, before=datetime.now(UTC)) == []
    assert await github.branch_head(REPO, "trunk") == clone.head
    assert await github.branch_head(REPO, "none") is None
    assert await github.dress_pull(REPO, 0, labels=["x"], reviewers=["y"]) == []
    await github.react(ISSUE, None, "eyes")


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("# It crashes\n\nWhen I press.\n", "It crashes", "When I press."),
        ("\ufeff# Closed heading ##\nx", "Closed heading", "x"),
        ("### Deep\n\na\n\n# Later\n", "Deep", "a\n\n# Later"),
        ("Before.\n\n# Title\n\nAfter.\n", "Title", "Before.\n\nAfter."),
        ("Only a line\n", "Only a line", ""),
        ("First line\nsecond\n", "First line", "second"),
        ("#no-heading\ntext", "#no-heading", "text"),
        ("# Ends\r\n\r\nwith returns\r\n", "Ends", "with returns"),
    ],
)
async def test_the_issue_is_a_markdown_file(clone: Clone, text: str, title: str, body: str) -> None:
    clone.issue.write_bytes(text.encode())
    github = await clone.github()
    state = await github.issue(ISSUE)
    assert (state.title, state.body, state.open, state.author) == (title, body, True, "Ada")
    assert (github.title, github.body, github.user) == (title, body, "Ada")


@pytest.mark.parametrize("content", [b"", b" \n\n", b"caf\xe9"])
async def test_an_issue_that_says_nothing_is_rejected(clone: Clone, content: bytes) -> None:
    clone.issue.write_bytes(content)
    with pytest.raises(Rejected) as caught:
        await clone.github()
    assert caught.value.remedy


async def test_what_cannot_work_is_said_at_once_with_a_remedy(clone: Clone) -> None:
    git(clone.directory, "config", "--unset", "user.email")
    with pytest.raises(Rejected) as nobody:
        await clone.github()
    assert "git config" in nobody.value.remedy
    with pytest.raises(Rejected) as nowhere:
        await LocalGitHub.at(clone.home, clone.issue, say=clone.said.append, home=clone.home)
    assert "clone" in nowhere.value.remedy
    clone.issue.unlink()
    with pytest.raises(Rejected):
        await clone.github()


async def test_the_identity_may_come_from_the_users_own_configuration(clone: Clone) -> None:
    git(clone.directory, "config", "--unset", "user.name")
    (clone.home / ".gitconfig").write_text("[user]\n\tname = Grace\n")
    assert (await clone.github()).user == "Grace"


async def test_any_directory_of_a_clone_will_do(clone: Clone) -> None:
    assert (await clone.github("sub")).root == clone.directory
    git(clone.directory, "worktree", "add", "-q", "-b", "side", str(clone.directory.parent / "side"))
    side = await LocalGitHub.at(clone.directory.parent / "side", clone.issue, say=clone.said.append, home=clone.home)
    assert (await side.repository(REPO)).default_branch == "side"
    mirrors = GitMirrors(clone.home / "mirrors")
    for github in (await clone.github(), side):
        assert await mirrors.fetch(REPO, await github.remote(REPO), want="side") == clone.head


async def test_an_empty_clone_and_a_detached_head(clone: Clone) -> None:
    git(clone.directory, "checkout", "-q", "--detach")
    with pytest.raises(Rejected, match="detached"):
        await (await clone.github()).repository(REPO)
    git(clone.directory, "checkout", "-q", "--orphan", "fresh")
    assert (await (await clone.github()).repository(REPO)).empty


async def test_files_are_read_from_a_branch_or_a_commit(clone: Clone) -> None:
    before = clone.head
    (clone.directory / "app.py").write_text("print(2)\n")
    (clone.directory / "latin.txt").write_bytes(b"caf\xe9")
    (clone.directory / "large.txt").write_bytes(b"x" * 262_145)
    git(clone.directory, "add", "-A")
    git(clone.directory, "commit", "-q", "-m", "second")
    (clone.directory / "app.py").write_text("not committed\n")
    github = await clone.github()
    assert await github.file(REPO, "app.py", "trunk") == "print(2)\n"
    assert await github.file(REPO, "app.py", before) == "print(1)\n"
    assert await github.file(REPO, "none.py", "trunk") is None
    assert await github.file(REPO, "sub", "trunk") is None
    assert await github.file(REPO, "app.py", "none") is None
    for name in ("latin.txt", "large.txt"):
        with pytest.raises(Rejected):
            await github.file(REPO, name, "trunk")


async def test_comments_are_said_and_found_by_their_marker(clone: Clone) -> None:
    github = await clone.github()
    first = await github.say(ISSUE, "one <!-- a -->", marker="<!-- a -->")
    second = await github.say(ISSUE, "two <!-- b -->", marker="<!-- b -->")
    assert (await github.say(ISSUE, "three <!-- a -->", marker="<!-- a -->")).id == first.id != second.id
    await github.edit(ISSUE, second.id, "four")
    assert clone.said == ["one <!-- a -->", "two <!-- b -->", "three <!-- a -->", "four"]


ENTRIES = [
    TreeEntry("app.py", "100644", b"print(2)\r\n"),
    TreeEntry("new.txt", "100644", b""),
    TreeEntry("tool", "100755", b"#!/bin/sh\n"),
    TreeEntry("sub/run.sh", "100644", None),
    TreeEntry("sub", "100644", b"a file now\n"),
    TreeEntry("caf\udce9\n.bin", "100644", b"\0\xff"),
    TreeEntry("-rf", "100644", b"x"),
]


async def test_a_commit_is_made_without_touching_anything(clone: Clone) -> None:
    """With an index, a working tree and a configuration full of traps."""
    marker = clone.home / "marker"
    (clone.directory / "app.py").write_text("being edited\n")
    (clone.directory / "staged.txt").write_text("staged\n")
    git(clone.directory, "add", "staged.txt")
    (clone.directory / ".git/info/attributes").write_text("* filter=evil text eol=lf\n")
    for hook in ("pre-commit", "commit-msg", "post-commit", "post-index-change", "reference-transaction"):
        script = clone.directory / ".git/hooks" / hook
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\ntouch {marker}\n")
        script.chmod(0o755)
    traps = {
        "filter.evil.clean": f"touch {marker}",
        "core.fsmonitor": f"touch {marker}",
        "core.splitIndex": "true",
        "core.autocrlf": "input",
        "commit.gpgSign": "true",
        "gpg.program": "/nonexistent",
    }
    for key, value in traps.items():
        git(clone.directory, "config", key, value)
    before, head = clone.state(), clone.head

    github = await clone.github()
    assert await github.author(REPO) == "Ada <ada@example.org>"
    commit = await github.commit(REPO, parent=head, entries=ENTRIES, message="Fix it\n\nCo-authored-by: X <x@y>\n")
    assert await github.point_branch(REPO, "solvebot/7-fix", commit.sha) == commit.sha

    assert commit.verified is False
    assert clone.state() == before
    assert not marker.exists()
    assert git(clone.directory, "log", "-1", "--format=%an <%ae>|%cn|%P|%s|%(trailers)", commit.sha) == (
        f"Ada <ada@example.org>|Ada|{head}|Fix it|Co-authored-by: X <x@y>"
    )
    mirrors = GitMirrors(clone.home / "mirrors")
    fetched = await mirrors.fetch(REPO, await github.remote(REPO), want="solvebot/7-fix")
    kept = [entry for entry in ENTRIES if entry.content is not None]
    listing = {file.path: file.mode for file in await mirrors.files(REPO, fetched)}
    assert listing == {entry.path: entry.mode for entry in kept if "\udce9" not in entry.path} | {
        '"caf\\351\\012.bin"': "100644"
    }
    for entry in kept:
        assert await mirrors.read(REPO, fetched, entry.path) == entry.content


@pytest.mark.parametrize(
    "entry",
    [TreeEntry("../x", "100644", b""), TreeEntry(".git/hooks/x", "100755", b""), TreeEntry("/x", "100644", b"")],
)
async def test_a_path_that_git_refuses_is_rejected(clone: Clone, entry: TreeEntry) -> None:
    github = await clone.github()
    with pytest.raises(Rejected):
        await github.commit(REPO, parent=clone.head, entries=[entry], message="x")


async def test_a_branch_is_created_once_and_never_moved(clone: Clone) -> None:
    github = await clone.github()
    head = clone.head
    other = (await github.commit(REPO, parent=head, entries=ENTRIES[:1], message="x")).sha
    assert await github.point_branch(REPO, "trunk", other) == head
    assert await github.point_branch(REPO, "solvebot/7-fix", other) == other
    assert await github.point_branch(REPO, "solvebot/7-fix", head) == other
    for impossible in ("trunk/below", "a..b", "-x y"):
        with pytest.raises(Rejected):
            await github.point_branch(REPO, impossible, other)


async def test_a_pull_request_is_a_branch(clone: Clone) -> None:
    github = await clone.github()
    assert await github.open_pull_request(ISSUE, branches=re.compile("solvebot/7-.*")) is None
    with pytest.raises(Rejected):
        await github.open_pull(ISSUE, branch="solvebot/7-fix", base="trunk", title="Fix", body="Why", draft=True)
    await github.point_branch(REPO, "solvebot/7-fix", clone.head)
    await github.point_branch(REPO, "solvebot/71-other", clone.head)
    pull = await github.open_pull(ISSUE, branch="solvebot/7-fix", base="trunk", title="Fix", body="Why", draft=True)
    assert (pull.number, pull.url, pull.head_sha, pull.draft) == (0, "solvebot/7-fix", clone.head, True)
    assert clone.said == ["# Fix\n\nWhy"]
    found = await github.open_pull_request(IssueRef(Repo(0, 1, "x"), 7), branches=re.compile("solvebot/7-.*"))
    assert found is not None
    assert found.branch == "solvebot/7-fix"
