"""Who installs the packages of a Node repository, and how: the manifest and the lock file say so.

What the sandbox lacks comes from the registry of npm itself, into ~/.local, whose bin/ is on PATH: other package
managers, and newer versions of Node.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from bot.core.environment.files import Files, table
from bot.core.environment.node_versions import major_to_bring, newer_major
from bot.core.environment.tools import Tools

BRING = "npm install --global --prefix ~/.local --no-audit --no-fund"
_NPM = "--no-audit --no-fund"


@dataclass(frozen=True, slots=True)
class Install:
    """One way to install. `manager`: what runs scripts. `what` is for people.

    `brought`: the part of the set-up that brings programs. `environment`: assignments that stand before the others.
    """

    manager: str
    setup: tuple[str, ...]
    what: str = ""
    notes: tuple[str, ...] = ()
    brought: tuple[str, ...] = ()
    environment: str = ""


def installs(files: Files, tools: Tools, least: int = 0) -> list[Install]:
    """Best first. `least`: the oldest major of Node that the tests run with.

    The lock file is never changed; scripts of packages may fail where they download from elsewhere.
    """
    manager = manager_of(files)
    major = major_to_bring(files, tools, least)
    node = () if major is None else (_node(major),)
    notes = () if major is None else (_says_node(tools, major),)
    if not needs_packages(files):
        return [Install(manager, node, notes=notes, brought=node)]
    brought = (*node, *_brought(files, tools, manager))
    skips = _skipped(files)
    ways = [
        Install(manager, (*brought, f"{skips}{line}"), what, notes, brought, skips)
        for line, what in _lines(files, manager)
    ]
    newer = newer_major(files, tools)
    if newer is not None and major is None:
        ways.insert(1, _with_node(ways[0], newer))
    return ways


def needs_packages(files: Files) -> bool:
    package = files.json("package.json")
    names = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    return any(table(package, name) for name in names) or bool(package.get("workspaces")) or _is_workspace(files)


def _is_workspace(files: Files) -> bool:
    return "pnpm-workspace.yaml" in files


def manager_of(files: Files) -> str:
    """`packageManager` says it, else the lock file."""
    said = re.match(r"(npm|pnpm|yarn|bun)@", str(files.json("package.json").get("packageManager") or ""))
    if said:
        return said[1]
    locks = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun"}
    locks |= {"package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "pnpm-workspace.yaml": "pnpm"}
    return next((manager for lock, manager in locks.items() if lock in files), "npm")


# --------------------------------------------------------------------------------------------------- what is brought


def _brought(files: Files, tools: Tools, manager: str) -> tuple[str, ...]:
    """The package manager, where the sandbox has none, or another version than the repository names."""
    if manager == "npm" or (manager == "yarn" and _own_yarn(files)):
        return ()
    version = _version(files, manager)
    if manager in tools and (not version or tools.version(manager)[:1] == (int(version.partition(".")[0]),)):
        return ()
    return (f"{BRING} {_package(files, manager)}",)


def _node(major: int) -> str:
    return f"{BRING} node@{major}"


def _says_node(tools: Tools, major: int) -> str:
    have = ".".join(map(str, tools.version("node")))
    return (
        f"The repository wants Node {major}, the sandbox has {have}: it is installed from the registry of npm."
        " A sandbox that has it (SANDBOX_TOOLCHAINS, or an E2B template) saves the time."
    )


def _with_node(way: Install, major: int) -> Install:
    note = f"The repository's developers use Node {major}: it is installed from the registry of npm."
    brought = (_node(major), *way.brought)
    setup = (_node(major), *way.setup)
    return Install(way.manager, setup, f"Node {major}", (*way.notes, note), brought, way.environment)


def _version(files: Files, manager: str) -> str:
    """What `packageManager` names, without its hash."""
    said = str(files.json("package.json").get("packageManager") or "")
    match = re.match(rf"{manager}@(\d+(\.\d+)*(-[\w.]+)?)", said[:100])
    return match[1] if match else ""


def _package(files: Files, manager: str) -> str:
    version = _version(files, manager)
    if manager == "yarn":  # of the modern one not all versions are published there
        modern = ".yarnrc.yml" in files or (version and not version.startswith("1."))
        return f"@yarnpkg/cli-dist@{'.'.join(version.split('.')[:2]) or 4}" if modern else f"yarn@{version or 1}"
    if manager == "pnpm" and not version:
        return f"pnpm@{_pnpm_of_lock(files)}"
    return f"{manager}@{version}" if version else manager


def _pnpm_of_lock(files: Files) -> int:
    """Which pnpm reads this lock file and changes nothing in it."""
    match = re.search(r"""^lockfileVersion:\s*['"]?(\d+)""", files.text("pnpm-lock.yaml")[:2000], re.MULTILINE)
    return {5: 7, 6: 8}.get(int(match[1]), 9) if match else 9


def _own_yarn(files: Files) -> str:
    """A release of yarn that is part of the repository."""
    return min((path for path in files.paths if re.fullmatch(r"\.yarn/releases/[\w.-]+\.c?js", path)), default="")


# ---------------------------------------------------------------------------------------------------- what is installed

# Packages that download a program from elsewhere when they are installed, and how each is told not to.
_DOWNLOADS = {
    "puppeteer": "PUPPETEER_SKIP_DOWNLOAD=1",
    "playwright": "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1",
    "playwright-chromium": "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1",
    "cypress": "CYPRESS_INSTALL_BINARY=0",
    "electron": "ELECTRON_SKIP_BINARY_DOWNLOAD=1",
    "chromedriver": "CHROMEDRIVER_SKIP_DOWNLOAD=true",
    "geckodriver": "GECKODRIVER_SKIP_DOWNLOAD=1",
    "@sentry/cli": "SENTRYCLI_SKIP_DOWNLOAD=1",
}


def _lines(files: Files, manager: str) -> list[tuple[str, str]]:
    """The commands, each with what is different about it."""
    without = "without scripts of packages"
    match manager:
        case "pnpm":
            frozen = f"pnpm install --frozen-lockfile{_trusted(files)}" if "pnpm-lock.yaml" in files else _UNLOCKED
            found = [
                (frozen, ""),
                (f"{frozen} --ignore-scripts", without),
                (f"{_UNLOCKED} --ignore-scripts", "without lock file"),
            ]
        case "yarn":
            found = _yarn_lines(files)
        case "bun":
            found = [("bun install --frozen-lockfile", ""), ("bun install --no-save --ignore-scripts", without)]
        case _:
            locked = "package-lock.json" in files or "npm-shrinkwrap.json" in files
            first = f"npm ci {_NPM}" if locked else f"npm install --no-package-lock {_NPM}"
            loose = f"npm install --no-package-lock --legacy-peer-deps --ignore-scripts {_NPM}"
            found = [(first, ""), (f"{first} --ignore-scripts", without), (loose, "without lock file and peers")]
    return found


_UNLOCKED = "pnpm install --no-lockfile"


def _trusted(files: Files) -> str:
    """Newer versions ask the registry for the age of every package of the lock file, for other systems as well."""
    newer = int((_version(files, "pnpm") or "0").partition(".")[0]) >= 11
    return " --config.trust-lockfile=true" if newer else ""


def _yarn_lines(files: Files) -> list[tuple[str, str]]:
    """Modern yarn is told to make node_modules, where everything else looks for programs."""
    version = _version(files, "yarn")
    if ".yarnrc.yml" in files or (version and not version.startswith("1.")):
        own = _own_yarn(files)
        # It packs archives in TMPDIR before it keeps them: all of them together are more than /tmp may hold.
        yarn = f"TMPDIR=~ YARN_NODE_LINKER=node-modules {f'node {shlex.quote(own)}' if own else 'yarn'} install"
        if "yarn.lock" not in files:
            return [(f"{yarn} --no-immutable", "")]
        mended = f"YARN_ENABLE_SCRIPTS=false {yarn} --no-immutable && git checkout -q -- yarn.lock"
        return [
            (f"{yarn} --immutable", ""),
            (f"YARN_ENABLE_SCRIPTS=false {yarn} --immutable", "without scripts of packages"),
            (mended, "with another lock file"),
        ]
    lock = "frozen-lockfile" if "yarn.lock" in files else "no-lockfile"
    frozen = f"yarn install --{lock} --non-interactive --ignore-engines"
    return [
        (frozen, ""),
        (f"{frozen} --ignore-scripts", "without scripts of packages"),
        ("yarn install --no-lockfile --non-interactive --ignore-scripts --ignore-engines", "without lock file"),
    ]


def _skipped(files: Files) -> str:
    package = files.json("package.json")
    names = {name for kind in ("dependencies", "devDependencies") for name in table(package, kind)}
    said = dict.fromkeys(setting for name, setting in _DOWNLOADS.items() if name in names)
    return "".join(f"{setting} " for setting in said)
