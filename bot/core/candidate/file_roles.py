"""Which files are tests, which are what tests stand on, and which only have a name like that.

By custom a folder or a file name tells. But product code is called `jinja2/tests.py`, `werkzeug/test.py`,
`django/test/` and `numpy/testing/` too, and what counts as a test is kept out where candidates are judged. So a file
that the product loads, and of whose tests the runner tells nothing, is product code whatever its name; and so is one
within a package that holds no test and stands in no folder of tests.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.core.candidate.testfiles import is_named_like_a_test, is_test_file, is_test_support, sets_the_runner_up
from bot.core.environment.sources import is_product
from bot.core.model import Baseline

MAX_TEXTS = 4_000  # files whose imports are read
MAX_TEXT = 200_000  # bytes of one
_MOST_IMPORTS = 2_000  # of one file
_MOST_KEPT = 2_000

_SCRIPT = (".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts")
_READ = (".py", *_SCRIPT, ".go")
_HOMES = re.compile(r"(?:.*/)?src/main/.*|(?:(?:.*/)?src|lib|app)/(?!test)(?:.*/)?(?:spec|specs|testing|e2e)/.*")
_BUILT = (".java", ".kt", ".scala", ".groovy", ".rs", ".rb", ".php", ".cs", ".ex")
_LIBRARY_OF_TESTING = frozenset({"testing", "test"})  # `numpy.testing`; folders of tests of their own are `tests`


@dataclass(frozen=True, slots=True)
class FileRoles:
    """Names decide, but for some files of the base commit.

    `product`: what is product code, although it is called like a test. `folders`: where that stands. `tests`: what
    holds tests, although it is not called so.
    """

    product: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()

    def is_test(self, path: str) -> bool:
        return path in self.tests or (is_test_file(path) and not self._is_product(path))

    def is_support(self, path: str) -> bool:
        return is_test_support(path) and not (self._is_product(path) or path in self.tests)

    def is_of_tests(self, path: str) -> bool:
        """A test, or what tests load or compare with."""
        return self.is_test(path) or self.is_support(path)

    def _is_product(self, path: str) -> bool:
        """A new file is what the files beside it are, unless it is called like a test itself."""
        if path in self.product:
            return True
        return posixpath.dirname(path) in self.folders and not is_named_like_a_test(path)


BY_NAME = FileRoles()


def roles_of(baseline: Baseline) -> FileRoles:
    product = frozenset(baseline.product)
    return FileRoles(product, frozenset(map(posixpath.dirname, product)), frozenset(baseline.unusual_tests))


def to_be_read(paths: Iterable[str]) -> tuple[str, ...]:
    """The files whose texts `product_files` needs, those nearest to the top first; none where no name is in doubt."""
    code = [path for path in paths if path.endswith(_READ)]
    known = frozenset(code)
    if not any(_may_be_product(path, known) for path in code):
        return ()
    return tuple(sorted(code, key=lambda path: (path.count("/"), path))[:MAX_TEXTS])


def product_files(paths: Iterable[str], texts: Mapping[str, str], told: Iterable[str]) -> tuple[str, ...]:
    """Files that only their names make look like tests, sorted. `told`: names of tests as the runner reports them."""
    known = frozenset(paths)
    doubted = {path for path in known if _may_be_product(path, known)}
    if not doubted:
        return ()
    doubted -= _reported(known, told)
    loaded = _loaded(known, texts) & doubted
    homes = {path for path in doubted if path.endswith(_BUILT) and _HOMES.fullmatch(path)}
    libraries = {path for path in doubted - loaded if path.endswith(".py") and _is_library(path, known, texts, doubted)}
    return tuple(sorted(loaded | homes | libraries)[:_MOST_KEPT])


def _may_be_product(path: str, known: frozenset[str]) -> bool:
    """Called like a test or what belongs to tests, and not by the name that a runner looks for."""
    if not (is_test_file(path) or is_test_support(path)) or sets_the_runner_up(path):
        return False
    if path.endswith(".py"):
        return posixpath.join(posixpath.dirname(path), "__init__.py") in known
    if path.endswith(_BUILT):
        return _HOMES.fullmatch(path) is not None
    return path.endswith((*_SCRIPT, ".go")) and not is_named_like_a_test(path)


def _reported(known: Iterable[str], told: Iterable[str]) -> set[str]:
    """Files of which the runner tells tests. Runners of Python name the module, with dots, and maybe a class.

    A name stands for the longest path that it fits, however much of the path's beginning it leaves out.
    """
    stems: dict[str, set[str]] = {}
    for path in filter(is_test_file, known):
        parts = path.rpartition(".")[0].split("/")
        for start in range(len(parts)):
            stems.setdefault(".".join(parts[start:]), set()).add(path)
    found: set[str] = set()
    for name in {name.partition("::")[0].removeprefix("./") for name in told}:
        parts = (name.rpartition(".")[0].replace("/", ".") if "/" in name else name).split(".")
        prefixes = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
        found |= next((stems[prefix] for prefix in prefixes if prefix in stems), set())
    return found


def unusual_tests(paths: Iterable[str], told: Iterable[str]) -> tuple[str, ...]:
    """Files without the name of a test of which the runner tells tests, sorted: it was told to look for other names.

    Named are modules of Python from the top on, or paths. Examples in the documentation of a module are named after
    the module; they make no tests of it.
    """
    modules = {path[: -len(".py")].replace("/", "."): path for path in paths if path.endswith(".py")}
    known = frozenset(paths)
    found: set[str] = set()
    documented: set[str] = set()
    for name in told:
        head, _, test = name.partition("::")
        head = head.removeprefix("./")
        path = head if head in known else modules.get(head) or modules.get(head.rpartition(".")[0], "")
        module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        if path and test:
            (documented if test.startswith(module) else found).add(path)
    return tuple(sorted(path for path in found - documented if not is_test_file(path))[:_MOST_KEPT])


def _is_library(path: str, known: frozenset[str], texts: Mapping[str, str], doubted: Iterable[str]) -> bool:
    """A module for others to test with: within a package of the product, and nothing there is a test."""
    folders = path.split("/")[:-1]
    named = [number for number, folder in enumerate(folders) if is_test_support(f"{folder}/any.py")]
    if not named:
        return not _defines_tests(texts.get(path, ""))
    top = named[0]
    if top == 0 or folders[top] not in _LIBRARY_OF_TESTING or len(named) > 1:
        return False
    if "/".join([*folders[:top], "__init__.py"]) not in known:
        return False
    home = "/".join(folders[: top + 1]) + "/"
    here = [other for other in known if other.startswith(home) and other.endswith(".py")]
    here = [other for other in here if not is_test_support(f"{posixpath.dirname(other[len(home) :])}/any.py")]
    return all(other in doubted and not _defines_tests(texts.get(other, "")) for other in here)


_TEST_OF_PYTHON = re.compile(r"^\s*(?:async\s+)?def\s+test_?\w*\s*\(|^class\s+Test\w*\s*[(:]|\bTestCase\s*\)\s*:", re.M)


def _defines_tests(text: str) -> bool:
    return _TEST_OF_PYTHON.search(text) is not None


def _loaded(known: frozenset[str], texts: Mapping[str, str]) -> set[str]:
    """What is reached by imports from files that are product code by their names as well."""
    named = _Named(known, _modules(known), _folders_of_go(known))
    waiting = deque(path for path in texts if is_product(path) and not _RUNS_TESTS.fullmatch(path))
    seen = set(waiting)
    while waiting:
        path = waiting.popleft()
        for target in _imports(path, texts.get(path, "")[:MAX_TEXT], named):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


_RUNS_TESTS = re.compile(r"[^/]*test[^/]*\.py")


@dataclass(frozen=True, slots=True)
class _Named:
    """What imports may mean. `modules`: dotted name -> path. `of_go`: folder -> files in doubt."""

    known: frozenset[str]
    modules: Mapping[str, str]
    of_go: Mapping[str, list[str]]


def _modules(known: frozenset[str]) -> dict[str, str]:
    """Dotted name -> path, from where the outermost package stands."""
    found = {}
    for path in known:
        if path.endswith(".py"):
            found[".".join(_dotted(path, known))] = path
    return found


def _folders_of_go(known: frozenset[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in known:
        if path.endswith(".go") and _may_be_product(path, known):
            found.setdefault(posixpath.dirname(path), []).append(path)
    return found


def _dotted(path: str, known: frozenset[str]) -> list[str]:
    parts = path[: -len(".py")].split("/")
    start = len(parts) - 1
    while start > 0 and "/".join([*parts[:start], "__init__.py"]) in known:
        start -= 1
    return [part for part in parts[start:] if part != "__init__"]


_FROM = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]{0,4000}\)|[^\n#]+)", re.M)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w.][\w., \t]*)", re.M)
_RELATIVE = re.compile(r"""(?:\bfrom|\brequire\s*\(|\bimport\s*\(?)\s*['"](\.[^'"\n]{0,300})['"]""")
_QUOTED_PATH = re.compile(r'^\s*(?:import\s+)?(?:[\w.]+\s+)?"([^"\n]{1,300})"', re.M)


def _imports(path: str, text: str, named: _Named) -> Iterator[str]:
    if path.endswith(".py"):
        names = list(_imports_of_python(path, text, named.known))[:_MOST_IMPORTS]
        yield from (named.modules[name] for name in names if name in named.modules)
    elif path.endswith(".go"):
        for match in list(_QUOTED_PATH.finditer(text))[:_MOST_IMPORTS]:
            parts = match[1].split("/")
            yield from (other for n in range(len(parts)) for other in named.of_go.get("/".join(parts[n:]), ()))
    else:
        for match in list(_RELATIVE.finditer(text))[:_MOST_IMPORTS]:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[1]))
            yield from (name for name in _meant(target) if name in named.known)


def _imports_of_python(path: str, text: str, known: frozenset[str]) -> Iterator[str]:
    """Dotted names, with those of the packages that are loaded on the way."""
    here = _dotted(path, known)
    package = here if path.endswith("/__init__.py") else here[:-1]
    for match in _IMPORT.finditer(text):
        for name in match[1].split(","):
            yield from _and_above(name.strip().partition(" ")[0].split("."))
    for match in _FROM.finditer(text):
        up = len(match[1])
        start = package[: len(package) - up + 1] if up else []
        module = [*start, *filter(None, match[2].split("."))]
        yield from _and_above(module)
        yield from (".".join([*module, name]) for name in re.findall(r"\w+", match[3])[:200])


def _and_above(parts: list[str]) -> Iterator[str]:
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _meant(target: str) -> Iterator[str]:
    """What a script's import may mean; TypeScript writes `.js` and means `.ts`."""
    yield target
    stem = target.rpartition(".")[0] if target.endswith(_SCRIPT) else target
    for suffix in _SCRIPT:
        yield f"{stem}{suffix}"
        yield f"{target}/index{suffix}"
