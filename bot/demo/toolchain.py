"""A directory with pytest for the sandboxes of the demo: what an operator would name in SANDBOX_TOOLCHAINS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from bot.ports import SandboxUnusable

_PACKAGES = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")

_PYTHON = """\
#!/bin/sh
bin=${0%/*}
here=${bin%/*}
for system in /usr/local/bin/python3 /usr/bin/python3; do
    if [ -x "$system" ]; then PYTHONPATH="$here/lib${PYTHONPATH:+:$PYTHONPATH}" exec "$system" "$@"; fi
done
echo "the system has no python3" >&2
exit 127
"""
_PYTEST = """\
#!/bin/sh
exec "$(dirname "$0")/python3" -m pytest "$@"
"""


def make_toolchain(into: Path) -> Path:
    """Copies of the packages that this environment has, readable by everyone; `python3` and `pytest` find them.

    Sandboxes run the system's python3 under another user, who could not look into this environment.
    SandboxUnusable where this environment lacks them.
    """
    library = into / "lib"
    for name in _PACKAGES:
        for file in _installed(name).files or ():
            if ".." in file.parts or file.suffix == ".pyc":
                continue
            target = library / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), target)
    programs = into / "bin"
    programs.mkdir()
    (programs / "python3").write_text(_PYTHON)
    (programs / "pytest").write_text(_PYTEST)
    for program in programs.iterdir():
        program.chmod(0o755)
    _compile(programs / "pytest")
    for path in (into, *into.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent == programs else 0o644)
    return into


def _compile(pytest: Path) -> None:
    """What it loads, once: sandboxes cannot write here, and each start in one took four times as long.

    Its version alone loads no plugins; a run of no tests that is reported loads what every run does.
    """
    run = [str(pytest), "-q", "-p", "no:cacheprovider", f"--junitxml={os.devnull}"]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    subprocess.run(run, cwd=pytest.parent, env=environment, capture_output=True, check=False)


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        lock = Path(__file__).with_name("requirements.lock")
        raise SandboxUnusable(
            f"{name}, which the demo's sandboxes run, is not installed here",
            remedy=f"Install it: {sys.executable} -m pip install --no-deps --require-hashes -r '{lock}'",
        ) from error
