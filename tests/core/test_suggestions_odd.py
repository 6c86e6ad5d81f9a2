"""Suggestions of the kinds that reviewers really write: odd fences, odd line ends, lines that are gone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Permission, RunId, Trigger, TriggerKind
from bot.core.model import Person as Who
from bot.core.text.suggestion_blocks import block_of
from bot.core.trigger.feedback import Said, Thread
from bot.core.trigger.revising import heard
from bot.core.trigger.suggestions import Suggestion, applied, suggested
from tests.core.test_suggestions import AT, task, thread


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("```suggestion\nx\n```", "x\n"),
        ("```suggestion\r\nx\r\ny\r\n```\r\n", "x\ny\n"),
        ("```suggestion\n```", ""),  # the lines are to go
        ("```suggestion\n\n```", "\n"),  # an empty line instead
        ("```suggestion\n  x  \n\n\ty\n```", "  x  \n\n\ty\n"),
        ("````suggestion\n```sh\nls\n```\n````", "```sh\nls\n```\n"),
        ("```suggestion\n~~~\n````", "~~~\n"),
        ("~~~suggestion\n```\n~~~", "```\n"),
        ("  ```suggestion\n    x\n y\n  ```", "  x\ny\n"),
        ("``` suggestion  \nx\n```   ", "x\n"),
        ("Nit, a typo:\n\n```suggestion\nx\n```\n\n", "x\n"),
        ("```suggestion\nx\n```\nAnd rename the file.", None),
        ("One.\n\nTwo.\n```suggestion\nx\n```", None),
        ("word " * 50 + "\n```suggestion\nx\n```", None),
        ("```suggestion\nx\n```\n```suggestion\ny\n```", None),  # either, or both?
        ("> ```suggestion\n> x\n> ```", None),
        ("- ```suggestion\n  x\n  ```", None),
        ("````md\n```suggestion\nx\n```\n````", None),  # shows how one is written
        ("    ```suggestion\n    x\n    ```", None),
        ("```suggestion\nx\n``", None),
        ("```suggestions\nx\n```", None),
        ("`suggestion`", None),
        ("x" * 30_000 + "\n```suggestion\nx\n```", None),
        ("", None),
    ],
)
def test_which_lines_a_comment_suggests(body: str, lines: str | None) -> None:
    assert block_of(body) == lines


@given(st.text(alphabet="`~> -\n\tsugetion x", max_size=200))
def test_no_comment_raises(body: str) -> None:
    block_of(body)
    block_of(f"```suggestion{body}")


def edited(text: str, *found: Suggestion) -> str | None:
    """The file with the patch."""
    candidate = applied(found, {"a.txt": text}, RunId("r"))
    if candidate is None:
        return None
    kept, shown = "", candidate.patch.split("\n@@ ", 1)[-1].partition("\n")[2]
    before = ""
    for line in shown.split("\n"):
        if line.startswith("\\") and not before.startswith("-"):
            kept = kept.removesuffix("\n")
        elif line.startswith("\\"):
            continue
        elif line and not line.startswith("-"):
            kept += f"{line[1:]}\n"
        before = line
    return kept


@pytest.mark.parametrize(
    ("text", "found", "then"),
    [
        ("one\ntwo\n", Suggestion("a.txt", 2, 2, "TWO\n"), "one\nTWO\n"),
        ("one\ntwo", Suggestion("a.txt", 2, 2, "TWO\n"), "one\nTWO"),
        ("one\ntwo", Suggestion("a.txt", 1, 2, "x\ny\n"), "x\ny"),
        ("one\ntwo", Suggestion("a.txt", 1, 1, "ONE\n"), "ONE\ntwo"),
        ("one\ntwo\nthree\n", Suggestion("a.txt", 2, 2, ""), "one\nthree\n"),
        ("one\r\ntwo\r\n", Suggestion("a.txt", 1, 1, "x\ny\n"), "x\r\ny\r\ntwo\r\n"),
        ("one\r\ntwo", Suggestion("a.txt", 2, 2, "x\ny\n"), "one\r\nx\r\ny"),
        ("one\ntwo\n", Suggestion("a.txt", 2, 2, "TWO\n", was="two"), "one\nTWO\n"),
        ("one\r\ntwo\r\n", Suggestion("a.txt", 2, 2, "TWO\n", was="two"), "one\r\nTWO\r\n"),
        ("one\ntwo\n", Suggestion("a.txt", 2, 2, "TWO\n", was="2"), None),  # another line than the reviewer saw
        ("caf\ufffd\ntwo\n", Suggestion("a.txt", 2, 2, "TWO\n"), None),  # in no encoding that we know
        ("one\n", Suggestion("a.txt", 1, 3, "x\n"), None),
    ],
)
def test_a_file_keeps_its_line_ends(text: str, found: Suggestion, then: str | None) -> None:
    assert edited(text, found) == then


def test_several_in_one_file_and_in_several() -> None:
    found = [
        Suggestion("a.txt", 1, 2, "x\n"),
        Suggestion("a.txt", 4, 4, "d\ne\nf\n"),
        Suggestion("b/c d.txt", 1, 1, "y\n"),
    ]
    candidate = applied(found, {"a.txt": "1\n2\n3\n4\n", "b/c d.txt": "one"}, RunId("r"))
    assert candidate is not None
    assert [(change.path, change.added, change.removed) for change in candidate.changes] == [
        ("a.txt", 4, 3),
        ("b/c d.txt", 1, 1),
    ]
    assert candidate.patch.count("diff --git ") == 2
    assert candidate.patch.endswith("+y\n\\ No newline at end of file\n")


BLOCK = "```suggestion\nTWO\n```"


def spoken(*said: Said, hunk: str = "@@ -1,2 +1,2 @@\n one\n+two", line: int | None = 2) -> Thread:
    return Thread("T", "a.txt", line, hunk, said)


def by(login: str, body: str, rank: int = 3) -> Said:
    return Said(abs(hash(login)) % 1000, login, body, AT, may_ask=True, rank=rank)


@pytest.mark.parametrize(
    ("about", "taken"),
    [
        (spoken(by("ann", BLOCK)), True),
        (spoken(by("ann", BLOCK), line=None), False),  # outdated, or on the other side
        (spoken(by("ann", BLOCK), hunk="@@ -1,2 +1,1 @@\n one\n-two"), False),
        (spoken(by("ann", BLOCK), by("bob", "No, leave it.", 3)), False),
        (spoken(by("carl", "Leave it.", 4), by("ann", BLOCK, 3)), False),  # who may more has said no
        (spoken(by("ann", "Leave it.", 3), by("carl", BLOCK, 4)), True),
        (spoken(replace(by("ann", BLOCK), altered=True)), False),
        (spoken(by("ann", BLOCK), replace(by("eve", "Buy my coin."), may_ask=False)), True),
    ],
)
def test_whose_suggestion_is_taken_to_the_letter(about: Thread, taken: bool) -> None:
    assert bool(suggested(task(about))) is taken


def test_the_line_that_the_reviewer_saw_is_remembered() -> None:
    [found] = suggested(task(spoken(by("ann", BLOCK))))
    assert found.was == "two"
    [crlf] = suggested(task(spoken(by("ann", BLOCK), hunk="@@ -1,2 +1,2 @@\n one\n+two\n")))
    assert crlf.was == "two"
    [unknown] = suggested(task(thread()))
    assert unknown.was is None


@pytest.mark.parametrize(
    ("body", "altered"),
    [
        (BLOCK, False),
        ("```suggestion\n<!-- a comment in HTML --> <b hidden>x</b>\n```", False),  # code is shown as it is
        ("```suggestion\nx\u202ey\n```", True),  # turns what stands behind it
        ("```suggestion\nx\u200by\n```", True),
        ("```suggestion\n" + "a line\n" * 900 + "```", True),  # too long to be kept whole
        ("```suggestion\ncafe\u0301\n```", True),  # another sequence of characters
        ("Words that hide <!-- something -->.", False),
    ],
)
def test_what_cleaning_changed_is_not_taken_to_the_letter(body: str, altered: bool) -> None:
    trigger = Trigger(TriggerKind.REVIEW, "v1", Who("ann", 1), AT, review=5)
    said = Said(1, "ann", body, AT, review=5)
    found = heard([spoken(said)], trigger, {"ann": Permission.WRITE}, Permission.WRITE)
    [kept] = found.threads
    assert kept.said[0].altered is altered
    assert bool(suggested(task(kept))) is (not altered and "```" in body)
