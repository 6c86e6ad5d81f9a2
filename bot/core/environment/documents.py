"""The last source: commands in what people write for people and agents, AGENTS.md before CONTRIBUTING and README."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.core.environment.files import Files
from bot.core.environment.lines import Kind, kind, plain_words, single_words, unwrapped
from bot.core.environment.recipes import Recipe, recipe_of
from bot.core.environment.tools import Tools
from bot.core.text.markdown import BlockKind, SpanKind, read_page, spans

_NAMES = (
    *("AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", "CONTRIBUTING.md", "CONTRIBUTING.rst"),
    *(".github/CONTRIBUTING.md", "docs/CONTRIBUTING.md", "docs/contributing.md", "docs/contributing.rst"),
    *("DEVELOPMENT.md", "HACKING.md", "DEVELOPING.md", "README.md", "README.rst"),
)
WANTED = re.compile("|".join(re.escape(name) for name in _NAMES), re.IGNORECASE)
MAX_TEXT = 65_536  # characters of a document
MAX_COMMANDS = 60

_PROMPT = re.compile(r"\s*(?:\((?:\.?\w+)\)\s*)?[$>%]\s+")
_SHELLS = re.compile(
    r"\s*(?:`{3,}|~{3,})\s*(?:\{?\.?(?:bash|sh|shell|console|zsh|terminal|shell-session|text|cmd)\b.*)?"
)
_PLACEHOLDER = re.compile(
    r"<[\w ./-]+>|(?<!/)\.\.\.|path/to|your[-_]|\s\[[^\]]*\]|::|\s-k\s|\s-t\s|test_name|--watch|--update"
)
_RST_CODE = re.compile(r"``([^`\n]+)``")


def recipes(files: Files, tools: Tools) -> Iterator[tuple[Recipe, str]]:
    """Of each document that says how to test: its set-up commands before that, and the plainest test command."""
    order = {name.lower(): place for place, name in enumerate(_NAMES)}
    paths = [path for path in files.texts if WANTED.fullmatch(path)]
    for path in sorted(paths, key=lambda path: (order[path.lower()], path)):
        commands = _commands(path, files.texts[path][:MAX_TEXT])
        tests = [command for command in commands if kind(command) is Kind.TEST]
        if tests:
            plainest = min(tests, key=_plainness)
            before = [command for command in commands if kind(command) is Kind.SETUP]
            found = recipe_of("\n".join([*before, plainest]), files, tools)
            if found.tests and found.complete:
                yield found, path


def _plainness(command: str) -> tuple[bool, int]:
    """Runners themselves before task runners, whole suites before parts of them."""
    words = unwrapped(plain_words(command) or ["?"])
    return words[0] in ("tox", "nox", "?"), len(words)


def _commands(path: str, text: str) -> list[str]:
    found = _rst(text) if path.endswith(".rst") else _markdown(text)
    if path.lower().startswith("readme"):
        found = (command for command in found if kind(command) is not Kind.SETUP or _installs_itself(command))
    plain = (command.strip() for command in found if len(command) <= 300 and not _PLACEHOLDER.search(command))
    return list(dict.fromkeys(command for command in plain if single_words(command)))[:MAX_COMMANDS]


def _installs_itself(command: str) -> bool:
    """README tells users, too, how to install what is released."""
    return re.search(r"(^|\s)(-e|-r|\.|\.\[.*|ci|sync|--group)(\s|$|')|^\w+ install$", command) is not None


def _markdown(text: str) -> Iterator[str]:
    lines = text.split("\n")
    page = read_page(text)
    for block in sorted(page.blocks, key=lambda block: block.first):
        own = lines[block.first : block.end]
        if block.kind is BlockKind.CODE:
            yield from _typed(own)
        elif block.kind is BlockKind.PARAGRAPH:
            paragraph = "\n".join(own)
            for span in spans(paragraph):
                if span.kind is SpanKind.CODE:
                    yield from _inline(paragraph[span.start : span.end].strip("`"))


def _inline(code: str) -> Iterator[str]:
    command = _PROMPT.sub("", code.strip(), count=1)
    if (kind(command) in (Kind.TEST, Kind.SETUP) and " " in command) or command in ("pytest", "tox", "nox", "rspec"):
        yield command


def _typed(lines: Sequence[str]) -> Iterator[str]:
    """The commands of a code block; where some have a prompt, only those."""
    fenced = bool(lines) and lines[0].lstrip().startswith(("```", "~~~"))
    if fenced and not _SHELLS.fullmatch(lines[0]):
        return
    inner = [line.strip() for line in (lines[1:] if fenced else lines) if not line.lstrip().startswith(("```", "~~~"))]
    prompted = [_PROMPT.sub("", line, count=1) for line in inner if _PROMPT.match(line)]
    for line in prompted or inner:
        yield re.sub(r"\s+#.*", "", line)


def _rst(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if line.startswith((" ", "\t")) and (_PROMPT.match(line) or kind(line.strip()) in (Kind.TEST, Kind.SETUP)):
            yield re.sub(r"\s+#.*", "", _PROMPT.sub("", line.strip(), count=1))
        else:
            for match in _RST_CODE.finditer(line):
                yield from _inline(match[1])
