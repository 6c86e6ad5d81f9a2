"""What a command of Python's world does: install something, run tests, check something."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Sequence

from bot.core.environment.files import Files
from bot.core.environment.lines import single_words
from bot.core.environment.python_needs import Needs, pip_arguments

UNKNOWN = "\0"  # stands for what cannot be known here, in a word of a command: the word is left out

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_PYTHON = re.compile(r"python(3(\.\d+)?)?|pypy3?|py")
_CHECKS = re.compile(r"ruff|mypy|flake8|black|isort|pyright|pylint|pycodestyle|pydocstyle|bandit|codespell|ty")
_SCRIPT = re.compile(r"(.*/)?((run|all)?[-_]?tests?([-_]?(suite|all|runner))?|run[-_]?tests?)\.py|tests?/__main__\.py")
_RUNNERS = frozenset({"trial", "virtue", "nosetests", "nose2", "green", "unittest", "nose", "twisted.trial"})
_MOST_WORDS = 200
_DEEPEST = 20  # directories within each other that are looked at


def read_line(line: str, files: Files) -> Needs:
    """Of a whole line; what is more than one command says nothing."""
    words = single_words(line)
    return read_command(words, files) if words else Needs()


def read_command(words: Sequence[str], files: Files) -> Needs:
    """`pip install -e .[test]`, `coverage run -m pytest tests`, `X=1 python -m unittest`, `ruff check .`"""
    assigned, rest = _assignments([word for word in words[:_MOST_WORDS] if word])
    rest = _unwrapped(rest)
    if not rest:
        return Needs()
    if (found := _installed(rest)) is not None:
        return found
    program, arguments = rest[0].rpartition("/")[2], rest[1:]
    test = _test(program, arguments, files)
    if test is not None:
        return Needs(tests=(shlex.join([*(f"{name}={value}" for name, value in assigned), *test]),))
    if _CHECKS.fullmatch(program):
        return Needs(checks=(shlex.join(word for word in rest if UNKNOWN not in word),))
    if program == "setup.py" and "build_ext" in arguments:
        return Needs(before=("python setup.py build_ext --inplace",))
    return Needs()


def _assignments(words: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Variables before a command, but for those that only its tools use or that need quotes."""
    rest, found = list(words), []
    while rest and (rest[0] == "env" or _ASSIGNMENT.fullmatch(rest[0])):
        name, _, value = rest.pop(0).partition("=")
        if is_plain_variable(name, value):
            found.append((name, value))
    return found, rest


def is_plain_variable(name: str, value: str) -> bool:
    ours = re.match(r"(COVERAGE|COV_|PIP_|TOX|UV_|VIRTUAL_?ENV|PATH$|HOME$|CI_|CODECOV|env$)", name)
    return bool(re.fullmatch(r"[A-Za-z_]\w*", name) and value and not ours and shlex.quote(value) == value)


def _unwrapped(words: Sequence[str]) -> list[str]:
    """Without what only starts another command: `python -m`, `coverage run`, `poetry run`."""
    rest = list(words)
    for _ in range(6):
        program = rest[0].rpartition("/")[2] if rest else ""
        if _PYTHON.fullmatch(program):
            rest = _after_python(rest[1:])
        elif program == "coverage" and rest[1:2] == ["run"]:
            rest = _after_python(_after_options(rest[2:], _COVERAGE_VALUES))
        elif program in ("uv", "poetry", "pdm", "pipenv", "rye", "hatch") and rest[1:2] == ["run"]:
            rest = _after_options(rest[2:], _RUN_VALUES)
        elif program in ("xvfb-run", "time", "exec", "command"):
            rest = _after_options(rest[1:], frozenset())
        else:
            break
    return rest


_COVERAGE_VALUES = frozenset({"--source", "--omit", "--include", "--rcfile", "--context", "--data-file"})
_RUN_VALUES = frozenset(
    {
        "--group",
        "--extra",
        "--with",
        "--with-requirements",
        "-p",
        "--python",
        "--package",
        "--only-group",
        "-e",
        "--env",
    }
    | {"--no-group", "--index", "--directory", "--project", "--env-file", "-m", "--resolution", "--with-editable"}
    - {"-m"}
)


