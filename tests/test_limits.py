"""Every number that is a policy stands in limits.tsv a second time, so that none changes by accident or unseen.

Whoever changes or adds one writes it down there, too: that line is what a reviewer looks at.
"""

from __future__ import annotations

import ast
import importlib
from datetime import timedelta
from enum import Enum
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ELSEWHERE = {"simulators", "demo", "migrations"}  # no policies of the bot
WRITTEN = dict(line.split("\t") for line in (ROOT / "tests/limits.tsv").read_text().splitlines())


def is_number(value: object) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(map(is_number, value))
    return isinstance(value, (int, float, timedelta)) and not isinstance(value, (bool, Enum))


def constants(path: Path) -> list[str]:
    """Names in capitals to which a module gives a value of its own; what it asks the machine is none."""
    found = []
    for node in ast.parse(path.read_text()).body:
        if any(isinstance(each, ast.Attribute) for each in ast.walk(node)):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [each for target in targets if target is not None for each in ast.walk(target)]
        found += [name.id for name in names if isinstance(name, ast.Name) and name.id.strip("_").isupper()]
    return found


def numbers() -> dict[str, str]:
    """bot.core.trigger.config.MAX_DEPTH -> 8"""
    found = {}
    for path in sorted((ROOT / "bot").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if ELSEWHERE.isdisjoint(parts):
            module = ".".join(parts).removesuffix(".__init__")
            for name in constants(path):
                if is_number(value := getattr(importlib.import_module(module), name)):
                    found[f"{module}.{name}"] = str(value)
    return found


def test_every_limit_is_what_is_written_down() -> None:
    now = numbers()
    changed = {name: value for name, value in now.items() if WRITTEN.get(name) != value}
    gone = WRITTEN.keys() - now.keys()
    assert not changed, "write into tests/limits.tsv:\n" + "\n".join(f"{n}\t{v}" for n, v in changed.items())
    assert not gone, f"strike from tests/limits.tsv: {', '.join(sorted(gone))}"


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("bot.core.render.text.MAX_BODY", 65_536),  # characters of a comment that GitHub takes
        ("bot.core.model.names.MAX_ATTEMPTS", 26),  # letters
        ("bot.publish.MAX_BRANCHES", 20),
    ],
)
def test_what_others_bound_is_bounded(name: str, most: int) -> None:
    assert 0 < int(WRITTEN[name]) <= most


if __name__ == "__main__":  # python -m tests.test_limits > tests/limits.tsv: all of them anew, for a look at the diff
    print("\n".join(f"{name}\t{value}" for name, value in sorted(numbers().items())))
