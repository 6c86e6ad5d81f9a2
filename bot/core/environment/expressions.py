"""Expressions of workflows, as far as they are about literals: `matrix.x`, `env.X`, `||`, `&&`, `==`, `format`.

Whatever else stands in one (secrets, the event, outputs of other jobs) makes it unknown; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.environment.bounded_yaml import Value

MAX_EXPRESSION = 500  # characters
_EXPRESSION = re.compile(r"\$\{\{((?:[^}$]|\}(?!\})|\$(?!\{\{))*)\}\}")
_STRING = r"'(?:[^']|'')*'"
_TOKEN = re.compile(
    rf"\s*(?P<string>{_STRING})|\s*(?P<operator>\|\||&&|==|!=|!)|\s*(?P<call>[A-Za-z]+\([^()]*\))"
    r"|\s*(?P<name>[\w.*-]+(?:\['[\w.-]+'\])?)|\s*(?P<rest>\S)"
)
_GROUP = re.compile(r"(?<!\w)\(([^()]*)\)")  # one that holds no other, and is no call
_MAX_GROUPS = 10
_CONSTANT = re.compile(r"true|false|null|-?\d+(\.\d+)?")


_CACHE_HIT = re.compile(r"steps\.[\w-]+\.outputs\.cache-(primary-)?hit")


@dataclass(frozen=True, slots=True)
class Scope:
    """`values`: "matrix.python" -> "3.11". `open`: beginnings of names whose values cannot be known."""

    values: Mapping[str, str] = field(default_factory=dict)
    open: frozenset[str] = frozenset()

    def get(self, name: str) -> str | None:
        """Of what is not there, ""; None when it is unknown."""
        name = re.sub(r"\['([\w.-]+)'\]", r".\1", name)
        if name in self.values:
            return self.values[name]
        if _CACHE_HIT.fullmatch(name):
            return ""
        area = name.partition(".")[0]
        known = area in ("matrix", "env", "inputs") and area not in self.open and name not in self.open
        return "" if known else None

    def with_values(self, area: str, values: Mapping[str, str]) -> Scope:
        return Scope({**self.values, **{f"{area}.{name}": value for name, value in values.items()}}, self.open)


def flattened(area: str, value: Value) -> dict[str, str]:
    """{"node": {"version": "20"}} of "matrix" -> {"matrix.node.version": "20"}; two levels, lists left out."""
    found: dict[str, str] = {}
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, str):
            found[f"{area}.{name}"] = inner
        elif isinstance(inner, dict):
            found |= {f"{area}.{name}.{key}": text for key, text in inner.items() if isinstance(text, str)}
    return found


UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # stands where an expression stood that cannot be known


def substituted(text: str, scope: Scope) -> str:
    """`text` with the values of its expressions, and `UNKNOWN` for those that have none."""

    def value(match: re.Match[str]) -> str:
        found = evaluated(match[1], scope)
        return UNKNOWN if found is None or len(found) > MAX_EXPRESSION else found

    return _EXPRESSION.sub(value, text.replace(UNKNOWN, "?"))


def unknown_names(text: str, scope: Scope) -> list[str]:
    """The expressions of `text` that cannot be known, shortened, for people."""
    unknown = [match[1].strip() for match in _EXPRESSION.finditer(text) if evaluated(match[1], scope) is None]
    return list(dict.fromkeys(name if len(name) <= 60 else f"{name[:57]}..." for name in unknown))


def holds(condition: str, scope: Scope) -> bool | None:
    """An `if:`; without one, it holds."""
    text = condition.strip()
    whole = _EXPRESSION.fullmatch(text)
    if not text:
        return True
    found = evaluated(whole[1] if whole else text, scope)
    return None if found is None else _true(found)


def evaluated(expression: str, scope: Scope) -> str | None:
    """Its value as text; None when it is unknown."""
    text = expression.strip()
    if len(text) > MAX_EXPRESSION:
        return None
    for _ in range(_MAX_GROUPS):
        if not (group := _GROUP.search(text)):
            break
        value = _alternatives(group[1], scope)
        literal = "unknown" if value is None else "'" + value.replace("'", "''") + "'"
        text = f"{text[: group.start()]}{literal}{text[group.end() :]}"
    return _alternatives(text, scope)


def _alternatives(text: str, scope: Scope) -> str | None:
    if len(text) > MAX_EXPRESSION:
        return None
    tokens = list(_TOKEN.finditer(text))
    found: str | None = ""
    for alternative in _split(tokens, "||"):
        found = _all_of(alternative, scope)
        if found is None or _true(found):
            break
    return found


def _all_of(tokens: list[re.Match[str]], scope: Scope) -> str | None:
    """The first of `a && b && c` that is false, or the last; unknown where an unknown one could decide."""
    found = [_comparison(operand, scope) for operand in _split(tokens, "&&")]
    false = next((value for value in found if value is not None and not _true(value)), None)
    return false if false is not None else None if None in found else found[-1]


def _comparison(tokens: list[re.Match[str]], scope: Scope) -> str | None:
    for operator in ("==", "!="):
        sides = _split(tokens, operator)
        if len(sides) == 2:
            left, right = (_operand(side, scope) for side in sides)
            if left is None or right is None:
                return None
            return _text((left.lower() == right.lower()) is (operator == "=="))
    return _operand(tokens, scope)


def _operand(tokens: list[re.Match[str]], scope: Scope) -> str | None:
    negated = bool(tokens) and tokens[0]["operator"] == "!"
    rest = tokens[1:] if negated else tokens
    if len(rest) != 1:
        return None
    value = _value(rest[0], scope)
    return value if value is None or not negated else _text(not _true(value))


def _value(token: re.Match[str], scope: Scope) -> str | None:
    if token["string"]:
        return token["string"][1:-1].replace("''", "'")
    if token["call"]:
        return _call(token["call"], scope)
    if token["name"]:
        name = token["name"]
        return ("" if name == "null" else name) if _CONSTANT.fullmatch(name) else scope.get(name)
    return None


_STATUS = {"success": "true", "always": "true", "failure": "false", "cancelled": "false"}


def _call(text: str, scope: Scope) -> str | None:
    name, _, rest = text[:-1].partition("(")
    if name in _STATUS:
        return _STATUS[name]
    arguments = [_value(match, scope) for match in _TOKEN.finditer(rest) if not match["rest"]]
    if None in arguments or not arguments:
        return None
    first, *others = [argument or "" for argument in arguments]
    match name:
        case "format":
            for place, other in enumerate(others):
                first = first.replace(f"{{{place}}}", other)
            return first if len(first) <= MAX_EXPRESSION else None
        case "startsWith" if others:
            return _text(first.lower().startswith(others[0].lower()))
        case "endsWith" if others:
            return _text(first.lower().endswith(others[0].lower()))
        case "contains" if others:
            return _text(others[0].lower() in first.lower())
        case _:
            return None


def _split(tokens: list[re.Match[str]], operator: str) -> list[list[re.Match[str]]]:
    found: list[list[re.Match[str]]] = [[]]
    for token in tokens:
        if token["operator"] == operator:
            found.append([])
        else:
            found[-1].append(token)
    return found


def _true(value: str) -> bool:
    return value not in ("", "false", "0")


def _text(truth: bool) -> str:
    return "true" if truth else "false"
