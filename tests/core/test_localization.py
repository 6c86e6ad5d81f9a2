"""Where an issue points to: stack traces as people paste them, words, past fixes."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.localization import (
    MAX_KEYWORDS,
    MAX_NAMED,
    MAX_RANKED,
    NamedFile,
    keywords,
    localize,
    named_files,
    rank,
    similar_commits,
)
from bot.core.model import RepoConfig, Sha, SolveOptions, Task

PYTHON = """
Traceback (most recent call last):
  File "/home/me/venv/bin/app", line 8, in <module>
    sys.exit(main())
  File "/home/me/venv/lib/python3.11/site-packages/app/cli.py", line 31, in main
    print(total(load_rows(path)))
  File "/home/me/venv/lib/python3.11/site-packages/app/reader.py", line 12, in load_rows
    return [parse_row(line) for line in handle]
  File "/usr/lib/python3.11/csv.py", line 111, in __next__
    row = next(self.reader)
app.errors.RowError: cannot parse row 17 of "bad.csv"
"""
NODE = """
TypeError: Cannot read properties of undefined (reading 'name')
    at formatUser (/srv/shop/src/users/format.js:14:22)
    at file:///srv/shop/src/index.mjs:3:1
    at Module._compile (node:internal/modules/cjs/loader:1376:14)
    at Layer.handle (/srv/shop/node_modules/express/lib/router/layer.js:95:5)
"""
GO = """
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
github.com/acme/tool/internal/table.(*Table).Cell(0xc0000b2000, 0x3)
\t/build/tool/internal/table/table.go:57 +0x1d
main.main()
\t/build/tool/main.go:12 +0x2b
\t/usr/local/go/src/runtime/proc.go:267 +0x2bb
"""
JAVA = """
Exception in thread "main" java.lang.IllegalStateException: no such column
\tat com.acme.report.Columns.find(Columns.java:42)
\tat com.acme.report.Report$Builder.lambda$build$0(Report.java:88)
\tat java.base/java.util.ArrayList.forEach(ArrayList.java:1596)
"""
RUST = """
thread 'main' panicked at crates/parse/src/lexer.rs:101:9:
called `Option::unwrap()` on a `None` value
   3: parse::lexer::next_token
             at ./crates/parse/src/lexer.rs:101:9
   4: core::panicking::panic
             at /rustc/abc/library/core/src/panicking.rs:72:14
