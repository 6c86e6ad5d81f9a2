"""What a plan needs of a sandbox, and what the sandbox has: programs that are missing, versions that are too old."""

from __future__ import annotations

import re

from bot.core.environment.files import Files, table
from bot.core.environment.plan import Skipped
from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

REMEDY = "SANDBOX_TOOLCHAINS names directories that sandboxes get; on E2B a template has what is needed"

_NAMES = {
    "go": "Go",
    "cargo": "Rust",
    "mvn": "Maven",
    "gradle": "Gradle",
    "java": "Java",
    "bundle": "Bundler",
    "ruby": "Ruby",
    "composer": "Composer",
    "dotnet": ".NET",
    "mix": "Elixir",
    "make": "make",
    "prove": "Perl",
    "cmake": "CMake",
    "meson": "Meson",
    "sbt": "sbt",
    "just": "just",
    "task": "Task",
    "autoreconf": "autoconf",
}
_ALSO = {"./mvnw": "java", "./gradlew": "java", "rspec": "ruby", "rake": "ruby", "perl": "prove", "./configure": "make"}


def missing(plan: Toolchain, files: Files, tools: Tools) -> Skipped | None:
    """The first program that the plan begins a command with and the sandbox lacks; None where tools are not known."""
    if not tools.versions:
        return None
    for line in (*plan.setup, plan.test or ""):
        for command in line.split(" && "):
            word = next((word for word in command.split() if not re.match(r"[A-Z_]+=", word)), "")
            needed = _ALSO.get(word, word)
            if needed in _NAMES and needed not in tools:
                return Skipped(plan.why, f"The sandbox has no {_NAMES[needed]}. {REMEDY}.")
    return None


def version_notes(ecosystem: str, files: Files, tools: Tools) -> tuple[str, ...]:
    """What the repository says that it needs at least, where the sandbox has less."""
    language, program, wanted = _wanted(ecosystem, files)
    have = tools.version(program) if program else ()
    if not wanted or not have or have >= tuple(int(part) for part in wanted.split(".")):
        return ()
    ours = ".".join(map(str, have))
    return (f"The repository wants {language} {wanted}, the sandbox has {ours}. {REMEDY}.",)


def _wanted(ecosystem: str, files: Files) -> tuple[str, str, str]:
    """Language, program, the least version; "" where nothing is said."""
    if ecosystem == "go":
        text = files.text("go.mod") or files.text("go.work")
        return "Go", "go", _number(re.search(r"^go\s+(\d+(?:\.\d+){0,2})", text[:20_000], re.MULTILINE))
    if ecosystem == "rust":
        manifest = files.toml("Cargo.toml")
        said = table(manifest, "package").get("rust-version") or table(manifest, "workspace", "package").get(
            "rust-version"
        )
        return "Rust", "cargo", _number(re.match(r"(\d+(?:\.\d+){0,2})", said)) if isinstance(said, str) else ""
    if ecosystem == "ruby":
        return "Ruby", "ruby", _number(re.match(r"(?:ruby-)?(\d+(?:\.\d+){0,2})", files.text(".ruby-version")[:50]))
    if ecosystem == "php":
        said = table(files.json("composer.json"), "require").get("php")
        return (
            "PHP",
            "php",
            _number(re.match(r"(?:>=|\^|~)?\s*(\d+(?:\.\d+){0,2})", said)) if isinstance(said, str) else "",
        )
    return "", "", ""


def _number(match: re.Match[str] | None) -> str:
    return match[1] if match and len(match[1]) < 20 else ""
