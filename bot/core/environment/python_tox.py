"""tox: its configuration in any of its files, and what the environment that fits best needs and runs."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.core.environment.files import Files, table
from bot.core.environment.python_commands import UNKNOWN, is_plain_variable, read_command, script_test
from bot.core.environment.python_needs import Needs, plain_paths, requirements
from bot.core.environment.python_pytest import ini

_MOST_NAMES = 300  # of environments, after braces are expanded
_MOST_GROUPS = 5  # of which a table of names is the product
_MOST_TEXT = 20_000  # characters of a value, after what it names is put in
_MOST_NAMED = 200  # places in a value where something is put in, at once
_MOST_OF_ONE = 2_000  # characters that are put in there

# An environment with such a factor is not for tests.
_UNFIT = re.compile(
    r"lint\w*|style|docs?\w*|man|mypy\w*|typ(es?|ing|e?check\w*)|pyright|ty|pyrefly|flake8|pep8|pycodestyle|black|isort"
    r"|ruff|pylint|format\w*|fmt|check\w*|pre-?commit|precommit|release|publish|build|package|pkg|dist|manifest|wheel"
    r"|bench\w*|perf\w*|stress|fuzz\w*|profile|bandit|security|audit|safety|changelog|towncrier|news|coveralls|codecov"
    r"|report|combine|erase|clean|html|linkcheck|fix\w*|spell\w*|notebooks?|nbval|readme|twine|upload|tag|bump|deploy|update"
    r"|jython|pypy\S*|.*\dt|win\w*|mac\w*|darwin|quality|static|dev(env|elop)?|run|serve|watch|regen|gen\w*|venv"
    r"|codspeed|mutation|mutmut|downstream|emscripten|pyodide|android|ios|self|schema|sphinx|doctest|interrogate"
)
_ODD = re.compile(
    r"min\w*|low\w*|old\w*|main|master|nightly|upstream|\w*dev\w*|pre|edge|cov\w*|rand\w*|no\w*|without\w*|only\w*|slow"
)
_USUAL = re.compile(r"tests?|unit\w*|pytest|default|all|full|py")
_PYTHON = re.compile(r"(py|python)?(\d)?\.?(\d{1,2})?")


@dataclass(frozen=True, slots=True)
class Tox:
    """The sections of tox.ini, or the tables of tox.toml by the names that the sections would have."""

    source: str
    sections: Mapping[str, Mapping[str, Any]]

    def value(self, section: str, key: str) -> Any:
        """Of a section; where it has none, of the one that all environments start from."""
        for name in (section, "testenv") if section.startswith("testenv") else (section,):
            for spelling in (key, key.replace("_", "")):
                if spelling in self.sections.get(name, {}):
                    return self.sections[name][spelling]
        return None

    def names(self) -> list[str]:
        listed = self.value("tox", "env_list")
        if isinstance(listed, list):
            found = [name for item in listed[:_MOST_NAMES] for name in _listed(item)]
        else:
            found = [name for part in _split(str(listed or "")) for name in expanded(part)]
        for section in self.sections:
            if section.startswith("testenv:"):
                found += expanded(section.removeprefix("testenv:"))
        return list(dict.fromkeys(found))[:_MOST_NAMES]

    def section_of(self, name: str) -> str:
        for section in self.sections:
            if section.startswith("testenv:") and name in expanded(section.removeprefix("testenv:")):
                return section
        return "testenv"


def _listed(item: object) -> list[str]:
    """Of a list in TOML: a name, or `{ product = [{ prefix = "3.", start = 10, stop = 15 }, ["a", "b"]] }`."""
    if isinstance(item, str):
        return expanded(item)
    product = table(item).get("product")
    groups = [_group(part) for part in product[:_MOST_GROUPS]] if isinstance(product, list) else []
    names = itertools.islice(itertools.product(*groups), _MOST_NAMES) if groups else ()
    return ["-".join(factors) for factors in names]


def _group(part: object) -> list[str]:
    if isinstance(part, list):
        return _strings(part)[:_MOST_NAMES]
    prefix, start, stop = (table(part).get(key) for key in ("prefix", "start", "stop"))
    if isinstance(start, int) and isinstance(stop, int) and 0 <= start <= stop <= start + _MOST_NAMES:
        return [f"{prefix or ''}{number}" for number in range(start, stop + 1)]
    return [part] if isinstance(part, str) else []


def read_tox(files: Files) -> Tox | None:
    """The first that there is, in tox's own order; None where the repository does not use it."""
    if "testenv" in (sections := ini(files.text("tox.ini"))):
        return Tox("tox.ini", sections)
    if "testenv" in (sections := ini(files.text("setup.cfg"))):
        return Tox("setup.cfg", {"tox" if name == "tox:tox" else name: value for name, value in sections.items()})
    manifest = table(files.toml("pyproject.toml"), "tool", "tox")
    if isinstance(legacy := manifest.get("legacy_tox_ini"), str):
        return Tox("pyproject.toml", ini(legacy))
    if manifest:
        return Tox("pyproject.toml", _sections(manifest))
    return Tox("tox.toml", _sections(files.toml("tox.toml"))) if "tox.toml" in files else None


