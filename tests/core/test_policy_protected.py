"""What is protected by default: a sample of every entry, with the reason that people read."""

from __future__ import annotations

import pytest

from bot.core.candidate.gates import GatePolicy, check_gates
from bot.core.model import Gate, GateFailure
from tests.core.test_gates import candidate, gates

BY_DEFAULT = {
    "git runs it on a reviewer's machine": """
        .husky/pre-commit .githooks/x .git-hooks/x .huskyrc .huskyrc.json .pre-commit-config.yaml .pre-commit-config.yml
        .lefthook/x lefthook.yml lefthook.yaml .lefthook.yml lefthook-local.yml lefthook.toml lefthook.json
        .overcommit.yml .lintstagedrc .lintstagedrc.json lint-staged.config.js .simple-git-hooks.json .gitconfig
        """,
    "an editor obeys it when a reviewer opens the branch": """
        .vscode/tasks.json .idea/x .devcontainer/x .devcontainer.json .zed/x .fleet/x .vs/x .nova/x a.code-workspace
        a.sublime-project .exrc .vimrc .lvimrc .nvimrc .nvim.lua .nvim/x .dir-locals.el .dir-locals-2.el .gitpod.yml
        .gitpod.Dockerfile .replit .codesandbox/x .stackblitzrc
        """,
    "a shell or a debugger obeys it in a reviewer's clone": """
        .envrc .autoenv .autoenv.zsh .mise.toml mise.toml .mise/x .rtx.toml .bashrc .bash_profile .profile .zshrc
        .zshenv .inputrc .gdbinit .lldbinit .pdbrc .pdbrc.py .irbrc .pryrc .Rprofile .Renviron .ghci
        """,
    "it says where a reviewer's package manager gets packages from, or what that runs": """
        .npmrc .yarnrc .yarnrc.yml .yarn/x .pnpmfile.cjs .pnpmfile.mjs pnpmfile.js bunfig.toml pip.conf pip.ini .pip/x
        .pypirc uv.toml poetry.toml .condarc .cargo/config .cargo/config.toml .bundle/x .gemrc NuGet.Config .mvn/x
        gradle-wrapper.properties gradle-wrapper.jar .curlrc .wgetrc .netrc _netrc
        """,
    "agents on a reviewer's machine obey it": """
        .claude/x .claude.json CLAUDE.md CLAUDE.local.md .mcp.json .cursor/x .cursorrules .gemini/x GEMINI.md .codex/x
        AGENTS.md AGENT.md .agents/x .agent/x .aider.conf.yml .windsurf/x .windsurfrules .clinerules .clinerules/x
        .cline/x .roo/x .roorules .roorules-code .roomodes .kilocode/x .kilocodemodes .continue/x .continuerc.json
        .opencode/x opencode.json opencode.jsonc .qwen/x QWEN.md .kiro/x .junie/x .augment/x .augment-guidelines
        .goose/x .goosehints .trae/x .copilot/x .openhands/x .amazonq/x .crush/x .crush.json crush.json
        .factory/x .amp/x
        .tabnine/x .rules
        """,
    "a robot with rights of its own obeys it": """
        renovate.json renovate.json5 .renovaterc .renovaterc.json .renovaterc.json5 .dependabot/x .mergify.yml
        .mergify/x .kodiak.toml bors.toml action.yml action.yaml .pre-commit-hooks.yaml
        """,
}
ROWS = [(path, why) for why, paths in BY_DEFAULT.items() for path in paths.split()]


@pytest.mark.parametrize(("path", "why"), ROWS)
def test_what_is_obeyed_elsewhere_is_protected_everywhere_with_the_reason(path: str, why: str) -> None:
    for written in (path, f"web/app/{path}", path.upper()):
        assert check_gates(candidate(written), GatePolicy()) == (GateFailure(Gate.PROTECTED_PATH, f"{written}: {why}"),)


@pytest.mark.parametrize(("path", "why"), ROWS)
def test_a_repository_that_wants_it_changed_says_so(path: str, why: str) -> None:
    top = path.partition("/")[0]
    taken_back = f"!{path}" if top == ".cargo" else f"!{top}/" if "/" in path else f"!{path}"
    assert gates(candidate(path), GatePolicy((taken_back,))) == [], why


@pytest.mark.parametrize(
    "path", ["husky/x", "vscode/x", "npmrc", "pip.config", "claude.py", "docs/agents.rst", "bors.py"]
)
def test_what_only_sounds_like_it_is_not(path: str) -> None:
    assert gates(candidate(path)) == []
