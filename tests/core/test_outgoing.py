"""One path for every text that leaves: what a reader would see as a secret is gone before anything is escaped.

Every secret here is made up, and in pieces, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import base64
import html
import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot.core.model import SolveFacts
from bot.core.render import pull_request, replies, status
from bot.core.render.text import block, code, harmless, unmarked
from bot.core.text.outgoing import Clean, CleanFacts, Redactor
from bot.core.text.secrets import redact
from tests.core.facts import decided, run, solve
from tests.work import counted

TOKEN = "ghs_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ"
OPENROUTER = "sk-or-v1-" + "0123456789abcdef" * 4
PASSWORD = "correct_horse*battery~[staple]+&=/?"
PEM = (
    "-----BEGIN "
    + "RSA PRIVATE KEY-----\n"
    + "MIIEowIBAAKCAQEAxYz0123456789abcdefghijklmnopqrstuvwxyzABCDEF/+\n" * 3
    + "-----END"
)
REDACT = Redactor((PASSWORD, PEM))
SAID = [harmless, code, block, lambda text: unmarked(text, 500)]


def as_read(text: str) -> str:
    """What a reader gets on the clipboard: GitHub's rendering of escapes and entities, without what nobody sees."""
    shown = html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text))
    return re.sub("[\u200b-\u200f\u2060-\u206f\ufeff\xad]", "", shown).replace("\xa6", "|")


def disguises(secret: str) -> Iterator[tuple[str, str]]:
    raw = secret.encode()
    yield "plain", secret
    yield "zero width", "\u200b".join(secret)
    yield "bidirectional", f"\u202e{secret[:9]}\u2066{secret[9:]}"
    yield "a colour in the middle", f"{secret[:9]}\x1b[31m{secret[9:]}"
    yield "a control character in the middle", f"{secret[:9]}\x00{secret[9:]}"
    yield "Markdown", re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", secret)
    yield "URL", quote(secret, safe="")
    yield "URL twice", quote(quote(secret, safe=""), safe="")
    yield "URL, every byte", "".join(f"%{byte:02x}" for byte in raw)
    yield "entities", html.escape(secret)
    yield "numbered entities", "".join(f"&#{byte};" for byte in raw)
    yield "numbered entities, hex", "".join(f"&#x{byte:X};" for byte in raw)
    yield "JSON", json.dumps(secret)[1:-1]
    yield "JSON, every character", "".join(f"\\u{byte:04x}" for byte in raw)
    yield "repr", repr(secret)[1:-1]


@pytest.mark.parametrize("secret", [TOKEN, OPENROUTER, PASSWORD], ids=["token", "key", "password"])
@pytest.mark.parametrize("say", SAID)
def test_no_disguise_of_a_secret_is_rendered_back_into_it(secret: str, say: Callable[[str], str]) -> None:
    for name, disguise in disguises(secret):
        said = say(REDACT(f"before {disguise} after"))
        assert secret not in as_read(said), name
        assert disguise not in said, name
        assert "redacted" in said, name
        assert "before" in said, name
        assert "after" in said, name


@pytest.mark.parametrize("secret", [PASSWORD, PEM, "hunter2", "kurz-ünd-güt"])
@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes, bytes.hex])
def test_exact_values_are_found_when_they_are_encoded(
    secret: str, before: str, encode: Callable[[bytes], bytes | str]
) -> None:
    """At whatever place of three bytes they begin, and wrapped as `base64` wraps lines."""
    encoded = encode(f"{before}{secret} and more".encode())
    text = encoded if isinstance(encoded, str) else encoded.decode()
    redacted = Redactor((secret,))(f"x {text} y")
    assert "[redacted]" in redacted
    assert longest_common(text, redacted) < 20, redacted
    for form in (text.upper(), quote(text, safe="")) if encode is bytes.hex else (quote(text, safe=""),):
        assert "[redacted]" in Redactor((secret,))(form)


def longest_common(one: str, other: str) -> int:
    """Of a piece of one text in the other; "and more" stays, in whatever encoding, and so does the prefix."""
    kept = re.split(r"\[redacted\]|\s", other)
    return max(len(piece) for piece in kept if piece in one)


def test_a_part_of_a_key_of_many_lines_is_found() -> None:
    assert Redactor((PEM,))(f"the log began later: {PEM.splitlines()[2]}") == "the log began later: [redacted]"


@pytest.mark.parametrize(
    "text",
    [
        "100%25 of 3 &amp; 4, a\\_b, \\u00e9, na\u00efve, two\nlines, tab\t, \u0440\u0443\u0441",
        "ghs\\_short and sk\\-or\\-short",
        "aGVsbG8gd29ybGQsIHRoaXMgaXMgbm8gc2VjcmV0",
        "zero\u200bwidth stays: who shows it says so",
    ],
)
def test_all_other_text_stays_as_it_is(text: str) -> None:
    assert REDACT(text) == text


