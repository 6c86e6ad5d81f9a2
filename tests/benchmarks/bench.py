"""`make bench`: what the bot costs and how long others have to wait for it, measured here and now.

Numbers of one run can be compared with each other. Those of two runs cannot, because a machine is never twice the
same, so what something costs is shown beside something that everybody knows. Nothing here passes or fails by a time.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median

import click
from rich.console import Console
from rich.table import Table

from bot.core.model import Outcome
from tests.benchmarks import (
    choosing,
    deliveries,
    environments,
    executable,
    fault_recovery,
    followers,
    many_solves,
    model_calls,
    sandbox_starts,
)
from tests.benchmarks.calibration import Scored, brier, calibration, calibration_error, constant
from tests.benchmarks.child import child
from tests.benchmarks.receivers import BARE, ROUTE, SERVERS

console = Console(width=110, highlight=False)


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} processors"


def _share(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def _table(title: str, *columns: str) -> Table:
    """To be printed once it is filled; its title stands there at once."""
    console.print(f"[bold]{title}[/bold]")
    table = Table()
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


# ---------------------------------------------------------------------------------------------------------- solves


async def _solves(number: int) -> None:
    runs = number * many_solves.RUNS
    console.print(
        f"{number} solves of {many_solves.RUNS} runs each, all asked for at once, in one process of the bot. GitHub, "
        "models and people are simulated in another. Every run is kept waiting for its second answer until all have "
        "come that far."
    )
    result = await many_solves.measure(number)
    end, batch = result.batch.end, result.batch
    seconds = end["seconds"]
    table = _table(f"{number} solves at once ({_load()})", "", "")
    ended = number - end["unfinished"]
    rows = {
        "ended": f"{ended} of {number}, with {end['pulls']} pull requests",
        "commands ran": "behind namespaces" if result.isolated else "as plain processes: no namespaces here",
        "runs alive together": f"{result.gathered} of {runs}",
        "from the first label to the last word": f"{seconds:.0f} s",
        "memory when idle": f"{_mb(result.idle.proportional)} MB (PSS)",
        "memory of a run that waits": f"{_growth(result) / 1024:.0f} kB (PSS; RSS {_rss_growth(result) / 1024:.0f})",
        "memory afterwards": f"{_mb(result.after.proportional)} MB (PSS)",
        "processor time of a whole solve": f"{_ms(batch.cpu.own / number)} ms in the bot, "
        f"{_ms(batch.cpu.children / number)} ms in sandboxes and git",
        "processor time of one more step of an agent": f"{result.step.own * 1000:.1f} ms in the bot, "
        f"{result.step.children * 1000:.1f} ms in its sandbox",
        "durable steps": f"{batch.engine_steps}, {batch.engine_steps / seconds:.0f} a second",
        "status comments": f"{end['comments']}, edited {end['edits'] / number:.1f} times each",
        "event loop late by": _times(batch.late),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    _acknowledgements(result)
    for error in end["errors"]:
        console.print(f"asked wrongly: {error}")


def _acknowledgements(result: many_solves.Result) -> None:
    table = _table("A webhook's answer meanwhile, ten of each kind a second", "", "when idle", "under the solves")
    idle, busy = result.acknowledged_idle, result.acknowledged
    table.add_row("for us, on the disk before the answer", _times(idle.durable), _times(busy.durable))
    table.add_row("not for us", _times(idle.dropped), _times(busy.dropped))
    table.add_row("not acknowledged", str(idle.failed), str(busy.failed))
    console.print(table)


def _growth(result: many_solves.Result) -> float:
    return (result.crowded.proportional - result.idle.proportional) / max(1, result.gathered)


def _rss_growth(result: many_solves.Result) -> float:
    return (result.crowded.resident - result.idle.resident) / max(1, result.gathered)


def _mb(size: float) -> str:
    return f"{size / 1024**2:.0f}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def _times(values: Sequence[float]) -> str:
    return f"p50 {_share(values, 0.5) * 1000:.1f}, p99 {_share(values, 0.99) * 1000:.1f} ms"


# ------------------------------------------------------------------------------------------------------ deliveries


async def _deliveries(rounds: int) -> None:
    console.print(
        f"{rounds} rounds of {deliveries.COUNT} signed deliveries over {deliveries.CONNECTIONS} connections to each "
        "server in turn. solvebot verifies, and what is relevant is synced to the disk before the answer; the others "
        "do nothing at all."
    )
    result = await deliveries.measure(rounds)
    for mix, title in deliveries.MIXES.items():
        table = _table(
            f"Deliveries, {title} ({_load()})", "server", "a second", "beside bare ASGI", "beside Starlette", "CPU",
            "p99",
        )  # fmt: skip
        for server in SERVERS:
            windows = result.windows[server, mix]
            table.add_row(
                server,
                f"{median(windows.per_second):.0f}",
                f"{result.ratio(mix, server, BARE):.2f} x",
                f"{result.ratio(mix, server, ROUTE):.2f} x",
                f"{median(windows.cpu) * 1e6:.0f} µs",
                f"{median(windows.p99) * 1000:.1f} ms",
            )
        console.print(table)
    refused = sum(windows.refused for windows in result.windows.values())
    sizes = ", ".join(f"{name} {size}" for name, size in result.sizes.items())
    console.print(f"In the inbox: {result.stored} of {result.relevant} relevant ones; refused: {refused}.")
    console.print(f"Ratios are medians of the rounds. Bytes of a body: {sizes}.\n")


# --------------------------------------------------------------------------------------------------- model, sandbox


async def _model(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="solvebot-bench-") as name:
        async with child("tests.benchmarks.simulated_world", name, "0") as world:
            await world.ask(latency=0.2)
            async with child("tests.benchmarks.model_calls", world.hello["model"], world.hello["token"]) as caller:
                costs = {"bare": [0.0] * rounds, "ours": [0.0] * rounds}
                for number in range(rounds):
                    for who, cost in costs.items():
                        cost[number] = (await caller.ask(who=who))["cpu"]
    table = _table(
        f"Calls of a model, {model_calls.AT_ONCE} at once, {model_calls.HISTORY} bytes of history ({_load()})",
        "client", "CPU of a call", "beside the library alone",
    )  # fmt: skip
    for who, title in {"bare": "aiohttp alone", "ours": "solvebot"}.items():
        ratio = median(cost / bare for cost, bare in zip(costs[who], costs["bare"], strict=True))
        table.add_row(title, f"{median(costs[who]) * 1000:.2f} ms", f"{ratio:.2f} x")
    console.print(table)


async def _sandbox(pairs: int) -> None:
    result = await sandbox_starts.measure(pairs)
    how = "bubblewrap" if result.isolated else "plain processes, because there are no namespaces here"
    table = _table(f"A sandbox of 200 files, {how} ({_load()})", "", "median")
    table.add_row("made from a snapshot", f"{result.create * 1000:.1f} ms")
    table.add_row("`true` run in it", f"{result.run * 1000:.1f} ms")
    table.add_row("`bash -c true` without one", f"{result.shell * 1000:.1f} ms")
    table.add_row("both, beside that", f"{result.ratio:.0f} x")
    console.print(table)


# ------------------------------------------------------------------------------------------- a service that fails


async def _faults(runs: int) -> None:
    each = fault_recovery
    console.print(
        f"{runs} runs, one after the other: a sandbox from a snapshot, an archive in, {each.COMMANDS} commands, the "
        "result out, the sandbox closed. E2B's SDK talks to a simulator in which requests fail by a seeded chance, the "
        "same for both: 500, 502, 503, 429, connections dropped before or after the effect, streams cut, sandboxes "
        "that vanish or never answer. Not among them: answers that never come.\n"
        "The plain client is the SDK as its documentation shows it, with its own retries. What it raises loses the "
        f"run, and its user begins it anew after {each.LOOKS:.0f} s.\n"
        f"[bold]Simulated[/bold] is the time of a command ({each.WORK:.0f} s), of pauses between attempts and of that "
        "user: it is skipped. Requests, and the SDK's own pauses, are real. What the bot's durable steps do about "
        "errors is done without their database."
    )
    by_rate, outage = await fault_recovery.measure(runs)
    table = _table(
        f"Faults by chance ({_load()})", "requests that fail", "client", "runs lost", "failures told", "given up",
        "wrong", "done in", "beyond the work", "machines left",
    )  # fmt: skip
    for compared in by_rate:
        _add_both(table, compared)
    console.print(table)
    for compared in by_rate:
        console.print(f"{compared.what}: {_ratios(compared)}")
    _outage(outage)


def _add_both(table: Table, compared: fault_recovery.Compared) -> None:
    sides = (
        ("plain", compared.plain, compared.left_by_plain),
        ("solvebot", compared.layered, compared.left_by_layered),
    )
    for name, told, left in sides:
        table.add_row(
            compared.what,
            name,
            f"{told.lost} of {told.runs}",
            str(told.failures),
            str(told.given_up),
            str(told.wrong),
            f"{told.seconds:.0f} s",
            f"{told.beyond:.0f} s",
            str(left),
        )


def _ratios(compared: fault_recovery.Compared) -> str:
    plain, ours = compared.plain, compared.layered
    fewer = f"{1 - ours.failures / plain.failures:.0%} fewer failures told" if plain.failures else "no failures to tell"
    unseen = plain.beyond - plain.failures * fault_recovery.LOOKS
    return (
        f"{fewer}; {plain.beyond / ours.beyond:.1f} times less time beyond the work "
        f"({unseen / ours.beyond:.1f} times if the plain client's user began anew at once)"
    )


def _outage(compared: fault_recovery.Compared) -> None:
    start = fault_recovery.outage_at(compared.plain.runs)
    end = start + fault_recovery.OUTAGE
    table = _table(
        f"Everything answers 503 for {fault_recovery.OUTAGE / 60:.0f} minutes, in the middle of a run", "", "plain",
        "solvebot", "ratio",
    )  # fmt: skip
    plain, ours = compared.plain, compared.layered
    table.add_row("runs lost", f"{plain.lost} of {plain.runs}", f"{ours.lost} of {ours.runs}", "")
    table.add_row("failures told", str(plain.failures), str(ours.failures), "")
    rows = {
        "from its end to the first run that ends": (plain.recovered(end), ours.recovered(end)),
        "until all runs have ended": (plain.seconds, ours.seconds),
        "beyond the work and the outage": (plain.beyond - fault_recovery.OUTAGE, ours.beyond - fault_recovery.OUTAGE),
    }
    for name, (theirs, mine) in rows.items():
        table.add_row(name, f"{theirs:.0f} s", f"{mine:.0f} s", f"{theirs / mine:.1f} x")
    table.add_row("machines left", str(compared.left_by_plain), str(compared.left_by_layered), "")
    console.print(table)


# ------------------------------------------------------------------------------------------------- real repositories


async def _environments(folder: Path) -> None:
    rows = []
    for place in environments.repositories(folder):
        rows.append(row := await environments.measured(place))
        console.print(f"{row.repository}: {row.proof}, {row.passing} tests pass, {row.seconds:.0f} s ({row.why})")
        environments.write(rows)  # each as it comes: a later one may take until nobody waits any more
    seconds = [row.seconds for row in rows]
    up = sum(row.proof == "single tests" for row in rows)
    console.print(
        f"{up} of {len(rows)} come up per test; seconds: median {median(seconds):.0f}, most {max(seconds):.0f} "
        f"({_load()}). Written to {environments.TABLE.name}."
    )


# ------------------------------------------------------------------------------------------------------- choosing


def _choosing(data: Path) -> None:
    result = choosing.measure(data)
    _gaps(result)
    for what, scored in result.said.items():
        table = _table(
            f"{what}: Brier {brier(scored):.3f} (who always says the mean: {constant(scored):.3f}), "
            f"mean error {calibration_error(scored):.3f}",
            *("said", "patches", "mean of it", "were right"),
        )
        for part in calibration(scored):
            table.add_row(f"from {part.low:.1f}", str(part.number), f"{part.said:.2f}", f"{part.right:.2f}")
        console.print(table)
    table = _table("Weights", "", *choosing.NAMES)
    table.add_row("in bot/core/choosing/odds.py", *(f"{weight:.3f}" for weight in choosing.OURS))
    table.add_row("fitted on all of this", *(f"{weight:.3f}" for weight in result.weights))
    console.print(table)


def _gaps(result: choosing.Result) -> None:
    table = _table(
        "Share of the gap between a blind draw and the best candidate that is closed, without running anything",
        "line-up", "issues", "mean", "best", "smallest", "no priors", "held out", "priors", "held out", "saved", "lost",
    )  # fmt: skip
    for each in result.lineups:
        gaps = choosing.mean_gaps([each])
        table.add_row(
            each.lineup,
            str(each.issues),
            f"{each.mean:.3f}",
            f"{each.oracle:.3f}",
            *(f"{gap:+.3f}" for gap in gaps),
            f"{each.stopped.saved:.0%}",
            f"{each.stopped.lost:+.3f}",
        )
    for what, names in (("one of each set", choosing.ONE_OF_EACH), ("all", tuple(m.lineup for m in result.lineups))):
        among = [each for each in result.lineups if each.lineup in names]
        gaps = choosing.mean_gaps(among)
        table.add_row(f"[bold]{what}[/bold]", "", "", "", *(f"{gap:+.3f}" for gap in gaps), "", "")
    console.print(table)
    console.print(
        "Priors are always those of the other folds; *held out* are the weights too. *saved*: runs that an early stop "
        "does not begin, of all; *lost*: accuracy that this costs. Dollars are not in the data; a run stands for them."
    )


def _executable(seed: int) -> None:
    """Small repositories with a bug each, where every candidate is run."""
    table = _table(
        f"Choices among candidates that are run (seed {seed})",
        "repository", "candidates", "chosen", "outcome", "likely right", "entries", "seconds",
    )  # fmt: skip
    chosen: list[executable.Chosen] = []
    for repository in executable.repositories():
        found = executable.choose(repository, seed)
        chosen.append(found)
        mark = "" if found.is_right else "[bold red]wrong[/bold red] "
        table.add_row(
            found.repository,
            str(len(repository.candidates)),
            f"{mark}{found.kind}",
            found.outcome.value,
            f"{found.confidence:.2f}",
            str(len({test.group for test in found.facts.pool})),
            f"{found.seconds:.0f}",
        )
    console.print(table)
    published = [each for each in chosen if each.kind != executable.NONE]
    scored = [Scored(each.confidence, each.is_right) for each in published]
    ready = [each for each in published if each.outcome is Outcome.READY]
    console.print(
        f"{sum(each.is_right for each in chosen)} of {len(chosen)} right; of {len(ready)} called ready "
        f"{sum(not each.is_right for each in ready)} are wrong; Brier {brier(scored):.3f} of {len(scored)} champions."
    )


async def _followers() -> None:
    """One process on SQLite, with GitHub's simulator in it; everybody is the same person, and nobody loads the page."""
    table = _table(
        f"Followers of one solve ({_load()})",
        "", "idle", "questions a second", "busy", "events a second", "delay p50", "p99", "questions for an event",
        "memory", "a load of the page",
    )  # fmt: skip
    for number in (1, 50, 500):
        cost = await followers.measure(number)
        table.add_row(
            str(number),
            f"{cost.quiet:.2%}",
            f"{cost.quiet_questions:.1f}",
            f"{cost.busy:.1%}",
            f"{cost.events_a_second:.1f}",
            *(f"{_share(cost.delays, share) * 1000:.0f} ms" for share in (0.5, 0.99)),
            f"{cost.questions_about_events:.2f}",
            f"{_mb(cost.memory)} MB",
            f"{_ms(cost.page)} ms",
        )
    console.print(table)


