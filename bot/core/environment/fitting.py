"""Lines that CI runs on a machine of its own, made to fit a sandbox: no root, one virtual environment, no uploads.

What is installed of the project itself is installed in place, so that the tests load the workspace.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.environment import python
from bot.core.environment.files import Files
from bot.core.environment.lines import program, unwrapped, without_assignments
from bot.core.environment.node_install import installs
from bot.core.environment.python_install import install
from bot.core.environment.tools import Tools


@dataclass(frozen=True, slots=True)
class Fit:
    """`lines`: what takes the place of a line, none where nothing has to. `reason`: why something is missing."""

    lines: tuple[str, ...] = ()
    reason: str = ""


def fitted_setup(line: str, words: Sequence[str], files: Files, tools: Tools) -> Fit:
    """`words`: of `line`, as the shell would read them."""
    command = unwrapped(words)
    match [*command[:3], "", "", ""][:3]:
        case ["pip" | "pip3", "install", _]:
            return _pip(command[2:], files, tools)
        case ["pipx", "install", _] | ["uv", "pip", "install" | "sync"] | ["uv", "tool", "install"]:
            rest = command[3:] if command[0] == "uv" else command[2:]
            return _pip([*(["-r"] if "sync" in command[2:3] else []), *rest], files, tools)
        case ["uv", "sync", _]:
            return Fit((uv_sync(command[2:]),) if "uv" in tools else (), "" if "uv" in tools else _missing("uv"))
        case ["uv" | "venv" | "virtualenv", *_] if command[0] != "uv" or command[1] == "venv":
            return Fit()
        case ["poetry" | "pdm" | "pipenv", *_]:
            return Fit(python.installed(command, files, tools) if command[1] in ("install", "sync") else ())
        case ["python", "setup.py", "develop" | "install"]:
            return Fit((install(tools, ["-e", "."]),))
        case ["npm", *_]:
            return _npm(command, files, tools)
        case ["pnpm" | "yarn" | "bun", *_]:
            return Fit(_managed(line, command, files, tools))
        case ["bundle", *_]:
            return Fit(("bundle config set --global path ~/gems", line))
        case ["conda" | "mamba" | "micromamba", *_]:
            return Fit(reason=_missing(command[0]))
        case ["corepack", *_]:
            return Fit()
        case _:
            return Fit((line,))


def _missing(tool: str) -> str:
    return f"The sandboxes have no `{tool}`."


# Options of pip and uv, dropped: where and how to install is ours to say, and so is from where.
_ALONE = re.compile(
    r"-[UqvI]+|--(upgrade|user|system|break-system-packages|quiet|verbose|no-cache(-dir)?|force-reinstall|no-index"
    r"|disable-pip-version-check|ignore-installed|force|require-virtualenv)"
)
_WITH_VALUE = frozenset(
    {"--python", "-p", "--progress-bar", "--root-user-action", "--upgrade-strategy", "--resolution"}
)
_HOSTS = frozenset({"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--index"})
_KEPT_WITH_VALUE = frozenset({"-r", "--requirement", "-c", "--constraint", "--group", "--only-binary", "--no-binary"})
_READ = frozenset({"-r", "--requirement", "-c", "--constraint"})
_NOT_FOR_TESTS = frozenset(
    {"pip", "build", "twine", "codecov", "coveralls", "codecov-cli", "tox", "tox-gh", "tox-gh-actions", "tox-uv", "nox"}
    | {"uv", "poetry", "pdm", "pipenv"}  # what they do is done without them
)
_TOOLS_OF_PIP = frozenset({"setuptools", "wheel"})
_BUILT = re.compile(r".*\.(whl|tar\.gz)|dist/.*|\$?\(?ls dist.*")
_SELF = re.compile(r"\.(/)?(\[[\w,. -]*\])?")


def _pip(arguments: Sequence[str], files: Files, tools: Tools) -> Fit:
    """Into our environment, from our registries, and the project in place."""
    kept: list[str] = []
    what: set[str] = set()
    reason = ""
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        option, _, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if _ALONE.fullmatch(option):
            continue
        if option in _WITH_VALUE or option in _HOSTS:
            value = value or (rest.pop(0) if rest else "")
            reason = "It installs from another index." if option in _HOSTS else reason
        elif option in ("-e", "--editable"):
            value = value or (rest.pop(0) if rest else "")
            kept, what = [*kept, "-e", value], what | {value}
        elif option in _KEPT_WITH_VALUE:
            value = value or (rest.pop(0) if rest else "")
            if option in _READ and value.removeprefix("./") not in files:
                reason = f"There is no `{value[:60]}`."
            else:
                kept, what = [*kept, option, value], what | {value}
        elif option.startswith("-"):
            kept.append(word)
        elif "://" in word:
            reason = "It installs from an address of its own."
        else:
            fitted = _requirement(word, files)
            kept, what = [*kept, *fitted], what | set(fitted)
    named = {re.split(r"[\[=<>!~; ]", name.lower())[0] for name in what}
    return Fit((install(tools, kept),) if named - _TOOLS_OF_PIP else (), reason)


def _requirement(word: str, files: Files) -> list[str]:
    """What is built before is installed in place instead."""
    name = re.split(r"[\[=<>!~; ]", word.lower())[0].replace("_", "-")
    if name in _NOT_FOR_TESTS:
        return []
    if _BUILT.fullmatch(word):
        return ["-e", "."]
    path = word.partition("[")[0].removeprefix("./").rstrip("/")
    local = f"{path}/pyproject.toml" in files or f"{path}/setup.py" in files
    return ["-e", word] if _SELF.fullmatch(word) or local else [word]


_UV_ALONE = frozenset({"--no-cache", "--isolated", "--no-sync", "--exact", "-q", "--quiet", "--active", "-v"})
_UV_NAMED = frozenset({"--python", "-p", "--python-preference", "--with", "--env-file", "--index", "--index-url"})
_UV_PASSED = frozenset({"--group", "--only-group", "--no-group", "--extra", "--package", "--no-extra"})


def uv_sync(options: Sequence[str]) -> str:
    """`uv sync` into our environment; what pip has put there stays."""
    kept: list[str] = []
    rest = list(options)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        name = word.partition("=")[0]
        value = [rest.pop(0)] if name in _UV_NAMED | _UV_PASSED and "=" not in word and rest else []
        if name not in _UV_ALONE and name not in _UV_NAMED:
            kept += [word, *value]
    return shlex.join(["uv", "sync", "--quiet", "--inexact", *kept]).replace(
        "uv", "UV_PROJECT_ENVIRONMENT=~/venv uv", 1
    )


def _npm(command: Sequence[str], files: Files, tools: Tools) -> Fit:
    """What is installed changes neither manifest nor lock file, and what the installation needs is brought first."""
    if command[1] not in ("install", "i", "ci", "add"):
        return Fit((shlex.join(command),))
    named = [word for word in command[2:] if not word.startswith("-") and not re.match(r"(npm|corepack)(@|$)", word)]
    if "-g" in command or "--global" in command:
        return Fit((f"npm install --global --prefix ~/.local {shlex.join(named)}",) if named else ())
    quiet = [option for option in ("--no-audit", "--no-fund") if option not in command]
    locked = "package-lock.json" in files or "npm-shrinkwrap.json" in files
    unsaved = ["--no-save"] if named or locked else ["--no-package-lock"]
    unsaved = [] if command[1] == "ci" else unsaved
    line = shlex.join([*command, *unsaved, *quiet])
    way = installs(files, tools)[0] if not named and "package.json" in files else None
    return Fit((*way.brought, f"{way.environment}{line}") if way else (line,))


def _managed(line: str, command: Sequence[str], files: Files, tools: Tools) -> tuple[str, ...]:
    """With the package manager itself, where the sandbox has none; an install as the lock file wants it."""
    ways = installs(files, tools) if command[0] not in tools and tools.versions else []
    if not ways or ways[0].manager != command[0]:
        return (line,)
    installing = all(word.startswith("-") or word in ("install", "i") for word in command[1:])
    return ways[0].setup if installing else (*ways[0].setup[:-1], line)


def _without_coverage(words: Sequence[str]) -> list[str]:
    """pytest's options for measuring it, which cost time and a plugin."""
    kept: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not re.match(r"--cov(-|=|$)", word):
            kept.append(word)
        elif "=" not in word and word not in ("--cov-append", "--cov-branch", "--cov-reset"):
            rest = rest[1:] if rest and not rest[0].startswith("-") else rest
    return kept


