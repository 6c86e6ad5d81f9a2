"""Commands that run scripts of package.json: `npm test`, `yarn x`, `run-s a b`, `lerna run test`, and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core.environment.node_commands import Command, program


@dataclass(frozen=True, slots=True)
class Call:
    """The scripts that are run, in order, and the lines that are run beside them (`concurrently "tsc -w"`).

    `names` may hold stars. `everywhere`: in all packages of a monorepo, or in those that `chosen` names.
    """

    names: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    directory: str = ""
    everywhere: bool = False
    chosen: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def call(command: Command, scripts: Mapping[str, str]) -> Call | None:
    """None when it runs no script."""
    plain = command.plain
    if not plain:
        return None
    name = program(plain[0])
    if name in ("npm", "yarn", "pnpm", "bun"):
        return _manager(name, command, scripts)
    if name == "node" and plain[1:2] == ("--run",) and len(plain) > 2:
        return Call(plain[2:3], _after(command, 3))
    if name in _SEVERAL:
        return Call(tuple(_names(plain[1:])))
    if name in ("concurrently", "conc"):
        return _concurrently(plain[1:])
    return _monorepo(name, plain)


_OWN = re.compile(
    r"install|i|add|remove|up|update|upgrade|dedupe|why|list|ls|audit|publish|pack|version|config|set|init|create|dlx"
    r"|exec|link|import|node|plugin|workspaces?|store|fetch|rebuild|prune|test|t|start|ci|info|outdated|patch"
)


def without_manager(command: Command, scripts: Mapping[str, str]) -> Command | None:
    """`yarn jest -b` -> `jest -b`, where `jest` is no script; None for anything else."""
    plain = command.plain
    if not plain or program(plain[0]) not in ("yarn", "pnpm", "bun"):
        return None
    at = _Options().skip(plain, 1)
    if plain[at : at + 1] == ("run",):
        at = _Options().skip(plain, at + 1)
    name = plain[at] if at < len(plain) else ""
    elsewhere = any(word in _EVERYWHERE | _CHOOSING | _DIRECTORY for word in plain[1:at])
    if name in ("", *scripts) or _OWN.fullmatch(name) or elsewhere:
        return None
    return replace(command, words=command.words[at:])


_SEVERAL = frozenset({"run-s", "run-p", "npm-run-all", "npm-run-all2"})


def _names(arguments: Sequence[str]) -> Iterator[str]:
    """Of npm-run-all: what is no option. Arguments within a name (`"build -- x"`) are left out."""
    for word in arguments:
        if word == "--":
            return
        if not word.startswith("-") and word:
            yield word.split()[0] if word.split() else word


def _concurrently(arguments: Sequence[str]) -> Call:
    names, lines = [], []
    skip = False
    for word in arguments:
        if not skip and word.startswith("npm:"):
            names.append(word[4:])
        elif not skip and not word.startswith("-"):
            lines.append(word)
        skip = word in (
            "-n",
            "--names",
            "-c",
            "--prefix-colors",
            "-s",
            "--success",
            "-p",
            "--prefix",
            "--name-separator",
        )
    return Call(tuple(names), lines=tuple(lines))


_WITH_VALUE = frozenset(
    {"--prefix", "--cwd", "-C", "--dir", "-w", "--workspace", "-F", "--filter", "--include", "--from", "--loglevel"}
    | {"--exclude", "-j", "--jobs", "--workspace-concurrency", "--log-order", "--reporter"}
)
_DIRECTORY = frozenset({"--prefix", "--cwd", "-C", "--dir"})
_CHOOSING = frozenset({"-w", "--workspace", "-F", "--filter", "--include", "--from", "--scope"})
_EVERYWHERE = frozenset({"-r", "--recursive", "--workspaces", "-ws", "-A", "--all"})


@dataclass(slots=True)
class _Options:
    """Of a package manager, wherever they stand before the script's own arguments."""

    directory: str = ""
    chosen: tuple[str, ...] = ()
    everywhere: bool = False

    def take(self, name: str, value: str) -> None:
        if name in _DIRECTORY:
            self.directory = value
        elif name in _CHOOSING:
            self.chosen = (*self.chosen, value)
            self.everywhere = True
        elif name in _EVERYWHERE:
            self.everywhere = True

    def skip(self, plain: Sequence[str], at: int) -> int:
        """Past the options that begin at `at`."""
        while at < len(plain) and plain[at].startswith("-") and plain[at] != "--":
            name, equals, value = plain[at].partition("=")
            follows = not equals and name in _WITH_VALUE and at + 1 < len(plain)
            self.take(name, value if equals or not follows else plain[at + 1])
            at += 2 if follows else 1
        return at


