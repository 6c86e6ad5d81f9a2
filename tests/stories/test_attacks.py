"""What somebody with bad intentions tries: whoever writes issues, comments, repositories, or is a model."""

from __future__ import annotations

from pathlib import Path

from tests.stories.test_terminal import Shell, a_shell, clone, git
from tests.stories.world import FIXES

__all__ = ["clone"]  # a fixture

# ------------------------------------------------------------------------- A clone that attacks who solves its issues


async def test_a_clone_does_not_configure_the_bot_that_solves_it(clone: Path, tmp_path: Path) -> None:
    """Its .env could name another place for the key to be sent to, or a program of its own as the sandbox."""
    (clone / ".env").write_text("PORT=read from the clone\n")
    (clone / "src").mkdir()
    async with a_shell(tmp_path, FIXES) as (solvebot, _, _):
        for directory in (clone, clone / "src"):
            inside = Shell(directory, solvebot.env)
            code, _, err = await inside("solve", ".", "--issue", str(tmp_path / "issue.md"), "--model", "fixer")
            assert "PORT" not in err
            assert code == 0, err
            git(clone, "branch", "-D", git(clone, "branch", "--list", "solvebot/*", "--format=%(refname:short)"))


async def test_a_clone_does_not_bring_our_databases_along(clone: Path, tmp_path: Path) -> None:
    """Unfinished work of somebody else's, mirrors with a configuration: all that DATA_DIR holds is trusted."""
    async with a_shell(tmp_path, FIXES) as (solvebot, llm, _):
        env = {name: value for name, value in solvebot.env.items() if name != "DATA_DIR"}
        code, _, err = await Shell(clone, env)("solve", ".", "--issue", str(tmp_path / "issue.md"), "--model", "fixer")
        assert code == 1
        assert "DATA_DIR" in err
        assert not llm.calls
    assert not (clone / "data").exists()
