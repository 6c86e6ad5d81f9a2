"""What tests need by the names of things: dependency groups, extras, groups of poetry and pdm, requirements files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bot.core.environment.files import Files, table, words
from bot.core.environment.python_needs import (
    MAX_REQUIREMENTS,
    Needs,
    requirement_name,
    requirements,
)

_FOR_TESTS = ("test", "tests", "testing", "unittest", "unittests", "unit", "pytest", "tests-unit", "test-unit")
_FOR_DEVELOPERS = ("dev", "develop", "development", "devel", "all", "ci")
_MOST_GROUPS = 100

REQUIREMENTS = re.compile(
    r"(requirements?[-_./])?((dev|develop|development|tests?|testing|ci|unit|pytest)[-_.])?"
    r"requirements?([-_.](dev|develop|development|tests?|testing|ci|base|main|common|all))?\.(txt|in)"
    r"|(requirements?|reqs)/[\w-]+\.(txt|in)|(tests?|testing)/([\w-]+[-_.])?requirements([-_.][\w-]+)?\.(txt|in)"
    r"|[\w-]+[-_.]requirements\.(txt|in)"
)
_TEST_FILE = re.compile(r"(.*[-_./])?(tests?|testing|unit|pytest)([-_./].*)?")
_DEV_FILE = re.compile(r"(.*[-_./])?(dev|develop|development|ci|all)([-_./].*)?")
_OTHER_FILE = re.compile(
    r"(.*[-_./])?(docs?|lint\w*|build|release|publish|mypy|typing|style|bench\w*|constraints?|min\w*)([-_./].*)?"
)

# What developers use beside tests: minutes of downloads that no test looks at.
_TOOLS = re.compile(
    r"ruff|black|isort|mypy|pyright|basedpyright|ty|pyrefly|pylint|pyflakes|pycodestyle|pydocstyle|autopep8|yapf|bandit"
    r"|(flake8|pep8|sphinx|mkdocs|mkdoc|furo|myst|mdformat|sphinxcontrib|sphinxext|mdx|griffe)(-.*)?|autoflake"
    r"|pyupgrade|vulture|pallets-sphinx-themes|alabaster|numpydoc|nbsphinx|pdoc\d?|pydoctor|zensical|readme-renderer"
    r"|pre-commit(-.*)?|prek|tox(-.*)?|nox(-.*)?|hatch|pdm|poetry|poethepoet|invoke|uv|pip-tools|pipenv|build|twine"
    r"|towncrier|bump2version|bumpversion|bump-my-version|commitizen|python-semantic-release|zest-releaser|scriv"
    r"|check-manifest|check-wheel-contents|validate-pyproject|codecov|coveralls|codespell|interrogate|deptry|types-.*"
    r"|jupyter(lab|-.*)?|notebook|ipdb|snakeviz|asv|cibuildwheel|safety|pip-audit|semgrep|zizmor|gha-update|watchdog-gnu"
    r"|cairosvg|doc8|rstcheck|restructuredtext-lint|proselint|smokeshow|pyinstaller|auditwheel|delocate|ipython"
)


def by_name(files: Files) -> Needs:
    """What is meant for tests alone; where nothing is, what developers install; then what all need."""
    groups, offered = dependency_groups(files.toml("pyproject.toml")), extras(files)
    for names, pattern in ((_FOR_TESTS, _TEST_FILE), (_FOR_DEVELOPERS, _DEV_FILE)):
        found = Needs(
            groups=tuple(name for name in names if name in groups),
            extras=tuple(name for name in names if name in offered),
            requirement_files=tuple(_requirement_files(files, pattern)),
        )
        found += in_setup(files) if names is _FOR_TESTS else of_pipfile(files, "dev-packages")
        if found.installs:
            return found
    return Needs()


def of_pipfile(files: Files, section: str) -> Needs:
    return requirements(without_tools(poetry_requirements(table(files.toml("Pipfile"), section))))


def _requirement_files(files: Files, pattern: re.Pattern[str]) -> list[str]:
    """One of each name: what was compiled from `x.in` is `x.txt`."""
    found = sorted(
        path
        for path in files.paths
        if REQUIREMENTS.fullmatch(path)
        and pattern.fullmatch(path.rpartition(".")[0])
        and not _OTHER_FILE.fullmatch(path.rpartition(".")[0])
    )
    return [path for path in found if not path.endswith(".in") or f"{path[:-3]}.txt" not in files][:4]


def base_requirements(files: Files) -> list[str]:
    """What an application that is no package needs to run."""
    names = ("requirements.txt", "requirements/base.txt", "requirements/main.txt", "requirements.in")
    return [name for name in names if name in files][:1]


def extras(files: Files) -> set[str]:
    """The names of extras that the project offers."""
    manifest = files.toml("pyproject.toml")
    found = set(table(manifest, "project", "optional-dependencies")) | set(table(manifest, "tool", "poetry", "extras"))
    section = re.search(r"^\[options\.extras_require\]\n((?:[^\[\n].*\n?|\n)*)", files.text("setup.cfg"), re.MULTILINE)
    if section:
        found |= set(re.findall(r"^([\w.-]+)\s*=", section[1], re.MULTILINE))
    setup = files.text("setup.py")
    if "extras_require" in setup:
        found |= set(re.findall(r"['\"]([\w-]{1,40})['\"]\s*:", setup)) | set(_KEYWORD.findall(setup))
    return found


_KEYWORD = re.compile(r"^\s+(tests?|testing|dev)\s*=\s*\[", re.MULTILINE)  # of `dict(test=[...])`
_TESTS_REQUIRE = re.compile(r"\btests_require\s*=\s*\[([^\]]{0,4000})\]")
_TESTS_REQUIRED = re.compile(r"^tests_require\s*=[ \t]*((?:.*\n)(?:[ \t]+.*\n?)*)", re.MULTILINE)


def in_setup(files: Files) -> Needs:
    """`tests_require` of setup.py and setup.cfg, which no installer looks at any more."""
    listed = _TESTS_REQUIRE.search(files.text("setup.py"))
    quoted = re.findall(r"['\"]([^'\"\n]{1,200})['\"]", listed[1]) if listed else []
    section = _TESTS_REQUIRED.search(files.text("setup.cfg"))
    return requirements(without_tools([*quoted, *(section[1].splitlines() if section else ())]))


def dependency_groups(manifest: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """PEP 735's and those of poetry, pdm, uv and rye: name as `requirement_name` has it -> requirements."""
    groups: dict[str, list[str]] = {}
    listed = list(table(manifest, "dependency-groups").items())[:_MOST_GROUPS]
    standard = {requirement_name(name): group for name, group in listed}
    for name in standard:
        groups[name] = _with_included(standard, name, set())
    tool = table(manifest, "tool")
    for name, group in list(table(tool, "poetry", "group").items())[:100]:
        groups.setdefault(requirement_name(name), poetry_requirements(table(group, "dependencies")))
    if old := table(tool, "poetry", "dev-dependencies"):
        groups.setdefault("dev", poetry_requirements(old))
    for name, group in list(table(tool, "pdm", "dev-dependencies").items())[:100]:
        groups.setdefault(requirement_name(name), words(group))
    for name in ("uv", "rye"):
        if old_list := words(table(tool, name).get("dev-dependencies")):
            groups.setdefault("dev", old_list)
    return groups