_OWN_ENVIRONMENT = re.compile(r"(\./)?\.?v?env\w*/bin/(?=\w)")
_OFFLINE = {"cargo": "--offline", "mvn": "-o", "mvnw": "-o", "gradle": "--offline", "gradlew": "--offline"}
_SLOW_IN_GO = re.compile(r"-race|-cover\S*|-count=\S+")


def fitted_test(line: str, words: Sequence[str], tools: Tools) -> Fit:
    """The test command itself, without what measures coverage, installs, or needs a network."""
    rest = without_assignments(words)
    assigned = list(words[: len(words) - len(rest)])
    command = unwrapped(words)
    first = program(rest[0]) if rest else ""
    if first in ("uv", "poetry", "pdm", "pipenv", "coverage", "rye") or "coverage" in rest[:3]:
        if command[0] in ("pytest", "unittest"):
            command = ["python", "-m", *command]
        return Fit((shlex.join([*assigned, *_without_coverage(command)]),))
    if command[:1] == ["pytest"] and "--cov" in line and not re.search(r"[*?\[]", line):
        return Fit((shlex.join([*assigned, *_without_coverage(rest)]),))
    if _OWN_ENVIRONMENT.match(line):
        return Fit((_OWN_ENVIRONMENT.sub("", line, count=1),))
    if first == "go":
        return Fit((shlex.join([*assigned, *(word for word in rest if not _SLOW_IN_GO.fullmatch(word))]),))
    if first in _OFFLINE and _OFFLINE[first] not in rest:
        place = 2 if first == "cargo" else 1
        return Fit((shlex.join([*assigned, *rest[:place], _OFFLINE[first], *rest[place:]]),))
    return Fit((line,))
