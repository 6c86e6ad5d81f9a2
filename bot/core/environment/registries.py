"""Which hosts set-up may reach, where the settings say `auto`: those that this machine's package managers would ask.

No registry is named here: what the tools say decides (package_managers.py). Taken are names of hosts, never numbers or
patterns, and a mirror's address without user, password, query or anything that looks like a token.

All hosts are open to every set-up: a Python project may have a `package.json`, and each of these hosts is one that the
operator's own tools trust.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bot.core.environment.hints import OFFLINE_HINTS, SETUP_HINTS
from bot.core.operations.isolation import is_address

AUTO = "auto"
NONE = "none"
MAX_HOSTS = 10  # of one tool
MAX_ANSWER = 65_536  # characters that are read
_MAX_URL = 500
_NAME = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_URL = re.compile(r"(?<![A-Za-z0-9+])https?://[^\s\\'\"`<>(){}|,;]{1,500}")
_PATH = re.compile(r"[A-Za-z0-9/._~@+-]*")
_TOKEN = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9_=-]{16,}")
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Of a registry: `host` as a list of the operator would name it, `url` without anything secret; "" where there may
    be something secret in its path."""

    host: str
    url: str


@dataclass(frozen=True, slots=True)
class Told:
    """What one tool said. `problem`: why it said less than it should; "" when nothing is missing.

    `is_silent`: it did not answer in time, and may do so later.
    """

    tool: str
    hosts: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Registries:
    """What all tools of a machine said. `absent`: those that are not there."""

    told: tuple[Told, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(host for told in self.told for host in told.hosts))

    @property
    def environment(self) -> dict[str, str]:
        """Where packages come from, for the tools in the sandbox: only what differs from their own defaults."""
        return {name: value for told in self.told for name, value in told.environment.items()}


@dataclass(frozen=True, slots=True)
class SetUpNetwork:
    """`hosts` as in SETUP_HOSTS, `environment` of set-up commands."""

    hosts: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def is_auto(words: Sequence[str]) -> bool:
    return AUTO in words


def network(words: Sequence[str], found: Registries) -> SetUpNetwork:
    """What SETUP_HOSTS means: `auto` stands for what was found, `none` for nothing, everything else for itself.

    Mirrors are told to the tools in the sandbox together with `auto`; a list of hosts leaves the tools as they are.
    """
    hosts = [host for word in words for host in (found.hosts if word == AUTO else () if word == NONE else (word,))]
    if not hosts:
        return SetUpNetwork((), SETUP_HINTS | OFFLINE_HINTS)
    return SetUpNetwork(tuple(dict.fromkeys(hosts)), SETUP_HINTS | found.environment if is_auto(words) else SETUP_HINTS)


def wrong_hosts(words: Sequence[str]) -> str | None:
    """What is wrong with SETUP_HOSTS, if anything."""
    if NONE in words and len(words) > 1:
        return f"{','.join(words)!r}: none stands alone"
    if any(word.partition("=")[2] in (AUTO, NONE) for word in words):
        return f"{','.join(words)!r}: auto and none are for all ecosystems at once"
    return None


# ----------------------------------------------------------------------------------------------------------- addresses


def read_address(text: str) -> Address | None:
    """None for what names no host that may be opened: no web address, one by number, one with a strange name."""
    try:
        parts = urlsplit(text[:_MAX_URL].strip())
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in _USUAL_PORTS or not _NAME.fullmatch(name) or is_address(name):
        return None
    host = name if port in (None, _USUAL_PORTS[parts.scheme]) else f"{name}:{port}"
    is_plain = _PATH.fullmatch(parts.path) and not any(map(_TOKEN.fullmatch, parts.path.split("/")))
    return Address(host, f"{parts.scheme}://{host}{parts.path}" if is_plain else "")


def addresses(text: str) -> tuple[Address, ...]:
    """All that a text names, in its order."""
    found = (read_address(url.rstrip(".:")) for url in _URL.findall(text[:MAX_ANSWER]))
    return tuple(dict.fromkeys(address for address in found if address is not None))


def hosts_of(found: Iterable[Address]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address.host for address in found))[:MAX_HOSTS]
