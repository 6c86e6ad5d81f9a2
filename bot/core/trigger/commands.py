"""What a comment asks for: `/solve` lines into commands, or into an answer that names the mistake.

One command per line, at the start of the line, in the author's own plain words: not in quotes, code, HTML, comments,
headings or links. A wrong command never starts anything. The parser is total: no text makes it raise, and at most
10,000 characters of it are read as Markdown, so that no comment takes it longer than some 30 ms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.model import ModelSpec, SolveOptions
from bot.core.text.cleaning import visible
from bot.core.text.markdown import Block, BlockKind, read_page
from bot.core.trigger.batches import MOST_ISSUES
from bot.core.trigger.command_lines import SlashLine, first_solve, readable, slash_line, spoken
from bot.core.trigger.options import BadOption, Bound, Word, nearest, one_of, read_options, read_words, shown

MAX_COMMANDS = 5
MAX_LINE = 2_000  # characters of one command


@dataclass(frozen=True, slots=True)
class SolveCommand:
    options: SolveOptions


@dataclass(frozen=True, slots=True)
class BatchCommand:
    """One solve for each of these issues."""

    numbers: tuple[int, ...]
    options: SolveOptions


@dataclass(frozen=True, slots=True)
class MilestoneCommand:
    """One solve for each open issue of the milestone that this one is in."""

    options: SolveOptions


@dataclass(frozen=True, slots=True)
class CancelCommand:
    pass


@dataclass(frozen=True, slots=True)
class StatusCommand:
    pass


@dataclass(frozen=True, slots=True)
class RetryCommand:
    """`options` is None where nothing was said: then those of the solve before count."""

    options: SolveOptions | None


@dataclass(frozen=True, slots=True)
class ExplainCommand:
    pass


@dataclass(frozen=True, slots=True)
class UseCommand:
    """Another candidate for the open pull request. `number`: of its run, from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class ReviseCommand:
    """Change the pull request. What is to be changed is all of the text that the command stands in."""

    text: str  # of its line


@dataclass(frozen=True, slots=True)
class ApproveCommand:
    """Publish what waits for it. `number`: of the candidate's run, from 1; None: the champion."""

    number: int | None


@dataclass(frozen=True, slots=True)
class RejectCommand:
    """Publish nothing of what waits for approval."""

    why: str


@dataclass(frozen=True, slots=True)
class WhyCommand:
    """Which step changed this, and what was run after? `line`: None where all of the file is meant."""

    path: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateCommand:
    """Bring the pull request up to date with its base branch."""


@dataclass(frozen=True, slots=True)
class ConfigureCommand:
    """Propose this text of the configuration. Nobody can type it: it comes from the editor or the API."""

    text: str


@dataclass(frozen=True, slots=True)
class HelpCommand:
    pass


Command = (
    SolveCommand
    | BatchCommand
    | MilestoneCommand
    | CancelCommand
    | StatusCommand
    | RetryCommand
    | ExplainCommand
    | UseCommand
    | ReviseCommand
    | ApproveCommand
    | RejectCommand
    | WhyCommand
    | UpdateCommand
    | ConfigureCommand
    | HelpCommand
)


@dataclass(frozen=True, slots=True)
class Misread:
    """Something was asked for that we cannot do: what was wrong, what to do; both are Markdown sentences.

    `line` is the line of the comment, from 1; None when the mistake is not in a comment. `bound`: the remedy tells a
    range that this server may narrow.
    """

    what: str
    remedy: str
    line: int | None = None
    bound: Bound | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


def parse_commands(text: str, *, previous: str | None = None) -> list[Command | Misread]:
    """What the comment asks for, in its order. `previous`, its text before an edit: only what the edit adds."""
    asked = _read(text)
    if previous is None:
        return asked
    before = {_meaning(item) for item in _read(previous)}
    return [item for item in asked if _meaning(item) not in before]


def _meaning(item: Command | Misread) -> Command | str:
    """The same command or mistake on another line is the same."""
    return str(item) if isinstance(item, Misread) else item


