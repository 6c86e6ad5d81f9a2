"""Commands that only start others (`tox`, `npm test`, `make ci`), taken apart by the ecosystem that knows them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.environment import node, others, python
from bot.core.environment.files import Files
from bot.core.environment.lines import single_words, unwrapped
from bot.core.environment.plan import Expanded
from bot.core.environment.tools import Tools

_MAX_DEPTH = 3  # `make ci` runs `npm test`, which runs `npm run unit`
_MAX_COMMANDS = 20


def expand(words: Sequence[str], files: Files, tools: Tools, depth: int = _MAX_DEPTH) -> Expanded | None:
    """None where `words` start nothing else that can be read."""
    found = _once(words, files, tools)
    if found is None or depth <= 1:
        return found
    setup, checks, tests = list(found.setup), list(found.checks), list[str]()
    for test in found.tests[:_MAX_COMMANDS]:
        command = single_words(test)
        inner = expand(command, files, tools, depth - 1) if command and command != list(words) else None
        if inner is None or not inner.tests:
            tests.append(test)
            continue
        setup += inner.setup
        tests += inner.tests
        checks += inner.checks
    return Expanded(*(tuple(dict.fromkeys(lines))[:_MAX_COMMANDS] for lines in (setup, tests, checks)))


def _once(words: Sequence[str], files: Files, tools: Tools) -> Expanded | None:
    for command in dict.fromkeys((tuple(words), tuple(unwrapped(words)))):
        for taken_apart in (python.expand, node.expand, others.expand):
            if (found := taken_apart(command, files, tools)) is not None:
                return found
    return None
