"""The repository as the scripts of its CI see it: from several directories, and looked at so often and no more."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.environment.expand import expand
from bot.core.environment.files import Files
from bot.core.environment.plan import Expanded
from bot.core.environment.tools import Tools

MAX_DIRECTORIES = 16
MAX_EXPANSIONS = 60
MAX_COMMANDS = 1_000

_NOTHING = Files(frozenset(), {})


class Places:
    def __init__(self, files: Files, tools: Tools) -> None:
        self.files = files
        self.tools = tools
        self._commands = 0
        self._seen = {"": files}
        self._expanded: dict[tuple[str, ...], Expanded | None] = {}

    def at(self, directory: str) -> Files:
        """The files below it; of one too many, none."""
        if directory not in self._seen:
            if len(self._seen) >= MAX_DIRECTORIES:
                return _NOTHING
            self._seen[directory] = self.files.below(directory)
        return self._seen[directory]

    def expand(self, directory: str, command: Sequence[str]) -> Expanded | None:
        """What a command starts there; of one too many, None."""
        key = (directory, *command)
        if key not in self._expanded:
            if len(self._expanded) >= MAX_EXPANSIONS:
                return None
            self._expanded[key] = expand(command, self.at(directory), self.tools)
        return self._expanded[key]

    def spend(self) -> bool:
        """For each command that is read. False when there were too many."""
        self._commands += 1
        return not self.spent

    @property
    def spent(self) -> bool:
        return self._commands > MAX_COMMANDS
