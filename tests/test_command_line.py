"""What a command says as it fails: no secret of the environment is in it, readable or not, whoever says it."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.command_line import Commands
from bot.settings import secret_texts

KEY = "Zq7-kfW_93jd" + "Lw0pQmXyTbN5"
TOKEN = "ghs_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ"
ENVIRONMENT = {
    "MODEL_API_KEY": KEY,
    "GITHUB_WEBHOOK_SECRET": "first-of-two, second-of-two",
    "DATABASE_URL": "postgresql://bot:p%40ss-word@db.example/bot",
}


@pytest.mark.parametrize(
    "text", [KEY, "second-of-two", "first-of-two, second-of-two", "p%40ss-word", "p@ss-word", TOKEN]
)
@pytest.mark.parametrize("kind", [click.ClickException, click.UsageError, click.BadParameter])
def test_an_error_holds_no_secret(text: str, kind: type[click.ClickException]) -> None:
    @click.group(cls=Commands)
    def top() -> None: ...

    @top.group()
    def under() -> None: ...

    @under.command()
    def fails() -> None:
        raise kind(f"cannot reach {text} at all")

    ended = CliRunner(env=ENVIRONMENT).invoke(top, ["under", "fails"])
    assert ended.exit_code == kind.exit_code
    assert "cannot reach [redacted] at all" in ended.output


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("GITHUB_PRIVATE_KEY", f"/nowhere/{KEY}/app.pem"),
        ("DATABASE_URL", "postgresql://bot:p%40ss-word@[db/bot"),
        ("MODEL_BASE_URL", f"not-an-address-{KEY}"),
    ],
)
def test_nor_does_what_is_said_about_a_setting(setting: str, text: str) -> None:
    ended = CliRunner(env={**ENVIRONMENT, setting: text}).invoke(main, ["solve", ".", "--issue", __file__])
    assert ended.exit_code == 1
    assert isinstance(ended.exception, SystemExit)
    assert setting in ended.output
    assert KEY not in ended.output
    assert "ss-word" not in ended.output


def test_all_that_is_meant_to_be_secret_is_known() -> None:
    assert set(secret_texts(ENVIRONMENT)) == {
        KEY,
        "first-of-two, second-of-two",
        "first-of-two",
        "second-of-two",
        "p%40ss-word",
        "p@ss-word",
    }
    assert secret_texts({}) == ()
    assert secret_texts({"DATABASE_URL": "postgresql://u:p@[x"}) == ()
