"""Where candidates of a small shop are judged in tests: real git, real sandboxes, a real pytest."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.core.environment.proof import Attempt, Trial
from bot.core.model import (
    Baseline,
    Candidate,
    Evidence,
    Experiment,
    IssueRef,
    ModelSpec,
    Person,
    Repo,
    RepoConfig,
    RunFacts,
    RunId,
    SandboxId,
    Sha,
    Solve,
    SolveFacts,
    SolveId,
    SolveOptions,
    Strategy,
    Task,
    Toolchain,
    Trigger,
    TriggerKind,
    prepared_snapshot,
    run_id,
)
from bot.github.mirror import GitMirrors
from bot.judging import Judge, Timeouts
from bot.ports import Remote, Sandboxes
from bot.sandbox.local.bubblewrap import BubblewrapOptions, BubblewrapSandboxes
from bot.sandbox.local.process import ProcessOptions, ProcessSandboxes
from tests.contracts.local_sandboxes import bwrap, public_directory

REPO = Repo(1, 7, "acme/shop")
SOLVE = SolveId("solve-1")
AT = datetime(2026, 1, 1, tzinfo=UTC)
TIMEOUTS = Timeouts(tests=60.0, repro=60.0)
COMMAND = "PYTHONPATH={toolchain} python3 -m pytest -q"
NO_TESTS = 5  # what pytest ends with then
REPRO = "python3 -c \"from shop.amounts import parse; parse('1,234')\""

AMOUNTS = '''"""Amounts of money, as people type them."""


def parse(text):
    return int(text)


def total(texts):
    return sum(parse(text) for text in texts)


def show(amount):
    return f"{amount:,}"
'''
TESTS = """from shop.amounts import parse, show, total


def test_parse():
    assert parse("12") == 12


def test_total():
    assert total(["1", "2"]) == 3


def test_show():
    assert show(1234) == "1,234"
"""
KNOWN = """def test_that_fails_already():
    assert 1 + 1 == 3
"""
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'4d' * 32}\nsize 12345\n"
BASE = {
    "README.md": "A shop.\n",
    "logo.png": POINTER,
    ".gitattributes": "*.png filter=lfs\n",
    "shop/__init__.py": "",
    "shop/amounts.py": AMOUNTS,
    "tests/test_amounts.py": TESTS,
    "tests/test_known.py": KNOWN,
}
STABLE = tuple(f"tests.test_amounts::{name}" for name in ("test_parse", "test_show", "test_total"))
OWN_TEST = "\n\ndef test_parse_with_separators():\n    assert parse('1,234') == 1234\n"

FIXED = AMOUNTS.replace("int(text)", 'int(text.replace(",", ""))')
SPECIAL = AMOUNTS.replace("return int", 'if text == "1,234":\n        return 1234\n    return int')
BREAKING = FIXED.replace("{amount:,}", "{amount}")


@dataclass(frozen=True)
class Ground:
    """Where all candidates of this file are judged: made once, because nothing that is judged may change it."""

    directory: Path
    toolchain: Path
    base: Sha
    files: Mapping[str, str]
    command: str

    @property
    def mirrors(self) -> GitMirrors:
        return GitMirrors(self.directory / "mirrors")

    @property
    def task(self) -> Task:
        options = SolveOptions(repro=REPRO)
        return Task("Separators", "parse('1,234') fails", (), "main", self.base, RepoConfig(), options, "digest")

    def shared(self, name: str) -> Path:
        """Where code can remember something between two sandboxes: only possible where nothing is isolated."""
        path = self.directory / name
        path.mkdir()
        path.chmod(0o777)
        return path

    @asynccontextmanager
    async def sandboxes(self, kind: str) -> AsyncIterator[Sandboxes]:
        rooms = self.directory / kind
        found: Sandboxes
        if kind == "bubblewrap":
            found = BubblewrapSandboxes(BubblewrapOptions(rooms, toolchains=(self.toolchain,), executable=bwrap()))
        else:
            found = ProcessSandboxes(ProcessOptions(rooms))
        yield found
        assert await found.living() == []


def solve() -> Solve:
    trigger = Trigger(TriggerKind.LABEL, "label-1", Person("ann", 1), AT)
    return Solve(SOLVE, IssueRef(REPO, 1), "Separators", "", trigger, SolveOptions(), AT)


class Link(str):
    """Where a symbolic link leads to, in place of a file's text."""


