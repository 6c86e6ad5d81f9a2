"""Breaking files on purpose: tests that do not notice are about something else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

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
