"""What people read, looked at as Markdown renders it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from markdown_it import MarkdownIt

from bot.core.environment.help import FOUND_BY_AGENT
from bot.core.evidence.behaviour import Behaviour, Probed
from bot.core.model import (
    Answer,
    ChangeKind,
    Compared,
    Consulted,
    Evidence,
    ExitStatus,
    Gate,
    GateFailure,
    IssueTests,
    ModelSpec,
    Outcome,
    Person,
    PullRequest,
    RunFacts,
    Sha,
    SolveFacts,
    Status,
    Toolchain,
    Usage,
)
from bot.core.render.evidence import run_state
from bot.core.render.pull_request import branch_pattern, signed_off
from bot.core.render.status import status_marker
from bot.core.render.text import MAX_BODY, block, code, details, dollars, duration, fitted, harmless, shortened
from bot.core.resilience.circuit_breaker import Outage
from bot.core.solve_status import Phase, is_unpublished, phase
from tests.core.facts import decided, run, solve
from tests.core.spoken import (
    branch_name,
    commit_message,
    explanation,
    help_text,
    not_understood,
    pull_body,
    pull_title,
    status_comment,
    status_reply,
)

HOSTILE = (
    "@everyone closes #1 <img src=x onerror=y> [link](http://evil.example) `code` | pipe\nGH-2 www.evil.example **b**"
)
MARKDOWN = MarkdownIt("commonmark").enable("table")


@pytest.mark.parametrize(
    "text", [HOSTILE, "closes https://github.com/o/r/issues/1", "&lt;b&gt;", "#1", "# Head", "- x"]
)
def test_outside_text_becomes_nothing_but_text(text: str) -> None:
    html = MARKDOWN.render(harmless(text))
    for tag in ("<a ", "<img", "<code", "<strong", "<h1", "<li", "<table"):
        assert tag not in html
    for trigger in ("@everyone", "#1", "://", "GH-2", "www.evil"):
        assert trigger not in html


@pytest.mark.parametrize("text", [HOSTILE, "``` `` `", "`", "a|b\nc", "`` ` ``", " x "])
def test_code_is_one_span_whatever_it_holds(text: str) -> None:
    html = MARKDOWN.renderInline(code(text))
    assert html.startswith("<code>")
    assert html.endswith("</code>")
    assert html.count("<code>") == 1
    assert "|" not in code(text)


def test_a_block_cannot_be_closed_from_inside() -> None:
    html = MARKDOWN.render(block("```\n@all\n````\n", "sh"))
    assert html.count("<pre>") == 1
    assert "@all" in html


def test_shortened_says_what_it_left_out_and_keeps_the_limit() -> None:
    for limit in (60, 100, 5000):
        text = shortened("x" * 10_000, limit)
        assert len(text) <= limit
        assert "left out" in text
    assert shortened("short", 60) == "short"


def test_a_comment_fits_and_keeps_its_marker() -> None:
    body = fitted("line\n" * 40_000, "<!-- m -->")
    assert len(body) <= MAX_BODY
    assert body.startswith("<!-- m -->\n")
    assert "cut here" in body


@pytest.mark.parametrize(
    "body",
    [
        details("Long", block("x\n" * 40_000, "sh", 70_000)),
        details("Long", block("````\n```\n</details>\n" * 40_000, "", 70_000)),
        details("Short", "y") + "\n\n" + details("Long", "text\n\n" * 20_000),
        block("<details>\n" * 20_000, "", 70_000),
    ],
)
def test_what_is_cut_swallows_nothing_of_what_is_said_below(body: str) -> None:
    html = MarkdownIt("commonmark").render(fitted(body, "<!-- m -->"))
    assert html.endswith("<p><em>This text was too long for GitHub and was cut here.</em></p>\n")
    visible_tags = html.replace("&lt;details&gt;", "")
    assert visible_tags.count("<details>") == visible_tags.count("</details>")
    assert len(fitted(body, "<!-- m -->")) <= MAX_BODY


def test_what_differs_from_the_runner_up_is_shown_and_nothing_in_it_is_active() -> None:
    known = decided()
    a, b = (each.id for each in known.runs)
    probed = Probed(
        ("f(1, 2)", "g('`@ann`')"),
        1,
        ("raises ZeroDivisionError: division by zero", "returns '<b>|'"),
        (
            Behaviour(a, ("raises ValueError: @ann", "does not end")),
            Behaviour(b, ("returns [1.0]", "returns '#1'")),
        ),
    )
    body = pull_body(replace(known, probed=probed), branch="solvebot/7", verified=True)
    assert "With the same input the two differ:" in body
    first = "- `f(1, 2)`: **A** raises `ValueError`, **B** returns `[1.0]`; "
    first += "before any change it raises `ZeroDivisionError`."
    assert first in body.splitlines()
    second = "- ``g('`@ann`')``: **A** does not end, **B** returns `'#1'`; before any change it returns `'<b>¦'`."
    assert second in body.splitlines()
    assert "differ:" not in pull_body(known, branch="solvebot/7", verified=True)


@pytest.mark.parametrize(("amount", "text"), [(0, "$0.0000"), (0.00214, "$0.0021"), (2, "$2.0000"), (12.345, "$12.35")])
def test_dollars(amount: float, text: str) -> None:
    assert dollars(amount) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (48, "48 s"), (180, "3 min"), (7920, "2 h 12 min")])
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def second(**changes: object) -> RunFacts:
    """A run of another round."""
    return run(3, experiment=replace(run(3).experiment, round=2), **changes)


def test_what_was_decided_before_the_second_round_is_not_told_during_it() -> None:
    facts = replace(decided(), status=Status.RUNNING, runs=(run(1), run(2), second(status=Status.RUNNING)))
    assert "It keeps all 5 stable tests" in status_comment(replace(facts, runs=(run(1), run(2))))
    assert "It keeps all 5 stable tests" not in status_comment(facts)


@pytest.mark.parametrize(
    ("facts", "expected", "words"),
    [
        (SolveFacts(solve()), Phase.ACCEPTED, "On it, **ann**"),
        (replace(decided(), status=Status.RUNNING, baseline=None, runs=(), decision=None, pull_request=None),
         Phase.PREPARING, "before anything is changed"),
        (replace(decided(), status=Status.RUNNING, runs=(run(1, status=Status.RUNNING),), decision=None,
                 pull_request=None), Phase.RUNNING, "1 attempt at work"),
        (replace(decided(), status=Status.RUNNING, decision=None, pull_request=None),
         Phase.COMPARING, "run on the tests of all"),
        (replace(decided(), status=Status.RUNNING, runs=(run(1), run(2, evidence=None)), decision=None,
                 pull_request=None), Phase.DECIDING, "Comparing"),
        (replace(decided(), status=Status.RUNNING, runs=(run(1), run(2, candidate=None)), decision=None,
                 pull_request=None), Phase.DECIDING, "Comparing"),
        (replace(decided(), status=Status.RUNNING, pull_request=None), Phase.PUBLISHING, "champion is chosen"),
        (replace(decided(), status=Status.RUNNING, runs=(run(1), run(2), second(status=Status.RUNNING)),
                 pull_request=None),
         Phase.RUNNING, "1 attempt at work in its own sandbox, round 2. I will judge by running tests. They know"),
        (replace(decided(), status=Status.RUNNING, runs=(run(1), run(2), second()), pull_request=None),
         Phase.COMPARING, "run on the tests of all"),
        (replace(decided(), status=Status.RUNNING, runs=(run(1), run(2), second(candidate=None)), pull_request=None),
         Phase.COMPARING, "run on the tests of all"),
        (replace(decided(), runs=(run(1), second())),
         Phase.PUBLISHED, "chosen from 2 attempts in 2 rounds"),
        (decided(), Phase.PUBLISHED, "Opened pull request #9 with candidate **A**, chosen from 2 attempts"),
        (decided(Outcome.NONE), Phase.NO_CHAMPION, "No pull request this time"),
        (replace(decided(), status=Status.FAILED, error="The model key was refused.", incident="s-2-7-l1"),
         Phase.FAILED, "The model key was refused"),
        (replace(decided(), status=Status.FAILED, pull_request=None),
         Phase.FAILED, "Candidate **A** is kept: `/solve retry` only tries to publish it again."),
        (replace(decided(), status=Status.FAILED,
                 pull_request=PullRequest(0, "https://x/compare/main...b?expand=1", "b", Sha("b" * 40), False)),
         Phase.FAILED, "is on the branch `b`: [open the pull request yourself](https://x/compare/main...b?expand=1)."),
        (replace(decided(), status=Status.CANCELLED, ended_by="ann closed the issue"),
         Phase.CANCELLED, "ann closed the issue"),
    ],
)  # fmt: skip
def test_the_status_comment_at_every_point_of_a_life(facts: SolveFacts, expected: Phase, words: str) -> None:
    assert phase(facts) is expected
    body = status_comment(facts)
    assert body.startswith(status_marker(facts.id))
    assert words in body
    assert "None" not in body


AWAY = Outage("e2b", datetime(2026, 11, 21, 12, 3, 59, tzinfo=UTC))
SETTING_UP = replace(decided(), status=Status.RUNNING, baseline=None, runs=(), decision=None, pull_request=None)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (SolveFacts(solve()), True),
        (SETTING_UP, True),
        (replace(SETTING_UP, baseline=decided().baseline, runs=(run(1, status=Status.RUNNING),)), True),
        (replace(decided(), status=Status.RUNNING, decision=None, pull_request=None), True),
        (replace(decided(), status=Status.RUNNING, pull_request=None), False),
        (decided(), False),
        (decided(Outcome.NONE), False),
        (replace(decided(), status=Status.FAILED), False),
        (replace(decided(), status=Status.CANCELLED), False),
    ],
)
def test_those_who_wait_for_sandboxes_are_told_so(facts: SolveFacts, said: bool) -> None:
    sentence = (
        "The service that lends us sandboxes has not answered since 12:03 UTC on 2026-11-21. "
        "Nothing is lost: what needs one waits, and goes on by itself."
    )
    assert f"<blockquote>\n<p>⏳ {sentence}</p>\n</blockquote>" in MARKDOWN.render(status_comment(SETTING_UP, AWAY))
    assert (sentence in status_comment(facts, AWAY)) is said
    assert sentence not in status_comment(facts)
    assert status_comment(facts, None) == status_comment(facts)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("pytest -q", "working: `pytest -q`"),
        ("cat > x <<'E'\nsecond line\nE", "working: `cat > x <<'E' …`"),
        ("y" * 100, f"working: `{'y' * 60} …`"),
        ("", "working"),
    ],
)
def test_a_run_at_work_shows_the_beginning_of_its_command(command: str, shown: str) -> None:
    assert run_state(run(1, status=Status.RUNNING, last_command=command)) == shown


def test_what_stood_against_each_candidate_is_said() -> None:
    facts = replace(decided(Outcome.NONE), runs=(run(1), run(2, status=Status.FAILED, error="Its sandbox was lost.")))
    body = status_comment(facts)
    assert "**A** (`m1`): empty" in body
    assert "**B** (`m2`): breaks 1 test (Its sandbox was lost.)" in body
    assert "/solve retry" in body


def test_the_pull_request_explains_itself() -> None:
    body = pull_body(decided(), branch="solvebot/7-x", verified=True)
    for part in (
        "Fixes #7",
        "`src/a.py` (changed, +3 −1)",
        "> Because.",
        "It keeps all 5 stable tests.",
        "**Runner-up:** candidate B",
        "Nobody else made the same change.",
        "1 flaky, not counted",
        "$0.0300",
        "GitHub calls the commit verified",
    ):
        assert part in body, part
    assert "This is a draft" not in body
    assert "This is a draft" in pull_body(replace(decided(Outcome.DRAFT)), branch="solvebot/7-x", verified=False)
    assert "moved on" in pull_body(decided(), "main moved on.", branch="solvebot/7-x", verified=True)


def test_a_new_file_of_no_lines_is_called_empty() -> None:
    champion = run(1)
    assert champion.candidate is not None
    empty = replace(champion.candidate.changes[0], path="pkg/__init__.py", kind=ChangeKind.ADDED, size=0, added=0)
    shown = replace(champion, candidate=replace(champion.candidate, changes=(empty,)))
    body = pull_body(replace(decided(), runs=(shown, run(2))), branch="b", verified=True)
    assert "`pkg/__init__.py` (new, empty)" in body


def test_the_total_of_the_receipt_is_the_sum_of_its_rows() -> None:
    facts = decided()
    assert facts.dollars == pytest.approx(0.03)
    assert "| **total** | 8 | 2,000 / 200 |" in pull_body(facts, branch="solvebot/7-x", verified=True)


LOOKED = Consulted("m1", 7, 0.0123, Usage(500, 50), 90.0)


def test_the_agent_of_the_set_up_has_a_line_of_its_own_in_the_receipt() -> None:
    body = pull_body(replace(decided(), setup_agent=LOOKED), branch="solvebot/7-x", verified=True)
    assert "| set-up: `m1` | 7 | 500 / 50 | 90 s | $0.0123 |" in body
    assert "| **total** | 15 | 2,500 / 250 |  | **$0.0423** |" in body
    assert "Receipt: $0.0423" in body


def test_who_was_asked_beside_the_runs_has_a_line_in_the_receipt() -> None:
    facts = decided()
    a, b = (run.id for run in facts.runs)
    said = Compared(a, b, Consulted("judge", 2, 0.004, Usage(300, 20), 9.0), (Answer.FIRST, Answer.SECOND))
    wrote = IssueTests(Consulted("author", 1, 0.003, Usage(200, 30), 5.0))
    facts = replace(facts, issue_tests=wrote, compared=said)
    for text in (pull_body(facts, branch="solvebot/7-x", verified=True), explanation(facts), status_comment(facts)):
        assert "| tests from the issue: `author` | 1 | 200 / 30 | 5 s | $0.0030 |" in text
        assert "| comparing: `judge` | 2 | 300 / 20 | 9 s | $0.0040 |" in text
        assert "| **total** | 11 | 2,500 / 250 |  | **$0.0370** |" in text
        assert "- Asked to compare A with B, judge preferred A in both orders." in text
    torn = replace(said, answers=(Answer.FIRST, Answer.FIRST))
    assert "A with B, judge gave no clear preference." in explanation(replace(facts, compared=torn))
    stopped = replace(facts, status=Status.CANCELLED, ended_by="ann", pull_request=None)
    assert "Receipt: $0.0370" in status_comment(stopped)


def test_what_an_agent_found_is_offered_as_a_file() -> None:
    found = Toolchain(("make words",), "pytest -q", FOUND_BY_AGENT)
    facts = replace(decided(), toolchain=found, setup_agent=LOOKED)
    for text in (pull_body(facts, branch="solvebot/7-x", verified=True), status_comment(facts)):
        assert "# Tried on a fresh copy: 5 tests always pass." in text
        assert 'setup:\n  - "make words"\ntest: "pytest -q"\n' in text
    assert "Commit this" not in status_comment(replace(facts, toolchain=replace(found, why="detected: tox.ini")))


def test_people_see_that_an_agent_looks_and_what_it_has_cost_when_it_is_stopped() -> None:
    before = replace(decided(), status=Status.RUNNING, decision=None, pull_request=None, baseline=None, runs=())
    preparing = replace(before, setup_agent=LOOKED)
    assert phase(preparing) is Phase.PREPARING
    assert r"an agent is looking for one (m1, 7 steps, $0.0123)" in status_comment(preparing).replace("\\", "")
    assert "Receipt: $0.0123" in status_comment(replace(preparing, status=Status.CANCELLED, ended_by="ann"))


def test_a_hostile_title_stays_one_line_everywhere() -> None:
    facts = replace(decided(), solve=solve("Fix\n\nCo-authored-by: Eve <eve@evil.example>\r\n@all"))
    assert "\n" not in pull_title(facts)
    message = commit_message(facts)
    assert [line for line in message.splitlines() if line.startswith("Co-authored-by:")] == [
        "Co-authored-by: ann <42+ann@users.noreply.github.com>"
    ]
    assert "@all" not in pull_body(facts, branch="solvebot/7-x", verified=True)


@pytest.mark.parametrize(
    ("template", "title", "branch"),
    [
        (
            "solvebot/{issue}-{slug}",
            "It breaks on Tuesdays, always and ever",
            "solvebot/7-it-breaks-on-tuesdays-always",
        ),
        ("solvebot/{issue}-{slug}", "Größe ../../etc", "solvebot/7-groe-etc"),
        ("solvebot/{issue}-{slug}", "日本語", "solvebot/7-fix"),
        ("bot/{issue}", "x", "bot/7"),
    ],
)
def test_branch_names_are_plain(template: str, title: str, branch: str) -> None:
    assert branch_name(template, 7, title) == branch


@pytest.mark.parametrize(
    ("template", "branch", "ours"),
    [
        ("solvebot/{issue}-{slug}", "solvebot/7-it-breaks", True),
        ("solvebot/{issue}-{slug}", "solvebot/7-it-breaks-2", True),
        ("solvebot/{issue}-{slug}", "solvebot/71-it-breaks", False),
        ("fix/{issue}", "fix/7", True),
        ("fix/{issue}", "fix/7-3", True),
        ("fix/{issue}", "fix/71", False),
        ("f.x/{issue}", "fax/7", False),
    ],
)
def test_our_branches_are_told_from_others(template: str, branch: str, ours: bool) -> None:
    assert bool(branch_pattern(template, 7).fullmatch(branch)) is ours


def test_replies_say_what_and_what_to_do() -> None:
    assert "- `x` is no number. Use 1 to 8." in not_understood([("`x` is no number.", "Use 1 to 8.")])
    assert "**published**" in status_reply(decided())
    told = explanation(decided())
    assert "Outcome: ready" in told
    assert "Uncertain" in told


def test_help_names_every_model() -> None:
    models = [ModelSpec(f"model-{number}", "p", "p/m") for number in range(40)]
    said = help_text(models, ["solve-me"])
    assert all(f"`{model.name}`" in said for model in models)
    assert "and 20 more" in help_text(models * 3, [])
    assert "Models: none yet" in help_text([], [])


@pytest.mark.parametrize(
    ("facts", "unpublished"),
    [
        (replace(decided(), status=Status.FAILED, pull_request=None), True),
        (replace(decided(), status=Status.FAILED, pull_request=PullRequest(0, "", "b", Sha("b" * 40), False)), True),
        (replace(decided(), status=Status.FAILED), False),
        (replace(decided(), status=Status.CANCELLED, pull_request=None), False),
        (replace(decided(), status=Status.RUNNING, pull_request=None), False),
        (replace(decided(), pull_request=None), False),
        (replace(decided(Outcome.NONE), status=Status.FAILED), False),
        (replace(decided(), status=Status.FAILED, pull_request=None, runs=(run(1), second(), run(4))), False),
        (replace(decided(), status=Status.FAILED, decision=None, pull_request=None), False),
    ],
)
def test_what_may_be_published_without_paying_again(facts: SolveFacts, unpublished: bool) -> None:
    assert is_unpublished(facts) is unpublished


def test_who_did_not_work_is_told_with_its_words_beside_a_champion() -> None:
    facts = decided()
    a, b = facts.runs
    empty = Evidence(b.id, gate_failures=(GateFailure(Gate.EMPTY, ""),))
    refused = replace(b, exit_status=ExitStatus.REFUSED, error="The model refused: “No *way*.”", evidence=empty)
    told = explanation(replace(facts, runs=(a, refused)))
    assert "- The model refused: “No \\*way\\*.”\n- out: it changes nothing" in told


@pytest.mark.parametrize(
    ("author", "by", "lines"),
    [
        ("bot <1+bot@x>", Person("ann", 42),
         ["Signed-off-by: bot <1+bot@x>", "Signed-off-by: ann <42+ann@users.noreply.github.com>"]),
        ("Ada <ada@x>", Person("Ada", 0), ["Signed-off-by: Ada <ada@x>"]),
        ("", Person("ann", 42), ["Signed-off-by: ann <42+ann@users.noreply.github.com>"]),
    ],
)  # fmt: skip
def test_a_commit_is_signed_off_by_its_author_and_by_who_asked(author: str, by: Person, lines: list[str]) -> None:
    message = "Fix: it\n\nFixes #7\n\nCo-authored-by: ann <x>"
    assert signed_off(message, author, by).splitlines() == [*message.splitlines(), *lines]