"""
RUBY = """
/app/lib/shop/cart.rb:23:in `add': undefined method `price' for nil (NoMethodError)
\tfrom /app/bin/shop:9:in `<main>'
\tfrom /usr/lib/ruby/gems/3.1.0/gems/rack-3.0/lib/rack/cart.rb:5:in `call'
"""


@pytest.mark.parametrize(
    ("text", "paths", "named"),
    [
        (
            PYTHON,
            ["src/app/cli.py", "src/app/reader.py", "csv.py", "docs/reader.py", "tests/bad.csv"],
            [
                NamedFile("src/app/cli.py", (31,)),
                NamedFile("src/app/reader.py", (12,)),
                NamedFile("tests/bad.csv"),
            ],
        ),
        (
            NODE,
            ["src/users/format.js", "src/index.mjs", "lib/layer.js", "src/orders/format.js"],
            [NamedFile("src/users/format.js", (14,)), NamedFile("src/index.mjs", (3,))],
        ),
        (
            GO,
            ["internal/table/table.go", "main.go", "cmd/main.go", "proc.go"],
            [NamedFile("internal/table/table.go", (57,)), NamedFile("main.go", (12,))],
        ),
        (
            JAVA,
            [
                "core/src/main/java/com/acme/report/Columns.java",
                "src/main/java/com/acme/report/Report.java",
                "src/main/java/com/acme/other/Columns.java",
                "ArrayList.java",
            ],
            [
                NamedFile("core/src/main/java/com/acme/report/Columns.java", (42,)),
                NamedFile("src/main/java/com/acme/report/Report.java", (88,)),
                NamedFile("ArrayList.java", (1596,)),
            ],
        ),
        (
            RUST,
            ["crates/parse/src/lexer.rs", "crates/other/src/lexer.rs", "panicking.rs"],
            [NamedFile("crates/parse/src/lexer.rs", (101,))],
        ),
        (RUBY, ["lib/shop/cart.rb", "cart.rb"], [NamedFile("lib/shop/cart.rb", (23,))]),
        ("see config.toml.", ["etc/config.toml"], [NamedFile("etc/config.toml")]),
        ("`src\\\\app\\\\a.py:3`", ["src/app/a.py"], [NamedFile("src/app/a.py", (3,))]),
        ("C:\\\\w\\\\repo\\\\src\\\\a.py", ["src/a.py"], [NamedFile("src/a.py")]),
        ("https://git.example/o/r/blob/main/src/a.py#L10-L12", ["src/a.py"], [NamedFile("src/a.py", (10,))]),
        ("a/b.py:1 and a/b.py:9, b.py:1", ["a/b.py"], [NamedFile("a/b.py", (1, 9))]),
        ("in __init__.py", [f"p{n}/__init__.py" for n in range(4)], []),
        ("in __init__.py", [f"p{n}/__init__.py" for n in range(2)], [NamedFile(f"p{n}/__init__.py") for n in range(2)]),
        ("the Makefile and e.g. ./x or ..", ["Makefile", "x/y", "e.g"], [NamedFile("e.g")]),
        ("naïve/größe.py:4", ["src/naïve/größe.py"], [NamedFile("src/naïve/größe.py", (4,))]),
        ("", ["a.py"], []),
    ],
)
def test_named_files(text: str, paths: list[str], named: list[NamedFile]) -> None:
    assert named_files(text, paths) == named


def test_named_files_are_capped() -> None:
    paths = [f"a/f{number}.py" for number in range(100)]
    assert len(named_files(" ".join(paths), paths)) == MAX_NAMED


@pytest.mark.parametrize(
    ("title", "body", "first", "absent"),
    [
        (
            "load_rows crashes on empty lines",
            PYTHON,
            ["load_rows", "RowError", "parse_row", "cannot parse row"],
            ["import", "line", "Traceback", "python3", "home", "venv"],
        ),
        ("Totals are wrong", 'Call `total(rows)`; it says "sum of nothing".', ["sum of nothing", "total"], ["says"]),
        ("It does not work", "Please fix", [], ["work", "fix", "Please"]),
        ("Cart price", NODE, ["formatUser"], ["srv", "undefined (reading"]),
        (
            "Bug",
            "The `HTTPServer2` gives ConnectionResetError often",
            ["ConnectionResetError", "HTTPServer2"],
            ["often"],
        ),
        ("Bug", "see https://example.org/secretPath/camelCase", [], ["secretPath", "camelCase"]),
        ("Bug", "ValueError: row 3 is not a valid date", ["ValueError", "is not a valid date"], []),
        ("Größe falsch", "die Funktion größe_von", ["größe_von", "Größe"], []),
    ],
)
def test_keywords(title: str, body: str, first: list[str], absent: list[str]) -> None:
    words = keywords(title, body)
    assert set(first) <= set(words[: len(first) + 3]), words
    assert not set(absent) & set(words), words


def test_keywords_are_few_and_each_comes_once() -> None:
    words = keywords("x", " ".join(f"name_{number} NAME_{number}" for number in range(200)))
    assert len(words) == MAX_KEYWORDS
    assert len({word.casefold() for word in words}) == MAX_KEYWORDS


def test_rare_words_weigh_more_and_tests_less() -> None:
    paths = [f"src/m{number}.py" for number in range(40)] + ["src/rows.py", "tests/test_rows.py", "yarn.lock"]
    hits = {
        "value": dict.fromkeys(paths, 2),
        "parse_row": {"src/m1.py": 3, "tests/test_rows.py": 9, "yarn.lock": 50},
    }
    ranked = rank(paths, hits, [])
    assert [file.path for file in ranked][:2] == ["src/m1.py", "tests/test_rows.py"]
    assert ranked[0].why == "has parse_row, value"
    assert "yarn.lock" not in [file.path for file in ranked]
    assert len(ranked) == MAX_RANKED


def test_a_word_in_the_path_and_a_name_in_the_issue_count() -> None:
    paths = ["src/reader.py", "src/writer.py", "src/other.py", "docs/reader.md", "vendor/reader.py"]
    hits = {"reader": {"src/other.py": 5}, "nothing": {}}
    ranked = rank(paths, hits, [NamedFile("src/writer.py", (3,))])
    assert [file.path for file in ranked] == [
        "src/writer.py",
        "src/reader.py",
        "src/other.py",
        "docs/reader.md",
        "vendor/reader.py",
    ]
    assert ranked[0].why == "named in the issue"


def test_what_is_not_in_the_repository_is_not_ranked() -> None:
    assert rank(["a.py"], {"word": {"gone.py": 3}}, [NamedFile("also_gone.py")]) == []


@dataclass(frozen=True)
class Past:
    sha: Sha
    subject: str
    paths: tuple[str, ...]


HISTORY = [
    Past(Sha("1" * 40), "Fix crash on empty rows in CSV reader", ("src/reader.py", "tests/test_reader.py")),
    Past(Sha("2" * 40), "Add CSV reader", ("src/reader.py",)),
    Past(Sha("3" * 40), "Fix typo in reader", ("src/reader.py",)),
    Past(Sha("4" * 40), "Merge pull request #3 from fix/reader", ("src/reader.py",)),
    Past(Sha("5" * 40), "Handle missing header (#12)", ("src/reader.py", *(f"x{n}.py" for n in range(60)))),
    Past(Sha("6" * 40), "Fix colour of the logo", ("logo.svg",)),
    Past(Sha("7" * 40), "Prevent a reader from closing CSV files twice", ("src/files.py",)),
    Past(Sha("8" * 40), "Fix the reader's licence header", ("LICENSE",)),
]


def test_similar_fixes_share_words_or_files() -> None:
    fixes = similar_commits(HISTORY, ["CsvReader", "empty", "row"], ["src/reader.py"])
    assert [fix.sha[0] for fix in fixes] == ["1", "7", "5"]
    assert fixes[0].subject == "Fix crash on empty rows in CSV reader"
    assert len(fixes[2].paths) == 5


def test_no_words_and_no_files_find_no_fixes() -> None:
    assert similar_commits(HISTORY, [], []) == []
    assert similar_commits([], ["CsvReader"], ["src/reader.py"]) == []


def task(title: str, body: str) -> Task:
    return Task(title, body, (), "main", Sha("a" * 40), RepoConfig(), SolveOptions(), "d" * 64)


def test_localisation_puts_it_together() -> None:
    paths = ["src/app/reader.py", "src/app/cli.py", "src/app/total.py", "README.md"]
    hits = {"load_rows": {"src/app/reader.py": 1, "src/app/cli.py": 2}, "RowError": {"src/app/reader.py": 2}}
    history = [Past(Sha("1" * 40), "Fix row numbers", ("src/app/reader.py",))]
    found = localize(task("load_rows crashes", PYTHON), paths, hits, history)
    assert [file.path for file in found.named] == ["src/app/cli.py", "src/app/reader.py"]
    assert found.ranked[0].path == "src/app/reader.py"
    assert found.ranked[0].why == "has RowError, load_rows"
    assert [fix.subject for fix in found.fixes] == ["Fix row numbers"]
    assert localize(task("load_rows crashes", PYTHON), paths, hits, history) == found


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters()), st.lists(st.text(min_size=1, max_size=12), max_size=5))
def test_no_text_makes_it_raise(text: str, paths: list[str]) -> None:
    named = named_files(text, paths)
    hits = {word: dict.fromkeys(paths, 1) for word in keywords(text, text)}
    assert len(rank(paths, hits, named)) <= MAX_RANKED
