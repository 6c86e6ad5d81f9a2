import pytest

from bot.core.model import Permission, Person
from bot.core.trigger.permissions import may_ask

PERSON = Person("octocat", 1)


@pytest.mark.parametrize("has", list(Permission))
@pytest.mark.parametrize("needed", [Permission.READ, Permission.TRIAGE, Permission.WRITE, Permission.ADMIN])
def test_the_needed_permission_or_a_better_one(has: Permission, needed: Permission) -> None:
    order = ["none", "read", "triage", "write", "maintain", "admin"]
    assert may_ask(has, needed, PERSON) == (order.index(has) >= order.index(needed))


def test_bots_are_refused_whatever_they_may_do() -> None:
    assert not may_ask(Permission.ADMIN, Permission.READ, Person("helper[bot]", 2, is_bot=True))


def test_a_name_proves_nothing() -> None:
    assert may_ask(Permission.WRITE, Permission.WRITE, Person("robot", 3))
