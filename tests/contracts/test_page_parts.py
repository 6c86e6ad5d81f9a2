"""What pages draw: colours of diffs, bars of log-odds, columns of a chart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Outcome
from bot.core.views import DecisionView, Term, Weighed
from bot.web.pages.bars import Bar, bars_of
from bot.web.pages.charts import HEIGHT, MOST_BARS, WIDTH, columns
from bot.web.pages.findings import findings
from bot.web.pages.highlighting import LANGUAGES, LONGEST, Span, shown
from tests.contracts.test_store import EVIDENCE


def patch(path: str, *lines: str) -> str:
    old = sum(line[0] != "+" for line in lines)
    new = sum(line[0] != "-" for line in lines)
    body = "\n".join(lines)
    return f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,{old} +1,{new} @@\n{body}\n"


def test_code_has_colours_and_other_files_have_none() -> None:
    [python] = shown(patch("a.py", "-x = 'old'", "+def f():  # why", "+    return 1"))
    assert python.lines[1].spans == (Span("x = "), Span("'old'", "s"))
    assert python.lines[2].spans[0] == Span("def ", "k")
    assert python.lines[2].spans[-1] == Span("# why", "c")
    [plain] = shown(patch("a.unknown", "+def f():"))
    assert plain.lines[1].spans == (Span("def f():"),)


def test_what_is_removed_opens_no_quotation_in_what_stays() -> None:
    [file] = shown(patch("a.py", '-x = """', " y = 1", "+z = 2"))
    assert [line.text for line in file.lines[1:]] == ['x = """', "y = 1", "z = 2"]
    assert Span("1", "n") in file.lines[2].spans


def test_a_very_long_file_has_no_colours() -> None:
    [file] = shown(patch("a.py", *(f"+x = '{'a' * 900}'" for _ in range(LONGEST // 900 + 1))))
    assert all(len(line.spans) == 1 for line in file.lines)


@settings(deadline=None)  # the first time each language is loaded
@given(st.sampled_from(sorted(LANGUAGES)), st.lists(st.text(st.characters(exclude_characters="\n")), max_size=8))
def test_colours_change_no_text(ending: str, lines: list[str]) -> None:
    [file] = shown(patch(f"a.{ending}", *(f"+{line}" for line in lines), "+end"))
    assert [line.text for line in file.lines[1:]] == [*lines, "end"]


def weighed(letter: str, **terms: float) -> Weighed:
    told = tuple(Term(name, value) for name, value in terms.items())
    return Weighed(letter, 1, "champion", True, 0.5, told, sum(terms.values()))


def test_bars_are_a_row_for_each_kind_of_evidence() -> None:
    view = DecisionView(
        Outcome.DRAFT, "A", "", 0.5, (), (), (), "", (weighed("A", prior=2.0, inert=-8.0), weighed("B", prior=-1.0))
    )
    bars = bars_of(view)
    assert (bars.letters, bars.totals) == (("A", "B"), (-6.0, -1.0))
    assert [(row.name, row.bars) for row in bars.rows] == [
        ("prior", (Bar(2.0), Bar(-1.0))),
        ("inert", (Bar(-8.0), None)),
    ]
    assert bars_of(None).rows == ()


@pytest.mark.parametrize(("value", "x", "width"), [(2.0, 0.0, 25.0), (-1.0, -12.5, 12.5), (40.0, 0.0, 50.0)])
def test_a_bar_stays_in_its_box(value: float, x: float, width: float) -> None:
    assert (Bar(value).x, Bar(value).width) == (x, width)


@given(st.lists(st.tuples(st.text(), st.floats(0, 1e9)), max_size=100))
def test_columns_stay_in_the_drawing(values: list[tuple[str, float]]) -> None:
    found = columns(values)
    assert len(found) <= MOST_BARS
    for column in found:
        assert 0 <= column.x <= WIDTH
        assert 0 <= column.y <= HEIGHT
        assert column.height <= HEIGHT


def test_findings_say_what_was_seen() -> None:
    told = dict(findings(EVIDENCE))
    assert told["Old tests"] == "1 of 2 still pass"
    assert told["Broken"] == "a"
    assert told["Repro"] == "exit 1 before, exit 0 after"
    assert "logo.png" in told["Out"]
    assert findings(None) == ()
