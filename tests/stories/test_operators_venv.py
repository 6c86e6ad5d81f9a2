"""What README says of SANDBOX_TOOLCHAINS: a venv made with the system's python3 works in a sandbox."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters import local_sandboxes
from bot.core.model import SandboxId
from bot.settings import Settings
from tests.contracts.local_sandboxes import SYSTEM_PATH

A = SandboxId("a")
SOON = 240.0  # seconds until something is taken for hanging, on a machine that has much else to do


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """With a package and its program, below a directory that is the operator's alone."""
    system = shutil.which("python3", path=SYSTEM_PATH)
    assert system is not None
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    path = private / "tools"
    subprocess.run([system, "-m", "venv", "--without-pip", path], check=True)
    [packages] = path.glob("lib/python3*/site-packages")
    (packages / "greeting.py").write_text("def main():\n    print('hello from', __file__)\n")
    program = path / "bin" / "greet"
    program.write_text(f"#!{path}/bin/python3\nimport greeting\ngreeting.main()\n")
    program.chmod(0o755)
    return path


@pytest.mark.namespaces
async def test_a_venv_of_the_systems_python_works_in_a_sandbox(tmp_path: Path, venv: Path) -> None:
    settings = replace(Settings(), data=tmp_path / "data", sandbox_toolchains=(venv,)).with_found_bubblewrap()
    sandboxes = local_sandboxes(settings)
    await sandboxes.create(A)
    try:
        done = await sandboxes.run(A, "python3 -c 'import greeting; greeting.main()' && greet", timeout=SOON)
    finally:
        await sandboxes.close(A)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [f"hello from {next(venv.glob('lib/python3*'))}/site-packages/greeting.py"] * 2
