"""How a test command is run so that it tells about single tests.

Every part of the command writes a report of its own; a part that fails does not keep the others from running, because
a linter or one broken suite must not silence the rest. A directory that cannot be entered does: what comes behind it
belongs there. The exit code is the first that is not 0.

Nothing of this can be seen in the workspace. Reports are what the code under test makes of them, as the output is.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.reports.formats import ROOT, Format
from bot.core.runners import reporters
from bot.core.runners.folder import ENVIRONMENT, REPORT, REPORT_FOLDER
from bot.core.runners.python import PYTEST, PYTEST_OPTIONS, USAGE_ERROR
from bot.core.runners.runner import Stream, given
from bot.core.runners.shell import Command, Opaque, Part, Step, Subshell, steps
from bot.core.runners.table import Call, call

_MAX_REPORT = 12 * 1024 * 1024  # bytes of one part's
# Several pytests in one part, as tox and nox start them, must not write the same file: pytest expands these itself.
_PYTEST_REPORT = f"{REPORT_FOLDER}/{{}}.pytest$TOX_ENV_NAME$NOX_CURRENT_SESSION"
_COPY = 60  # a file descriptor for what is printed and kept as well
_COPIED = {
    Stream.OUTPUT: f">&{_COPY}",
    Stream.ERRORS: f"2>&{_COPY}",
    Stream.BOTH: f">&{_COPY} 2>&{_COPY}",
}


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
    return Recipe(f"{_PREAMBLE}\n{body}\nexit $_solvebot_code", _BEFORE, _AFTER)


_PREAMBLE = f"""
_solvebot_root=$PWD _solvebot_code=0
_solvebot_begin() {{
  export {ENVIRONMENT}={REPORT_FOLDER}/$1.report PYTEST_ADDOPTS=$3
  local at=${{PWD#"$_solvebot_root"}}
  printf '%s %s\\n' "$2" "${{at//[^[:print:]]/?}}" > {REPORT_FOLDER}/$1.head
}}
_solvebot_end() {{
  local code=$? tries=0
  exec {_COPY}>&-
  [ "$_solvebot_code" != 0 ] || _solvebot_code=$code
  while [ "${{1-}}" ] && kill -0 "$1" 2>/dev/null && [ $((tries += 1)) -lt 60 ]; do sleep 0.05; done
}}
""".strip()

_BEFORE = f"rm -rf {REPORT_FOLDER}; mkdir -p {REPORT_FOLDER}" + "".join(
    f"\ncat > {path} <<'END-OF-REPORTER'\n{source}\nEND-OF-REPORTER" for path, source in reporters.SOURCES.items()
)
_AFTER = f"""
cd {REPORT_FOLDER} || exit
gather() {{
  find . -type f -path "$1" | sort | while IFS= read -r file; do
    printf '\\0%s\\n' "$2"; head -c {_MAX_REPORT} -- "$file" | tr -d '\\0'
  done
}}
for head in *.head; do
  IFS= read -r about < "$head"
  gather "./${{head%.head}}.report" "$about"
  gather "./${{head%.head}}.pytest*" "{Format.JUNIT} ${{about#* }}"
done > parts
{{ printf '\\0{ROOT} %s\\n' "$OLDPWD"; cat parts; }} > {REPORT}
""".strip()

# They change the shell that runs them, and print nothing.
_OF_THE_SHELL = frozenset(
    {"cd", "pushd", "popd", "export", "source", ".", "set", "unset", "shopt", "alias", "ulimit", "umask"}
)
_GUARDS = frozenset({"cd", "pushd", "source", "."})  # what comes behind them makes no sense without


@dataclass(slots=True)
class _Script:
    """Numbers the parts as it writes them."""

    parts: int = 0

    def lines(self, steps: Sequence[Step]) -> Iterator[str]:
        open_guards = 0
        for step in steps:
            guards = step.then == "&&" and _program(step.part) in _GUARDS
            if guards and isinstance(step.part, Command):
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
        elif _program(part) in _OF_THE_SHELL:
            yield from (part.text, "_solvebot_end")
        else:
            self.parts += 1
            yield from _reporting(part, self.parts)


def _program(part: Part) -> str:
    """Of a plain command; an assignment alone counts as one that the shell carries out."""
    if not isinstance(part, Command):
        return ""
    words = part.values[part.first :]
    return words[0] if words else "set"


def _reporting(part: Command | Opaque, number: int) -> Iterator[str]:
    found = call(part) if isinstance(part, Command) else None
    format, stream = (found.runner.format, found.runner.stream) if found else (Format.OUTPUT, Stream.BOTH)
    report = f"{REPORT_FOLDER}/{number}.report"
    text = asking(found, report) if found else part.text
    yield f"_solvebot_begin {number} {format} '{PYTEST_OPTIONS.format(report=_PYTEST_REPORT.format(number))}'"
    if found and found.runner is PYTEST:
        yield from _twice(text)
    elif stream is Stream.NONE:
        yield f"{{ {text}\n}}"
        yield "_solvebot_end"
    else:
        yield f"exec {_COPY}> >(exec tee {report}{' >&2' if stream is Stream.ERRORS else ''})"
        yield "_solvebot_copy=$!"
        yield f"{{ {text}\n}} {_COPIED[stream]} {_COPY}>&-"
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
        {found.at: [shlex.quote(word.format(report=report)) for word in runner.ask]},
        given(words, found.at, runner.silence),
        [shlex.quote(word) for word in runner.ask_last],
    )
