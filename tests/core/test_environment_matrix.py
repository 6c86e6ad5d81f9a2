"""Expressions of workflows, and which combination of a matrix is taken."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.environment.bounded_yaml import Value, read_yaml
from bot.core.environment.expressions import UNKNOWN, Scope, evaluated, flattened, holds, substituted, unknown_names
from bot.core.environment.job_matrix import MAX_COMBINATIONS, Matrix, most_fitting, read_matrix
from bot.core.environment.tools import Tools

SCOPE = Scope(
    {"matrix.python": "3.11", "matrix.os": "ubuntu-latest", "matrix.cov": "true", "matrix.a.b": "x", "env.E": "e"},
    frozenset({"matrix.later", "env.SECRET"}),
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("matrix.python", "3.11"),
        ("matrix['python']", "3.11"),
        ("matrix.a.b", "x"),
        ("matrix.absent", ""),
        ("matrix.absent || 'py'", "py"),
        ("matrix.absent || matrix.python", "3.11"),
        ("'it''s'", "it's"),
        ("env.E", "e"),
        ("format('py{0}-{1}', matrix.python, 'x')", "py3.11-x"),
        ("matrix.absent || format('py{0}', matrix.python)", "py3.11"),
        ("matrix.cov && '--cov' || ''", "--cov"),
        ("matrix.absent && '--cov' || ''", ""),
        ("matrix.python == '3.11' && '1' || '0'", "1"),
        ("(matrix.absent || matrix.cov) && 'yes'", "yes"),
        ("!(matrix.absent || matrix.cov)", "false"),
        ("secrets.TOKEN", None),
        ("github.event_name", None),
        ("matrix.later", None),
        ("env.SECRET", None),
        ("secrets.TOKEN || 'x'", None),
        ("needs.a.outputs.b", None),
        ("fromJSON(matrix.python)", None),
        ("hashFiles('x')", None),
        ("matrix.python matrix.os", None),
        ("((((((((((((((((((((1))))))))))))))))))))", None),
        ("matrix.python " * 100, None),
        ("", None),
    ],
)
def test_literals_are_known_and_nothing_else_is(expression: str, value: str | None) -> None:
    assert evaluated(expression, SCOPE) == value


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ("", True),
        ("matrix.python == '3.11'", True),
        ("${{ matrix.python == '3.12' }}", False),
        ("matrix.python != '3.12' && matrix.os == 'Ubuntu-Latest'", True),
        ("! matrix.cov", False),
        ("matrix.cov == false", False),
        ("matrix.absent", False),
        ("startsWith(matrix.os, 'ubuntu')", True),
        ("contains(matrix.os, 'windows')", False),
        ("always()", True),
        ("success() && !cancelled()", True),
        ("failure()", False),
        ("failure() && secrets.X", False),
        ("github.event_name == 'push'", None),
        ("secrets.X != ''", None),
        ("steps.cache.outputs.cache-hit != 'true'", True),
        ("matrix.cov || secrets.X", True),
    ],
)
def test_conditions(condition: str, applies: bool | None) -> None:
    assert holds(condition, SCOPE) is applies


def test_what_is_unknown_is_marked_and_named() -> None:
    text = "a ${{ matrix.python }} ${{ secrets.X }} ${{ secrets.X }} ${{ hashFiles('y') }} ${{ open"
    assert substituted(text, SCOPE) == f"a 3.11 {UNKNOWN} {UNKNOWN} {UNKNOWN} ${{{{ open"
    assert unknown_names(text, SCOPE) == ["secrets.X", "hashFiles('y')"]
    assert substituted(f"{UNKNOWN}", SCOPE) == "?"


def matrix(text: str) -> Matrix:
    value = read_yaml(text)
    assert isinstance(value, dict)
    return read_matrix(value)


@pytest.mark.parametrize(
    ("text", "combinations"),
    [
        ("a: [1, 2]\nb: [x]", [{"a": "1", "b": "x"}, {"a": "2", "b": "x"}]),
        ("a: [1, 2]\nexclude: [{a: 1}]", [{"a": "2"}]),
        ("a: [1, 2]\ninclude: [{a: 1, c: y}]", [{"a": "1", "c": "y"}, {"a": "2"}]),
        ("a: [1]\ninclude: [{a: 3, c: y}]", [{"a": "1"}, {"a": "3", "c": "y"}]),
        ("a: [1, 2]\ninclude: [{c: y}]", [{"a": "1", "c": "y"}, {"a": "2", "c": "y"}]),
        ("include: [{a: 1}, {a: 2, b: x}]", [{"a": "1"}, {"a": "2", "b": "x"}]),
        ("a: []", [{}]),
        ("a: [1]\nexclude: [{}]\ninclude: [x, [y]]", [{"a": "1"}]),
    ],
)
def test_combinations_are_those_of_github(text: str, combinations: list[dict[str, Value]]) -> None:
    assert list(matrix(text).combinations) == combinations


def test_values_that_another_job_computes_are_unknown() -> None:
    assert matrix("python: ${{ fromJSON(needs.x.outputs.y) }}\nos: [a]") == Matrix(
        ({"os": "a"},), frozenset({"python"})
    )
    assert matrix("include: ${{ fromJSON(x) }}").unknown == {"*"}
    assert read_matrix("${{ fromJSON(x) }}").unknown == {"*"}
    assert read_matrix(None) == read_matrix("") == Matrix()


def test_a_matrix_has_a_bounded_number_of_combinations() -> None:
    many = "".join(f"k{n}: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" for n in range(20))
    assert len(matrix(many).combinations) == MAX_COMBINATIONS


TOOLS = Tools({"python3": "3.11.2", "node": "20.19.2"})


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("python: ['3.9', '3.10', '3.11', '3.12']", {"python": "3.11"}),
        ("python-version: ['3.13', '3.14', '3.14t', pypy-3.11, 3.15-dev]", {"python-version": "3.14"}),
        ("python: ['3.11.0', '3.11']", {"python": "3.11"}),
        ("node-version: [18, 20, 22]", {"node-version": "20"}),
        ("node: [18.x, 20.x]", {"node": "20.x"}),
        ("node: [12, 14]", {"node": "14"}),
        ("node: ['lts/*', 26]", {"node": "lts/*"}),
        ("include: [{python: 3.11, env: lint}, {python: 3.11}]", {"python": "3.11"}),
        ("include: [{name: Windows, python: 3.11}, {python: '3.10'}]", {"python": "3.10"}),
        ("python: [3.11]\nlowest: [true, false]", {"python": "3.11", "lowest": "false"}),
    ],
)
def test_the_versions_of_the_sandbox_come_first(text: str, first: dict[str, str]) -> None:
    assert most_fitting(matrix(text).combinations, TOOLS)[0] == first


def test_flattened_values_have_two_levels() -> None:
    assert flattened("m", {"a": "1", "b": {"c": "2", "d": {"e": "3"}}, "f": ["4"]}) == {"m.a": "1", "m.b.c": "2"}
    assert flattened("m", ["a"]) == {}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("matrix.pyo'()|&=!,${} secrets0"), max_size=80) | st.text(max_size=40))
def test_no_expression_makes_it_raise(text: str) -> None:
    assert isinstance(evaluated(text, SCOPE), str | None)
    assert isinstance(substituted(text, SCOPE), str)
    assert holds(text, SCOPE) in (True, False, None)


VALUES = st.recursive(
    st.sampled_from(["", "1", "3.11", "${{ x }}", "windows"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["include", "exclude", "python", "node", "os", ""]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_no_matrix_makes_it_raise(value: Value) -> None:
    read = read_matrix(value)
    assert len(most_fitting(read.combinations, TOOLS)) == len(read.combinations) >= 1
