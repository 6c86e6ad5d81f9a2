"""Shell lines are taken apart where that is safe, and edited to the letter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.runners.shell import Command, Opaque, Part, Subshell, steps


def shape(part: Part) -> object:
    match part:
        case Command():
            return part.values
        case Subshell():
            return [(shape(step.part), step.then) for step in part.steps]
        case Opaque():
            return part.text


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("pytest -q", [(("pytest", "-q"), "")]),
        ("a && b; c\nd", [(("a",), "&&"), (("b",), ";"), (("c",), ";"), (("d",), "")]),
        ("a;\n\n", [(("a",), "")]),
        ("(cd x && a) && b", [([(("cd", "x"), "&&"), (("a",), "")], "&&"), (("b",), "")]),
        ("A=1 B='x y' c --d='e f'g", [(("A=1", "B=x y", "c", "--d=e fg"), "")]),
        ('a "b \\"c\\" $D" \'e\' f\\ g', [(("a", 'b "c" $D', "e", "f g"), "")]),
        ("a t/*.py > log 2>&1 b", [(("a", "t/*.py", "b"), "")]),
        ("a \\\n b", [(("a", "b"), "")]),
        ("a#b", [(("a#b",), "")]),
        # one part, whatever it is
        ("a | b && c", [("a | b", "&&"), (("c",), "")]),
        ("a && b || c; d", [("a && b || c", ";"), (("d",), "")]),
        ("[ -f x ] && a", [(("[", "-f", "x", "]"), "&&"), (("a",), "")]),
        # nothing of the line is taken apart
        ("for x in a; do b; done", [("for x in a; do b; done", "")]),
        ("if a; then b; fi", [("if a; then b; fi", "")]),
        ("f() { a; }; f", [("f() { a; }; f", "")]),
        ("{ a; b; } && c", [("{ a; b; } && c", "")]),
        ("a $(b) && c", [("a $(b) && c", "")]),
        ('a "$(b)" && c', [('a "$(b)" && c', "")]),
        ("a `b`; c", [("a `b`; c", "")]),
        ("a & b", [("a & b", "")]),
        ("cat <<END\na && b\nEND", [("cat <<END\na && b\nEND", "")]),
        ("a <(b) && c", [("a <(b) && c", "")]),
        ("a && b # && c", [("a && b # && c", "")]),
        ("(a) > b; c", [("(a) > b; c", "")]),
        ("((1)) && a", [("((1)) && a", "")]),
        ("a 'b", [("a 'b", "")]),
        ("(a", [("(a", "")]),
        ("", [("", "")]),
        (";", [(";", "")]),
        ("(" * 50 + "a" + ")" * 50, [("(" * 50 + "a" + ")" * 50, "")]),
        ("a;" * 20_000, [("a;" * 20_000, "")]),
    ],
)
def test_steps(line: str, parts: list[tuple[object, str]]) -> None:
    assert [(shape(step.part), step.then) for step in steps(line)] == parts


def test_editing_leaves_the_rest_to_the_letter() -> None:
    (step,) = steps("A='1 2'  x --drop  it 't/*.js' >log 2>&1")
    assert isinstance(step.part, Command)
    assert step.part.edited(2, ["--new"], {2, 3}, ["--last"]) == "A='1 2'  x --new 't/*.js' --last >log 2>&1"
    assert step.part.edited(2, []) == step.part.text


@settings(deadline=None)
@given(st.text(alphabet="ab =&|;()<>'\"\\$`#\n{}!*~2", max_size=80))
def test_any_line_has_steps(line: str) -> None:
    found = steps(line)
    assert found
    assert found[-1].then == ""
    assert all(step.then for step in found[:-1])
