"""What keys and tokens look like. One list for all who need it: the gate on patches, and redaction of logs and texts.

Only shapes that say what they are: an issuer's prefix, and enough characters behind it. No guessing by entropy: a hash
or a test vector is no reason to throw a fix away. Searching takes linear time: whatever may repeat without limit either
ends the match or starts only where a word starts, so that no place is scanned twice.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.core.text.readings import Reading, readings, squeezed

_WORD = r"(?<![A-Za-z0-9_-])"


@dataclass(frozen=True, slots=True)
class _Shape:
    """`hints`: a text that has none of these strings has no match; that is much quicker to see than the match."""

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


_SHAPES = (
    _Shape("a private key", ("-----BEGIN ",), re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY")),
    # GitHub's app tokens have had dots and up to 520 characters since 2026.
    _Shape("a GitHub token", ("ghs_",), re.compile(r"ghs_[A-Za-z0-9._-]{20,}")),
    _Shape("a GitHub token", ("ghp_", "gho_", "ghu_", "ghr_"), re.compile(r"gh[poru]_[A-Za-z0-9]{30,}")),
    _Shape("a GitHub token", ("github_pat_",), re.compile(r"github_pat_[A-Za-z0-9_]{40,}")),
    _Shape(
        "a GitLab token",
        ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-"),
        re.compile(_WORD + r"gl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{20,}"),
    ),
    # The key in Amazon's own documentation ends with EXAMPLE.
    _Shape("an AWS key", ("AKIA", "ASIA"), re.compile(_WORD + r"A[KS]IA(?!.{9}EXAMPLE)[A-Z2-7]{16}(?![A-Za-z0-9])")),
    _Shape("a Slack token", ("xox", "xapp-"), re.compile(r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{20,}")),
    _Shape(
        "a Slack webhook",
        ("hooks.slack.com/",),
        re.compile(r"hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}"),
    ),
    _Shape("a Google API key", ("AIza",), re.compile(r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
    _Shape("an API key", ("sk-ant-", "sk-or-"), re.compile(r"sk-(?:ant|or)-[A-Za-z0-9_-]{20,}")),
    _Shape(
        "an API key",
        ("sk-",),
        re.compile(_WORD + r"sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{40,})"),
    ),
    _Shape("an API key", ("gsk_", "hf_"), re.compile(_WORD + r"(?:gsk_[A-Za-z0-9]{40,}|hf_[A-Za-z]{34,})")),
    _Shape("an API key", ("xai-", "pplx-"), re.compile(_WORD + r"(?:xai|pplx)-[A-Za-z0-9]{40,}")),
    _Shape("an npm token", ("npm_",), re.compile(_WORD + r"npm_[A-Za-z0-9]{36,}")),
    _Shape("a PyPI token", ("pypi-AgE",), re.compile(_WORD + r"pypi-AgE[A-Za-z0-9_-]{50,}")),
    _Shape("a Docker token", ("dckr_",), re.compile(_WORD + r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}")),
    _Shape("a DigitalOcean token", ("_v1_",), re.compile(_WORD + r"do[opr]_v1_[0-9a-f]{64,}")),
    _Shape("a SendGrid key", ("SG.",), re.compile(_WORD + r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43,}")),
    _Shape("a Shopify token", ("shp",), re.compile(_WORD + r"shp(?:at|ca|pa|ss)_[0-9a-f]{32,}")),
    _Shape("a Linear key", ("lin_api_",), re.compile(_WORD + r"lin_api_[A-Za-z0-9]{40,}")),
    _Shape("a Vault token", ("hvs.",), re.compile(_WORD + r"hvs\.[A-Za-z0-9_-]{90,}")),
    _Shape("a Google secret", ("GOCSPX-",), re.compile(_WORD + r"GOCSPX-[A-Za-z0-9_-]{28,}")),
    _Shape("an age key", ("AGE-SECRET-KEY-1",), re.compile(_WORD + r"AGE-SECRET-KEY-1[A-Z0-9]{58,}")),
    _Shape("a Solvebot token", ("sbt_",), re.compile(_WORD + r"sbt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")),
    _Shape("an E2B key", ("e2b_",), re.compile(_WORD + r"e2b_[0-9a-f]{32,}")),
    _Shape("a Stripe key", ("k_live_",), re.compile(r"[rs]k_live_[A-Za-z0-9]{20,}")),
    _Shape(
        "a JSON Web Token",
        ("eyJ",),
        re.compile(_WORD + r"eyJ[A-Za-z0-9_-]{10,}+\.eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{20,}"),
    ),
)
# Base64, PEM headers and line ends, also escaped ones; a log may have cut off the end. Not a possessive repeat of a
# group: Python before 3.11.5 matches too little with it (python/cpython#106052), and Debian 12 has 3.11.2.
_KEY_BLOCK = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"[A-Za-z0-9+/=\s\\:,]*(?:-(?!----)[A-Za-z0-9+/=\s\\:,]*)*(?:-----END [A-Z0-9 ]{1,50}-----)?"
)
_SHORTEST_EXACT = 6  # characters; a shorter value would black out ordinary words
_SHORTEST_WRAPPED = 16  # letters and digits; fewer may stand in words beside each other
_SHORTEST_LINE = 40  # characters of a line that gives away a value of many lines
_SHORT = 64  # characters of a text whose redaction is remembered
_REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True)
class SecretMatch:
    """Where in the text, and what it looks like. The secret itself is not in here."""

    kind: str  # with its article: "a GitHub token"
    start: int
    end: int
    line: int  # 1-based


def find_secrets(text: str) -> list[SecretMatch]:
    """In the order of the text."""
    spans = sorted(
        (match.start(), match.end(), shape.kind)
        for shape in _SHAPES
        if any(hint in text for hint in shape.hints)
        for match in shape.pattern.finditer(text)
    )
    matches = []
    line, counted = 1, 0
    for start, end, kind in spans:
        line += text.count("\n", counted, start)
        counted = start
        matches.append(SecretMatch(kind, start, end, line))
    return matches


# Everybody knows them, from the documentation of who issues such tokens and from RFC 7519; nobody lets them in.
_EXAMPLES = (
    ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "AKIAI44QH8DHBEXAMPLE",
)
_PAYLOAD_OF_JWT_IO = ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9l"
_PLACEHOLDER = re.compile(r"example|placeholder|redacted|change[_-]?me|dummy|fake|your[_-]|not[_-]a?[_-]?real", re.I)
_COUNTED_UP = ("0123456789" * 3, "0123456789abcdef" * 2, "1234567890abcdef" * 2, "abcdefghijklmnopqrstuvwxyz0123456789")
_TOLD_BY = 16  # characters at its end
_FEWEST_CHARACTERS = 4  # that differ, in the end of one that is random
_SHORTEST_KEY = 60  # characters of base64; Ed25519's keys have 64
_FEWEST_IN_KEY = 16


def is_example(text: str, match: SecretMatch) -> bool:
    """Whether what looks like a secret is a known example, or something that stands for one.

    Tests and documentation need such values, and they open nothing. Decided by what it says, never by where it is. The
    beginning of a private key is none: what follows it has to be long enough for one.
    """
    found = text[match.start : match.end]
    if found.startswith("-----BEGIN "):
        block = _KEY_BLOCK.match(text, match.start)
        body = re.sub(r"[^A-Za-z0-9+/]", "", block[0].removeprefix(found)) if block else ""
        return len(body) < _SHORTEST_KEY or len(set(body)) < _FEWEST_IN_KEY
    if _PAYLOAD_OF_JWT_IO in found or any(example in found for example in _EXAMPLES):
        return True
    end = found[-_TOLD_BY:].casefold()
    return (
        _PLACEHOLDER.search(found) is not None
        or len(set(end)) < _FEWEST_CHARACTERS
        or any(end in row for row in _COUNTED_UP)
    )


def redact(text: str, exact: Collection[str] = ()) -> str:
    """Without `exact` values, and without what looks like a secret. A private key goes with its whole block.

    Both are looked for in what the text says to its readers: without what nobody sees, with escapes resolved. Values
    are also found in base64, in hex, and in pieces: wrapped over lines, between quotes or the cells of a table.

    No text says more than it has characters, so the shortest are looked at no closer; nor is a short one twice, such as
    the names of fields in every message of a conversation.
    """
    if len(text) < _SHORTEST_EXACT:
        return text
    return (_redacted_once if len(text) <= _SHORT else _redacted)(text, tuple(exact))


def _redacted(text: str, exact: tuple[str, ...]) -> str:
    spans: list[tuple[int, int]] = []
    forms, long = _forms(exact)
    for reading in readings(text):
        spans += [reading.origin(*span) for span in _secret_spans(reading.text)]
        spans += [reading.origin(*span) for span in _occurrences(reading.text, forms)]
        if _is_between_the_lines(reading, long):
            spaced = squeezed(reading)
            spans += [spaced.origin(*span) for span in _occurrences(spaced.text, long)]
    return _without(text, spans)


def holds_value(text: str, exact: Collection[str]) -> bool:
    """Whether one of these values stands in the text, in any of the ways in which `redact` finds it."""
    forms, long = _forms(tuple(exact))
    return any(
        any(form in reading.text for form in forms) or _is_between_the_lines(reading, long)
        for reading in readings(text)
    )


def _is_between_the_lines(reading: Reading, long: Sequence[str]) -> bool:
    if not long:
        return False
    flat = reading.text.encode("ascii", "ignore").translate(None, _SIGNS).decode()
    return len(flat) < len(reading.text) and any(form in flat for form in long)


_redacted_once = lru_cache(maxsize=4096)(_redacted)


def _secret_spans(text: str) -> Iterator[tuple[int, int]]:
    patterns = [shape.pattern for shape in _SHAPES if any(hint in text for hint in shape.hints)]
    for pattern in (_KEY_BLOCK, *patterns):
        yield from (match.span() for match in pattern.finditer(text))


def _occurrences(text: str, forms: Sequence[str]) -> Iterator[tuple[int, int]]:
    for form in forms:
        at = text.find(form)
        while at >= 0:
            yield at, at + len(form)
            at = text.find(form, at + len(form))


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts: list[str] = []
    position = 0
    for start, end in sorted(spans):
        if start >= position:
            parts += (text[position:start], _REDACTED)
        position = max(position, end)
    return "".join(parts) + text[position:] if parts else text


@lru_cache(maxsize=64)
def _forms(exact: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every way in which one of the values may stand in a text; then the letters and digits of those that are long.

    The longest come first.
    """
    forms: set[str] = set()
    for value in exact:
        secret = value.strip()
        if len(secret) < _SHORTEST_EXACT:
            continue
        raw = secret.encode("utf-8", "surrogatepass")
        lines = [line for line in secret.splitlines() if len(line) >= _SHORTEST_LINE]
        written = (value, secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], raw.decode("latin-1"), *lines)
        forms.update(written, ("".join(form.split()) for form in written), _encoded(raw))
    found = sorted((form for form in forms if len(form) >= _SHORTEST_EXACT), key=len, reverse=True)
    bare = dict.fromkeys(form.encode("ascii", "ignore").translate(None, _SIGNS).decode() for form in found)
    return tuple(found), tuple(form for form in bare if len(form) >= _SHORTEST_WRAPPED)


_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum())


def _encoded(raw: bytes) -> Iterator[str]:
    """As programs print bytes. Whatever stands between the digits is left out when they are looked for."""
    wide = raw.decode("latin-1").encode("utf-16-le")
    for digits in (raw.hex(), "0x".join(("", *(f"{byte:x}" for byte in raw))), wide.hex()):
        yield from (digits, digits.upper())
    yield base64.b32encode(raw).decode("ascii").rstrip("=")[:-1]
    yield repr(list(raw))
    yield base64.b64encode(wide).decode("ascii").rstrip("=")[:-1]
    yield from _base64(raw)
    yield from _base64(base64.b64encode(raw))


def _base64(raw: bytes) -> Iterator[str]:
    """What of its encoding does not depend on the bytes around it, at each of the three places it may begin."""
    for before in range(3):
        padded = bytes(before) + raw
        first, last = -(-before * 8 // 6), len(padded) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(padded).decode("ascii")[first:last]
