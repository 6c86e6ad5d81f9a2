"""Checks, statuses and logs of jobs: what the hub reads of them, and what it never sends where."""

from __future__ import annotations

import pytest

from bot.core.model import Sha
from bot.core.trigger.checks import Check, State
from bot.ports import Denied, Gone, Unavailable
from tests.contracts.github_world import World
from tests.contracts.github_world import world as world


def head(world: World) -> Sha:
    sha = world.repository.branch_sha("main")
    assert sha is not None
    return Sha(sha)


async def states(world: World) -> list[tuple[str, State, bool]]:
    return [(each.name, each.state, each.flaps) for each in await world.hub.checks(world.repo, head(world))]


async def test_each_check_as_it_stands(world: World) -> None:
    sha = head(world)
    assert await world.hub.checks(world.repo, sha) == []
    first = await world.repository.check(sha, "test", "failure", title="2 failed", summary="See below.")
    await world.repository.check(sha, "lint", None)
    await world.repository.check(sha, "other", "failure", app="some-ci")
    await world.repository.set_status(sha, "ci/old", "pending")
    await world.repository.set_status(sha, "ci/old", "error", "It broke.")
    found = {each.name: each for each in await world.hub.checks(world.repo, sha)}
    url = f"{world.github.url}/{world.repo.name}/runs/{first.id}"
    assert found["test"] == Check("test", State.RED, url, "2 failed\n\nSee below.", first.id)
    assert found["lint"].state is State.RUNNING
    assert (found["other"].state, found["other"].job) == (State.RED, None)
    assert (found["ci/old"].state, found["ci/old"].said) == (State.RED, "It broke.")


async def test_one_that_ran_again_on_the_same_commit(world: World) -> None:
    sha = head(world)
    await world.repository.check(sha, "test", "failure")
    await world.repository.check(sha, "test", "success")
    await world.repository.check(sha, "lint", "failure")
    assert await states(world) == [("test", State.GREEN, True), ("lint", State.RED, False)]


async def test_our_own_check_is_known_as_ours(world: World) -> None:
    await world.repository.check(head(world), "Solvebot", "neutral", app="")
    [check] = await world.hub.checks(world.repo, head(world))
    assert check.ours


async def test_a_workflow_that_waits_for_approval_has_no_check_yet(world: World) -> None:
    await world.repository.wait_for_approval(head(world))
    assert await states(world) == [("github-actions", State.WAITING, False)]


async def test_more_checks_than_one_page(world: World) -> None:
    for number in range(130):
        await world.repository.check(head(world), f"job {number}", "success")
    assert len(await states(world)) == 130


async def test_of_a_log_the_end_is_read_and_no_token_goes_along(world: World) -> None:
    """The simulator notes an error when one does; every test ends with none."""
    log = "a line\n" * 50_000 + "the end"
    run = await world.repository.check(head(world), "test", "failure", log=log)
    read = await world.hub.job_log(world.repo, run.id, most=200_000)
    assert len(read) == 200_000
    assert read.endswith("the end")
    assert world.github.errors == []


@pytest.mark.parametrize(("status", "error"), [(404, Gone), (410, Gone), (503, Unavailable)])
async def test_a_log_that_is_not_there(world: World, status: int, error: type[Exception]) -> None:
    run = await world.repository.check(head(world), "test", "failure", log="x")
    world.github.faults.add("GET", f"*/actions/jobs/{run.id}/logs", status=status, times=10)
    with pytest.raises(error):
        await world.hub.job_log(world.repo, run.id, most=100)


@pytest.mark.parametrize("address", ["", "ftp://x/y", "file:///etc/passwd", "/relative"])
async def test_a_log_is_only_read_from_an_address_on_the_web(world: World, address: str) -> None:
    run = await world.repository.check(head(world), "test", "failure", log="x")
    world.github.faults.add("GET", f"*/actions/jobs/{run.id}/logs", status=302, headers={"Location": address})
    with pytest.raises(Gone):
        await world.hub.job_log(world.repo, run.id, most=100)


@pytest.mark.parametrize(("lacks", "named"), [("actions", "actions: read"), ("checks", "checks: read")])
async def test_what_was_not_accepted_is_named(world: World, lacks: str, named: str) -> None:
    run = await world.repository.check(head(world), "test", "failure", log="x")
    installation = world.repository.installation
    had = installation.state.permissions
    await installation.accept_permissions({name: level for name, level in had.items() if name != lacks})
    with pytest.raises(Denied) as denied:
        await (
            world.hub.job_log(world.repo, run.id, most=9)
            if lacks == "actions"
            else world.hub.checks(world.repo, head(world))
        )
    assert f"`{named}`" in denied.value.remedy


async def test_without_statuses_there_are_check_runs(world: World) -> None:
    await world.repository.check(head(world), "test", "failure")
    await world.repository.set_status(head(world), "ci/old", "error")
    installation = world.repository.installation
    had = installation.state.permissions
    await installation.accept_permissions({name: level for name, level in had.items() if name != "statuses"})
    assert await states(world) == [("test", State.RED, False)]
