"""Inputs that tell candidates apart: where they come from, how they are changed, how their outcomes are read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.evidence.probing import (
    MOST_PROBES,
    Probes,
    callers,
    changed_names,
    methods_with,
    mutations,
    other_ways,
    probe_script,
    probes,
    read_outcomes,
    steady,
    with_literals,
)

BEFORE = """
import math

def backoff(start, stop, factor=2.0):
    return start / math.log(factor)

class Set:
    def __init__(self, items):
        self.items = items

    def __getitem__(self, index):
        return self.items[index % 3]

    def pop(self):
        return self.items.pop()
"""
AFTER = BEFORE.replace("math.log(factor)", "math.log(factor or 1)")
ISSUE = """Fails:

```python
>>> from tools.waits import backoff
>>> backoff(1, 1, factor=1.0)
ZeroDivisionError
```
and so does `backoff(2, 4, 1)`; not `other(1)`.
"""
TESTS = """
import pytest
from tools.waits import backoff
from tools import waits

def test_it():
    start = 1
    with pytest.raises(ValueError):
        backoff(1, 0)
    assert list(waits.backoff(1, 8)) == [1, 2, 4, 8]
    assert backoff(start, 3) == []
    assert [backoff(x, 2) for x in range(3)]
    assert other(1)
"""


PILE = """
class Pile:
    def _place(self, index):
        return index % 3

    def __getitem__(self, index):
        return self._place(index)

    def pop(self, index=-1):
        return self._place(index)

    def clear(self):
        self.items = []
