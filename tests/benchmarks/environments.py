"""Do real repositories come up by themselves? Each clone or bare repository below a folder, without configuration.

`solvebot environment` is run on each, one after the other, in a directory of data of its own: nothing is known before.
Needs package registries, so it is no part of the tests; environments.tsv beside this file is what it wrote last.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

TABLE = Path(__file__).with_name("environments.tsv")


@dataclass(frozen=True)
class Row:
    repository: str
    commit: str
    proof: str
    passing: int
    failing: int
    seconds: float  # from the first plan to the proof
    plans: int  # that were tried
    why: str


def repositories(folder: Path) -> list[Path]:
    """Clones and bare repositories, at most two levels down."""
    places = [folder, *sorted(folder.glob("*")), *sorted(folder.glob("*/*"))]
    return [place for place in places if (place / ".git").exists() or (place / "objects").is_dir()]


async def measured(place: Path) -> Row:
    """Of a clone of it: the command reads a work tree's branch."""
    with tempfile.TemporaryDirectory(prefix="solvebot-environments-") as scratch:
        name = place.parent.name if place.name in ("repo", "repo.git") else place.name
        clone = Path(scratch) / name
        await asyncio.to_thread(_clone, place, clone)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.cli", "environment", str(clone), "--json"),
            env={**os.environ, "DATA_DIR": f"{scratch}/data"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
    try:
        seen = json.loads(out)
    except ValueError:
        last = err.decode(errors="replace").strip().rpartition("\n")[2]
        return Row(name, "", "broke", 0, 0, 0.0, 0, last[:200])
    return Row(
        name.replace("+", "/"),
        seen["commit"][:12],
        seen["proof"],
        seen["passing"],
        seen["failing"],
        seen["seconds"],
        len(seen["tried"]),
        seen["why"],
    )


def _clone(source: Path, target: Path) -> None:
    subprocess.run(["git", "clone", "-q", str(source), str(target)], check=True)
    subprocess.run(["git", "-C", str(target), "checkout", "-q", "-B", "main"], check=True)


def write(rows: Sequence[Row], table: Path = TABLE) -> None:
    """With the day in the first line."""
    table.write_text("\n".join(_lines(rows)) + "\n")


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    yield f'# {datetime.now(UTC):%Y-%m-%d}: made by `make bench ARGS="--only environments --repositories FOLDER"`'
    names = [field.name for field in fields(Row)]
    yield "\t".join(names)
    for row in rows:
        yield "\t".join(str(getattr(row, name)).replace("\t", " ") for name in names)