def _after_options(words: Sequence[str], with_value: frozenset[str]) -> list[str]:
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-m":
        if rest.pop(0) in with_value:
            del rest[:1]
    return rest


def _after_python(words: Sequence[str]) -> list[str]:
    """`-X dev -m pytest tests` -> `pytest tests`; `run.py` stays."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "-m" or option.startswith("-m"):
            return [option[2:], *rest] if option != "-m" else rest
        if option in ("-X", "-W"):
            del rest[:1]
        elif option == "-c" or option.startswith("--"):
            return []
    return rest


def _installed(words: Sequence[str]) -> Needs | None:
    """What `pip install` and the like install; None for any other command."""
    program, rest = words[0].rpartition("/")[2], list(words[1:])
    if program == "uv" and rest[:1] == ["pip"]:
        program, rest = "pip", rest[1:]
    match program, rest[:1]:
        case ("pip" | "pip3", ["install"]):
            return pip_arguments(rest[1:])
        case ("pip" | "pip3" | "poetry" | "pdm" | "pipenv" | "uv", [_]):
            return _synced(rest) if rest[0] in ("install", "sync") else Needs()
        case "flit", ["install"]:
            return Needs()
    return None


def _synced(words: Sequence[str]) -> Needs:
    """`poetry install --with test`, `uv sync --group test --extra x`, `pdm install -G test`."""
    groups: list[str] = []
    extras: list[str] = []
    for option, value in _options(words):
        if option in ("--with", "--only", "--group", "-G", "--only-group"):
            groups += re.findall(r"[\w.-]+", value)
        elif option in ("--extra", "--extras", "-E"):
            extras += re.findall(r"[\w.-]+", value)
        elif option in ("--dev", "-d"):
            groups.append("dev")
    plain = not groups and words[0] in ("install", "sync")
    return Needs(groups=("dev",) if plain else tuple(groups), extras=tuple(extras))


def _options(words: Sequence[str]) -> list[tuple[str, str]]:
    """Each option with what follows it."""
    found = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        if word.startswith("-"):
            found.append((option, value if equals else following))
    return found


def _test(program: str, arguments: Sequence[str], files: Files) -> list[str] | None:
    """The command that runs these tests; None when it runs none."""
    if program in ("pytest", "py.test"):
        return ["python", "-m", "pytest", "-q", *pytest_arguments(arguments, files)]
    if program == "unittest":
        known = [word for word in arguments if UNKNOWN not in word]
        found = _unittest_as_pytest(known, files)
        return ["python", "-m", "unittest", *known] if found is None else ["python", "-m", "pytest", "-q", *found]
    if program in _RUNNERS:
        return ["python", "-m", "pytest", "-q", *_targets(arguments, files)]
    if program in ("manage.py", "django", "django-admin") and "test" in arguments[:1]:
        start = ["manage.py"] if program == "manage.py" else ["-m", "django"]
        return ["python", *start, *(word for word in arguments if UNKNOWN not in word)]
    return None


def script_test(words: Sequence[str], files: Files) -> list[str] | None:
    """`python tests/run.py -v`: a script of the repository that is named like a test."""
    path = next((word.removeprefix("./") for word in words if word.endswith(".py")), "")
    if path in files and _SCRIPT.fullmatch(path):
        return ["python", path, *(word for word in words[words.index(path) + 1 :] if UNKNOWN not in word)]
    return None


def _unittest_as_pytest(arguments: Sequence[str], files: Files) -> list[str] | None:
    """What of its arguments pytest is told; None where pytest would not find the same tests."""
    rest = [word for word in arguments if word not in ("-v", "-q", "--verbose", "--quiet", "-b", "-f", "discover")]
    found: list[str] = []
    while rest:
        word = rest.pop(0)
        if word in ("-s", "--start-directory", "-t", "--top-level-directory") and rest:
            found += [rest[0]] if word.startswith(("-s", "--s")) and rest[0] not in (".", "./") else []
            del rest[:1]
        elif word.startswith("-"):
            return None
        else:
            found.append(word)
    targets = _targets(found, files)
    collects = all(path.endswith(".py") or files.any(rf"{re.escape(path)}/{_COLLECTED}") for path in targets)
    return targets if len(targets) == len(found) and collects and (targets or files.any(_COLLECTED)) else None


_COLLECTED = r"(.*/)?(test_[^/]*|[^/]*_test)\.py"  # what pytest looks for by itself


def _targets(arguments: Sequence[str], files: Files) -> list[str]:
    """Paths or packages that another runner was given, as paths."""
    paths = [word if "/" in word or word in files else word.replace(".", "/") for word in arguments]
    paths = [f"{path}.py" if f"{path}.py" in files else path for path in paths]
    return [path for path in paths if not path.startswith("-") and _is_there(path, files)]


_DROPPED = re.compile(
    r"-v+|-q+|-x|-l|-r\w+|--(verbose|quiet|exitfirst|showlocals|lf|ff|sw|last-failed|failed-first|stepwise|full-trace)"
    r"|--(no-cov|cov|cov-[\w-]+|junit-?xml|html|self-contained-html|durations|durations-min|tb|color|basetemp|maxfail"
    r"|numprocesses|dist|maxprocesses|verbosity|no-header|no-summary|show-capture|benchmark-[\w-]+|codspeed|profile"
    r"|alluredir|json-report\S*|report-log|randomly-seed|instafail|console-output-style|code-highlight)(=.*)?|-n.*"
)
_DROPPED_WITH_VALUE = re.compile(
    r"-n|-r|--(cov|cov-report|cov-config|cov-context|cov-fail-under|junit-?xml|html|durations|durations-min|tb|color"
    r"|basetemp|maxfail|numprocesses|dist|maxprocesses|verbosity|show-capture|alluredir|report-log|randomly-seed"
    r"|benchmark-(json|sort|group-by|columns|name|storage|min-rounds|max-time))"
)
_TAKES_VALUE = re.compile(r"-[mkcpoW]|--[\w-]+")
_FLAGS = re.compile(
    r"--(pyargs|doctest-modules|strict|strict-markers|strict-config|disable-warnings|forked|reuse-db|create-db"
    r"|nomigrations|no-migrations|cache-clear|runslow|run-?slow|slow|doctest-plus|mypy|flake8|nbval\S*|doctest-rst"
    r"|doctest-continue-on-failure|keep-duplicates|noconftest|continue-on-collection-errors|all|runxfail|network)"
)


def pytest_arguments(arguments: Sequence[str], files: Files) -> list[str]:
    """Without what changes only what is printed, measured or how many processes run; paths as far as they are there."""
    found: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if UNKNOWN in word or (_DROPPED.fullmatch(word) and not word.startswith("-no")):
            if _DROPPED_WITH_VALUE.fullmatch(word) and rest and not rest[0].startswith("-"):
                del rest[:1]
        elif word.startswith("-"):
            found.append(word)
            if _TAKES_VALUE.fullmatch(word) and not _FLAGS.fullmatch(word) and rest and not rest[0].startswith("-"):
                found.append(rest.pop(0))
        elif "--pyargs" in arguments or _is_there(word, files):
            found.append(re.sub(r"^(\./)+(?=.)", "", word))
    return found


def _is_there(word: str, files: Files) -> bool:
    """A file, a directory or a test in one."""
    path = re.sub(r"^(\./)+", "", word).partition("::")[0].rstrip("/")
    return path in files or path in ("", ".") or path in _directories(files.paths)


@functools.lru_cache(maxsize=8)
def _directories(paths: frozenset[str]) -> frozenset[str]:
    parts = (path.split("/")[:-1][:_DEEPEST] for path in paths)
    return frozenset("/".join(names[: depth + 1]) for names in parts for depth in range(len(names)))
