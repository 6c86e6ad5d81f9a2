"""YAML of repositories: what it says as text, and what hostile text costs."""

from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.environment.bounded_yaml import MAX_SIZE, MAX_VALUES, Unreadable, read_events, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: [push]\nversion: 3.10\nyes: no\n", {"on": ["push"], "version": "3.10", "yes": "no"}),
        ("on:\n  push:\n  pull_request:\n", {"on": {"push": "", "pull_request": ""}}),
        ("", ""),
        ("# nothing\n", ""),
        ("just text", "just text"),
        ("- a\n- {b: [c]}\n", ["a", {"b": ["c"]}]),
        ("a: 1\na: 2\n", {"a": "2"}),
        ("--- {a: b}\n---\nc: d\n", {"a": "b"}),
        ("a: &x [1, 2]\nb: *x\n", {"a": ["1", "2"], "b": ["1", "2"]}),
        ("a: &x text\nb: *x\nc: &x other\nd: *x\n", {"a": "text", "b": "text", "c": "other", "d": "other"}),
        ("? [a, b]\n: c\nd: e\n", {"d": "e"}),
        ("run: |\n  a\n  b\n", {"run": "a\nb\n"}),
        ("run: >\n  a\n  b\n", {"run": "a b\n"}),
        ("a: !!python/object:os.system b\n", {"a": "b"}),
    ],
)
def test_values_stay_the_text_that_was_written(text: str, value: object) -> None:
    assert read_yaml(text) == value


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a:\n\tb: c\n", "It is not valid YAML at line 2."),
        ("a: b: c\n", "It is not valid YAML at line 1."),
        ('a: "b', "It is not valid YAML at line 1."),
        ("a: [}\n", "It is not valid YAML at line 1."),
        ("%YAML 9.9\n---\na\n", "It is not valid YAML at line 1."),
        ("a: \0\n", "It has characters that YAML does not allow."),
        ("a: \ud800\n", "It has characters that YAML does not allow."),
        ("&a [*a]", "An alias in it stands for itself, or for nothing."),
        ("*a", "An alias in it stands for itself, or for nothing."),
        ("[" * 100, "It is nested more than 24 levels deep."),
        ("- " * 100, "It is nested more than 24 levels deep."),
        ("a: " + "x" * MAX_SIZE, "It is larger than 256 kB."),
        ("- a\n" * (MAX_VALUES + 1), f"It has more than {MAX_VALUES} values."),
        (LAUGHS, f"It has more than {MAX_VALUES} values."),
        (f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 100)}]", f"It has more than {MAX_VALUES} values."),
    ],
)
def test_what_cannot_be_read_has_a_reason(text: str, reason: str) -> None:
    assert read_yaml(text) == Unreadable(reason)


def counted(text: str, taken: list[yaml.Event]) -> Iterator[yaml.Event]:
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        taken.append(event)
        yield event


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("[" * 200_000, 40),
        ("{a: " * 60_000, 60),
        ("- a\n" * 60_000, MAX_VALUES + 10),
        ("- *a\n" * 50_000, 10),
        (LAUGHS, 150),
    ],
    ids=["lists", "mappings", "long", "aliases", "laughs"],
)
def test_hostile_text_is_left_after_a_bounded_number_of_events(text: str, most: int) -> None:
    taken: list[yaml.Event] = []
    assert isinstance(read_events(counted(text, taken)), Unreadable)
    assert len(taken) <= most


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-&*[]{}'\"|>#!%\n \t?,~\\x0"), max_size=200) | st.text(max_size=100))
def test_no_text_makes_it_raise(text: str) -> None:
    assert isinstance(read_yaml(text), str | list | dict | Unreadable)
