"""Values of the issue's own example that a change asks for by name: `if key in ("user.mail", "name.first")`.

Such a change may do what the issue shows, and nothing for anybody else. It may also be right: where the value is a word
of the language, the format or the protocol that the issue is about. So this is one piece of evidence, and no gate.

Looked at are the added lines of files that are no tests. A value counts when it is compared with, or looked up in a
list of constants, when the issue has it in the same spelling, and when no line that the patch takes away has it, since
then it was asked for before. Numbers that are everywhere (0 to 10, powers of two, hundreds, parts of time) do not
count, nor do strings of one or two characters: unless three equations in one condition ask for one call of the issue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bot.core.candidate.patches import Edit, read_patch

MOST_NAMED = 5
_MAX_LINE = 500  # characters; longer ones are data
_MAX_LINES = 5_000
_MAX_ISSUE = 70_000
_PROGRAMS = re.compile(
    r"\.(?:py|pyx|[cm]?[jt]sx?|vue|svelte|go|rs|rb|php|java|kt|kts|scala|cs|swift|c|h|cc|cpp|hpp|pm|pl|exs?|sh|lua|dart)$"
)
_STRING = r"\"(?P<double>[^\"\\\n]{3,80})\"|'(?P<single>[^'\\\n]{3,80})'|`(?P<back>[^`\\\n]{3,80})`"
_NUMBER = re.compile(r"(?<![\w.])((?<![\w)\]])-?\d[\d_]{0,20}(?:\.\d{1,20})?)(?!\w|\.\d)")
_LITERAL = re.compile(f"{_STRING}|(?P<number>{_NUMBER.pattern})")
_BEFORE = re.compile(r"(?:[=!]==?|<>|\bis(?: not)?|\bcase|\bwhen|\bequals?\(|\.eql\?\(?)\s*$")
_AFTER = re.compile(r"\s*(?:[=!]==?(?!>)|<>)")
_MEMBER = re.compile(
    r"(?:\bin\s*[(\[{]|\.(?:includes|has|contains|include\?|startsWith|startswith|endsWith|endswith|indexOf)\(|"
    r"\[[^\[\]]*$|\bof\s*\[|\bcase\b|\bwhen\b)[^()\[\]{}]*$"
)
_IN_A_LIST = re.compile(r"\b(?:in|includes|has|include\?|contains|starts[Ww]ith|ends[Ww]ith|indexOf|case|when)\b")
_EQUATION = re.compile(r"(?<![=!<>])===?(?!=)")
_JOINED = re.compile(r"\band\b|&&")
_COMMENT = re.compile(r"^\s*(?:#|//|\*|/\*|--|\"\"\"|''')")
_EVERYWHERE = frozenset(
    {*(str(n) for n in range(11)), *(str(2**n) for n in range(4, 17)), *(str(100 * n) for n in range(1, 11))}
    | {"12", "15", "20", "24", "30", "31", "50", "60", "90", "180", "255", "360", "365", "366", "3600", "86400"}
    | {"404", "65535", "0.5", "0.0", "1.0", "2.0", "-1"}
)


_TOGETHER = 3  # equations in one condition: not a bound or a zero, but one call


def special_cases(patch: str, issue: str, is_test: Callable[[str], bool]) -> tuple[str, ...]:
    """The first few of these values, as the patch spells them, without their quotes."""
    known = _values(issue[:_MAX_ISSUE])
    if not known:
        return ()
    named: dict[str, None] = {}
    for edit in read_patch(patch):
        if not edit.unread and _PROGRAMS.search(edit.path) and not is_test(edit.path):
            before = "\n".join(edit.removed[:_MAX_LINES])
            named |= dict.fromkeys(value for value in _asked_for(edit) if value in known and value not in before)
    return tuple(named)[:MOST_NAMED]


def _values(text: str) -> frozenset[str]:
    """Numbers, and what stands in quotes of one kind, whatever stands around both."""
    quoted = (value for quote in "\"'`" for value in re.findall(rf"{quote}([^{quote}\\\n]{{3,80}}){quote}", text))
    return frozenset((*quoted, *_NUMBER.findall(text)))


def _literals(line: str) -> Iterator[tuple[str, int, int]]:
    for seen in _LITERAL.finditer(line):
        value = seen["double"] or seen["single"] or seen["back"] or seen["number"]
        if seen["number"] is None or value not in _EVERYWHERE:
            yield value, seen.start(), seen.end()


def _asked_for(edit: Edit) -> Iterator[str]:
    for line in edit.added[:_MAX_LINES]:
        if len(line) > _MAX_LINE or _COMMENT.match(line):
            continue
        if len(_EQUATION.findall(line)) >= _TOGETHER and _JOINED.search(line):
            yield from _NUMBER.findall(line)
        for value, start, end in _literals(line):
            before = line[:start]
            listed = _IN_A_LIST.search(before) and _MEMBER.search(before)
            if _BEFORE.search(before) or _AFTER.match(line, end) or listed:
                yield value
