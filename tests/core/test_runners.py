"""Commands are rewritten only where we are sure what they mean; whatever a file is called stays one word."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.runners import REPORT, break_on_purpose, canaries, documents, narrow, recipe

HOSTILE = ["-rf", "a b.py", "'; touch x; '", "$(touch x)", "a\nb.py", "--co", "ü.py", '"', "*"]


@pytest.mark.parametrize(
    ("command", "narrowed"),
    [
        ("pytest", "pytest ./tests/test_a.py"),
        ("pytest -q", "pytest -q ./tests/test_a.py"),
        ("pytest -q tests/", "pytest -q ./tests/test_a.py"),
        ("pytest tests/unit tests/test_b.py -x", "pytest -x ./tests/test_a.py"),
        ("pytest tests", "pytest tests ./tests/test_a.py"),
        ("pytest --ignore tests/slow -q", "pytest --ignore tests/slow -q ./tests/test_a.py"),
        ("pytest --ignore=tests/slow tests/unit", "pytest --ignore=tests/slow ./tests/test_a.py"),
        ("python -m pytest -q", "python -m pytest -q ./tests/test_a.py"),
        (".venv/bin/pytest -k 'not slow'", ".venv/bin/pytest -k 'not slow' ./tests/test_a.py"),
        ("env PYTHONPATH=src/lib uv run pytest", "env PYTHONPATH=src/lib uv run pytest ./tests/test_a.py"),
        ("PYTHONPATH=src pytest", "PYTHONPATH=src pytest ./tests/test_a.py"),
        ("node --test", "node --test ./tests/test_a.py"),
        ("node --test test/a.test.js", "node --test ./tests/test_a.py"),
        ("FLAGS='a b' pytest", None),
        ("cd backend && pytest", None),
        ("pytest tests/*.py", None),
        ("pytest $ARGS", None),
        ("pytest `cat args`", None),
        ("pytest 'open", None),
        ("pytest | tee log", None),
        ("pytest # all", None),
        ("", None),
        ("make test", None),
        ("npm test", None),
        ("go test ./...", None),
        ("node test.js", None),
    ],
)
def test_narrow(command: str, narrowed: str | None) -> None:
    assert narrow(command, ["tests/test_a.py"]) == narrowed


def test_narrowing_to_nothing_is_not_narrowing() -> None:
    assert narrow("pytest", []) is None


@settings(deadline=None)
@given(files=st.lists(st.text(min_size=1).filter(lambda name: "\0" not in name), min_size=1, max_size=4))
def test_a_file_stays_one_word_and_no_option(files: list[str]) -> None:
    narrowed = narrow("pytest -q", files)
    assert narrowed is not None
    assert shlex.split(narrowed) == ["pytest", "-q", *(f"./{name}" for name in files)]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_real_shell_agrees(name: str, tmp_path: Path) -> None:
    narrowed = narrow("pytest", [name])
    assert narrowed is not None
    program = tmp_path / "pytest"
    program.write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n')
    program.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    said = subprocess.run(["bash", "-c", narrowed], env=env, capture_output=True, cwd=tmp_path, check=True)
    assert said.stdout == f"./{name}\0".encode()
    assert {path.name for path in tmp_path.iterdir()} == {"pytest"}


@pytest.mark.parametrize("command", ["pytest -q", "make test", "tox", "cd x && python -m pytest", "go test ./..."])
def test_pytest_is_asked_through_its_environment(command: str) -> None:
    how = recipe(command)
    assert (how.command, how.after) == (f"export PYTEST_ADDOPTS=--junitxml={REPORT}\n{command}", None)


def test_node_is_asked_by_options() -> None:
    reporting = f"--test-reporter=junit --test-reporter-destination={REPORT}"
    assert recipe("node --test ./a.test.js").command == f"node --test {reporting} ./a.test.js"


@pytest.mark.parametrize("command", ["mvn -B test", "./mvnw test", "./gradlew test", "gradle check"])
def test_the_reports_of_java_runners_are_collected(command: str, tmp_path: Path) -> None:
    how = recipe(command)
    assert how.command == command
    assert how.after is not None
    old = tmp_path / "target/surefire-reports/TEST-old.xml"
    old.parent.mkdir(parents=True)
    old.write_text("<old/>")
    home = tmp_path / "home"

    def run(script: str) -> None:
        local = script.replace("/home/agent", str(home))
        subprocess.run(["bash", "-c", local], cwd=tmp_path, check=True)

    run(how.before)
    assert not old.exists()
    for path in ("target/surefire-reports/TEST-a.xml", "m/build/test-results/test/TEST-b c.xml", "other/TEST-c.xml"):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"<{file.stem[-1]}/>")
    run(how.after)
    assert sorted(documents((home / ".solvebot/report.xml").read_bytes())) == [b"<a/>", b"<c/>"]


def test_one_report_is_one_document() -> None:
    assert documents(b"<a/>") == [b"<a/>"]
    assert documents(b"") == []


def test_a_broken_file_still_loads_what_it_tests(tmp_path: Path) -> None:
    file = tmp_path / "test_a.py"
    file.write_bytes(break_on_purpose(file.name, b'print("loaded")'))
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("loaded\n", 1)
    assert "broken on purpose" in done.stderr


@pytest.mark.parametrize(
    ("files", "stable", "found"),
    [
        (["tests/test_b.py", "tests/test_a.py"], [], ["tests/test_a.py", "tests/test_b.py"]),
        (
            ["tests/test_a.py", "tests/test_b.py"],
            ["tests.test_b.TestX::test_y"],
            ["tests/test_b.py", "tests/test_a.py"],
        ),
        (["tests/a.rs", "x_test.go", "a.spec.ts"], ["test::ok"], ["a.spec.ts", "x_test.go"]),
        ([], ["tests.test_a::test_y"], []),
    ],
)
def test_canaries(files: list[str], stable: list[str], found: list[str]) -> None:
    assert canaries(files, stable) == found
