"""What forbids publishing, from what GitHub tells beforehand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.render.publish_precheck import not_permitted, not_publishable
from bot.core.text.outgoing import Clean
from bot.core.trigger.publish_precheck import Bar, BranchRule, Obstacle, Publishing, fits, obstacles, parents

BRANCH, MESSAGE = "solvebot/7-no-greeting", "Fix: No greeting\n\nFixes #7"


def rule(
    kind: str, operator: str = "", pattern: str = "", *, negate: bool = False, on_creation: bool = True
) -> BranchRule:
    return BranchRule(kind, operator, pattern, negate, on_creation)


@pytest.mark.parametrize(
    ("found", "bars"),
    [
        (Publishing(), []),
        (Publishing(in_the_way=("solvebot",)), [Obstacle(Bar.NAME, "solvebot")]),
        (Publishing(has_pull_requests=False), [Obstacle(Bar.NO_PULLS)]),
        (Publishing(rules=(rule("creation"),)), [Obstacle(Bar.CREATION)]),
        (Publishing(rules=(rule("creation"), rule("creation"))), [Obstacle(Bar.CREATION)]),
        (Publishing(rules=(rule("update"), rule("deletion"), rule("non_fast_forward"), rule("pull_request"))), []),
        (Publishing(rules=(rule("required_linear_history"), rule("never heard of"))), []),
        (Publishing(rules=(rule("required_signatures"),), signs=True), []),
        (Publishing(rules=(rule("required_signatures"),), signs=None), []),
        (Publishing(rules=(rule("required_signatures"),), signs=False), [Obstacle(Bar.SIGNATURE)]),
        (Publishing(rules=(rule("required_status_checks"),)), [Obstacle(Bar.CHECKS)]),
        (Publishing(rules=(rule("required_status_checks", on_creation=False),)), []),
        (
            Publishing(rules=(rule("branch_name_pattern", "starts_with", "feat/"),)),
            [Obstacle(Bar.BRANCH_NAME, "start with feat/")],
        ),
        (Publishing(rules=(rule("branch_name_pattern", "starts_with", "solvebot/"),)), []),
        (
            Publishing(rules=(rule("branch_name_pattern", "contains", "bot", negate=True),)),
            [Obstacle(Bar.BRANCH_NAME, "not contain bot")],
        ),
        (
            Publishing(rules=(rule("branch_name_pattern", "regex", "^(feat|fix)/"),)),
            [Obstacle(Bar.BRANCH_NAME, "match ^(feat|fix)/")],
        ),
        (Publishing(rules=(rule("branch_name_pattern", "regex", "^(solvebot|fix)/[0-9]+-"),)), []),
        (
            Publishing(rules=(rule("commit_message_pattern", "contains", "JIRA-"),)),
            [Obstacle(Bar.MESSAGE, "contain JIRA-")],
        ),
        (Publishing(rules=(rule("commit_message_pattern", "contains", "Fixes #"),)), []),
        (
            Publishing(rules=(rule("commit_author_email_pattern", "ends_with", "@corp.example"),), author="a@b.c"),
            [Obstacle(Bar.AUTHOR, "end with @corp.example")],
        ),
        (Publishing(rules=(rule("commit_author_email_pattern", "ends_with", "@corp.example"),)), []),
        (
            Publishing(in_the_way=("solvebot",), has_pull_requests=False, rules=(rule("creation"),)),
            [Obstacle(Bar.NAME, "solvebot"), Obstacle(Bar.NO_PULLS), Obstacle(Bar.CREATION)],
        ),
    ],
)
def test_obstacles(found: Publishing, bars: list[Obstacle]) -> None:
    assert obstacles(BRANCH, MESSAGE, found) == bars


@pytest.mark.parametrize(
    ("operator", "pattern", "text", "fit"),
    [
        ("ends_with", "-x", "a-x", True),
        ("ends_with", "-x", "a-y", False),
        ("regex", "[", "a", None),
        ("regex", "(a+)+$", "a" * 60, None),
        ("regex", "a*a*a*a*a*b", "a" * 60, None),
        ("regex", "a" * 201, "a", None),
        ("regex", "a{1,3}b", "aab", True),
        ("unknown", "a", "a", None),
    ],
)
def test_what_a_pattern_says_where_it_can_be_said(operator: str, pattern: str, text: str, fit: bool | None) -> None:
    assert fits(BranchRule("branch_name_pattern", operator, pattern), text) is fit


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(["regex", "contains", "starts_with", ""]))
def test_it_is_total(pattern: str, text: str, operator: str) -> None:
    assert fits(BranchRule("branch_name_pattern", operator, pattern), text) in (True, False, None)


@pytest.mark.parametrize(
    ("branch", "names"),
    [("a", []), ("solvebot/7-x", ["solvebot"]), ("a/b/c", ["a", "a/b"]), ("", []), ("/".join("a" * 1000), None)],
)
def test_names_that_leave_no_room(branch: str, names: list[str] | None) -> None:
    found = parents(branch)
    assert len(found) < 20 if names is None else found == names


def test_what_people_read() -> None:
    said = not_publishable(Clean(BRANCH), [Obstacle(bar, "solvebot") for bar in Bar])
    assert said.startswith("I could not publish what I find here, so I started nothing:\n\n- ")
    assert "There is a branch `solvebot`, so git allows none called `solvebot/7-no-greeting`." in said
    assert said.count("\n- ") == len(Bar)
    assert not_permitted(Clean("Accept it.")) == "I may not publish anything here, so I started nothing. Accept it."
    assert not_permitted(Clean("")) == "I may not publish anything here, so I started nothing."
