"""What is put back as it was, and what may have been meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.candidate.restoring import Asked, Aspect, PutBack, as_it_was, asked_for, in_its_encoding
from bot.core.render import failure_reasons

DOS = b"a\r\nb\r\nc\r\n"
UNIX = b"a\nb\nc\n"
MIXED = b"a\nb\r\nc\n"
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("old", "new", "restored"),
    [
        (DOS, UNIX, DOS),
        (UNIX, DOS, UNIX),
        (MIXED, UNIX, MIXED),
        (MIXED, DOS, MIXED),
        (DOS, b"a\nx\nc\n", b"a\r\nx\r\nc\r\n"),
        (DOS, b"a\r\nx\nb\r\nc\r\n", b"a\r\nx\r\nb\r\nc\r\n"),  # a line typed with LF
        (UNIX, b"a\r\nx\r\nb\r\nc\r\n", b"a\nx\nb\nc\n"),  # written by an editor with CRLF
        (UNIX, b"a\nx\r\nb\nc\n", b"a\nx\r\nb\nc\n"),  # one line with CRLF: may be meant
        (MIXED, b"a\nx\r\nb\r\nc\n", b"a\nx\r\nb\r\nc\n"),
        (DOS, b"a\nb\nc", DOS),
        (UNIX, b"a\nb\nx", b"a\nb\nx\n"),
        (MIXED, b"a\nb\r\nx", b"a\nb\r\nx\n"),
        (b"a\r\nb", b"a\nb\nc\n", b"a\r\nb\r\nc\r\n"),
        (b"a\nb", b"a\nb\n", b"a\nb"),
        (b"a\nb", b"a\nb\nc\n", b"a\nb\nc\n"),
        (b"a\nb", b"a\nx", b"a\nx"),
        (b"a\n\nb\n", b"a\r\n\r\nb\r\n", b"a\n\nb\n"),
        (b"a\na\r\n", b"a\r\na\r\n", b"a\r\na\r\n"),  # a text with both ends in the base
        (b"caf\xe9\r\n", b"caf\xe9\n", b"caf\xe9\r\n"),
        (BOM + UNIX, UNIX, BOM + UNIX),
        (UNIX, BOM + UNIX, UNIX),
        (BOM + DOS, b"a\nx\n", BOM + b"a\r\nx\r\n"),
        (BOM + UNIX, b"", b""),
        (b"", DOS, DOS),
        (UNIX, b"", b""),
        (b"a\r\n\0", b"a\n\0", b"a\n\0"),
        (b"a\r\n", b"a\n\0", b"a\n\0"),
        (b"a\rb\n", b"a\rb\r\n", b"a\rb\n"),
    ],
)
def test_line_ends_are_the_files(old: bytes, new: bytes, restored: bytes) -> None:
    assert as_it_was(old, new) == restored


def test_a_task_about_line_ends_may_change_nothing_else() -> None:
    asked = Asked(line_ends=True)
    assert as_it_was(DOS, UNIX, asked) == UNIX
    assert as_it_was(DOS, b"a\nx\nc\n", asked) == b"a\r\nx\r\nc\r\n"


@given(st.binary(), st.binary())
def test_nothing_but_line_ends_and_marks_is_touched(old: bytes, new: bytes) -> None:
    restored = as_it_was(old, new)
    texts = [each.removeprefix(BOM).replace(b"\r\n", b"\n").removesuffix(b"\n") for each in (restored, new)]
    assert texts[0] == texts[1]
    assert as_it_was(old, old) == old


LATIN = "café\nnaïve\nplain\n".encode("latin-1")


@pytest.mark.parametrize(
    ("old", "new", "restored"),
    [
        (LATIN, "café\nnaïve\nplain\n".encode(), LATIN),
        (LATIN, "caf\ufffd\nna\ufffdve\nplain\n".encode(), LATIN),
        (LATIN, b"caf\nnave\nplain\n", LATIN),
        (LATIN, "café\nnaïve\nother\n".encode(), "café\nnaïve\nother\n".encode("latin-1")),
        (LATIN, "café\r\nnaïve\r\n".encode(), "café\r\nnaïve\r\n".encode("latin-1")),
        ("“x”\n".encode("cp1252"), "“x”\n".encode(), "“x”\n".encode("cp1252")),
        (LATIN, "thé\n".encode(), "thé\n".encode()),  # a new line: not ours to say what it is in
        ("café\n".encode(), "caf\ufffd\n".encode(), "caf\ufffd\n".encode()),  # it was UTF-8
        (LATIN + b"\0", "café\n".encode() + b"\0", "café\n".encode() + b"\0"),
    ],
)
def test_lines_that_were_only_written_in_another_encoding(old: bytes, new: bytes, restored: bytes) -> None:
    assert in_its_encoding(old, new) == restored


def test_a_task_about_encodings_may_change_nothing_else() -> None:
    utf8 = "café\nnaïve\nplain\n".encode()
    assert in_its_encoding(LATIN, utf8, Asked(encoding=True)) == utf8
    assert in_its_encoding(LATIN, utf8 + b"x\n", Asked(encoding=True)) == LATIN + b"x\n"


@given(st.binary(), st.binary())
def test_any_bytes_have_an_encoding(old: bytes, new: bytes) -> None:
    assert in_its_encoding(old, old) == old
    in_its_encoding(old, new)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("It crashes for empty names", Asked()),
        ("The users lack permission to read; mode is wrong; eolian", Asked()),
        ("run.sh is not executable", Asked(modes=True)),
        ("chmod +x run.sh", Asked(modes=True)),
        ("the executable bit got lost", Asked(modes=True)),
        ("bash: ./run.sh: Permission denied", Asked(modes=True)),
        ("should be 0755", Asked(modes=True)),
        ("make build.sh runnable", Asked(modes=True)),
        ("Normalise line endings to LF", Asked(line_ends=True)),
        ("files with CRLF are broken", Asked(line_ends=True)),
        ("CR/LF", Asked(line_ends=True)),
        (r"the reader leaves \r\n", Asked(line_ends=True)),
        ("use dos2unix", Asked(line_ends=True)),
        ("no newline at the end of file", Asked(line_ends=True)),
        ("starts with a BOM", Asked(line_ends=True)),
        ("a byte order mark", Asked(line_ends=True)),
        ("convert it to UTF-8", Asked(encoding=True)),
        ("wrong encoding of umlauts", Asked(encoding=True)),
    ],
)
def test_what_a_task_speaks_of(text: str, asked: Asked) -> None:
    assert asked_for(["title", text]) == asked


def test_it_is_said() -> None:
    done = (PutBack("a.txt", Aspect.LINE_ENDS), PutBack("run.sh", Aspect.MODE), PutBack("b.txt", Aspect.LINE_ENDS))
    assert failure_reasons.put_back(done) == (
        "Changed by the way and put back as it was: the line ends of a.txt, b.txt; the executable bit of run.sh."
    )
    assert failure_reasons.changes_modes(["run.sh"]) == "It changes whether files are executable: run.sh."
