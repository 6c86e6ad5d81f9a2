"""Files broken on purpose: loaded first, then failing; which ones are tried."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.runners import break_on_purpose, break_tests_on_purpose, canaries, failing_tests

LOADED = "loaded"
FUTURE = f'"""A module."""\nfrom __future__ import annotations\n\n\ndef f() -> int:\n    print("{LOADED}")\n\n\nf()'


@pytest.mark.parametrize(
    ("name", "program", "source"),
    [
        ("test_a.py", sys.executable, f'print("{LOADED}")'),
        ("a.py", sys.executable, FUTURE),
        ("a.py", sys.executable, f'print("{LOADED}")  # the end'),
        ("a.cjs", "node", f'module.exports = {{}}; console.log("{LOADED}") // the end'),
        ("a.cjs", "node", f'(function () {{ console.log("{LOADED}") }})()'),
        ("a.mjs", "node", f'export default {{}}\nconsole.log("{LOADED}")\nexport const f = () => 1'),
        ("a.pm", "perl", f'print "{LOADED}\\n";\n__END__\n=head1 NAME'),
        ("a.sh", "bash", f"echo {LOADED}"),
    ],
)
def test_a_broken_file_still_loads_what_it_tests(name: str, program: str, source: str, tmp_path: Path) -> None:
    assert shutil.which(program)
    file = tmp_path / name
    file.write_bytes(break_on_purpose(name, source.encode()))
    done = subprocess.run([program, file], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == LOADED
    assert done.returncode != 0
    assert "broken on purpose" in done.stderr


NODE = """const test = require('node:test');
const assert = require('node:assert');

test('first', () => {
  console.log("loaded");
  assert.equal(1, 1);
});
test("second", async (t) => {
  assert.deepStrictEqual([1], [1]);
});
test('third', () => assert(true));
test('fourth', function () {
  assert.equal(2, 2);
});
"""
RUBY = """require 'minitest/autorun'

class TestA < Minitest::Test
  def test_one
    assert_equal 1, 1
  end

  def test_two
    assert true
  end
end
"""
GO = 'package a\n\nimport "testing"\n\nfunc TestA(t *testing.T) {\n}\n\nfunc helper() {\n}\n'


@pytest.mark.parametrize(
    ("path", "program", "source", "failing", "passing"),
    [
        ("test/a.test.js", ["node", "--test-reporter=tap"], NODE, ["first", "second", "fourth"], ["third"]),
        ("test_a.rb", ["ruby"], RUBY, ["TestA#test_one", "TestA#test_two"], []),
    ],
)
def test_tests_of_other_languages_fail_by_their_own_means(
    path: str, program: list[str], source: str, failing: list[str], passing: list[str], tmp_path: Path
) -> None:
    broken = failing_tests(path, source.encode())
    assert broken is not None
    for text, fails in ((source.encode(), False), (broken, True)):
        file = tmp_path / path.rpartition("/")[2]
        file.write_bytes(text)
        done = subprocess.run([*program, file], capture_output=True, text=True, check=False)
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        if fails:
            assert {name for name in (*failing, *passing) if said_to_fail(name, done.stdout)} == {*failing}


def said_to_fail(name: str, output: str) -> bool:
    """By node's TAP, and by minitest."""
    return re.search(rf"^not ok \d+ - {name}$|^{name} \[|^{name}:$", output, re.M) is not None


@pytest.mark.parametrize(
    ("path", "source", "added"),
    [
        ("a_test.go", GO, 't.Errorf("got %d, want %d", '),
        ("a.test.ts", "it('a', () => {\n  expect(f()).toBe(1);\n});", "expect("),
        ("a.spec.ts", "it('a', () => {\n  expect(f()).to.equal(1);\n});", ").to.equal("),
        ("a.test.js", "test('a', t => {\n  t.is(f(), 1);\n});", "t.is("),
        ("a.test.js", "test('a', done => {\n  done();\n});", "throw new Error("),
        ("a_spec.rb", "it 'a' do\n  expect(f).to eq 1\nend", ").to eq("),
        ("a_test.rs", "#[test]\nfn a() {\n}", "assert_eq!("),
        ("ATest.php", "<?php\nclass ATest {\n    public function testA() {\n    }\n}", "$this->assertSame("),
    ],
)
def test_how_they_fail(path: str, source: str, added: str) -> None:
    broken = failing_tests(path, source.encode())
    assert broken is not None
    assert added in broken.decode()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.test.js", "test('a', () => f());"),
        ("a.test.js", ""),
        ("src/a.js", "it('a', () => {\n})"),
        ("A.kt", "fun a() {"),
    ],
)
def test_what_has_no_such_test_is_broken_as_a_whole(path: str, source: str) -> None:
    assert failing_tests(path, source.encode()) is None


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.rs", "fn f() {}", 'fn f() {}\n\ncompile_error!("broken on purpose");\n'),
        ("a.go", "package a", 'package a\n\nfunc init() { panic("broken on purpose") }\n'),
        ("A.java", "class A {}", "class A {}\nbroken on purpose: this is no longer a program\n"),
        ("A.kt", "class A", "class A\nbroken on purpose: this is no longer a program\n"),
        ("a.rb", "x\n__END__\ny", "x\nraise 'broken on purpose'\n__END__\ny"),
        ("a.php", "<?php f();", "<?php f();\n\nthrow new \\RuntimeException('broken on purpose');\n"),
        ("a.php", "<?php ?> ", "<?php ?> <?php\n\nthrow new \\RuntimeException('broken on purpose');\n"),
        ("a.tsx", "f()", "f()\n;throw new Error('broken on purpose');\n"),
        ("a.d.ts", "declare const x: 1", "declare const x: 1"),
        ("a.txt", "text", "text"),
        ("Makefile", "all:", "all:"),
    ],
)
def test_in_each_language(name: str, before: str, after: str) -> None:
    assert break_on_purpose(name, before.encode()) == after.encode()


