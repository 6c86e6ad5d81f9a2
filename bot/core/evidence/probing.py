"""Inputs that tell candidates apart: expressions of the issue and of tests, and the same with other literals.

Only what mentions something that a candidate changes is of use, and only what can be evaluated by itself: all that it
names is imported, by the tests, by the issue, or from the changed module. Python only.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice, zip_longest

from bot.core.evidence.behaviour import EQUALS_ALL

MOST_PROBES = 120
MOST_SEEDS = 24
_MAX_SOURCE = 400_000  # characters of one file
_MAX_TEXT = 60_000
_MAX_EXPRESSION = 160
_MOST_IMPORTS = 60
_MOST_NODES = 40_000
_MOST_LITERALS = 200
_MOST_FUNCTIONS = 1_000
_MOST_INNER = 2_000
_MOST_WAYS = 6  # methods of which one is asked the same
_FURTHEST = 3  # calls from what is changed
_LARGEST = 10**18

_BUILTINS = frozenset(dir(builtins)) - {"exit", "quit", "input", "breakpoint", "open", "exec", "eval", "compile"}
_FENCED = re.compile(r"^[ \t]{0,3}```[^\n`]{0,40}\n(.*?)^[ \t]{0,3}```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]{2,160})`")
_PROMPT = re.compile(r"^[ \t]*(?:>>>|In \[\d+\]:) ?(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Probes:
    """`imports` come first, each by itself. `from_issue`: how many, the first ones, stand in the issue as they are."""

    imports: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    from_issue: int = 0


def probes(issue: str, changed: Mapping[str, tuple[str, Sequence[str]]], tests: Sequence[str]) -> Probes:
    """`changed`: path -> the text before, and the texts that candidates made of it. `tests`: texts of test files.

    Half of them are expressions of the issue and others like these, as far as there are so many.
    """
    names: set[str] = set()
    methods: set[str] = set()
    imports: list[str] = []
    for path, (before, after) in sorted(changed.items()):
        found = frozenset[str]().union(*(changed_names(before, text) for text in after))
        methods |= methods_with(before, found)
        found |= callers(before, found)
        names |= found
        imports += _imports_of_module(path, before, found)
    snippets = [tree for text in _snippets(issue) for tree in _trees(text)]
    test_trees = [tree for text in tests for tree in _trees(text)]
    imports += [line for tree in (*snippets, *test_trees) for line in _imports(tree)]
    imports = list(dict.fromkeys(imports))[:_MOST_IMPORTS]
    known = _BUILTINS | {name for line in imports for name in _bound_by(line)}
    asked = list(dict.fromkeys(_expressions(snippets, names, known)))[:MOST_SEEDS]
    tested = list(dict.fromkeys(_expressions(test_trees, names, known)))[:MOST_SEEDS]
    elsewhere = _literals(test_trees)
    near = [*asked, *dict.fromkeys(text for seed in asked for text in other_ways(seed, sorted(methods)))]
    like_asked = islice(chain(near, _like(near, elsewhere)), MOST_PROBES // 2)
    wanted = dict.fromkeys(chain(like_asked, tested, _like([*tested, *asked], elsewhere)))
    return Probes(tuple(imports), tuple(islice(wanted, MOST_PROBES)), len(asked))


def _like(seeds: Sequence[str], literals: Sequence[str | int | float]) -> Iterator[str]:
    """The same with other literals, some of each seed in turn."""
    mutated = (islice(chain(mutations(seed), with_literals(seed, literals)), MOST_PROBES) for seed in seeds)
    return (text for turn in zip_longest(*mutated) for text in turn if text)


# ------------------------------------------------------------------------------------------------------ what is changed


def changed_names(before: str, after: str) -> frozenset[str]:
    """Functions and classes of which something differs, and those that are new; a class with each of its methods."""
    old, new = _definitions(before), _definitions(after)
    differing = {name for name, text in new.items() if old.get(name) != text}
    return frozenset(part for name in differing for part in name.split(".") if not part.startswith("__"))


def callers(source: str, names: Iterable[str]) -> frozenset[str]:
    """Functions of the same file that use one of the names, and those that use these, and so on."""
    tree = _parsed(source)
    used: dict[str, set[str]] = {}
    for item in islice(ast.walk(tree), _MOST_NODES) if tree else ():
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and len(used) < _MOST_FUNCTIONS:
            inner = islice(ast.walk(item), _MOST_INNER)
            used[item.name] = {node.id for node in inner if isinstance(node, ast.Name)}
    found = frozenset(names)
    for _ in range(_FURTHEST):
        found |= {name for name, uses in used.items() if not uses.isdisjoint(found)}
    return found


def methods_with(source: str, names: Iterable[str]) -> frozenset[str]:
    """Public methods of the file that are among the names, or call a method that is."""
    tree, wanted = _parsed(source), set(names)
    found = set[str]()
    classes = [item for item in tree.body if isinstance(item, ast.ClassDef)] if tree else []
    wanted -= {item.name for item in classes}
    for method in islice((part for item in classes for part in item.body), _MOST_FUNCTIONS):
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
            inner = islice(ast.walk(method), _MOST_INNER)
            uses = {node.attr for node in inner if isinstance(node, ast.Attribute)}
            if method.name in wanted or not uses.isdisjoint(wanted):
                found.add(method.name)
    return frozenset(found)


def _definitions(source: str) -> dict[str, str]:
    tree = _parsed(source)
    try:
        return dict(_defined(tree.body, "")) if tree is not None else {}
    except (ValueError, RecursionError):  # a number of thousands of digits; an expression that is too deep
        return {}


def _defined(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, str]]:
    for item in body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{item.name}", ast.dump(item)
        elif isinstance(item, ast.ClassDef):
            yield f"{prefix}{item.name}", ast.dump(item)
            if prefix.count(".") < 3:
                yield from _defined(item.body, f"{prefix}{item.name}.")


def _imports_of_module(path: str, source: str, names: Iterable[str]) -> list[str]:
    """Names at the top of the changed module: of `src/shop/amounts.py`, `from shop.amounts import parse`."""
    module = re.sub(r"^(?:src|lib)/", "", path.removesuffix(".py")).removesuffix("/__init__").replace("/", ".")
    tops = {name for name in _definitions(source) if "." not in name}
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module):
        return []
    return [f"from {module} import {name}" for name in sorted(set(names) & tops)]


# ----------------------------------------------------------------------------------------------------- where they stand


def _snippets(text: str) -> Iterator[str]:
    """Of Markdown: what follows a prompt, fenced blocks without one, code within lines."""
    text = text[:_MAX_TEXT]
    for match in _PROMPT.finditer(text):
        yield match[1]
    for match in _FENCED.finditer(text):
        if ">>>" not in match[1]:
            yield match[1]
    for match in _INLINE.finditer(_FENCED.sub("", text)):
        yield match[1]


def _trees(text: str) -> Iterator[ast.Module]:
    """The whole of it, or the lines of it that are Python by themselves."""
    tree = _parsed(text)
    if tree is not None:
        yield tree
    elif len(text) <= _MAX_TEXT:
        for line in text.split("\n")[:200]:
            if line.strip() and (found := _parsed(line.strip())) is not None:
                yield found


def _parsed(text: str) -> ast.Module | None:
    if len(text) > _MAX_SOURCE:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imports(tree: ast.Module) -> Iterator[str]:
    for item in tree.body:
        if isinstance(item, ast.Import) or (isinstance(item, ast.ImportFrom) and not item.level):
            line = ast.unparse(item)
            if "__future__" not in line and "*" not in line and len(line) <= 4 * _MAX_EXPRESSION:
                yield line


def _bound_by(line: str) -> Iterator[str]:
    tree = _parsed(line)
    for item in tree.body if tree else ():
        if isinstance(item, ast.Import | ast.ImportFrom):
            for alias in item.names:
                yield alias.asname or alias.name.partition(".")[0]


def _expressions(trees: Iterable[ast.Module], names: set[str], known: frozenset[str]) -> Iterator[str]:
    """Calls and subscripts that mention one of the names, and can be evaluated by themselves."""
    for tree in trees:
        for node in islice(ast.walk(tree), _MOST_NODES):
            if isinstance(node, ast.Call | ast.Subscript) and _stands_alone(node, names, known):
                text = ast.unparse(node)
                if len(text) <= _MAX_EXPRESSION:
                    yield text


def _stands_alone(node: ast.expr, names: set[str], known: frozenset[str]) -> bool:
    loaded, stored, mentioned = set[str](), set[str](), set[str]()
    for count, part in enumerate(ast.walk(node)):
        if count > 80 or isinstance(part, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
            return False
        if isinstance(part, ast.Name):
            (loaded if isinstance(part.ctx, ast.Load) else stored).add(part.id)
            mentioned.add(part.id)
        elif isinstance(part, ast.Attribute):
            mentioned.add(part.attr)
        elif isinstance(part, ast.arg):
            stored.add(part.arg)
        elif isinstance(part, ast.Constant) and isinstance(part.value, int) and not _is_small(part.value):
            return False
    return bool(mentioned & names) and loaded - stored <= known


# --------------------------------------------------------------------------------------------------------- other inputs


def other_ways(expression: str, methods: Sequence[str]) -> Iterator[str]:
    """The same asked of the same object through other methods: of `Pile([1])[-5]`, `Pile([1]).pop(-5)`."""
    tree = _parsed(expression)
    match tree.body[0] if tree and tree.body else None:
        case ast.Expr(ast.Subscript(value=thing, slice=argument)) if not isinstance(argument, ast.Slice):
            arguments, asked = ast.unparse(argument), ""
        case ast.Expr(ast.Call(func=ast.Attribute(value=thing, attr=asked)) as call):
            arguments = ", ".join(map(ast.unparse, [*call.args, *call.keywords]))
        case _:
            return
    if isinstance(thing, ast.Call):
        yield from (f"{ast.unparse(thing)}.{name}({arguments})" for name in methods[:_MOST_WAYS] if name != asked)


def mutations(expression: str) -> Iterator[str]:
    """The same with one literal changed."""
    tree = _parsed(expression)
    literals = [n for n, node in enumerate(ast.walk(tree)) if _variants(node)] if tree else []
    changed = [list(_with_literal(expression, number)) for number in literals[:12]]
    for turn in zip_longest(*changed):
        yield from (text for text in turn if text and len(text) <= 2 * _MAX_EXPRESSION)


def with_literals(expression: str, literals: Sequence[str | int | float]) -> Iterator[str]:
    """The same with a literal of the tests in place of one of its kind: they are what this was tried with before."""
    tree = _parsed(expression)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)] if tree else []
    for literal in literals:
        for node in nodes[:4]:
            if type(node.value) is type(literal) and node.value != literal:
                old, node.value = node.value, literal
                yield ast.unparse(tree)  # type: ignore[arg-type]  # there are no nodes without a tree
                node.value = old


def _literals(trees: Iterable[ast.Module]) -> list[str | int | float]:
    nodes = (node for tree in trees for node in islice(ast.walk(tree), _MOST_NODES))
    values = (node.value for node in nodes if isinstance(node, ast.Constant))
    plain = (value for value in values if isinstance(value, str | int | float) and _is_small(value))
    return list(islice(dict.fromkeys(plain), _MOST_LITERALS))


def _is_small(value: str | int | float) -> bool:
    """Numbers of thousands of digits cannot even be written down."""
    return len(value) <= 40 if isinstance(value, str) else abs(value) < _LARGEST


def _with_literal(expression: str, number: int) -> Iterator[str]:
    first = next(islice(ast.walk(ast.parse(expression)), number, None))
    for variant in _variants(first):
        tree = ast.parse(expression)
        node = next(islice(ast.walk(tree), number, None))
        if isinstance(node, ast.Constant) and not isinstance(variant, ast.expr):
            node.value = variant
        elif isinstance(node, ast.List | ast.Tuple):
            node.elts = [*node.elts, *node.elts] if variant == "twice" else []
        try:
            yield ast.unparse(tree)
        except (ValueError, RecursionError):
            return


def _variants(node: ast.AST) -> list[str | int | float | bool | None]:
    """Near it and far from it, the edges first."""
    match node:
        case ast.Constant(bool(value)):
            return [not value]
        case ast.Constant(int(number)) if abs(number) < 10**12:
            near = [number + 1, number - 1, number - number // 200, number - number // 50, number + number // 100]
            return [0, *near, -number, 2 * number, number // 2, 10 * number, number // 10, 1, 1000 * number]
        case ast.Constant(float(number)) if abs(number) < 1e12:
            return [0.0, 1.0, number + 1, number + 0.5, -number, number * 0.995, number / 2, number / 10, 10 * number]
        case ast.Constant(str(text)) if len(text) <= 40:
            return ["", text + text, text.upper(), text[:1], f" {text}", text[::-1]]
        case ast.List(elts) | ast.Tuple(elts) if len(elts) <= 8:
            return ["empty", "twice"]
    return []


# -------------------------------------------------------------------------------------------------------- how it is run

_SCRIPT = """\
import re, signal
from itertools import islice


