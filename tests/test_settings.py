"""Settings: read once, all problems told together, secrets silent."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from bot.settings import Secret, Settings, SettingsError
from bot.simulators.github import generate_key

KEY = generate_key()
COMPLETE = {
    "GITHUB_APP_ID": "1",
    "GITHUB_PRIVATE_KEY": KEY,
    "GITHUB_WEBHOOK_SECRET": "old, new",
    "MODEL_API_KEY": "sk-or-1",
}


def test_complete_settings_are_read() -> None:
    settings = Settings.from_env({**COMPLETE, "MAX_DOLLARS": "0.5", "SETUP_HOSTS": "a.example, *.b.example"})
    assert [secret.reveal() for secret in settings.webhook_secrets] == ["old", "new"]
    assert settings.max_dollars == 0.5
    assert settings.setup_hosts == ("a.example", "*.b.example")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"PORT": "eighty", "MAX_DOLLARS": "-1", "LOG_FORMAT": "xml", "MAX_ATTEMPTS": "9"})
    told = "\n".join(caught.value.problems)
    for name in ("PORT", "MAX_DOLLARS", "LOG_FORMAT", "MAX_ATTEMPTS", *COMPLETE):
        assert name in told


@pytest.mark.parametrize("name", sorted(COMPLETE))
def test_there_is_no_default_for_what_matters(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is missing"):
        Settings.from_env({key: value for key, value in COMPLETE.items() if key != name})


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("PORT", "eighty", "whole number"),
        ("PORT", "²", "whole number"),
        ("MAX_DOLLARS", "nan", "a number"),
        ("MAX_DOLLARS", "0", "more than 0"),
        ("ALLOW_UNKNOWN_PRICES", "maybe", "true or false"),
        ("SANDBOX_TOOLCHAINS", "relative/path", "absolute path"),
        ("DATABASE_URL", "mysql://x", "postgresql://"),
        ("DATABASE_URL", "sqlite:///x", "DATA_DIR"),
        ("GITHUB_PRIVATE_KEY", "not a key", "PEM"),
        ("GITHUB_PRIVATE_KEY", "/nowhere/app.pem", "cannot be read"),
        ("LOG_LEVEL", "LOUD", "WARNING"),
    ],
)
def test_a_bad_value_is_told_with_its_name_and_what_to_do(name: str, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({**COMPLETE, name: text})
    assert name in str(caught.value)
    assert words in str(caught.value)


def test_the_key_may_come_as_text_as_base64_escaped_or_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    file.write_text(KEY)
    for form in (KEY, base64.b64encode(KEY.encode()).decode(), KEY.replace("\n", "\\n"), str(file)):
        assert Settings.from_env({**COMPLETE, "GITHUB_PRIVATE_KEY": form}).private_key.reveal().strip() == KEY.strip()


def test_a_secret_shows_itself_to_nobody() -> None:
    settings = Settings.from_env(COMPLETE)
    assert "sk-or-1" not in repr(settings)
    assert "PRIVATE KEY" not in repr(settings)
    assert str(Secret("x")) == "<secret>"
    assert set(settings.secrets) == {"old", "new", "sk-or-1", KEY.strip()}


def test_the_password_of_the_database_is_a_secret() -> None:
    settings = Settings.from_env({**COMPLETE, "DATABASE_URL": "postgresql://bot:p%40ss-word@db.example/bot"})
    assert {"p%40ss-word", "p@ss-word"} <= set(settings.secrets)
    assert "ss-word" not in repr(settings)
