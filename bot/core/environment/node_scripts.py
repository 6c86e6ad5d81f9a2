"""Scripts of package.json, taken apart: what they run in the end, in order, each with what it is.

Scripts that only run scripts are followed: `npm run x`, `run-s a "b:*"`, `pnpm -r test`, `turbo run test`; so are hooks
such as `pretest`. Nothing is evaluated; what is no plain command stays whole.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.core.environment.files import table
from bot.core.environment.lines import parts
from bot.core.environment.node_calls import Call, call, script_names, without_manager
from bot.core.environment.node_commands import Command, concerns_browsers, innermost, read_command, role, typed
from bot.core.environment.node_programs import Role, starts_something

MAX_STEPS = 300  # commands that are looked at
MAX_DEPTH = 10  # scripts that run scripts
MAX_WORKSPACES = 60  # packages whose script of one name is followed


@dataclass(frozen=True, slots=True)
class Package:
    """A package.json. `directory` is "" for the one at the top."""

    directory: str
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.manifest.get("name") or self.directory)

    @property
    def scripts(self) -> dict[str, str]:
        return {name: text for name, text in table(self.manifest, "scripts").items() if isinstance(text, str)}


@dataclass(frozen=True, slots=True)
class Step:
    """`line` as people would type it in `directory`; `script` is the name that it stands under."""

    role: Role
    line: str
    directory: str = ""
    script: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a script is read: its package, and the directory that `cd` led to."""

    package: Package
    directory: str
    script: str
    assignments: tuple[str, ...] = ()


def steps(top: Package, workspaces: Sequence[Package], script: str) -> list[Step]:
    """Of a script of `top`."""
    return list(_Reader(top, workspaces).script(_Place(top, top.directory, script), script, (), ()))


def steps_of_line(top: Package, workspaces: Sequence[Package], line: str) -> list[Step]:
    """Of a command line, typed where `top` is."""
    return list(_Reader(top, workspaces).line(_Place(top, top.directory, ""), line, (), ()))


class _Reader:
    """Counts what it looks at, so that scripts that run scripts that run scripts stay cheap."""

    def __init__(self, top: Package, workspaces: Sequence[Package]) -> None:
        self._packages = {package.directory: package for package in (top, *workspaces)}
        self._workspaces = workspaces
        self._left = MAX_STEPS

    def script(
        self, place: _Place, name: str, arguments: Sequence[str], above: tuple[tuple[str, str], ...]
    ) -> Iterator[Step]:
        """With the hooks before and after it. One that is in the middle of being followed is not followed again."""
        key = (place.package.directory, name)
        if key in above or len(above) >= MAX_DEPTH:
            return
        scripts = place.package.scripts
        for hook in (f"pre{name}", name, f"post{name}"):
            text = scripts.get(hook, "")
            within = replace(place, script=hook, directory=place.package.directory)
            if text.strip() == "wireit":
                yield from self._wireit(within, hook, (*above, key))
            elif text:
                yield from self.line(within, text, arguments if hook == name else (), (*above, key))

    def line(
        self, place: _Place, text: str, arguments: Sequence[str], above: tuple[tuple[str, str], ...]
    ) -> Iterator[Step]:
        commands = parts(text)
        for number, part in enumerate(commands, start=1):
            if self._left <= 0:
                return
            self._left -= 1
            command = read_command(part)
            if command is None:
                yield _opaque(place, part)
                continue
            if number == len(commands):
                command = command.with_arguments(arguments)
            command = self._started(place, command)
            moved = _moved(place, command)
            if moved is None:
                yield from self._command(place, command, above)
            place = moved or place

    def _started(self, place: _Place, command: Command) -> Command:
        """The innermost command, also behind `yarn jest`, where `jest` is no script but a program."""
        command = innermost(command).within(place.assignments)
        behind = without_manager(command, place.package.scripts)
        return command if behind is None else innermost(behind)

    def _command(self, place: _Place, command: Command, above: tuple[tuple[str, str], ...]) -> Iterator[Step]:
        called = call(command, place.package.scripts)
        if called is None:
            yield _step(place, command)
            return
        within = replace(place, assignments=command.assignments)
        for line in called.lines:
            yield from self.line(within, line, (), above)
        for package in self._meant(place, called):
            inner = replace(within, package=package, directory=package.directory)
            for name in script_names(package.scripts, called.names):
                yield from self.script(inner, name, called.arguments, above)

    def _meant(self, place: _Place, called: Call) -> list[Package]:
        if called.everywhere:
            chosen = [package for package in self._workspaces if _is_chosen(package, called.chosen)]
            return [package for package in chosen if script_names(package.scripts, called.names)][:MAX_WORKSPACES]
        if called.directory:
            there = self._packages.get(joined(place.directory, called.directory) or "")
            return [there] if there else []
        return [self._packages.get(place.directory, place.package)]

    def _wireit(self, place: _Place, name: str, above: tuple[tuple[str, str], ...]) -> Iterator[Step]:
        """What wireit runs for a script: the scripts that it depends on, then its own command."""
        about = table(place.package.manifest, "wireit", name)
        needed = about.get("dependencies")
        for item in needed if isinstance(needed, list) else ():
            other = item.get("script") if isinstance(item, Mapping) else item
            if isinstance(other, str) and ":" not in other[:1] and "/" not in other:
                yield from self.script(place, other, (), above)
        if isinstance(command := about.get("command"), str):
            yield from self.line(place, command, (), above)


