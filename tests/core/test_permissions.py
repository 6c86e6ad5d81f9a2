import pytest

from bot.core.model import Permission, Person
from bot.core.permissions import Allowed, Refused, may_ask

PERSON = Person("octocat", 1)


@pytest.mark.parametrize("has", list(Permission))
@pytest.mark.parametrize("needed", [Permission.READ, Permission.TRIAGE, Permission.WRITE, Permission.ADMIN])
def test_the_needed_permission_or_a_better_one(has: Permission, needed: Permission) -> None:
    order = ["none", "read", "triage", "write", "maintain", "admin"]
    assert isinstance(may_ask(has, needed, PERSON), Allowed) == (order.index(has) >= order.index(needed))


def test_a_refusal_says_what_it_takes() -> None:
    assert may_ask(Permission.READ, Permission.WRITE, PERSON) == Refused(
        "Asking here takes write permission on this repository, and @octocat has read."
    )


def test_bots_are_refused_whatever_they_may_do() -> None:
    assert isinstance(may_ask(Permission.ADMIN, Permission.READ, Person("helper[bot]", 2, is_bot=True)), Refused)


def test_a_name_proves_nothing() -> None:
    assert isinstance(may_ask(Permission.WRITE, Permission.WRITE, Person("robot", 3)), Allowed)
