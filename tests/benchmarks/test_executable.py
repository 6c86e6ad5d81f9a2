"""Among candidates that are run the right one is chosen, or nobody where nobody is right."""

from __future__ import annotations

import pytest

from tests.benchmarks.executable import choose, repositories

REPOSITORIES = {repository.name: repository for repository in repositories()}
# Of those in which the right one is chosen: they guard what was reached. What is reached is measured by
# `make bench ARGS="--only choosing"`, which tries all of them. Every kind of candidate is in the first few.
IN_THE_SUITE = ("intervals", "leap", "pathglob")
IN_THE_LONG_FORM = (
    "config", "csvline", "durations", "filelines", "numformat", "queue", "tallycli", "throttle", "toposort",
)  # fmt: skip


@pytest.mark.parametrize(
    "name", [*IN_THE_SUITE, *(pytest.param(name, marks=pytest.mark.long) for name in IN_THE_LONG_FORM)]
)
def test_the_right_one_is_chosen(name: str) -> None:
    chosen = choose(REPOSITORIES[name])
    assert chosen.is_right, (chosen.kind, chosen.decision.reasons)


def test_each_is_different_and_has_enough_to_choose_from() -> None:
    assert len({repository.title for repository in REPOSITORIES.values()}) == len(REPOSITORIES)
    for repository in REPOSITORIES.values():
        assert len(repository.candidates) >= 5, repository.name
        changes = [tuple(sorted(made.items(), key=str)) for made in repository.candidates.values()]
        assert len(set(changes)) == len(changes), repository.name
