"""Which files a candidate may not change, and why: what runs elsewhere than in a sandbox, and who decides what does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from bot.core.globs import Glob, covers, parents, parse_globs, verdict


class Protection(StrEnum):
    """The reason, as people read it behind the path; "" where the path says it."""

    WORKFLOW = "workflow"
    PLAIN = ""
    GIT = "git runs it on a reviewer's machine"
    EDITOR = "an editor obeys it when a reviewer opens the branch"
    SHELL = "a shell or a debugger obeys it in a reviewer's clone"
    PACKAGES = "it says where a reviewer's package manager gets packages from, or what that runs"
    AGENT = "agents on a reviewer's machine obey it"
    ROBOT = "a robot with rights of its own obeys it"


# Who changes one of these decides what runs elsewhere, or who reviews. Nothing takes them back.
_ALWAYS = parse_globs(
    "/.github/\n/.gitlab-ci.yml\n/.gitlab/\n/.circleci/\n/.buildkite/\n/.ci/\n/.drone.yml\n/.woodpecker*\n/.travis.yml\n"
    "/.cirrus.yml\n/.semaphore/\n/.teamcity/\n/.gitea/\n/.forgejo/\n/azure-pipelines*\n/.azure-pipelines/\n"
    "/bitbucket-pipelines.yml\n/appveyor.yml\n/.appveyor.yml\n/cloudbuild.y*ml\n/buildspec.y*ml\njenkinsfile*\ncodeowners\n"
)
# By default: a repository that wants them changed says so, `protect: ["!poetry.lock", "!.vscode/"]`. In lower case.
_BY_DEFAULT = {
    Protection.PLAIN: """
        package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb poetry.lock uv.lock pdm.lock
        pipfile.lock cargo.lock go.sum gemfile.lock composer.lock gradle.lockfile mix.lock podfile.lock flake.lock
        """,
    Protection.GIT: """
        .husky/ .githooks/ .git-hooks/ .huskyrc* .pre-commit-config.yaml .pre-commit-config.yml .lefthook/ lefthook.y*ml
        .lefthook.y*ml lefthook-local.y*ml lefthook.toml lefthook.json .overcommit.yml .lintstagedrc*
        lint-staged.config.* .simple-git-hooks.* .gitconfig
        """,
    Protection.EDITOR: """
        .vscode/ .idea/ .devcontainer/ .devcontainer.json .zed/ .fleet/ .vs/ .nova/ *.code-workspace *.sublime-project
        .exrc .vimrc .lvimrc .nvimrc .nvim.lua .nvim/ .dir-locals.el .dir-locals-2.el .gitpod.yml .gitpod.dockerfile
        .replit .codesandbox/ .stackblitzrc
        """,
    Protection.SHELL: """
        .envrc .autoenv .autoenv.zsh .mise.toml mise.toml .mise/ .rtx.toml .bashrc .bash_profile .profile .zshrc .zshenv
        .inputrc .gdbinit .lldbinit .pdbrc .pdbrc.py .irbrc .pryrc .rprofile .renviron .ghci
        """,
    Protection.PACKAGES: """
        .npmrc .yarnrc .yarnrc.yml .yarn/ .pnpmfile.cjs .pnpmfile.mjs pnpmfile.js bunfig.toml pip.conf pip.ini .pip/
        .pypirc uv.toml poetry.toml .condarc .cargo/config .cargo/config.toml .bundle/ .gemrc nuget.config .mvn/
        gradle-wrapper.properties gradle-wrapper.jar .curlrc .wgetrc .netrc _netrc
        """,
    Protection.AGENT: """
        .claude/ .claude.json claude.md claude.local.md .mcp.json .cursor/ .cursorrules .gemini/ gemini.md .codex/
        agents.md agent.md .agents/ .agent/ .aider* .windsurf/ .windsurfrules .clinerules .clinerules/ .cline/ .roo/
        .roorules* .roomodes .kilocode/ .kilocodemodes .continue/ .continuerc.json .opencode/ opencode.json
        opencode.jsonc .qwen/ qwen.md .kiro/ .junie/ .augment/ .augment-guidelines .goose/ .goosehints .trae/ .copilot/
        .openhands/ .amazonq/ .crush/ .crush.json crush.json .factory/ .amp/ .tabnine/ .rules
        """,
    Protection.ROBOT: """
        renovate.json renovate.json5 .renovaterc .renovaterc.json .renovaterc.json5 .dependabot/ .mergify.yml .mergify/
        .kodiak.toml bors.toml action.yml action.yaml .pre-commit-hooks.yaml
        """,
}


@dataclass(frozen=True, slots=True)
class Protected:
    """All that is protected in one repository. Make it with `protected_by`."""

    own: Sequence[Glob]
    taken_back: Sequence[Glob]  # of what is protected by default

    def why(self, path: str) -> Protection | None:
        """None: it may be changed. Some file systems do not tell the case of names."""
        folded = path.casefold()
        if folded.startswith(".github/workflows/"):
            return Protection.WORKFLOW
        if covers(_ALWAYS, folded) or covers(self.own, path):
            return Protection.PLAIN
        ways = [way for way in (folded, *parents(folded)) if not verdict(self.taken_back, way)]
        return next((why for why, globs in _defaults() if any(verdict(globs, way) for way in ways)), None)


def protected_by(patterns: Sequence[str]) -> Protected:
    """`patterns`: the repository's own, as in .gitignore; `!` takes back what is protected by default or by itself."""
    negated = [pattern[1:].casefold() for pattern in patterns if pattern.startswith("!")]
    taken_back = "\n".join(line for pattern in negated for line in (pattern, pattern.removesuffix("**")))
    return Protected(parse_globs("\n".join(patterns)), parse_globs(taken_back))


@cache
def _defaults() -> tuple[tuple[Protection, Sequence[Glob]], ...]:
    return tuple((why, parse_globs("\n".join(map(_anywhere, names.split())))) for why, names in _BY_DEFAULT.items())


def _anywhere(name: str) -> str:
    """With a slash inside, a pattern would count at the top only."""
    return f"**/{name}" if "/" in name.rstrip("/") else name
