"""What of an issue reaches the agent: what a person sees of it."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from bot.core.render.omitted_text import not_shown
from bot.core.text.cleaning import clean_text, cleaned, freeze, shorten, visible


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


UNSEEN = [
    ("a [](http://a/HIDDEN) b", "a  b", "1 link without a text"),
    ("a [ \u200b&nbsp;&#8203; ](http://a/HIDDEN 'HIDDEN') b", "a  b", "1 link without a text"),
    ("a [<b></b><!-- HIDDEN -->](http://a/HIDDEN) b", "a  b", "1 link without a text"),
    ("a [** **](<HIDDEN too>) b [](x)", "a  b ", "2 links without a text"),
    ("a [][HIDDEN] b\n\n[HIDDEN]: http://a/b", "a  b", "1 link without a text"),
    ("[![](a.png)](b) and [x](y)", "[(image)](b) and [x](y)", ""),
    ("[see][HIDDEN]\n\n[hidden]: http://a/b", "[see]", ""),
    ("[see](<HIDDEN and spaces>)", "[see]()", ""),
    ("<p hidden>HIDDEN</p> seen", " seen", "1 hidden element"),
    (
        "<div hidden>\n\nHIDDEN *and*\n\n```\nHIDDEN\n```\n\n<div>HIDDEN</div>\n\n</div>\n\nseen",
        "seen",
        "1 hidden element",
    ),
    ("a <span hidden='until-found'>HIDDEN <span>HIDDEN</span> HIDDEN</span> b", "a  b", "1 hidden element"),
    ("a <span HIDDEN=''>HIDDEN</span> b", "a  b", "1 hidden element"),
    ("<style>\nHIDDEN\n\nHIDDEN\n</style>\nseen", "seen", "1 hidden element"),
    ("a <style>HIDDEN <style></style> seen", "a  seen", "1 hidden element"),
    ("<template>\n\nHIDDEN\n\n</template>\n\nseen", "seen", "1 hidden element"),
    ("a <script>HIDDEN</script><noscript>HIDDEN</noscript> b", "a  b", "2 hidden elements"),
    ("<svg><title>HIDDEN</title><text>HIDDEN</text></svg> seen", " seen", "1 hidden element"),
    ("<dialog>HIDDEN</dialog><dialog open>seen</dialog>", "<dialog>seen</dialog>", "1 hidden element"),
    ("<span style='display : none'>HIDDEN</span> seen", " seen", "1 hidden element"),
    ('<span style="color: #FFF">HIDDEN</span> seen', " seen", "1 hidden element"),
    ("<span style=font-size:0px>HIDDEN</span> seen", " seen", "1 hidden element"),
    ("<font color=white>HIDDEN</font> seen", " seen", "1 hidden element"),
    ("<font color='#ffffff'>HIDDEN</font> <font color=red>red</font>", " <font>red</font>", "1 hidden element"),
    ("<iframe width=0 height=0>HIDDEN</iframe><video>HIDDEN</video> seen", " seen", "2 hidden elements"),
    ("<select><option>HIDDEN</option></select> seen", " seen", "1 hidden element"),
    ("a <template>HIDDEN\n\nHIDDEN", "a ", "1 hidden element"),
    ("<input hidden> seen <br hidden> seen", "<input> seen <br> seen", ""),
    ("`<p hidden>` is code, \\<p hidden> is not a tag", "`<p hidden>` is code, \\<p hidden> is not a tag", ""),
    ("<span title='is hidden'>seen</span>", "<span>seen</span>", ""),
    (
        "<details>\n<summary>Log</summary>\n\nfolded\n</details>",
        "<details>\n<summary>Log</summary>\n\nfolded\n</details>",
        "",
    ),
    ("x $\\phantom{HIDDEN {HIDDEN}} y$ z", "x $\\phantom y$ z", "1 hidden part of a formula"),
    ("$\\hphantom{HIDDEN}$ $\\vphantom {HIDDEN}$", "$\\hphantom$ $\\vphantom $", "2 hidden parts of formulas"),
    ("$\\color{white}{HIDDEN}$ seen", "$\\color{white}$ seen", "1 hidden part of a formula"),
    ("${\\color{white} HIDDEN} y$ seen", "${\\color{white}} y$ seen", "1 hidden part of a formula"),
    ("$\\textcolor{#FFFFFF}{HIDDEN} y$", "$\\textcolor{#FFFFFF} y$", "1 hidden part of a formula"),
    ("$\\color[rgb]{1,1,1} HIDDEN$ seen", "$\\color[rgb]{1,1,1}$ seen", "1 hidden part of a formula"),
    ("$\\textcolor[HTML]{fefefe}{HIDDEN}$", "$\\textcolor[HTML]{fefefe}$", "1 hidden part of a formula"),
    ("$\\textcolor{transparent}{HIDDEN}$", "$\\textcolor{transparent}$", "1 hidden part of a formula"),
    ("$\\colorbox{black}{HIDDEN}$", "$\\colorbox{black}$", "1 hidden part of a formula"),
    ("$\\color{red}{seen} \\text{seen}$", "$\\color{red}{seen} \\text{seen}$", ""),
    ("$\\label{HIDDEN} x$", "$\\label x$", "1 hidden part of a formula"),
    ("$$\nx % HIDDEN\ny\n$$", "$$\nx \ny\n$$", "1 hidden part of a formula"),
    ("$`\\phantom{HIDDEN}`$", "$`\\phantom`$", "1 hidden part of a formula"),
    ("it costs $5, `\\phantom{x}` in code", "it costs $5, `\\phantom{x}` in code", ""),
    ("\\phantom{x} without a formula", "\\phantom{x} without a formula", ""),
    ("$\\phantom{HIDDEN HIDDEN", "$\\phantom", "1 hidden part of a formula"),
    ("```math\nx \\phantom{HIDDEN} % HIDDEN\n```", "```math\nx \\phantom \n```", "2 hidden parts of formulas"),
    ("```python HIDDEN {HIDDEN}\nx = 1\n```", "```python\nx = 1\n```", "1 remark behind the language of a code block"),
    ("- ~~~ py HIDDEN\n  x = 1\n  ~~~", "- ~~~ py\n  x = 1\n  ~~~", "1 remark behind the language of a code block"),
    ("```mermaid\ngraph TD\n%% HIDDEN\nA-->B\n```", "```mermaid\ngraph TD\nA-->B\n```", "1 comment in a diagram"),
    ('```geojson\n{"HIDDEN": 1}\n```', "```geojson\n(drawn data left out)\n```", "1 map or model"),
    (
        "| a | b |\n|---|---|\n| 1 | 2 | HIDDEN |\n| 3 | 4 |",
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |",
        "1 table cell without a column",
    ),
    ("a | b\n-|-\n1 | 2 | HIDDEN", "a | b\n-|-\n1 | 2 |", "1 table cell without a column"),
    ("> | a |\n> |---|\n> | 1 \\| 1 | HIDDEN", "> | a |\n> |---|\n> | 1 \\| 1 |", "1 table cell without a column"),
    ("a | b | c\nno | table | here", "a | b | c\nno | table | here", ""),
    ("seen[^1]\n\n[^1]: seen too, in the end", "seen[^1]\n\n[^1]: seen too, in the end", ""),
    ("seen\n\n[^x]: HIDDEN where nobody looks", "seen", "1 footnote that nothing refers to"),
]


@pytest.mark.parametrize(("written", "read", "told"), UNSEEN)
def test_what_the_page_does_not_show_is_dropped_and_counted(written: str, read: str, told: str) -> None:
    found = cleaned(written)
    assert found.text == read
    assert "HIDDEN" not in clean_text(f"before\n\n{written}")
    assert not_shown(found.dropped) == ((f"{told}, which GitHub does not show",) if told else ())


def test_people_are_told_how_much_of_an_issue_and_its_comments_was_dropped() -> None:
    task = frozen(solve(body="a [](x) [](y) <p hidden>z</p>"), Remark("someone", "$\\phantom{x}$ <!-- a --> b", NOW))
    told = "1 hidden element, 2 links without a text and 1 hidden part of a formula, which GitHub does not show"
    assert task.left_out == (told,)


@pytest.mark.parametrize(
    "piece",
    [
        "[](",
        "[ ](a)",
        "<p hidden>",
        "</p>",
        "$\\phantom{",
        "\\color{white}",
        "$",
        "{",
        "|",
        "|-|\n",
        "[^a]: b\n\n",
        "`$",
        "<b ",
    ],
)
def test_hidden_things_by_the_thousand_take_linear_time(piece: str) -> None:
    def cost(size: int) -> float:
        took = []
        for _ in range(3):
            before = time.process_time()
            clean_text(piece * (size // len(piece)))
            took.append(time.process_time() - before)
        return min(took)

    assert cost(60_000) < 50 * max(cost(6_000), 0.002)


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