_SPACES = dict.fromkeys(
    map(ord, "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000"), " "
)


def _read(text: str) -> list[Command | Misread]:
    all_lines = visible(text).translate(_SPACES).split("\n")
    if not any(slash_line(number, line) for number, line in enumerate(all_lines)):
        return []
    lines = readable(all_lines)
    found = list(_commands(lines))
    if not found and (late := first_solve(all_lines, after=len(lines))):
        found = [
            Misread(
                "This comment is too long, and the command comes too late in it.",
                "Put `/solve` on its first line, or into a comment of its own.",
                late.number + 1,
            )
        ]
    if len(found) > MAX_COMMANDS:
        return [
            Misread(
                f"There are {len(found)} commands in this comment, so none of them was carried out.",
                f"Use at most {MAX_COMMANDS}.",
            )
        ]
    return found


def _commands(lines: Sequence[str]) -> Iterator[Command | Misread]:
    page = read_page("\n".join(lines))
    for block in sorted(page.blocks, key=lambda block: block.first):
        here = [line for number in range(block.first, block.end) if (line := slash_line(number, lines[number]))]
        if not here:
            continue
        if block.kind is BlockKind.PARAGRAPH and not block.quoted:
            yield from (_read_line(line) for line in spoken(block, lines, page.labels))
        else:
            swallowed = (_swallowed(line, block, lines) for line in here if line.word == "/solve")
            yield from (misread for misread in swallowed if misread)


def _swallowed(line: SlashLine, block: Block, lines: Sequence[str]) -> Misread | None:
    """A hint where Markdown made something else of a line that looks like a command, as people do not expect it to."""
    number = line.number + 1
    if block.kind is BlockKind.PARAGRAPH:
        return Misread(
            "This `/solve` belongs to the quote above it, so it was not carried out.",
            "Put an empty line before it.",
            number,
        )
    if block.kind is BlockKind.HEADING:
        return Misread(
            "The line of dashes or equals signs below makes this `/solve` a heading, so it was not carried out.",
            "Put an empty line after it.",
            number,
        )
    above = lines[line.number - 1] if line.number > block.first else ""
    if block.kind is BlockKind.HTML and re.search(r"</[A-Za-z0-9]+>\s*$", above):
        return Misread(
            "This `/solve` belongs to the HTML above it, so it was not carried out.",
            "Put an empty line before it.",
            number,
        )
    return None


def _read_line(line: SlashLine) -> Command | Misread:
    number = line.number + 1
    if line.word != "/solve":
        return Misread(
            f"{shown(line.word)} is not a command.", "Did you mean `/solve`? `/solve help` lists all.", number
        )
    if revise := _REVISE.fullmatch(line.rest):
        return ReviseCommand(revise[1].strip())
    if why := _WHY.fullmatch(line.rest):
        return _why(why[1].strip(), number)
    if reject := _REJECT.fullmatch(line.rest):
        return RejectCommand(reject[1].strip()[:MAX_LINE])
    if len(line.rest) > MAX_LINE:
        return Misread("This command is too long.", f"Use at most {MAX_LINE} characters.", number)
    try:
        return _command(read_words(line.rest))
    except BadOption as error:
        return Misread(error.what, error.remedy, number, error.bound)


_REVISE = re.compile(r"\s*revise(?![\w=-]):?(.*)", re.IGNORECASE | re.DOTALL)  # free text: quotes in it mean nothing
_REJECT = re.compile(r"\s*reject(?![\w=-]):?(.*)", re.IGNORECASE | re.DOTALL)
_WHY = re.compile(r"\s*why(?![\w=-]):?(.*)", re.IGNORECASE | re.DOTALL)
_PLACE = re.compile(r"(.*?)(?:(?::|\s+|#)L?|^L?)([1-9][0-9]{0,8})(?:-L?[0-9]+)?(?::[0-9]+)?", re.DOTALL)
LONGEST_PATH = 500

