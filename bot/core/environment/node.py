"""Plans for Node: the lock file decides who installs, the scripts of package.json say what the tests are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.core.environment.files import Files, table
from bot.core.environment.plan import Expanded, Plans
from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

ECOSYSTEM = "node"
WANTED = re.compile(r"package\.json|\.yarnrc\.yml|pnpm-workspace\.yaml|\.nvmrc|\.node-version")


def plans(files: Files, tools: Tools) -> Plans:
    """Of the package at the top of `files`, best first."""
    if "package.json" not in files:
        return Plans()
    package = files.json("package.json")
    tool, install = _node_tool(files)
    script = str(table(package, "scripts").get("test") or "")
    test: str | None = f"CI=true {tool} test"
    if not script or "no test specified" in script:
        test = None
    elif re.fullmatch(r"node --test( [\w./-]+)*", script):
        test = script  # run by itself, node can report single tests
    needs = table(package, "dependencies") or table(package, "devDependencies")
    return Plans((Toolchain((install,) if needs else (), test, f"package.json with {tool}", ECOSYSTEM),))


def expand(command: Sequence[str], files: Files, tools: Tools) -> Expanded | None:
    """`npm test`, `yarn run x`, `pnpm -r test`, ...: None when it starts no script of a package."""
    return None


def _node_tool(files: Files) -> tuple[str, str]:
    """The lock file decides who installs, and nothing may change it."""
    if "pnpm-lock.yaml" in files:
        return "pnpm", "pnpm install --frozen-lockfile"
    if "yarn.lock" in files:
        return "yarn", f"yarn install {'--immutable' if '.yarnrc.yml' in files else '--frozen-lockfile'}"
    locked = "package-lock.json" in files or "npm-shrinkwrap.json" in files
    return "npm", f"npm {'ci' if locked else 'install --no-package-lock'} --no-audit --no-fund"