def _sections(tables: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    named = {f"testenv:{name}": table(value) for name, value in table(tables, "env").items()}
    return {"tox": tables, "testenv": table(tables, "env_run_base"), **named}


def best_environment(tox: Tox, python: Sequence[int], factors: Sequence[str] = ()) -> str | None:
    """For our version of Python, for tests, with as few other conditions as can be; of several, the latest versions.

    Where there is only one for another version of Python, it is taken as if it were for ours. `factors`: that its name
    has to have.
    """
    ours = f"{python[0]}{python[1]}" if len(python) > 1 else ""
    named = [name for name in tox.names() if all(_holds(factor, name) for factor in factors)]
    fit = [name for name in named if not any(_UNFIT.fullmatch(factor) for factor in _factors(name))]
    if not fit:
        return "py" if tox.value("testenv", "commands") and not tox.names() else None
    _, best = min(enumerate(fit), key=lambda item: (_rank(item[1], ours), item[0]))
    return "-".join(f"py{ours}" if ours and _is_other_python(factor, ours) else factor for factor in best.split("-"))


def _factors(name: str) -> list[str]:
    return name.split("-")


def _python_of(factor: str) -> str | None:
    """`py311`, `py3.11`, `3.11` -> `311`; `py`, `py3` -> "" and `3`; None for what is no version of Python."""
    match = _PYTHON.fullmatch(factor)
    if not match or not factor or (not match[1] and not (match[2] and match[3] and "." in factor)):
        return None
    return f"{match[2] or ''}{match[3] or ''}"


def _is_other_python(factor: str, ours: str) -> bool:
    version = _python_of(factor)
    return version is not None and len(version) > 1 and version != ours


def _rank(name: str, ours: str) -> tuple[bool, int, int, int, tuple[int, ...]]:
    """Least is best."""
    factors = _factors(name)
    versions = [version for factor in factors if (version := _python_of(factor)) is not None]
    others = [factor for factor in factors if _python_of(factor) is None]
    fits = 0 if ours in versions else 1 if versions and all(len(version) < 2 for version in versions) else 2
    if fits == 2 and versions:
        fits = 3
    odd = sum(bool(_ODD.fullmatch(factor)) for factor in others)
    unusual = sum(not _USUAL.fullmatch(factor) for factor in others)
    numbers = tuple(-int(number[:6]) for factor in others for number in re.findall(r"\d+", factor))
    unnamed = bool(others and not versions and unusual)
    return unnamed, odd, fits, unusual, numbers


def environment(tox: Tox, name: str, files: Files) -> Needs:
    """What an environment installs and runs."""
    section = tox.section_of(name)

    def lines(key: str) -> list[str]:
        return _lines(tox, section, key, name)

    installs = requirements(_plain(lines("deps")))
    installs += Needs(
        extras=tuple(part for line in lines("extras") for part in re.findall(r"[\w.-]+", line)),
        groups=tuple(part for line in lines("dependency_groups") for part in re.findall(r"[\w.-]+", line)),
    )
    commands = Needs.all_of(_command(line, files) for key in ("commands_pre", "commands") for line in lines(key))
    variables = [f"{key}={value}" for key, value in _variables(lines("set_env"))]
    where = [path for path in plain_paths(lines("change_dir")) if files.below(path).paths]
    return _placed(installs + commands, variables, where[0] if where else "")


def _plain(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if UNKNOWN not in line]


def _command(line: str, files: Files) -> Needs:
    """Of a line as tox reads it: no shell is between."""
    try:
        words = shlex.split(line.lstrip("-!@ "))
    except ValueError:  # an open quote
        return Needs()
    found = read_command(words, files) if words else Needs()
    if found == Needs() and words and (script := script_test(words, files)):
        return Needs(tests=(shlex.join(script),))
    return found


def _variables(lines: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [line.partition("=") for line in lines]
    stripped = [(name.strip(), _as_path(value.strip())) for name, equals, value in pairs if equals]
    return [(name, value) for name, value in stripped if UNKNOWN not in value and is_plain_variable(name, value)]


def _as_path(value: str) -> str:
    """`:.` where PYTHONPATH was empty before."""
    return value.strip(":") if UNKNOWN not in value else value.replace(UNKNOWN, "").strip(":") or UNKNOWN


def _placed(needs: Needs, variables: Sequence[str], where: str) -> Needs:
    prefix = "".join(f"{variable} " for variable in variables)
    tests = tuple(f"{prefix}{test}" for test in needs.tests)
    if where and where != ".":
        tests = tuple(f"(cd {where} && {test})" for test in tests)
    return replace(needs, tests=tests)


# --------------------------------------------------------------------------------------------------- values


def _lines(tox: Tox, section: str, key: str, name: str) -> list[str]:
    """The lines of a value that apply to the environment, with all that they name put in."""
    value = tox.value(section, key)
    if isinstance(value, Mapping):
        return [f"{item}={_put_in(tox, str(text), name)}" for item, text in value.items() if isinstance(text, str)]
    if isinstance(value, list):
        nested = [item if isinstance(item, str) else _joined(item) for item in value]
        return [_put_in(tox, line, name) for line in nested if line]
    text = re.sub(r"\\\n\s*", " ", str(value or ""))
    text = "\n".join(_applying(text, name))
    lines = _put_in(tox, text, name).splitlines()  # what it names may be several lines, with conditions of their own
    return [line for line in _applying("\n".join(lines), name) if line]


def _joined(command: object) -> str:
    """A command of TOML: a list of words, and of tables that say what comes in their place."""
    return " ".join(f"'{word}'" if re.search(r"\s", word) else word for word in _strings(command))


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _applying(text: str, name: str) -> list[str]:
    """Lines without a condition, and what stands behind a condition that holds: `py311,cov: pytest-cov`."""
    found = []
    for line in text.splitlines()[:500]:
        match = re.fullmatch(r"\s*([\w.,!{}-]+(?:,\s+[\w.,!{}-]+)*):(?:\s+(.*))?", line)
        if match is None:
            found.append(line.strip())
        elif len(match[1]) < _MOST_OF_ONE and _holds(match[1], name):
            found.append((match[2] or "").strip())
    return found


def _holds(condition: str, name: str) -> bool:
    factors = {name, *_factors(name)}
    for version in _versions(name):
        factors |= {f"py{version}", f"{version[0]}.{version[1:]}", f"py{version[0]}.{version[1:]}"}
    return any(
        all((part[1:] not in factors) if part.startswith("!") else part in factors for part in alternative.split("-"))
        for text in _split(condition)
        for alternative in expanded(text)
    )


def _versions(name: str) -> list[str]:
    return [v for factor in _factors(name) if (v := _python_of(factor)) is not None and len(v) > 1]


def _put_in(tox: Tox, text: str, name: str) -> str:
    """`{posargs:tests}`, `{toxinidir}`, `{[section]key}`; what is not known is marked as such."""
    for _ in range(8):
        changed = re.sub(
            r"(?<!\\)\{([^{}\n]*)\}", lambda match: _named(tox, match[1], name), text[:_MOST_TEXT], count=_MOST_NAMED
        )
        if changed == text:
            break
        text = changed
    return text[:_MOST_TEXT]


_PLACE = re.compile(r"(?<!\\)\{([^{}\n]*)\}")
_KNOWN = {
    "toxinidir": ".",
    "tox_root": ".",
    "envpython": "python",
    "env_python": "python",
    "base_python": "python",
    "basepython": "python",
    ":": ":",
    "/": "/",
    "posargs": "",
    "env_bin_dir": "",
    "envbindir": "",
}


def _named(tox: Tox, what: str, name: str) -> str:
    if match := re.fullmatch(r"\[([^\]]+)\]([\w-]+)", what):
        value = tox.value(match[1], match[2])
        text = "\n".join(_strings(value)) if isinstance(value, list) else str(value or "")
        return text[:_MOST_OF_ONE]
    first, colon, rest = what.partition(":")
    if what in _KNOWN:
        return _KNOWN[what]
    if first in ("posargs", "env") and colon:
        return rest if first == "posargs" else rest.partition(":")[2] or UNKNOWN
    return name if first in ("envname", "env_name") else UNKNOWN


def _split(text: str) -> list[str]:
    """At commas and line ends, but not within braces."""
    found, depth, part = [], 0, ""
    for character in text[:_MOST_TEXT]:
        depth += (character == "{") - (character == "}")
        if depth <= 0 and character in ",\n":
            found.append(part)
            part = ""
        else:
            part += character
    return [item.strip() for item in [*found, part] if item.strip() and not item.strip().startswith("#")]


def expanded(text: str) -> list[str]:
    """`py{310,311}-{a,b}`, `3.1{0-2}` -> all names that are meant, up to a limit."""
    pieces = re.split(r"\{([^{}]*)\}", text[:500])
    choices = [[piece] if index % 2 == 0 else _choices(piece) for index, piece in enumerate(pieces)]
    found = itertools.islice(itertools.product(*choices), _MOST_NAMES)
    return ["".join("".join(parts).split()) for parts in found]


def _choices(text: str) -> list[str]:
    found: list[str] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,4})-(\d{1,4})\s*", part)
        numbers = range(int(match[1]), min(int(match[2]), int(match[1]) + 50) + 1) if match else ()
        found += [str(number) for number in numbers] or [part.strip()]
    return found
