"""Commands with which reviewers see the evidence again, from a clone of theirs, of which nothing is touched.

Everything is in another clone, in a temporary directory, with a home of its own, because set-up installs there. A
worktree would share branches, tags and configuration with theirs, and tests may change those.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from bot.core.environment.kept_workspaces import PROGRAMS
from bot.core.model import Evidence, RunFacts, SolveFacts, TriggerKind
from bot.core.render.text import block, details

MAX_SCRIPT = 7_000  # characters; what is longer would be cut, and then do something else

_CLONE = r"""(
set -e
cd "$(git rev-parse --show-toplevel)"
work=$(mktemp -d); trap 'cd /; chmod -R u+w "$work"; rm -rf "$work"' EXIT
git clone --quiet --no-checkout{filtered} -c core.hooksPath=/dev/null --branch {branch} {url} "$work/code"
mkdir "$work/home"; cd "$work/code"
export GIT_CEILING_DIRECTORIES="$work"
run() (
unset VIRTUAL_ENV CONDA_PREFIX
export PYENV_ROOT="${{PYENV_ROOT:-$HOME/.pyenv}}" RUSTUP_HOME="${{RUSTUP_HOME:-$HOME/.rustup}}"
export HOME="$work/home"; export PATH="{programs}:$PATH"
echo "\$ $1"; bash -c "$1" </dev/null || echo "exit code $?"
)
head=$(git rev-parse HEAD)
git checkout --quiet --detach {base}"""


def reproduce(facts: SolveFacts, champion: RunFacts, branch: str) -> str:
    assert facts.task is not None
    told = facts.task.digest
    context = f"Task `{told[:12]}` (sha256 `{told}`), candidate {champion.experiment.letter}, run `{champion.id}`."
    script = _script(facts, champion, branch)
    if len(script) > MAX_SCRIPT:
        said = "The commands are too long for this place."
    else:
        said = f"{_where(facts)}\n\n{block(script, 'sh')}"
    return details("Reproduce the evidence", f"{context}\n\n{said}")


def _where(facts: SolveFacts) -> str:
    fork = (
        "" if _is_local(facts) else " Where `origin` is a fork of yours, write the remote of this repository instead."
    )
    return (
        "From a clone of this repository. It runs the repository's own code, in another clone and with a home of its "
        f"own, both in a temporary directory that is gone afterwards; nothing of yours is changed.{fork}"
    )


def _is_local(facts: SolveFacts) -> bool:
    """The solve of a clone: the branch is there."""
    return facts.solve.trigger.kind is TriggerKind.COMMAND_LINE


def _script(facts: SolveFacts, champion: RunFacts, branch: str) -> str:
    assert facts.task is not None
    evidence = champion.evidence or Evidence(champion.id)
    tests = _run(_tests(facts))
    clone = _CLONE.format(
        filtered="" if _is_local(facts) else " --filter=blob:none",
        branch=shlex.quote(branch),
        url='"$PWD"' if _is_local(facts) else '"$(git remote get-url origin)"',
        programs=":".join(f"$HOME/{folder}" for folder in PROGRAMS),
        base=shlex.quote(facts.task.base_sha),
    )
    lines = [clone, *_run(_setup(facts)), "echo '== before the change'", *tests]
    if evidence.own_tests_flip:
        lines.append("echo '== its tests, without its change: they fail'")
        lines += [f'git checkout --quiet "$head" -- {shlex.join(evidence.test_files)}', *tests]
    lines += ["echo '== with the change'", 'git checkout --quiet --force "$head"', *tests, ")"]
    return "\n".join(lines)


def _run(commands: Sequence[str]) -> list[str]:
    return [f"run {shlex.quote(command)}" for command in commands]


def _setup(facts: SolveFacts) -> list[str]:
    """With an environment of its own for Python, where the commands count on the sandbox to have one."""
    if facts.toolchain is None:
        return []
    commands = list(facts.toolchain.setup)
    makes_one = any("venv" in command for command in commands)
    wants_one = any(word in command for command in commands for word in ("pip ", "pip3 ", "poetry ", "flit "))
    return ["python3 -m venv ~/venv", *commands] if wants_one and not makes_one else commands


def _tests(facts: SolveFacts) -> list[str]:
    baseline = facts.baseline
    return [command for command in (baseline.command, baseline.repro) if command] if baseline else []
