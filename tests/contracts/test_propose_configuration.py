"""The pull request with another configuration: one, however often the step that opens it is done."""

from __future__ import annotations

import pytest

from bot.core.model import Person
from bot.core.trigger.proposals import Proposal
from bot.ports import Rejected
from bot.propose_configuration import pull_request
from tests.contracts.github_world import World, world

__all__ = ["world"]

FILE = ".github/solvebot.yml"


def proposal(world: World) -> Proposal:
    return Proposal(world.repo, FILE, "attempts: 2\n", True, Person("will", 7), "a0123")


async def test_done_twice_it_is_one_branch_and_one_pull_request(world: World) -> None:
    wanted = proposal(world)
    first, second = [await pull_request(world.hub, wanted, "By will.") for _ in range(2)]
    [pull] = world.repository.pulls
    assert first.number == second.number == pull.number
    assert (pull.title, pull.body, pull.pull.draft) == ("Configure Solvebot", "By will.", False)
    assert await world.hub.file(world.repo, FILE, "refs/heads/solvebot/configuration-a0123") == "attempts: 2\n"
    assert await world.hub.file(world.repo, FILE, "refs/heads/main") is None
    assert len(world.requests("*/git/commits", "POST")) == 1


async def test_a_repository_without_pull_requests_refuses_with_a_remedy(world: World) -> None:
    world.repository.without_pull_requests()
    with pytest.raises(Rejected) as refused:
        await pull_request(world.hub, proposal(world), "")
    assert refused.value.remedy
