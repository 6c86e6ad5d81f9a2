"""What a terminal would have shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.text.terminal_text import as_shown


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("", ""),
        ("plain\n  text\t.\n", "plain\n  text\t.\n"),
        ("trailing  \n", "trailing  \n"),
        ("é 語 \U0001f600\n", "é 語 \U0001f600\n"),
        ("\x1b[31mred\x1b[0m and \x1b[1;38;5;12mbold\x1b[m\n", "red and bold\n"),
        ("dos\r\nlines\r\n", "dos\nlines\n"),
        ("\r\n\r\n", "\n\n"),
        ("  1 %\r 50 %\r100 %\n", "100 %\n"),
        ("downloading...\rdone\n", "doneloading...\n"),
        ("downloading...\r\x1b[Kdone\n", "done\n"),
        ("downloading...\x1b[2K\rdone\n", "done\n"),
        ("abc\x1b[1K\n", "\n"),
        ("abc\b\bX\n", "aXc\n"),
        ("\b\bX", "X"),
        ("one\ntwo\n\x1b[2Anew\nTWO\n", "new\nTWO\n"),
        ("one\n\x1b[1A\x1b[2Kuno\n", "uno\n"),
        ("a\x1b[3Cb", "a   b"),
        ("abcdef\x1b[3Dx", "abcxef"),
        ("abcdef\x1b[2Gx", "axcdef"),
        ("before\n\x1b[2J\x1b[Hafter\n", "before\nafter\n"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://a/b\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Btext\x1b=\x1b>", "text"),
        ("a\x00b\x07c\x0ed\x7f\x9b", "abcd"),
        ("cut off \x1b[", "cut off"),
        ("\x1b", ""),
        ("\x1b]never ends", ""),
        ("\x1b[99999Cx", " " * 200 + "x"),
    ],
)
def test_it_is_what_a_terminal_shows(output: str, shown: str) -> None:
    assert as_shown(output) == shown


def test_a_progress_bar_of_any_length_is_one_line() -> None:
    bar = "".join(f"\r\x1b[K{percent:3} % [{'#' * (percent // 2)}]" for percent in range(101))
    assert as_shown(f"{bar}\nready\n") == f"100 % [{'#' * 50}]\nready\n"


def test_codes_that_move_far_do_not_make_it_much_longer() -> None:
    hostile = "\x1b[99999C" * 5_000 + "x"
    assert len(as_shown(hostile)) < 11_000
    assert len(as_shown("x\x1b[A\x1b[200Gy\n" * 4_000)) < 64_000 * 20


@given(st.lists(st.sampled_from([*"\r\n\b\x1b[0a1;KmACG\t\x07\x00é", "\x1b[", "word"]), max_size=80))
def test_any_output_is_shown(parts: list[str]) -> None:
    shown = as_shown("".join(parts))
    assert not set(shown) & {"\x1b", "\r", "\b", "\x00", "\x07"}
    assert as_shown(shown) == shown


@given(st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs")) | st.just("\n")))
def test_plain_text_is_left_as_it_is(text: str) -> None:
    assert as_shown(text) == text