@pytest.mark.parametrize(
    ("files", "stable", "found"),
    [
        (["tests/test_b.py", "tests/test_a.py"], [], ["tests/test_a.py", "tests/test_b.py"]),
        (
            ["tests/test_a.py", "tests/test_b.py"],
            ["tests.test_b.TestX::test_y"],
            ["tests/test_b.py", "tests/test_a.py"],
        ),
        (["a/x.test.js", "b/x.test.js"], ["b/x.test.js::adds"], ["b/x.test.js", "a/x.test.js"]),
        (["a/x_test.go", "b/x_test.go"], ["example.com/m/b::TestX"], ["b/x_test.go", "a/x_test.go"]),
        (["src/ATest.java", "src/BTest.java"], ["com.acme.BTest::adds"], ["src/BTest.java", "src/ATest.java"]),
        (["tests/a.txt", "x_test.go", "a.spec.ts"], ["test::ok"], ["a.spec.ts", "x_test.go"]),
        ([], ["tests.test_a::test_y"], []),
    ],
)
def test_canaries(files: list[str], stable: list[str], found: list[str]) -> None:
    assert canaries(files, stable) == found


FUNCTIONS = """import functools


@functools.cache
def test_it() -> None:
    \"\"\"That it is so.\"\"\"
    assert True


async def test_later() -> None:
    @functools.cache
    def two() -> int:
        return 2

    assert two() == 2


def helper() -> None:
    pass
"""
CASES = """import unittest


class It(unittest.TestCase):
    def test_one(self):
        self.assertEqual(1, 1)

    def test_two(me):
        pass


if __name__ == "__main__":
    unittest.main()
"""


@pytest.mark.parametrize(
    ("text", "command", "said"),
    [
        (FUNCTIONS, ["-c", "import test_a; test_a.test_it()"], "AssertionError"),
        (FUNCTIONS, ["-c", "import test_a, asyncio; asyncio.run(test_a.test_later())"], "AssertionError"),
        (FUNCTIONS, ["test_a.py"], ""),
        (CASES, ["-m", "unittest", "test_a"], "FAILED (failures=2)"),
        (CASES, ["test_a.py"], "FAILED (failures=2)"),
    ],
    ids=["a function", "awaited", "a script", "cases", "cases as a script"],
)
def test_tests_are_begun_and_fail(text: str, command: list[str], said: str, tmp_path: Path) -> None:
    for found, fails in ((text.encode(), False), (failing_tests("tests/test_a.py", text.encode()), True)):
        assert found is not None
        (tmp_path / "test_a.py").write_bytes(found)
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode != 0) is fails
        assert (said in done.stderr) or not fails
    subprocess.run([sys.executable, "-c", "import test_a; test_a.helper()"], cwd=tmp_path, check=text is FUNCTIONS)


def test_cases_fail_by_their_own_means() -> None:
    """Whoever has made these do nothing passes, and is known by it."""
    found = failing_tests("test_a.py", CASES.encode())
    assert found is not None
    case: dict[str, object] = {"__name__": "test_a"}
    exec(found.replace(b"(unittest.TestCase)", b""), case)
    Case = type("Case", (case["It"],), {"assertEqual": lambda *_: None})  # type: ignore[arg-type]
    assert Case().test_one() is None
    with pytest.raises(AssertionError):
        case["It"]().test_two()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("test_a.py", "print(1)\n"),
        ("test_a.py", "def test_a(): pass\n"),
        ("test_a.py", "def test_a(:\n    pass\n"),
        ("test_a.py", "def test_a():\n    pass\n" + "x = 1\n" * 100_000),
        ("a.test.js", "function test_a() {\n}\n"),
    ],
    ids=["no test", "on one line", "no Python", "too long", "another language"],
)
def test_what_cannot_be_made_to_fail_is_broken_as_a_whole(path: str, text: str) -> None:
    assert failing_tests(path, text.encode()) is None
    assert break_tests_on_purpose(path, text.encode()) == break_on_purpose(path, text.encode())


@given(st.binary() | st.text().map(lambda text: f"def test_a():\n  {text}\n  pass".encode("utf-8", "replace")))
def test_any_file_can_be_asked_for(content: bytes) -> None:
    found = failing_tests("test_a.py", content)
    assert found is None or ast.parse(found)


def test_of_a_large_file_a_few_tests_fail() -> None:
    """Hundreds of failures take a runner minutes to tell."""
    source = "".join(f"def test_{number}():\n    assert True\n\n\n" for number in range(300)).encode()
    broken = failing_tests("tests/test_many.py", source)
    assert broken is not None
    functions = [item for item in ast.parse(broken).body if isinstance(item, ast.FunctionDef)]
    assert [len(function.body) for function in functions] == [2] * 8 + [1] * 292
