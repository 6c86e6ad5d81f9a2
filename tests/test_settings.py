"""Settings: read once, all problems told together, secrets silent."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from bot.declared_settings import Secret
from bot.settings import Settings, SettingsError
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
        ("MODEL_BASE_URL", "openrouter.ai/api/v1", "https://"),
        ("GITHUB_API_URL", "ftp://api.github.com", "https://"),
        ("E2B_API_URL", "http://[::1", "https://"),
        ("SANDBOX", "docker", "bubblewrap"),
        ("SANDBOX", "e2b", "E2B_API_KEY"),
        ("DATABASE_URL", "sqlite:///x", "DATA_DIR"),
        ("GITHUB_PRIVATE_KEY", "not a key", "PEM"),
        ("GITHUB_PRIVATE_KEY", "/nowhere/app.pem", "'/nowhere/app.pem', a file that cannot be read"),
        ("GITHUB_PRIVATE_KEY", "~nobody-at-all/app.pem", "whose home"),
        ("DATA_DIR", "~nobody-at-all/data", "whose home"),
        ("LOG_LEVEL", "LOUD", "WARNING"),
        ("SETUP_HOSTS", "none,auto", "alone"),
        ("SETUP_HOSTS", "python=auto", "all ecosystems"),
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


def test_home_is_where_paths_with_a_tilde_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.env` is read without a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "app.pem").write_text(KEY)
    (tmp_path / "tools").mkdir()
    paths = {"GITHUB_PRIVATE_KEY": "~/app.pem", "DATA_DIR": "~/data", "SANDBOX_TOOLCHAINS": "~/tools"}
    settings = Settings.from_env({**COMPLETE, **paths})
    assert settings.private_key.reveal() == KEY
    assert settings.data == tmp_path / "data"
    assert settings.sandbox_toolchains == (tmp_path / "tools",)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_key_that_cannot_be_read_is_told_once(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({**COMPLETE, "GITHUB_PRIVATE_KEY": str(file)})
    [problem] = caught.value.problems
    assert str(file) in problem


@pytest.mark.parametrize(
    ("port", "metrics_port", "own"), [("8000", "", 8001), ("8000", "0", 8001), ("8000", "9100", 9100), ("0", "", 0)]
)
def test_metrics_have_a_port_of_their_own(port: str, metrics_port: str, own: int) -> None:
    found = Settings.from_env({"PORT": port, "METRICS_PORT": metrics_port}, serving=False)
    assert (found.metrics_host, found.own_metrics_port) == ("127.0.0.1", own)


def test_fewer_attempts_than_usual_are_the_default_where_no_more_are_allowed() -> None:
    assert Settings.from_env({"MAX_ATTEMPTS": "2"}, serving=False).attempts == 2
    with pytest.raises(SettingsError, match="ATTEMPTS is 3, more than MAX_ATTEMPTS, which is 2"):
        Settings.from_env({"MAX_ATTEMPTS": "2", "ATTEMPTS": "3"}, serving=False)