_PLAIN: dict[str, Command] = {
    "status": StatusCommand(),
    "cancel": CancelCommand(),
    "explain": ExplainCommand(),
    "update": UpdateCommand(),
    "help": HelpCommand(),
}


def _why(said: str, number: int) -> WhyCommand | Misread:
    """`src/a.py`, `src/a.py:12`, `src/a.py#L12-L14`, `src/a.py 12`, also in backticks; `12` where one file changed."""
    said = said.strip("`\"'“”‘’ ").removesuffix("?").strip("`\"'“”‘’ ")
    if not said or len(said) > LONGEST_PATH:
        wrong = "`/solve why` needs a file, or a line of one." if not said else "That path is too long."
        return Misread(wrong, "Write `/solve why src/a.py:12`.", number)
    place = _PLACE.fullmatch(said)
    return WhyCommand(place[1].strip("`"), int(place[2])) if place else WhyCommand(said)


def _command(words: Sequence[Word]) -> Command:
    name = words[0].value.lower() if words and not words[0].key else ""
    if name == "retry":
        return RetryCommand(read_options(words[1:]) if words[1:] else None)
    if name == "use":
        return UseCommand(_candidate("use", words[1:]))
    if name == "approve":
        return ApproveCommand(_candidate("approve", words[1:]) if words[1:] else None)
    if name == "milestone":
        return MilestoneCommand(read_options(words[1:]))
    if any(_is_issue(word) for word in words):
        return _batch(words)
    if name not in _PLAIN:
        return SolveCommand(read_options(words))
    if len(words) > 1:
        raise BadOption(f"`/solve {name}` takes no options.", f"Write just `/solve {name}`.")
    return _PLAIN[name]


_ISSUES = re.compile(r"#[1-9][0-9]{0,8}(?:,#[1-9][0-9]{0,8})*,?")


def _is_issue(word: Word) -> bool:
    return not word.key and word.value.startswith("#")


def _batch(words: Sequence[Word]) -> BatchCommand:
    """`#12 #14` or `#12,#14`, and options for all of them."""
    named = [word.value for word in words if _is_issue(word)]
    if wrong := next((value for value in named if not _ISSUES.fullmatch(value)), None):
        raise BadOption(f"{shown(wrong)} is not an issue.", "Name issues of this repository: `/solve #12 #14`.")
    numbers = tuple(dict.fromkeys(int(number) for value in named for number in re.findall(r"[0-9]+", value)))
    if len(numbers) > MOST_ISSUES:
        raise BadOption(f"These are {len(numbers)} issues.", f"Name at most {MOST_ISSUES} in one command.")
    return BatchCommand(numbers, read_options([word for word in words if not _is_issue(word)]))


def _candidate(command: str, words: Sequence[Word]) -> int:
    """`B`, `b` or `2`; letters end with Z, and no solve has as many candidates."""
    chosen = words[0].value.upper() if len(words) == 1 and not words[0].key else ""
    if re.fullmatch(r"[A-Z]", chosen):
        return ord(chosen) - ord("A") + 1
    if re.fullmatch(r"[1-9][0-9]?", chosen):
        return int(chosen)
    raise BadOption(
        f"`/solve {command}` takes the letter or the number of one candidate.",
        f"Write `/solve {command} B` or `/solve {command} 2`.",
    )


def resolve_models(names: Sequence[str], catalogue: Sequence[ModelSpec]) -> tuple[ModelSpec, ...] | Misread:
    """The catalogue's entries for the names people typed, in their order; case does not matter."""
    known = {model.name.lower(): model for model in catalogue if model.is_active}
    if not known:
        return Misread("This server has no models.", "Its operator adds them with `solvebot models add`.")
    for name in names:
        if name.lower() not in known:
            allowed = [model.name for model in known.values()]
            return Misread(f"{shown(name)} is not a model here.", f"{nearest(name, allowed)}Use {one_of(allowed)}.")
    return tuple(known[name] for name in dict.fromkeys(name.lower() for name in names))
