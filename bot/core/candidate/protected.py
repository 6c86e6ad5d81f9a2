"""Which files a candidate may not change, and why: what runs elsewhere than in a sandbox, and who decides what does."""

from __future__ import annotations

import unicodedata
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
    REVIEW = "it decides what a reviewer's diff shows"
    AGENT = "agents on a reviewer's machine obey it"
    ROBOT = "a robot with rights of its own obeys it"


# Who changes one of these decides what runs elsewhere, or who reviews. Nothing takes them back.
_ALWAYS = parse_globs(
    "/.github/\n/.gitlab-ci.yml\n/.gitlab/\n/.circleci/\n/.buildkite/\n/.ci/\n/.drone.yml\n/.woodpecker*\n/.travis.yml\n"
    "/.cirrus.yml\n/.semaphore/\n/.teamcity/\n/.gitea/\n/.forgejo/\n/azure-pipelines*\n/.azure-pipelines/\n"
    "/bitbucket-pipelines.yml\n/appveyor.yml\n/.appveyor.yml\n/cloudbuild.y*ml\n/buildspec.y*ml\njenkinsfile*\ncodeowners\n"
    "/.cirrus.star\n/.drone.yaml\n/.drone.star\n/.drone.jsonnet\n/.zuul.yaml\n/.zuul.d/\n/zuul.yaml\n/zuul.d/\n/.builds/\n"
    "/.build.yml\n/.tekton/\n/.harness/\n/.jenkins/\n/.pipelines/\n/.vsts-ci.yml\n/.taskcluster.yml\n/screwdriver.y*ml\n"
    "/wercker.yml\n/shippable.yml\n/.shippable.yml\n/bitrise.yml\n/codemagic.yaml\n/ci_scripts/\n/buddy.yml\n/.dagger/\n"
    "/.readthedocs.y*ml\n/readthedocs.y*ml\n"
)
# By default: a repository that wants them changed says so, `protect: ["!poetry.lock", "!.vscode/"]`. In lower case.
_BY_DEFAULT = {
    Protection.PLAIN: """
        package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb poetry.lock uv.lock pdm.lock
        pipfile.lock cargo.lock go.sum gemfile.lock composer.lock gradle.lockfile mix.lock podfile.lock flake.lock
        deno.lock pixi.lock conda-lock.yml packages.lock.json paket.lock rebar.lock package.resolved cartfile.resolved
        pubspec.lock chart.lock .terraform.lock.hcl module.bazel.lock conan.lock stack.yaml.lock cabal.project.freeze
        gems.locked devbox.lock
        """,
    Protection.GIT: """
        .husky/ .githooks/ .git-hooks/ .huskyrc* .pre-commit-config.yaml .pre-commit-config.yml .lefthook/ lefthook.y*ml
        .lefthook.y*ml lefthook-local.y*ml lefthook.toml lefthook.json .overcommit.yml .lintstagedrc*
        lint-staged.config.* .simple-git-hooks.* .gitconfig
        .hg/ .hgrc .jj/
        """,
    Protection.EDITOR: """
        .vscode/ .idea/ .devcontainer/ .devcontainer.json .zed/ .fleet/ .vs/ .nova/ *.code-workspace *.sublime-project
        .exrc .vimrc .lvimrc .nvimrc .nvim.lua .nvim/ .dir-locals.el .dir-locals-2.el .gitpod.yml .gitpod.dockerfile
        .replit .codesandbox/ .stackblitzrc .vim/ .emacs.d/ session.vim .helix/ .theia/ .lapce/ .neoconf.json
        .cursorignore .externaltoolbuilders/ .settings/ .project nbproject/
        """,
    Protection.SHELL: """
        .envrc .autoenv .autoenv.zsh .mise.toml mise.toml .mise/ .rtx.toml .bashrc .bash_profile .profile .zshrc .zshenv
        .inputrc .gdbinit .lldbinit .pdbrc .pdbrc.py .irbrc .pryrc .rprofile .renviron .ghci
        .env .env.local .flaskenv .direnv/ mise.local.toml .mise.local.toml .mise-tasks/ .config/mise.toml .config/mise/
        mise/config.toml .zprofile .zlogin .zlogout .bash_login .bash_logout .bash_aliases .kshrc .cshrc .tcshrc
        .tmux.conf .psqlrc .sqliterc .my.cnf .iex.exs .octaverc .gdbinit.py .lldbinit-xcode .rprofile.site
        devbox.json .devbox/
        """,
    Protection.PACKAGES: """
        .npmrc .yarnrc .yarnrc.yml .yarn/ .pnpmfile.cjs .pnpmfile.mjs pnpmfile.js bunfig.toml pip.conf pip.ini .pip/
        .pypirc uv.toml poetry.toml .condarc .cargo/config .cargo/config.toml .bundle/ .gemrc nuget.config .mvn/
        gradle-wrapper.properties gradle-wrapper.jar .curlrc .wgetrc .netrc _netrc
        .pnp.cjs .pnp.loader.mjs .pydistutils.cfg pydistutils.cfg .config/pip/ .cargo/credentials.toml .m2/ .gradle/
        init.gradle maven-wrapper.jar maven-wrapper.properties gradlew gradlew.bat mvnw mvnw.cmd .bazelrc user.bazelrc
        tools/bazel .buckconfig .composer/ composer.phar .config/dotnet-tools.json .terraformrc .sbtopts .jvmopts go.env
        """,
    Protection.REVIEW: """
        .gitattributes
        """,
    Protection.AGENT: """
        .claude/ .claude.json claude.md claude.local.md .mcp.json .cursor/ .cursorrules .gemini/ gemini.md .codex/
        agents.md agent.md .agents/ .agent/ .aider* .windsurf/ .windsurfrules .clinerules .clinerules/ .cline/ .roo/
        .roorules* .roomodes .kilocode/ .kilocodemodes .continue/ .continuerc.json .opencode/ opencode.json
        opencode.jsonc .qwen/ qwen.md .kiro/ .junie/ .augment/ .augment-guidelines .goose/ .goosehints .trae/ .copilot/
        copilot-instructions.md .copilot-instructions.md agents.override.md agents.local.md codex.md crush.md
        crush.local.md warp.md .warp/ iflow.md .iflow/ .grok/ .qoder/ codebuddy.md .codebuddy/ .cody/ .sourcegraph/
        .codeium/ .rovodev/ .zencoder/ .claude-plugin/ mcp.json .mcp/ .devin/ .pearai/ .void/ .forge/ .plandex/ skill.md
        .openhands/ .amazonq/ .crush/ .crush.json crush.json .factory/ .amp/ .tabnine/ .rules
        """,
    Protection.ROBOT: """
        renovate.json renovate.json5 .renovaterc .renovaterc.json .renovaterc.json5 .dependabot/ .mergify.yml .mergify/
        .kodiak.toml bors.toml action.yml action.yaml .pre-commit-hooks.yaml
        .bulldozer.yml .policy.yml .pullapprove.yml .gitstream.cm .hound.yml .coderabbit.yaml .pr_agent.toml sweep.yaml
        .sweep.yaml .ellipsis/ ellipsis.yaml .greptile/ cubic.yaml codecov.yml .codecov.yml .snyk .sonarcloud.properties
        sonar-project.properties .deepsource.toml .all-contributorsrc .releaserc .releaserc.* release.config.*
        release-please-config.json .release-please-manifest.json .prow.yaml owners owners_aliases netlify.toml
        vercel.json .dependabot.yml
        """,
}


@dataclass(frozen=True, slots=True)
class Protected:
    """All that is protected in one repository. Make it with `protected_by`."""

    own: Sequence[Glob]
    taken_back: Sequence[Glob]  # of what is protected by default

    def why(self, path: str) -> Protection | None:
        """None: it may be changed. Some file systems do not tell names apart that differ here."""
        folded = _as_a_file_system_may(path)
        if folded.startswith(".github/workflows/"):
            return Protection.WORKFLOW
        if covers(_ALWAYS, folded) or covers(self.own, path):
            return Protection.PLAIN
        ways = [way for way in (folded, *parents(folded)) if not verdict(self.taken_back, way)]
        return next((why for why, globs in _defaults() if any(verdict(globs, way) for way in ways)), None)


def _as_a_file_system_may(path: str) -> str:
    """Without case; Windows drops dots and blanks at the end of a name, and takes `\\` for `/` and `::` for its end."""
    plain = unicodedata.normalize("NFKC", path).casefold().replace("\\", "/")
    names = (name.partition("::")[0].rstrip(". ") or name for name in plain.split("/"))
    return "/".join(name for name in names if name not in ("", "."))


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
