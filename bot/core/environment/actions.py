"""What well-known actions do: the versions that they set up, and the few that stand for a command."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.core.environment.files import Files
from bot.core.environment.tools import Tools

# The name of an action without its owner -> language, input, program.
_VERSIONS = {
    "setup-python": ("Python", "python-version", "python3"),
    "setup-node": ("Node", "node-version", "node"),
    "setup-go": ("Go", "go-version", "go"),
    "setup-java": ("Java", "java-version", "java"),
    "setup-ruby": ("Ruby", "ruby-version", "ruby"),
    "setup-uv": ("Python", "python-version", "python3"),
    "setup-php": ("PHP", "php-version", "php"),
    "setup-dotnet": (".NET", "dotnet-version", "dotnet"),
    "setup-deno": ("Deno", "deno-version", "deno"),
    "setup-bun": ("Bun", "bun-version", "bun"),
}
PROGRAMS = {language: program for language, _, program in _VERSIONS.values()}
_NUMBER = re.compile(r"\d+(\.\d+)*")


def wanted_versions(uses: str, given: Mapping[str, str], files: Files, tools: Tools) -> dict[str, str]:
    """{"Python": "3.13"}; of several, the one that the sandbox has, else the last; "" where it is not known."""
    language, name, program = _VERSIONS.get(_action(uses), ("", "", ""))
    if not language:
        return {}
    text = given.get(name, "") or _from_file(given.get(f"{name}-file", ""), files)
    versions = [match.group() for word in re.split(r"[\s,]+", text) if (match := _NUMBER.match(word.strip("v^~>=")))]
    fitting = [version for version in versions if fits(language, version, tools.version(program))]
    chosen = fitting[:1] or versions[-1:]
    return {language: chosen[0] if chosen else ""}


def _action(uses: str) -> str:
    return uses.partition("@")[0].rpartition("/")[2]


def _from_file(path: str, files: Files) -> str:
    """pyproject.toml and package.json name ranges, which their own tools read."""
    text = files.text(path.removeprefix("./"))[:2000]
    if path.endswith("go.mod"):
        found = re.search(r"^go (\d+\.\d+)", text, re.MULTILINE)
        return found[1] if found else ""
    return "" if path.endswith((".toml", ".json")) else text.partition("\n")[0]


def fits(language: str, version: str, ours: tuple[int, ...]) -> bool:
    """The same minor version of Python, the same major version of Node, at least that of the others."""
    wanted = tuple(int(part) for part in version.split(".")[:3] if len(part) < 6)
    if not ours or not wanted:
        return False
    if language == "Python":
        return wanted[:2] == ours[: len(wanted[:2])]
    return wanted[0] == ours[0] if language == "Node" else wanted[:2] <= ours[:2]


def takes_from_others(uses: str) -> bool:
    """Does it bring what another job has built?"""
    return _action(uses) in ("download-artifact", "action-download-artifact")


def action_lines(uses: str, given: Mapping[str, str], tools: Tools) -> list[str]:
    """The commands that an action stands for."""
    action = _action(uses)
    match action:
        case "npm-install":
            return ["npm ci"]
        case "setup-ruby" if given.get("bundler-cache") == "true":
            return ["bundle install"]
        case "install-poetry" | "setup-poetry":
            return ["pipx install poetry"]
        case "setup-pdm":
            return ["pipx install pdm"]
        case "setup-uv" if "uv" not in tools:
            return ["pipx install uv"]
        case "cargo" if re.fullmatch(r"[\w-]+", given.get("command", "")):
            return [f"cargo {given['command']} {_plain(given.get('args', ''))}".strip()]
        case "composer-install":
            return ["composer install"]
        case "pytest-action" | "run-pytest":
            return ["pytest"]
        case "gradle-build-action" | "setup-gradle" if given.get("arguments"):
            return [f"./gradlew {_plain(given['arguments'])}"]
        case _:
            return []


def _plain(arguments: str) -> str:
    return arguments if re.fullmatch(r"[\w =.,/:-]*", arguments) else ""
