"""More of what a page of GitHub does not show: it reaches no agent; and what is shown, however odd, does."""

from __future__ import annotations

import time

import pytest

from bot.core.text.cleaning import clean_text, cleaned
from bot.core.text.unshown import Unshown

HIDDEN = [
    "a\n\n[^1]: b\n    HIDDEN",
    "a\n\n[^1]: b c\n\n    HIDDEN\n\n    HIDDEN too",
    "- a\n- [^1]: HIDDEN words",
    "> [^1]: HIDDEN words",
    "a[^1]\n\n[^1]: b c\n\n[^1]: HIDDEN words",
    "a `[^1]`\n\n[^1]: HIDDEN words",
    "```\n[^1]\n```\n\n[^1]: HIDDEN words",
    "a <!-- [^1] -->\n\n[^1]: HIDDEN words",
    "<ruby>a<rp>HIDDEN</rp></ruby>",
    "<div>a</div HIDDEN words>",
    "<div>a</ HIDDEN words></div>",
    "<div>\na <b c HIDDEN=',>\n</div>".replace("',", "1"),
    "[a](data:text/plain,HIDDEN)",
    "[a](JavaScript:HIDDEN)",
    "[a](<data:text/plain;HIDDEN>)",
    "```HIDDEN-WORDS-FOR-MACHINES\nx\n```",
    "~~~ HIDDEN_WORDS_FOR_MACHINES\nx\n~~~",
    "$\\href{HIDDEN}{a}$",
    "$\\unicode[HIDDEN]{x41}$",
    "$\\bbox[black]{HIDDEN}$",
    "$\\bbox[HIDDEN]{a}$",
    "$\\mathtip{a}{HIDDEN}$",
    "$\\texttip{a}{HIDDEN}$",
    '$\\mmlToken{mi}[mathcolor="white"]{HIDDEN}$',
    "$\\toggle{a}{HIDDEN}\\endtoggle$",
    "$\\gdef\\a{HIDDEN}$ $\\edef\\a{HIDDEN}$ $\\xdef\\a{HIDDEN}$",
    "$\\providecommand\\a{HIDDEN} \\DeclareMathOperator{\\b}{HIDDEN}$",
    "$\\color{#00000000}{HIDDEN}$",
    "$\\textcolor{#fff0}{HIDDEN}$",
    "$\\raise{-1000em}{HIDDEN}$",
    "$\\raisebox{-99em}{HIDDEN}$",
    "$\\kern{-1000em}\\text{HIDDEN}$",
    "$\\hspace{-9999px}\\text{HIDDEN}$",
    "$\\hskip -9999px \\text{HIDDEN}$",
    "```mermaid\ngraph TD\naccTitle: HIDDEN\naccDescr: HIDDEN\nA-->B\n```",
    "```mermaid\ngraph TD\naccDescr {\nHIDDEN\n}\nA-->B\n```",
    '```mermaid\ngraph TD\nA-->B\nclick A "https://x" "HIDDEN"\n```',
    "```mermaid\n---\nconfig: HIDDEN\n---\ngraph TD\n```",
]


@pytest.mark.parametrize("written", HIDDEN)
def test_what_is_not_shown_does_not_get_through(written: str) -> None:
    read = clean_text(f"before\n\n{written}")
    assert "HIDDEN" not in read
    assert read.startswith("before")


@pytest.mark.parametrize(
    "written",
    [
        "a[^1]\n\n[^1]: SHOWN words\n\n    SHOWN too",
        "a[^1] b[^2]\n\n[^1]: SHOWN words [^2]\n\n[^2]: SHOWN words",
        "[^1]: SHOWN words [^1]",
        "a\n\n    SHOWN = 1",
        "a[^1]\n\n[^1]: b c\n\nSHOWN\n\n    SHOWN = 1",
        "```objective-c\nSHOWN\n```",
        "```python-traceback\nSHOWN\n```",
        "```mermaid\ngraph TD\nSHOWN-->B\n```",
        "$\\hspace{2em} SHOWN$",
        "$\\kern 1pt SHOWN$",
        "$\\raise{1em}{SHOWN}$",
        "$\\color{#00000080}{SHOWN}$",
        "[SHOWN](https://example.org/data:a)",
        "a < b and c > SHOWN",
        "a </div SHOWN> b",
        "<picture>SHOWN<img src=x></picture>",
    ],
)
def test_what_is_shown_does(written: str) -> None:
    read = clean_text(f"before\n\n{written}")
    assert read.count("SHOWN") == written.count("SHOWN")


def test_footnotes_are_counted_once_however_long() -> None:
    found = cleaned("a\n\n[^1]: b c\n\n    d\n\n    e\n\n[^2]: word\n\n[^1]: f g")
    assert found.dropped == {Unshown.NOTE: 3}
    assert found.text == "a"


def test_names_of_languages_stay() -> None:
    for name in ("py", "c++", "c#", "objective-c", "html+erb", "python-traceback", "{.python}", "src/a.py:1"):
        assert clean_text(f"```{name}\nx\n```") == f"```{name}\nx\n```"


@pytest.mark.parametrize(
    "piece", ["<!-- [^1] ", "```mermaid\naccDescr {\n", "[^1]: a b\n\n    c\n\n", "</ a ", "<b c ", "`[^1]"]
)
def test_a_great_many_of_them_take_linear_time(piece: str) -> None:
    def cost(size: int) -> float:
        took = []
        for _ in range(3):
            before = time.process_time()
            clean_text(piece * (size // len(piece)))
            took.append(time.process_time() - before)
        return min(took)

    assert cost(60_000) < 50 * max(cost(6_000), 0.002)