PARTS: dict[str, Callable[[int, int], Awaitable[None]]] = {
    "solves": lambda solves, rounds: _solves(solves),
    "deliveries": lambda solves, rounds: _deliveries(rounds),
    "model": lambda solves, rounds: _model(rounds),
    "sandbox": lambda solves, rounds: _sandbox(rounds * 5),
    "followers": lambda solves, rounds: _followers(),
    "faults": lambda solves, rounds: _faults(rounds + 3),
}


@click.command()
@click.option("--solves", default=100, show_default=True, type=click.IntRange(1, 1000), help="How many at once.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 100), help="Of what is compared.")
@click.option(
    "--only",
    type=click.Choice([*PARTS, "environments", "choosing"]),
    multiple=True,
    help="Not all parts; may be repeated.",
)
@click.option(
    "--repositories",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="For `environments`, which needs package registries: a folder of clones or bare repositories.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For `choosing`: labelled candidates of real issues, as JSON lines, beside the repositories that are run.",
)
@click.option("--seed", default=0, show_default=True, help="For `choosing`: by which the letters are drawn.")
def main(
    solves: int, rounds: int, only: tuple[str, ...], repositories: Path | None, data: Path | None, seed: int
) -> None:
    """Print what the bot costs on this machine, and how well it chooses."""
    if "choosing" in only:
        _executable(seed)
    if "environments" in only and repositories is None:
        raise click.UsageError("name a folder of repositories: --repositories FOLDER")

    async def all_parts() -> None:
        if repositories is not None:
            await _environments(repositories)
        if data is not None:
            _choosing(data)
        for name, part in PARTS.items():
            if name in only or not (only or repositories or data):
                await part(solves, rounds)

    asyncio.run(all_parts())


if __name__ == "__main__":
    main()
