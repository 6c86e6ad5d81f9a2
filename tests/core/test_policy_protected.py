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
        .hg/hgrc .hgrc .jj/x
        """,
    "an editor obeys it when a reviewer opens the branch": """
        .vscode/tasks.json .idea/x .devcontainer/x .devcontainer.json .zed/x .fleet/x .vs/x .nova/x a.code-workspace
        a.sublime-project .exrc .vimrc .lvimrc .nvimrc .nvim.lua .nvim/x .dir-locals.el .dir-locals-2.el .gitpod.yml
        .gitpod.Dockerfile .replit .codesandbox/x .stackblitzrc
        .vim/x .emacs.d/init.el Session.vim .helix/x .theia/x .lapce/x .neoconf.json .cursorignore
        .externalToolBuilders/x.launch .settings/x .project nbproject/x
        """,
    "a shell or a debugger obeys it in a reviewer's clone": """
        .envrc .autoenv .autoenv.zsh .mise.toml mise.toml .mise/x .rtx.toml .bashrc .bash_profile .profile .zshrc
        .zshenv .inputrc .gdbinit .lldbinit .pdbrc .pdbrc.py .irbrc .pryrc .Rprofile .Renviron .ghci
        .env .env.local .flaskenv .direnv/x mise.local.toml .mise.local.toml .mise-tasks/x .config/mise.toml
        .config/mise/x mise/config.toml .zprofile .zlogin .zlogout .bash_login .bash_logout .bash_aliases .kshrc .cshrc
        .tcshrc .tmux.conf .psqlrc .sqliterc .my.cnf .iex.exs .octaverc .gdbinit.py .lldbinit-Xcode .Rprofile.site
        devbox.json .devbox/x
        """,
    "it says where a reviewer's package manager gets packages from, or what that runs": """
        .npmrc .yarnrc .yarnrc.yml .yarn/x .pnpmfile.cjs .pnpmfile.mjs pnpmfile.js bunfig.toml pip.conf pip.ini .pip/x
        .pypirc uv.toml poetry.toml .condarc .cargo/config .cargo/config.toml .bundle/x .gemrc NuGet.Config .mvn/x
        gradle-wrapper.properties gradle-wrapper.jar .curlrc .wgetrc .netrc _netrc
        .pnp.cjs .pnp.loader.mjs .pydistutils.cfg pydistutils.cfg .config/pip/x .cargo/credentials.toml .m2/x
        .gradle/x init.gradle maven-wrapper.jar maven-wrapper.properties gradlew gradlew.bat mvnw mvnw.cmd .bazelrc
        user.bazelrc tools/bazel .buckconfig .composer/x composer.phar .config/dotnet-tools.json .terraformrc .sbtopts
        .jvmopts go.env
        """,
    "it decides what a reviewer's diff shows": """
        .gitattributes
        """,
    "agents on a reviewer's machine obey it": """
        .claude/x .claude.json CLAUDE.md CLAUDE.local.md .mcp.json .cursor/x .cursorrules .gemini/x GEMINI.md .codex/x
        AGENTS.md AGENT.md .agents/x .agent/x .aider.conf.yml .windsurf/x .windsurfrules .clinerules .clinerules/x
        .cline/x .roo/x .roorules .roorules-code .roomodes .kilocode/x .kilocodemodes .continue/x .continuerc.json
        .opencode/x opencode.json opencode.jsonc .qwen/x QWEN.md .kiro/x .junie/x .augment/x .augment-guidelines
        .goose/x .goosehints .trae/x .copilot/x .openhands/x .amazonq/x .crush/x .crush.json crush.json
        copilot-instructions.md .copilot-instructions.md AGENTS.override.md AGENTS.local.md CODEX.md CRUSH.md
        CRUSH.local.md WARP.md .warp/x IFLOW.md .iflow/x .grok/x .qoder/x CODEBUDDY.md .codebuddy/x .cody/x
        .sourcegraph/x .codeium/x .rovodev/x .zencoder/x .claude-plugin/x mcp.json .mcp/x .devin/x .pearai/x .void/x
        .forge/x .plandex/x SKILL.md
        .factory/x .amp/x
        .tabnine/x .rules
        """,
    "a robot with rights of its own obeys it": """
        renovate.json renovate.json5 .renovaterc .renovaterc.json .renovaterc.json5 .dependabot/x .mergify.yml
        .mergify/x .kodiak.toml bors.toml action.yml action.yaml .pre-commit-hooks.yaml
        .bulldozer.yml .policy.yml .pullapprove.yml .gitstream.cm .hound.yml .coderabbit.yaml .pr_agent.toml sweep.yaml
        .sweep.yaml .ellipsis/x ellipsis.yaml .greptile/x cubic.yaml codecov.yml .codecov.yml .snyk
        .sonarcloud.properties sonar-project.properties .deepsource.toml .all-contributorsrc .releaserc .releaserc.json
        release.config.js release-please-config.json .release-please-manifest.json .prow.yaml OWNERS OWNERS_ALIASES
        netlify.toml vercel.json .dependabot.yml
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
    taken_back = (
        f"!{path.removesuffix('x')}"
        if top in (".cargo", ".config", "mise", "tools")
        else f"!{top}/"
        if "/" in path
        else f"!{path}"
    )
    assert gates(candidate(path), GatePolicy((taken_back,))) == [], why


