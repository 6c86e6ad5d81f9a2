"""Pushes at the webhook: all are dropped but those to the default branch that say what they take back."""

from __future__ import annotations

import json

import pytest

from bot.core.model import Repo, Sha
from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import CommitsReverted, Ignored
from bot.github.signatures import told_by_github
from bot.github.webhook import slim
from tests.contracts.github_world import World
from tests.contracts.github_world import world as world

REPO, A, B = Repo(5, 77, "octo/web"), Sha("a" * 40), Sha("b" * 40)
REVERTS = f'Revert "Fix"\n\nThis reverts commit {A}.'


def payload(*messages: str | None, ref: str = "refs/heads/main", branch: str | None = "main") -> dict[str, object]:
    return {
        "ref": ref,
        "commits": [{"id": "c" * 40, "message": message, "added": ["x"] * 100} for message in messages],
        "sender": {"login": "ann", "id": 9, "type": "User"},
        "repository": {"id": 77, "full_name": "octo/web", "default_branch": branch},
        "installation": {"id": 5},
    }


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (payload(REVERTS), CommitsReverted(REPO, (A,))),
        (payload("Fix", None, REVERTS, f"This reverts commit {B}."), CommitsReverted(REPO, (A, B))),
        (payload("Fix"), None),
        (payload(), None),
        (payload(f"It is why: This reverts commit {A}"), None),
        (payload(REVERTS, ref="refs/heads/other"), None),
        (payload(REVERTS, ref="refs/tags/main"), None),
        (payload(REVERTS, branch=None), None),
        ({**payload(REVERTS), "commits": None}, None),
        ({**payload(REVERTS), "repository": None}, None),
    ],
)
def test_what_is_kept_of_pushes(told: dict[str, object], meant: object) -> None:
    record = slim(told_by_github("g1", "push", json.dumps(told).encode()))
    assert (None if record is None else read_event("push", json.loads(record))) == meant
    assert record is None or len(record) < 600
    whole = read_event("push", told)
    assert meant is None or whole == meant


@pytest.mark.parametrize("commits", [None, "x", [None, 3, {"message": 4}], {}])
def test_what_cannot_be_read_is_nothing(commits: object) -> None:
    assert isinstance(read_event("push", {**payload(), "commits": commits}), Ignored)


async def test_by_which_pull_request_a_commit_came(world: World) -> None:
    head = await world.repository.commit("mine", {"a.txt": "a\n"}, "Mine", by="ann")
    pull = await world.repository.open_pull("Mine", head="mine", body="", by="ann")
    assert await world.hub.merged_by(world.repo, Sha(head)) == []  # it is not merged yet
    await pull.merge(by="ann")
    assert pull.pull.merge_sha is not None
    assert await world.hub.merged_by(world.repo, Sha(pull.pull.merge_sha)) == [pull.number]
    assert await world.hub.merged_by(world.repo, Sha(head)) == [pull.number]
    assert await world.hub.merged_by(world.repo, Sha("f" * 40)) == []
