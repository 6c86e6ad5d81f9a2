"""Single tests of pytest, as its command line takes them, from the names in its reports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

_MOST_CASES = 200  # on one command line


def cases(paths: Iterable[str], names: Iterable[str]) -> tuple[str, ...] | None:
    """`tests/test_a.py`, `tests.test_a.TestB::test_c[1]` -> `tests/test_a.py::TestB::test_c`.

    All cases of a test with parameters are one. None: a name is of none of these files, or there are too many.
    """
    known, found = [*paths], dict[str, None]()
    for name in names:
        case = next(filter(None, (_case(path, name) for path in known)), None)
        if case is None or len(found) == _MOST_CASES:
            return None
        found[case] = None
    return tuple(found) or None


def _case(path: str, name: str) -> str | None:
    """pytest names the module as it was imported, which may leave directories at the front out."""
    where, _, test = name.partition("[")[0].rpartition("::")
    parts = where.split(".")
    file = PurePosixPath(path)
    if file.suffix != ".py" or file.stem not in parts:
        return None
    at = len(parts) - 1 - parts[::-1].index(file.stem)
    directories = [part for part in file.parent.parts if part != "."]
    classes = parts[at + 1 :]
    fits = parts[:at] == directories[len(directories) - at :] and at <= len(directories)
    if not fits or not all(word.isidentifier() for word in (*classes, test)):
        return None
    return "::".join([path, *classes, test])
