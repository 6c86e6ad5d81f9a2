"""What set-up and agents find in the workspace: the past, tags, submodules; and what people read of what is lacking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.simulators.github.gitdata import Entry
from bot.simulators.model import Answer, Message
from tests.stories.world import FIX, MAINTAINER, World, a_world, commands, line_up

VERSION = "git describe --tags --long --dirty >version.txt && grep -qx 'v1[.]0-1-g[0-9a-f]*' version.txt"
SETUP = f'setup: ["{VERSION}", "test -e vendor/lib/lib.sh"]\n'
LINE_UP = {
    **line_up("fixer", attempts=1, extra=SETUP),
    ".gitmodules": '[submodule "x"]\npath = vendor/lib\nurl = ../lib\n',
}


def with_submodule(world: World, *, private: bool) -> None:
    """One commit more: the library at its first commit. The tag is of the commit before."""
    library = world.github.repository("octo/lib", files={"lib.sh": "echo lib\n"}, private=private, by=MAINTAINER)
    pinned = library.branch_sha("main")
    git = world.repo.state.git
    first = world.repo.branch_sha("main")
    assert pinned is not None
    assert first is not None
    tree = git.edit_tree(git.commit(first).tree, {"vendor/lib": Entry("160000", pinned)})
    written = git.commit(first)
    second = git.write_commit(tree, [first], "With a library", written.author, written.committer)
    git.set_ref("refs/heads/main", second)
    git.set_ref("refs/tags/v1.0", first)


async def test_versions_submodules_and_the_past_are_there(tmp_path: Path) -> None:
    work = commands(
        "git status --short; git log --format=%s; cat vendor/lib/lib.sh",
        "git init -q scratch; echo x >scratch/x.orig",
        FIX,
    )
    seen: list[str] = []

    def watched(messages: Sequence[Message]) -> Answer:
        seen.append(str(messages[-1]))
        return work(messages)

    async with a_world(tmp_path, files=LINE_UP, scripts={"fixer": watched}) as world:
        with_submodule(world, private=False)
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        await world.said(issue, "pull request")
    assert facts.baseline is not None
    assert facts.baseline.note == ""
    [run] = facts.runs
    assert run.candidate is not None
    assert [change.path for change in run.candidate.changes] == ["greet.sh"]
    looked = seen[1]
    assert "With a library" in looked
    assert "echo lib" in looked
    assert "version.txt" not in looked  # what set-up left behind is hidden


async def test_a_private_submodule_is_not_there_and_people_are_told(tmp_path: Path) -> None:
    async with a_world(tmp_path, files=LINE_UP, private=True) as world:
        with_submodule(world, private=True)
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        await world.said(issue, "#")
    assert facts.baseline is not None
    assert "The submodule vendor/lib is not in the sandbox: it cannot be fetched without an account." in (
        facts.baseline.note
    )
