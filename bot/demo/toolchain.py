"""A directory with pytest for the sandboxes of the demo: what an operator would name in SANDBOX_TOOLCHAINS."""

from __future__ import annotations

import shutil
from importlib.metadata import distribution
from pathlib import Path

_PACKAGES = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")

_LAUNCHER = """\
#!/bin/sh
here=$(dirname "$(dirname "$0")")
PYTHONPATH="$here/lib${PYTHONPATH:+:$PYTHONPATH}" exec python3 -m pytest "$@"
"""


def make_toolchain(into: Path) -> Path:
    """Copies of the packages that this environment has, readable by everyone, and a `pytest` that finds them.

    Sandboxes run the system's python3 under another user, who could not look into this environment.
    """
    library = into / "lib"
    for name in _PACKAGES:
        for file in distribution(name).files or ():
            if ".." in file.parts or file.suffix == ".pyc":
                continue
            target = library / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), target)
    launcher = into / "bin" / "pytest"
    launcher.parent.mkdir()
    launcher.write_text(_LAUNCHER)
    for path in (into, *into.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path == launcher else 0o644)
    return into
