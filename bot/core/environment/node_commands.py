"""One command of a script of package.json: what it starts in the end, what that is, and how people would type it.

Scripts find programs in node_modules/.bin, so a program that is no file and no program of the system becomes `npx
program`. Coverage is left out: it costs time, and a threshold says nothing about tests. So is watching.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.environment.lines import Kind, kind_of
from bot.core.environment.node_programs import (
    COVERAGE,
    INTERPRETERS,
    ROLES,
    STARTERS,
    SYSTEM,
    TASK_RUNNERS,
    Role,
    starts_something,
)

MAX_WORDS = 400
_MAX_WRAPPERS = 8


@dataclass(frozen=True, slots=True)
class Command:
    """Words as they are written, with their quotes. Without words it only assigns."""

    words: tuple[str, ...]
    assignments: tuple[str, ...] = ()

    @property
    def plain(self) -> tuple[str, ...]:
        return tuple(unquoted(word) for word in self.words)

    def with_arguments(self, arguments: Sequence[str]) -> Command:
        return replace(self, words=(*self.words, *arguments))

    def within(self, assignments: Sequence[str]) -> Command:
        return replace(self, assignments=(*assignments, *self.assignments))

    @property
    def line(self) -> str:
        return " ".join((*self.assignments, *self.words))


_RAW = re.compile(
    r"""(?P<word>(?:[^\s"'\\|&;<>()`]|\\.|"(?:\\.|[^"\\])*"|'[^']*')+)|(?P<space>\s+)|(?P<other>.)""", re.VERBOSE
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def read_command(text: str) -> Command | None:
    """None for anything but one plain command: pipes, alternatives, redirections, substitutions."""
    words: list[str] = []
    for token in _RAW.finditer(text):
        if token["other"] or len(words) > MAX_WORDS:
            return None
        if token["word"]:
            words.append(token["word"])
    return Command(tuple(words)) if words and words[0] not in ("!", "{", "[[", "if", "for", "while", "case") else None


def unquoted(word: str) -> str:
    try:
        return "".join(shlex.split(word, comments=False))
    except ValueError:
        return word


def program(word: str) -> str:
    """`./node_modules/.bin/jest`, `node_modules/jest/bin/jest.js` -> `jest`; a file of their own keeps its path."""
    if "node_modules/" in word:
        return re.sub(r"\.[cm]?js$", "", word.rpartition("/")[2]).removeprefix("_")
    return "mocha" if word == "_mocha" else word


# ------------------------------------------------------------------------------------------------------- what it starts


def innermost(command: Command) -> Command:
    """Without what only starts another command, or counts its coverage: assignments are kept."""
    for _ in range(_MAX_WRAPPERS):
        command = _assigned(command)
        inner = _inner(command)
        if inner is None:
            break
        command = inner
    return command


def _assigned(command: Command) -> Command:
    """`A=1 x`, and `cross-env "A=b c" x`, whose quotes stand around all of it."""
    assignments, words = list(command.assignments), list(command.words)
    while words and _ASSIGNMENT.match(plain := unquoted(words[0])):
        name, _, value = plain.partition("=")
        assignments.append(words[0] if _ASSIGNMENT.match(words[0]) else f"{name}={shlex.quote(value)}")
        words.pop(0)
    return Command(tuple(words), tuple(assignments))


_NPX = frozenset({"npx", "bunx", "pnpx"})
_EXEC = frozenset({("npm", "exec"), ("pnpm", "exec"), ("pnpm", "dlx"), ("yarn", "exec"), ("yarn", "dlx"), ("bun", "x")})


def _inner(command: Command) -> Command | None:
    """One starter less; None where there is none, or where it says more than we understand."""
    words, plain = command.words, command.plain
    if not words:
        return None
    name = program(plain[0])
    if name in STARTERS:
        return None if len(words) < 2 or plain[1].startswith("-") else replace(command, words=words[1:])
    if name in _NPX:
        return _after_options(command, 1)
    if tuple(plain[:2]) in _EXEC:
        return _after_options(command, 2)
    if name.removeprefix("_") in COVERAGE:
        return _covered(command)
    if name == "node":
        return _started_by_node(command)
    if name == "tsx" and "--test" in plain:
        return replace(command, words=("node", "--import", "tsx", *words[1:]))
    return None


def _after_options(command: Command, start: int) -> Command | None:
    at = start
    while at < len(command.words) and command.plain[at].startswith("-"):
        if command.plain[at] in ("-c", "--call"):
            return None
        at += 2 if command.plain[at] in ("-p", "--package") else 1
    if at >= len(command.words):
        return None
    name = re.sub(r"(?<=.)@[^/]*$", "", command.plain[at])  # npx jest@29
    return replace(command, words=(shlex.quote(name), *command.words[at + 1 :]))


def _covered(command: Command) -> Command | None:
    """What comes after the options: the first word that is a program we know."""
    plain = command.plain
    if any(word in ("report", "check-coverage", "merge", "instrument") for word in plain[1:2]):
        return None
    for at, word in enumerate(plain[1:], start=1):
        if _ASSIGNMENT.match(word) or starts_something(program(word)):
            rest = [part for part in command.words[at + 1 :] if program(word) != "mocha" or part != "--"]
            return replace(command, words=(command.words[at], *rest))
    return None


_NODE_OPTIONS = re.compile(
    r"--(experimental-[\w=-]+|no-warnings|no-deprecation|trace-[\w=-]+|enable-source-maps|max-old-space-size=\d+"
    r"|(require|import|loader|experimental-loader|conditions)=\S+|throw-deprecation|openssl-legacy-provider"
    r"|no-experimental-[\w=-]+|unhandled-rejections=\w+|(un)?disable-warning=\S+|preserve-symlinks)"
)
_WITH_VALUE = frozenset(
    {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "-e", "-p", "--eval"}
)


def _started_by_node(command: Command) -> Command | None:
    """`node --experimental-vm-modules node_modules/.bin/jest`, `node fix-ssl.js mocha`: the runner by itself."""
    plain = command.plain
    at, options = 1, list[str]()
    while at < len(plain) and plain[at].startswith("-"):
        if plain[at] in _WITH_VALUE and at + 1 < len(plain):
            name = {"-r": "--require", "-C": "--conditions"}.get(plain[at], plain[at])
            options.append(f"{name}={plain[at + 1]}")
            at += 2
        else:
            options.append(plain[at])
            at += 1
    if at >= len(plain):
        return None
    passed = all(_NODE_OPTIONS.fullmatch(option) for option in options)
    assigned = (*command.assignments, f"NODE_OPTIONS={shlex.quote(' '.join(options))}") if options else ()
    if "node_modules/" in plain[at] and passed:
        words = (program(plain[at]), *command.words[at + 1 :])
        return Command(words, assigned or command.assignments)
    starter = plain[at].endswith((".js", ".cjs", ".mjs")) and at + 1 < len(plain)
    if starter and not options and starts_something(program(plain[at + 1])) and "test" not in plain[at]:
        return replace(command, words=command.words[at + 1 :])
    return None


# ------------------------------------------------------------------------------------------------------- what that is

_E2E = re.compile(r"(.*[^a-z])?(e2e|browsers?|playwright|cypress|puppeteer|selenium|sauce|visual|storybook)([^a-z].*)?")


def concerns_browsers(word: str) -> bool:
    """Of a script's name, or an argument: `test:e2e`, `vitest.config.e2e.ts`."""
    return _E2E.fullmatch(word[:200].lower()) is not None


def role(command: Command) -> Role:
    """Of what `innermost` left."""
    if not command.words:
        return Role.NOTHING
    name, arguments = program(command.plain[0]), command.plain[1:]
    subject = next((word for word in arguments if not word.startswith("-")), "")
    usual = ROLES.get(name)
    if usual is Role.TEST:
        return _role_of_runner(arguments, subject)
    if name in INTERPRETERS:
        return _role_of_interpreter(name, arguments, subject)
    if name in TASK_RUNNERS and re.match(r"(unit-?)?tests?\b|check$", subject):
        return Role.BROWSER if concerns_browsers(subject) else Role.TEST
    if name == "ng" and subject in ("test", "e2e"):
        return Role.BROWSER
    if name == "tsc" and any(word.partition("=")[0].lower() == "--noemit" for word in arguments):
        return Role.CHECK
    if name in ("npm", "yarn", "pnpm") and subject in _NO_SCRIPTS:
        return Role.NOTHING
    return usual or _role_elsewhere(command, name)


_NO_SCRIPTS = frozenset({"audit", "ci", "install", "i", "publish", "pack", "outdated", "update", "dedupe", "link", ""})


def _role_of_runner(arguments: Sequence[str], subject: str) -> Role:
    if subject in ("bench", "list", "init") or "--version" in arguments or "--help" in arguments:
        return Role.NOTHING
    return Role.BROWSER if any(concerns_browsers(word) for word in arguments) else Role.TEST


def _role_of_interpreter(name: str, arguments: Sequence[str], subject: str) -> Role:
    """`node --test`, `node test/run.js`, `./test.sh`: by the path of what it runs."""
    if "--test" in arguments or (name in ("deno", "bun") and subject == "test"):
        return Role.BROWSER if any(concerns_browsers(word) for word in arguments) else Role.TEST
    runner = any(ROLES.get(program(word)) is Role.TEST for word in arguments if "node_modules/" in word)
    if subject and re.fullmatch(r"tests?(:\w+)?", next(iter(arguments[arguments.index(subject) + 1 :]), "")):
        return Role.TEST  # `node Makefile.js test`
    return Role.TEST if runner else _role_of_file(subject)


def _role_of_file(path: str) -> Role:
    stem = path[:200].lower()
    if concerns_browsers(stem) and re.search(r"tests?|specs?", stem):
        return Role.BROWSER
    if re.search(r"(^|[/_.-])(run)?(tests?|specs?|mocha|jest|tape)($|[/_.-])", stem):
        return Role.TEST
    if re.search(r"(^|[/_.-])(lint|typecheck|format)($|[/_.-])", stem):
        return Role.CHECK
    return (
        Role.NOTHING if re.search(r"(^|[/_.-])(bench(mark)?s?|publish|release|deploy)($|[/_.-])", stem) else Role.BUILD
    )


def _role_elsewhere(command: Command, name: str) -> Role:
    """A program that is not Node's own: as everywhere else. A file of the repository by its path."""
    if "/" in name:
        runner = ROLES.get(re.sub(r"\.[cm]?js$", "", name.rpartition("/")[2])) is Role.TEST
        return Role.TEST if runner else _role_of_file(name)
    match kind_of(command.plain):
        case Kind.TEST:
            return Role.TEST
        case Kind.CHECK:
            return Role.CHECK
        case _:
            return Role.BUILD


# -------------------------------------------------------------------------------------------------- how it is typed

_WATCHING = re.compile(r"--watch(All|-all)?(=.*)?|--ui|--open|--watch-extensions=.*")
_JEST_COVERAGE = re.compile(r"--(coverage|collect-?coverage)\w*(=.*|\.\S*)?", re.IGNORECASE)
_TAP_COVERAGE = re.compile(r"--(100|cov(erage)?|check-coverage|(branches|lines|functions|statements|coverage-\w+)=.*)")
_LAB_CHECKS = re.compile(r"-[cLYt]+|--(lint|types|coverage|threshold|lint-(errors|warnings)-threshold)(=.*)?")
_WITH_A_VALUE = re.compile(
    r"--coverage[A-Z]\w+|--collectCoverageFrom|--coverage\.\w+|-t|--threshold|--lint-\S*threshold"
)
_UNWANTED = {"jest": _JEST_COVERAGE, "vitest": _JEST_COVERAGE, "tap": _TAP_COVERAGE, "lab": _LAB_CHECKS}


def typed(command: Command) -> Command:
    """As people would type it at the prompt: with npx where a script needs none, once, and without coverage."""
    if not command.words:
        return command
    name, words = program(command.plain[0]), list(command.words)
    if name in ("jest", "vitest", "mocha", "ava", "tap", "lab"):
        words = [name, *_without_coverage(name, words[1:])]
    if name == "vitest":
        words = ["vitest", "run", *(words[2:] if words[1:2] and words[1] in ("run", "watch", "dev") else words[1:])]
    if "/" not in name and name not in SYSTEM:
        words = ["npx", name, *words[1:]]
    return replace(command, words=tuple(words))


def _without_coverage(name: str, arguments: Sequence[str]) -> list[str]:
    unwanted = _UNWANTED.get(name)
    kept: list[str] = []
    skip = False
    for word in arguments:
        watches = _WATCHING.fullmatch(word) if name != "mocha" or word != "--ui" else None
        dropped = skip or bool(watches) or bool(unwanted and unwanted.fullmatch(unquoted(word)))
        skip = not skip and dropped and bool(_WITH_A_VALUE.fullmatch(word))
        if not dropped:
            kept.append(word)
    if name == "jest" and any(_JEST_COVERAGE.fullmatch(unquoted(word)) for word in arguments):
        kept.append("--coverage=false")  # package.json may ask for it, too
    return kept
