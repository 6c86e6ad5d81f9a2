"""Breaking files on purpose: tests that do not notice are about something else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

_CANARIES = {
    ".py": "\n\nraise RuntimeError('broken on purpose')\n",
    ".js": "\n;throw new Error('broken on purpose');\n",
    ".go": '\n\nfunc init() { panic("broken on purpose") }\n',
    ".rb": "\n\nraise 'broken on purpose'\n",
}
_CANARIES |= dict.fromkeys((".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts", ".cts"), _CANARIES[".js"])


def canaries(test_files: Iterable[str], stable: Iterable[str]) -> list[str]:
    """Those that can be broken on purpose, first the ones after which stable tests seem to be named."""
    words = {word for name in stable for word in name.partition("::")[0].split(".")}
    breakable = [path for path in test_files if PurePosixPath(path).suffix in _CANARIES]
    return sorted(breakable, key=lambda path: (PurePosixPath(path).stem not in words, path))


def break_on_purpose(path: str, content: bytes) -> bytes:
    """A file that can no longer be loaded, but loads before it fails all that it tests: one of the `canaries`."""
    return content + _CANARIES[PurePosixPath(path).suffix].encode()
