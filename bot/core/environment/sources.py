"""Which of the product's own files are broken to see whether the tests are about them."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from bot.core.candidate.testfiles import is_test_file, is_test_support
from bot.core.environment.files import Files

_MOST = 60
_MOST_TARGETS = 50  # of one package.json

# At the top: what is about the product, but no part of it. Anywhere: what others wrote, or tools made.
_BESIDE = re.compile(
    r"bench(mark)?s?|build|ci|demos?|docs?|documentation|etc|examples?|playground|samples?|scripts?|site|tools|website"
)
_FOREIGN = frozenset({"node_modules", "vendor", "third_party", "dist", "target", "__pycache__"})
_SCRIPT = r"\.(?:[cm]?[jt]s|[jt]sx)"
_TOOLS_OWN = re.compile(
    r"(?:.*/)?(?:setup|conftest|noxfile|toxfile|tasks|fabfile|manage|wsgi|asgi|dodo|versioneer|__main__)\.py"
    rf"|(?:.*/)?(?:\.[^/]+|[^/]+\.(?:config|conf|setup|stories|bench)|[Gg]ulpfile|[Gg]runtfile|Jakefile){_SCRIPT}"
    r"|(?:.*/)?[^/]+\.d\.[cm]?ts|(?:.*/)?build\.rs|(?:.*/)?(?:package|module)-info\.java"
)


def sources_to_break(files: Files, ecosystem: str) -> tuple[str, ...]:
    """Files without which the product's code cannot be loaded, all of which are broken at once: an answer for sure.

    Where every import passes through one file, such as the `__init__.py` of a package, that one is enough, and so is
    one of what is compiled together. Where any file can be loaded by itself, as in JavaScript, it is the entry points
    first, then the others from the top down. Never tests, nor what builds, documents or configures.
    Of an ecosystem that is not known, all that are there.
    """
    product = sorted(filter(is_product, files.paths), key=lambda path: (path.count("/"), path))
    choices = [_CHOICES[ecosystem]] if ecosystem in _CHOICES else list(_CHOICES.values())
    found = dict.fromkeys(path for choose in choices for path in choose(product, files))
    return tuple(found)[:_MOST]


def is_product(path: str) -> bool:
    """By its name: no test, and nothing that builds, documents or configures."""
    directories = path.split("/")[:-1]
    if directories and (_BESIDE.fullmatch(directories[0]) or not _FOREIGN.isdisjoint(directories)):
        return False
    return not (is_test_file(path) or is_test_support(path) or _TOOLS_OWN.fullmatch(path))


def _python(product: Sequence[str], files: Files) -> Iterator[str]:
    """The package nearest to the top of each file; a file that is in none stands for itself."""
    for path in product:
        if path.endswith(".py"):
            parents = path.split("/")[:-1]
            inits = ("/".join([*parents[:depth], "__init__.py"]) for depth in range(1, len(parents) + 1))
            yield next((init for init in inits if init in files), path)


def _node(product: Sequence[str], files: Files) -> Iterator[str]:
    scripts = [path for path in product if re.search(rf"{_SCRIPT}$", path)]
    known = set(scripts)
    for manifest in sorted(path for path in files.texts if posixpath.basename(path) == "package.json"):
        package = files.json(manifest)
        named = [package.get(key) for key in ("main", "module", "exports", "browser", "bin")]
        for target in itertools.islice(_strings(named), _MOST_TARGETS):
            entry = posixpath.normpath(posixpath.join(posixpath.dirname(manifest), target))
            yield from (path for path in (entry, f"{entry}.js", f"{entry}/index.js") if path in known)
    yield from sorted(scripts, key=lambda path: re.search(rf"(?:^|/)(?:index|main){_SCRIPT}$", path) is None)


def _strings(value: object) -> Iterator[str]:
    """All that a value of JSON holds, whatever it is nested in."""
    waiting = deque([value])
    while waiting:
        match waiting.popleft():
            case str(text):
                yield text
            case list(items):
                waiting += items
            case dict(entries):
                waiting += entries.values()


def _one_of_each(pattern: str) -> Callable[[Sequence[str], Files], Iterator[str]]:
    """Of what is compiled together: the pattern's first group."""
    matches = re.compile(pattern).fullmatch

    def choose(product: Sequence[str], files: Files) -> Iterator[str]:
        seen = set[str]()
        for path in product:
            if (match := matches(path)) and match[1] not in seen:
                seen.add(match[1])
                yield path

    return choose


def _every(pattern: str) -> Callable[[Sequence[str], Files], Iterator[str]]:
    matches = re.compile(pattern).fullmatch
    return lambda product, files: (path for path in product if matches(path))


_CHOICES: dict[str, Callable[[Sequence[str], Files], Iterator[str]]] = {
    "python": _python,
    "node": _node,
    # Not `x_windows.go`: it may be left out.
    "go": _one_of_each(r"((?:.*/)?)[^/_]+\.go"),
    "rust": _every(r"(?:.*/)?src/(?:lib|main)\.rs"),
    "java": _one_of_each(r"((?:.*/)?src/\w*[mM]ain)/.*\.(?:java|kt|scala|groovy)"),
    "ruby": _every(r"(?:.*/)?(?:lib|app)/.*\.rb"),
    "php": _every(r"(?:src|lib|app)/.*\.php"),
    "dotnet": _one_of_each(r"((?:src/)?[^/]+/).*\.cs"),
    "elixir": _one_of_each(r"((?:.*/)?lib/).*\.ex"),
}
