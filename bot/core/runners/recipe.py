"""How a test command is run so that it tells about single tests.

Every part of the command writes a report of its own; a part that fails does not keep the others from running, because
a linter or one broken suite must not silence the rest. A directory that cannot be entered does, and a build that
fails: what comes behind them belongs there, and is about what is built. The exit code is the first that is not 0.

Nothing of this can be seen in the workspace. Reports are what the code under test makes of them, as the output is.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.core.environment.lines import Kind, kind_of
from bot.core.reports.formats import Format
from bot.core.runners.folder import REPORT_FOLDER
from bot.core.runners.gathering import BEFORE, COPY, PREAMBLE, REMOVE_JAVA_REPORTS, after
from bot.core.runners.python import PYTEST, USAGE_ERROR
from bot.core.runners.runner import Stream, given
from bot.core.runners.shell import Command, Opaque, Part, Step, Subshell, steps
from bot.core.runners.table import Call, call


@dataclass(frozen=True, slots=True)
class Recipe:
    """One execution of the test command, so that it leaves its reports at `REPORT`.

    `before` and `after` are commands of our own; what they print and how they end does not matter.
    """

    command: str
    before: str
    after: str


def recipe(command: str) -> Recipe:
    script = _Script()
    body = "\n".join(script.lines(steps(command)))
    return Recipe(
        f"{PREAMBLE}\n{body}\nexit $_solvebot_code",
        f"{BEFORE}\n{REMOVE_JAVA_REPORTS}" if Format.JAVA in script.formats else BEFORE,
        after(java=not script.formats.isdisjoint({Format.JAVA, Format.OUTPUT})),
    )


def tells_single_tests(command: str) -> bool:
    """Is a runner that we know among what it starts, in the open?"""
    return any(map(_tells, steps(command)))


def _tells(step: Step) -> bool:
    if isinstance(step.part, Subshell):
        return any(map(_tells, step.part.steps))
    return isinstance(step.part, Command) and call(step.part) is not None


_COPIED = {
    Stream.OUTPUT: f">&{COPY}",
    Stream.ERRORS: f"2>&{COPY}",
    Stream.BOTH: f">&{COPY} 2>&{COPY}",
}
# They change the shell that runs them, and print nothing.
_OF_THE_SHELL = frozenset(
    {"cd", "pushd", "popd", "export", "source", ".", "set", "unset", "shopt", "alias", "ulimit", "umask"}
)
_GUARDS = frozenset({"cd", "pushd", "source", "."})  # what comes behind them makes no sense without


@dataclass(slots=True)
class _Script:
    """Numbers the parts as it writes them, and remembers in which formats they report."""

    formats: set[Format] = field(default_factory=set)
    _parts: int = 0

    def lines(self, steps: Sequence[Step]) -> Iterator[str]:
        open_guards = 0
        for step in steps:
            if step.then == "&&" and isinstance(step.part, Command) and _guards(step.part):
                yield f"if {step.part.text}; then"
                open_guards += 1
            else:
                yield from self._part(step.part)
            if step.then != "&&":
                yield from ["else _solvebot_end; fi"] * open_guards
                open_guards = 0
            if step.then == ";":
                yield "_solvebot_code=0"

    def _part(self, part: Part) -> Iterator[str]:
        if isinstance(part, Subshell):
            yield from ("(", "_solvebot_code=0", *self.lines(part.steps), "exit $_solvebot_code", ")", "_solvebot_end")
        elif isinstance(part, Command) and _program(part) in _OF_THE_SHELL:
            yield from (part.text, "_solvebot_end")
        else:
            self._parts += 1
            found = call(part) if isinstance(part, Command) else None
            self.formats.add(found.runner.format if found else Format.OUTPUT)
            yield from _known(found, self._parts) if found else _unknown(part, self._parts)


def _guards(command: Command) -> bool:
    """A build too: what an earlier one has left would be tested in place of the workspace."""
    words = command.values[command.first :]
    return _program(command) in _GUARDS or (call(command) is None and kind_of(words) is Kind.SETUP)


def _program(command: Command) -> str:
    """An assignment alone counts as one that the shell carries out."""
    words = command.values[command.first :]
    return words[0] if words else "set"


def _unknown(part: Command | Opaque, number: int) -> Iterator[str]:
    """`:` because there may be nothing but a comment."""
    yield f"_solvebot_begin {number} {Format.OUTPUT}"
    yield from _copied(f":\n{part.text}", number, Stream.BOTH)


def _known(found: Call, number: int) -> Iterator[str]:
    text = asking(found, _report(number))
    yield f"_solvebot_begin {number} {found.runner.format}"
    if found.runner is PYTEST:
        yield from _twice(text)
    elif found.runner.stream is Stream.NONE:
        yield from (f"{{ {text}\n}}", "_solvebot_end")
    else:
        yield from _copied(text, number, found.runner.stream)


def _report(number: int) -> str:
    return f"{REPORT_FOLDER}/{number}.report"


def _copied(text: str, number: int, stream: Stream) -> Iterator[str]:
    yield f"exec {COPY}> >(exec tee {_report(number)}{' >&2' if stream is Stream.ERRORS else ''})"
    yield "_solvebot_copy=$!"
    yield f"{{ {text}\n}} {_COPIED[stream]} {COPY}>&-"
    yield "_solvebot_end $_solvebot_copy"


def _twice(text: str) -> Iterator[str]:
    """A second time where pytest does not know an option: its settings may name those of plugins that are missing."""
    yield f"{{ {text}\n}} || {{\n_solvebot_was=$?\nif [ $_solvebot_was = {USAGE_ERROR} ]; then"
    yield "echo '[pytest did not take its options; once more, without the addopts of its settings]'"
    yield f'PYTEST_ADDOPTS="$PYTEST_ADDOPTS -o addopts="\n{text}'
    yield "else (exit $_solvebot_was); fi\n}"
    yield "_solvebot_end"


def asking(found: Call, report: str) -> str:
    """The command with the options by which its runner reports, and without those that get in the way."""
    runner, words = found.runner, found.command.values
    return found.command.edited(
        found.at,
        [shlex.quote(word.format(report=report)) for word in runner.ask],
        given(words, found.at, runner.silence),
        [shlex.quote(word) for word in runner.ask_last],
    )
