"""The `GitHub` port over a clone on this disk: `solvebot solve PATH --issue FILE` needs no account and no network.

The issue is a Markdown file, the pull request is a branch. The user's working tree, index and current branch are never
touched: commits are made by plumbing with an index of their own, and a branch is only ever created. Hooks are off,
because a commit made by a program is not what they were written for, and because the files come from a sandbox.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from pathlib import Path

from bot.core.model import IssueRef, Permission, PullRequest, Remark, Repo, Sha
from bot.core.trigger.checks import Check
from bot.core.trigger.feedback import Thread
from bot.core.trigger.own_check import OwnCheck
from bot.core.trigger.publish_precheck import Publishing, parents
from bot.github.fetch import NOT_SHA1, NOT_WHOLE, PARTIAL
from bot.github.git import NO_BLOB, Git, GitFailed, change_index, neutral, read_at
from bot.ports import (
    Commit,
    Gone,
    IssueState,
    Merging,
    PostedComment,
    PullState,
    Rejected,
    Remote,
    RepositoryState,
    Review,
    ThreadAnswer,
    TreeEntry,
)

_MAX_FILE = 262_144  # bytes, as on GitHub
_HEADING = re.compile(r"#{1,6}[ \t]+(.*?)[ \t#]*$")


class LocalGitHub:
    """Of the arguments that name a repository or an issue none is looked at: there is one of each."""

    def __init__(self, root: Path, git: Git, user: str, issue: tuple[str, str], say: Callable[[str], None]) -> None:
        self.root = root
        self.user = user
        self.title, self.body = issue
        self._git = git
        self._say = say
        self._said: list[str] = []  # markers; the id of a comment is its place, from 1

    @classmethod
    async def at(cls, path: Path, issue: Path, *, say: Callable[[str], None], home: Path | None = None) -> LocalGitHub:
        """`path`: anywhere in a clone. `home`: where the user's git configuration is. `say`: gets every comment.

        Raises `Rejected` when this cannot work, with what to do about it.
        """
        root, git = _clone(path, home)
        try:
            identity = await git("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
        except GitFailed as error:
            remedy = "Tell git who you are: git config --global user.name ... and git config --global user.email ..."
            raise Rejected(str(error), remedy=remedy) from error
        return cls(root, git, identity.decode("utf-8", "replace").partition(" <")[0], _read_issue(issue), say)

    @classmethod
    def to_read(cls, path: Path) -> LocalGitHub:
        """The same without an issue and without a name for commits. Raises `Rejected` where there is no clone."""
        root, git = _clone(path)
        return cls(root, git, "", ("", ""), lambda _body: None)

    async def repository(self, repo: Repo) -> RepositoryState:
        """The branch that is checked out is taken for the default branch."""
        try:
            branch = (await self._git("symbolic-ref", "--quiet", "--short", "HEAD")).decode().strip()
        except GitFailed as error:
            raise Rejected("HEAD is detached", remedy="Check out the branch to start from.") from error
        if (await self._git("rev-parse", "--show-object-format")).strip() != b"sha1":
            raise Rejected("the clone is one of SHA-256", remedy=NOT_SHA1)
        empty = await self.branch_head(repo, branch) is None
        return RepositoryState(repo, branch, private=True, archived=False, disabled=False, empty=empty)

    async def issue(self, issue: IssueRef) -> IssueState:
        return IssueState(
            self.title, self.body, open=True, locked=False, labels=(), author=self.user, is_pull_request=False
        )

    async def children(self, issue: IssueRef) -> list[int]:
        return []

    async def of_milestone(self, issue: IssueRef) -> list[int] | None:
        return None

    async def remarks(self, issue: IssueRef, *, before: datetime) -> list[Remark]:
        return []

    async def permission(self, repo: Repo, login: str) -> Permission:
        """Who can run the command can write to the clone."""
        return Permission.ADMIN

    async def is_in_team(self, team: str, login: str) -> bool:
        return False

    async def file(self, repo: Repo, path: str, ref: str) -> str | None:
        try:
            content = await read_at(self._git, ref, path)
        except GitFailed as error:
            remedy = NOT_WHOLE if PARTIAL.search(error.stderr) else f"`{path}` cannot be read by git."
            raise Rejected(str(error), remedy=remedy) from error
        if content is None:
            return None
        if len(content) > _MAX_FILE:
            raise Rejected(f"{path} has {len(content)} bytes", remedy=f"`{path}` is larger than 256 kB")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise Rejected(f"{path}: {error}", remedy=f"`{path}` is not UTF-8 text") from error

    async def branch_head(self, repo: Repo, branch: str) -> Sha | None:
        return next((sha for name, sha in await self._branches() if name == branch), None)

    async def react(self, issue: IssueRef, comment_id: int | None, content: str) -> None:
        return None

    def turn(self, repo: Repo) -> AbstractAsyncContextManager[object]:
        return nullcontext()

    async def say(self, issue: IssueRef, body: str, *, marker: str) -> PostedComment:
        if marker not in self._said:
            self._said.append(marker)
        self._say(body)
        return PostedComment(self._said.index(marker) + 1, "")

    async def open_issue(self, repo: Repo, *, title: str, body: str, marker: str) -> IssueRef:
        raise Rejected("a clone has no issues")

    async def edit(self, issue: IssueRef, comment_id: int, body: str) -> None:
        self._say(body)

    async def open_pull_request(self, issue: IssueRef, *, branches: re.Pattern[str]) -> PullRequest | None:
        """A branch that an earlier solve made is what an open pull request is elsewhere."""
        ours = (_pull(name, sha) for name, sha in await self._branches() if branches.fullmatch(name))
        return next(ours, None)

    async def publishing(self, repo: Repo, branch: str) -> Publishing:
        there = {name for name, _ in await self._branches()}
        return Publishing(in_the_way=tuple(name for name in parents(branch) if name in there))

    async def author(self, repo: Repo) -> str:
        try:
            ident = os.fsdecode(await self._git("var", "GIT_AUTHOR_IDENT"))
        except GitFailed:
            return ""
        return ident.rpartition(">")[0] + ">"

    async def commit(
        self, repo: Repo, *, parent: Sha, entries: Sequence[TreeEntry], message: str, also: Sha | None = None
    ) -> Commit:
        """As the user of the clone; not signed."""
        with tempfile.TemporaryDirectory(prefix="solvebot-index-") as directory:
            git = self._git.with_environment(GIT_INDEX_FILE=f"{directory}/index")
            try:
                await git("read-tree", parent)
                removed = [entry.path for entry in entries if entry.content is None]
                await change_index(git, removed, await self._store(entries))
                tree = (await git("write-tree")).decode().strip()
                parents = ["-p", parent, *(["-p", also] if also else [])]
                made = await git("commit-tree", tree, *parents, "-F", "-", stdin=message.encode())
            except GitFailed as error:
                raise Rejected(f"the commit cannot be made: {error.stderr.strip()}") from error
        return Commit(Sha(made.decode().strip()), verified=False)

    async def point_branch(self, repo: Repo, branch: str, commit: Sha) -> Sha:
        try:
            await self._git("update-ref", f"refs/heads/{branch}", commit, NO_BLOB)
        except GitFailed as error:
            there = await self.branch_head(repo, branch)
            if there is None:
                raise Rejected(f"{branch} cannot be created: {error.stderr.strip()}") from error
            return there
        return commit

    async def advance_branch(self, repo: Repo, branch: str, commit: Sha) -> bool:
        head = await self.branch_head(repo, branch)
        if head is None:
            raise Rejected(f"there is no branch {branch}")
        try:
            await self._git("merge-base", "--is-ancestor", head, commit)
            await self._git("update-ref", f"refs/heads/{branch}", commit, head)
        except GitFailed:
            return False
        return True

    async def delete_branch(self, repo: Repo, branch: str) -> None:
        """Branches of a clone are its user's to delete."""

    async def open_pull(
        self, issue: IssueRef, *, branch: str, base: str, title: str, body: str, draft: bool
    ) -> PullRequest:
        head = await self.branch_head(issue.repo, branch)
        if head is None:
            raise Rejected(f"there is no branch {branch}")
        self._say(f"# {title}\n\n{body}")
        return _pull(branch, head, draft=draft)

    def compare_url(self, repo: Repo, *, base: str, branch: str) -> str:
        return ""

    async def rewrite_pull(self, repo: Repo, number: int, *, title: str, body: str) -> None:
        self._say(f"# {title}\n\n{body}")

    async def dress_pull(
        self, repo: Repo, number: int, *, labels: Sequence[str], reviewers: Sequence[str]
    ) -> list[str]:
        return []

    async def remote(self, repo: Repo) -> Remote:
        return Remote(str(self.root))

    async def pull(self, repo: Repo, number: int) -> PullState:
        raise Gone("a clone has branches and no pull requests")

    async def review(self, repo: Repo, number: int, review: int) -> Review:
        raise Gone("a clone has no reviews")

    async def threads(self, repo: Repo, number: int) -> list[Thread]:
        return []

    async def answer_threads(self, repo: Repo, number: int, answers: Sequence[ThreadAnswer]) -> list[int]:
        return []

    async def merge(self, repo: Repo, *, branch: str, base: str, message: str) -> Merging:
        raise Gone("a clone has no pull requests to bring up to date")

    async def missing_from(self, repo: Repo, *, base: str, head: Sha) -> int:
        return 0

    async def authors_beside_us(self, repo: Repo, number: int) -> list[str]:
        return []

    async def merged_by(self, repo: Repo, commit: Sha) -> list[int]:
        return []

    async def checks(self, repo: Repo, commit: Sha) -> list[Check]:
        return []

    async def job_log(self, repo: Repo, job: int, *, most: int) -> str:
        raise Gone("a clone has no CI")

    async def show_check(self, repo: Repo, commit: Sha, check: OwnCheck) -> None:
        """A clone shows none."""

    async def show_check_again(self, repo: Repo, commit: Sha, check: OwnCheck) -> None:
        """A clone shows none."""

    async def resolve_threads(self, repo: Repo, threads: Sequence[str]) -> list[str]:
        return []

    async def _branches(self) -> list[tuple[str, Sha]]:
        output = await self._git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/")
        lines = (line.split(" ", 1) for line in os.fsdecode(output).splitlines())
        return [(name.removeprefix("refs/heads/"), Sha(sha)) for sha, name in lines]

    async def _store(self, entries: Sequence[TreeEntry]) -> dict[str, tuple[str, str]]:
        stored = {}
        for entry in entries:
            if entry.content is not None:
                blob = await self._git("hash-object", "-w", "--no-filters", "--stdin", stdin=entry.content)
                stored[entry.path] = (entry.mode, blob.decode().strip())
        return stored


