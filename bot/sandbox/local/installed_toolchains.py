"""Toolchains that the operator installed for themselves, outside of /usr: rustup's, nvm's, Go's own, SDKMAN's, ...

A sandbox sees /usr, but most people do not have Rust, Go, Node or a JDK from there. What is shown is the directory of
one version of one tool, which its manager could download again for anybody: never the manager's own directory, and
never the home, where credentials lie (`~/.cargo/credentials.toml`). It is the version that the operator's own shell
runs; where that shell runs none, it is Go's usual place.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

_PROGRAMS = (
    "cargo", "go", "node", "java", "mvn", "gradle", "kotlinc", "scala", "ruby", "php", "composer", "elixir", "erl",
    "deno", "bun", "zig", "ghc", "stack", "dart", "crystal", "julia", "swift",
)  # fmt: skip
_VERSIONS = re.compile(
    r"\.rustup/toolchains/[^/]+"
    r"|\.nvm/versions/node/[^/]+"
    r"|\.local/share/fnm/node-versions/[^/]+/installation"
    r"|\.volta/tools/image/[^/]+/[^/]+"
    r"|\.sdkman/candidates/[^/]+/[^/]+"
    r"|\.(rbenv|nodenv|goenv|jenv)/versions/[^/]+"
    r"|(\.asdf|\.local/share/(asdf|mise|rtx))/installs/[^/]+/[^/]+"
    r"|\.ghcup/ghc/[^/]+"
    r"|sdk/go[0-9][^/]*"
)
"""Directories of one version, below the home, as the managers' own documentation names them."""
_GO = Path("/usr/local/go")  # where Go's instructions unpack it


def installed_toolchains(env: Mapping[str, str]) -> tuple[Path, ...]:
    """Directories with a bin/, of what an operator with this environment runs. Reads the disk, starts nothing."""
    home = Path(env.get("HOME", ""))
    if not home.is_absolute():
        return ()
    found = (_of(program, home, env.get("PATH", "")) for program in _PROGRAMS)
    usable = (path for path in (*found, _GO) if path is not None and (path / "bin").is_dir())
    return tuple(dict.fromkeys(usable))


def _of(program: str, home: Path, path: str) -> Path | None:
    """The version's directory that has the program, if a manager put it there."""
    where = shutil.which(program, path=":".join(part for part in path.split(":") if part.startswith("/")))
    if where is None:
        return None
    real = Path(where).resolve()
    if real.name == "rustup":
        return next(_rustups_default(home), None)
    below = str(real.relative_to(home.resolve())) if real.is_relative_to(home.resolve()) else ""
    version = _VERSIONS.match(below)
    return home.resolve() / version[0] if version and f"{version[0]}/bin/{real.name}" == below else None


def _rustups_default(home: Path) -> Iterator[Path]:
    """What its proxies run where nothing else is asked for."""
    try:
        settings = tomllib.loads((home / ".rustup" / "settings.toml").read_text())
    except (OSError, ValueError):
        return
    name = settings.get("default_toolchain")
    if isinstance(name, str) and re.fullmatch(r"[\w.-]+", name):
        yield home.resolve() / ".rustup" / "toolchains" / name
