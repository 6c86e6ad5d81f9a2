"""Files broken on purpose: loaded first, then failing; which ones are tried."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.core.runners import break_on_purpose, canaries

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
