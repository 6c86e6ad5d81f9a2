"""What we depend on: its bill of materials, known holes, and licences. The tools live in an environment of their own.

    python -m tests.dependencies check     known holes and licences of requirements.lock, where the network allows it
    python -m tests.dependencies sbom      sbom.json, in CycloneDX's format

Nothing of `check` fails for want of a network: it says what could not be asked.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import msgspec
from uv import find_uv_bin

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
TOOLS = ROOT / ".venv" / "audit"
WITHIN = 90  # seconds for each tool

FREE = {  # as packages write them
    "Apache Software License",
    "Apache Software License; MIT License",
    "Apache-2.0",
    "Apache-2.0 AND BSD-2-Clause",
    "Apache-2.0 AND MIT",
    "Apache-2.0 OR BSD-2-Clause",
    "Apache-2.0 OR BSD-3-Clause",
    "BSD License",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT AND PSF-2.0",
    "MIT License",
    "MIT OR Apache-2.0",
    "MIT-0",
    "PSF-2.0",
    "Python Software Foundation License",
    "zlib/libpng License",
}
ONE_BY_ONE = {
    "certifi": "Mozilla Public License 2.0 (MPL 2.0)",  # a list of certificates, not changed
    "psycopg": "LGPL-3.0-only",  # a library, not changed
    "psycopg-binary": "LGPL-3.0-only",
    "protobuf-py-ext": "UNKNOWN",  # its metadata say nothing
}


class Hole(msgspec.Struct):
    id: str


class Audited(msgspec.Struct):
    name: str
    vulns: list[Hole] = []
    skip_reason: str = ""


class Audit(msgspec.Struct):
    dependencies: list[Audited]


def names(lock: str) -> list[str]:
    return re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)


def holes(said: str) -> tuple[list[str], int]:
    """Of pip-audit's JSON: what is known to be open, and how many could not be asked about. Empty: nobody answered."""
    try:
        found = msgspec.json.decode(said, type=Audit).dependencies
    except msgspec.DecodeError:
        found = []
    known = [f"{each.name}: {hole.id}" for each in found for hole in each.vulns]
    return known, sum(bool(each.skip_reason) for each in found) if found else len(names(LOCK.read_text()))


def is_allowed(package: str, licence: str) -> bool:
    return licence in FREE or ONE_BY_ONE.get(package) == licence


def tool(name: str, arguments: Sequence[str], env: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """What it says; None where it is not to be had, or does not end in time."""
    if not (TOOLS / "bin" / name).exists() and not _install():
        return None
    try:
        command = [str(TOOLS / "bin" / name), *arguments]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, timeout=WITHIN)
        return done.stdout.decode()
    except subprocess.TimeoutExpired:
        return None


def _install() -> bool:
    uv, lock = find_uv_bin(), str(ROOT / "tests" / "audit.lock")
    for arguments in (
        ["venv", "-q", str(TOOLS)],
        ["pip", "install", "-q", "--require-hashes", "--python", str(TOOLS / "bin/python"), "-r", lock],
    ):
        try:
            done = subprocess.run([uv, *arguments], capture_output=True, text=True, timeout=2 * WITHIN, check=False)
        except subprocess.TimeoutExpired:
            return False
        if done.returncode != 0:
            return False
    return True


def check() -> Iterator[str]:
    """What is wrong."""
    said = tool("pip-audit", ["-r", str(LOCK), "--no-deps", "--disable-pip", "--timeout", "5", "-f", "json"])
    known, unasked = holes(said or "")
    packages = names(LOCK.read_text())
    print(f"known holes: {len(known)}; nobody could be asked about {unasked} of {len(packages)} packages")
    yield from (f"{each} is a known hole; raise the version and `make lock`" for each in known)
    # Not `--python`: what it asks that one for is cut at blanks, which the path of a clone may have.
    ours = {"PYTHONPATH": sysconfig.get_path("purelib")}
    said = tool("pip-licenses", ["--from=mixed", "--format=json", "--packages", *packages], ours)
    if not said:
        print("licences: not looked at, for want of a network")
        return
    found = {each["Name"]: each["License"] for each in json.loads(said)}
    print(f"licences: {len(found)} looked at")
    if not found:
        yield "licences: the tool for it found none of our packages"
    for package, licence in found.items():
        if not is_allowed(package.lower(), licence):
            yield f"{package} is under {licence}: say in tests/dependencies.py why that will do, or do without it"


def sbom() -> Iterator[str]:
    out = ROOT / "sbom.json"
    out.unlink(missing_ok=True)
    about = ["--pyproject", "pyproject.toml", "--of", "JSON", "--output-reproducible", "-o", str(out)]
    tool("cyclonedx-py", ["requirements", str(LOCK), *about])
    if out.exists():
        print(f"{out.name}: {len(json.loads(out.read_text())['components'])} components")
    else:
        yield "no bill of materials: the tool for it (tests/audit.lock) could not be installed"


if __name__ == "__main__":
    wrong = list({"check": check, "sbom": sbom}[sys.argv[1]]())
    sys.exit("\n".join(wrong) or 0)
