"""Runners of languages that are compiled: Go, Rust, Java and Kotlin, C#, C and C++."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from bot.core.reports.formats import Format
from bot.core.runners.runner import Change, Runner, Stream, find_program, given

_JVM = (".java", ".kt", ".scala", ".groovy")


def _packages(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    """Go tests whole packages: the directories of the files."""
    named = [index for index in range(at, len(words)) if re.fullmatch(r"\.{1,3}(/.*)?|\./.*", words[index])]
    directories = sorted({f"./{posixpath.dirname(file.removeprefix('./'))}".rstrip("/") for file in files})
    return (Change(drop=frozenset(named), append=tuple(directories)),)


def _crate_tests(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    """Only those in `tests/` can be named; the others are part of what they test."""
    if "--" in words or not all(re.fullmatch(r"\./(?:.*/)?tests/[\w-]+\.rs", file) for file in files):
        return ()
    drop = given(words, at, {"--test": True, "--tests": False, "--lib": False, "--doc": False, "--all-targets": False})
    names = sorted({PurePosixPath(file).stem for file in files})
    return (Change(drop=drop, append=tuple(f"--test={name}" for name in names)),)


def _classes(files: Sequence[str]) -> list[str]:
    return sorted({PurePosixPath(file).stem for file in files})


def _maven_classes(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    """Modules without any of these classes have not failed."""
    lenient = ("-Dsurefire.failIfNoSpecifiedTests=false", "-DfailIfNoTests=false")
    return (Change(drop=given(words, at, {"-Dtest": True}), append=(f"-Dtest={','.join(_classes(files))}", *lenient)),)


def _gradle_classes(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    if not any(re.fullmatch(r"(.*:)?test", word) for word in words[at:]):
        return ()
    drop = given(words, at, {"--tests": True})
    return (Change(drop=drop, append=tuple(f"--tests=*{name}" for name in _classes(files))),)


def _dotnet_classes(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    wanted = "|".join(f"FullyQualifiedName~{name}" for name in _classes(files))
    return (Change(drop=given(words, at, {"--filter": True}), append=(f"--filter={wanted}",)),)


RUNNERS = (
    Runner(
        "go",
        find_program("go", "test"),
        Format.GO,
        ask=("-json",),
        silence={"-json": False, "-failfast": False},
        stream=Stream.OUTPUT,
        suffixes=("_test.go",),
        narrow=_packages,
    ),
    Runner(
        "gotestsum",
        find_program("gotestsum"),
        Format.JUNIT,
        ask=("--junitfile={report}",),
        silence={"--junitfile": True},
    ),
    Runner(
        "cargo",
        find_program("cargo", "test", "t"),
        Format.CARGO,
        ask=("--no-fail-fast",),
        silence={"--no-fail-fast": False, "-q": False, "--quiet": False},
        stream=Stream.BOTH,
        suffixes=(".rs",),
        narrow=_crate_tests,
    ),
    Runner(
        "maven",
        find_program("mvn mvnw"),
        Format.JAVA,
        ask=("--fail-at-end",),
        silence={"-fae": False, "--fail-at-end": False, "-ff": False, "--fail-fast": False},
        suffixes=_JVM,
        narrow=_maven_classes,
    ),
    Runner(
        "gradle",
        find_program("gradle gradlew"),
        Format.JAVA,
        ask=("--continue",),
        silence={"--continue": False},
        suffixes=_JVM,
        narrow=_gradle_classes,
    ),
    Runner(
        "dotnet",
        find_program("dotnet", "test"),
        Format.TRX,
        ask=("--logger=trx", "--results-directory={report}"),
        silence={"--results-directory": True, "-r": True},
        suffixes=(".cs", ".fs", ".vb"),
        narrow=_dotnet_classes,
    ),
    Runner("ctest", find_program("ctest"), Format.CTEST, silence={"--stop-on-failure": False}, stream=Stream.OUTPUT),
)
