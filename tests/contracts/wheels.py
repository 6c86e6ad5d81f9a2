"""A package index of files: wheels of what this environment has installed, for set-ups that have no network."""

from __future__ import annotations

import zipfile
from importlib.metadata import distribution
from pathlib import Path

PACKAGES = ("pytest", "pluggy", "iniconfig", "packaging", "pygments", "pytest-timeout", "pytest-xdist", "execnet")


def make_index(directory: Path) -> dict[str, str]:
    """Returns the environment in which uv and pip install from it, and from nowhere else."""
    directory.mkdir()
    for name in PACKAGES:
        _pack(name, directory)
    for path in (directory, *directory.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    where = str(directory)
    return {"UV_OFFLINE": "1", "UV_FIND_LINKS": where, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": where}


def _pack(name: str, directory: Path) -> None:
    """https://packaging.python.org/en/latest/specifications/binary-distribution-format/"""
    found = distribution(name)
    kept = [file for file in found.files or () if ".." not in file.parts and file.suffix != ".pyc"]
    [record] = [str(file) for file in kept if file.name == "RECORD"]
    with zipfile.ZipFile(directory / f"{name.replace('-', '_')}-{found.version}-py3-none-any.whl", "w") as wheel:
        for file in kept:
            if str(file) != record:
                wheel.write(str(file.locate()), str(file))
        wheel.writestr(record, "".join(f"{file},,\n" for file in kept))
