"""Changes the data of policies in core/, one entry at a time, and tells which change no test notices.

`make mutation` changes what functions do, by mutmut; this changes what is written beside them: a number is doubled, an
entry of a list, a line of a pattern or an alternative of a regular expression is dropped.

    python -m tests.policy_mutation [--sample 60] [--seed 1] [MODULE...]  such as bot.core.candidate.gates
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
COPIED = ("bot", "tests", "docs", "deploy", "README.md", "Makefile", "app.yml", "pyproject.toml")
SECONDS = 900.0  # for the tests of one change; a change with which they do not end is noticed, too


@dataclass(frozen=True, slots=True)
class Change:
    """`statement` takes the place of the lines `first` to `last` of a file."""

    path: Path
    first: int
    last: int
    what: str
    statement: str

    def __str__(self) -> str:
        return f"{self.path}:{self.first} {self.what}"

    def applied_to(self, source: str) -> str:
        lines = source.split("\n")
        return "\n".join([*lines[: self.first - 1], self.statement, *lines[self.last :]])


def changes(path: Path, source: str) -> Iterator[Change]:
    """Of what a module or a class says outside of its functions."""
    for statement in _data(ast.parse(source).body):
        assert statement.value is not None
        for number, node in enumerate(ast.walk(statement.value)):
            for what, changed in _changed(node):
                yield _replacing(path, statement, number, what, changed)


def _data(body: Sequence[ast.stmt]) -> Iterator[ast.Assign | ast.AnnAssign]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from (each for each in _data(statement.body) if each.value is not None)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            yield statement


def _changed(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            yield f"{value} doubled", ast.Constant(value * 2 if value else 1)
        case ast.Constant(value=str() as text):
            yield from ((f"without {part!r}", ast.Constant(rest)) for part, rest in _without_one(text))
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) if len(items) > 1:
            for index, item in enumerate(items):
                changed = deepcopy(node)
                del changed.elts[index]
                yield f"without {ast.unparse(item)[:60]}", changed
        case ast.Dict(keys=keys) if len(keys) > 1:
            for index, key in enumerate(keys):
                pruned = deepcopy(node)
                del pruned.keys[index], pruned.values[index]
                yield f"without {ast.unparse(key)[:60] if key else '**'}", pruned


def _without_one(text: str) -> Iterator[tuple[str, str]]:
    """A word or a line of a list, or an alternative of a regular expression that is one without it, too."""
    if len(text.split()) > 3 and re.fullmatch(r"[\w.*/@+\s-]+", text):
        for word in re.finditer(r"\S+", text):
            yield word[0], text[: word.start()] + text[word.end() :]
        return
    lines = text.split("\n")
    if "|" not in text and sum(map(bool, map(str.strip, lines))) > 1:
        kept = ((line, [*lines[:n], *lines[n + 1 :]]) for n, line in enumerate(lines) if line.strip())
        yield from ((line.strip(), "\n".join(rest)) for line, rest in kept)
    for alternative in re.finditer(r"(?<=[(|:])[^()|\[\]]{2,60}\||\|[^()|\[\]]{2,60}(?=[)|]|$)", text):
        rest = text[: alternative.start()] + text[alternative.end() :]
        if _is_pattern(text) and _is_pattern(rest):
            yield alternative[0], rest


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text, re.VERBOSE)
    except re.error:
        return False
    return True


def _replacing(path: Path, statement: ast.Assign | ast.AnnAssign, number: int, what: str, changed: ast.AST) -> Change:
    """The statement again, with the node that `ast.walk` meets in its value as that number replaced."""
    again = deepcopy(statement)
    assert again.value is not None
    replaced = list(ast.walk(again.value))[number]
    for parent in ast.walk(again):
        for name, value in ast.iter_fields(parent):
            if value is replaced:
                setattr(parent, name, changed)
            elif isinstance(value, list) and any(each is replaced for each in value):
                value[:] = [changed if each is replaced else each for each in value]
    assert statement.end_lineno is not None
    text = " " * statement.col_offset + ast.unparse(ast.fix_missing_locations(again))
    return Change(path, statement.lineno, statement.end_lineno, what, text)


def is_noticed(change: Change, copy: Path) -> bool:
    source = (copy / change.path).read_text()
    (copy / change.path).write_text(change.applied_to(source))
    try:
        return not passes(copy, ".".join(change.path.with_suffix("").parts))
    finally:
        (copy / change.path).write_text(source)


def passes(copy: Path, module: str = "") -> bool:
    """The tests of core/ and of limits, those that name the module first."""
    tests = sorted((copy / "tests/core").glob("test_*.py"), key=lambda test: module not in test.read_text())
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", *map(str, tests)]
    command.append(str(copy / "tests/test_limits.py"))
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("modules", nargs="*", default=["bot.core"])
    asked = parser.parse_args()
    paths = [path.relative_to(ROOT) for path in sorted((ROOT / "bot/core").rglob("*.py"))]
    wanted = [path for path in paths if ".".join(path.with_suffix("").parts).startswith(tuple(asked.modules))]
    found = [change for path in wanted for change in changes(path, (ROOT / path).read_text())]
    sample = random.Random(asked.seed).sample(found, min(asked.sample, len(found)))
    with TemporaryDirectory(prefix="solvebot-mutation-") as name:
        copy = Path(name)
        for each in COPIED:
            (shutil.copytree if (ROOT / each).is_dir() else shutil.copyfile)(ROOT / each, copy / each)
        if not passes(copy):
            sys.exit("The tests fail without any change.")
        unnoticed = []
        for change in sample:
            noticed = is_noticed(change, copy)
            print("noticed  " if noticed else "UNNOTICED", change, flush=True)
            unnoticed += [] if noticed else [change]
    print(f"{len(sample) - len(unnoticed)} of {len(sample)} changes were noticed, of {len(found)} that can be made.")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
