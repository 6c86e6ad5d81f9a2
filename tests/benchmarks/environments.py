"""Do real repositories come up by themselves? Each clone or bare repository below a folder, without configuration.

`solvebot environment` is run on each, one after the other, in a directory of data of its own: nothing is known before.
Needs package registries, so it is no part of the tests; environments.tsv beside this file is what it wrote last of each
repository, with the day.
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
    day: str = ""


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
        f"{datetime.now(UTC):%Y-%m-%d}",
    )


def _clone(source: Path, target: Path) -> None:
    subprocess.run(["git", "clone", "-q", str(source), str(target)], check=True)
    subprocess.run(["git", "-C", str(target), "checkout", "-q", "-B", "main"], check=True)


def write(rows: Sequence[Row], table: Path = TABLE) -> None:
    """These, in the place of what is there of the same repositories."""
    lines = dict(_lines(rows))
    before = table.read_text().splitlines()[1:] if table.exists() else []
    kept = {line.partition("\t")[0]: line for line in before}
    header = "\t".join(field.name for field in fields(Row))
    table.write_text("\n".join([header, *(line for _, line in sorted({**kept, **lines}.items()))]) + "\n")


def _lines(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for row in rows:
        yield row.repository, "\t".join(str(getattr(row, field.name)).replace("\t", " ") for field in fields(Row))
