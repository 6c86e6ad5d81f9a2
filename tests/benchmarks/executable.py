"""Small repositories with a bug each, and candidates of all kinds: are they told apart by running them?

Each is a document in `repositories/`: the issue, the files, how they are tested, and candidates that begin with `right`
or are wrong in a way that models are wrong. Everything is run for real, by the product's own parts in the order of
`solve.py`; only the runs are missing. A choice is right when the champion is, or when there is none and nobody is.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from bot.core.candidate.similarity import case_of
from bot.core.choosing.champion import decide
from bot.core.choosing.comparing import beside_of
from bot.core.model import Decision, Limits, Outcome, RunFacts, SolveFacts, run_id
from bot.judging import CrossExamination, Judge, Prober
from bot.judging.bench import side_by_side
from tests.contracts.court import SOLVE, TIMEOUTS, Court, Ground, a_ground, prepare, run_facts, solve

DIRECTORY = Path(__file__).with_name("repositories")
NONE = "nobody"


@dataclass(frozen=True)
class Repository:
    """`candidates`: kind -> path -> new text, None where the file is deleted."""

    name: str
    title: str
    body: str
    test: str
    files: Mapping[str, str]
    candidates: Mapping[str, Mapping[str, str | None]]

    @property
    def is_solvable(self) -> bool:
        return any(kind.startswith("right") for kind in self.candidates)


@dataclass(frozen=True)
class Chosen:
    repository: str
    kind: str
    is_right: bool
    outcome: Outcome
    confidence: float
    seconds: float
    facts: SolveFacts
    decision: Decision


def repositories() -> list[Repository]:
    return [_read(path) for path in sorted(DIRECTORY.glob("*.yml"))]


def _read(path: Path) -> Repository:
    known: dict[str, Any] = yaml.safe_load(path.read_text())
    files: dict[str, str] = known["files"]
    candidates = {kind: _changes(path.stem, kind, files, made) for kind, made in known["candidates"].items()}
    return Repository(path.stem, known["title"], known["body"], known["test"], files, candidates)


def _changes(name: str, kind: str, files: Mapping[str, str], made: Mapping[str, Any] | None) -> dict[str, str | None]:
    """A text is the new file; a list of [old, new] replaces each once; `add` appends; null deletes."""
    changes: dict[str, str | None] = {}
    for path, change in (made or {}).items():
        if change is None or isinstance(change, str):
            changes[path] = change
            continue
        text = files[path]
        for step in change if isinstance(change, list) else [("", change["add"])]:
            old, new = step
            if old and text.count(old) != 1:
                raise ValueError(f"{name}, {kind}: {old!r} stands {text.count(old)} times in {path}")
            text = text.replace(old, new) if old else text + new
        changes[path] = text
    return changes


def choose(repository: Repository, seed: int = 0) -> Chosen:
    """The letters are drawn by the seed."""
    order = list(repository.candidates)
    random.Random(f"{seed} {repository.name}").shuffle(order)
    with _ground(repository) as ground, tempfile.TemporaryDirectory() as scratch:
        begun = time.monotonic()
        facts = asyncio.run(_seen(repository, order, ground, Path(scratch)))
        seconds = time.monotonic() - begun
    assert facts.baseline is not None
    case = case_of(facts)
    decision = decide(case.evidence, case.runs, facts.baseline, facts.pool, beside=beside_of(facts))
    number = next((n for n, run in enumerate(facts.runs) if run.id == decision.champion), None)
    kind = NONE if number is None else order[number]
    is_right = kind.startswith("right") if repository.is_solvable else kind == NONE
    return Chosen(repository.name, kind, is_right, decision.outcome, decision.confidence, seconds, facts, decision)


@contextmanager
def _ground(repository: Repository) -> Iterator[Ground]:
    with a_ground(repository.files, repository.test) as ground:
        yield ground


async def _seen(repository: Repository, order: list[str], ground: Ground, scratch: Path) -> SolveFacts:
    """As `solve.py` has it: each candidate by itself, all on the tests of all, and with the same inputs."""
    async with ground.sandboxes("bubblewrap") as sandboxes:
        court = Court(ground, sandboxes, await prepare(ground, sandboxes, "bubblewrap", {}), scratch)
        baseline = replace(court.baseline, repro=None, repro_exit=None)
        task = replace(ground.task, title=repository.title, body=repository.body)
        facts = SolveFacts(solve(), task=task, baseline=baseline, limits=Limits(parallel=2))

        async def run(index: int, kind: str) -> RunFacts:
            candidate = await court.candidate(repository.candidates[kind], index)
            evidence = await Judge(ground.mirrors, sandboxes, TIMEOUTS).judge(facts, candidate)
            return replace(run_facts(run_id(SOLVE, index)), candidate=candidate, evidence=evidence)

        runs = await side_by_side([run(index, kind) for index, kind in enumerate(order, 1)], 2)
        facts = replace(facts, runs=tuple(runs))
        examination = CrossExamination(ground.mirrors, sandboxes, TIMEOUTS)
        docket = await examination.docket(facts)
        heard = [await examination.hear(facts, entry, docket.seconds) for entry in docket.entries]
        facts = replace(facts, pool=tuple(test for one in heard for test in one.tests))
        if docket.several:
            facts = replace(facts, probed=await Prober(ground.mirrors, sandboxes, TIMEOUTS).probe(facts, 60.0))
        return facts