def tar(path: Path, files: Mapping[str, str]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            if isinstance(text, Link):
                entry.type, entry.linkname = tarfile.SYMTYPE, text
                archive.addfile(entry)
                continue
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


def pytest_for_the_sandbox(directory: Path) -> Path:
    """Ours, for the system's Python, where the sandboxes' users can read it; compiled once."""
    directory.mkdir()
    for name in ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin)
        if source.name == "__init__.py":
            shutil.copytree(source.parent, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, directory)
    (directory / "nothing").mkdir()
    done = subprocess.run(  # its version alone loads no plugins; a run of no tests does
        ["python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={os.devnull}"],
        env={"PYTHONPATH": str(directory), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        cwd=directory / "nothing",
        check=False,
        capture_output=True,
    )
    assert done.returncode == NO_TESTS, done.stdout
    return directory


async def lay_out(directory: Path, toolchain: Path, files: Mapping[str, str], command: str) -> Ground:
    mirrors = GitMirrors(directory / "mirrors")
    base = await mirrors.fetch(REPO, Remote(str(directory / "origin")), want="main")
    return Ground(directory, toolchain, base, files, command.format(toolchain=toolchain))


@contextmanager
def a_ground(files: Mapping[str, str] = BASE, command: str = COMMAND) -> Iterator[Ground]:
    with public_directory() as directory:
        origin = directory / "origin"
        for name, text in files.items():
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            (origin / name).write_text(text)
        identity = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"]
        for git in (["init", "-q", "-b", "main"], ["add", "."], [*identity, "commit", "-qm", "A shop"]):
            subprocess.run(["git", *git], cwd=origin, check=True)
        (directory / "mirrors").mkdir()
        toolchain = pytest_for_the_sandbox(directory / "toolchain")
        yield asyncio.run(lay_out(directory, toolchain, files, command))


def untried(command: str | None) -> Attempt:
    return Attempt(Toolchain((), command, "given"), Trial())


async def prepare(ground: Ground, sandboxes: Sandboxes, kind: str, baselines: dict[str, Baseline]) -> Baseline:
    if kind not in baselines:
        preparing = SandboxId("preparing")
        await sandboxes.create(preparing)
        await sandboxes.put(preparing, tar(ground.directory / "base.tar", ground.files))
        await sandboxes.snapshot(preparing, prepared_snapshot(SOLVE))
        await sandboxes.close(preparing)
        judge = Judge(ground.mirrors, sandboxes, TIMEOUTS)
        baselines[kind] = await judge.baseline(
            SOLVE, ground.task, REPO, Attempt(Toolchain((), ground.command, "given"), Trial())
        )
    return baselines[kind]


@dataclass
class Court:
    ground: Ground
    sandboxes: Sandboxes
    baseline: Baseline
    scratch: Path

    async def candidate(self, changes: Mapping[str, str | None], index: int = 1) -> Candidate:
        files = {name: text for name, text in {**self.ground.files, **changes}.items() if text is not None}
        tree = tar(self.scratch / f"{index}.tar", files)
        return await self.ground.mirrors.candidate(REPO, self.ground.base, tree, run_id(SOLVE, index))

    async def judge(self, changes: Mapping[str, str | None]) -> Evidence:
        """Without the repro command, which most of these tests are not about."""
        return await self.judge_candidate(await self.candidate(changes), replace(self.baseline, repro=None))

    async def judge_candidate(
        self, candidate: Candidate, baseline: Baseline, timeouts: Timeouts = TIMEOUTS
    ) -> Evidence:
        facts = SolveFacts(solve(), task=self.ground.task, baseline=baseline)
        return await Judge(self.ground.mirrors, self.sandboxes, timeouts, repeats=1).judge(facts, candidate)


FOUR: dict[str, Mapping[str, str | None]] = {
    "special": {"shop/amounts.py": SPECIAL},
    "breaking": {"shop/amounts.py": BREAKING, "tests/test_amounts.py": TESTS + OWN_TEST},
    "nothing": {},
    "cause": {"shop/amounts.py": FIXED, "tests/test_amounts.py": TESTS + OWN_TEST},
}


def run_facts(run: RunId) -> RunFacts:
    index = int(run.rpartition("-r")[2])
    model = ModelSpec("scripted", "simulator", "scripted")
    return RunFacts(run, SOLVE, Experiment(index, model, None, Strategy.BASELINE, 10, 1.0))
