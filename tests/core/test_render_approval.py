"""What is said where a champion waits for approval."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.choosing.approval import Approval
from bot.core.choosing.approval_rules import No
from bot.core.model import Candidate, Status
from bot.core.render.approval import answered_already, not_approvable, nothing_to_answer
from bot.core.render.failure_reasons import not_approved
from bot.core.render.page_links import PageLinks
from bot.core.render.pull_request import pull_body
from bot.core.render.status import status_comment
from bot.core.text.outgoing import Redactor
from tests.core.facts import decided, run
from tests.core.test_approval_rules import ANN, APPROVED, REJECTED, WAITS, waiting

clean = Redactor().facts


def with_patch(patch: str) -> Candidate:
    candidate = run(1).candidate
    assert candidate is not None
    return replace(candidate, patch=patch)


def test_all_that_is_needed_to_decide_is_there() -> None:
    found = waiting(runs=(run(1, candidate=with_patch("-a\n+b")), run(2)))
    text = status_comment(clean(found))
    assert "✋ Nothing is published yet: candidate **A**, chosen from 2 attempts, waits for approval." in text
    assert "Nobody's answer by 5 December 2026 ends it, too." in text
    assert "`/solve approve B` opens it with B instead." in text
    assert "<summary>The change of candidate A: 1 file, +3 −1</summary>\n\n```diff\n-a\n+b\n```" in text
    assert "<summary>The change of candidate B: 1 file, +3 −1</summary>" in text
    assert "- Nobody else made the same change." in text
    linked = status_comment(clean(found), links=PageLinks("https://bot.example"))
    assert f"https://bot.example/solves/{found.id}" in linked


def test_a_large_change_is_cut_between_lines_and_what_nobody_sees_is_counted() -> None:
    patch = "\n".join(["+" + "x" * 99] * 1000)
    text = status_comment(clean(waiting(runs=(run(1, candidate=with_patch(patch)), run(2)))))
    assert "802 lines more, which did not fit here." in text
    hidden = status_comment(clean(waiting(runs=(run(1, candidate=with_patch("+a\u202eb\u200b")), run(2)))))
    assert "It holds 2 characters that nobody sees, left out here." in hidden
    assert len(text) < 65_536


def test_who_approved_stands_in_the_pull_request() -> None:
    body = pull_body(clean(replace(decided(), approval=APPROVED)), branch="b", verified=True)
    assert "Asked for by ann, approved by ann;" in body
    assert "approved by" not in pull_body(clean(decided()), branch="b", verified=True)


@pytest.mark.parametrize(
    ("approval", "said"),
    [
        (REJECTED, "ann rejected it: “no”"),
        (replace(REJECTED, why=""), "ann rejected it"),
        (WAITS, "nobody approved it within 14 days"),
    ],
)
def test_why_it_ended(approval: Approval, said: str) -> None:
    assert not_approved(approval) == said


def test_who_comes_later_is_told() -> None:
    assert "ann approved it already" in answered_already(APPROVED)
    assert "ann rejected it already" in nothing_to_answer(clean(waiting(REJECTED)), No.ANSWERED)
    cancelled = clean(waiting(status=Status.CANCELLED))
    assert "Nothing waits for approval here" in nothing_to_answer(cancelled, No.ANSWERED)
    assert "You can approve `A` and 1 more" not in not_approvable(clean(waiting()), 7, No.UNKNOWN)
    assert not_approvable(clean(waiting()), 7, No.UNKNOWN).endswith("You can approve `A`, `B`.")
    assert ANN.login == "ann"
