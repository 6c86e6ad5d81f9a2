"""What the champion changes and nobody needs does not reach people."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.world import FIX, REGRESSION_TEST, a_world, commands, line_up

OTHER_FIX = 'printf \'test -n "$1" || set -- world\\necho "hello $1"\\n\' > greet.sh'
TESTS = "for t in tests/*.sh; do sh $t || exit 1; done"
LIBRARY = ("lib/name.sh", "lib/unused.sh")
NOT_NEEDED = "mkdir -p lib && echo 'echo unused' > lib/unused.sh"
NEEDED = "printf '. ./lib/name.sh\\necho \"hello ${1:-$name}\"\\n' > greet.sh; mkdir lib; echo name=world > lib/name.sh"


@pytest.mark.parametrize(
    ("why", "champion", "other", "left"),
    [
        ("nobody needs it", f"{FIX}; {NOT_NEEDED}", OTHER_FIX, set()),
        ("the fix stands on it", NEEDED, OTHER_FIX, {"lib/name.sh"}),
    ],
)
async def test_only_what_is_needed_is_published(
    tmp_path: Path, why: str, champion: str, other: str, left: set[str]
) -> None:
    scripts = {"fixer": commands(champion, REGRESSION_TEST), "other": commands(other)}
    async with a_world(tmp_path, scripts=scripts, files=line_up(*scripts, test=TESTS)) as world:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        await world.next_comment(issue)
        [pull] = world.repo.pulls
        assert facts.champion is not None
        assert facts.champion.id == facts.runs[0].id
        there = {path for path in LIBRARY if world.repo.file(pull.pull.head_sha, path) is not None}
        assert there == left, why
        assert world.repo.file(pull.pull.head_sha, "tests/test_default.sh") is not None
        body = pull.state.body or ""
        assert ("Left out" in body) is (not left), why
        assert ("`lib/unused.sh:1 (+1 -0)`" in body) is (not left), why
