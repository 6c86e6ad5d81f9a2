"""The commands of "Reproduce the evidence", run by a real shell in a reviewer's own clone, which stays as it was."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from bot.core.model import Baseline, Sha, SolveFacts, Toolchain, TriggerKind
from bot.core.render.reproduce import MAX_SCRIPT
from tests.core.facts import decided
from tests.core.spoken import pull_body

BRANCH = "solvebot/7-it-breaks"
EXPECTED = """\
== before the change
$ checked
exit code 1
== its tests, without its change: they fail
$ checked
exit code 1
== with the change
$ checked
"""


def script_of(facts: SolveFacts) -> str:
    """As a reviewer copies it from the rendered page."""
    tokens = MarkdownIt("commonmark").parse(pull_body(facts, branch=BRANCH, verified=True))
    return next(token.content for token in tokens if token.type == "fence" and token.info == "sh")


def git(directory: Path, *words: str) -> str:
    about = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "HOME": "/nonexistent"}
    names = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-C", str(directory), *words]
    return subprocess.run(
        command, env={**os.environ, **about, **names}, check=True, capture_output=True, text=True
    ).stdout


@dataclass(frozen=True)
class Reviewer:
    """Somebody with a clone in which much is going on."""

    upstream: Path
    clone: Path
    home: Path
    temporary: Path

    def run(self, script: str, shell: str = "bash", below: str = "deep/down") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shell, "-c", f"cd {below}\n{script}echo still in \"$(basename \"$PWD\")\""],
            cwd=self.clone,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.temporary),
                 "VIRTUAL_ENV": str(self.home / "venv"), "GIT_CONFIG_GLOBAL": "/dev/null"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip

    def everything(self) -> dict[str, bytes]:
        """All that is theirs, and what is left in the temporary directory."""
        return {
            str(path): path.read_bytes() if path.is_file() else b""
            for top in (self.clone, self.home, self.temporary)
            for path in sorted(top.rglob("*"))
        }


@pytest.fixture
def reviewer(tmp_path: Path) -> Reviewer:
    """They were at the first commit of three when they cloned, without the bot's branch."""
    upstream, clone = tmp_path / "upstream", tmp_path / "clone"
    upstream.mkdir()
    git(upstream, "init", "--quiet", "--initial-branch=main")
    commit(upstream, {"greeting": "wrong", "expected": "nothing", "deep/down/file": "x"})
    git(tmp_path, "clone", "--quiet", str(upstream), str(clone))
    commit(upstream, {"other": "later"})
    git(upstream, "checkout", "--quiet", "-b", BRANCH)
    commit(upstream, {"greeting": "right", "tests/expected": "something", "new file": "x"})
    git(upstream, "checkout", "--quiet", "main")
    for name in ("home/venv", "temporary"):
        (tmp_path / name).mkdir(parents=True)
    git(clone, "checkout", "--quiet", "-b", "their-work")
    (clone / "greeting").write_text("half-way")
    (clone / "staged").write_text("x")
    git(clone, "add", "staged")
    (clone / "untracked").write_text("x")
    hook = clone / ".git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/home/hooked\n")
    hook.chmod(0o755)
    git(clone, "status")
    return Reviewer(upstream, clone, tmp_path / "home", tmp_path / "temporary")


def commit(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "x")


INSTALLS = (
    "mkdir -p ~/venv/bin && printf '#!/bin/sh\\ngrep -q right greeting' > ~/venv/bin/checked; "
    "chmod +x ~/venv/bin/checked"
)


