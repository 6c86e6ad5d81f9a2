"""nox: sessions are functions; what they install and run is read from them without running anything."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core.environment.files import Files
from bot.core.environment.python_commands import UNKNOWN, read_command, script_test
from bot.core.environment.python_needs import Needs, pip_arguments

_MOST_CALLS = 80
_MOST_FUNCTIONS = 30  # that hand the session on
_MOST_ITEMS = 40  # of a list, and of the arguments of a call
_FOR_TESTS = re.compile(r"(unit[-_]?)?tests?([-_]?(suite|unit|all|py\w*|run|session))?|unit|pytest|testing|py")
_LIKE_TESTS = re.compile(r"(.*[-_])?(tests?|pytest|unit)([-_].*)?")


@dataclass(frozen=True, slots=True)
class Nox:
    functions: Mapping[str, ast.FunctionDef]  # all at the top of the file
    sessions: Mapping[str, ast.FunctionDef]  # by the names that people call them
    constants: Mapping[str, ast.expr]


def read_nox(files: Files) -> Nox | None:
    """None when there is no noxfile, or it is no Python."""
    if "noxfile.py" not in files:
        return None
    try:
        module = ast.parse(files.text("noxfile.py"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    sessions = {name: node for node in functions.values() if (name := _session_name(node))}
    return Nox(functions, sessions, _assigned(module.body))


def _assigned(body: Sequence[ast.stmt]) -> dict[str, ast.expr]:
    """Name -> what it stands for, where that is said once and for all."""
    return {
        node.targets[0].id: node.value
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _session_name(function: ast.FunctionDef) -> str:
    """Of a function that `nox.session`, or a wrapper with its name, decorates; else empty."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if _last_name(called) in ("session", "nox_session"):
            keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
            named = [k.value.value for k in keywords if k.arg == "name" and isinstance(k.value, ast.Constant)]
            return str(named[0]) if named else function.name
    return ""


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def best_session(nox: Nox) -> str | None:
    """The one that is named like tests, before those that only contain the word."""
    for pattern in (_FOR_TESTS, _LIKE_TESTS):
        for name in nox.sessions:
            if pattern.fullmatch(name):
                return name
    return None


def session(nox: Nox, name: str, files: Files) -> Needs | None:
    """What a session installs and runs; None when there is none of that name."""
    base = re.sub(r"[-(].*", "", name) if name not in nox.sessions else name
    function = nox.sessions.get(base)
    if function is None:
        return None
    nox = replace(nox, constants={**nox.constants, **_assigned(function.body)})
    calls = itertools.islice(_calls(nox, function, set()), _MOST_CALLS)
    return Needs.all_of(_call(nox, call, files) for call in calls)


def _calls(nox: Nox, function: ast.FunctionDef, seen: set[str]) -> Iterator[ast.Call]:
    """In the order of the text, with those of functions of the file that get the session, once each."""
    argument = function.args.args[0].arg if function.args.args else "session"
    seen.add(function.name)
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            if call.func.value.id == argument:
                yield call
        elif (other := _handed_to(nox, call, argument)) and other.name not in seen and len(seen) < _MOST_FUNCTIONS:
            yield from _calls(nox, other, seen)


def _handed_to(nox: Nox, call: ast.Call, argument: str) -> ast.FunctionDef | None:
    """The function of the file that gets the session."""
    gets = any(isinstance(word, ast.Name) and word.id == argument for word in call.args)
    return nox.functions.get(_last_name(call.func)) if gets and isinstance(call.func, ast.Name) else None


def _call(nox: Nox, call: ast.Call, files: Files) -> Needs:
    words = [word for argument in call.args[:_MOST_ITEMS] for word in _words(nox, argument, depth=4)]
    known = [word for word in words if UNKNOWN not in word]
    match _last_name(call.func):
        case "install":
            return pip_arguments(known) + Needs(groups=tuple(_groups(call)))
        case "run" | "run_always" | "run_install":
            found = read_command([*_variables(nox, call), *words], files)
            script = script_test(words, files) if found == Needs() else None
            return Needs(tests=(" ".join(script),)) if script else found
    return Needs()


def _variables(nox: Nox, call: ast.Call) -> list[str]:
    """`env={"A": "b"}` -> `A=b`, as far as it is known."""
    given = next((keyword.value for keyword in call.keywords if keyword.arg == "env"), None)
    given = nox.constants.get(given.id) if isinstance(given, ast.Name) else given
    pairs = zip(given.keys, given.values, strict=True) if isinstance(given, ast.Dict) else ()
    return [
        f"{key.value!s}={value.value!s}"
        for key, value in itertools.islice(pairs, _MOST_ITEMS)
        if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
    ]


def _groups(call: ast.Call) -> Iterator[str]:
    """`*nox.project.dependency_groups(pyproject, "tests")`"""
    for argument in call.args:
        inner = argument.value if isinstance(argument, ast.Starred) else argument
        if isinstance(inner, ast.Call) and _last_name(inner.func) == "dependency_groups":
            yield from (str(word.value) for word in inner.args if isinstance(word, ast.Constant))


def _words(nox: Nox, node: ast.expr, depth: int) -> Sequence[str]:
    """The strings that an argument stands for; one that cannot be known is marked as such."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Starred(value=inner):
            return _words(nox, inner, depth)
        case ast.List(elts=items) | ast.Tuple(elts=items) if depth:
            return [word for item in items[:_MOST_ITEMS] for word in _words(nox, item, depth - 1)]
        case ast.Name(id=name) if depth and name in nox.constants:
            return _words(nox, nox.constants[name], depth - 1)
        case ast.BinOp(left=left, right=right) if depth and isinstance(node.op, ast.Add):
            return [*_words(nox, left, depth - 1), *_words(nox, right, depth - 1)]
        case ast.JoinedStr(values=values):
            return ["".join(str(v.value) if isinstance(v, ast.Constant) else UNKNOWN for v in values)]
        case ast.Attribute(attr="posargs") | ast.BoolOp():
            return []
    return [UNKNOWN]
