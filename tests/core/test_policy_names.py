"""What tells tests, skipped tests and scratch files by custom, entry by entry, with literal values."""

from __future__ import annotations

import pytest

from bot.core.candidate.skips import silenced
from bot.core.candidate.testfiles import (
    is_test_file,
    is_test_support,
    names_of_tests,
    sets_the_runner_up,
    tells_the_runner,
)
from bot.core.candidate.untracked_files import Scratch


def each(names: str) -> list[str]:
    return names.split()


# ---------------------------------------------------------------------------------------------------------- skips

SKIPS: dict[str, list[str]] = {
    "tests/test_a.py": [
        "@pytest.mark.skip", "@pytest.mark.skipif(x)", "@pytest.mark.xfail", "pytest.skip('x')", "pytest.xfail('x')",
        "y = pytest.importorskip('y')", "@mark.skip", "@mark.skipif(x)", "@mark.xfail", "@unittest.skip('x')",
        "@unittest.skipIf(x, '')", "@unittest.skipUnless(x, '')", "@unittest.expectedFailure", "@skip", "@skipIf(x)",
        "@skipUnless(x)", "@expectedFailure", "self.skipTest('x')", "raise unittest.SkipTest", "raise SkipTest('x')",
        "__test__ = False",
    ],
    "src/test/java/ATest.java": [
        "@Ignore", "@Disabled", "@DisabledIf(x)", "@DisabledOnOs(x)", "@EnabledIf(x)",
    ],
    "a_test.go": ["t.Skip(x)", "t.Skipf(x)", "t.SkipNow()", "b.Skip(x)"],
    "tests/a.rs": ["#[ignore]", "#[ignore = \"x\"]", "#[cfg_attr(windows, ignore)]"],
    "spec/a_spec.rb": [
        "skip", "skip 'x'", "skip('x')", "pending", "pending 'x'", "xit 'x' do", "xdescribe 'x' do", "xcontext 'x' do",
        "xspecify 'x' do", "fit 'x' do", "fdescribe 'x' do", "fcontext 'x' do",
    ],
    "tests/ATest.php": ["$this->markTestSkipped('x');", "$this->markTestIncomplete('x');"],
    "ATests.cs": ["[Ignore]", "[Fact(Skip = \"x\")]", "[Theory(Skip = \"x\")]"],
    "ATests.swift": ["throw XCTSkip(\"x\")"],
    "a_test.exs": ["@tag :skip", "@tag skip: true", "@moduletag :skip"],
    "a.bats": ["skip", "  skip \"x\""],
}  # fmt: skip
CALLS = ("it", "test", "describe", "suite", "context", "specify")
SKIPS["a.test.js"] = [
    *(
        f"{call}.{what}('x', () => {{"
        for call in CALLS
        for what in ("skip", "todo", "fixme", "failing", "skipIf", "runIf")
    ),
    *(f"{call}('x', f => {{" for call in ("xit", "xdescribe", "xtest", "xcontext", "xspecify")),
    *(f"{call}.only('x', () => {{" for call in CALLS),
    *(f"{call}('x', f => {{" for call in ("fit", "fdescribe", "fcontext")),
]


@pytest.mark.parametrize(("path", "line"), [(path, line) for path, lines in SKIPS.items() for line in lines])
def test_every_marker_is_seen_in_its_own_language_and_in_no_other(path: str, line: str) -> None:
    assert silenced(path, [[line]], is_new=False) == [line.strip()]
    assert silenced("tests/a.lua", [[line]], is_new=False) == []


@pytest.mark.parametrize("suffix", ["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts"])
def test_every_dialect_of_javascript_has_them(suffix: str) -> None:
    assert silenced(f"a.test.{suffix}", [["it.skip('x', f => {"]], is_new=False) == ["it.skip('x', f => {"]
    assert silenced(f"a.test.{suffix}", [["it.only('x', f)"]], is_new=False) == ["it.only('x', f)"]


