"""Which programs do what: one line for those that differ in nothing that matters here.

What comes first holds. Arguments are matched from the first one that is no option, unless the pattern begins with `.*`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    SETUP = "set-up"  # installs, builds
    TEST = "test"  # a test runner, or a task runner that is told to test
    CHECK = "check"  # lint, types, formatting
    UNFIT = "unfit"  # nothing for a sandbox: deploys, uploads, talks to services, needs root
    OTHER = "other"


_NO_TEST = r"(?!\S*(lint|format|types?\b|tsc|e2e|bench|perf|smoke|browser|docs?\b|watch))"
_TASK_TEST = rf"{_NO_TEST}\S*(?<![a-z])(tests?|units?|specs?|cov|coverage)\b"
_TASK_CHECK = r"\S*(lint|format|fmt|typecheck|type-check|types?\b|tsc|mypy|ruff|style|prettier|eslint|check)"
_TASK_SETUP = r"\S*(build|compile|bootstrap|prepare|setup|install|generate|deps)\b"
_TASK_UNFIT = r"\S*(?<![a-z])(docs?|html|site|storybook|release|publish|deploy|package|pack|bench\w*|e2e)\b"
_SESSION_CHECK = r"\S*(lint|flake8|mypy|typing|types|style|pre-commit|checkqa|ruff|docs|package|build|publish)"
_JS_RUN = r"((workspace \S+ )?(run(-script)? )?(--filter \S+ |-\S+ )*)"

_UNFIT, _TEST, _CHECK, _SETUP = Kind.UNFIT, Kind.TEST, Kind.CHECK, Kind.SETUP
# (kind, programs, arguments)
_TABLE: tuple[tuple[Kind, str, str], ...] = (
    # what no sandbox can do, or must not
    (_UNFIT, "sudo su doas apt apt-get apk dnf yum pacman zypper brew port choco winget snap dpkg", ""),
    (_UNFIT, "docker docker-compose podman kubectl helm", ""),
    (_UNFIT, "minikube kind systemctl service launchctl update-alternatives", ""),
    (_UNFIT, "gh hub aws gcloud az heroku vercel netlify fly", ""),
    (_UNFIT, "flyctl wrangler terraform ansible ssh scp rsync gpg gpg2", ""),
    (_UNFIT, "twine codecov codecovcli coveralls codacy", ""),
    (_UNFIT, "codeclimate cc-test-reporter sonar-scanner goveralls smokeshow", ""),
    (_UNFIT, "semantic-release release-please changeset gh-pages", ""),
    (_UNFIT, "lerna-publish cargo-release goreleaser sentry-cli", ""),
    (_UNFIT, "curl wget ftp nc telnet ping modprobe sysctl mount ulimit useradd usermod locale-gen reboot", ""),
    (_UNFIT, "playwright cypress puppeteer", r"(browsers )?install\b"),
    (_UNFIT, "rm mv tar unzip git-lfs", ""),
    (_UNFIT, "git", r"push|clone|fetch|pull|remote|checkout|reset|clean|config|tag|commit|merge|rebase|lfs|add|diff"),
    (_UNFIT, "npm yarn pnpm bun", r"(publish|login|whoami|token|owner|dist-tag|audit|version|pack|link|cache)\b"),
    (_UNFIT, "npm yarn pnpm bun", r"config\b|set\b|add\b|remove\b|update\b|upgrade\b|dedupe\b|why\b|ls\b|list\b"),
    (_UNFIT, "npm", r".*(^| )(-g|--global)\b.* n?pm(@\S+)?$"),
    (_UNFIT, "cargo", r"publish|login|owner|yank|release|install|update|add"),
    (_UNFIT, "poetry pdm hatch flit uv rye", r"publish|config|self|version|env use|python|lock|build|cache"),
    (_UNFIT, "npm yarn pnpm bun", rf"{_JS_RUN}{_TASK_UNFIT}"),
    (_UNFIT, "make gmake just task invoke inv poe rake", rf".*(^| ){_TASK_UNFIT}"),
    (_UNFIT, "pyproject-build cibuildwheel auditwheel delvewheel sphinx-build mkdocs codeclimate coverage", ""),
    (_UNFIT, "gem", r"push|signin|update"),
    (_UNFIT, "mvn mvnw", r".*\b(deploy|release:\S+|sonar:\S+|site)\b"),
    (_UNFIT, "gradle gradlew", r".*\b(publish\w*|sonar\w*|upload\w*)\b"),
    (_UNFIT, "dotnet", r"nuget|publish|pack"),
    (_UNFIT, "composer", r"config|self-update|require|remove"),
    (_UNFIT, "go", r"clean|env -w|tool"),
    # test runners
    (_TEST, "pytest py.test nose2 nosetests trial unittest zope-testrunner green ward stestr behave", ""),
    (_TEST, "jest vitest mocha _mocha ava tap tape jasmine karma uvu qunit borp c8-tests tst lab poku aegir", ""),
    (_TEST, "gotestsum ginkgo nextest rspec minitest cucumber phpunit", ""),
    (_TEST, "pest paratest codecept phpspec prove ctest bats", ""),
    (_TEST, "busted kahlua shellspec buck-test xctest", ""),
    (_CHECK, "tox", rf".*(-e|--env)[ =]?{_SESSION_CHECK}"),
    (_CHECK, "nox", rf".*(-s|-e|--sessions?)[ =]?{_SESSION_CHECK}"),
    (_SETUP, "tox", r".*--notest"),
    (_SETUP, "nox", r".*--install-only"),
    (_TEST, "tox nox", ""),
    (_TEST, "hatch", r"(-\S+ )*(test\b|run (\+\S+ )*(\S+:)?\S*(test|cov)\S*)"),
    (_CHECK, "hatch", r"(fmt|run \S*(lint|types|check|style))"),
    (_SETUP, "hatch", r"env create|dep"),
    (_TEST, "go", r"test\b"),
    (_TEST, "cargo", r"(test|t|nextest run|llvm-cov|tarpaulin|insta test|hack test)\b"),
    (_TEST, "mvn mvnw", r"(?!.*-DskipTests|.*-Dmaven\.test\.skip).*\b(test|verify|integration-test)\b"),
    (_TEST, "mvn mvnw", r"(?!.*-DskipTests|.*-Dmaven\.test\.skip|.*-am\b).*\b(install|package)\b"),
    (_TEST, "gradle gradlew", r"(?!.*(-x|--exclude-task) :?test\b).*(^|[ :])(\w*[tT]est|check|build)\b"),
    (_TEST, "sbt", r".*\b(test|testOnly)\b"),
    (_TEST, "rake rails", r".*(^| )(test|spec)\b"),
    (_TEST, "rake", r"$"),
    (_TEST, "composer", rf"(run(-script)? )?{_TASK_TEST}"),
    (_TEST, "dotnet", r"test\b"),
    (_TEST, "mix swift flutter dart deno bun zig lein clojure stack cabal rebar3 bazel meson", r"(run-)?test\b"),
    (_TEST, "ninja cmake", r".*(^| )(test|check)\b"),
    (_TEST, "node", r".*--test\b"),
    (_TEST, "make gmake just task invoke inv poe rye mage", rf".*(^| ){_TASK_TEST}"),
    (_TEST, "make gmake just task invoke inv poe", r".*(^| )(check|ci)$"),
    (_TEST, "npm yarn pnpm bun", rf"((t|tst)\b|{_JS_RUN}{_TASK_TEST})(?![\w/])"),
    (_TEST, "wp-scripts react-scripts ng nx turbo lerna", rf".*(^| ){_TASK_TEST}"),
    (_TEST, "tsx ts-node esno jiti perl php ruby", r"\S*(^|[/_.-])tests?\b\S*"),
    # checks
    (_CHECK, "ruff flake8 pyflakes pycodestyle pydocstyle pylint mypy", ""),
    (_CHECK, "dmypy pyright basedpyright ty pyre bandit vulture", ""),
    (_CHECK, "black isort autopep8 yapf docformatter codespell", ""),
    (_CHECK, "yamllint doc8 rstcheck interrogate safety pip-audit lizard", ""),
    (_CHECK, "slotscheck verifytypes check-manifest pyroma", ""),
    (_CHECK, "validate-pyproject deptry import-linter lint-imports blacken-docs", ""),
    (_CHECK, "pre-commit prek lefthook lint-staged zizmor", ""),
    (_CHECK, "actionlint reuse typos cspell markdownlint markdownlint-cli2", ""),
    (_CHECK, "eslint xo standard ts-standard semistandard biome rome", ""),
    (_CHECK, "oxlint prettier dprint jshint stylelint tslint remark", ""),
    (_CHECK, "tsd attw publint size-limit knip bundlesize", ""),
    (_CHECK, "depcheck madge sherif syncpack commitlint api-extractor vue-tsc", ""),
    (_CHECK, "tsc", r".*--noEmit"),
    (_CHECK, "golangci-lint staticcheck gofmt gofumpt goimports revive govulncheck errcheck misspell", ""),
    (_CHECK, "go", r"vet|fmt|mod tidy|mod verify"),
    (_CHECK, "cargo", r"(clippy|fmt|check|doc|deny|audit|outdated|machete|semver-checks|msrv|miri|bench)\b"),
    (_CHECK, "rubocop standardrb reek brakeman steep sorbet phpstan psalm phpcs php-cs-fixer pint phpmd rector", ""),
    (_CHECK, "npm yarn pnpm bun", rf"{_JS_RUN}{_TASK_CHECK}"),
    (_CHECK, "make gmake just task invoke inv poe", rf"{_TASK_CHECK}"),
    (_CHECK, "composer", rf"(run(-script)? )?(validate|audit|{_TASK_CHECK})"),
    (_CHECK, "deno", r"lint|fmt|check"),
    (_CHECK, "shellcheck shfmt hadolint clang-format clang-tidy cpplint cppcheck", ""),
    # set-up
    (_SETUP, "pip pip3 pipx", r"install\b"),
    (_SETUP, "uv", r"(sync|venv|pip (install|sync)|tool install)\b"),
    (_SETUP, "poetry pdm pipenv rye flit", r"(install|sync|update)\b"),
    (_SETUP, "conda mamba micromamba", r"(install|create|env create|env update)\b"),
    (_SETUP, "virtualenv venv maturin cython meson", ""),
    (_SETUP, "npm", r"(ci|clean-install|i|install|install-ci-test|rebuild)\b"),
    (_SETUP, "pnpm bun", r"(i|install|rebuild)\b"),
    (_SETUP, "yarn", r"install\b|$"),
    (_SETUP, "npm yarn pnpm bun", rf"{_JS_RUN}{_TASK_SETUP}"),
    (_SETUP, "corepack", r"(enable|prepare|install)\b"),
    (_SETUP, "vite turbo lerna nx", r".*\b(build|bootstrap|run build)\b"),
    (_SETUP, "tsup rollup webpack esbuild", r"(?!.*(-w\b|--watch)).*"),
    (_SETUP, "go", r"(mod download|get|install|build|generate|work)\b"),
    (_SETUP, "cargo", r"(fetch|build|b)\b"),
    (_SETUP, "mvn mvnw", r".*\b(install|package|compile|dependency:\S+|assemble|build|classes|testClasses)\b"),
    (_SETUP, "gradle gradlew", r".*\b(install|package|compile|dependency:\S+|assemble|build|classes|testClasses)\b"),
    (_SETUP, "bundle", r"(install|config)\b|$"),
    (_SETUP, "gem composer", r"install\b"),
    (_SETUP, "dotnet", r"(restore|build|tool restore)\b"),
    (_SETUP, "mix", r"(deps\.get|compile|local\.\S+)\b"),
    (_SETUP, "swift", r"(build|package resolve)\b"),
    (_SETUP, "tsc", r"(?!.*(-w\b|--watch)).*"),
    (_SETUP, "cmake configure autoreconf autogen.sh bootstrap.sh phpize ninja", ""),
    (_SETUP, "make gmake", r"$|(all|dist|configure|requirements|deps|dependencies|develop|dev)\b"),
    (_SETUP, "make gmake just task invoke inv poe", _TASK_SETUP),
    (_SETUP, "deno", r"(cache|install)\b"),
)


@dataclass(frozen=True, slots=True)
class _Rule:
    arguments: re.Pattern[str]
    kind: Kind


def _by_program() -> dict[str, list[_Rule]]:
    rules: dict[str, list[_Rule]] = {}
    for kind, programs, arguments in _TABLE:
        rule = _Rule(re.compile(arguments), kind)
        for program in programs.split():
            rules.setdefault(program, []).append(rule)
    return rules


_RULES = _by_program()


def known(program: str) -> bool:
    return program in _RULES


def kind_of_program(program: str, subject: str, arguments: str) -> Kind:
    """`subject`: the arguments from the first one that is no option."""
    for rule in _RULES.get(program, ()):
        if rule.arguments.match(arguments if ".*" in rule.arguments.pattern else subject):
            return rule.kind
    return Kind.OTHER
