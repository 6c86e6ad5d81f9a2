"""`solvebot models`: the catalogue, by those who keep it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.shell import SameProcess, Shell


@pytest.fixture
def solvebot(tmp_path: Path) -> Shell:
    return SameProcess(tmp_path, {"DATA_DIR": str(tmp_path / "bot")})


async def listed(solvebot: Shell) -> dict[str, list[str]]:
    code, out, err = await solvebot("models", "list")
    assert code == 0, err
    return {line.split()[0]: line.split()[1:] for line in out.splitlines()[1:]}


async def test_published_shares_are_listed_with_their_date(tmp_path: Path) -> None:
    _, out, _ = await Shell(tmp_path, {"DATA_DIR": str(tmp_path / "bot")})("models", "list")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "0.958 fable-5 ? no OpenHands index, autumn 2026" in lines
    assert "0.716 deepseek-v3.2 $0.16 yes OpenHands index, autumn 2026" in lines


async def test_models_are_listed_disabled_and_enabled(solvebot: Shell) -> None:
    before = await listed(solvebot)
    assert before["deepseek-v3.2"] == ["openrouter", "deepseek/deepseek-v3.2", "0.28", "0.42", "0.72", "yes"]
    assert (await solvebot("models", "disable", "deepseek-v3.2"))[0] == 0
    assert (await listed(solvebot))["deepseek-v3.2"][-1] == "no"
    assert (await solvebot("models", "enable", "deepseek-v3.2"))[0] == 0
    assert await listed(solvebot) == before
    for command in ("enable", "disable"):
        code, _, err = await solvebot("models", command, "nobody")
        assert code == 1
        assert "models list" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["two words", "x/y"], "'two words' is no name"),
        (["a,b", "x/y"], "'a,b' is no name"),
        (["", "x/y"], "'' is no name"),
        (["a", ""], "'' is no name"),
        (["a", "x/y", "--provider", " "], "' ' is no name"),
        (["a", "x/y", "--input", "-1", "--output", "2"], "-1 is no price"),
        (["a", "x/y", "--input", "nan", "--output", "2"], "nan is no price"),
        (["a", "x/y", "--input", "1"], "both --input and --output"),
        (["Sonnet", "x/y"], "there is sonnet already"),
    ],
)
async def test_what_nobody_could_ask_for_or_pay_is_not_added(solvebot: Shell, arguments: list[str], told: str) -> None:
    code, _, err = await solvebot("models", "add", *arguments)
    assert code != 0
    assert told in err.replace("\n", " ")
    assert "Traceback" not in err


async def test_a_model_that_will_not_be_used_comes_with_a_hint(solvebot: Shell) -> None:
    code, out, _ = await solvebot("models", "add", "mine", "vendor/mine")
    assert code == 0
    assert "ALLOW_UNKNOWN_PRICES" in out
    assert "--input" in out
    _, out, _ = await solvebot("models", "add", "mine", "vendor/mine", "--input", "1", "--output", "0")
    assert out == "mine is in the catalogue.\n"
    _, out, _ = await solvebot("models", "add", "mine", "m", "--input", "1", "--output", "0", "--provider", "other")
    assert "MODEL_PROVIDER" in out
