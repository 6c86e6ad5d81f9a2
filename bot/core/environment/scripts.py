"""The script of a step, command by command: what it is, and the lines that do the same in a sandbox."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.environment.expressions import UNKNOWN, Scope, substituted, unknown_names
from bot.core.environment.fitting import Fit, fitted_setup, fitted_test, uv_sync
from bot.core.environment.lines import (
    MAX_SCRIPT,
    Kind,
    kind,
    parts,
    program,
    single_words,
    unwrapped,
    without_assignments,
)
from bot.core.environment.places import Places
from bot.core.environment.python_install import install


@dataclass(frozen=True, slots=True)
class Item:
    """`missed`: what the tests may need, and will not have. `replaced`: it stands for a task runner."""

    kind: Kind
    lines: tuple[str, ...] = ()
    reason: str = ""
    missed: bool = False
    replaced: bool = False


# Names that choose hosts, proxies, credentials, or what runs.
_NOT_OURS = re.compile(
    r".*(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|PRIVATE|AUTH|PROXY|REGISTRY|INDEX|MIRROR|_URL|_HOST|TRUSTED).*"
    r"|PATH|HOME|SHELL|ENV|BASH_ENV|IFS|LD_\w+|DYLD_\w+|PYTHONHOME|PYTHONSTARTUP|GOPROXY|GOSUMDB|GOFLAGS|GIT_\w+"
    r"|PIP_(CONFIG_FILE|FIND_LINKS|CERT)|UV_(PROJECT_ENVIRONMENT|PYTHON\w*|SYSTEM\w*|DEFAULT\w*)|VIRTUAL_ENV|SSL_\w+"
    r"|PYTEST_ADDOPTS|GITHUB_\w+|RUNNER_\w+|ACTIONS_\w+",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"(FORCE|PY|NO|CLI|NPM_CONFIG)_?COLORS?|CLICOLOR\w*|TERM|COLORTERM|CARGO_TERM_\w+|PIP_(DISABLE|NO|PROGRESS|CACHE)\w*|CI"
    r"|UV_\w+|TOX_?ENV|PYTHON|PYTHON_?VERSION|NOXFORCEPYTHON|NODE_?VERSION|COVERALLS\w*|CODECOV\w*|(MPL|QT|CACHE)_?\w*CACHE\w*|\w*CACHE_DIR",
    re.IGNORECASE,
)
_SAFE_VALUE = re.compile(r"[\w.+:/,=@%~ -]{0,200}")
_TALK = re.compile(
    r"(echo|printf|ls|pwd|cat|env|printenv|which|type|df|free|uname|true|date|sleep|exit|tree|set|shopt|trap)\b"
)
_ASKS = re.compile(r".*\s(--?version|-[vV]|config list)|.*\b(pip|npm|uv|conda) (list|freeze|check|ls)\b.*")
_ACTIVATES = re.compile(r"(source|\.)\s+\S+|conda activate .*|deactivate|!.*")
_ONLY_VARIABLES = re.compile(r"(export )?[A-Za-z_]\w*=|if\b")  # what they set is not there for the next line
_INSTALLED = re.compile(r"\s--installpkg[ =](`[^`\n]*`|\$\([^)\n]*\)|\S+)")
_IF_FILE = re.compile(r"if \[\[? -[fe] (\S+) \]\]?;?\s*then\s+((?:(?!\b(?:else|elif|fi|if)\b).)*?);?\s*fi", re.DOTALL)
_MAX_GUARDED = 500  # characters
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+)\b)")
_HANDED_ON = re.compile(r"""echo ["']?([A-Za-z_]\w*)=([\w.+:/,=@-]*)["']? >> "?\$\{?GITHUB_ENV\}?"?""")
_PACKAGES = re.compile(
    r"(?:sudo )?(?:-E )?(?:\w+=\S+ )?(?:apt-get|apt|apk|dnf|yum|brew)\b[^|]*?\b(?:install|add)\b(.*)", re.DOTALL
)
_LISTS = re.compile(r"sudo (-\S+ )*(apt-get|apt|dnf|yum) (-\S+ )*(update|upgrade|clean|remove)\b")
_MISSED = re.compile(r"(sudo|docker|docker-compose|curl|wget|podman)\b|.*\b(playwright|cypress) install\b")
_CHECKS_WITH_NETWORK = frozenset({"tox", "nox", "pre-commit", "prek", "safety", "pip-audit", "hatch"})
_MEASURES = re.compile(r"(.*/)?(bench(marks?)?|perf(ormance)?)(/.*|\.py)?")
_BUILDS_ITS_OWN = frozenset({"tox", "nox", "hatch"})
_RUNNERS = re.compile(r"(?<![\w-])(tox|nox|hatch) ")


class Script:
    """`handed_on`: what it sets for the steps after it."""

    def __init__(self, scope: Scope, directory: str, places: Places) -> None:
        self.handed_on: dict[str, str] = {}
        self._items: list[Item] = []
        self._scope = scope
        self._directory: str | None = directory
        self._places = places
        named = {name[4:]: value for name, value in scope.values.items() if name.startswith("env.")}
        self._known = {name: value for name, value in named.items() if _SAFE_VALUE.fullmatch(value)}
        self._env = {name: value for name, value in named.items() if _wanted(name, value)}

    def read(self, text: str) -> list[Item]:
        unknown = unknown_names(text[:MAX_SCRIPT], self._scope)
        for part in self._parts(_INSTALLED.sub("", substituted(text[:MAX_SCRIPT], self._scope))):
            if self._directory is None or not self._places.spend():
                break
            if UNKNOWN in part:
                self._unknown(part, unknown)
            else:
                self._part(_VARIABLE.sub(lambda match: self._known.get(match[1] or match[2], match[0]), part))
        return self._items

    def _parts(self, text: str) -> Iterator[str]:
        """With the commands of `if [ -f x ]; then ...; fi` where x is there."""
        for part in parts(text):
            guarded = _IF_FILE.fullmatch(part) if len(part) <= _MAX_GUARDED else None
            if not guarded:
                yield part
            elif guarded[1] in self._places.files:
                yield from parts(guarded[2])

    def _unknown(self, part: str, names: Sequence[str]) -> None:
        found = kind(part.replace(UNKNOWN, "x"))
        if found in (Kind.SETUP, Kind.TEST, Kind.OTHER) and not _TALK.match(part):
            reason = f"{_shown(part)} needs {', '.join(f'`{name}`' for name in names[:3])}, which is not known here."
            self._items.append(Item(Kind.OTHER, (), reason, found is Kind.SETUP))

    def _part(self, part: str) -> None:
        words = single_words(part)
        if (words and self._state(words)) or _ACTIVATES.fullmatch(part):
            return
        match kind(part):
            case Kind.UNFIT:
                self._unfit(part)
            case Kind.TEST:
                self._test(part, words)
            case Kind.CHECK:
                if words and unwrapped(words)[0] not in _CHECKS_WITH_NETWORK:
                    self._items.append(Item(Kind.CHECK, self._placed((part,), words)))
            case Kind.SETUP:
                here = self._places.at(self._directory or "")
                fit = fitted_setup(part, words, here, self._places.tools) if words else Fit((part,))
                self._items.append(Item(Kind.SETUP, self._placed(fit.lines, words), fit.reason, bool(fit.reason)))
            case _ if not self._says_nothing(part):
                self._items.append(Item(Kind.SETUP, self._placed((part,), words)))

    def _says_nothing(self, part: str) -> bool:
        """It only talks, or comes after tests."""
        if _TALK.match(part) or _ASKS.fullmatch(part) or _ONLY_VARIABLES.match(part):
            return True
        return any(item.kind is Kind.TEST for item in self._items)

    def _state(self, words: Sequence[str]) -> bool:
        """`cd`, `export` and plain assignments hold for the commands after them."""
        match words:
            case ["cd" | "pushd", way]:
                directory = folded(self._directory or "", way)
                # Documents say `cd project` after they cloned it.
                self._directory = directory if directory is None or self._is_there(directory) else self._directory
                return True
            case ["export", *assignments] if assignments:
                self._assign(assignments)
                return True
            case [*assignments] if not without_assignments(assignments):
                self._assign(assignments)
                return True
            case _:
                return False

    def _is_there(self, directory: str) -> bool:
        return bool(self._places.at(directory).paths)

    def _assign(self, assignments: Sequence[str]) -> None:
        for name, _, value in (word.partition("=") for word in assignments if "=" in word):
            if _SAFE_VALUE.fullmatch(value):
                self._known[name] = value
            if _wanted(name, value):
                self._env[name] = value

    def _unfit(self, part: str) -> None:
        if handed := _HANDED_ON.fullmatch(part):
            self.handed_on[handed[1]] = handed[2]
        elif installed := _PACKAGES.match(part):
            names = [word for word in installed[1].split() if re.fullmatch(r"[\w.+:-]+", word) and word[0] != "-"]
            if names:
                shown = ", ".join(f"`{name}`" for name in names[:10])
                self._items.append(Item(Kind.OTHER, (), f"The system packages {shown} need root.", True))
        elif _MISSED.match(part) and not _LISTS.match(part):
            self._items.append(Item(Kind.OTHER, (), f"{_shown(part)} is nothing for a sandbox.", True))

    def _test(self, part: str, words: Sequence[str] | None) -> None:
        if words is None:
            self._literally(part, None, (part,), _RUNNERS.search(part) is not None)
            return
        command = self._command(words)
        if any(_MEASURES.fullmatch(word) for word in command[1:]):
            return
        found = self._places.expand(self._directory or "", command)
        if found is not None and (found.tests or found.checks):
            self._items.append(Item(Kind.SETUP, tuple(self._there(line) for line in found.setup)))
            self._items.append(Item(Kind.CHECK, tuple(self._there(line) for line in found.checks)))
            if found.tests:
                self._items.append(Item(Kind.TEST, self._placed(found.tests, command), replaced=bool(found.setup)))
            return
        self._items.append(Item(Kind.SETUP, tuple(self._there(line) for line in self._brought(command))))
        told = without_assignments(words) != command
        fit = Fit((shlex.join(command),)) if told else fitted_test(part, words, self._places.tools)
        self._literally(part, words, fit.lines, unwrapped(command)[0] in _BUILDS_ITS_OWN)

    def _literally(self, part: str, words: Sequence[str] | None, lines: tuple[str, ...], alone: bool) -> None:
        """`alone`: it builds what it needs itself, when there is no network any more."""
        reason = f"{_shown(part)} makes an environment of its own, which needs the network." if alone else ""
        self._items.append(Item(Kind.TEST, self._placed(lines, words), reason, alone))

    def _command(self, words: Sequence[str]) -> list[str]:
        """Without assignments; what tox is told by its environment is told by an argument."""
        command = without_assignments(words)
        chosen = self._known.get("TOX_ENV") or self._known.get("TOXENV")
        if chosen and unwrapped(command)[:1] == ["tox"] and "-e" not in command:
            command += ["-e", chosen]
        return command

    def _brought(self, command: Sequence[str]) -> tuple[str, ...]:
        """What `uv run`, `uvx` and `pipx run` install before they run."""
        match [program(command[0]), *command[1:]]:
            case ["uv", "run", *rest] if "uv" in self._places.tools:
                return (uv_sync(rest),)
            case ["uvx", *_] | ["pipx", "run", *_]:
                return (install(self._places.tools, [unwrapped(command)[0]]),)
            case _:
                return ()

    def _placed(self, lines: Sequence[str], words: Sequence[str] | None) -> tuple[str, ...]:
        """With the environment of the step, in its directory."""
        assigned = " ".join(f"{name}={shlex.quote(value)}" for name, value in self._env.items())
        if not assigned:
            return tuple(self._there(line) for line in lines)
        if words is None:
            return tuple(self._there(f"(export {assigned}; {line})") for line in lines)
        return tuple(self._there(f"{assigned} {line}") for line in lines)

    def _there(self, line: str) -> str:
        return f"(cd {shlex.quote(self._directory)} && {line})" if self._directory else line


def _wanted(name: str, value: str) -> bool:
    plain = bool(value) and "\n" not in value and len(value) <= 200 and re.fullmatch(r"[A-Za-z_]\w*", name) is not None
    return plain and not _NOT_OURS.fullmatch(name) and not _NOISE.fullmatch(name)


def _shown(part: str) -> str:
    line = part.partition("\n")[0].replace(UNKNOWN, "...").replace("`", "'")
    return f"`{line if len(line) <= 60 else f'{line[:57]}...'}`"


def folded(directory: str, way: str) -> str | None:
    """`a` and `../b` -> `b`; None when it leads out of the repository, or cannot be known."""
    if not re.fullmatch(r"[\w.@+/ -]*", way) or way.startswith("/"):
        return None
    found = directory.split("/") if directory else []
    for name in way.split("/"):
        if name == "..":
            if not found:
                return None
            found.pop()
        elif name not in ("", "."):
            found.append(name)
    return "/".join(found)
