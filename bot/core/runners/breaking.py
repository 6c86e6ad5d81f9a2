"""Breaking files on purpose: tests that do not notice are about something else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from pathlib import PurePosixPath

from bot.core.runners.failing import failing_statements

_SAY = "broken on purpose"
_NOT_A_PROGRAM = f"\n{_SAY}: this is no longer a program\n"
_CANARIES = {
    ".py": f"\n\nraise RuntimeError('{_SAY}')\n",
    ".js": f"\n;throw new Error('{_SAY}');\n",
    ".go": f'\n\nfunc init() {{ panic("{_SAY}") }}\n',
    ".rb": f"\n\nraise '{_SAY}'\n",
    ".rs": f'\n\ncompile_error!("{_SAY}");\n',
    ".php": f"\n\nthrow new \\RuntimeException('{_SAY}');\n",
    ".pm": f"\n\ndie '{_SAY}';\n",
    ".bats": f"\necho '{_SAY}' >&2; exit 1\n",
    ".ex": f'\n\nraise "{_SAY}"\n',
    ".c": f"\n#error {_SAY}\n",
}
_CANARIES |= dict.fromkeys((".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts", ".cts"), _CANARIES[".js"])
_CANARIES |= dict.fromkeys((".cc", ".cpp", ".cxx", ".h", ".hpp"), _CANARIES[".c"])
_CANARIES |= dict.fromkeys((".java", ".kt", ".scala", ".groovy", ".cs", ".fs", ".vb", ".swift"), _NOT_A_PROGRAM)
_CANARIES |= {".t": _CANARIES[".pm"], ".exs": _CANARIES[".ex"], ".sh": _CANARIES[".bats"]}

_MAX_SOURCE = 400_000  # bytes
_MOST_FAILING = 8  # tests of one file

# What follows is data: statements have to stand before it.
_END_OF_PROGRAM = re.compile(rb"^__(?:END|DATA)__\s*$", re.MULTILINE)


def can_break(path: str) -> bool:
    """Declarations only, as in `x.d.ts`, are never loaded."""
    return PurePosixPath(path).suffix in _CANARIES and not path.endswith((".d.ts", ".d.mts", ".d.cts"))


def canaries(test_files: Iterable[str], stable: Iterable[str]) -> list[str]:
    """Those that can be broken on purpose, first the ones after which stable tests seem to be named."""
    heads = {name.partition("::")[0] for name in stable}
    words = {word for head in heads for word in re.split(r"[^\w-]+", head)}

    def rank(path: str) -> tuple[bool, bool, bool, str]:
        file = PurePosixPath(path)
        return path not in heads, file.stem not in words, file.parent.name not in words, path

    return sorted(filter(can_break, test_files), key=rank)


def break_on_purpose(path: str, content: bytes) -> bytes:
    """A file that can no longer be loaded, but loads before it fails all that it tests, where its language allows.

    In compiled languages nothing that is built with it can be loaded. Of others the content stays as it is.
    """
    if not can_break(path):
        return content
    suffix = PurePosixPath(path).suffix
    broken = _CANARIES[suffix].encode()
    if suffix == ".php" and content.rstrip().endswith(b"?>"):
        return content + b"<?php" + broken
    if suffix in (".rb", ".t", ".pm") and (end := _END_OF_PROGRAM.search(content)):
        return content[: end.start()] + broken.lstrip() + content[end.start() :]
    return content + broken


def break_tests_on_purpose(path: str, content: bytes) -> bytes:
    """As `failing_tests`; what cannot be made so is broken as a whole."""
    return failing_tests(path, content) or break_on_purpose(path, content)


@lru_cache(maxsize=16)  # each test of a pool asks for the controls of all of them
def failing_tests(path: str, content: bytes) -> bytes | None:
    """A test file of which the first few tests are run to their ends and fail there, each as its kind does; None where
    that is not to be had. In other languages than Python they fail at their beginnings.

    A few, because telling why a test fails takes a runner longer than running it: hundreds take minutes.

    What fails while a file is loaded is told in another way than a test that fails, and what fails before it has begun
    runs nothing of what it tests: whoever changes how tests are told, or only when called, would not be noticed.
    Nothing in the text says what it is.
    """
    added = dict(sorted(_failing(path, content))[:_MOST_FAILING])
    if not added:
        return None
    lines = content.split(b"\n")
    broken = b"\n".join(line + added.get(number, b"") for number, line in enumerate(lines, 1))
    if not path.endswith(".py"):
        return broken
    broken += b"\n\nif __name__ == '__main__':\n    raise SystemExit(1)\n"
    return broken if _parsed(broken) else None


def _failing(path: str, content: bytes) -> Iterator[tuple[int, bytes]]:
    """Statements that fail, and the numbers of the lines behind which they belong."""
    lines = content.split(b"\n")
    digest = sha256(content).digest()
    differ = 1000 + digest[0], 2000 + digest[1]
    if not path.endswith(".py"):
        texts = content[:_MAX_SOURCE].decode("utf-8", "replace").split("\n")
        yield from ((number, f"\n{said}".encode()) for number, said in failing_statements(path, texts, *differ))
        return
    tree = _parsed(content)
    if tree is None:
        return
    methods = {part for item in ast.walk(tree) if isinstance(item, ast.ClassDef) for part in item.body}
    for item in ast.walk(tree):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name.startswith("test"):
            last = item.body[-1]
            before = lines[last.lineno - 1][: last.col_offset] if last.lineno <= len(lines) else b"?"
            if last.lineno > item.lineno and not before.strip() and last.end_lineno is not None:
                me = item.args.args[0].arg if item in methods and item.args.args else ""
                yield last.end_lineno, b"\n" + before + _fails(me, *differ).encode()


def _fails(me: str, one: int, other: int) -> str:
    """Of a test case by its own means, which may have been changed. `me`: what a method calls its object."""
    if me:
        return f"assert hasattr({me}, 'assertEqual') and not {me}.assertEqual({one}, {other})"
    return f"assert {one} == {other}"


def _parsed(content: bytes) -> ast.Module | None:
    if len(content) > _MAX_SOURCE:
        return None
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