def _clone(path: Path, home: Path | None = None) -> tuple[Path, Git]:
    root, directory = _find(path.resolve())
    # Nothing is ever fetched into a clone, whatever its own configuration says is missing there.
    environment = neutral({"HOME": str(home or Path.home()), "GIT_ALLOW_PROTOCOL": "none"})
    del environment["GIT_CONFIG_GLOBAL"], environment["GIT_CONFIG_NOSYSTEM"]
    return root, Git(directory, environment)


def _find(path: Path) -> tuple[Path, Path]:
    """The top of the clone, and what GIT_DIR has to name: `.git` (a file in linked worktrees), or a bare repository."""
    for directory in (path, *path.parents):
        if (directory / ".git").exists():
            return directory, directory / ".git"
        if (directory / "HEAD").is_file() and (directory / "objects").is_dir():
            return directory, directory
    raise Rejected(f"{path} is not in a git repository", remedy="Name a directory of a clone.")


def _read_issue(file: Path) -> tuple[str, str]:
    """Title and body: the first heading, else the first line, and what follows it."""
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(f"the issue cannot be read: {error}", remedy="Name a Markdown file in UTF-8.") from error
    for number, line in enumerate(lines):
        if match := _HEADING.match(line):
            before = "\n".join(lines[:number]).strip()
            after = "\n".join(lines[number + 1 :]).strip()
            return match[1], f"{before}\n\n{after}".strip()
    text = "\n".join(lines).strip()
    if not text:
        raise Rejected(f"{file} is empty", remedy="Describe the problem in it: a heading, then what happens.")
    title, _, body = text.partition("\n")
    return title.strip(), body.strip()


def _pull(branch: str, head: Sha, *, draft: bool = False) -> PullRequest:
    return PullRequest(number=0, url=branch, branch=branch, head_sha=head, draft=draft)
