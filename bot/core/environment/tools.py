"""What a sandbox brings along: asked once, before plans are made, because plans depend on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_ASKED = {
    "python3": "python3 --version",
    **{f"python3.{minor}": f"python3.{minor} --version" for minor in range(8, 16)},
    "uv": "uv --version",
    "node": "node --version",
    "pnpm": "pnpm --version",
    "yarn": "yarn --version",
    "bun": "bun --version",
    "deno": "deno --version",
    "go": "go version",
    "cargo": "cargo --version",
    "java": "java -version",
    "ruby": "ruby --version",
    "php": "php --version",
    "dotnet": "dotnet --version",
    # Whether these are there is all that matters, and asking them for more takes seconds.
    **dict.fromkeys(("npm", "mvn", "gradle", "bundle", "composer", "make", "just", "prove", "cmake", "ctest"), ":"),
}
# All at once, in an empty directory: corepack and the like would read the manifest, and fetch what it names.
PROBE = "cd /tmp\n{}\nwait".format(
    "\n".join(
        f"command -v {name} >/dev/null && echo {name} $(timeout 10 {command} 2>&1 </dev/null | head -n 2) &"
        for name, command in _ASKED.items()
    )
)
_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9})+")


@dataclass(frozen=True, slots=True)
class Tools:
    """`versions`: program -> version, such as "3.11.2"; "" where it did not say."""

    versions: Mapping[str, str]

    def __contains__(self, program: str) -> bool:
        return program in self.versions

    def version(self, program: str) -> tuple[int, ...]:
        """(3, 11, 2); empty where it is not there or did not say."""
        return tuple(int(part) for part in self.versions.get(program, "").split(".") if part)


def read_tools(output: str) -> Tools:
    """What `PROBE` printed. Lines that are none of ours are passed over."""
    found = {}
    for line in output.splitlines():
        name, _, said = line.partition(" ")
        if name in _ASKED:
            match = _VERSION.search(said[:200])
            found[name] = match.group()[:40] if match else ""
    return Tools(found)
