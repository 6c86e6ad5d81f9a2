"""A test command that runs only some files."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Sequence

from bot.core.runners.python import PYTEST
from bot.core.runners.runner import Runner
from bot.core.runners.shell import Command, Part, Step, Subshell, steps
from bot.core.runners.table import RUNNERS, Call, call

_ELSEWHERE = frozenset({"-C", "-F", "-w", "--filter", "--prefix", "--cwd", "--dir", "--workspace", "--recursive", "-r"})


def narrow(command: str, files: Sequence[str]) -> str | None:
    """The command, running only these files; None where we do not know how, and the whole of it has to run.

    A runner is given the files below the directory that it is started in, as far as they are in its language. Runners
    without any are left out, what only builds is kept. File names are hostile: they are quoted, and `./` keeps them
    from being read as options.
    """
    narrowed = _Narrowed(files)
    text = narrowed.line(steps(command), "")
    return text if narrowed.placed else None


def narrow_to_cases(command: str, cases: Sequence[str]) -> str | None:
    """The same for single tests of pytest, `tests/test_a.py::test_b`; other runners are not told of them."""
    narrowed = _Narrowed(cases, (PYTEST,))
    text = narrowed.line(steps(command), "")
    return text if narrowed.placed else None


class _Narrowed:
    """`runners`: those that are given something to run; all others are left out."""

    def __init__(self, files: Sequence[str], runners: Sequence[Runner] = RUNNERS) -> None:
        self._files = files
        self._runners = runners
        self.placed = 0  # runners that were given files

    def line(self, steps: Sequence[Step], directory: str | None) -> str:
        """`directory` is where the shell is, below the top; None where that cannot be told."""
        kept = []
        for step in steps:
            text = self._part(step.part, directory)
            directory = _after(step.part, directory)
            if text is not None:
                kept.append((text, step.then))
        return "".join(
            text + {"&&": " && ", ";": "; "}.get(then, "") if number < len(kept) else text
            for number, (text, then) in enumerate(kept, 1)
        )

    def _part(self, part: Part, directory: str | None) -> str | None:
        """None: left out, because it would run other tests."""
        if isinstance(part, Subshell):
            before = self.placed
            inner = self.line(part.steps, directory)
            return f"({inner})" if self.placed > before or not _runs_tests(part) else None
        found = call(part) if isinstance(part, Command) else None
        if found is None:
            return part.text
        files = _below(directory, self._files, found.runner.suffixes)
        made = _narrowed_call(found, files) if files and found.runner in self._runners else []
        self.placed += bool(made)
        return " && ".join(made) or None


def _runs_tests(part: Part) -> bool:
    if isinstance(part, Subshell):
        return any(_runs_tests(step.part) for step in part.steps)
    return isinstance(part, Command) and call(part) is not None


def _narrowed_call(found: Call, files: Sequence[str]) -> list[str]:
    """What its arguments hold must be known, and so must be where it is started."""
    words = found.command.values
    if any("$" in word for word in words[found.at :]) or not _ELSEWHERE.isdisjoint(words[: found.at]):
        return []
    changes = found.runner.narrow(words, found.at, files)
    return [
        found.command.edited(found.at, _quoted(change.add), change.drop, _quoted(change.append)) for change in changes
    ]


def _quoted(words: Iterable[str]) -> list[str]:
    return [shlex.quote(word) for word in words]


def _after(part: Part, directory: str | None) -> str | None:
    """Where the shell is then."""
    words = part.values[part.first :] if isinstance(part, Command) else ()
    if not words or words[0] not in ("cd", "pushd", "popd"):
        return directory
    if directory is None or words[0] == "popd" or len(words) != 2 or words[1].startswith(("-", "/", "~", "$")):
        return None
    entered = posixpath.normpath(posixpath.join(directory, words[1]))
    return None if entered.startswith("..") else "" if entered == "." else entered


def _below(directory: str | None, files: Sequence[str], suffixes: tuple[str, ...]) -> list[str]:
    """Relative to the directory."""
    if directory is None:
        return []
    start = f"{directory}/" if directory else ""
    return [
        f"./{file[len(start) :]}"
        for file in files
        if file.startswith(start) and file.partition("::")[0].endswith(suffixes or ("",))
    ]
