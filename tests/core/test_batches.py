"""Several issues by one comment: what each may cost, and the table of what became of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.ids import SolveId
from bot.core.model import SolveFacts, SolveOptions, Status
from bot.core.render.batch import batch_comment
from bot.core.text.outgoing import CleanFacts, Redactor
from bot.core.trigger.batches import Batch, Entry, batch_id, first_of, shared
from tests.core.facts import NOW, decided, solve


@pytest.mark.parametrize(
    ("asked", "number", "each"), [(None, 3, None), (3.0, 3, 1.0), (1.0, 4, 0.25), (1.0, 1, 1.0), (1.0, 0, 1.0)]
)
def test_a_budget_is_for_all_of_them(asked: float | None, number: int, each: float | None) -> None:
    assert shared(SolveOptions(dollars=asked), number).dollars == each


def known(number: int, status: Status = Status.COMPLETED, **changes: object) -> SolveFacts:
    facts = replace(decided(), status=status, **changes)  # type: ignore[arg-type]
    return replace(facts, solve=replace(solve(), id=SolveId(f"s-{number}")))


def table(dollars: float | None, *rows: SolveFacts | str) -> str:
    entries, facts = [], dict[SolveId, CleanFacts]()
    for number, row in enumerate(rows, 1):
        if isinstance(row, str):
            entries.append(Entry(number, refusal=row))
        else:
            entries.append(Entry(number, row.id))
            facts[row.id] = Redactor().facts(row)
    issue = solve().issue
    return batch_comment(Batch(batch_id(issue, "c1"), issue, "ann", tuple(entries), NOW, dollars), facts)


def test_each_issue_has_a_line_and_each_refusal_its_reason() -> None:
    said = table(
        3.0,
        known(1),
        "This issue is closed. Reopen it | then ask again.",
        known(3, Status.RUNNING, decision=None, pull_request=None),
        known(4, Status.CANCELLED, ended_by="bob | @ann"),
        known(5, Status.FAILED, error="It broke."),
    )
    assert said.startswith("<!-- solvebot batch=b-2-7-c1 -->\n🧺 3 of 4 solves are over. 1 issue could not be started.")
    assert "| #1 | pull request #9 | $0.0300 |" in said
    assert "| #2 | not started: This issue is closed. Reopen it ¦ then ask again. |  |" in said
    assert "| #3 | comparing the candidates | $0.0300 |" in said
    assert "| #4 | cancelled: bob \\¦ @\u200bann | $0.0300 |" in said
    assert "| #5 | failed: It broke. | $0.0300 |" in said
    assert "$0.1200 of $3.00 spent" in said


def test_at_the_end_it_counts_pull_requests() -> None:
    assert "🧺 All is over: 1 pull request for 2 issues. 1 issue could not be started." in table(None, known(1), "No.")
    assert "🙅 Nothing was started. 2 issues could not be started." in table(None, "No.", "No.")


def test_of_more_than_are_taken_at_once_the_next_ones_are_named() -> None:
    first, left_out = first_of(range(1, 31))
    assert (first, left_out) == (tuple(range(1, 21)), tuple(range(21, 31)))
    assert first_of([7, 9]) == ((7, 9), ())
    assert first_of(range(1, 101))[1] == tuple(range(21, 41))
    batch = Batch("b", solve().issue, "ann", (Entry(1, SolveId("s-gone")),), NOW, left_out=(21, 22))
    assert "At most 20 issues are taken at once. `/solve #21 #22` takes the next ones." in batch_comment(batch, {})
    assert "at once" not in table(None, known(1))


def test_what_is_forgotten_meanwhile_keeps_its_line() -> None:
    batch = Batch("b", solve().issue, "ann", (Entry(1, SolveId("s-gone")),), NOW)
    assert "| #1 | forgotten |  |" in batch_comment(batch, {})
