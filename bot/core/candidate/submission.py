"""Does a command of an agent hand its work in? Decided from the command alone, never from what it prints.

The prompt asks for one line by itself. Models know such lines from elsewhere and dress them up: they change the
directory first, quote the words, stage the files before and print a patch after. What a shell would understand in one
way only is understood here:

- It is handed in where the words are printed by a plain command of their own, one of a chain of `&&`, `;` and lines.
- What stands after it is never run: elsewhere models are taught to print a patch there, which is of no use to us.
- What stands before it is run first, unless it leaves nothing behind (`cd`). Joined by `&&` it has to succeed.
- Words in a file, a pipe, a condition, a here-document or a redirection hand nothing in; behind a here-document they
  may.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.runners.shell import Command, Opaque, Step, steps

SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"

_WORDS = re.compile(r"COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT(?![\w-])")
_SAYS = frozenset({"echo", "printf"})
_SHELLS = frozenset({"bash", "sh"})
_TO_A_FILE = re.compile(r">(?!\s*(?:&\d|/dev/(?:null|stdout|stderr)))")
_LEAVES_NOTHING = frozenset({"cd", "true", ":", "set", "pwd", "export", "sleep"})
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n'\"`]*$", re.MULTILINE)
_FENCE = re.compile(r"\s*```\w*\n(.*?)\n```\s*", re.DOTALL)
_DOCUMENT = re.compile(r"<<-?[ \t]*(['\"]?)(\w{1,100})\1[^\n]*\n(?:[^\n]*\n)*?[ \t]*\2[ \t]*(?=\n|$)")
_MOST = 20_000  # characters of a command that is looked at


@dataclass(frozen=True, slots=True)
class Submission:
    """`before`: what is run first, "" where there is nothing; `in_any_case`: it may fail."""

    before: str = ""
    in_any_case: bool = True


def submission(command: str) -> Submission | None:
    """None: it is a command like any other."""
    command = command.strip()
    if len(command) > _MOST or not _WORDS.search(command):
        return None
    if fenced := _FENCE.fullmatch(command):
        command = fenced[1].strip()
    end = max((document.end() for document in _DOCUMENT.finditer(command)), default=0)
    if end and (behind := submission(command[end:])):
        return _behind(command[:end], behind)
    command = _COMMENT.sub("", command).strip()
    return _in_chain(steps(command)) or _in_chain(steps(command.partition("\n")[0]))


def _behind(document: str, found: Submission) -> Submission:
    """What stands behind a here-document begins a line of its own."""
    return Submission(f"{document}\n{found.before}", found.in_any_case) if found.before else Submission(document)


def _in_chain(chain: Sequence[Step]) -> Submission | None:
    for number, step in enumerate(chain):
        if isinstance(step.part, Command) and _hands_in(step.part):
            return _after(chain[:number])
        if isinstance(step.part, Opaque) and _WORDS.search(step.part.text):
            return None
    return None


def _after(before: Sequence[Step]) -> Submission | None:
    if all(isinstance(step.part, Command) and _program(step.part) in _LEAVES_NOTHING for step in before):
        return Submission()
    texts = []
    for step in before:
        if not isinstance(step.part, Command | Opaque):
            return None
        texts += [step.part.text, " && " if step.then == "&&" else "\n"]
    return Submission("".join(texts[:-1]), before[-1].then != "&&")


def _hands_in(command: Command) -> bool:
    values = command.values[command.first :]
    program, *words = values or ("",)
    if program.rpartition("/")[2] in _SHELLS and len(words) == 2 and re.fullmatch(r"-\w*c", words[0]):
        found = submission(words[1]) if len(words[1]) < len(command.text) else None
        return found == Submission()
    while words and re.fullmatch(r"-[neE]+|--", words[0]):
        words = words[1:]
    said = program.rpartition("/")[2] in _SAYS and words and _WORDS.match(words[0].strip())
    return bool(said) and not _TO_A_FILE.search(_beside_words(command))


def _beside_words(command: Command) -> str:
    """Its redirections."""
    ends = [0, *(word.end for word in command.words)]
    starts = [*(word.start for word in command.words), len(command.text)]
    return " ".join(command.text[end:start] for end, start in zip(ends, starts, strict=True))


def _program(command: Command) -> str:
    return command.values[command.first] if command.first < len(command.values) else ""
