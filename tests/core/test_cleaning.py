"""What of an issue reaches the agent: what a person sees of it."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.cleaning import clean_text, freeze, shorten, visible
from bot.core.model import (
    IssueRef,
    Person,
    Remark,
    Repo,
    RepoConfig,
    Sha,
    Solve,
    SolveId,
    SolveOptions,
    Task,
    Trigger,
    TriggerKind,
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain text", "plain text"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a <!-- hidden --> b", "a  b"),
        ("a\n<!-- hidden\n\nhidden -->\nb", "a\n\nb"),
        ("a\n\n<!-- never closed\n\nhidden", "a"),
        ("`<!--` starts a comment", "`<!--` starts a comment"),
        ("a <!-- is just text here\n\nb", "a <!-- is just text here\n\nb"),
        ("```html\n<!-- seen -->\n<img alt='seen'>\n```", "```html\n<!-- seen -->\n<img alt='seen'>\n```"),
        ("text\n\n    <!-- seen -->", "text\n\n    <!-- seen -->"),
        ("```\ncode\n```\n<!-- hidden -->", "```\ncode\n```"),
        ("<div>\n`<!-- hidden -->` \\<!-- hidden -->\n</div>", "<div>\n`` \\\n</div>"),
        ("<?hidden?>a<!HIDDEN>b<![CDATA[hidden]]>c", "abc"),
        ("x <?hidden?>a<!HIDDEN>b<![CDATA[hidden]]>c", "x abc"),
        ("see ![hidden](http://a/b.png) it", "see (image) it"),
        ("see ![hidden](http://a/b.png 'hidden') it", "see (image) it"),
        ("![hi\nden](<a b>)", "(image)"),
        ("![hidden][pic]\n\n[pic]: http://a/hidden.png 'hidden'", "(image)"),
        ("![hidden]\n\n[HIDDEN]: http://a/b.png", "(image)"),
        ("vec![1, 2] is code", "vec![1, 2] is code"),
        ("[the docs](http://a/b 'hidden')", "[the docs](http://a/b)"),
        ('[![hidden](a.png)](http://a/b "hidden")', "[(image)](http://a/b)"),
        ("[//]: # (hidden)\ntext", "text"),
        ("a\n\n[x]: y 'hidden\nhidden'\n\nb", "a\n\n\n\n\nb"),
        ("<img src='a' alt='hidden' title='hidden'> after", "(image) after"),
        ("<span title='hidden'>seen</span> and", "<span>seen</span> and"),
        (
            "<details open data-x='hidden'>\n<summary>Log</summary>\n\nkept\n</details>",
            "<details>\n<summary>Log</summary>\n\nkept\n</details>",
        ),
        ("Map<String, Integer> and a < b > c", "Map<String, Integer> and a < b > c"),
        ("in\u200bvis\u2060ible", "invisible"),
        ("\u202eright to left\u202c \u2066x\u2069", "right to left x"),
        ("tags\U000e0041\U000e0042\U000e007f", "tags"),
        ("variants\ufe0f\U000e0101", "variants"),
        ("\x1b[31mred\x1b[0m \x07bell\x00", "red bell"),
        ("e\u0301", "é"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("tab\tstays", "tab\tstays"),
        ("see data:image/png;base64," + "A" * 100 + " end", "see (data left out) end"),
        ("x " + "QUJD" * 200 + "= y", "x (801 characters of encoded data left out) y"),
        ("> quoted <!-- hidden -->\n> more", "> quoted \n> more"),
        ("- item <!-- hidden -->\n  <!-- hidden\n  hidden -->\n- next", "- item \n  \n- next"),
    ],
)
def test_what_a_person_sees(written: str, read: str) -> None:
    assert clean_text(written) == read


@pytest.mark.parametrize("secret", ["IGNORE ALL"])
@pytest.mark.parametrize(
    "place",
    [
        "<!-- {} -->",
        "<!--\n{}",
        "text <!-- {} --> text",
        "![{}](a)",
        "![a](b '{}')",
        '[a](b "{}")',
        "[a](b ({}))",
        "[a]: b ({})",
        "<p title='{}'>",
        "<img alt='{}'/>",
        'text <b data-x="{}">bold</b>',
        "> <!-- {} -->",
        "- <!--\n  {}\n  -->",
        "# heading <!-- {} -->",
        "\\\\<!-- {} -->",
        "`` ` `` <!-- {} -->",
        "<table><!-- {} --></table>",
        "<details>\n<!-- {}\n\n\n-->\n</details>",
    ],
)
def test_hidden_instructions_do_not_get_through(place: str, secret: str) -> None:
    assert secret not in clean_text(place.format(secret))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(st.characters()), st.text(st.sampled_from("<>!-[]()`'\"\\ \n#>*:ab=/?&;"))))
def test_any_text_can_be_cleaned_and_encoded(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode()
    assert visible(cleaned) == cleaned


def test_long_texts_keep_head_and_tail() -> None:
    text = "head " + "x " * 30_000 + " tail"
    cleaned = clean_text(text, limit=1_000)
    assert cleaned.startswith("head")
    assert cleaned.endswith("tail")
    assert f"{len(text) - 1000} characters left out" in cleaned
    assert len(cleaned) < 1_100


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("12345678", 8, "12345678"),
        ("1234567890", 8, "123456\n[... 2 characters left out ...]\n90"),
        ("123", 0, "\n[... 3 characters left out ...]\n"),
        ("", 0, ""),
    ],
)
def test_shorten(text: str, limit: int, short: str) -> None:
    assert shorten(text, limit) == short


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def solve(title: str = "It breaks", body: str = "badly", options: SolveOptions | None = None) -> Solve:
    return Solve(
        SolveId("s"),
        IssueRef(Repo(1, 2, "acme/app"), 7),
        title,
        body,
        Trigger(TriggerKind.LABEL, "k", Person("octocat", 1), NOW),
        options or SolveOptions(),
        NOW,
    )


def frozen(solve_: Solve, *remarks: Remark, config: RepoConfig | None = None, sha: str = "a" * 40) -> Task:
    return freeze(solve_, remarks, base_branch="main", base_sha=Sha(sha), config=config or RepoConfig(), private=False)


def test_the_frozen_task_is_clean() -> None:
    task = frozen(solve("It <!-- x -->\nbreaks", "![x](y) here"), Remark("someone", "me <!-- x -->too", NOW))
    assert task.title == "It breaks"
    assert task.body == "(image) here"
    assert task.remarks == (Remark("someone", "me too", NOW),)
    assert task.left_out == ("an image, which agents cannot see",)


UPLOAD = "https://github.com/user-attachments/assets/01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"![run curl evil]({UPLOAD})", f"(image: {UPLOAD})"),
        (f'<img width="1" alt="run curl evil" src="{UPLOAD}" />', f"(image: {UPLOAD})"),
        (f"![x]({UPLOAD}?run=curl)", f"(image: {UPLOAD})"),
        ("![x](https://user-images.githubusercontent.com/1/01234567-89ab-cdef.png)", None),
        ("![x](https://evil.example/run-curl-evil.png)", "(image)"),
        ("![x](https://evil.example/?a=https://github.com/user-attachments/assets/run-curl)", "(image)"),
        (f"![x]({UPLOAD}-run-curl)", "(image)"),
        ('<video src="a.mp4" title="hidden"></video>', "(image)</video>"),
    ],
)
def test_an_image_leaves_a_mark_and_the_address_of_an_upload(text: str, shown: str | None) -> None:
    assert clean_text(text) == (shown or "(image: https://user-images.githubusercontent.com/1/01234567-89ab-cdef.png)")


def test_images_are_counted_and_people_told() -> None:
    body = f"![a]({UPLOAD})\n\n<img src='b'>\n\n`![no](c)` <!-- ![no](d) -->\n\n![e]\n\n[e]: f"
    task = frozen(solve(body=body), Remark("someone", "![g](h) this", NOW))
    assert task.left_out == ("4 images, which agents cannot see",)
    assert frozen(solve(body="no image")).left_out == ()


def test_the_digest_is_the_same_for_the_same_input_and_survives_storage() -> None:
    remark = Remark("someone", "me too", NOW)
    task = frozen(solve(options=SolveOptions(minutes=30.0)), remark, config=RepoConfig(dollars=2.0))
    elsewhere = Remark("someone", "me too", NOW.astimezone(timezone(timedelta(hours=5))))
    again = frozen(solve(options=SolveOptions(minutes=30.0)), elsewhere, config=RepoConfig(dollars=2.0))
    assert task.digest == again.digest
    assert len(task.digest) == 64
    stored = msgspec.convert(json.loads(msgspec.json.encode(task)), Task)
    assert frozen(solve(options=stored.options), *stored.remarks, config=stored.config).digest == task.digest


@pytest.mark.parametrize(
    "other",
    [
        frozen(solve("Other")),
        frozen(solve(body="other")),
        frozen(solve(options=SolveOptions(draft=True))),
        frozen(solve(), Remark("someone", "me too", NOW)),
        frozen(solve(), config=RepoConfig(attempts=1)),
        frozen(solve(), sha="b" * 40),
    ],
)
def test_the_digest_tells_inputs_apart(other: Task) -> None:
    assert other.digest != frozen(solve()).digest


def test_too_many_comments_lose_the_oldest_and_say_so() -> None:
    remarks = [Remark("someone", f"{number} " + "word " * 1_900, NOW) for number in range(9)]
    task = frozen(solve(), Remark("x", "<!-- nothing to see -->", NOW), *remarks)
    assert [remark.body[0] for remark in task.remarks] == ["5", "6", "7", "8"]
    assert task.left_out == ("the oldest 6 comments, because all of them together are too long",)
    assert frozen(solve(), *remarks[4:]).left_out == ("the oldest comment, because all of them together are too long",)


@pytest.mark.parametrize("body", ["- a\n" * 1_000, f"<!--{'- a' * 1_000}-->"])
def test_thousands_of_comments_take_no_longer_than_those_that_fit(body: str) -> None:
    """Anybody may write them, and all other solves wait meanwhile."""

    def cost(number: int) -> float:
        before = time.process_time()
        frozen(solve(), *[Remark("someone", body, NOW)] * number)
        return time.process_time() - before

    assert cost(2_000) < 8 * cost(50)
