"""Values of the issue's example that a change asks for by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.candidate.special_cases import MOST_NAMED, special_cases

ISSUE = """Documents with `user.mail` lose it:

```python
>>> S().load({"name": "x", "user.mail": "y", "name.first": "z"})
```
`parse('1,234')` fails, `nth(113)` says 113rd, and `size(1024)` is fine. 404 is what I expected.
`items[-5]` and `items[-1]`, `backoff(1, 1, factor=1.0)`, `f(5)`.
"""


def patch(*added: str, path: str = "src/schema.py", removed: tuple[str, ...] = ()) -> str:
    lines = [f"-{line}" for line in removed] + [f"+{line}" for line in added]
    return "\n".join(
        [
            f"diff --git a/{path} b/{path}",
            f"--- a/{path}",
            f"+++ b/{path}",
            f"@@ -1,{len(removed)} +1,{len(added)} @@",
            *lines,
            "",
        ]
    )


def is_test(path: str) -> bool:
    return path.startswith("tests/")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('if key in ("user.mail", "name.first"):', ("user.mail", "name.first")),
        ("if key == 'user.mail':", ("user.mail",)),
        ("if 'user.mail' == key:", ("user.mail",)),
        ("if (key === 'user.mail') return value;", ("user.mail",)),
        ('if (["user.mail", "x"].includes(key)) {', ()),  # the list stands before: not told from any other list
        ('if key.startswith("user.mail"):', ("user.mail",)),
        ("if n == 113: return '113th'", ("113",)),
        ("    case 113:", ("113",)),
        ('    case "user.mail":', ("user.mail",)),
        ("when 113 then 'th'", ("113",)),
        ('if text == "1,234":', ("1,234",)),
        ("if index == -5:", ("-5",)),
        ("if factor == 1.0 and start == stop == 1:", ("1.0", "1")),
        ("if (factor === 1.0 && start === 1 && stop === 1) {", ("1.0", "1")),
        # what says nothing
        ("if start == 1 and stop == 1:", ()),
        ("if index == -1:", ()),
        ("if index == size-5:", ()),
        ('if "." in key:', ()),
        ('ret["user.mail"] = value', ()),
        ('message = "user.mail"', ()),
        ("if n % 100 in (11, 12, 13):", ()),
        ("if status == 404:", ()),
        ("if size == 1024:", ()),
        ("if n == 112:", ()),
        ("# if key == 'user.mail':", ()),
        ('if key == "first.name":', ()),
    ],
)
def test_what_asks_for_a_value_of_the_example(line: str, named: tuple[str, ...]) -> None:
    assert special_cases(patch(line), ISSUE, is_test) == named


def test_only_in_the_product_and_only_what_was_not_asked_for_before() -> None:
    line = "if key == 'user.mail':"
    assert special_cases(patch(line, path="tests/test_schema.py"), ISSUE, is_test) == ()
    assert special_cases(patch(line, path="docs/schema.md"), ISSUE, is_test) == ()
    assert special_cases(patch(line, removed=("if key != 'user.mail':",)), ISSUE, is_test) == ()
    assert special_cases(patch(line), "Nothing of the kind.", is_test) == ()


def test_few_are_named() -> None:
    issue = " ".join(f"`'word{n}'`" for n in range(20))
    lines = [f"if x == 'word{n}':" for n in range(20)]
    assert len(special_cases(patch(*lines), issue, is_test)) == MOST_NAMED


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_written_is_read(text: str, issue: str) -> None:
    assert len(special_cases(patch(text), issue, is_test)) <= MOST_NAMED
    assert special_cases(text, issue, is_test) == ()
