"""Targets of a Makefile, a justfile or a Taskfile: the commands of `test`, read purely.

Only commands that are plain are taken apart. Variables, conditions and functions stay what they are: the task runner's.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from bot.core.environment.bounded_yaml import Value, read_yaml
from bot.core.environment.files import Files
from bot.core.environment.lines import Kind, kind, parts
from bot.core.environment.plan import Expanded
from bot.core.model import Toolchain

MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
JUSTFILES = ("justfile", "Justfile", ".justfile")
TASKFILES = ("Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml")
_TARGETS = ("test", "tests", "check", "test-unit", "unit-test", "unittest", "unit")
MAX_DEPTH = 6
MAX_LINES = 100


def plans(files: Files) -> list[Toolchain]:
    """The first target that tests, of each task runner; a Makefile's last."""
    found = []
    for program, names in (("just", JUSTFILES), ("task", TASKFILES), ("make", MAKEFILES)):
        name = next((name for name in names if name in files), "")
        targets = _read(program, files.text(name)) if name else {}
        target = next((target for target in _TARGETS if target in targets), "")
        if not target:
            continue
        apart = expand((program, target), files)
        if apart is not None and apart.tests:
            line = " && ".join(apart.tests)
            found.append(
                Toolchain(_in_venv(apart.setup), line, f"{name} with `{target}`, taken apart", "", apart.checks)
            )
        found.append(Toolchain((), f"{program} {target}", f"{name} with `{target}`"))
    return found


def _in_venv(setup: tuple[str, ...]) -> tuple[str, ...]:
    return ("python3 -m venv ~/venv", *setup) if any("pip" in line for line in setup) else setup


def expand(command: Sequence[str], files: Files) -> Expanded | None:
    """What the targets of a command run: tests, checks, and what is built before them; None where it cannot be read.

    All of it has to be plain, and some of it tests: else the task runner is asked as it is.
    """
    program = command[0].rpartition("/")[2] if command else ""
    names = {"make": MAKEFILES, "gmake": MAKEFILES, "just": JUSTFILES, "task": TASKFILES}.get(program, ())
    name = next((name for name in names if name in files), "")
    wanted = [word for word in command[1:] if word not in ("-s", "--silent", "-k", "--quiet")]
    if not name or any(word.startswith("-") or "=" in word for word in wanted):
        return None
    targets = _read("make" if program == "gmake" else program, files.text(name))
    lines = [line for target in wanted or list(targets)[:1] for line in _commands(targets, target, ())][:MAX_LINES]
    if not lines or any(_is_theirs(line) for line in lines):
        return None
    run = [line for line in lines if kind(line) in (Kind.TEST, Kind.SETUP, Kind.OTHER)]
    last = max((at for at, line in enumerate(run) if kind(line) is Kind.TEST), default=-1)
    checks = tuple(line for line in lines if kind(line) is Kind.CHECK)
    fetched = tuple(line for line in run[: last + 1] if _FETCHES.match(line))
    tests = tuple(line for line in run[: last + 1] if line not in fetched)
    return Expanded(fetched, tests, checks) if last >= 0 or checks else None


# Tests have no network: what is installed before them belongs to the set-up. What is built is built each time.
_FETCHES = re.compile(
    r"(python[\d.]* -m )?pip3? install\b|uv (sync|pip install)\b|(yarn|pnpm|bun)( install)?$"
    r"|(poetry|pdm|pipenv|bundle|composer|npm|pnpm|yarn|bun) (install|sync|ci)\b"
)


class _Target:
    """What it needs first, and its commands."""

    def __init__(self, needs: Sequence[str]) -> None:
        self.needs = list(needs)
        self.lines: list[str] = []


def _commands(targets: Mapping[str, _Target], name: str, above: tuple[str, ...]) -> Iterator[str]:
    if name in above or len(above) >= MAX_DEPTH or name not in targets:
        return
    for needed in targets[name].needs:
        yield from _commands(targets, needed, (*above, name))
    for line in targets[name].lines:
        for part in parts(line):
            called = re.fullmatch(r"(?:\$[({]MAKE[)}]|make|just|task)((?: [\w:-]+)+)", part)
            if called:
                for other in called[1].split():
                    yield from _commands(targets, other, (*above, name))
            elif not re.match(r"(@?echo|printf|true|:)\b", part):
                yield part


def _is_theirs(line: str) -> bool:
    """Does it hold what only the task runner understands, or more than one plain command?"""
    return "$" in line or "{{" in line or "`" in line or "|" in line


def _read(program: str, text: str) -> dict[str, _Target]:
    if program == "task":
        return _taskfile(read_yaml(text))
    return _makefile(text) if program == "make" else _justfile(text)


_RULE = re.compile(r"([\w./-]+(?:[ \t]+[\w./-]+)*)[ \t]*::?(?![:=])[ \t]*([^;#\n]*)(?:;[ \t]*(\S[^\n]*))?")


def _makefile(text: str) -> dict[str, _Target]:
    """Rules whose names are plain. The commands of a pattern or a variable's name belong to nobody."""
    targets: dict[str, _Target] = {}
    current: list[_Target] = []
    for line in text.replace("\\\n", " ").splitlines()[:5_000]:
        if line.startswith("\t"):
            for target in current:
                target.lines.append(line.strip().lstrip("@-+ "))
        elif line.strip() and not line.startswith(("#", " ")):
            rule = _RULE.match(line)
            current = [] if rule is None else _targets(targets, rule[1].split(), rule[2].split())
            for target in current if rule is not None and rule[3] else ():
                target.lines.append(rule[3].strip().lstrip("@-+ ") if rule else "")
    return targets


def _targets(targets: dict[str, _Target], names: Sequence[str], needs: Sequence[str]) -> list[_Target]:
    found = [targets.setdefault(name, _Target(())) for name in names[:20]]
    for target in found:
        target.needs += [need for need in needs if "$" not in need and "=" not in need][:50]
    return found


_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)(?:[ \t][^:\n]*)?:(?!=)([^#\n]*)")


def _justfile(text: str) -> dict[str, _Target]:
    targets: dict[str, _Target] = {}
    current: _Target | None = None
    for line in text.replace("\\\n", " ").splitlines()[:5_000]:
        if line.startswith((" ", "\t")):
            if current is not None and line.strip():
                current.lines.append(line.strip().lstrip("@-"))
        elif recipe := _RECIPE.match(line):
            current = targets[recipe[1]] = _Target(re.findall(r"[A-Za-z_][\w-]*", recipe[2]))
        elif line.strip() and not line.startswith(("#", "[")):
            current = None
    return targets


def _taskfile(value: object) -> dict[str, _Target]:
    tasks = value.get("tasks") if isinstance(value, Mapping) else None
    return {str(name): _task(task) for name, task in tasks.items()} if isinstance(tasks, Mapping) else {}


def _task(task: Value) -> _Target:
    if not isinstance(task, dict):
        task = {"cmds": task}
    needs, said = task.get("deps") or [], task.get("cmds") or task.get("cmd") or []
    found = _Target([need for need in needs if isinstance(need, str)] if isinstance(needs, list) else [])
    for item in said if isinstance(said, list) else [said]:
        if isinstance(item, str):
            found.lines.append(item)
        elif isinstance(item, dict):
            other = item.get("task")
            text = f"task {shlex.quote(other)}" if isinstance(other, str) else item.get("cmd")
            found.lines.append(text if isinstance(text, str) else "")
    return found
