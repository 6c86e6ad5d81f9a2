"""Which version of Node a repository wants, read from its files."""

from __future__ import annotations

import re

from bot.core.environment.files import Files, table
from bot.core.environment.tools import Tools

_MAJORS = (18, 20, 22, 24)  # with long-term support, oldest first: newer ones are asked for by their number
_PNPM_NEEDS = {11: 22, 10: 18, 9: 18}
_BOUND = re.compile(r"(\^|~|>=|>|=|<=|<)?\s*v?(\d{1,3})(?:\.(\d{1,3}|[xX*]))?(?:\.(\d{1,3}|[xX*]))?")


def satisfies(version: tuple[int, ...], wanted: str) -> bool:
    """Of a range such as `^20.19.0 || >=22.12.0`; what cannot be read is satisfied."""
    alternatives = wanted[:500].split("||")
    return not wanted.strip() or any(_within(version, alternative) for alternative in alternatives)


def _within(version: tuple[int, ...], alternative: str) -> bool:
    have = (*version, 0, 0, 0)[:3]
    if " - " in alternative:
        low, _, high = alternative.partition(" - ")
        alternative = f">={low.strip()} <={high.strip()}"
    return all(_meets(have, bound) for bound in _BOUND.finditer(alternative))


def _meets(have: tuple[int, ...], bound: re.Match[str]) -> bool:
    sign, given = bound[1] or "", [part for part in bound.groups()[1:] if part and part.isdigit()]
    low = tuple(int(part) for part in given)
    padded = (*low, 0, 0)[:3]
    match sign:
        case ">=":
            return have >= padded
        case ">":
            return have[: len(low)] > low
        case "<":
            return have < padded
        case "<=":
            return have[: len(low)] <= low
        case "^":
            return have >= padded and have[0] == low[0]
        case "~":
            return have >= padded and have[: min(2, len(low))] == low[:2]
        case _:
            return have[: len(low)] == low


def wanted_version(files: Files) -> str:
    """What .nvmrc, .node-version or Volta names, as a plain number; "" where they say nothing that is one."""
    for path in (".nvmrc", ".node-version"):
        if match := re.fullmatch(r"\s*v?(\d{1,3}(\.\d{1,3}){0,2})\s*", files.text(path)[:100]):
            return match[1]
    volta = table(files.json("package.json"), "volta").get("node")
    match = re.fullmatch(r"(\d{1,3})(\.\d{1,3}){0,2}", volta) if isinstance(volta, str) else None
    return match[0] if match else ""


def major_to_bring(files: Files, tools: Tools, least: int = 0) -> int | None:
    """The major of Node that has to be installed: the sandbox's is not enough for `engines`, pnpm, or `least`."""
    have = tools.version("node")
    if not have:
        return None
    engines = table(files.json("package.json"), "engines").get("node")
    wanted = engines if isinstance(engines, str) else ""
    needed = max(least, _PNPM_NEEDS.get(_pnpm_major(files), 0))
    if satisfies(have, wanted) and have[0] >= needed:
        return None
    named = re.match(r"\d{1,9}", wanted_version(files))
    majors = [*([int(named[0])] if named else []), *_MAJORS, *range(25, 40)]
    fitting = (major for major in majors if major >= needed and satisfies((major, 999, 999), wanted))
    return next(fitting, None)


def newer_major(files: Files, tools: Tools) -> int | None:
    """The major that the repository's developers use, where it is newer than the sandbox's."""
    have, named = tools.version("node"), re.match(r"\d+", wanted_version(files))
    return int(named[0]) if named and have and int(named[0]) > have[0] else None


def _pnpm_major(files: Files) -> int:
    match = re.match(r"pnpm@(\d{1,3})", str(files.json("package.json").get("packageManager") or ""))
    return int(match[1]) if match else 0
