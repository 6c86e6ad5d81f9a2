"""`make bench`: what a solve, a step and a delivery cost, measured in one run. No figure here passes or fails anything.

make bench                      all of it; about four minutes on two cores
make bench ARGS="--solves 20"   with fewer solves at once
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.benchmarks import deliveries, many_solves

MB = 1024**2


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _milliseconds(values: Sequence[float]) -> str:
    if not values:
        return "none seen"
    return f"{statistics.median(values) * 1000:.1f} ms, 99 of 100 within {_percentile(values, 0.99) * 1000:.1f} ms"


def _solves(result: many_solves.Result) -> Table:
    table = Table(
        title=f"{result.solves} solves of {many_solves.RUNS} runs each, at once in one process", show_header=False
    )
    end, batch, runs = result.batch.end, result.batch, result.solves * many_solves.RUNS
    walls = "bubblewrap" if result.isolated else "plain processes: no namespaces here"
    table.add_row("ended", f"{result.solves - end['unfinished']} of {result.solves}, {end['pulls']} pull requests")
    table.add_row("asked wrongly", str(len(end["errors"])))
    table.add_row("time", f"{end['seconds']:.1f} s ({walls})")
    grown = result.crowded.resident - result.idle.resident
    table.add_row(
        "memory per run",
        f"{grown / max(1, result.gathered) / 1024:.0f} kB ({result.gathered} of {runs} alive together)",
    )
    table.add_row(
        "memory of the process",
        f"{result.idle.resident / MB:.0f} MB idle, {result.crowded.resident / MB:.0f} MB crowded",
    )
    table.add_row(
        "CPU per agent step",
        f"{result.step.own * 1000:.1f} ms of the bot, {result.step.children * 1000:.1f} ms of its sandbox",
    )
    table.add_row(
        "CPU per solve, all of it",
        f"{batch.cpu.total / result.solves:.2f} s ({batch.cpu.own / result.solves:.2f} s of the bot)",
    )
    table.add_row("engine's steps", f"{batch.engine_steps / end['seconds']:.0f} a second")
    table.add_row("webhook answered, idle", _milliseconds(result.acknowledged_idle.durable))
    table.add_row("webhook answered, meanwhile", _milliseconds(result.acknowledged.durable))
    table.add_row("event loop late, meanwhile", _milliseconds(batch.late))
    return table


def _deliveries(compared: Sequence[deliveries.Compared]) -> Table:
    table = Table(
        "deliveries for us", "a second", "CPU each", "rate beside Starlette, uvicorn", "CPU beside Starlette, uvicorn",
        title="signed deliveries, on the disk before the answer, beside servers that do nothing with them",
    )  # fmt: skip
    for one in compared:
        table.add_row(
            f"{one.relevant:.0%}",
            f"{one.ours.per_second:,.0f}",
            f"{one.ours.cpu * 1e6:.0f} µs",
            f"{one.rates['starlette']:.2f} ×, {one.rates['uvicorn']:.2f} ×",
            f"{one.cpus['starlette']:.2f} ×, {one.cpus['uvicorn']:.2f} ×",
        )
    return table


async def main(solves: int) -> None:
    console = Console(width=130)
    console.print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it. Ratios hold on a busy machine, times do not."
    )
    console.print(_deliveries([await deliveries.compare(share) for share in (1.0, 0.1)]))
    console.print(_solves(await many_solves.measure(solves)))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--solves", type=int, default=100)
    asyncio.run(main(arguments.parse_args().solves))
