"""What a repository's configuration says, in the words of its file."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.core.model import Permission, Publish, RepoConfig, Strategy
from bot.core.render.configuration import configured


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (None, []),
        (RepoConfig(), []),
        (RepoConfig(test="pytest -q", attempts=3), [("test", "pytest -q"), ("attempts", "3")]),
        (RepoConfig(dollars=2.5, minutes=30.0), [("limits: minutes", "30"), ("limits: dollars", "2.5")]),
        (RepoConfig(strategies=(Strategy.TEST_FIRST,)), [("strategies", "test-first")]),
        (RepoConfig(setup=("make a", "make b"), who=Permission.ADMIN), [("who", "admin"), ("setup", "make a, make b")]),
        (RepoConfig(publish=Publish.AFTER_APPROVAL), [("publish", "after-approval")]),
    ],
)
def test_what_is_not_as_usual(config: RepoConfig | None, said: Sequence[tuple[str, str]]) -> None:
    assert list(configured(config)) == said
