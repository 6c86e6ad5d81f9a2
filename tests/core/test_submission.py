"""What hands an agent's work in, and what only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.candidate.submission import SUBMIT, Submission, submission

WORDS = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


@pytest.mark.parametrize(
    "command",
    [
        f"echo {WORDS}",
        f"  echo {WORDS}  \n",
        f"\necho {WORDS}",
        f"echo  {WORDS}",
        f'echo "{WORDS}"',
        f"echo '{WORDS}'",
        f'echo "{WORDS}\n"',
        f"echo -n {WORDS}",
        f'echo -e "{WORDS}\\n"',
        f"echo {WORDS} done",
        f'echo "{WORDS}: all tests pass"',
        f"echo {WORDS}.",
        f"echo {WORDS} # finished",
        f"# finished\necho {WORDS}",
        f"echo {WORDS}; exit 0",
        f"echo {WORDS};",
        f"echo {WORDS} && cat patch.txt",
        f"echo {WORDS}&&true",
        f"echo {WORDS} && git diff > patch.txt",
        f"echo {WORDS} && git add -A && git diff --cached | head",
        f"echo {WORDS}\ngit diff",
        f"echo {WORDS}\ncat <<EOF\nx\nEOF",
        f"echo {WORDS} 2>&1",
        f"echo {WORDS} >&2",
        f"cd /workspace && echo {WORDS}",
        f"cd /workspace; echo {WORDS}",
        f"cd /workspace\necho {WORDS}",
        f'cd "/work space" && echo "{WORDS}"',
        f"set -e\ncd /workspace && true && echo {WORDS}",
        f"printf '{WORDS}\\n'",
        f"/bin/echo {WORDS}",
        f"bash -c 'echo {WORDS}'",
        f'bash -lc "cd /workspace && echo {WORDS}"',
        f"```bash\necho {WORDS}\n```",
    ],
)
def test_what_a_shell_understands_in_one_way_hands_in(command: str) -> None:
    assert submission(command) == Submission()


@pytest.mark.parametrize(
    ("command", "before", "in_any_case"),  # None: all but the last line
    [
        (f"git add -A && {SUBMIT}", "git add -A", False),
        (f"cd /workspace && git add -A && {SUBMIT} && git diff --cached", "cd /workspace && git add -A", False),
        (f"make test; {SUBMIT}", "make test", True),
        (f"make test\n{SUBMIT}", "make test", True),
        (f"rm -f x.py\nmake && {SUBMIT}", "rm -f x.py\nmake", False),
        (f"make | tail && {SUBMIT}", "make | tail", False),
        (f"make > /tmp/log 2>&1; {SUBMIT}", "make > /tmp/log 2>&1", True),
        (f"cat > a.py <<'EOF'\nx\nEOF\n{SUBMIT}", "cat > a.py <<'EOF'\nx\nEOF", True),
        (f"cat > a <<EOF\nEOF\nmake && {SUBMIT}", "cat > a <<EOF\nEOF\nmake", False),
        (f"cat <<A > a\nx\nA\ncat <<-B > b\n{SUBMIT}\n\tB\ncd x && {SUBMIT}", None, True),
    ],
)
def test_what_stands_before_is_run_first(command: str, before: str | None, in_any_case: bool) -> None:
    before = command.rpartition("\n")[0] if before is None else before
    assert submission(command) == Submission(before, in_any_case)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "\n\n",
        "echo COMPLETE_TASK",
        f"echo {WORDS}S",
        f"echo {WORDS}-2",
        f"echo not {WORDS}",
        f"grep -r {WORDS} .",
        f"cat {WORDS}",
        f"echo {WORDS} > notes.txt",
        f"echo {WORDS} >> notes.txt",
        f"echo {WORDS} | tee notes.txt",
        f"echo {WORDS} || true",
        f"make || echo {WORDS}",
        f"if make; then echo {WORDS}; fi",
        f"cat <<EOF\necho {WORDS}\nEOF",
        f"cat <<EOF\nx\necho {WORDS}",
        f"cat <<EOF\nx\nEOFF\necho {WORDS}",
        f"cat > finish.sh <<'EOF'\necho {WORDS}\nEOF",
        f"echo 'echo {WORDS}' > finish.sh",
        f"python3 -c 'print(\"{WORDS}\")'",
        f"(echo {WORDS})",
        f"echo $({SUBMIT})",
        f"echo '{WORDS}",
        f"ssh host 'echo {WORDS}'",
        "echo " + "x" * 30_000 + f"; echo {WORDS}",
    ],
)
def test_what_only_looks_like_it_hands_nothing_in(command: str) -> None:
    assert submission(command) is None


@given(
    st.lists(
        st.sampled_from([*"'\"#;&|()<>\n `$\\", "bash -c ", SUBMIT, WORDS, "cd x", "&&", "<<E", "\nE\n"]), max_size=30
    )
)
def test_any_command_is_read(parts: list[str]) -> None:
    submission("".join(parts))


def test_here_documents_without_end_cost_little() -> None:
    assert submission("cat <<E\n" * 2_400 + SUBMIT) is None
