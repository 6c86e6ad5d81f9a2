"""The repository of the benchmarks, and models that work on it as models do, in three to fifty steps."""

from __future__ import annotations

from collections.abc import Mapping

from bot.simulators.model import SUBMIT, Bash, Hold, Script, bash, turns

FILES: Mapping[str, str] = {
    "README.md": "# greet\n",
    "greet.sh": 'echo "hello $1"\n',
    "tests/test.sh": 'test "$(sh greet.sh ann)" = "hello ann"\n',
    ".github/solvebot.yml": 'test: "sh tests/test.sh"\nmodels: [careful, plain, careless]\nattempts: 3\n',
    **{f"src/module_{number:02}.sh": f"# part {number}\n" * 40 for number in range(40)},
}

_LOOK = bash("ls; cat greet.sh tests/test.sh")
_FIX = "printf 'echo \"hello ${1:-world}\"\\n' > greet.sh"
_TEST = "printf '%s\\n' 'test \"$(sh greet.sh)\" = \"hello world\"' > tests/test_default.sh"
_BREAK = "printf 'echo \"good bye\"\\n' > greet.sh"
_DONE = bash(SUBMIT)
MANY = 51  # steps of `patient`


def _gated(gate: Hold, *rest: Bash) -> Script:
    """The second answer of every run waits for all the others."""
    return turns(_LOOK, gate, *rest)


class Gate:
    """Where all runs wait, each for its second answer, until they are let through together."""

    def __init__(self) -> None:
        self.holds = {
            "careful": Hold(bash(_FIX, _TEST)),
            "plain": Hold(bash(_FIX)),
            "careless": Hold(bash(_BREAK)),
        }

    def open(self) -> None:
        for hold in self.holds.values():
            hold.release.set()

    def scripts(self) -> dict[str, Script]:
        return {
            "careful": _gated(self.holds["careful"], bash("sh tests/test.sh; sh tests/test_default.sh"), _DONE),
            "plain": _gated(self.holds["plain"], bash("sh tests/test.sh"), _DONE),
            "careless": _gated(self.holds["careless"], _DONE),
            "brief": turns(_DONE),
            "patient": turns(*[bash("true")] * (MANY - 1), _DONE),
        }


SCRIPTS = tuple(Gate().scripts())