def published(reviewer: Reviewer, setup: tuple[str, ...] = (INSTALLS,), test: str = "checked") -> SolveFacts:
    """With a program that set-up brings into its home, and a champion whose own test flips."""
    facts = decided()
    assert facts.task is not None
    assert facts.champion is not None
    assert facts.champion.evidence is not None
    evidence = replace(
        facts.champion.evidence,
        test_files=("tests/expected",), own_tests_on_base=False, own_tests_on_candidate=True,
    )  # fmt: skip
    return replace(
        facts,
        task=replace(facts.task, base_sha=Sha(git(reviewer.upstream, "rev-parse", "main").strip())),
        toolchain=Toolchain(setup, test, "x"),
        baseline=Baseline(test),
        runs=(replace(facts.champion, evidence=evidence), facts.runs[1]),
    )


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_evidence_is_seen_again_and_nothing_of_the_reviewer_is_touched(reviewer: Reviewer, shell: str) -> None:
    before = reviewer.everything()
    done = reviewer.run(script_of(published(reviewer)), shell)
    said, _, where = done.stdout.partition(EXPECTED)
    assert "$ mkdir -p ~/venv/bin" in said, done.stdout
    assert where == "still in down\n", done.stdout
    assert reviewer.everything() == before


def test_whatever_the_commands_do_to_themselves_is_theirs(reviewer: Reviewer) -> None:
    before = reviewer.everything()
    setup = (
        "exit 3",
        "cat; echo 'it'\"'\"'s $HOME'",
        "git tag here; git config x.y z; git branch here",
        "mkdir -p ~/go/pkg && touch ~/go/pkg/mod && chmod 555 ~/go/pkg",
        "unset HOME; echo ${VIRTUAL_ENV-none}",
    )
    done = reviewer.run(script_of(published(reviewer, setup, "touch ~/x; cd ..; rm -rf code/.git; cd /")))
    for said in ("$ exit 3\nexit code 3\n", "\nit's $HOME\n", "\nnone\n", "\n== before the change\n"):
        assert said in done.stdout
    assert done.stdout.endswith("still in down\n")
    assert reviewer.everything() == before


@pytest.mark.parametrize(
    ("setup", "made"),
    [
        (("pip install -e .[test]",), True),
        (("pip3 install x", "make"), True),
        (("python3 -m venv ~/venv", "~/venv/bin/python -m pip install x"), False),
        (("npm ci",), False),
        ((), False),
    ],
)
def test_python_gets_an_environment_of_its_own(setup: tuple[str, ...], made: bool) -> None:
    facts = replace(decided(), toolchain=Toolchain(setup, "pytest", "x"))
    lines = [line for line in script_of(facts).splitlines() if line.startswith("run ") and "pytest" not in line]
    assert ("run 'python3 -m venv ~/venv'" in lines[:1]) is (made or "venv" in "".join(setup))
    assert len(lines) == len(setup) + made


def test_a_shallow_clone_is_enough(reviewer: Reviewer, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{reviewer.upstream}", str(shallow))
    done = replace(reviewer, clone=shallow).run(script_of(published(reviewer)))
    assert EXPECTED in done.stdout, done.stdout


def test_a_branch_that_is_gone_is_said_and_nothing_is_left(reviewer: Reviewer) -> None:
    before = reviewer.everything()
    git(reviewer.upstream, "branch", "--quiet", "-D", BRANCH)
    done = reviewer.run(script_of(published(reviewer)))
    assert f"Remote branch {BRANCH} not found" in done.stdout
    assert reviewer.everything() == before


def test_in_the_clone_of_a_local_solve_nothing_is_fetched(reviewer: Reviewer) -> None:
    facts = published(reviewer)
    local = replace(facts.solve, trigger=replace(facts.solve.trigger, kind=TriggerKind.COMMAND_LINE))
    done = replace(reviewer, clone=reviewer.upstream).run(script_of(replace(facts, solve=local)))
    assert EXPECTED in done.stdout, done.stdout


def test_commands_that_would_be_cut_are_not_shown() -> None:
    facts = replace(decided(), baseline=Baseline("x" * MAX_SCRIPT))
    body = pull_body(facts, branch=BRANCH, verified=True)
    assert "The commands are too long for this place." in body
    assert "```sh" not in body