@pytest.mark.parametrize(
    "path", ["husky/x", "vscode/x", "npmrc", "pip.config", "claude.py", "docs/agents.rst", "bors.py"]
)
def test_what_only_sounds_like_it_is_not(path: str) -> None:
    assert gates(candidate(path)) == []


LOCKS = """
    deno.lock pixi.lock conda-lock.yml packages.lock.json paket.lock rebar.lock Package.resolved Cartfile.resolved
    pubspec.lock Chart.lock .terraform.lock.hcl MODULE.bazel.lock conan.lock stack.yaml.lock cabal.project.freeze
    gems.locked devbox.lock
"""


@pytest.mark.parametrize("path", LOCKS.split())
def test_every_kind_of_lock_file_is_protected(path: str) -> None:
    assert check_gates(candidate(f"web/{path}"), GatePolicy()) == (GateFailure(Gate.PROTECTED_PATH, f"web/{path}"),)
    assert gates(candidate(path), GatePolicy((f"!{path}",))) == []


@pytest.mark.parametrize(
    "path",
    [
        ".github./workflows/x.yml",
        ".github /workflows/x.yml",
        ".github\\workflows\\x.yml",
        "\uff0egithub/workflows/x.yml",
        ".github/workflows/x.yml.",
        "./.github/workflows/x.yml",
        ".github//workflows/x.yml",
    ],
)
def test_a_name_that_some_file_system_takes_for_a_workflow_is_one(path: str) -> None:
    assert Gate.WORKFLOW in gates(candidate(path))


@pytest.mark.parametrize("path", [".npmrc.", ".vscode./tasks.json", ".npmrc::$DATA", "a\\.npmrc", ".envrc "])
def test_a_name_that_some_file_system_takes_for_a_protected_one_is_protected(path: str) -> None:
    assert gates(candidate(path)) == [Gate.PROTECTED_PATH, Gate.FILE_NAME]


@pytest.mark.parametrize(
    "path", ["src/a.py.", "src/a.py ", " src/a.py", "src\\a.py", "GIT~1/config", "src /a.py", "a::b"]
)
def test_a_name_that_is_another_one_on_windows_is_not_published(path: str) -> None:
    assert Gate.FILE_NAME in gates(candidate(path))


@pytest.mark.parametrize("path", ["a..b.py", "...x/y.py", "a~.py", "v1.~2~/a", "with blank/a b.py", "a:b.py", ".x"])
def test_other_odd_names_are(path: str) -> None:
    assert gates(candidate(path)) == []
