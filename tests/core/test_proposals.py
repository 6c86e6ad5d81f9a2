"""When a text of the configuration may be proposed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Person, Repo
from bot.core.render.proposals import STARTER, WHY_NOT, body, opened, title
from bot.core.text.outgoing import Redactor
from bot.core.trigger.options import is_branch_name
from bot.core.trigger.proposals import Proposal, Unfit, mistakes_in, tidied, unfit

PROPOSAL = Proposal(Repo(1, 2, "octo/web"), ".github/solvebot.yml", "attempts: 2\n", True, Person("will", 7), "a01")


@pytest.mark.parametrize(
    ("text", "present", "expected"),
    [
        ("attempts: 2\n", None, None),
        ("attempts: 2\n", "attempts: 3\n", None),
        ("attempts: 2\n", "attempts: 2\r\n\r\n", Unfit.UNCHANGED),
        ("attempts: 2\n", "attempts: [", None),  # a file that cannot be read is what one mends
        ("", "attempts: 3\n", None),
        ("", None, Unfit.UNCHANGED),
        ("attempts: 99\n", None, Unfit.MISTAKES),
        ("attemps: 2\n", None, Unfit.MISTAKES),
        ("a: [\n", "a: [\n", Unfit.MISTAKES),
        ("x: &a 1\ny: *a\n", None, Unfit.MISTAKES),
        ("#" * 20_001, None, Unfit.TOO_LONG),
        ("test: ghp_0123456789abcdefghijABCDEFGHIJ012345\n", None, Unfit.SECRET),
    ],
)
def test_what_is_fit_to_be_proposed(text: str, present: str | None, expected: Unfit | None) -> None:
    assert unfit(text, present, Redactor()(text)) is expected


@given(st.text(), st.none() | st.text())
def test_any_text_is_answered(text: str, present: str | None) -> None:
    tidy = tidied(text)
    assert tidied(tidy) == tidy
    found = unfit(tidy, present, tidy)
    assert found is None or WHY_NOT[found]
    assert (found is Unfit.MISTAKES) >= bool(found is None and mistakes_in(tidy))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\r\nb", "a\nb\n"), ("a\rb\n\n", "a\nb\n"), ("  a\n", "  a\n"), ("", ""), (" \n\t", ""), ("é", "é\n")],
)
def test_ends_of_lines(text: str, expected: str) -> None:
    assert tidied(text) == expected


def test_what_the_editor_begins_with_holds_line_by_line() -> None:
    """Also with each line that is offered taken up."""
    assert mistakes_in(STARTER) == ()
    assert mistakes_in(re.sub(r"(?m)^# (?=\w+:)", "", STARTER)) == ()


def test_what_its_pull_request_says() -> None:
    assert title(PROPOSAL) == "Configure Solvebot"
    assert is_branch_name(PROPOSAL.branch)
    assert PROPOSAL.branch == "solvebot/configuration-a01"
    assert body(PROPOSAL, Redactor()("will")) == (
        "This adds `.github/solvebot.yml`. It was read without a mistake, and holds from the moment it is on the "
        "default branch.\n\n*will asked for this through Solvebot.*"
    )
    assert opened(7, "https://x/7") == "Pull request #7 is open: https://x/7"
