"""Which downloads are kept between set-ups, for how long, and how a kept one is answered.

A request may be answered from what is kept, and its answer may be kept, when it is a GET without credentials that does
not ask for a fresh answer or for a part. Of such a request upstream reads where it goes and what it accepts, nothing
else, and all of that is in the key: no header of one sandbox's request can shape what another sandbox is given.

Kept is a whole answer 200 that sets no cookie. What upstream declares immutable, or good for a day and more, is kept
as long as it says; everything else for at most five minutes, and not at all when upstream says so. Mirrors often drop
what upstream said: where nothing is said, the file of a package is taken to be the same for a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from bot.core.operations.isolation import Refusal

Headers = tuple[tuple[str, str], ...]  # names in lower case

DAY = 86_400.0
YEAR = 365 * DAY
SHORT = 300.0  # seconds: of index pages, at most
MAX_HEADERS = 16_384  # characters of an answer's, or it is not kept

_TARGET = re.compile(r"/[!-\"$-~]{0,8000}")  # printable, without "#"
_GIT_FETCH = re.compile(r"/[^?]*/git-upload-pack")
_ARCHIVES = r"whl|whl\.metadata|crate|gem|nupkg|conda|egg|jar|pom|aar|mod|zip|tgz|tar\.(?:gz|bz2|xz|zst)"
_PACKAGE = re.compile(rf"[^?]*/[^/?]*[0-9][^/?]*\.(?:{_ARCHIVES})", re.IGNORECASE)
_CHANGES = re.compile(r"SNAPSHOT|nightly|latest|/(heads|branches)/", re.IGNORECASE)
_PART = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_SECONDS = re.compile(r"\d{1,10}")
_HOP_BY_HOP = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "expect", "alt-svc"),
}
_CREDENTIALS = ("authorization", "cookie")
_NOT_KEPT = ("no-store", "no-cache", "private")


def value(headers: Headers, name: str) -> str:
    """All that a header says, in one line; "" where it is not there."""
    return ", ".join(content for key, content in headers if key == name)


def end_to_end(headers: Headers) -> Headers:
    """Without what is meant for one connection only."""
    named = {word.strip().lower() for word in value(headers, "connection").split(",")}
    return tuple((name, content) for name, content in headers if name not in _HOP_BY_HOP and name not in named)


# ------------------------------------------------------------------------------------------------------------ requests


@dataclass(frozen=True, slots=True)
class Request:
    """What a tool in a sandbox asks of a host. `authority`: the host, with its port where that is not the usual one."""

    method: str
    authority: str
    target: str
    headers: Headers

    @property
    def url(self) -> str:
        return f"https://{self.authority}{self.target}"

    @property
    def may_share(self) -> bool:
        """May it be answered with what is kept?"""
        asks = _directives(f"{value(self.headers, 'cache-control')},{value(self.headers, 'pragma')}")
        names = {name for name, _ in self.headers}
        return self.method in ("GET", "HEAD") and names.isdisjoint(_CREDENTIALS) and asks.keys().isdisjoint(_NOT_KEPT)

    @property
    def may_fill(self) -> bool:
        """May its answer be kept? Only of the whole: a part of a large file does not make us fetch all of it."""
        conditions = ("range", "if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range")
        return self.may_share and self.method == "GET" and not any(value(self.headers, name) for name in conditions)

    @property
    def key(self) -> str:
        accepts = (value(self.headers, name) for name in ("accept", "accept-encoding"))
        return "\n".join((self.url, *accepts))

    @property
    def shared_headers(self) -> Headers:
        """What upstream reads of a request whose answer may be kept: what is in the key, and who we are."""
        accepts = tuple((name, said) for name in ("accept", "accept-encoding") if (said := value(self.headers, name)))
        return (*accepts, ("user-agent", "Solvebot"))


def read_request(method: str, target: str, headers: Headers, authority: str) -> Request | Refusal:
    """A request that came through a tunnel to `authority`, which it must be meant for.

    Read are paths of that host, by GET and HEAD without a body; sent is nothing but git's question for what to fetch.
    """
    named = [content.strip().lower() for name, content in headers if name == "host"]
    if len(named) != 1 or named[0] not in (authority, authority if ":" in authority else f"{authority}:443"):
        return Refusal(421, f"this connection leads to {authority} and nowhere else")
    if not _TARGET.fullmatch(target):
        return Refusal(400, "the address cannot be read")
    names = {name for name, _ in headers}
    if method == "POST" and _GIT_FETCH.fullmatch(target):
        return Request(method, authority, target, headers)
    if method not in ("GET", "HEAD"):
        return Refusal(405, f"{method[:20]} is not passed on")
    if "transfer-encoding" in names or value(headers, "content-length").strip() not in ("", "0"):
        return Refusal(400, f"{method} takes no body")
    return Request(method, authority, target, headers)


def key_name(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


# ------------------------------------------------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    headers: Headers

    @property
    def length(self) -> int | None:
        """Of the body; None where it is not said beforehand."""
        said = value(self.headers, "content-length")
        return int(said) if said.isascii() and said.isdecimal() and len(said) < 16 else None

    @property
    def shown(self) -> Head:
        """To whoever asked."""
        return Head(self.status, end_to_end(self.headers))

    @property
    def to_keep(self) -> Headers:
        own = ("content-length", "age", "set-cookie")
        return tuple((name, content) for name, content in end_to_end(self.headers) if name not in own)


def lifetime(head: Head, target: str) -> float | None:
    """Seconds for which an answer is kept; None: not at all."""
    names = {name for name, _ in head.headers}
    if head.status != 200 or "set-cookie" in names or "*" in value(head.headers, "vary"):
        return None
    if sum(len(name) + len(content) for name, content in head.headers) > MAX_HEADERS:
        return None
    if head.length is None and "chunked" not in value(head.headers, "transfer-encoding").lower():
        return None  # it ends when the connection does: nobody could tell a whole answer from a cut one
    if names.isdisjoint(("cache-control", "expires", "pragma")):
        return DAY if is_package(target) else None
    return _declared(_directives(value(head.headers, "cache-control")), value(head.headers, "age"))


def is_package(target: str) -> bool:
    """Does the name say that it is one version of a package, and not the newest of something?"""
    path = target.partition("?")[0]
    return _PACKAGE.fullmatch(path) is not None and not _CHANGES.search(path)


def _declared(directives: dict[str, str], age: str) -> float | None:
    if not directives.keys().isdisjoint(_NOT_KEPT):
        return None
    if "immutable" in directives:
        return YEAR
    ages = [float(said) for name in ("max-age", "s-maxage") if _SECONDS.fullmatch(said := directives.get(name, ""))]
    if not ages:
        return None
    longest = min(ages)
    left = longest - (float(age) if _SECONDS.fullmatch(age) else 0.0)
    if left <= 0:
        return None
    return min(left, YEAR) if longest >= DAY else min(left, SHORT)


def _directives(text: str) -> dict[str, str]:
    parts = (part.partition("=") for part in text[:1000].split(","))
    return {name.strip().lower(): said.strip().strip('"') for name, _, said in parts if name.strip()}


@dataclass(frozen=True, slots=True)
class Part:
    """What is answered of a kept file: its bytes from `start` to before `stop`."""

    head: Head
    start: int
    stop: int


def answer(request: Request, kept: Headers, size: int, age: float) -> Part:
    """A kept file for whoever asks for it: whole, a part of it, or only that it has not changed."""
    headers = (*kept, ("age", str(int(max(age, 0.0)))))
    if _is_known(request, kept):
        return Part(Head(304, headers), 0, 0)
    match _part(request, kept, size):
        case None:
            return Part(Head(200, (*headers, ("content-length", str(size)))), 0, size)
        case start, stop if start < stop:
            place = (("content-length", str(stop - start)), ("content-range", f"bytes {start}-{stop - 1}/{size}"))
            return Part(Head(206, (*headers, *place)), start, stop)
        case _:
            return Part(Head(416, (("content-range", f"bytes */{size}"), ("content-length", "0"))), 0, 0)


def _is_known(request: Request, kept: Headers) -> bool:
    """Has the client the same already? Of dates only the very same one counts."""
    if known := value(request.headers, "if-none-match"):
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return "*" in tags or value(kept, "etag").removeprefix("W/") in tags - {""}
    changed = value(kept, "last-modified")
    return bool(changed) and value(request.headers, "if-modified-since") == changed


def _part(request: Request, kept: Headers, size: int) -> tuple[int, int] | None:
    """None: the whole, as also where more than one part is asked for, or nonsense; HTTP allows it."""
    match = _PART.fullmatch(value(request.headers, "range").strip())
    unless = value(request.headers, "if-range")
    if match is None or match.groups() == ("", "") or unless not in ("", value(kept, "etag")):
        return None
    first, last = match.groups()
    if not first:
        return max(size - int(last), 0), size
    stop = min(int(last) + 1, size) if last else size
    return None if last and int(last) < int(first) else (int(first), stop)


# ----------------------------------------------------------------------------------------------------------- eviction


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`used`: when it was last asked for. Several answers may have the same body."""

    name: str
    used: float
    body: str
    size: int  # bytes of both


def to_evict(answers: Iterable[KeptAnswer], limit: int) -> Sequence[str]:
    """What has to go so that the rest fits: whatever was not asked for the longest."""
    left, bodies, gone = limit, set[str](), []
    for kept in sorted(answers, key=lambda kept: kept.used, reverse=True):
        size = 0 if kept.body in bodies else kept.size
        if size > left:
            gone.append(kept.name)
            continue
        left -= size
        bodies.add(kept.body)
    return gone
