"""Our globs mean what git means: the same patterns and paths, asked of `git check-ignore`."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.candidate.untracked_files import Scratch
from bot.core.globs import covers, parse_globs

# One or two a line would be pages of nothing: words between blanks.
PATH_WORDS = r"""
a b ab ba abc a.b !a #a a*b a[b a\ é .a -a A a- ] ^ a/a a/b b/a ab/a a/ab a/.a a/b/a a/b/b b/b/a a/a/a/b a/b/a/b/a
b/a/b/ab a/b/c/d/e/ab aaa/b aa/bb/a
"""
LINE_WORDS = r"""
a /a a/ /a/ * /* ** /** a* *a *a* ? ?? a? [ab] [!a] [^a] [a-c]* [c-a] []a] []-a] [a-] [!]a] [ [a a[ [] [!] [[:alpha:]]*
[[:digit:]] [[:nope:]] [\]] [*] a[*]b a\*b a\[b \a \!a \#a #a !a a\ a\\ a/* a/** **/a **/a/ a/**/a a/**/b **/b/**/a
**/a/** */a */*/a a/*/a */**/a **/*b a** **a a**b a/**b *** /***/ a//b //a a/b/ *.b *b/ *a*b* é ?é .*
"""
PATHS = [*PATH_WORDS.split(), "a b", "a "]
LINES = [*LINE_WORDS.split(), "a\\ ", "a ", "a  ", "\ta", "a\r"]

# Git compares what comes before the first star literally and forgets it, so that `a**/b` matches `ab` (dir.c,
# match_pathname); and it takes a slash in brackets for one of the characters. Nobody means that, or escapes a
# slash.
FORGOTTEN = re.compile(r"[^/*!]\*\*|\[[^\]]*/|\[\]|\\/")


def git_says(directory: Path, text: str, paths: list[str]) -> dict[str, bool]:
    (directory / ".gitignore").write_bytes(text.encode())
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    command = [
        "git",
        "-C",
        str(directory),
        "check-ignore",
        "--no-index",
        "--verbose",
        "--non-matching",
        "--stdin",
        "-z",
    ]
    asked = "".join(f"{path}\0" for path in paths).encode()
    done = subprocess.run(command, input=asked, capture_output=True, check=False, env=environment)
    assert done.returncode in (0, 1), done.stderr
    fields = done.stdout.decode().split("\0")
    said = zip(fields[2::4], fields[3::4], strict=False)
    return {path: bool(pattern) and not pattern.startswith("!") for pattern, path in said}


def we_say(text: str, paths: list[str]) -> dict[str, bool]:
    globs = parse_globs(text)
    return {path: covers(globs, path) for path in paths}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("ignoring")
    subprocess.run(["git", "init", "-q", str(directory)], check=True)
    return directory


@pytest.mark.parametrize("line", LINES)
def test_one_line(directory: Path, line: str) -> None:
    assert we_say(line, PATHS) == git_says(directory, line, PATHS)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(["", "", "!"]), st.sampled_from(LINES)), min_size=2, max_size=6))
def test_lines_together(directory: Path, lines: list[tuple[str, str]]) -> None:
    text = "".join(f"{sign}{line}\n" for sign, line in lines)
    assert we_say(text, PATHS) == git_says(directory, text, PATHS)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.text("ab*?/[]!-\\.", min_size=1, max_size=8), min_size=1, max_size=3))
def test_any_line(directory: Path, lines: list[str]) -> None:
    text = "\n".join(line for line in lines if not FORGOTTEN.search(line))
    assert we_say(text, PATHS) == git_says(directory, text, PATHS)


def test_gitignore_files_at_all_levels(directory: Path) -> None:
    rules = {
        ".gitignore": "*.log\n!keep.log\n/out/\n!/out/keep/\n/gen/*\n!/gen/README\nsub/deep/*.txt\n",
        "sub/.gitignore": "!*.log\nsecret.log\n/only-here\n",
        "sub/deep/.gitignore": "*\n!*.txt\n!/more/\n",
        "out/.gitignore": "!*\n",
    }
    directories = ["", "sub/", "sub/deep/", "sub/deep/more/", "out/", "out/keep/", "gen/", "gen/x/", "other/sub/"]
    names = ["a.log", "keep.log", "secret.log", "only-here", "README", "a.txt", "x.py"]
    paths = [directory + name for directory in directories for name in names]
    for path, text in rules.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    scratch = Scratch([], rules)
    assert {path: path in scratch for path in paths} == git_says(directory, rules[".gitignore"], paths)