@pytest.mark.parametrize("suffix", ["java", "kt", "scala", "groovy"])
def test_every_language_of_the_jvm_has_them(suffix: str) -> None:
    assert silenced(f"ATest.{suffix}", [["@Disabled"]], is_new=False) == ["@Disabled"]


SETTINGS = [
    "addopts = --ignore=tests", "addopts = --ignore-glob=tests", "addopts = --deselect tests/x", "\"--ignore\"",
    "'--deselect'", '"testPathIgnorePatterns": []', "collect_ignore = []", "collect_ignore_glob = []",
    "norecursedirs = tests",
]  # fmt: skip


@pytest.mark.parametrize("line", SETTINGS)
@pytest.mark.parametrize("path", ["pyproject.toml", "conftest.py"])
def test_every_setting_that_hides_tests_is_seen_where_runners_look(path: str, line: str) -> None:
    assert silenced(path, [[line]], is_new=False) == [line]
    assert silenced("src/app.py", [[line]], is_new=False) == []


# ----------------------------------------------------------------------------------------------------- test files

TEST_FILES = each(
    """
    test_a.py test_a.rb test_a.c test_a.cc test_a.cpp test_a.sh a_test.py a_test.go a_test.rs a_test.rb
    a_test.exs a_test.c a_test.cc a_test.cpp a_test.dart a_test.sh test.py tests.py test.rs tests.rs test.sh
    tests.sh a.bats a_spec.rb a.test.js a.spec.js a.cy.js a.test.ts a.test.tsx a.test.jsx a.test.mjs a.test.cjs
    a.test.mts a.test.cts ATest.java ATests.java AIT.java ASpec.java ATest.kt ATest.scala ATest.groovy ATest.php
    ATest.cs ATest.swift TestA.java TestA.kt test/a.js tests/a.js spec/a.js __tests__/a.js __tests__/deep/a.js
    src/test/a.ts tests/a.rs
    """
)
NO_TEST_FILES = each(
    """
    app.py testing.py latest.py test_a.txt atest.py a_test.java Testing.java a.test.py contest.js
    tests/deep/a.rs tests/conftest.py testdata/test_a.py fixtures/test_a.py conftest.py specs/a.js e2e/a.js
    testing/a.js a_spec.py
    """
)


@pytest.mark.parametrize(("path", "is_one"), [*((p, True) for p in TEST_FILES), *((p, False) for p in NO_TEST_FILES)])
def test_what_a_runner_would_collect(path: str, is_one: bool) -> None:
    assert is_test_file(path) is is_one
    assert is_test_file(f"deep/down/{path}") is is_one


SUPPORT_NAMES = each(
    """
    conftest.py pytest.ini .pytest.ini tox.ini noxfile.py jest.config.js jest.conf.js vitest.config.ts
    playwright.config.ts cypress.config.js karma.conf.js jest.setup.js .mocharc.json .mocharc .rspec
    spec_helper.rb rails_helper.rb test_helper.rb phpunit.xml phpunit.xml.dist
    """
)
SUPPORT_DIRECTORIES = each(
    """
    test tests spec specs __tests__ testing e2e testdata __mocks__ __snapshots__ __fixtures__
    """
)
RUNNER_SETTINGS = each(
    """
    pyproject.toml setup.cfg package.json Makefile makefile GNUmakefile Justfile justfile Taskfile.yml
    Taskfile.yaml Rakefile Cargo.toml build.gradle build.gradle.kts pom.xml composer.json deno.json deno.jsonc
    mix.exs CMakeLists.txt
    """
)


@pytest.mark.parametrize("name", SUPPORT_NAMES)
def test_a_file_that_tests_stand_on(name: str) -> None:
    assert is_test_support(name)
    assert is_test_support(f"deep/{name}")
    assert sets_the_runner_up(name)
    assert not is_test_file(name)
    assert not tells_the_runner(name)


@pytest.mark.parametrize("directory", SUPPORT_DIRECTORIES)
def test_a_directory_that_holds_what_tests_stand_on(directory: str) -> None:
    assert is_test_support(f"src/{directory}/data.json")
    assert not is_test_support(f"src/{directory}s.json")
    assert not is_test_support(f"src/{directory}")


