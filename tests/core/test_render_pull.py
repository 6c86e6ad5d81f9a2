"""The pull request: three lines before anything else, and every section says something."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from bot.core.choosing.use_candidate import exchanged
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Baseline, Draft, Evidence, Outcome, PullRequestConfig, SolveFacts, TriggerKind
from tests.core.facts import decided, run
from tests.core.spoken import pull_body

A, B = run(1).id, run(2).id
FLIPS: dict[str, Any] = {
    "test_files": ("tests/test_a.py",), "own_tests_on_base": False, "own_tests_on_candidate": True,
}  # fmt: skip
MARKDOWN = MarkdownIt("commonmark").enable("table")


def seen(facts: SolveFacts | None = None, **changes: Any) -> SolveFacts:
    """The champion was seen to do this."""
    facts = facts or decided()
    assert facts.champion is not None
    evidence = replace(facts.champion.evidence or Evidence(A), **changes)
    return replace(facts, runs=(replace(facts.champion, evidence=evidence), *facts.runs[1:]))


def with_doubts(*doubts: str, outcome: Outcome = Outcome.READY) -> SolveFacts:
    facts = decided(outcome)
    assert facts.decision is not None
    return replace(facts, decision=replace(facts.decision, uncertain=doubts))


def draft_never(facts: SolveFacts) -> SolveFacts:
    assert facts.task is not None
    config = replace(facts.task.config, pull_request=PullRequestConfig(draft=Draft.NEVER))
    return replace(facts, task=replace(facts.task, config=config))


def body(facts: SolveFacts, moved: str = "") -> str:
    return pull_body(facts, moved, branch="solvebot/7-x", verified=True)


def line(facts: SolveFacts, name: str, moved: str = "") -> str:
    """As it stands after its name."""
    found = [said for said in body(facts, moved).splitlines() if said.startswith(f"- **{name}:** ")]
    assert len(found) == 1
    return found[0].removeprefix(f"- **{name}:** ")


@pytest.mark.parametrize("facts", [decided(), decided(Outcome.DRAFT), seen(**FLIPS)])
def test_three_lines_come_before_anything_else(facts: SolveFacts) -> None:
    html = MARKDOWN.render(body(facts)).partition("-->\n")[2]
    first, _, rest = html.partition("</ul>")
    assert first.startswith("<ul>\n<li><strong>Done:</strong> Fixes #7: candidate <strong>A</strong>")
    assert first.count("<li>") == 3
    assert first.index("<strong>Proof:</strong>") < first.index("<strong>Doubt:</strong>")
    assert rest.strip().startswith("<h3>What ")


def local(facts: SolveFacts) -> SolveFacts:
    trigger = replace(facts.solve.trigger, kind=TriggerKind.COMMAND_LINE)
    return replace(facts, solve=replace(facts.solve, trigger=trigger))


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (decided(), "Fixes #7: candidate **A** (`m1`), chosen from 2 attempts, changes `src/a.py` (+3 −1)."),
        (replace(decided(), runs=(run(1),)), "Fixes #7: candidate **A** (`m1`) changes `src/a.py` (+3 −1)."),
        (local(decided()), "candidate **A** (`m1`), chosen from 2 attempts, changes `src/a.py` (+3 −1)."),
    ],
)
def test_what_was_done(facts: SolveFacts, told: str) -> None:
    assert line(facts, "Done") == told


KEPT = "all 5 tests that passed before still pass"
FROM_ISSUE = PooledTest("test_issue::test_size", Origin.ISSUE, None, (A,), (B,), "from the issue")


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (decided(), f"{KEPT}."),
        (seen(**FLIPS), f"its own tests fail without the change and pass with it; {KEPT}."),
        (seen(repro_before=1, repro_after=0),
         f"the repro command failed without the change (exit code 1) and passes with it; {KEPT}."),
        (seen(fixed=("t8",)), f"1 test that failed before passes now; {KEPT}."),
        (seen(fixed=("t8", "t9")), f"2 tests that failed before pass now; {KEPT}."),
        (seen(agrees_with=(B,)), f"{KEPT}; B made nearly the same change."),
        (seen(stable_total=1, stable_passed=1), "the 1 test that passed before still passes."),
        (seen(replace(decided(), baseline=Baseline("make", stable=("make",)))), "the test command still passes."),
        (seen(replace(decided(), pool=(FROM_ISSUE,))),
         f"it passes the 1 test that was written from the issue alone; {KEPT}."),
        (seen(replace(decided(), pool=(replace(FROM_ISSUE, passed_by=(), failed_by=(A,)),))), f"{KEPT}."),
        (seen(stable_total=0, stable_passed=0), "none. Nothing that was run shows that it works."),
        (seen(regressions=("t1",)), "none. Nothing that was run shows that it works."),
        (seen(repro_before=1, repro_after=0, fixed=("t",), agrees_with=(B,), **FLIPS),
         "the repro command failed without the change (exit code 1) and passes with it; its own tests fail without "
         "the change and pass with it; 1 test that failed before passes now."),
    ],
)  # fmt: skip
def test_the_proof_is_what_was_run_the_strongest_first(facts: SolveFacts, told: str) -> None:
    assert line(facts, "Proof") == told


@pytest.mark.parametrize(
    ("facts", "moved", "told"),
    [
        (decided(), "", "Nobody else made the same change."),
        (with_doubts(), "", "nothing that was run speaks against it."),
        (with_doubts("One.", "Two.", "Three.", "Four."), "", "One. Two. 2 more under “What is uncertain”."),
        (seen(with_doubts("It changes conftest.py.", "Two.", outcome=Outcome.DRAFT), meddles=("conftest.py",)),
         "main moved on.", "This is a draft. The evidence is not enough to call it ready. It changes conftest.py. "
         "main moved on. 1 more under “What is uncertain”."),
        (with_doubts("One.", outcome=Outcome.DRAFT), "",
         "This is a draft. The evidence is not enough to call it ready. One."),
        (draft_never(with_doubts("One.", outcome=Outcome.DRAFT)), "",
         "The evidence is not enough to call it ready. One."),
        (with_doubts("One.", "Two."), "main moved on.", "main moved on. One. 1 more under “What is uncertain”."),
        (with_doubts("@ann <b>x"), "", "@\u200bann &lt;b&gt;x"),
    ],
)  # fmt: skip
def test_the_doubt_is_what_a_reviewer_has_to_act_on(facts: SolveFacts, moved: str, told: str) -> None:
    assert line(facts, "Doubt", moved) == told


def test_how_sure_it_is_opens_the_doubt() -> None:
    facts = decided()
    assert facts.decision is not None
    facts = replace(facts, decision=replace(facts.decision, confidence=0.66))
    sure = "About two in three of such patches were right (66 %)."
    assert line(facts, "Doubt") == f"{sure} Nobody else made the same change."
    assert body(facts).count(sure) == 1


def test_of_one_that_a_person_chose_the_doubts_are_its_own() -> None:
    facts = decided()
    assert facts.decision is not None
    breaks = replace(run(2), evidence=Evidence(B, regressions=("t1",), stable_passed=4, stable_total=5))
    facts = replace(facts, runs=(run(1), breaks), decision=exchanged(facts.decision, B, "ann"))
    assert line(facts, "Doubt") == (
        "ann chose it, and everything that was run led to another candidate. It breaks 1 of 5 stable tests. "
        "1 more under “What is uncertain”."
    )
    assert "- Nothing that was run shows the problem before the change" in body(facts)
    assert "Nobody else made the same change." not in body(facts)


def test_the_doubts_stand_below_whole_and_once_each() -> None:
    long = "Left out as flaky: " + "x" * 300
    text = body(with_doubts("One.", "Two.", long, outcome=Outcome.DRAFT), "main moved on.")
    below = text.partition("### What is uncertain\n\n")[2].partition("\n\n")[0]
    assert below.splitlines() == [
        "- This is a draft. The evidence is not enough to call it ready.",
        "- main moved on.",
        "- One.",
        "- Two.",
        f"- {long}",
    ]
    assert "### What is uncertain" not in body(with_doubts())


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (decided(), ""),
        (seen(**FLIPS), "- the tests of this change failed: `tests/test_a.py`"),
        (seen(fixed=("t8",), **FLIPS), "- 1 test failed: `t8`"),
        (seen(replace(decided(), pool=(FROM_ISSUE,)), fixed=("t8",)),
         "- 2 tests failed: `t8`, `test_issue::test_size`"),
        (seen(replace(decided(), pool=(replace(FROM_ISSUE, passed_by=(B,)),))), ""),
        (seen(replace(decided(), baseline=Baseline("x", repro="make crash")), repro_before=2, repro_after=0),
         "- `make crash` ended with exit code 2"),
        (seen(replace(decided(), baseline=Baseline("x", repro="make crash")), repro_before=2, repro_after=2), ""),
    ],
)  # fmt: skip
def test_what_was_wrong_is_what_was_seen_or_is_not_there(facts: SolveFacts, told: str) -> None:
    head, found, rest = body(facts).partition("### What was wrong\n\n")
    assert bool(found) is bool(told)
    assert "It breaks" not in head + rest  # the title, which stands above it anyway
    if told:
        opening = "On `main` at `aaaaaaaaaa`, and no longer with this change:\n\n"
        assert rest.startswith(f"{opening}{told}\n\n### What changed")