def _is_chosen(package: Package, chosen: Sequence[str]) -> bool:
    """By name or directory, with stars: what it cannot read chooses all."""
    wanted = [word.strip("{}^.").rstrip("/") for word in chosen if word and not word.startswith("!")]
    if not wanted:
        return True
    return any(_matches(word, package.name) or _matches(word, package.directory) for word in wanted)


def _matches(pattern: str, name: str) -> bool:
    start, star, _ = pattern[:200].removeprefix("./").partition("*")
    return name.startswith(start) if star else name == start or name.endswith(f"/{start}")


def _moved(place: _Place, command: Command) -> _Place | None:
    """After `cd x`, `export A=b` or `A=b`; None for anything else."""
    plain = command.plain
    if not plain:
        return replace(place, assignments=command.assignments)
    if plain[0] == "export" and len(plain) == 2 and re.match(r"[A-Za-z_]\w*=", plain[1]):
        return replace(place, assignments=(*place.assignments, command.words[1]))
    if plain[0] == "cd" and len(plain) == 2:
        directory = joined(place.directory, plain[1])
        return None if directory is None else replace(place, directory=directory)
    return None


def joined(directory: str, path: str) -> str | None:
    """None where it leads out of the repository, or cannot be known."""
    if path.startswith(("/", "~", "-")) or "$" in path:
        return None
    kept = [part for part in directory.split("/") if part]
    for part in path.split("/"):
        if part == ".." and not kept:
            return None
        if part == "..":
            kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    return "/".join(kept)


def _step(place: _Place, command: Command) -> Step:
    what = role(command)
    if what is Role.TEST and concerns_browsers(place.script):
        what = Role.BROWSER
    return Step(what, typed(command).line, place.directory, place.script)


def _opaque(place: _Place, text: str) -> Step:
    """More than one plain command: as it is, with the programs of node_modules on its PATH."""
    names = re.findall(r"[\w@./-]+", text[:2000])
    roles = [role(Command((name,))) for name in names if starts_something(name) or name in ("node", "tap", "ava")]
    what = next((wanted for wanted in (Role.BROWSER, Role.TEST, Role.CHECK) if wanted in roles), Role.BUILD)
    if what is Role.TEST and concerns_browsers(place.script):
        what = Role.BROWSER
    line = " ".join((*place.assignments, f"npx -c {shlex.quote(text)}"))
    return Step(what, line, place.directory, place.script)


def lines_of(found: Iterable[Step]) -> list[str]:
    """As typed at the top: what stands in one directory together, in one pair of parentheses."""
    grouped: list[tuple[str, list[str]]] = []
    for step in found:
        if not grouped or grouped[-1][0] != step.directory:
            grouped.append((step.directory, []))
        if step.line not in grouped[-1][1]:
            grouped[-1][1].append(step.line)
    lines: list[str] = []
    for directory, inner in grouped:
        lines += [f"(cd {shlex.quote(directory)} && {' && '.join(inner)})"] if directory else inner
    return lines
