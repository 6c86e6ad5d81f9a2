"""What is left in DATA_DIR/tmp by the living and by the dead."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bot.temporary_files import temporary_files

LIVE = """
import sys, tempfile
from pathlib import Path
from bot.temporary_files import temporary_files
with temporary_files(Path(sys.argv[1])):
    print(tempfile.mkdtemp(), flush=True)
    sys.stdin.read()
"""


def test_the_next_start_deletes_what_the_dead_left_and_nothing_of_the_living(tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    command = [sys.executable, "-c", LIVE, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        assert left.is_relative_to(tmp_path)
        with temporary_files(tmp_path):
            assert left.is_dir()
            assert Path(tempfile.gettempdir()).parent == tmp_path
        other.kill()
    assert left.is_dir()
    assert tempfile.gettempdir() == before

    with temporary_files(tmp_path):
        assert not left.exists()
        assert len(list(tmp_path.iterdir())) == 1
        Path(tempfile.mkdtemp(), "not deleted").touch()
    assert list(tmp_path.iterdir()) == []
