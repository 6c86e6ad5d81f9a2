"""What tests of a Python project need, whoever says so, and the arguments of pip read for it."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

MAX_REQUIREMENTS = 80  # of one environment; more belong into a file, which is installed as it is
_MAX_REQUIREMENT = 200  # characters
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?\s*(?:\[[\w\s,.-]*\])?\s*\(?(?:[<>=!~]=?=?\s*[\w.*+-]+\s*,?\s*)*\)?\s*(?:;.*)?"
)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_EXTRAS = re.compile(r"\.(?:/)?\[([\w\s,.-]+)\]")
_FROM_GIT = re.compile(r"(?:git\+|https?://)\S+?/([\w.-]+?)(?:\.git)?(?:@[^#\s]*)?(?:#(?:.*&)?egg=([\w.-]+)\S*)?")

# Options of pip that say nothing about what is installed; those of the second kind have a value.
_WITH_VALUE = frozenset(
    {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--only-binary", "--no-binary"}
)


@dataclass(frozen=True, slots=True)
class Needs:
    """Of the project itself: extras and dependency groups. Of others: requirements, files of them, directories.

    `before` are other set-up commands; `tests` and `checks` are what is run then, as lines of shell.
    """

    requirements: tuple[str, ...] = ()
    requirement_files: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()

    def __add__(self, other: Needs) -> Needs:
        both = {field.name: (*getattr(self, field.name), *getattr(other, field.name)) for field in fields(self)}
        return Needs(**{name: tuple(dict.fromkeys(values)) for name, values in both.items()})

    @classmethod
    def all_of(cls, several: Iterable[Needs]) -> Needs:
        found = cls()
        for needs in several:
            found += needs
        return found

    @property
    def installs(self) -> bool:
        return bool(self.requirements or self.requirement_files or self.extras or self.groups)


def requirement(text: str) -> str | None:
    """As it can be given to an installer; None for what is none.

    What comes from a repository of git cannot be reached: what has the same name in the registry is taken instead.
    """
    text = text.strip()
    if len(text) > _MAX_REQUIREMENT:
        return None
    name, at, _address = text.partition("@")
    if at and _NAME.fullmatch(name.strip()):
        return name.strip()
    if match := _FROM_GIT.fullmatch(text):
        return match[2] or match[1]
    return text if _REQUIREMENT.fullmatch(text) else None


@functools.lru_cache(maxsize=8192)
def requirement_name(text: str) -> str:
    """`Foo_Bar[x]>=1` -> `foo-bar`."""
    match = _NAME.match(text.strip())
    return re.sub(r"[-_.]+", "-", match.group()).lower() if match else ""


def requirements(texts: Iterable[str]) -> Needs:
    """Of lines as tox's `deps` and files have them: requirements, `-r file`, `-c file`, `.[extra]`."""
    return Needs.all_of(_line(text) for text in list(texts)[: 4 * MAX_REQUIREMENTS])


def _line(text: str) -> Needs:
    text = re.sub(r"(^|\s)#.*", "", text).strip()
    if not text.startswith("-") and not text.startswith("."):
        found = requirement(text)
        return Needs(requirements=(found,)) if found else Needs()
    try:
        return pip_arguments(shlex.split(re.sub(r"^(-[rce])(?=\S)", r"\1 ", text)))
    except ValueError:
        return Needs()


def pip_arguments(arguments: Sequence[str]) -> Needs:
    """What follows `pip install`, `session.install(` and the like."""
    found, rest = Needs(), list(arguments)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if not equals and option in _VALUES and rest:
            value = rest.pop(0)
        if option in _VALUES:
            found += _with_value(option, value)
        elif re.match(r"-[rce]\S", word):
            found += _with_value(word[:2], word[2:])
        elif word in _WITH_VALUE:
            del rest[:1]
        elif not word.startswith("-"):
            found += _target(word)
    return found


_VALUES = frozenset({"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "--group", "--extra"})


def _with_value(option: str, value: str) -> Needs:
    match option:
        case "-r" | "--requirement":
            return Needs(requirement_files=tuple(plain_paths([value])))
        case "-c" | "--constraint":
            return Needs(constraints=tuple(plain_paths([value])))
        case "--group":
            return Needs(groups=(value.rpartition(":")[2],))
        case "--extra":
            return Needs(extras=(value,))
        case _:
            return _target(value)


def _target(word: str) -> Needs:
    """A requirement, the project itself, or a directory with another one."""
    if match := _EXTRAS.fullmatch(word):
        return Needs(extras=tuple(name.strip() for name in match[1].split(",") if name.strip()))
    if word in (".", "./"):
        return Needs()
    if found := requirement(word):
        return Needs(requirements=(found,))
    return Needs(directories=tuple(plain_paths([word]))) if "/" in word and "://" not in word else Needs()


def plain_paths(paths: Iterable[str]) -> list[str]:
    """Those within the repository, without anything that a shell would look at."""
    found = [re.sub(r"^(\./)+", "", path.strip()) for path in paths]
    return [path for path in found if re.fullmatch(r"[\w.][\w./-]*(\[[\w,-]+\])?", path) and ".." not in path]
