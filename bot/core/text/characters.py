"""Text from outside as valid Unicode: JSON, YAML and what models write allow what UTF-8 does not.

Each border does this once; behind it every text can be encoded, stored, compared and sent.
"""

from __future__ import annotations

import unicodedata


def encodable(text: str) -> str:
    """Halves of a pair that stand beside each other are joined; one alone becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def holds_half_a_character(text: str) -> bool:
    """One alone, which `encodable` cannot mend."""
    return "\ufffd" in encodable(text) and "\ufffd" not in text


def is_same_label(one: str, other: str) -> bool:
    """GitHub takes two labels for one when only their case differs; people also type the same emoji in two ways."""
    return _label(one) == _label(other)


def _label(name: str) -> str:
    bare = encodable(name).translate(_SELECTORS).strip()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", bare).casefold())


_SELECTORS = dict.fromkeys((0xFE0E, 0xFE0F))