class Slow(BaseException):
    pass


def slow(*_):
    raise Slow


def equals_all(value):
    try:
        pairs = [object(), object()], [918273, 918274], ["918273", "918274"]
        return any(all(value == each for each in pair) for pair in pairs)
    except BaseException:
        return False


def shown(value):
    if equals_all(value):
        return EQUALS_ALL
    if hasattr(value, "__next__"):
        value = list(islice(value, 20))
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))[:160]


def said_by(error):
    try:
        text = re.sub(r" at 0x[0-9a-fA-F]+", "", str(error))[:80]
    except BaseException:
        text = ""
    return ": " + text if text else ""


def outcome(probe):
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        return "returns " + shown(eval(probe, names))
    except Slow:
        return "does not end"
    except BaseException as error:
        return "raises " + type(error).__name__ + said_by(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


names = {}
signal.signal(signal.SIGALRM, slow)
for line in IMPORTS:
    try:
        exec(line, names)
    except BaseException:
        pass
for number, probe in enumerate(PROBES):
    print("\\nTOKEN", number, outcome(probe).encode("unicode_escape").decode(), flush=True)
"""


def probe_script(wanted: Probes) -> str:
    """A program that prints what comes of each expression; none takes longer than a second."""
    text = _SCRIPT.replace("TOKEN", _token(wanted)).replace("IMPORTS", ascii(list(wanted.imports)))
    text = text.replace("EQUALS_ALL", ascii(EQUALS_ALL))
    return text.replace("PROBES", ascii(list(wanted.expressions)))


def read_outcomes(output: str, wanted: Probes) -> tuple[str, ...]:
    """What such a program printed; "" where it said nothing. Anybody may have printed it, so it is only compared."""
    found: dict[int, str] = {}
    for match in re.finditer(rf"^{_token(wanted)} (\d{{1,4}}) (.{{1,400}})$", output, re.MULTILINE):
        found.setdefault(int(match[1]), match[2])
    return tuple(found.get(number, "") for number in range(len(wanted.expressions)))


def _token(wanted: Probes) -> str:
    """What a line with an outcome begins with: not to be known before all candidates are there."""
    text = "\n".join([*wanted.imports, *wanted.expressions])
    return f"probe-{sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


def steady(wanted: Probes, first: Sequence[str], second: Sequence[str]) -> list[int]:
    """Probes that say the same twice, and something that is of use."""
    return [
        number
        for number in range(len(wanted.expressions))
        if first[number] and first[number] == second[number] and not first[number].startswith("raises NameError")
    ]
