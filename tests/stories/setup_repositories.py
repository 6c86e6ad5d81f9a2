"""Repositories whose plans all fail, and what an agent has to write down so that each comes up. No network is needed.

All of them are about one small package, and their tests are of the runner that the toolchain of the stories has.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.simulators.model import SUBMIT, Answer, Message, Script, bash, turns

SCRIPT = "/home/agent/environment.yml"
CONFIG = "models: [fixer]\nattempts: 1\n"
PYTEST = "python3 -m pytest -q -p no:cacheprovider"

Content = str | bytes


def written(setup: Sequence[str], test: str) -> str:
    """A command that leaves a script with these lines."""
    lines = ["setup:", *(f"  - {json.dumps(line)}" for line in setup), f"test: {json.dumps(test)}"]
    return f"cat > {SCRIPT} <<'END'\n" + "\n".join(lines) + "\nEND"


def looks(*commands: str) -> Script:
    """An agent of the set-up that runs these and is done. In a run it fixes the issue."""
    searching = turns(*(bash(command) for command in commands), bash(SUBMIT))

    def script(messages: Sequence[Message]) -> Answer:
        return searching(messages) if is_set_up(messages) else _FIXES(messages)

    return script


def is_set_up(messages: Sequence[Message]) -> bool:
    return "build engineer" in str(messages[0]["content"])


FIX = "sed -i 's/(name)/(name=\"world\")/' greet/__init__.py"
_FIXES = turns(bash(FIX), bash(SUBMIT, text="Greets the world when nobody is named."))


@dataclass(frozen=True, slots=True)
class Odd:
    """`setup` and `test` are what works."""

    files: Mapping[str, Content]
    setup: tuple[str, ...]
    test: str

    @property
    def script(self) -> str:
        return written(self.setup, self.test)


GREET = 'def greet(name):\n    return f"hello {name}"\n'
CHECKS = """\
def test_ann():
    assert greet("ann") == "hello ann"


def test_bob():
    assert greet("bob")[0] == "h"
"""


GENERATED = Odd(
    {
        ".github/solvebot.yml": CONFIG,
        ".gitignore": "greet/words.py\n",
        "greet/__init__.py": 'from greet.words import HELLO\n\n\ndef greet(name):\n    return f"{HELLO} {name}"\n',
        "tools/words.txt": "hello\n",
        "tools/generate": 'printf \'HELLO = "%s"\\n\' "$(cat tools/words.txt)" > greet/words.py\n',
        "tests/test_greet.py": f"from greet import greet\n\n\n{CHECKS}",
    },
    ("sh tools/generate",),
    PYTEST,
)
"""Its code loads a file that a program makes."""

ODD_COMMAND = Odd(
    {
        ".github/solvebot.yml": CONFIG,
        "greet/__init__.py": GREET,
        "qa/cases/greeting_spec.py": f"from greet import greet\n\n\n{CHECKS}",
        "qa/run": f"exec {PYTEST} -o python_files='*_spec.py' qa/cases\n",
        "README.md": "# greet\n\nTests: `sh qa/run`\n",
    },
    (),
    f"{PYTEST} -o 'python_files=*_spec.py' qa/cases",
)
"""Its tests have names that no runner looks for."""


def _wheel() -> bytes:
    """`kindness` 1.0, as an index would have it."""
    about = "Metadata-Version: 2.1\nName: kindness\nVersion: 1.0\n"
    files = {
        "kindness/__init__.py": "def kind(text):\n    return text\n",
        "kindness-1.0.dist-info/METADATA": about,
        "kindness-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "kindness-1.0.dist-info/RECORD": "",
    }
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return held.getvalue()


LOCAL_PACKAGE = Odd(
    {
        ".github/solvebot.yml": CONFIG,
        "greet/__init__.py": f"from kindness import kind\n\n\n{GREET.replace('return f', 'return kind(f')[:-1]})\n",
        "attic/parcels/kindness-1.0-py3-none-any.whl": _wheel(),
        "tests/test_greet.py": f"from greet import greet\n\n\n{CHECKS}",
    },
    ("uv pip install --quiet --offline --no-index --target ~/parcels attic/parcels/*.whl",),
    f"PYTHONPATH=/home/agent/parcels {PYTEST}",
)
"""It needs a package that it carries along, where no manifest says so."""

IN_A_CORNER = Odd(
    {
        ".github/solvebot.yml": CONFIG,
        "tools/main/greet/__init__.py": GREET,
        "tools/checks/test_greet.py": f"from greet import greet\n\n\n{CHECKS}",
    },
    (),
    f"PYTHONPATH=tools/main {PYTEST} tools",
)
"""Its code is where programs beside a product are, and is not broken on purpose; a test file is."""

ALL = {
    "a generated file": GENERATED,
    "an odd command": ODD_COMMAND,
    "a package of its own": LOCAL_PACKAGE,
    "in a corner": IN_A_CORNER,
}
