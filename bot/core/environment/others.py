"""Plans for all that is neither Python nor Node: by the manifest at the top, with the tools of its own language.

What the tests need is fetched during set-up; the tests themselves are told to stay off the network. What is compiled
goes to ~/build where the build tool lets it, outside the workspace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.core.environment import compiled, targets
from bot.core.environment.files import Files
from bot.core.environment.node_install import BRING
from bot.core.environment.plan import Expanded, Plans, Skipped
from bot.core.environment.toolchains import missing, version_notes
from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

WANTED = re.compile(
    r"go\.(mod|work)|Cargo\.toml|rust-toolchain(\.toml)?|Gemfile|Rakefile|\.ruby-version|composer\.json|mix\.exs"
    r"|(GNUm|M|m)akefile|[Jj]ustfile|\.justfile|Taskfile\.ya?ml|CMakeLists\.txt|configure\.ac|meson\.build"
)


def plans(files: Files, tools: Tools) -> Plans:
    """Of what stands at the top of `files`, a Makefile last. Of languages whose tools are missing, the reason."""
    found = [plan for read in _LANGUAGES for plan in read(files)] + targets.plans(files)
    kept: list[Toolchain] = []
    skipped: dict[Skipped, None] = {}
    for plan in found:
        if (reason := missing(plan, files, tools)) is not None:
            skipped[reason] = None
        else:
            kept.append(replace(plan, notes=(*plan.notes, *version_notes(plan.ecosystem, files, tools))))
    return Plans(tuple(kept), tuple(skipped))


def expand(command: Sequence[str], files: Files, tools: Tools) -> Expanded | None:
    """`make test`, `just test`: None when it starts no target that can be read."""
    return targets.expand(command, files)


def _go(files: Files) -> list[Toolchain]:
    if "go.mod" not in files and "go.work" not in files:
        return []
    fetched = not files.any(r"vendor/modules\.txt") and files.any(r"(.*/)?go\.sum")
    setup = ("go mod download",) if fetched else ()
    if "go.work" in files and (modules := _go_modules(files)):
        return [Toolchain(setup, f"go test {' '.join(modules)}", "go.work", "go")]
    test = "go test ./..." if files.any(r"(?!vendor/|testdata/).*_test\.go") else None
    return [Toolchain(setup, test, "go.mod", "go")]


def _go_modules(files: Files) -> list[str]:
    """`use ./a` and `use ( ... )` of go.work."""
    text = re.sub(r"//[^\n]*", "", files.text("go.work")[:20_000])
    blocks = re.findall(r"^use\s+(?:\(([^)]*)\)|(\S+))", text, re.MULTILINE)
    named = [word for block, single in blocks for word in (block or single).split()]
    return [f"{word.rstrip('/')}/..." for word in named[:20] if re.fullmatch(r"\.(/[\w.-]+)*/?", word)]


def _rust(files: Files) -> list[Toolchain]:
    if "Cargo.toml" not in files:
        return []
    workspace = " --workspace" if "workspace" in files.toml("Cargo.toml") else ""
    return [Toolchain(("cargo fetch",), f"cargo test --offline{workspace} --no-fail-fast", "Cargo.toml", "rust")]


def _java(files: Files) -> list[Toolchain]:
    if "pom.xml" in files:
        maven = "./mvnw" if "mvnw" in files else "mvn"
        # A test that does not exist: the plugins that run tests are fetched, too, and nothing is run.
        fetch = f"{maven} -B -q test -Dtest=NoSuchTest -DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false"
        return [Toolchain((fetch,), f"{maven} -B -q -o test", "pom.xml", "java")]
    if "build.gradle" in files or "build.gradle.kts" in files:
        gradle = "./gradlew" if "gradlew" in files else "gradle"
        fetch = f"{gradle} --no-daemon -q testClasses"
        return [Toolchain((fetch,), f"{gradle} --no-daemon --offline test", "Gradle", "java")]
    if "build.sbt" in files:
        return [Toolchain(("sbt -batch Test/compile",), "sbt -batch test", "build.sbt", "java")]
    return []


def _ruby(files: Files) -> list[Toolchain]:
    bundled = "Gemfile" in files
    specs, unit = files.any(r"spec/.*_spec\.rb"), "Rakefile" in files and files.any(r"test/.*\.rb")
    if not bundled and not specs and not unit:
        return []
    setup = ("bundle config set --global path ~/gems", "bundle install --quiet") if bundled else ()
    test = "rspec" if specs else "rake test" if unit else None
    command = f"bundle exec {test}" if bundled and test else test
    return [Toolchain(setup, command, "Gemfile" if bundled else "Ruby tests", "ruby")]


def _php(files: Files) -> list[Toolchain]:
    if "composer.json" not in files:
        return []
    setup = ("composer install --no-interaction --no-progress --quiet",)
    unit = files.any(r"phpunit(\.dist)?\.xml(\.dist)?|tests?/.*Test\.php")
    test = "vendor/bin/pest" if files.any(r"tests/Pest\.php") else "vendor/bin/phpunit" if unit else None
    loose = (f"{setup[0]} --ignore-platform-reqs --no-scripts",)
    why = "composer.json"
    return [Toolchain(setup, test, why, "php"), Toolchain(loose, test, f"{why}, whatever it asks of PHP", "php")]


def _dotnet(files: Files) -> list[Toolchain]:
    if not files.any(r"([\w.-]+/)?[\w.-]+\.(sln|slnx|[cf]sproj)"):
        return []
    return [Toolchain(("dotnet restore",), "dotnet test --no-restore", ".NET", "dotnet")]


def _elixir(files: Files) -> list[Toolchain]:
    if "mix.exs" not in files:
        return []
    setup = ("mix local.hex --force --if-missing && mix local.rebar --force --if-missing", "mix deps.get")
    return [Toolchain((*setup, "MIX_ENV=test mix deps.compile"), "mix test", "mix.exs", "elixir")]


def _perl(files: Files) -> list[Toolchain]:
    """Tests are found by `prove`. Where something is compiled, or made from templates, it is made first."""
    tests = files.any(r"t/.*\.t")
    if not tests or not files.any(r"Makefile\.PL|Build\.PL|dist\.ini|cpanfile|META\.json|lib/.*\.pm"):
        return []
    plain = Toolchain((), "prove -lr t", "Perl tests", "perl")
    if "Makefile.PL" not in files:
        return [plain]
    made = Toolchain(("perl Makefile.PL",), "make && prove -br t", "Makefile.PL", "perl")
    return [made, plain] if files.any(r".*\.(xs|PL)") and files.any(r".*\.xs") else [plain, made]


def _shell(files: Files) -> list[Toolchain]:
    """bats, or the repository's own copy of it."""
    folder = next((name for name in ("test", "tests", "spec") if files.any(rf"{name}/.*\.bats")), "")
    if not folder and not files.any(r"[\w-]+\.bats"):
        return []
    own = next((path for path in ("bin/bats", "test/bats/bin/bats", "test/libs/bats/bin/bats") if path in files), "")
    if own:
        return [Toolchain((), f"{own} -r {folder or '.'}", f"bats with {own}", "shell")]
    return [Toolchain((_BATS,), f"bats -r {folder or '.'}", "bats tests", "node")]


# npm's registry has it: where it comes from decides which hosts set-up may reach.
_BATS = f"command -v bats || {BRING} bats"


_LANGUAGES: tuple[Callable[[Files], list[Toolchain]], ...] = (
    _go,
    _rust,
    _java,
    _ruby,
    _php,
    _dotnet,
    _elixir,
    _perl,
    _shell,
    compiled.plans,
)
