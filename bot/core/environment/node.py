"""Plans for Node: the lock file decides who installs, the scripts of package.json say what the tests are.

Each way to install is a plan with the best way to test, and each way to test one with the best way to install.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from bot.core.environment.files import Files
from bot.core.environment.node_install import Install, installs
from bot.core.environment.node_programs import Role
from bot.core.environment.node_scripts import steps_of_line
from bot.core.environment.node_tests import Layout, Tests, expanded, tests
from bot.core.environment.node_workspaces import CONFIG, MANIFEST, top_package, workspaces
from bot.core.environment.plan import Expanded, Plans, Skipped
from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

ECOSYSTEM = "node"
WANTED = re.compile(
    rf"{MANIFEST}|{CONFIG}|\.yarnrc\.yml|pnpm-(workspace|lock)\.yaml|lerna\.json|\.nvmrc|\.node-version"
)
MAX_PLANS = 6


def plans(files: Files, tools: Tools, *, about: Sequence[str] = ()) -> Plans:
    """Of the package at the top of `files`, best first. `about`: paths that the issue names."""
    if "package.json" not in files:
        return Plans()
    if tools.versions and "npm" not in tools:
        return Plans(skipped=(_WITHOUT_NODE,))
    found = tests(Layout(files, top_package(files), workspaces(files), about))
    ways = installs(files, tools, _least(found))
    if not found:
        return Plans((Toolchain(ways[0].setup, None, f"package.json with {ways[0].manager}", ECOSYSTEM),))
    pairs = [(ways[0], found[0]), *((way, found[0]) for way in ways[1:2]), *((ways[0], way) for way in found[1:])]
    pairs += [(way, found[0]) for way in ways[2:]]
    skipped = dict.fromkeys(skip for way in found for skip in way.skipped)
    return Plans(tuple(_plan(*pair) for pair in pairs)[:MAX_PLANS], tuple(skipped))


_WITHOUT_NODE = Skipped(
    "package.json",
    "The sandbox has no Node. SANDBOX_TOOLCHAINS names directories that sandboxes get; on E2B a template has it.",
)


def _plan(way: Install, test: Tests) -> Toolchain:
    what = f"package.json with {way.manager}, {test.what}"
    why = f"{what}, {way.what}" if way.what else what
    return Toolchain(way.setup, test.line, why, ECOSYSTEM, test.checks, (*way.notes, *test.notes))


_TYPESCRIPT = re.compile(r"\bnode (?!.*(--import|--loader|--require|-r |-C ))(-\S+ )*[^ ]+\.[cm]?ts\b")
_TEST_GLOB = re.compile(r"\bnode (?!-)?.*--test .*['\"][^'\"]*\*")


def _least(found: Sequence[Tests]) -> int:
    """The oldest major of Node that can run them: newer ones read TypeScript, and expand stars of `--test`."""
    line = found[0].line[:5000] if found else ""
    return 22 if _TYPESCRIPT.search(line) or _TEST_GLOB.search(line) else 0


def expand(command: Sequence[str], files: Files, tools: Tools) -> Expanded | None:
    """`npm test`, `yarn run x`, `pnpm -r test`, ...: None when it starts no script of a package."""
    if "package.json" not in files or not command:
        return None
    found = steps_of_line(top_package(files), workspaces(files), shlex.join(command))
    if not any(step.script for step in found) or not {step.role for step in found} & {Role.TEST, Role.CHECK}:
        return None
    lines, checks = expanded(found, files)
    return Expanded((), lines, checks)
