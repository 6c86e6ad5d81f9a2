"""What belongs to a checkout, and is not in the archive of a commit: submodules, and files that are kept in Git LFS.

Both are told from the repository's own files, which may be anything: what cannot be read is passed over, and everything
is bounded. Git LFS keeps a pointer of three lines in place of a file; submodules are commits of other repositories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.core.globs import Glob, parents, parse_globs, verdict
from bot.core.model import Sha

MAX_POINTER = 1_024  # bytes, by its specification
_MIN_POINTER = 100
MOST_SUBMODULES = 20
MOST_FILES = 2_000  # of one submodule: each is written down as something that no run has made
_MOST_RULES = 200  # lines of .gitattributes
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]{1,200}\n){0,10}oid sha256:[0-9a-f]{64}\n"
)
_SECTION = re.compile(r'\s*\[submodule\s+"((?:[^"\\\n]|\\.){1,500})"\]\s*$')
_SETTING = re.compile(r"\s*(path|url)\s*=\s*([^\n#;]{1,1000})$", re.IGNORECASE)
_LINES = 2_000
_SSH = re.compile(r"(?:ssh://)?git@([\w.-]+)[:/]([\w.-]+/[\w.-]+)")
_WEB = re.compile(r"https?://[^/@\s]+/[\w.-]+/(?!\.+$)[\w.-]+")


@dataclass(frozen=True, slots=True)
class Submodule:
    """`url`: as .gitmodules has it; "" when it has none."""

    path: str
    url: str
    commit: Sha


@dataclass(frozen=True, slots=True)
class Source:
    """Where a submodule may be had; "" for nowhere. `reason`: why it is not there, when it is not."""

    url: str
    reason: str


@dataclass(frozen=True, slots=True)
class Absent:
    """`left_out`: submodules, each with the reason. `pointers`: the paths of files that are kept in Git LFS."""

    left_out: tuple[tuple[Submodule, str], ...] = ()
    pointers: tuple[str, ...] = ()


def submodules(gitlinks: Mapping[str, Sha], gitmodules: str) -> tuple[Submodule, ...]:
    """Those that the commit has, the first of them by their paths."""
    urls = _urls(gitmodules)
    return tuple(Submodule(path, urls.get(path, ""), gitlinks[path]) for path in sorted(gitlinks)[:MOST_SUBMODULES])


def _urls(gitmodules: str) -> dict[str, str]:
    """path -> url. Of settings that are named twice the last counts, as in git."""
    sections: list[dict[str, str]] = []
    for line in gitmodules.split("\n")[:_LINES]:
        if line.lstrip().startswith("["):
            sections.append({})
        elif sections and (setting := _SETTING.match(line.rstrip())):
            sections[-1][setting[1].lower()] = setting[2].strip().strip('"')
    return {section["path"]: section.get("url", "") for section in sections if "path" in section}


def source(submodule: Submodule, remote: str) -> Source:
    """`remote`: the address of the repository that it is part of, a path for a clone on this disk.

    Only what everybody can read is put into a sandbox: whoever may write to one repository may not therefore see
    another one, and who opens an issue even less. So it is fetched without credentials, and from where the repository
    itself lies: the same server, the same owner. A clone has its submodules in itself, or has not.
    """
    if "://" not in remote:
        return Source(f"{remote}/{submodule.path}", "the clone does not have that commit of it.")
    if not submodule.url:
        return Source("", ".gitmodules does not say where it comes from.")
    url = _absolute(submodule.url, remote)
    if url is None or _owner(url) != _owner(remote):
        return Source("", "it does not come from the same owner.")
    return Source(f"{url.removesuffix('.git')}.git", "it cannot be fetched without an account.")


def _absolute(url: str, remote: str) -> str | None:
    """As git does: each `../` takes the last part from the address of the repository."""
    if url.startswith(("./", "../")):
        base, parts = remote.removesuffix("/"), url.split("/")
        while parts and parts[0] in (".", ".."):
            base = base if parts.pop(0) == "." else base.rpartition("/")[0]
        url = "/".join([base, *parts])
    elif ssh := _SSH.fullmatch(url):
        url = f"{remote.partition(':')[0]}://{ssh[1]}/{ssh[2]}"
    url = url.removesuffix("/")
    return url if _WEB.fullmatch(url) else None


def _owner(url: str) -> str:
    """Server and owner. Neither tells capitals from small letters."""
    return url.rpartition("://")[2].rpartition("@")[2].rpartition("/")[0].casefold()


def is_pointer(content: bytes) -> bool:
    return len(content) < MAX_POINTER and _POINTER.match(content) is not None


def kept_in_lfs(sizes: Mapping[str, int], attributes: Mapping[str, str]) -> tuple[str, ...]:
    """Paths of files that may be pointers: small, and of those that `.gitattributes` files give to the filter `lfs`.

    `attributes`: path of each `.gitattributes` to its text.
    """
    return given_to_lfs((path for path, size in sizes.items() if _MIN_POINTER < size < MAX_POINTER), attributes)


def given_to_lfs(paths: Iterable[str], attributes: Mapping[str, str]) -> tuple[str, ...]:
    rules = {path.removesuffix(".gitattributes"): _lfs_rules(text) for path, text in attributes.items()}
    if not any(rules.values()):
        return ()
    return tuple(sorted(path for path in paths if _is_given(path, rules)))


def attributes_above(path: str) -> tuple[str, ...]:
    """The `.gitattributes` files that have a say about a path."""
    return tuple(f"{directory}.gitattributes" for directory in (*parents(path), ""))


def _is_given(path: str, rules: Mapping[str, tuple[Glob, ...]]) -> bool:
    """The file nearest to the path says it, and in it the last line that fits."""
    for directory in (*parents(path), ""):
        said = verdict(rules.get(directory, ()), path[len(directory) :])
        if said is not None:
            return said
    return False


def _lfs_rules(text: str) -> tuple[Glob, ...]:
    """As globs: those given to it, and as negated those that are given to something else."""
    return parse_globs("\n".join(_globs(text.split("\n")[:_LINES])[:_MOST_RULES]))


def _globs(lines: Iterable[str]) -> list[str]:
    found = []
    for line in lines:
        pattern, *attributes = line.split() or [""]
        filters = [each for each in attributes if each.lstrip("-!").partition("=")[0] == "filter"]
        if filters and pattern[0] not in '!#["':
            found.append(pattern if filters[-1] == "filter=lfs" else f"!{pattern}")
    return found
