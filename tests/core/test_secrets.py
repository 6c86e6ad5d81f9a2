"""Shapes of keys and tokens. Every one is made up, and in pieces, so that no scanner takes this file for a leak."""

from __future__ import annotations

import time

import pytest

from bot.core.text import secrets
from bot.core.text.outgoing import Redactor
from bot.core.text.secrets import find_secrets, redact
from tests.work import counted

LETTERS = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ"
KEY = "-----BEGIN " + "RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow+/AB==\n-----END RSA PRIVATE KEY-----"

SECRETS = [
    ("a GitHub token", "ghp_" + LETTERS + "0123456789"),
    ("a GitHub token", "gho_" + LETTERS + "0123456789"),
    ("a GitHub token", "ghs_" + LETTERS),
    ("a GitHub token", "ghs_" + "eyJhbGciOi.eyJpc3MiOi-J9._" * 20),
    ("a GitHub token", "github_pat_" + LETTERS + "_" + LETTERS),
    ("a GitLab token", "glpat-" + LETTERS),
    ("an AWS key", "AKIA" + "QYLPMN5HHHFPZAM2"),
    ("an AWS key", "ASIA" + "QYLPMN5HHHFPZAM2"),
    ("a Slack token", "xoxb-" + "123456789012-" + LETTERS),
    ("a Google API key", "AIza" + LETTERS + "012345678"),
    ("an API key", "sk-proj-" + LETTERS),
    ("an API key", "sk-" + LETTERS + LETTERS),
    ("an API key", "sk-ant-api03-" + LETTERS),
    ("an API key", "sk-or-v1-" + "0123456789abcdef" * 4),
    ("a Stripe key", "sk_live_" + LETTERS),
    ("a JSON Web Token", "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTYifQ." + "c2lnbmF0dXJlLXNpZ25hdHVyZQ"),
]


@pytest.mark.parametrize(("kind", "secret"), SECRETS)
@pytest.mark.parametrize("around", ["{}", "TOKEN={}\n", "'{}'", "https://x-access-token:{}@example.org/r.git", "({}),"])
def test_a_secret_is_found_and_blacked_out(kind: str, secret: str, around: str) -> None:
    text = "first\n" + around.format(secret)
    (match,) = find_secrets(text)
    assert (match.kind, match.line) == (kind, 2)
    assert text[match.start : match.end].startswith(secret[:20])
    assert redact(text) == "first\n" + around.format("[redacted]")


@pytest.mark.parametrize(
    "text",
    [
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "task-" + LETTERS * 2,
        "risk-" + LETTERS * 2,
        "sk-learn and sk-image",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "ghp_short ghs_short xoxb-short AIzaShort",
        "assert header.startswith('ghs_')",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "eyJ0eXAiOiJKV1QifQ alone is only a header",
        "https://example.org/a.b.c?d=eyJ",
        "github_pat_ is a prefix",
    ],
)
def test_what_is_not_a_secret(text: str) -> None:
    assert find_secrets(text) == []
    assert redact(text) == text


def test_matches_come_in_order_with_lines() -> None:
    text = f"a\n{SECRETS[0][1]}\n\n{SECRETS[8][1]} {SECRETS[6][1]}\n"
    assert [(m.kind, m.line) for m in find_secrets(text)] == [
        ("a GitHub token", 2),
        ("a Slack token", 4),
        ("an AWS key", 4),
    ]
    assert SECRETS[0][1] not in repr(find_secrets(text))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"x\n{KEY}\ny.", "x\n[redacted]\ny."),
        (f'"{KEY}"'.replace("\n", "\\n"), '"[redacted]"'),
        (
            KEY[:60] + "\n\nthe log was cut.",
            "[redacted].",
        ),
    ],
)
def test_a_private_key_goes_with_its_block(text: str, clean: str) -> None:
    assert [m.kind for m in find_secrets(text)] == ["a private key"]
    assert redact(text) == clean


def test_exact_values_are_blacked_out_the_longest_first() -> None:
    exact = ["hunter2-secret", "hunter2-secret-longer", "", "abc"]
    assert redact("hunter2-secret-longer hunter2-secret abc", exact) == "[redacted] [redacted] abc"


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ",
        "eyJaaaaaaaaaa.",
        "sk-",
        "ghs_",
        "xoxb-",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "AKIA",
        "AIza",
        "-",
        "k_live_",
    ],
)
def test_time_is_linear(piece: str) -> None:
    """Ten times the text may take some more than ten times as long; a hundred times would be quadratic."""

    def seconds(size: int) -> float:
        """Of the quickest of three: what else the process collects meanwhile is not the subject."""
        text = (piece * (size // len(piece)))[:size]
        took = []
        for _ in range(3):
            start = time.process_time()
            find_secrets(text)
            redact(text)
            took.append(time.process_time() - start)
        return min(took)

    assert seconds(1_000_000) < 50 * max(seconds(100_000), 0.0005)


def test_in_a_long_conversation_the_names_of_fields_are_looked_at_once() -> None:
    """All of it is redacted, keys too, and most texts in it are the same few."""
    redactor = Redactor(("a value that nobody else has",))
    texts = [f"{number} what the command printed, which is longer than a name" * 2 for number in range(50)]
    messages = [{"role": "assistant", "tool_call_id": "call", "content": text} for text in texts]
    with counted(secrets._redacted) as work:
        redacted = redactor.within(messages)
    assert redacted == messages
    assert work["_redacted"] <= len(texts) + len({"assistant", "tool_call_id", "content"})


@pytest.mark.parametrize("text", ["", "role", "12345", "hush!"])
def test_what_is_shorter_than_any_secret_is_not_looked_at(text: str) -> None:
    with counted(secrets._redacted) as work:
        assert redact(text, ["hush!x", "value"]) == text
    assert not work


def test_what_is_remembered_of_a_short_text_is_of_the_same_secrets() -> None:
    assert redact("a hunter2-hunter2", ["hunter2-hunter2"]) == "a [redacted]"
    assert redact("a hunter2-hunter2", ["another value"]) == "a hunter2-hunter2"
    assert redact("a hunter2-hunter2", ["hunter2-hunter2"]) == "a [redacted]"
