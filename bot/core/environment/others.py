"""Plans for Go, Rust, Java, Ruby and whatever a Makefile says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.core.environment.files import Files
from bot.core.environment.plan import Expanded, Plans
from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

WANTED = re.compile(r"go\.mod|Cargo\.toml|Gemfile|Rakefile|(GNUm|M|m)akefile|justfile|composer\.json")


def plans(files: Files, tools: Tools) -> Plans:
    """Of what stands at the top of `files`, the ecosystem with the most files first, a Makefile last."""
    return Plans(tuple(plan for read in (_go, _rust, _java, _ruby, _make) if (plan := read(files))))


def expand(command: Sequence[str], files: Files, tools: Tools) -> Expanded | None:
    """`make test`, `just test`: None when it starts no target that can be read."""
    return None


def _go(files: Files) -> Toolchain | None:
    if "go.mod" not in files:
        return None
    setup = ("go mod download",) if "go.sum" in files else ()
    return Toolchain(setup, "go test ./..." if files.any(r".*_test\.go") else None, "go.mod", "go")


def _rust(files: Files) -> Toolchain | None:
    if "Cargo.toml" not in files:
        return None
    return Toolchain(("cargo fetch",), "cargo test --offline", "Cargo.toml", "rust")


def _java(files: Files) -> Toolchain | None:
    if "pom.xml" in files:
        maven = "./mvnw" if "mvnw" in files else "mvn"
        # A test that does not exist: the plugins that run tests are fetched, too, and nothing is run.
        fetch = f"{maven} -B -q test -Dtest=NoSuchTest -DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false"
        return Toolchain((fetch,), f"{maven} -B -q -o test", "pom.xml", "java")
    if "build.gradle" in files or "build.gradle.kts" in files:
        gradle = "./gradlew" if "gradlew" in files else "gradle"
        fetch = f"{gradle} --no-daemon -q testClasses"
        return Toolchain((fetch,), f"{gradle} --no-daemon --offline test", "Gradle", "java")
    return None


def _ruby(files: Files) -> Toolchain | None:
    bundled = "Gemfile" in files
    specs, unit = files.any(r"spec/.*_spec\.rb"), "Rakefile" in files and files.any(r"test/.*\.rb")
    if not bundled and not specs and not unit:
        return None
    setup = ("bundle config set --global path ~/gems", "bundle install --quiet") if bundled else ()
    test = "rspec" if specs else "rake test" if unit else None
    command = f"bundle exec {test}" if bundled and test else test
    return Toolchain(setup, command, "Gemfile" if bundled else "Ruby tests", "ruby")


def _make(files: Files) -> Toolchain | None:
    for name in ("GNUmakefile", "makefile", "Makefile"):
        for target in ("test", "check"):
            if re.search(rf"^{target}\s*:(?!=)", files.text(name), re.MULTILINE):
                return Toolchain((), f"make {target}", f"{name} with `{target}`")
    return None