_RUN = frozenset({"run", "run-script", "rum", "urn"})
_TEST = frozenset({"test", "t", "tst"})


def _manager(name: str, command: Command, scripts: Mapping[str, str]) -> Call | None:
    plain, options = command.plain, _Options()
    at = options.skip(plain, 1)
    verb = plain[at] if at < len(plain) else ""
    if name == "yarn" and verb in ("workspace", "workspaces"):
        return _yarn_workspaces(command, at)
    if verb in _TEST and (name != "bun" or options.everywhere):
        script, at = "test", at + 1
    elif verb in _RUN:
        at = options.skip(plain, at + 1)
        if at >= len(plain):
            return None
        script, at = plain[at], at + 1
    elif name != "npm" and (
        (verb in scripts and (name, verb) != ("bun", "test"))
        or (options.everywhere and verb and verb not in ("exec", "install"))
    ):
        script, at = verb, at + 1
    else:
        return None
    at = _more_options(name, options, plain, at)
    if script not in scripts and name in ("yarn", "bun") and not options.everywhere and not options.directory:
        return None  # a program, not a script
    regex = re.fullmatch(r"/\^?([\w:-]+)[.*+$]*/", script)  # of pnpm
    names = (f"{regex[1]}**" if regex else script,)
    return Call(names, _after(command, at), options.directory, options.everywhere, options.chosen)


def _more_options(name: str, options: _Options, plain: Sequence[str], at: int) -> int:
    """npm takes its own options behind the script, too."""
    return options.skip(plain, at) if name == "npm" else at


def _yarn_workspaces(command: Command, at: int) -> Call | None:
    plain, options = command.plain, _Options()
    options.everywhere = True
    if plain[at] == "workspace" and at + 1 < len(plain):
        options.chosen = (plain[at + 1],)
        at += 2
    else:
        at += 2 if plain[at + 1 : at + 2] == ("foreach",) else 1
        at = options.skip(plain, at)
    if at < len(plain) and plain[at] == "run":
        at = options.skip(plain, at + 1)
    if at >= len(plain) or plain[at] in ("exec", "info", "list", "focus"):
        return None
    return Call(plain[at : at + 1], _after(command, at + 1), "", True, options.chosen)


def _after(command: Command, at: int) -> tuple[str, ...]:
    """What is meant for the script: without the `--` that says so."""
    rest = command.words[at:]
    return rest[1:] if rest[:1] == ("--",) else rest


def _monorepo(name: str, plain: Sequence[str]) -> Call | None:
    """`lerna run x`, `turbo [run] x y`, `nx run-many -t x`, `nx run project:x`, `nx x project`, `wsrun x`."""
    options = _Options(everywhere=True)
    words: list[str] = []
    at = 1
    while at < len(plain) and plain[at] != "--":
        if (moved := options.skip(plain, at)) == at:
            words.append(plain[at])
            at += 1
        else:
            at = moved
    chosen = options.chosen
    match name, words:
        case "lerna", ["run", script, *_]:
            return Call((script,), everywhere=True, chosen=chosen)
        case "turbo", ["run", *scripts] | [*scripts] if scripts:
            return Call(tuple(scripts), everywhere=True, chosen=chosen)
        case "nx", ["run-many" | "affected" | "affected:test", *_]:
            return Call(_nx_targets(plain), everywhere=True)
        case "nx", ["run", target, *_] if ":" in target:
            project, _, script = target.partition(":")
            return Call((script.partition(":")[0],), everywhere=True, chosen=(project,))
        case "nx", [script, *projects] if script in ("test", "build", "lint"):
            return Call((script,), everywhere=True, chosen=tuple(projects))
        case (("wsrun" | "ultra"), [script, *_]):
            return Call((script,), everywhere=True)
        case _:
            return None


def _nx_targets(plain: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for at, word in enumerate(plain):
        name, equals, value = word.partition("=")
        if name in ("-t", "--target", "--targets"):
            said = [value] if equals else list(plain[at + 1 : at + 2])
            found += [target for text in said for target in text.split(",") if target]
    return tuple(found) or ("test",)


def script_names(scripts: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Those that are meant: a star stands for anything but a colon, two of them for anything."""
    found: list[str] = []
    for name in names:
        found += [other for other in scripts if _matches(name, other)] if "*" in name else [name] * (name in scripts)
    return list(dict.fromkeys(found))


def _matches(pattern: str, name: str) -> bool:
    """Bounded: no more than two stars are read as stars."""
    start, star, rest = pattern.partition("*")
    deep = rest.startswith("*")
    end = rest.lstrip("*:") if deep else rest
    if not (star and name.startswith(start) and name.endswith(end) and len(name) >= len(start) + len(end)):
        return False
    between = name[len(start) : len(name) - len(end)]
    return deep or ":" not in between
