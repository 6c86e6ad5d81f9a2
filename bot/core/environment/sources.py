"""Which of the product's own files are broken to see whether the tests are about them."""

from __future__ import annotations

import re

from bot.core.environment.files import Files
from bot.core.testfiles import is_test_file, is_test_support

_MOST = 40


def sources_to_break(files: Files, ecosystem: str) -> tuple[str, ...]:
    """The entry points at the top: each package's `__init__.py`, what package.json calls its main."""
    if ecosystem == "python":
        pattern = re.compile(r"((src|lib)/)?[^/]+/__init__\.py|(src/)?[^/]+\.py")
        left_out = re.compile(r"setup\.py|noxfile\.py|conftest\.py|tasks\.py|docs/.*|examples?/.*|scripts/.*")
    elif ecosystem == "node":
        pattern = re.compile(r"(src/|lib/|source/)?(index|main)\.[cm]?[jt]sx?")
        left_out = re.compile(r"(?!)")
    else:
        return ()
    return tuple(
        path
        for path in sorted(files.paths)
        if pattern.fullmatch(path)
        and not left_out.fullmatch(path)
        and not is_test_file(path)
        and not is_test_support(path)
    )[:_MOST]
