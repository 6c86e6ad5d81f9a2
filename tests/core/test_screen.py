"""Tables for the terminal: whole words in 80 columns, and whole lines in a pipe."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from bot import terminal_tables
from bot.agent.catalogue import CATALOGUE, PUBLISHED
from bot.core.model import Decision, Evidence, Gate, GateFailure, ModelSpec, Ranked, RunFacts, SolveFacts, Status
from tests.core.facts import decided, run

LONG_NAME = "devstral-small-2512"


def shown(table: Table, width: int) -> list[str]:
    said = StringIO()
    Console(file=said, width=width).print(table)
    return said.getvalue().splitlines()


def with_everything(facts: RunFacts) -> RunFacts:
    """Nothing of its evidence is short."""
    evidence = Evidence(
        facts.id, stable_passed=1234, stable_total=1239, regressions=tuple("abcde"), test_files=("tests/test_a.py",),
        own_tests_on_base=False, own_tests_on_candidate=None, files_changed=12, lines_changed=1234,
        agrees_with=tuple(run(other).id for other in range(2, 9)),
    )  # fmt: skip
    model = replace(facts.experiment.model, name=LONG_NAME)
    return replace(facts, experiment=replace(facts.experiment, model=model), evidence=evidence, dollars=0.1234)


@pytest.fixture
def eight() -> SolveFacts:
    facts = decided()
    runs = tuple(with_everything(run(number)) for number in range(1, 9))
    ranking = tuple(Ranked(each.id, place, "nothing reproduced", False) for place, each in enumerate(runs, 1))
    assert isinstance(facts.decision, Decision)
    return replace(facts, runs=runs, decision=replace(facts.decision, ranking=ranking))


def test_the_decision_loses_nothing_in_80_columns(eight: SolveFacts) -> None:
    lines = shown(terminal_tables.decision(eight), 80)
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    words = " ".join(lines).split()
    for word in ("broken", "B,", "$0.1234", "nothing", "reproduced", "1,234"):
        assert word in words
    assert LONG_NAME in shown(terminal_tables.decision(eight), 1000)[2].split()


def test_the_matrix_is_a_line_for_each_run(eight: SolveFacts) -> None:
    lines = shown(terminal_tables.matrix(eight), 80)
    assert len(lines) == 1 + len(eight.runs)
    assert max(map(len, lines)) <= 80
    for line in lines[1:]:
        assert line.split()[1:5] == [LONG_NAME, "baseline", "judged", "4"]


def test_judging_is_to_be_seen() -> None:
    working = replace(run(1, status=Status.RUNNING), evidence=None, last_command="pytest -q\nls")
    judging = replace(run(2), evidence=None)
    kept = replace(run(3), evidence=Evidence(run(3).id, stable_passed=5, stable_total=5, test_files=("t.py",)))
    out = replace(run(4), evidence=Evidence(run(4).id, gate_failures=(GateFailure(Gate.EMPTY, ""),)))
    facts = replace(decided(), runs=(working, judging, kept, out))
    lines = [" ".join(line.split()) for line in shown(terminal_tables.matrix(facts), 100)[1:]]
    assert [line.split("baseline ")[1] for line in lines] == [
        "running 4 $0.0100 pytest -q ls",
        "judging 4 $0.0200",
        "judged 4 $0.0300 5 of 5; own: not run → not run",
        "judged 4 $0.0400 out: it changes nothing",
    ]


def test_the_catalogue_that_a_server_starts_with_fits() -> None:
    lines = shown(terminal_tables.catalogue(CATALOGUE), 80)
    assert len(lines) == 1 + len(CATALOGUE)
    for spec, line in zip(CATALOGUE, lines[1:], strict=True):
        assert line.split()[:3] == [spec.name, spec.provider, spec.model_id]


def test_published_shares_fit_and_are_told_best_first() -> None:
    lines = shown(terminal_tables.published(PUBLISHED[::-1], CATALOGUE), 80)[1:]
    assert len(lines) == 1 + len(PUBLISHED)
    assert [line.split()[1] for line in lines[1:]] == [each.model for each in PUBLISHED]
    assert [each.prior for each in CATALOGUE if each.name == "deepseek-v3.2"] == [PUBLISHED[-1].share]


def test_a_catalogue_that_does_not_fit_goes_on_in_the_next_line_and_is_whole_in_a_pipe() -> None:
    long = ModelSpec("a" * 50, "provider", "b" * 50)
    assert "".join("".join(shown(terminal_tables.catalogue([long]), 80)).split()).count("b") == 50
    assert long.model_id in shown(terminal_tables.catalogue([long]), terminal_tables.PIPED)[1]
