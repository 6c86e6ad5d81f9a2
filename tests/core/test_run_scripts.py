"""Which scripts of a run are kept, from the commands that wrote them; and how one is run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.candidate.run_scripts import MAX_SCRIPT, MAX_SCRIPTS, kept_scripts, scripts_written
from bot.core.model import Script
from bot.core.runners import runs_script

CRASH = "from shop import parse\nparse('1,234')\n"


def wrote(path: str, text: str = CRASH) -> str:
    return f"cat > {path} <<'EOF'\n{text}EOF"


@pytest.mark.parametrize(
    ("commands", "found"),
    [
        ([wrote("repro.py")], [("repro.py", CRASH)]),
        ([wrote("/tmp/repro.py"), "python3 /tmp/repro.py", "rm /tmp/repro.py"], [("repro.py", CRASH)]),
        ([f"cat <<EOF > check.js\n{CRASH}EOF\nnode check.js"], [("check.js", CRASH)]),
        ([f"tee check.sh <<EOF\n{CRASH}EOF"], [("check.sh", CRASH)]),
        (["ls", f"cd /workspace && python3 - <<'EOF'\n{CRASH}EOF"], [("inline_2.py", CRASH)]),
        ([f"python <<EOF\n{CRASH}EOF", "node <<EOF\n1;\nEOF"], [("inline_1.py", CRASH), ("inline_2.js", "1;\n")]),
        ([f"{wrote('a.py')}\n{wrote('b.py', '1/0' + chr(10))}"], [("a.py", CRASH), ("b.py", "1/0\n")]),
        ([wrote("a.py", "old\n"), wrote("a.py")], [("a.py", CRASH)]),
        ([wrote("a.py"), wrote("b.py")], [("b.py", CRASH)]),
        ([wrote("src/shop.py")], []),
        ([wrote("../out.py"), wrote("notes.md"), wrote("$DIR/x.py")], []),
        ([wrote("edit.py", "open('x.py', 'w').write('')\n")], []),
        (["python3 - <<'P'\np='a.py';s=open(p).read()\nopen(p,'w').write(s)\nP"], []),
        ([wrote("big.py", "#" * MAX_SCRIPT + "\n")], []),
        (["cat > open.py <<EOF\nnever ends"], []),
        (["python -c 'import shop'", "echo x > y.py", ""], []),
    ],
)  # fmt: skip
def test_what_is_kept(commands: list[str], found: list[tuple[str, str]]) -> None:
    assert [(script.path, script.text) for script in scripts_written(commands, {"src/shop.py"})] == found


def test_the_last_few_are_kept() -> None:
    commands = [wrote(f"try_{number}.py", f"{number}/0\n") for number in range(20)]
    assert scripts_written(commands, ()) == tuple(
        Script(f"try_{number}.py", f"{number}/0\n") for number in range(20 - MAX_SCRIPTS, 20)
    )


def test_what_lies_there_at_the_end_stands_over_what_was_written() -> None:
    written = [Script("a.py", "old"), Script("b.py", "b")]
    assert kept_scripts([Script("a.py", "new"), Script("c.py", "c")], written) == (
        Script("a.py", "new"),
        Script("b.py", "b"),
        Script("c.py", "c"),
    )


@given(st.lists(st.text(alphabet="catpy<>'\"EOF\n -.~/\0é", max_size=200), max_size=5))
def test_no_command_is_too_odd(commands: list[str]) -> None:
    assert len(scripts_written(commands, ())) <= MAX_SCRIPTS


@pytest.mark.parametrize(
    ("command", "path", "line"),
    [
        ("pytest -q", "repro.py", "python3 ./repro.py"),
        ("python3 -m pytest", "repro.py", "python3 ./repro.py"),
        ("PYTHONPATH=src python3 -X dev -m pytest -q", "repro.py", "PYTHONPATH=src python3 ./repro.py"),
        ("~/venv/bin/pytest", "repro.py", "~/venv/bin/python ./repro.py"),
        ("A=b .venv/bin/pytest tests", "repro.py", "A=b .venv/bin/python ./repro.py"),
        ("uv run --no-sync pytest", "repro.py", "uv run --no-sync python ./repro.py"),
        ("npm run lint && (python -m unittest)", "repro.py", "python ./repro.py"),
        ("coverage run -m pytest", "repro.py", "python ./repro.py"),
        ("make test", "a/b.py", "python3 ./a/b.py"),
        ("npm test", "repro.mjs", "node ./repro.mjs"),
        ("npm test", "repro.sh", "sh ./repro.sh"),
        ("npm test", "repro.ts", None),
        ("pytest", "re pro;.py", "python3 './re pro;.py'"),
    ],
)
def test_how_it_is_run(command: str, path: str, line: str | None) -> None:
    assert runs_script(command, path) == line
