"""`/solve why`: which step changed a place, as far as stored commands tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.choosing.why import No, Place, Step, changed_place, read_steps, why
from bot.core.model import Candidate, ChangeKind, FileChange, SolveFacts
from bot.core.render.why import because, cannot_say
from bot.core.text.outgoing import Redactor
from bot.core.trigger.commands import Misread, WhyCommand, parse_commands
from tests.core.facts import decided, run

PATCH = """diff --git a/src/a.py b/src/a.py
--- a/src/a.py
+++ b/src/a.py
@@ -1,3 +1,4 @@
 first
-second = 1
+second = 2
+third = 3
 last
@@ -20,2 +21,1 @@
-gone = True
 stays
diff --git a/src/new.py b/src/new.py
new file mode 100644
--- /dev/null
+++ b/src/new.py
@@ -0,0 +1,2 @@
+one = 1
+two = 2
"""
clean = Redactor().facts


def changes(patch: str = PATCH, *paths: str) -> SolveFacts:
    made = tuple(
        FileChange(path, ChangeKind.MODIFIED, "100644", "100644", None, 9, 1, 1)
        for path in paths or ("src/a.py", "src/new.py")
    )
    first = run(1)
    return replace(decided(), runs=(replace(first, candidate=Candidate(first.id, patch, made)), run(2)))


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        (Place("src/a.py"), "src/a.py"),
        (Place("a.py"), "src/a.py"),
        (Place("./src/a.py"), "src/a.py"),
        (Place("src/a.py", 2), "src/a.py"),
        (Place("src/a.py", 3), "src/a.py"),
        (Place("src/a.py", 21), "src/a.py"),
        (Place("new.py", 2), "src/new.py"),
        (Place("src/a.py", 1), No.LINE_NOT_CHANGED),
        (Place("src/a.py", 4), No.LINE_NOT_CHANGED),
        (Place("src/new.py", 3), No.LINE_NOT_CHANGED),
        (Place("b.py"), No.NOT_CHANGED),
        (Place(".py"), No.NOT_CHANGED),
        (Place("", 2), No.NOT_CHANGED),  # two files changed
    ],
)
def test_what_a_place_is_part_of(asked: Place, path: str | No) -> None:
    found = changed_place([changes()], asked)
    assert (found if isinstance(found, No) else found[1].path) == path


def test_the_newest_change_that_touches_it_counts_and_a_line_alone_is_of_the_only_file() -> None:
    other = changes("diff --git a/b.py b/b.py\n--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-x\n+y\n", "b.py")
    assert changed_place([other, changes()], Place("src/a.py", 2)) == (changes(), Place("src/a.py", 2))
    assert changed_place([other, changes()], Place("", 1)) == (other, Place("b.py", 1))
    assert changed_place([], Place("a")) is No.NO_DECISION
    assert changed_place([replace(decided(), decision=None)], Place("a")) is No.NO_DECISION


def told(*commands: str, code: int = 0) -> dict[str, object]:
    messages: list[dict[str, object]] = [{"role": "system"}, {"role": "user"}]
    for number, command in enumerate(commands):
        id = f"call-{number}"
        messages += [
            {"role": "assistant", "extra": {"actions": [{"command": command, "tool_call_id": id}]}},
            {"role": "tool", "tool_call_id": id, "extra": {"returncode": code}},
        ]
    return {"messages": messages}


READ, FIRST, EXACT = "cat src/a.py", "sed -i s/x/y/ src/a.py", "printf 'second = 2\\nthird = 3' > a.py"
OTHER, TESTS = "echo one = 1 > src/new.py", "pytest -q"


@pytest.mark.parametrize(
    ("place", "commands", "by", "earlier", "after"),
    [
        (Place("src/a.py"), (READ, FIRST, TESTS), 2, 0, (TESTS,)),
        (Place("src/a.py"), (FIRST, EXACT, TESTS, OTHER), 2, 1, (TESTS, OTHER)),
        (Place("src/a.py", 2), (EXACT, TESTS, FIRST), 1, 0, (TESTS, FIRST)),  # the one that holds the line's text
        (Place("src/a.py", 21), (FIRST, TESTS), 1, 0, (TESTS,)),
        (Place("src/new.py"), (OTHER,), 1, 0, ()),
        (Place("src/a.py"), (READ, TESTS, "echo > data.py"), None, 0, ()),
    ],
)
def test_which_step_changed_it(
    place: Place, commands: tuple[str, ...], by: int | None, earlier: int, after: tuple[str, ...]
) -> None:
    found = why(changes(), place, read_steps(told(*commands)))
    assert (found.changed_by.number if found.changed_by else None) == by
    assert found.earlier == earlier
    assert tuple(step.command for step in found.after) == after


def test_what_is_said() -> None:
    facts = clean(changes())
    steps = read_steps(told(READ, EXACT, *[TESTS] * 7))
    said = because(why(facts, Place("src/a.py", 2), steps), facts)
    assert "Line 2 of `src/a.py` was changed by candidate **A** (`m1`), chosen from 2 attempts." in said
    assert "+second = 2\n+third = 3" in said
    assert "gone" not in said
    assert "- Step 2 changed it: `printf 'second = 2\\nthird = 3' > a.py` (exit code 0)." in said
    assert said.count("  - `pytest -q` (exit code 0)") == 5
    assert "  - and 2 commands more" in said
    assert "- On the whole change: all 5 tests that always passed before still pass." in said
    silent = because(why(facts, Place("src/a.py"), ()), facts)
    assert "No steps are kept of this run" in silent
    assert "None of its 1 command names the file" in because(
        why(facts, Place("src/a.py"), read_steps(told(TESTS))), facts
    )


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (No.NO_DECISION, "Nothing was chosen here yet"),
        (No.NOT_CHANGED, "It changes `src/a.py`, `src/new.py`."),
        (No.LINE_NOT_CHANGED, "Line 9 of `x` is as it was before. `/solve why x` tells about the file."),
    ],
)
def test_what_is_said_where_nothing_can_be(reason: No, said: str) -> None:
    assert said in cannot_say(reason, Place("x", 9), [clean(changes())])


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("src/a.py", WhyCommand("src/a.py")),
        ("`src/a.py:12`", WhyCommand("src/a.py", 12)),
        ("src/a.py 12", WhyCommand("src/a.py", 12)),
        ("src/a.py:12:5", WhyCommand("src/a.py", 12)),
        ("src/a.py#L12-L14?", WhyCommand("src/a.py", 12)),
        ("`src/a.py` 3", WhyCommand("src/a.py", 3)),
        ("my file.py", WhyCommand("my file.py")),
        ("12", WhyCommand("", 12)),
        ("L12", WhyCommand("", 12)),
        ("v2", WhyCommand("v2")),
        ("a/v2.py", WhyCommand("a/v2.py")),
        ("", "needs a file"),
        ("x" * 501, "too long"),
    ],
)
def test_how_it_is_asked(said: str, meant: WhyCommand | str) -> None:
    [found] = parse_commands(f"/solve why {said}".rstrip())
    if isinstance(meant, str):
        assert isinstance(found, Misread)
        assert meant in found.what
    else:
        assert found == meant


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["messages", "role", "extra", "actions", "command", "tool_call_id"]), inner)
    ),
)


@given(st.dictionaries(st.just("messages"), JSON))
def test_any_conversation_can_be_read(conversation: dict[str, object]) -> None:
    assert all(isinstance(step, Step) for step in read_steps(conversation))


@given(st.text(), st.text(), st.none() | st.integers())
def test_any_place_can_be_asked_about(patch: str, path: str, line: int | None) -> None:
    facts = changes(PATCH + patch)
    found = changed_place([facts], Place(path, line))
    assert isinstance(found, No) or why(found[0], found[1], ()).run == facts.champion
