"""Which step of `solvebot setup` comes next: a function of what stands in the settings and of what GitHub says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Facts:
    """`slug`: of the registered App, "" when there is none. `address`: where deliveries go, "" for nowhere."""

    slug: str = ""
    page: str = ""
    address: str = ""
    installed_on: tuple[str, ...] = ()
    has_model_key: bool = False
    webhook_secrets: int = 1  # of which the first is the newest


@dataclass(frozen=True, slots=True)
class Asked:
    """What people have said since `solvebot setup` was started."""

    goes_on: bool = False  # with the App that was there already
    registers: bool = False  # another one instead
    is_away: bool = False  # at GitHub, in another tab, to register one
    keys_are_fine: bool = False


class Step(Enum):
    REGISTER = "register"
    WAIT = "wait"
    REVIEW = "review"
    INSTALL = "install"
    KEYS = "keys"
    EXAMINE = "examine"


def next_step(facts: Facts, asked: Asked) -> Step:
    """An App that was there before is left as it is until somebody says what to do with it."""
    if asked.registers or not facts.slug:
        return Step.WAIT if asked.is_away else Step.REGISTER
    if not asked.goes_on:
        return Step.REVIEW
    if not facts.installed_on:
        return Step.INSTALL
    if not facts.has_model_key or not asked.keys_are_fine:
        return Step.KEYS
    return Step.EXAMINE
