"""What a sandbox may reach, and what to do about a host that cannot isolate one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

_REMEDIES = (
    (
        ("bwrap: No such file", "bwrap': No such file", "bwrap: command not found", "bwrap is not installed"),
        "Install bubblewrap (apt install bubblewrap).",
    ),
    (
        ("setpriv': No such file", "'unshare'", "nsenter: No such file"),
        "Install util-linux (apt install util-linux).",
    ),
    (
        ("unshare failed", "mount: "),
        "Without CAP_SYS_ADMIN the bot cannot show sandboxes what lies in a directory closed to other users:"
        " keep its data and the toolchains in one that they can pass (chmod o+x).",
    ),
    (
        ("ENOSPC", "max_user_namespaces", "No space left on device"),
        "User namespaces are switched off: raise the limit (sysctl -w user.max_user_namespaces=15000).",
    ),
    (
        ("Failed RTM_NEWADDR", "setting up uid map: Permission denied"),
        "AppArmor forbids user namespaces (Ubuntu 23.10 and later): add a profile with `userns,` for bwrap,"
        " or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0.",
    ),
    (
        ("Can't mount proc on",),
        "This container hides parts of /proc: start it with --security-opt systempaths=unconfined"
        " (podman: --security-opt unmask=ALL).",
    ),
    (
        (
            "No permissions to create",
            "Creating new namespace failed: Operation not permitted",
            "unprivileged_userns_clone",
        ),
        "This host or container forbids user namespaces: on Debian sysctl -w kernel.unprivileged_userns_clone=1;"
        " for Docker a seccomp profile that allows them (--security-opt seccomp=<profile>).",
    ),
    (
        ("Unknown option",),
        "This bubblewrap is too old: version 0.8 or later is needed (Debian 12, Ubuntu 24.04).",
    ),
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*(?=[a-z0-9_-]*[a-z])(?:{_LABEL})\Z")
_STRAY = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n)")
_REQUEST_LINE = re.compile(r"([A-Z]{1,20}) ([!-~]+) HTTP/1\.[01]")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+:")
_GLOBAL = IPv6Network("2000::/3")
_SPECIAL = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))  # of protocols and documentation
_WITH_IPV4 = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))  # in the last four bytes: RFC 4291, RFC 6052
_ISATAP = (0x5EFE, 0x0200_5EFE)  # RFC 5214: before an IPv4 address in the last four bytes, below any prefix
_OF_PROTOCOLS = (IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24"))  # relays: RFC 7526; RFC 6890
_OTHERWISE = "Run `bwrap --unshare-all --ro-bind / / true` as the bot's user and mend what it complains about."


def remedy_for(message: str) -> str:
    """What an operator should do when the isolation fails with this message; the first line of the table that fits."""
    for signs, remedy in _REMEDIES:
        if any(sign in message for sign in signs):
            return remedy
    return _OTHERWISE


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a tunnel."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Pass on one plain HTTP request; `head` is what the server gets to read."""

    host: str
    port: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    why: str


def read_proxy_request(head: bytes, allowed: Sequence[str]) -> Connect | Fetch | Refusal:
    """Decide on the head of a request to the set-up's proxy, up to and including the empty line.

    Tunnels go to port 443 and plain requests, GET and HEAD without a body, to port 80, unless an entry names another
    port. Only hosts that `allowed` names are reached, exactly or as "*.suffix". An address instead of a name is
    refused: nobody could say whose it is. So is a head that two readers might divide into lines or words in two ways.
    """
    if has_stray_characters(head):
        return Refusal(400, "there are control characters in the request")
    lines = head.decode("latin-1").split("\r\n")
    line = _REQUEST_LINE.fullmatch(lines[0])
    if line is None:
        return Refusal(400, "not an HTTP/1 request")
    if not all(_HEADER.match(header) for header in lines[1:] if header):
        return Refusal(400, "there is a line that is no header in the request")
    method, target = line.groups()
    if method not in ("CONNECT", "GET", "HEAD"):
        return Refusal(405, f"{method[:20]} is not passed on")
    try:
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = url.hostname, url.port
    except ValueError:
        return Refusal(400, "the address cannot be read")
    usual = 443 if method == "CONNECT" else 80
    if not host or port == 0 or (method != "CONNECT" and url.scheme != "http"):
        return Refusal(400, "the address cannot be read")
    if not may_be_reached(host, port or usual, allowed, usual_port=usual):
        return Refusal(403, f"{host}:{port or usual} is not on the list of the set-up")
    if method == "CONNECT":
        return Connect(host, port or usual)
    named = host if port in (None, 80) else f"{host}:{port}"
    return Fetch(host, port or usual, _origin_head(method, url.path or "/", url.query, named, lines[1:]))


def has_stray_characters(head: bytes) -> bool:
    """A control character other than a tab, or a line that ends otherwise than in CRLF."""
    return _STRAY.search(head) is not None


def _origin_head(method: str, path: str, query: str, host: str, headers: Sequence[str]) -> bytes:
    """The head as the server expects it, one request per connection."""
    hidden = ("host", "connection", "proxy-connection", "proxy-authorization", "content-length", "transfer-encoding")
    kept = [line for line in headers if line and line.partition(":")[0].lower() not in hidden]
    where = f"{path}?{query}" if query else path
    return "\r\n".join([f"{method} {where} HTTP/1.1", f"Host: {host}", "Connection: close", *kept, "", ""]).encode(
        "latin-1"
    )


def may_be_reached(host: str, port: int, allowed: Sequence[str], *, usual_port: int) -> bool:
    """Is "host" or "host:port" among the entries, or one "*.suffix" that fits? What is no name never is."""
    name = host.lower().removesuffix(".")
    return _NAME.match(name) is not None and any(
        _entry_fits(entry.lower(), name, port, usual_port) for entry in allowed
    )


def _entry_fits(entry: str, name: str, port: int, usual_port: int) -> bool:
    pattern, _, its_port = entry.partition(":")
    if port != (int(its_port) if its_port.isdecimal() else usual_port):
        return False
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def address_is_public(address: str) -> bool:
    """May a listed name lead here? To what is known to be everybody's, and not into our own network, whatever its DNS
    says and in whatever form an IPv4 address is written.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast and not any(ip in network for network in _OF_PROTOCOLS)
    if ip.scope_id is not None:
        return False
    last = IPv4Address(int(ip) & 0xFFFF_FFFF)
    if any(ip in network for network in _WITH_IPV4):
        return address_is_public(str(last))
    if ip not in _GLOBAL or any(ip in network for network in _SPECIAL):
        return False
    inside = [*filter(None, [ip.sixtofour]), *([last] if int(ip) >> 32 & 0xFFFF_FFFF in _ISATAP else [])]
    return all(address_is_public(str(ipv4)) for ipv4 in inside)
