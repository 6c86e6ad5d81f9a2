from __future__ import annotations

import re
from pathlib import Path

import bot
from bot.core.model import RunId, SolveId
from bot.core.sandboxes import Use, sandbox_of, sandboxes_of

PLACES = {"core/sandboxes.py", "store/rows.py"}
"""Where names of sandboxes are made, and where they are read back."""


def test_a_solve_knows_all_of_its_sandboxes() -> None:
    uses = ("", "-again", "-setup", "-setup-again", "-base", "-canary", "-judge")
    names = [f"{owner}{use}" for owner in ("s-1-2-l3", "s-1-2-l3-r1") for use in uses]
    assert sorted(sandboxes_of(SolveId("s-1-2-l3"), [RunId("s-1-2-l3-r1")])) == sorted(names)
    assert sandbox_of(RunId("s-1-2-l3-r1"), Use.JUDGE) == "s-1-2-l3-r1-judge"


def test_nobody_else_makes_a_name_for_one() -> None:
    """The janitor closes what it does not know by this module, also under a solve that is at work."""
    root = Path(bot.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if re.search(r"\bSandboxId\(", path.read_text())
        and path.relative_to(root).parts[0] not in ("sandbox", "simulators")
    }
    assert found == PLACES
