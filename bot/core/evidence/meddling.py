"""Changes to what runs the tests, rather than to what they are about.

A fix has no business with the test runner: product code that begins to look at `pytest`, a `sitecustomize.py`, a hook
that picks tests or reports. Most of it is exposed when things are run. All of it is said, first, and people look at
it before anybody calls it ready. What the base commit's version of a file does already is nobody's doing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from bot.core.candidate.file_roles import FileRoles
from bot.core.candidate.patches import read_patch
from bot.core.candidate.testfiles import sets_the_runner_up
from bot.core.model import Candidate

_MOST_LINES = 20_000
_LONGEST = 2_000  # characters of a line
_SCRIPT = ".js .jsx .ts .tsx .mjs .cjs .mts .cts .vue .svelte .coffee"

# What Python or a runner loads in place of its own, where it stands at the top; in Python also what runners load.
_LOADED = """
    abc argparse ast asyncio atexit bisect codecs collections contextlib copy coverage dataclasses difflib enum errno
    fnmatch functools gettext glob heapq hypothesis importlib inspect io iniconfig itertools json keyword linecache
    locale logging
    math mock operator os packaging pathlib pdb platform pluggy pprint py pygments queue random re reprlib runpy
    select shutil signal site stat string struct subprocess sys sysconfig tempfile textwrap threading time token
    tokenize
    tomli tomllib traceback types typing uuid warnings weakref xdist xml zipfile anyio attr attrs colorama
    exceptiongroup execnet
    importlib_metadata _?pytest pytest_\\w+ unittest doctest nose2?
