"""Plans for what CMake, Meson and the autotools build: C and C++, and whatever else they compile.

Set-up builds once; the test command builds again what has changed since, so that candidates are what is tested.
"""

from __future__ import annotations

import re

from bot.core.environment.files import Files
from bot.core.model import Toolchain


def plans(files: Files) -> list[Toolchain]:
    return [*_cmake(files), *_meson(files), *_autotools(files)]


def _cmake(files: Files) -> list[Toolchain]:
    text = files.text("CMakeLists.txt")
    if "CMakeLists.txt" not in files or not re.search(r"enable_testing|include\s*\(\s*CTest|add_test|[Tt]est", text):
        return []
    # Their own switches for tests have names of their own: BUILD_TESTING is only the usual one.
    named = re.findall(r"option\s*\(\s*([A-Z][A-Z0-9_]*TEST[A-Z0-9_]*)\s", text[:100_000])
    switches = [f"-D{name}=ON" for name in dict.fromkeys(["BUILD_TESTING", *named[:8]]) if _harmless(name)]
    configure = f"cmake -S . -B ~/build {' '.join(switches)}"
    build = "cmake --build ~/build --parallel 4"
    test = f"{build} && ctest --test-dir ~/build --output-on-failure"
    return [
        Toolchain((configure, build), test, "CMakeLists.txt with ctest"),
        Toolchain(("cmake -S . -B ~/build", build), test, "CMakeLists.txt with ctest, its own options"),
    ]


def _harmless(name: str) -> bool:
    return not re.search(r"FUZZ|PERF|BENCH|VALGRIND|SANIT|COVERAGE|INSTALL|CONAN|DISABLE|NO_|SKIP|CUDA|DOC", name)


def _meson(files: Files) -> list[Toolchain]:
    if "meson.build" not in files:
        return []
    test = "meson compile -C ~/build && meson test -C ~/build"
    return [Toolchain(("meson setup ~/build", "meson compile -C ~/build"), test, "meson.build")]


def _autotools(files: Files) -> list[Toolchain]:
    """In the workspace: not all of them can be built elsewhere."""
    if "configure" not in files and not files.any(r"configure\.(ac|in)"):
        return []
    own = next((f"./{name}" for name in ("autogen.sh", "bootstrap", "buildconf", "bootstrap.sh") if name in files), "")
    generate = () if "configure" in files else (f"NOCONFIGURE=1 {own}" if own else "autoreconf -fi",)
    return [Toolchain((*generate, "./configure", "make -j2"), "make check", "configure with make")]