@pytest.mark.parametrize("name", RUNNER_SETTINGS)
def test_a_file_that_may_say_which_tests_run(name: str) -> None:
    assert tells_the_runner(f"deep/{name}")
    assert sets_the_runner_up(name)
    assert not is_test_support(name)


@pytest.mark.parametrize(
    ("path", "line", "name"),
    [
        ("test_a.py", "    async def test_x(self):", "test_x"),
        ("a_test.go", "func TestX(t *testing.T) {", "TestX"),
        ("a_test.go", "func FuzzX(f *testing.F) {", "FuzzX"),
        ("a_test.go", "func ExampleX() {", "ExampleX"),
        ("tests/a.rs", "    pub async fn adds() {", "adds"),
        ("a_test.rb", "  def test_x", "test_x"),
        ("a_spec.rb", "  it 'is x' do", "is x"),
        ("a_spec.rb", '  specify("is x") do', "is x"),
        ("a_spec.rb", "  test 'is x' do", "is x"),
        ("a_spec.rb", "  scenario 'is x' do", "is x"),
        ("ATest.php", "    public function testX()", "testX"),
        ("a.test.js", "  it('is x', f)", "is x"),
        ("a.test.js", "  test.each(rows)", ""),
        ("a.test.ts", "  test.only(`is x`, f)", "is x"),
        ("a.test.ts", '  specify("is x", f)', "is x"),
        ("ATest.java", "    public void adds() {", "adds"),
        ("ATest.kt", "    internal suspend fun `adds two`() {", "`adds two`"),
        ("ATest.kt", "    override fun adds() {", "adds"),
    ],
)
def test_the_name_of_a_test_is_read_from_its_first_line(path: str, line: str, name: str) -> None:
    assert list(names_of_tests(path, [line])) == ([name] if name else [])
    assert list(names_of_tests("src/app.py", [line])) == []


# -------------------------------------------------------------------------------------------------------- scratch

SCRATCH = each(
    """
    __pycache__/x .pytest_cache/x .mypy_cache/x .ruff_cache/x .hypothesis/x .parcel-cache/x .turbo/x
    node_modules/x .venv/x venv/x .tox/x .nox/x .eggs/x .gradle/x .bundle/x .nyc_output/x htmlcov/x
    .ipynb_checkpoints/x a.pyc a.pyo a.egg-info/x .coverage .coverage.host coverage.xml lcov.info a.orig a.rej
    a.swp a.swo a~ .DS_Store Thumbs.db core.123 nohup.out npm-debug.log npm-debug.log.1 patch.txt a.patch a.diff
    repro.py repro_it.sh debug_it.py test_repro.py
    """
)
KEPT = each(
    """
    core.py core a.py src/patch.txt src/a.patch src/a.diff src/repro.py src/debug_it.py tests/test_repro.py
    x/core.c
    """
)


@pytest.mark.parametrize("path", SCRATCH)
def test_what_tools_and_agents_leave_behind_is_no_part_of_a_patch(path: str) -> None:
    assert path in Scratch([], {})
    assert path not in Scratch([path], {})


@pytest.mark.parametrize("path", KEPT)
def test_what_may_be_wanted_is_part_of_it(path: str) -> None:
    assert path not in Scratch([], {})


@pytest.mark.parametrize(
    ("output", "proofs"),
    [
        ("target", "Cargo.toml pom.xml build.sbt"),
        (
            "build",
            "pyproject.toml setup.py setup.cfg package.json build.gradle build.gradle.kts CMakeLists.txt Makefile",
        ),
        ("dist", "pyproject.toml setup.py setup.cfg package.json"),
        ("coverage", "package.json"),
    ],
)
def test_what_a_build_writes_is_scratch_beside_what_proves_a_build(output: str, proofs: str) -> None:
    assert f"{output}/x" not in Scratch(["README.md"], {})
    for proof in proofs.split():
        assert f"{output}/x" in Scratch([proof], {}), proof
