"""Commands are narrowed only where we are sure what they mean; whatever a file is called stays one word."""

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.runners import cases, narrow, narrow_to_cases

HOSTILE = ["-rf", "a b", "'; touch x; '", "$(touch x)", "a\nb", "--co", "ü", '"', "*"]


@pytest.mark.parametrize(
    ("command", "narrowed"),
    [
        ("pytest", "pytest ./tests/test_a.py"),
        ("pytest -q", "pytest -q ./tests/test_a.py"),
        ("pytest -q tests/", "pytest -q ./tests/test_a.py"),
        ("pytest tests/unit tests/test_b.py -x", "pytest -x ./tests/test_a.py"),
        ("pytest tests", "pytest ./tests/test_a.py"),
        ("pytest --ignore tests/slow -q", "pytest --ignore tests/slow -q ./tests/test_a.py"),
        ("pytest --ignore=tests/slow tests/unit", "pytest --ignore=tests/slow ./tests/test_a.py"),
        ("python -m pytest -q", "python -m pytest -q ./tests/test_a.py"),
        (".venv/bin/pytest -k 'not slow'", ".venv/bin/pytest -k 'not slow' ./tests/test_a.py"),
        ("~/venv/bin/pytest tests", "~/venv/bin/pytest ./tests/test_a.py"),
        ("env PYTHONPATH=src/lib uv run pytest", "env PYTHONPATH=src/lib uv run pytest ./tests/test_a.py"),
        ("PYTHONPATH=src pytest", "PYTHONPATH=src pytest ./tests/test_a.py"),
        ("node --test", None),
        ("FLAGS='a b' pytest", "FLAGS='a b' pytest ./tests/test_a.py"),
        ("pytest tests/*.py", "pytest ./tests/test_a.py"),
        ("pytest -q tests/ > log 2>&1", "pytest -q ./tests/test_a.py > log 2>&1"),
        ("cd backend && pytest", None),
        ("cd $SOMEWHERE && pytest", None),
        ("cd tests && pytest -q", "cd tests && pytest -q ./test_a.py"),
        ("(cd tests/ && pytest) && (cd web && npx mocha)", "(cd tests/ && pytest ./test_a.py)"),
        ("npm run build && pytest; npx jest", "npm run build && pytest ./tests/test_a.py"),
        ("pytest tests/unit && pytest tests/e2e", "pytest ./tests/test_a.py && pytest ./tests/test_a.py"),
        ("python -m unittest", "python -m unittest discover --pattern=test_a.py"),
        (
            "python -m unittest discover -s tests -p '*_test.py'",
            "python -m unittest discover -s tests --pattern=test_a.py",
        ),
        ("python -m unittest tests.test_b tests/test_c.py", "python -m unittest tests.test_a"),
        ("python manage.py test app -v 2", "python manage.py test -v 2 tests.test_a"),
        ("npx pytest-like", None),
        ("echo pytest", None),
        ("pip install pytest", None),
        ("python setup.py pytest", None),
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


@pytest.mark.parametrize(
    ("command", "narrowed"),
    [
        ("node --test", "node --test ./pkg/a.test.js"),
        ("node --test test/b.test.js", "node --test ./pkg/a.test.js"),
        ("node --import tsx --test 'test/**/*.ts'", "node --import tsx --test ./pkg/a.test.js"),
        ("npx mocha 'test/**/*.js' --timeout 5000", "npx mocha --timeout 5000 ./pkg/a.test.js"),
        ("cross-env NODE_ENV=test c8 mocha", "cross-env NODE_ENV=test c8 mocha ./pkg/a.test.js"),
        ("yarn jest src/", "yarn jest --runTestsByPath ./pkg/a.test.js"),
        ("pnpm exec vitest run", "pnpm exec vitest run pkg/a.test.js"),
        ("npm exec -- ava test/*.js", "npm exec -- ava ./pkg/a.test.js"),
        ("node --experimental-vm-modules node_modules/jest/bin/jest.js",
         "node --experimental-vm-modules node_modules/jest/bin/jest.js --runTestsByPath ./pkg/a.test.js"),
        ("(cd pkg && npx mocha) && (cd other && npx vitest run)", "(cd pkg && npx mocha ./a.test.js)"),
        ("pytest && npx tape test/*.js", "npx tape ./pkg/a.test.js"),
        ("bun test unit", "bun test ./pkg/a.test.js"),
        ("npx jest unit -t 'a name'", "npx jest -t 'a name' --runTestsByPath ./pkg/a.test.js"),
        ("pnpm --filter pkg exec jest", None),
        ("npm install mocha", None),
        ("npx eslint mocha", None),
        ("node build.js jest", None),
    ],
)  # fmt: skip
def test_narrow_scripts(command: str, narrowed: str | None) -> None:
    assert narrow(command, ["pkg/a.test.js"]) == narrowed


@pytest.mark.parametrize(
    ("command", "file", "narrowed"),
    [
        ("go test -race ./...", "sub/a_test.go", "go test -race ./sub"),
        ("go test .", "a_test.go", "go test ."),
        ("cd sub && go test ./...", "sub/a_test.go", "cd sub && go test ."),
        ("go test ./...", "sub/a.go", None),
        ("cargo test --offline", "tests/whole.rs", "cargo test --offline --test=whole"),
        ("cargo test --all-targets", "crates/x/tests/whole.rs", "cargo test --test=whole"),
        ("cargo test", "src/lib.rs", None),
        ("cargo test -- --nocapture", "tests/whole.rs", None),
        (
            "./mvnw -B -Dtest=X test",
            "m/src/test/java/a/SumsTest.java",
            "./mvnw -B test -Dtest=SumsTest -Dsurefire.failIfNoSpecifiedTests=false -DfailIfNoTests=false",
        ),
        ("./gradlew --offline test", "src/test/kotlin/SumsTest.kt", "./gradlew --offline test '--tests=*SumsTest'"),
        ("gradle check", "src/test/kotlin/SumsTest.kt", None),
        (
            "dotnet test -c Release",
            "Tests/SumsTests.cs",
            "dotnet test -c Release '--filter=FullyQualifiedName~SumsTests'",
        ),
        ("bundle exec rspec spec", "spec/a_spec.rb", "bundle exec rspec ./spec/a_spec.rb"),
        ("rake test TEST=x", "test/a_test.rb", "rake test TEST=test/a_test.rb"),
        ("bin/rails test test/models", "test/a_test.rb", "bin/rails test ./test/a_test.rb"),
        ("vendor/bin/phpunit -c x.xml tests", "tests/ATest.php", "vendor/bin/phpunit -c x.xml ./tests/ATest.php"),
        ("prove -l t", "t/a.t", "prove -l ./t/a.t"),
        ("bats test", "test/a.bats", "bats ./test/a.bats"),
        ("ctest", "test/a_test.cc", None),
        ("gotestsum", "a_test.go", None),
    ],
)
def test_narrow_others(command: str, file: str, narrowed: str | None) -> None:
    assert narrow(command, [file]) == narrowed


def test_several_files() -> None:
    assert narrow("phpunit", ["A.php", "b/B.php"]) == "phpunit ./A.php && phpunit ./b/B.php"
    assert narrow("go test ./...", ["a/x_test.go", "a/y_test.go", "b/z_test.go"]) == "go test ./a ./b"
    assert narrow("mvn test", ["BTest.java", "ATest.java"]) == (
        "mvn test -Dtest=ATest,BTest -Dsurefire.failIfNoSpecifiedTests=false -DfailIfNoTests=false"
    )
    assert narrow("pytest && npx jest", ["a.js", "b.py"]) == "pytest ./b.py && npx jest --runTestsByPath ./a.js"


@settings(deadline=None)
@given(command=st.text(alphabet="pytest &|;()<>'\"\\$`#\n-/*", max_size=60), file=st.text(min_size=1, max_size=5))
def test_any_line_is_narrowed_or_not(command: str, file: str) -> None:
    found = narrow(command, [file + ".py"])
    assert found is None or isinstance(found, str)


def test_narrowing_to_nothing_is_not_narrowing() -> None:
    assert narrow("pytest", []) is None


@settings(deadline=None)
@given(files=st.lists(st.text(min_size=1).filter(lambda name: "\0" not in name), min_size=1, max_size=4))
def test_a_file_stays_one_word_and_no_option(files: list[str]) -> None:
    narrowed = narrow("pytest -q", [f"{name}.py" for name in files])
    assert narrowed is not None
    assert shlex.split(narrowed) == ["pytest", "-q", *(f"./{name}.py" for name in files)]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_real_shell_agrees(name: str, tmp_path: Path) -> None:
    narrowed = narrow("pytest", [f"{name}.py"])
    assert narrowed is not None
    program = tmp_path / "pytest"
    program.write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n')
    program.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    said = subprocess.run(["bash", "-c", narrowed], env=env, capture_output=True, cwd=tmp_path, check=True)
    assert said.stdout == f"./{name}.py\0".encode()
    assert {path.name for path in tmp_path.iterdir()} == {"pytest"}


@pytest.mark.parametrize(
    ("paths", "names", "expected"),
    [
        (["tests/test_a.py"], ["tests.test_a::test_b"], ("tests/test_a.py::test_b",)),
        (
            ["tests/test_a.py"],
            ["tests.test_a.TestA.TestB::test_b[x::y.test_a]"],
            ("tests/test_a.py::TestA::TestB::test_b",),
        ),
        (["tests/test_a.py"], ["test_a::test_b[1]", "test_a::test_b[2]"], ("tests/test_a.py::test_b",)),
        (["test_a.py", "b/test_c.py"], ["b.test_c::t", "test_a::t"], ("b/test_c.py::t", "test_a.py::t")),
        (["a/test_x.py", "b/test_x.py"], ["b.test_x::t"], ("b/test_x.py::t",)),
        (["tests/test_a.py"], ["other.test_a::test_b"], None),
        (["tests/test_a.py"], ["::tests.test_a"], None),  # it could not be loaded
        (["tests/test_a.py"], ["tests.test_a::an odd name"], None),
        (["tests/test_a.py"], ["python -m pytest"], None),
        (["tests/test_a.js"], ["tests.test_a::test_b"], None),
        (["tests/test_a.py"], [], None),
        (["t.py"], [f"t::test_{number}" for number in range(201)], None),
    ],
)
def test_single_cases_are_found_by_their_names(
    paths: list[str], names: list[str], expected: tuple[str, ...] | None
) -> None:
    assert cases(paths, names) == expected


@given(paths=st.lists(st.text(max_size=20), max_size=3), names=st.lists(st.text(max_size=30), max_size=3))
def test_there_are_cases_or_none_for_any_names(paths: list[str], names: list[str]) -> None:
    assert cases(paths, names) != ()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python -m pytest -q tests", "python -m pytest -q './tests/a b.py::T::t'"),
        ("cd tests && pytest -x", "cd tests && pytest -x './a b.py::T::t'"),
        ("ruff check; (pytest other && python -m unittest)", "ruff check; (pytest './tests/a b.py::T::t')"),
        ("python -m unittest discover", None),
        ("cd docs && pytest", None),
        ("make test", None),
    ],
)
def test_pytest_is_told_single_cases(command: str, expected: str | None) -> None:
    assert narrow_to_cases(command, ["tests/a b.py::T::t"]) == expected
