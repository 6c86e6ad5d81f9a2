"""The packages of a Node repository: the one at the top, and the workspaces that it names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.environment.bounded_yaml import read_yaml
from bot.core.environment.files import Files, table, words
from bot.core.environment.node_scripts import Package
from bot.core.globs import parse_globs, verdict

MAX_PATTERNS = 60
MAX_PACKAGES = 300
# Where package.json may stand that is part of the product, not an example of it.
MANIFEST = (
    r"(?!(.*/)?(node_modules|__?fixtures?__?|fixtures?|templates?|__tests__|tests?)/)([\w@.-]+/){0,3}package\.json"
)


def top_package(files: Files) -> Package:
    return Package("", files.json("package.json"))


def workspaces(files: Files) -> list[Package]:
    """Those whose text is there, in the order of their directories."""
    globs = parse_globs("\n".join(_anchored(pattern) for pattern in patterns(files)[:MAX_PATTERNS]))
    if not globs:
        return []
    found = [path.removesuffix("/package.json") for path in sorted(files.texts) if path.endswith("/package.json")]
    chosen = [directory for directory in found if verdict(globs, f"{directory}/") is True][:MAX_PACKAGES]
    return [Package(directory, files.json(f"{directory}/package.json")) for directory in chosen]


def patterns(files: Files) -> list[str]:
    """As package.json, pnpm-workspace.yaml or lerna.json write them."""
    package = files.json("package.json")
    said = package.get("workspaces")
    named = words(said) or words(table(package, "workspaces").get("packages"))
    yaml = read_yaml(files.text("pnpm-workspace.yaml")) if "pnpm-workspace.yaml" in files else ""
    of_pnpm = words(yaml.get("packages")) if isinstance(yaml, Mapping) else []
    of_lerna = words(files.json("lerna.json").get("packages"))
    if "lerna.json" in files and not (named or of_pnpm or of_lerna):
        return ["packages/*"]
    return of_pnpm or named or of_lerna


def _anchored(pattern: str) -> str:
    """Relative to the top, as .gitignore writes it."""
    negated = pattern.startswith("!")
    path = pattern.lstrip("!").removeprefix("./").strip("/").replace("\n", "")
    return f"{'!' if negated else ''}/{path}"


def about_first(packages: Sequence[str], about: Sequence[str]) -> list[str]:
    """Directories, those that the issue's paths lie in first."""
    return sorted(packages, key=lambda directory: not any(path.startswith(f"{directory}/") for path in about))


def is_built(files: Files, package: Package) -> bool:
    """Is what others import under its name made by a build, and not in the repository?"""
    manifest, exports = package.manifest, package.manifest.get("exports")
    entry = exports["."] if isinstance(exports, Mapping) and "." in exports else exports
    targets = [manifest.get("main"), manifest.get("module"), *_exported(entry, 3)]
    paths = [path.removeprefix("./") for path in targets if isinstance(path, str) and not path.endswith(_NO_CODE)]
    start = f"{package.directory}/" if package.directory else ""
    return bool(paths) and not any(_is_there(files, f"{start}{path}") for path in paths)


_NO_CODE = (".json", ".d.ts", ".d.mts", ".d.cts")


def _is_there(files: Files, path: str) -> bool:
    return any(f"{path}{ending}" in files for ending in ("", ".js", ".cjs", ".mjs", ".json", "/index.js"))


def _exported(value: Any, depth: int) -> list[str]:
    if isinstance(value, str):
        return [] if "*" in value else [value]
    inner = value.values() if isinstance(value, Mapping) and depth else ()
    return [path for item in list(inner)[:20] for path in _exported(item, depth - 1)]


def needs_each_other(files: Files, packages: Sequence[Package]) -> bool:
    """Does one of them depend on another one whose build is not in the repository?"""
    built = {package.name for package in packages if is_built(files, package)}
    return any(
        name in built
        for package in packages
        for kind in ("dependencies", "devDependencies", "peerDependencies")
        for name in table(package.manifest, kind)
    )


CONFIG = r"(vitest|vite|jest)\.(config|workspace)\.[cm]?[jt]s(on)?"


def reads_sources(files: Files) -> bool:
    """Does the runner's configuration at the top lead imports of packages to their sources?"""
    texts = [files.text(path) for path in files.texts if re.fullmatch(CONFIG, path)] + [files.text("package.json")]
    return any(re.search(r"\balias\b|moduleNameMapper|onditions\b|tsconfig-?[pP]aths", text) for text in texts)


def runs_on_itself(files: Files, packages: Sequence[Package]) -> bool:
    """Is a test runner, or what one is built on, among the packages, and has it to be built?"""
    runners = {"vite", "vitest", "jest", "mocha", "ava", "tap", "esbuild"}
    return any(package.name in runners and is_built(files, package) for package in packages)
