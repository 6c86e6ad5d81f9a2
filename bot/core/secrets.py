"""What keys and tokens look like. One list for all who need it: the gate on patches, and redaction of logs and texts.

Only shapes that say what they are: an issuer's prefix, and enough characters behind it. No guessing by entropy: a hash
or a test vector is no reason to throw a fix away. Searching takes linear time: whatever may repeat without limit either
ends the match or starts only where a word starts, so that no place is scanned twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

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
    _Shape("a GitLab token", ("glpat-",), re.compile(r"glpat-[A-Za-z0-9_-]{20,}")),
    # The key in Amazon's own documentation ends with EXAMPLE.
    _Shape("an AWS key", ("AKIA", "ASIA"), re.compile(_WORD + r"A[KS]IA(?!.{9}EXAMPLE)[A-Z2-7]{16}(?![A-Za-z0-9])")),
    _Shape("a Slack token", ("xox",), re.compile(r"xox[abeoprs]-[A-Za-z0-9-]{20,}")),
    _Shape("a Google API key", ("AIza",), re.compile(r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
    _Shape("an API key", ("sk-ant-", "sk-or-"), re.compile(r"sk-(?:ant|or)-[A-Za-z0-9_-]{20,}")),
    _Shape(
        "an API key",
        ("sk-",),
        re.compile(_WORD + r"sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{40,})"),
    ),
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


def redact(text: str, exact: Collection[str] = ()) -> str:
    """Without `exact` values, and without what looks like a secret. A private key goes with its whole block."""
    for secret in sorted(exact, key=len, reverse=True):
        if len(secret) >= _SHORTEST_EXACT:
            text = text.replace(secret, _REDACTED)
    text = _KEY_BLOCK.sub(_REDACTED, text)
    for shape in _SHAPES:
        if any(hint in text for hint in shape.hints):
            text = shape.pattern.sub(_REDACTED, text)
    return text
