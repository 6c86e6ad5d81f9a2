"""Text from models, issues and repositories that was written to be misread: in comments, commits and terminals."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from bot import terminal_tables
from bot.core.model import Baseline, Status
from bot.core.render.evidence import baseline_sentence
from bot.core.render.text import block, code, harmless
from tests.core.facts import decided, run, solve
from tests.core.spoken import commit_message, pull_body, pull_title, status_comment
from tests.core.test_render import MARKDOWN

NOTE = "the set-up command failed: @octo/everyone closes #99 ![](https://evil.example/x) <img src=x>"


def test_what_the_set_up_printed_is_only_text() -> None:
    """Where no way to run tests was found, its last words stand in the comment and in the pull request."""
    html = MARKDOWN.render(baseline_sentence(Baseline(None, note=NOTE)))
    for active in ("@octo", "#99", "<img", "://"):
        assert active not in html
    assert "@octo" not in pull_body(
        replace(decided(), baseline=Baseline(None, note=NOTE)), branch="solvebot/7-x", verified=True
    )


@pytest.mark.parametrize(
    ("title", "active"),
    [
        ("Crash, ping @octo/everyone and @ann", "@octo"),
        ("Crash; closes #99", "#99"),
        ("Crash; closes GH-99", "GH-99"),
        ("Crash; closes octo/other#99", "#99"),
        ("Crash; closes https://github.com/octo/greet/issues/99", "://"),
        ("Crash [skip ci]", "[skip ci]"),
        ("Crash [CI Skip]", "[CI Skip]"),
        ("Crash [no ci] [skip actions]", "[no ci]"),
        ("Crash ***NO_CI***", "***NO_CI***"),
        ("Crash \u202egnp.exe\u2066 here\u200b", "\u202e"),
        ("Crash \x1b[2J\x07", "\x1b"),
        ("Crash\u2028Co-authored-by: Eve <eve@evil.example>", "\u2028"),
    ],
)
def test_an_issues_title_does_nothing_in_a_commit(title: str, active: str) -> None:
    """A title is written by anybody; a commit's message closes issues, notifies people and skips their checks."""
    facts = replace(decided(), solve=solve(title))
    for text in (pull_title(facts), commit_message(facts).removesuffix("users.noreply.github.com>")):
        assert "Crash" in text
        assert active not in text
    assert commit_message(facts).count("\n") == 4


@pytest.mark.parametrize("text", ["\u202eevil\u2069", "a\x1b[31mb", "a\x00b", "\u200b\u2066x", "tag\U000e0041"])
def test_characters_that_nobody_sees_do_not_get_into_comments(text: str) -> None:
    for said in (harmless(text), code(text), block(text)):
        assert all(character.isprintable() or character == "\n" for character in said), ascii(said)


def test_a_name_with_characters_that_nobody_sees_is_not_taken_for_another() -> None:
    assert code("src/a\u200b.py") != code("src/a.py")


@pytest.mark.parametrize("command", ["\x1b]0;owned\x07\x1b[2J", "\x9b2J", "a\u202eb", "[bold]x[/bold][/]", "[/x]"])
def test_a_models_command_does_nothing_to_the_terminal(command: str) -> None:
    working = run(1, status=Status.RUNNING, last_command=command)
    facts = replace(decided(), status=Status.RUNNING, decision=None, runs=(working,))
    printed = io.StringIO()
    Console(file=printed, width=200, force_terminal=False).print(terminal_tables.matrix(facts))
    assert all(character.isprintable() or character == "\n" for character in printed.getvalue())
    assert status_comment(facts)