"""
_IN_THE_WAY = re.compile(
    rf"""(?:src/|lib/|tests?/)?(?:{"|".join(_LOADED.split())})(?:\.py|/.*\.py)
    | (?:.*/)?(?:site|user)customize(?:\.py|/.*) | .*\.(?:pth|pyc|egg-link) | (?:.*/)?[^/]+\.(?:egg|dist)-info/.*
    | (?:.*/)?node_modules/.* | __mocks__/.* | (?:lib/|test/|spec/)?(?:minitest|rspec)(?:\.rb|/.*)
    | (?:.*/)?org/(?:junit|testng|hamcrest|assertj)/.* | (?:.*/)?META-INF/services/org\.junit\..*
    | (?:.*/)?junit-platform\.properties | vendor/.*/(?:testify|ginkgo|gomega)/.*
    | (?:.*/)?(?:\.?pytest\.(?:ini|toml)|tox\.ini|(?:jest|vitest|ava|karma)\.conf(?:ig)?\.\w+|\.mocharc.*|\.taprc
      |\.rspec|\.jestrc.*|mocha\.opts|\.coveragerc|phpunit\.xml(?:\.dist)?)
    | (?:.*/)?bin/(?:py\.?test|jest|mocha|vitest|rspec|phpunit)""",
    re.VERBOSE,
)
# What nobody needs for a test either.
_FORGES = r"""
      \b_exit\( | \batexit\b | \bdef\s+load_tests\s*\( | \bgc\.get_(?:objects|referrers)\( | \b_getframe\(
    | \bf_back\b
    | \b(?:sys|threading)\.(?:settrace|setprofile)\b | \bsys\.(?:monitoring|addaudithook|meta_path|path_hooks)\b
    | \bsys\.(?:exit|excepthook)\s*=[^=] | \b(?:builtins|__builtins__)\.\w+\s*=[^=]
    | \bsetattr\(\s*(?:builtins|pytest|unittest)\b
    | \b(?:pytest|unittest(?!\.TestCase\.maxDiff\b))(?:\.\w+)+\s*=[^=] | \bTestReport\b
    | \bpluginmanager\b | \b(?:junit|report)[\w-]*\.xml\b | \bPYTEST_ADDOPTS\b | \bctypes\.pythonapi\b
    | /proc/(?:self|\d+)/
"""
_PYTHON = rf"""{_FORGES}
    | ^\s*(?:import|from)\s+(?:_?pytest|unittest|pluggy|nose2?|xdist|doctest|py\.test|hypothesis)\b
    | \bdef\s+pytest_\w+\s*\(
    | ["'](?:_pytest|pytest|py\.test|unittest|pluggy)(?:["'.]) | \bPYTEST_[A-Z_]+ | \bpytest_plugins\b
    | ["']_?py["'][\s+]*["']\.?test | \b__import__\( | \bimport_module\([^)]*\+ | \bexec\(\s*\w+[.(]
    | \bsys\.modules\b(?!\[__name__\](?!\s*=)) | ["']modules["'] | \bcurrentframe\( | \bfaulthandler\._
    | \bweakref\.finalize\(
    | \bsys\.std(?:out|err)\s*=[^=] | \bos\.(?:abort|kill|killpg|exec[lv]p?e?)\( | \b(?:site|user)customize\b
    | (?:getenv\(|environ(?:\.get\(|\[))["'](?:CI|GITHUB_ACTIONS)["']
"""
_SCRIPT_FORGES = r"""
      \bassert(?:\.strict)?(?:\.\w+|\[[^\]]{1,40}\])\s*=[^=] | \bObject\.\w+\(\s*(?:assert|expect|globalThis|global)\b
    | \bprocess\.(?:on|once|addListener|prepend\w*Listener)\(\s*['"`](?:exit|beforeExit|uncaught|unhandled)
    | \bprocess\.(?:reallyExit|abort|binding|dlopen|mainModule)\b | \bModule\.(?:_load|prototype)\b
    | ['"](?:node:)?module['"]\)\.(?:_\w+|prototype) | \b(?:Object|JSON|Reflect|Symbol)\.\w+\s*=(?![=>])
    | \bError\.prepareStackTrace\b | \b(?:junit|report)[\w-]*\.xml\b | \bSymbol\.for\(\s*['"`][^'"`]{0,40}jest
"""
_SCRIPTS = rf"""{_SCRIPT_FORGES}
    | \b(?:globalThis|global|window)(?:\.|\[['"`])(?:it|test|describe|expect|assert|AssertionError)\b
    | \b(?:globalThis|global)\[ | ['"]node:test['"] | \brequire\.cache\b
    | \bprocess\.(?:emit\(|removeAllL|exit\(|exitCode\s*=[^=]|kill\()
    | \brequire\(\s*['"](?:node:)?assert | \bfrom\s+['"](?:node:)?assert | \bjest\.\w
    | ['"](?:@jest/|jest-|vitest|mocha|chai|jasmine|sinon|uvu|bun:test|ava\b|tape?\b)
    | \bprocess\.std(?:out|err)\.write\s*=[^=] | \bconsole\.\w+\s*=(?![=>]) | \bprocess\.argv\.includes\(\s*['"]--test
    | \bprocess\.env\.(?:JEST_|VITEST|MOCHA|NODE_TEST_CONTEXT|NODE_OPTIONS|CI\b) | \bNODE_ENV\b.{0, 10}['"]test['"]
"""
_TABLE = {
    ".py .pyx .pyi": _PYTHON,
    _SCRIPT: _SCRIPTS,
    ".rb": r"\b(?:Minitest|RSpec|Test::Unit|at_exit|ObjectSpace|TracePoint)\b|\bexit!|['\"](?:rspec|minitest)\b",
    ".go": r'"testing"|\bos\.Args\b.*\btest\b|"-?test\.|\bos\.Exit\(|\bsyscall\.(?:Exit|Kill)\(|//go:linkname',
    ".rs": r"\bprocess::(?:exit|abort)\b|\blibc::_?exit\b|\bcfg!\(test|\bcfg\(not\(test|macro_rules!\s*\w*assert"
    r"|\bset_hook\(",
    ".php": r"\bPHPUnit\b|\bregister_shutdown_function\b|\bexit\s*\(\s*0?\s*\)",
    ".java .kt .scala .groovy": r"\borg\.(?:junit|testng)\b|\bRuntime\.getRuntime\(\)\.(?:halt|exit|add)"
    r"|\bSystem\.exit\(",
    ".exs .ex": r"\bExUnit\b|\bSystem\.halt\b",
}
_OF_TESTS = {".py": _FORGES, _SCRIPT: _SCRIPT_FORGES, ".go": r"\bfunc\s+TestMain\(|\bos\.Exit\(", ".rb": r"\bexit!"}


def _by_suffix(table: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    return {suffix: re.compile(text, re.VERBOSE) for suffixes, text in table.items() for suffix in suffixes.split()}


_OF_PRODUCT, _OF_TEST = _by_suffix(_TABLE), _by_suffix(_OF_TESTS)
_HOOK = re.compile(
    rf"""{_FORGES} | \bdef\s+pytest_\w+\s*\( | \bcollect_ignore(?:_glob)?\b | \bpytest_plugins\b | \bsys\.modules\b
    | \bsetattr\( | \bhookimpl\b | \b_pytest\b | \bSystemExit\b | \ballow_module_level\b | \bglobals\(\)""",
    re.VERBOSE,
)
_MORE_SETTINGS = re.compile(
    r"(?:vite|ava|karma)\.conf(?:ig)?\.\w+|\.taprc|mocha\.opts|\.coveragerc|\.?pytest\.toml|\.jestrc.*|\.env|go\.mod"
    r"|(?:jest|vitest)[.-]setup\.\w+|test_helper\.exs"
)
_SETTING = re.compile(
    r"""\bpytest11\b | (?:^|[\s"'=])-p(?:[\s"',]*\w|\s*$) | \bback(?:end-path)\b | \bPYTEST_ADDOPTS\b
    | \bpython_(?:files|classes|functions)\b | \btestpaths\b | \bpythonpath\b | \brequired_plugins\b | ^\s*plugins\s*=
    | \baddopts\b.*(?:\s|["'=])-(?:[kmco]\b|-(?:co|collect-only|deselect|ignore|junit|rootdir|confcutdir|override-ini))
    | \bjunit_\w+
    | ["']?\b(?:setupFiles\w*|reporters?|global(?:Setup|Teardown)|require|(?:testR|r)unner|testEnvironment
      |testResultsProcessor|moduleNameMapper|resolver|transform|grep|node-option|bootstrap|exclude
      |test\w*Ignore\w*)\b["']?\s*[:=]
    | (?:^|\s)(?:--require|-r|--import|--loader|--experimental-loader)[=\s]+[./\w] | \bNODE_OPTIONS\b
    | ["'](?:pre|post)test["']\s*: | \|\|\s*(?:true|:|exit\s+0) | ^\s*-\s*(?:py\.?test|npm|go\s+test|cargo)\b
    | \bskipTests\b | \bskip\.tests?\b | \btestFailureIgnore\b | \bignoreFailures\b | \btest\.enabled\b | <extension
    | ^\s*(?:harness|autotests|test)\s*=\s*false | \bExUnit\.configure\b | ^\s*replace\b | \bexpect\.extend\b""",
    re.VERBOSE,
)


def meddled(candidate: Candidate, roles: FileRoles, before: Mapping[str, str]) -> tuple[str, ...]:
    """Paths, in the order of the patch. `before`: the base commit's texts of files that it changes, by path."""
    found = []
    for edit in read_patch(candidate.patch):
        pattern = _pattern(edit.path, roles)
        in_the_way = edit.path not in before and (edit.added or edit.unread) and _IN_THE_WAY.fullmatch(edit.path)
        if in_the_way or (pattern and _reaches_further(pattern, edit.added, before.get(edit.path, ""))):
            found.append(edit.path)
    return tuple(found)


def _reaches_further(pattern: re.Pattern[str], added: Sequence[str], before: str) -> bool:
    """Does a line do what nothing in this file did? Hooks are one thing, whatever their names."""
    seen = (match[0] for line in added[:_MOST_LINES] for match in pattern.finditer(line[:_LONGEST]))
    return any(_HOOK_NAME.sub("", what).strip() not in before for what in seen)


_HOOK_NAME = re.compile(r"(?<=\bpytest_)\w+\W*")


def _pattern(path: str, roles: FileRoles) -> re.Pattern[str] | None:
    """Tests may do nearly as they like: what they say is found by running them."""
    file = PurePosixPath(path)
    if file.name == "conftest.py":
        return _HOOK
    if sets_the_runner_up(path) or _MORE_SETTINGS.fullmatch(file.name) or file.name == "setup.py":
        return _SETTING
    return (_OF_TEST if roles.is_of_tests(path) else _OF_PRODUCT).get(file.suffix)
