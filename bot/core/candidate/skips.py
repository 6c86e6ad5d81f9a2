"""Lines that keep tests from running or from counting, by the customs of the file's own language.

A patch may say of a test that it adds where it cannot run: that silences nothing that ran before. Whoever skips a test
that was there, or makes the runner look at fewer of them, is out. What no pattern knows is found by its effect, when
the tests are run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from bot.core.candidate.testfiles import is_test_file, names_of_tests, sets_the_runner_up

_PYTHON = r"""
      pytest\.(?:mark\.)?(?:skip|skipif|xfail|importorskip)\b | \bmark\.(?:skip|skipif|xfail)\b
    | @(?:unittest\.)?(?:skip|skipIf|skipUnless|expectedFailure)\b | \bskipTest\( | \braise\s+(?:unittest\.)?SkipTest\b
    | \b__test__\s*=\s*False
"""
_SCRIPT = r"""
      \b(?:it|test|describe|suite|context|specify)\.(?:skip|todo|fixme|failing|skipIf|runIf)\b
    | ^\s*(?:xit|xdescribe|xtest|xcontext|xspecify)\b\s*[('"`]
"""
_JVM = r"@(?:Ignore|Disabled|DisabledIf|DisabledOnOs|EnabledIf)\b"
_RUBY = r"^\s*(?:skip|pending)\b(?:\s*$|[\s(]+['\"]) | ^\s*(?:xit|xdescribe|xcontext|xspecify)\b\s*[('\"]"
# These silence tests elsewhere as well, so they are no business of a test that is added.
_SCRIPT_ONLY = r"""
      \b(?:it|test|describe|suite|context|specify)\.only\b
    | ^\s*(?:fit|fdescribe|fcontext)\s*\(?\s*['"`]
"""
_RUBY_ONLY = r"^\s*(?:fit|fdescribe|fcontext)[\s(]+['\"]"
_SETTINGS = r"""
      (?:^|[\s'"=])--(?:ignore|ignore-glob|deselect)(?:[=\s'"]|$) | \btestPathIgnorePatterns\b
    | \bcollect_ignore(?:_glob)?\b | \bnorecursedirs\b
"""


def _patterns(of: dict[str, str]) -> dict[str, re.Pattern[str]]:
    return {suffix: re.compile(text, re.VERBOSE) for suffixes, text in of.items() for suffix in suffixes.split()}


_SKIPS = _patterns(
    {
        ".py": _PYTHON,
        ".js .jsx .ts .tsx .mjs .cjs .mts .cts": _SCRIPT,
        ".java .kt .scala .groovy": _JVM,
        ".go": r"\b[tb]\.Skip(?:f|Now)?\(",
        ".rs": r"\#\[ignore\b | \#\[cfg_attr\(.{0,80}ignore",
        ".rb": _RUBY,
        ".php": r"\bmarkTest(?:Skipped|Incomplete)\(",
        ".cs": r"\[(?:Ignore\b|(?:Fact|Theory)\(Skip)",
        ".swift": r"\bXCTSkip\b",
        ".exs": r"@(?:module)?tag\s+:?skip\b",
        ".bats": r"^\s*skip\b",
    }
)
_ONLY = _patterns({".js .jsx .ts .tsx .mjs .cjs .mts .cts": _SCRIPT_ONLY, ".rb": _RUBY_ONLY})
_SETS = re.compile(_SETTINGS, re.VERBOSE)
_NAME_IN_CALL = re.compile(r"\s*(?:x?(?:it|test|specify)(?:\.\w+)?|xit)\s*\(?\s*(['\"`])(.+?)\1")
_CLASS = re.compile(r"\s*(?:(?:public|final|abstract|internal|export|pub)\s+)*(?:class|mod)\s+\w")
_MARKER = re.compile(r"(?!pytestmark\b)\w+\s*=\s*pytest\.mark\.")  # a name for later use; it silences nothing by itself


def silenced(path: str, blocks: Sequence[Sequence[str]], *, is_new: bool, removed: Sequence[str] = ()) -> list[str]:
    """Of the lines added to a file, those that keep tests from running that the patch does not add.

    `blocks`: lines that stand together, in their order. `removed`: what the patch takes from the file.
    """
    suffix = PurePosixPath(path).suffix
    may_skip = (is_new and is_test_file(path)) or (sets_the_runner_up(path) and suffix != ".py")
    skips, only = None if may_skip else _SKIPS.get(suffix), _ONLY.get(suffix)
    found = []
    for block in blocks:
        for number, line in enumerate(block):
            elsewhere = (only and only.search(line)) or (sets_the_runner_up(path) and _SETS.search(line))
            skip = skips and skips.search(line) and not _is_of_new_test(path, block, number, removed)
            if elsewhere or skip:
                found.append(line.strip())
    return found


def skips_of_new_tests(path: str, blocks: Sequence[Sequence[str]], *, is_new: bool, removed: Sequence[str]) -> bool:
    """Does the patch skip, somewhere, a test that it adds itself?"""
    pattern = _SKIPS.get(PurePosixPath(path).suffix)
    return pattern is not None and any(
        pattern.search(line) and (is_new or _is_of_new_test(path, block, number, removed))
        for block in blocks
        for number, line in enumerate(block)
    )


_LOOKED_AT = 200  # lines around a marker: a test that is longer is not looked through


def _is_of_new_test(path: str, block: Sequence[str], number: int, removed: Sequence[str]) -> bool:
    """Does this line stand on, or in, a test that the same block adds?"""
    line = block[number]
    if _MARKER.match(line):
        return True
    if called := _NAME_IN_CALL.match(line):
        return _ends(block, number) and not any(called[2] in old for old in removed)
    if _is_annotation(line) and _annotates_new_test(path, block, number):
        return True
    for above, indentation in _enclosing(block, number):
        if _is_annotation(block[above]):
            return _annotates_new_test(path, block, above)
        if _begins_test(path, block[above]):
            return True
        if not indentation:
            break
    return False


def _enclosing(block: Sequence[str], number: int) -> Iterator[tuple[int, int]]:
    """The lines above that are less and less indented, with their indentation."""
    least = _indentation(block[number])
    for above in range(number - 1, max(-1, number - _LOOKED_AT), -1):
        if block[above].strip() and _indentation(block[above]) < least:
            least = _indentation(block[above])
            yield above, least


def _annotates_new_test(path: str, block: Sequence[str], number: int) -> bool:
    """The next line that stands as far to the left, and is no annotation or closing bracket, begins a test."""
    indentation = _indentation(block[number])
    for line in block[number + 1 : number + _LOOKED_AT]:
        if not line.strip() or _indentation(line) > indentation or _is_annotation(line) or line.strip()[0] in ")]}":
            continue
        return _indentation(line) == indentation and _begins_test(path, line)
    return False


def _ends(block: Sequence[str], number: int) -> bool:
    """A call whose end is added with it, so that it is no cloak over what was there."""
    indentation = _indentation(block[number])
    after = (line for line in block[number + 1 : number + _LOOKED_AT] if line.strip())
    closing = next((line for line in after if _indentation(line) <= indentation), "")
    return block[number].rstrip().endswith((")", ");")) or closing.strip().startswith(("}", ")", "end"))


def _is_annotation(line: str) -> bool:
    return line.lstrip().startswith(("@", "#[", "["))


def _begins_test(path: str, line: str) -> bool:
    return bool(_CLASS.match(line)) or any(names_of_tests(path, [line]))


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())
