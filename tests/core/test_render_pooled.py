"""The tests of all and the chance, as people read them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from bot.core.choosing.phrases import confidence
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Outcome, SolveFacts
from bot.core.render.candidate_matrix import columns, how_sure, in_pool
from bot.core.render.evidence import findings, scoreboard
from tests.core.facts import decided, run
from tests.core.spoken import explanation, pull_body, status_comment

A, B = run(1).id, run(2).id
POOL = (
    PooledTest("tests.test_new::test_constant", Origin.CANDIDATE, B, (B,), (A,), "B's tests"),
    PooledTest("tests.test_new::test_one", Origin.CANDIDATE, B, (A, B), (), "B's tests"),
    PooledTest("test_issue::test_size", Origin.ISSUE, None, (A,), (B,), "from the issue"),
    PooledTest("repro.py", Origin.SCRIPT, A, (A,), (), "A's script repro.py"),
)
MARKDOWN = MarkdownIt("commonmark").enable("table")


def sure(chance: float = 0.66) -> SolveFacts:
    facts = decided()
    assert facts.decision is not None
    first, second = facts.decision.ranking
    ranking = (replace(first, confidence=chance), replace(second, confidence=0.12))
    return replace(facts, pool=POOL, decision=replace(facts.decision, confidence=chance, ranking=ranking))


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_scoreboard_has_a_column_for_each_group_of_tests_and_the_chance() -> None:
    head, _, first, second = cells(scoreboard(sure()))
    assert head == [
        "", "model, strategy", "stable tests", "its own tests", "from the issue", "B's tests", "A's script repro.py",
        "size", "likely right", "verdict",
    ]  # fmt: skip
    assert first[4:] == ["1 of 1", "1 of 2", "1 of 1", "1 file, 4 lines", "66 %", "**champion**"]
    assert second[4:] == ["0 of 1", "2 of 2", "–", "1 file, 4 lines", "12 %", "breaks 1 test"]


def test_what_is_known_of_nobody_has_no_column() -> None:
    assert cells(scoreboard(decided()))[0] == [
        "", "model, strategy", "stable tests", "its own tests", "size", "verdict"
    ]  # fmt: skip


def test_many_groups_share_the_last_column() -> None:
    many = tuple(replace(POOL[0], group=f"group {number}") for number in range(9))
    found = columns(replace(sure(), pool=many))
    assert [column.head for column in found] == ["group 0", "group 1", "group 2", "other tests"]
    assert found[-1].cell(B) == "6 of 6"


@pytest.mark.parametrize(
    ("index", "told"),
    [
        (1, "passes 3 of 4 tests of all candidates and from the issue alone; fails B's `test_constant`"),
        (2, "passes 2 of 3 tests of all candidates and from the issue alone; fails the issue's `test_size`"),
        (3, ""),
    ],
)
def test_how_one_did_in_a_sentence(index: int, told: str) -> None:
    assert in_pool(run(index), sure()) == told
    assert (f"- {told}" in findings(run(index), sure())) is bool(told)


@pytest.mark.parametrize(
    ("chance", "told"),
    [
        (0.01, "About one in twenty of such patches was right (1 %)"),
        (0.35, "About one in three of such patches was right (35 %)"),
        (0.5, "About one in two of such patches was right (50 %)"),
        (0.66, "About two in three of such patches were right (66 %)"),
        (0.8, "About four in five of such patches were right (80 %)"),
        (0.9, "About nine in ten of such patches were right (90 %)"),
    ],
)
def test_how_sure_in_words_and_as_a_number(chance: float, told: str) -> None:
    assert confidence(chance) == told
    assert how_sure(sure(chance).decision) == f"{told}."  # type: ignore[arg-type]


def test_everybody_who_reads_is_told_how_sure() -> None:
    sentence = "About two in three of such patches were right (66 %)."
    for text in (status_comment(sure()), pull_body(sure(), branch="b", verified=True), explanation(sure())):
        assert sentence in text


@pytest.mark.parametrize("facts", [decided(), decided(Outcome.NONE)])
def test_where_no_chance_was_stated_none_is_told(facts: SolveFacts) -> None:
    assert "of such patches" not in status_comment(facts)


def test_hostile_names_stay_in_their_cells() -> None:
    name = "x::a`|b\n@all [link](http://evil.example) #1"
    facts = replace(sure(), pool=(replace(POOL[0], name=name, group=name),))
    html = MARKDOWN.render(scoreboard(facts) + "\n\n" + findings(run(1), facts))
    assert html.count("<table") == 1
    assert html.count("<tr>") == 3
    assert "<a " not in html
    assert "http://evil" not in html.partition("<ul>")[0]