def _with_included(groups: Mapping[str, Any], name: str, seen: set[str]) -> list[str]:
    """Each group is read once, however often it is included."""
    seen.add(name)
    members = groups.get(name)
    found: list[str] = []
    for member in members[:MAX_REQUIREMENTS] if isinstance(members, list) else ():
        if isinstance(member, str):
            found.append(member)
        elif isinstance(included := table(member).get("include-group"), str):
            other = requirement_name(included)
            found += _with_included(groups, other, seen) if other not in seen else []
    return list(dict.fromkeys(found))[: 4 * MAX_REQUIREMENTS]


def poetry_requirements(dependencies: Mapping[str, Any]) -> list[str]:
    """`{pytest = "^7.2"}` -> `pytest>=7.2,<8`. What comes from a path is left out, from git is taken by its name."""
    found = []
    for name, value in list(dependencies.items())[: 4 * MAX_REQUIREMENTS]:
        constraint = value[0] if isinstance(value, list) and value else value
        details = table(constraint)
        version = constraint if isinstance(constraint, str) else details.get("version", "*")
        if name != "python" and "path" not in details and not details.get("optional"):
            names = ",".join(words(details.get("extras")))
            found.append(f"{name}{f'[{names}]' if names else ''}{pep440(str(version))}")
    return found


def pep440(constraint: str) -> str:
    """Poetry's `^1.2` and `~1.2` as installers write them; empty for any version."""
    found = []
    for clause in constraint.split("||")[0].split(",")[:8]:
        match = re.fullmatch(r"\s*(\^|~|[<>=!~]=?=?)?\s*v?(\d[\w.+!-]*(?:\.\*)?)\s*", clause)
        if match and match[1] in ("^", "~"):
            found.append(f">={match[2]},<{_next(match[2], caret=match[1] == '^')}")
        elif match:
            found.append(f"{'==' if match[1] in (None, '=') else match[1]}{match[2]}")
    return ",".join(found)


