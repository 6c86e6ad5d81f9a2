"""`/solve why`: answered from what is stored, on the issue and in the pull request."""

from __future__ import annotations

from tests.stories.world import World


async def test_which_step_changed_it_and_what_was_run_after(world: World) -> None:
    issue, pull, _ = await world.published()
    asked = len(world.models.calls)
    for place in (issue, world.repo.issue(pull.number)):
        await world.comment(place, "/solve why greet.sh:1")
        said = (await world.next_comment(place)).body
        assert "Line 1 of `greet.sh` was changed by candidate **A** (`fixer`)" in said
        assert "Step 1 changed it: `printf" in said
        assert "(exit code 0)" in said
    await world.comment(issue, "/solve why README.md")
    assert "`README.md` is not part of the change" in (await world.next_comment(issue)).body
    await world.comment(issue, "/solve why greet.sh", by="sam")
    assert "needs the permission **write**" in (await world.next_comment(issue)).body
    assert len(world.models.calls) == asked


async def test_before_anything_was_chosen(world: World) -> None:
    issue = await world.issue()
    await world.comment(issue, "/solve why greet.sh")
    assert "Nothing was chosen here yet" in (await world.next_comment(issue)).body