"""


def test_what_shares_the_changed_method_is_asked_the_same() -> None:
    assert methods_with(PILE, {"Pile", "_place"}) == {"pop"}
    assert list(other_ways("Pile([1, 2])[-5]", ["pop", "take"])) == ["Pile([1, 2]).pop(-5)", "Pile([1, 2]).take(-5)"]
    assert list(other_ways("Pile([1]).pop(2, x=3)", ["pop", "take"])) == ["Pile([1]).take(2, x=3)"]
    assert list(other_ways("Pile([1])[1:2]", ["pop"])) == list(other_ways("pile[1]", ["pop"])) == []
    after = PILE.replace("index % 3", "index")
    found = probes("`Pile([1, 2, 3])[-5]` is wrong", {"pile.py": (PILE, [after])}, [])
    assert found.expressions[:3] == ("Pile([1, 2, 3])[-5]", "Pile([1, 2, 3])", "Pile([1, 2, 3]).pop(-5)")
    assert found.from_issue == 2


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (BEFORE, set()),
        (f"# {BEFORE}", set()),
        (AFTER, {"backoff"}),
        (BEFORE.replace("index % 3", "index"), {"Set"}),
        (BEFORE.replace("self.items.pop()", "None"), {"Set", "pop"}),
        (BEFORE + "\ndef new():\n    pass\n", {"new"}),
        ("def broken(:", set()),
    ],
)
def test_what_is_changed(after: str, names: set[str]) -> None:
    assert changed_names(BEFORE, after) == names


def test_who_calls_what_is_changed_is_concerned() -> None:
    source = "def a(): ...\ndef b():\n    return a()\nclass C:\n    def m(self):\n        return b()\ndef d(): ...\n"
    assert callers(source, {"a"}) == {"a", "b", "m"}
    assert callers("def broken(:", {"a"}) == {"a"}


def test_expressions_of_the_issue_come_first_and_stand_by_themselves() -> None:
    found = probes(ISSUE, {"src/tools/waits.py": (BEFORE, [BEFORE, AFTER])}, [TESTS])
    assert found.imports == ("from tools.waits import backoff", "import pytest", "from tools import waits")
    assert found.expressions[:2] == ("backoff(1, 1, factor=1.0)", "backoff(2, 4, 1)")
    assert {"backoff(1, 0)", "list(waits.backoff(1, 8))", "waits.backoff(1, 8)"} < {*found.expressions}
    assert found.from_issue == 2
    assert {"backoff(1, 2, factor=1.0)", "backoff(0, 1, factor=1.0)", "backoff(1, 1, factor=0.0)"} < {
        *found.expressions
    }
    assert not any("start" in text or "other" in text for text in found.expressions)
    assert len(found.expressions) <= MOST_PROBES


def test_of_what_nobody_changes_nothing_is_asked() -> None:
    assert probes(ISSUE, {"src/tools/waits.py": (BEFORE, [BEFORE])}, [TESTS]).expressions == ()
    assert probes(ISSUE, {}, []).expressions == ()


@pytest.mark.parametrize(
    ("expression", "some"),
    [
        ("Set([1, 2])[-5]", {"Set([1, 2])[-6]", "Set([])[-5]", "Set([1, 2, 1, 2])[-5]", "Set([0, 2])[-5]"}),
        ("f('ab', True)", {"f('', True)", "f('AB', True)", "f('ab', False)"}),
        ("f(1.5)", {"f(0.0)", "f(-1.5)", "f(0.75)"}),
        ("f(x)", set()),
        ("not python", set()),
        ("f(None)", set()),
    ],
)
def test_the_same_with_another_literal(expression: str, some: set[str]) -> None:
    found = list(mutations(expression))
    assert some <= set(found)
    assert bool(found) is bool(some)


def test_literals_of_the_tests_take_the_place_of_others_of_their_kind() -> None:
    assert list(with_literals("f(1, 'a', 2.5)", [7, "b", 1, 0.5])) == [
        "f(7, 'a', 2.5)",
        "f(1, 'b', 2.5)",
        "f(1, 'a', 0.5)",
    ]
    tests = "@mark.parametrize('n', [995000, 7])\ndef test_it(n):\n    assert size(n)\n"
    changed = {"a.py": ("def size(n):\n    pass\n", ["def size(n):\n    return n\n"])}
    found = probes("`size(999999)`", changed, [tests])
    assert {"size(999999)", "size(995000)", "size(7)"} <= {*found.expressions}


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab1(),[]-'\"=:`>#\n ", max_size=120), st.text(alphabet="ab1():\n defclas=", max_size=80))
def test_no_text_is_too_odd(issue: str, source: str) -> None:
    found = probes(issue, {"a.py": (source, [source + "\ndef a(): pass\n"])}, [issue])
    assert len(found.expressions) <= MOST_PROBES
    compile(probe_script(found), "probe", "exec")


@pytest.mark.parametrize(
    "text", ["0x" + "f" * 9000, "-" * 3000 + "1", "[" * 80 + "]" * 80, "a(" * 90 + ")" * 90, "1+" * 5000 + "1"]
)
def test_no_source_is_too_odd(text: str) -> None:
    source = f"def a(x=1):\n    return a({text})\n"
    found = probes(
        f"`a({text})`", {"a.py": (source, [source.replace("x=1", "x=2")])}, [source, f"def test():\n    a({text})\n"]
    )
    compile(probe_script(found), "probe", "exec")


def test_the_program_says_what_comes_of_each(tmp_path: Path) -> None:
    expressions = (
        "len('abc')", "1 / 0", "iter([1, 2])", "object()", "exec('while True: pass')", "nobody",
        "print('probe-5d2e 0 x')", "'a\\nb' * 2", "sys.exit(3)",
    )  # fmt: skip
    script = tmp_path / "probe.py"
    wanted = Probes(("import sys", "import nothing_of_this_name"), expressions)
    script.write_text(probe_script(wanted))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert read_outcomes(done.stdout, wanted) == (
        "returns 3",
        "raises ZeroDivisionError: division by zero",
        "returns [1, 2]",
        "returns <object object>",
        "does not end",
        "raises NameError: name 'nobody' is not defined",
        "returns None",
        r"returns 'a\\nba\\nb'",
        "raises SystemExit: 3",
    )


EQUAL = "type('Any', (int,), {'__eq__': lambda *_: True})()"


def test_what_equals_everything_is_told(tmp_path: Path) -> None:
    wanted = Probes((), (EQUAL, "float('nan')", "{}"))
    script = tmp_path / "probe.py"
    script.write_text(probe_script(wanted))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert read_outcomes(done.stdout, wanted) == ("returns what equals everything", "returns nan", "returns {}")


def test_nobody_knows_beforehand_what_outcomes_are_told_with() -> None:
    one, other = Probes((), ("f(1)",)), Probes((), ("f(2)",))
    line = next(line for line in probe_script(one).split("\n") if line.strip().startswith("print("))
    said = line.partition("\\n")[2].partition('"')[0] + " 0 returns 1"
    assert (read_outcomes(said, one), read_outcomes(said, other)) == (("returns 1",), ("",))


@given(st.text(max_size=200))
def test_what_is_printed_may_be_anything(output: str) -> None:
    assert len(read_outcomes(output, Probes((), ("a", "b", "c")))) == 3


def test_only_what_says_the_same_twice_is_kept() -> None:
    wanted = Probes((), ("a", "b", "c", "d"))
    first = ("returns 1", "returns 2", "", "raises NameError")
    assert steady(wanted, first, ("returns 1", "returns 3", "", "raises NameError")) == [0]