def _next(version: str, *, caret: bool) -> str:
    numbers = [int(number[:9]) for number in re.findall(r"\d+", version)[:3]]
    at = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1) if caret else 1
    at = min(at, len(numbers) - 1) if caret else min(1, len(numbers) - 1)
    return ".".join(str(number) for number in [*numbers[:at], numbers[at] + 1])


def needed_of(name: str, members: Iterable[str]) -> list[str]:
    """Of a group or an extra: all, where it is named for tests; of others, what tests can need."""
    return list(members) if name in _FOR_TESTS else without_tools(members)


def without_tools(found: Iterable[str]) -> list[str]:
    """Requirements but for linters, documentation, packaging."""
    return [text for text in found if not _TOOLS.fullmatch(requirement_name(text))]


def resolved(needs: Needs, files: Files) -> Needs:
    """Groups, files and what the project's own extras hold, spelled out where that is needed, without tools.

    A file of requirements is installed as it is, unless it names tools that tests do not need.
    """
    manifest = files.toml("pyproject.toml")
    groups = dependency_groups(manifest)
    named = [requirement_name(name) for name in needs.groups]
    members = [text for name in named for text in needed_of(name, groups.get(name, []))]
    own = tuple(without_tools(needs.requirements))
    found = replace(needs, requirements=own, requirement_files=(), groups=())
    found += _of_the_project(requirements(members), _name(manifest))
    for path in needs.requirement_files:
        found += _of_file(path, files)
    return _with_mixed_extras(found, files)


def _name(manifest: Mapping[str, Any]) -> str:
    return requirement_name(str(table(manifest, "project").get("name") or ""))


def _of_the_project(needs: Needs, name: str) -> Needs:
    """`requests[socks]` in a group of requests means its extra."""
    own = [text for text in needs.requirements if name and requirement_name(text) == name]
    extras = [extra for text in own for extra in re.findall(r"[\w-]+", text.partition("[")[2].partition("]")[0])]
    others = tuple(text for text in needs.requirements if text not in own)
    return Needs(others, needs.requirement_files, needs.constraints, (*needs.extras, *extras))


def _of_file(path: str, files: Files) -> Needs:
    lines, mixed = _lines(path, files, set())
    if not mixed or len(lines) > MAX_REQUIREMENTS:
        return Needs(requirement_files=(path,))
    return requirements(lines if _is_for_tests(path) else without_tools(lines))


def _is_for_tests(path: str) -> bool:
    return _TEST_FILE.fullmatch(path.rpartition(".")[0]) is not None


def _lines(path: str, files: Files, seen: set[str]) -> tuple[list[str], bool]:
    """Those of a file and of the files in it; and whether something in it is not wanted, or cannot be reached."""
    found: list[str] = []
    mixed = False
    seen.add(path)
    text = re.sub(r"\\\n", " ", files.text(path))
    if "--hash=" in text:
        return [], False
    for line in text.splitlines()[: 4 * MAX_REQUIREMENTS]:
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        nested = re.fullmatch(r"(?:-r|--requirement)[ =]?\s*([\w./-]+)", line)
        if nested and (other := _beside(path, nested[1])) not in seen:
            inside, unwanted = _lines(other, files, seen)
            found, mixed = [*found, *inside], mixed or unwanted
        elif line and not nested:
            found.append(line)
            unwanted = not _is_for_tests(path) and not without_tools([line])
            mixed = mixed or unwanted or line.startswith(("-e", ".")) or "git+" in line
    return found[: 4 * MAX_REQUIREMENTS], mixed


def _beside(path: str, other: str) -> str:
    """The path of a file that another one names."""
    parts = path.split("/")[:-1]
    for part in other.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", ".."):
            parts.append(part)
    return "/".join(parts)


def _with_mixed_extras(needs: Needs, files: Files) -> Needs:
    """An extra of developers that brings tools along is spelled out, too."""
    offered = table(files.toml("pyproject.toml"), "project", "optional-dependencies")
    named = [name for name in needs.extras if name in _FOR_DEVELOPERS]
    mixed = [name for name in named if (all_of := words(offered.get(name))) != without_tools(all_of)]
    kept = tuple(name for name in needs.extras if name not in mixed)
    spelled = [text for name in mixed for text in without_tools(words(offered.get(name)))]
    more = _of_the_project(requirements(spelled), _name(files.toml("pyproject.toml")))
    return replace(needs, extras=kept) + more