def test_a_secret_is_gone_before_the_text_is_cut() -> None:
    """Cut first, neither its value nor its shape would be found, and half of it would be shown."""
    facts = REDACT.facts(replace(decided(), solve=solve("x" * 180 + " " + PASSWORD)))
    for text in (
        pull_request.pull_title(facts),
        pull_request.commit_message(facts),
        pull_request.pull_body(facts, branch="b", verified=True),
    ):
        assert PASSWORD[:12] not in as_read(text)


def test_nothing_of_a_solve_shows_a_secret() -> None:
    """In every text that its facts hold, however deep, in everything that is rendered from them."""
    for secret in (TOKEN, PASSWORD):
        for name, disguise in disguises(secret):
            facts = REDACT.facts(full_of(disguise))
            for text in everything(facts):
                assert secret not in as_read(text), name
                assert disguise not in text, name


def full_of(text: str) -> SolveFacts:
    champion, other = decided().runs
    assert champion.candidate is not None
    assert champion.evidence is not None
    assert other.candidate is not None
    assert other.evidence is not None
    facts = decided()
    assert facts.decision is not None
    assert facts.baseline is not None
    change = replace(champion.candidate.changes[0], path=f"src/{text}.py")
    told = replace(champion.candidate, summary=text, changes=(change,))
    shown = replace(other.candidate, patch=f"+{text}\n", changes=(change,))
    return replace(
        facts,
        solve=solve(f"It breaks {text}"),
        runs=(
            replace(champion, candidate=told, error=text),
            replace(other, candidate=shown, evidence=replace(other.evidence, notes=(text,), regressions=(text,))),
            run(3, last_command=text),
        ),
        decision=replace(facts.decision, reasons=(text,), others=(text,), uncertain=(text,)),
        baseline=replace(facts.baseline, command=text, tail=text, note=text, tried=(text,)),
        notes=(text,),
        error=text,
        ended_by=text,
    )


def everything(facts: CleanFacts) -> Iterator[str]:
    yield status.status_comment(facts)
    yield pull_request.pull_title(facts)
    yield pull_request.commit_message(facts)
    yield pull_request.pull_body(facts, branch="b", verified=False)
    yield pull_request.branch_name("solvebot/{issue}-{slug}", 7, Clean(facts.solve.issue_title))
    yield replies.explanation(facts)
    yield replies.status_reply(facts)


def test_a_branchs_name_holds_no_secret() -> None:
    name = pull_request.branch_name("solvebot/{issue}-{slug}", 7, REDACT(f"Leaks {TOKEN}"))
    assert name == "solvebot/7-leaks-redacted"


@given(st.text(st.characters()), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_can_be_redacted(text: str, exact: list[str]) -> None:
    redact = Redactor(tuple(exact))
    redacted = redact(text)
    for secret in exact:
        if len(secret) >= 6 and secret not in "[redacted]":
            assert secret not in redacted


@given(st.text(st.sampled_from("ab_\\%5F&#x;u0\u200b\x1b[m \n"), max_size=60))
def test_escapes_in_any_order_can_be_redacted(text: str) -> None:
    assert "a_b_a_b_" not in as_read(Redactor(("a_b_a_b_",))(text))


# ------------------------------------------------------------------------------------ The order, as a matter of types

OURS = {
    "marker",
    "incident",
    "template",
    "branch",
    "delivery",
    "path",
    "site",
    "words",
    "message",
    "author",
}  # names that we gave, or the operator


def test_who_speaks_takes_only_what_was_redacted() -> None:
    """A new sentence with outside text in it cannot be given a text that is not."""
    for module in (status, pull_request, replies):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or name.startswith("_"):
                continue
            for parameter in inspect.signature(function).parameters.values():
                words = set(re.findall(r"\w+", str(parameter.annotation)))
                if parameter.name not in OURS:
                    assert not words & {"str", "SolveFacts"}, f"{module.__name__}.{name}({parameter})"


def test_only_the_path_makes_what_was_redacted() -> None:
    root = Path(bot.__file__).parent
    makers = [path for path in root.rglob("*.py") if re.search(r"\bClean(Facts)?\(", path.read_text())]
    assert makers == [root / "core" / "text" / "outgoing.py"]


@given(
    st.lists(
        st.sampled_from(
            [
                "",
                "tests/test_a.py::test_b",
                "&",
                "\\",
                "%4",
                "1",
                TOKEN,
                TOKEN[:9],
                TOKEN[9:],
                PASSWORD,
                *PEM.split("\n"),
            ]
        ),
        max_size=20,
    )
)
def test_many_texts_are_what_each_of_them_is(texts: list[str]) -> None:
    each = [REDACT(text) for text in texts]
    assert REDACT.within(texts) == each
    assert REDACT.within(tuple(texts)) == tuple(each)
    assert REDACT.within(dict(enumerate(texts))) == dict(enumerate(each))
    assert REDACT.within(dict(zip(texts, texts, strict=True))) == dict(zip(each, each, strict=True))
    assert REDACT.within(frozenset(texts)) == frozenset(each)


def test_thousands_of_names_are_looked_at_once() -> None:
    names = [f"tests/test_{number}.py::test_it[{number}]" for number in range(8000)]
    with counted(redact) as work:
        REDACT.within(names)
        REDACT.within(list(names))
    assert work == {"redact": 1}
