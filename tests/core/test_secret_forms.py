"""A secret in a form that nobody would type: found in texts that leave, and in patches.

The values are made up, and in pieces, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.candidate.gates import GatePolicy, check_gates
from bot.core.model import ChangeKind, Gate, GateFailure
from bot.core.text.secrets import holds_value, redact
from tests.core.test_gates import both, candidate, gates

KEY = "Zq7-kfW_93jd" + "Lw0pQmXyTbN5"
RAW = KEY.encode()
WIDE = KEY.encode("utf-16-le")
HALVES = KEY[:8], KEY[8:]

FORMS = {
    "octal": "".join(f"\\{byte:03o}" for byte in RAW),
    "Unicode in eight digits": "".join(f"\\U{byte:08x}" for byte in RAW),
    "Unicode in braces": "".join(f"\\u{{{byte:x}}}" for byte in RAW),
    "escape() of JavaScript": "".join(f"%u{byte:04x}" for byte in RAW),
    "quoted-printable": "".join(f"={byte:02X}" for byte in RAW),
    "a long entity": "&ZeroWidthSpace;".join(KEY),
    "base32": base64.b32encode(RAW).decode(),
    "base64 twice": base64.b64encode(base64.b64encode(RAW)).decode(),
    "base64 of UTF-16": base64.b64encode(WIDE).decode(),
    "UTF-16 in hex": WIDE.hex(),
    "hex with colons": RAW.hex(":"),
    "hex in C": ", ".join(hex(byte) for byte in RAW),
    "numbers": str(list(RAW)),
    "with signs": "-".join(KEY),
    "two strings": f'"{HALVES[0]}" + "{HALVES[1]}"',
    "two lines of a program": f'"{HALVES[0]}"\n    "{HALVES[1]}"',
    "two cells": f"| {HALVES[0]} | {HALVES[1]} |",
    "partly bold": f"{HALVES[0]}**{HALVES[1]}**",
    "quoted lines": f"> {HALVES[0]}\n> {HALVES[1]}",
    "two lines of a patch": f"+{HALVES[0]}\n+{HALVES[1]}",
    "a comment in the middle": f"{HALVES[0]}<!-- -->{HALVES[1]}",
    "wrapped by a shell": f"{HALVES[0]}\\\n{HALVES[1]}",
    "empty Braille": "\u2800".join(KEY),
    "full width": "".join(chr(ord(character) + 0xFEE0) for character in KEY),
    "combining marks": "\u0301".join(KEY),
    "a private code of a terminal": f"{HALVES[0]}\x1b[>4m{HALVES[1]}",
    "a short code of a terminal": f"{HALVES[0]}\x1b(B{HALVES[1]}",
    "a code of one byte": f"{HALVES[0]}\x9b31m{HALVES[1]}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_it_is_cut_out_of_what_leaves(form: str) -> None:
    said = redact(f"before: {form} . after", [KEY])
    assert said.startswith("before")
    assert said.endswith("after")
    assert "[redacted]" in said
    assert form not in said
    assert holds_value(f"before: {form} . after", [KEY])


@pytest.mark.parametrize("form", [KEY, base64.b64encode(b"key: " + RAW + b"\n").decode(), *FORMS.values()])
def test_no_candidate_publishes_the_servers_own_secret(form: str) -> None:
    """Whatever it looks like: an agent that got hold of it has written it into a file."""
    leak = candidate("notes.txt", added=form, kind=ChangeKind.ADDED)
    assert check_gates(leak, GatePolicy(secrets=(KEY,))) == (GateFailure(Gate.SECRET, "a secret of this server"),)
    assert gates(leak, GatePolicy(secrets=("another-one-altogether",))) == []
    assert KEY not in repr(GatePolicy(secrets=(KEY,)))


def test_it_is_found_in_names_and_in_pieces() -> None:
    policy = GatePolicy(secrets=(KEY,))
    named = candidate(f"fixtures/{KEY}.txt", added="x", kind=ChangeKind.ADDED)
    pieces = both(candidate("a.txt", added=HALVES[0]), candidate("b.txt", added=HALVES[1]))
    assert gates(named, policy) == [Gate.SECRET]
    assert gates(candidate("a.txt", added=f"{HALVES[0]}\n{HALVES[1]}"), policy) == [Gate.SECRET]
    assert gates(pieces, policy) == [Gate.SECRET]
    assert gates(candidate("a.txt", added="x", removed=f"key = '{KEY}'"), policy) == []
    assert gates(candidate("a.txt", added=f"k = '{KEY}'", removed=f"key = '{KEY}'"), policy) == []


@pytest.mark.parametrize(("password", "out"), [("postgres", []), ("development", []), ("correct-horse", [Gate.SECRET])])
def test_a_password_that_is_a_word_forbids_nobody_to_use_the_word(password: str, out: list[Gate]) -> None:
    assert gates(candidate(added=f"url = '{password}'"), GatePolicy(secrets=(password,))) == out


@pytest.mark.parametrize(
    "text",
    ["x=10 and y=20", "a\\101b", "100%u and 5%", "&nosuchentityatall;", "naïve e\u0301", "1, 2, 3", "0x10, 0x20"],
)
def test_all_other_text_stays(text: str) -> None:
    assert redact(text, [KEY]) == text


@given(st.text(st.sampled_from("=%u\\U{}0141&;\u0301\uff21\x1b[(B\x9b "), max_size=60))
def test_whatever_is_escaped_can_be_read(text: str) -> None:
    redact(text, [KEY])
    assert not holds_value(text, [KEY])
