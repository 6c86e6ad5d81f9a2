"""Replies: kind, with a reason and what to do, the limits of this server, and links that lead somewhere."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.core.choosing.experiments import ServerLimits
from bot.core.choosing.use_candidate import No
from bot.core.model import Decision, Draft, Limits, Outcome, Permission, PullRequestConfig, SolveFacts, Status
from bot.core.render import replies
from bot.core.trigger.commands import Misread, parse_commands
from tests.core import spoken
from tests.core.facts import decided, solve
from tests.core.spoken import CLEAN, status_comment

STRICT = ServerLimits(Limits(dollars=0.5, minutes=45), ("m",), max_attempts=2)
ONE = ServerLimits(Limits(dollars=3, minutes=120.5), ("m",), max_attempts=1)
GENEROUS = ServerLimits(Limits(dollars=5_000, minutes=10_000), ("m",), max_attempts=8)


@pytest.mark.parametrize(
    ("said", "server", "remedy"),
    [
        ("/solve attempts=99", STRICT, "Use `attempts=` with 1 to 2."),
        ("/solve attempts=none", ONE, "This server allows one attempt: `attempts=1`."),
        ("/solve attempts=99", GENEROUS, "Use `attempts=` with 1 to 8."),
        ("/solve budget=lots", STRICT, "Use US dollars, more than 0 and at most 0.50, as in `budget=0.50`."),
        ("/solve budget=0", ONE, "Use US dollars, more than 0 and at most 3, as in `budget=3`."),
        ("/solve budget=9999", GENEROUS, "Use US dollars, more than 0 and at most 1000, as in `budget=1000`."),
        ("/solve time=30", STRICT, "Use from `1m` to `45m`, with the unit, as in `time=45m`."),
        ("/solve time=never", ONE, "Use from `1m` to `2h`, with the unit, as in `time=2h`."),
        ("/solve time=99h", GENEROUS, "Use from `1m` to `24h`, with the unit, as in `time=24h`."),
        ("/solve temperature=9", STRICT, "Use numbers from 0 to 2, as in `temperature=0.7`."),
    ],
)
def test_a_remedy_tells_the_limits_of_this_server(said: str, server: ServerLimits, remedy: str) -> None:
    [misread] = parse_commands(said)
    assert isinstance(misread, Misread)
    assert replies.what_to_do(misread, server) == remedy
    advised = re.findall(r"`(\w+=[^`]+)`", remedy)
    assert not any(isinstance(command, Misread) for value in advised for command in parse_commands(f"/solve {value}"))


@pytest.mark.parametrize(
    ("server", "row", "options"),
    [
        (STRICT, "attempts=2` | with these models, that many attempts (1 to 2) |",
         "`budget=` dollars, at most 0.50, `time=` of one attempt, at most 45m"),
        (ONE, "attempts=1` | with these models, that many attempts (1 to 1) |",
         "`budget=` dollars, at most 3, `time=` of one attempt, at most 2h"),
        (GENEROUS, "attempts=4` | with these models, that many attempts (1 to 8) |",
         "`budget=` dollars, at most 1000, `time=` of one attempt, at most 24h"),
    ],
)  # fmt: skip
def test_help_tells_the_limits_of_this_server(server: ServerLimits, row: str, options: str) -> None:
    said = spoken.help_text([], ["solve-me"], server)
    assert f"| `/solve model=a,b {row}" in said
    assert options in said


COMMENTED = replace(decided(), comment_id=55)
STOPPED = replace(COMMENTED, status=Status.CANCELLED, decision=None)
AT = "octo/greet/issues/7#issuecomment-55"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (spoken.already_running(COMMENTED), f"[the status comment](https://github.com/{AT}) shows how far"),
        (spoken.already_running(COMMENTED, "https://git.example.org/"), f"](https://git.example.org/{AT}) shows"),
        (spoken.cancelled_reply(COMMENTED), f"says [what was done until then](https://github.com/{AT})."),
        (spoken.explanation(STOPPED), f"the status comment says [why](https://github.com/{AT})."),
        (spoken.already_running(decided()), "; the status comment shows how far"),
        (spoken.cancelled_reply(decided()), "Cancelled. The status comment says what was done until then."),
    ],
)
def test_a_comment_that_is_named_is_a_link(said: str, told: str) -> None:
    assert told in said
    assert "above" not in said


@pytest.mark.parametrize(("login", "whose"), [("ann", "ann's"), ("james", "james'"), ("a-b", r"a\-b's")])
def test_a_permission_that_cannot_be_checked_starts_nothing_and_says_what_to_do(login: str, whose: str) -> None:
    said = spoken.permission_unknown(login)
    assert said.startswith(f"I could not check {whose} permission, so I started nothing; try again in a minute.")


def test_what_broke_on_our_side_tells_people_to_ask_again() -> None:
    """Not to retry: there may be no solve yet."""
    said = replies.ours_broke("0c61985b-`x`")
    assert "please ask again in a minute" in said
    assert "/solve retry" not in said
    assert said.endswith("under `` 0c61985b-`x` ``.")


@pytest.mark.parametrize(
    ("number", "told"),
    [(1, "no candidate A"), (26, "no candidate Z"), (27, "no candidate 27"), (99, "no candidate 99")],
)
def test_a_candidate_that_is_not_there_is_named_as_people_do(number: int, told: str) -> None:
    assert told in spoken.not_usable(decided(), number, No.UNKNOWN)
    assert "You can use `B`." in spoken.not_usable(decided(), number, No.UNKNOWN)
    assert "No other candidate brought a patch." in spoken.not_usable(None, number, No.UNKNOWN)


def test_every_command_is_named_to_who_types_another() -> None:
    [misread] = parse_commands("/solve dance")
    assert isinstance(misread, Misread)
    named = re.findall(r"`(/solve [^`]+)`", misread.remedy)
    listed = re.findall(r"^\| `(/solve [\w#][^`=]*)` \|", spoken.help_text([], []), re.MULTILINE)
    assert sorted(named) == sorted(listed)
    assert not any(isinstance(command, Misread) for name in named for command in parse_commands(name))


def draft(outcome: Outcome, *doubts: str, asked: bool = False, config: Draft = Draft.AUTO) -> SolveFacts:
    facts = decided(outcome)
    assert facts.task is not None
    assert facts.pull_request is not None
    task = replace(facts.task, config=replace(facts.task.config, pull_request=PullRequestConfig(draft=config)))
    options = replace(facts.solve.options, draft=asked)
    decision: Decision = replace(facts.decision, uncertain=doubts)  # type: ignore[type-var, assignment]
    pull = replace(facts.pull_request, draft=True)
    return replace(facts, task=task, solve=replace(solve(), options=options), decision=decision, pull_request=pull)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (draft(Outcome.DRAFT, "One.", "Two."), "It is a draft, because:\n- One.\n- Two."),
        (draft(Outcome.DRAFT), "It is a draft: the evidence is not enough to call it ready."),
        (draft(Outcome.READY, "One.", asked=True), "It is a draft, as it was asked for."),
        (draft(Outcome.READY, "One.", config=Draft.ALWAYS), "It is a draft, as `.github/solvebot.yml` wants it."),
        (
            draft(Outcome.READY, "One."),
            "It is a draft, because the patch no longer applies to the base branch, which has moved on.",
        ),
    ],
)
def test_why_it_is_a_draft_is_the_reason_why(facts: SolveFacts, told: str) -> None:
    assert f"\n\n{told}\n\n" in status_comment(facts)


def every_reply() -> list[str]:
    facts = COMMENTED
    assert facts.pull_request is not None
    return [
        replies.not_allowed(CLEAN("ann"), Permission.READ, Permission.WRITE), spoken.permission_unknown("ann"),
        replies.robots_may_not_ask(), replies.issue_closed(), replies.issue_locked(), replies.not_an_issue(),
        replies.repository_archived(), replies.repository_empty(), replies.no_such_base(CLEAN("x")),
        replies.pull_request_open(facts.pull_request), spoken.already_running(facts), replies.nothing_to_retry(),
        *(spoken.not_usable(facts, 2, no) for no in No), replies.pull_request_not_open(9),
        replies.commits_of_people(facts.pull_request), replies.not_exchanged(CLEAN("")), replies.no_solve_yet(),
        replies.nothing_to_cancel(), spoken.status_reply(facts), spoken.cancelled_reply(facts),
        spoken.explanation(facts), spoken.explanation(STOPPED), replies.ours_broke("x"), spoken.help_text([], []),
        spoken.not_understood([("What.", "Remedy.")]), replies.config_problems("x", [(1, CLEAN("y"))]),
        status_comment(decided(Outcome.NONE)),
    ]  # fmt: skip


@pytest.mark.parametrize("said", every_reply())
def test_nobody_shrugs_or_points_upwards(said: str) -> None:
    assert "🤷" not in said
    assert "above" not in said
    assert "so the answer is no" not in said
