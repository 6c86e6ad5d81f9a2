"""A patch as lines with numbers, whatever is in it, and never more of it than anybody reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.candidate.diff_lines import LONGEST_LINE, MOST_LINES, DiffLine, LineKind, diff_of

PATCH = """\
diff --git a/greet.py b/greet.py
index 1111111..2222222 100644
--- a/greet.py
+++ b/greet.py
@@ -3,4 +3,5 @@ import sys
 def greet(name):
-    return name
+    if not name:
+        name = "world"
     return name
 # the end
diff --git a/new.txt b/new.txt
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/new.txt
@@ -0,0 +1,2 @@
+diff --git a/evil b/evil
++++ b/evil
"""


def test_lines_have_their_numbers_before_and_after() -> None:
    greet, _ = diff_of(PATCH)
    assert greet.path == "greet.py"
    assert [(line.sign, line.old, line.new) for line in greet.lines] == [
        (" ", 0, 0),
        (" ", 3, 3),
        ("-", 4, 0),
        ("+", 0, 4),
        ("+", 0, 5),
        (" ", 5, 6),
        (" ", 6, 7),
    ]


def test_content_that_looks_like_a_header_is_content() -> None:
    _, new = diff_of(PATCH)
    assert (new.path, new.note) == ("new.txt", "new")
    assert new.lines[1:] == (
        DiffLine(LineKind.ADDED, "diff --git a/evil b/evil", new=1),
        DiffLine(LineKind.ADDED, "+++ b/evil", new=2),
    )


def test_a_long_patch_and_a_long_line_are_cut_and_say_so() -> None:
    number = MOST_LINES + 10
    lines = "".join(f"+{n}\n" for n in range(number))
    [file] = diff_of(f"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,{number} @@\n{lines}")
    assert (len(file.lines), file.left_out) == (MOST_LINES, 11)
    [wide] = diff_of(f"diff --git a/x b/x\n@@ -0,0 +1 @@\n+{'a' * 10_000}\n")
    assert len(wide.lines[1].text) == LONGEST_LINE + 2


@given(st.text())
def test_anything_is_read(patch: str) -> None:
    assert sum(len(file.lines) for file in diff_of(patch)) <= MOST_LINES


@given(st.lists(st.sampled_from(["diff --git a/x b/x", "@@ -1 +1,3 @@", "+a", "-b", " c", "\\ No newline", "@@ -9"])))
def test_pieces_of_patches_are_read_in_any_order(lines: list[str]) -> None:
    for file in diff_of("\n".join(lines)):
        assert all(line.old >= 0 and line.new >= 0 for line in file.lines)
