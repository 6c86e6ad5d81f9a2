"""What a candidate changes, in the parts that are put into sandboxes at different times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.core.candidate.file_roles import FileRoles
from bot.core.candidate.testfiles import tells_the_runner
from bot.core.evidence.runner_settings import as_on_base
from bot.judging.bench import Overlay, overlay_of
from bot.ports import TreeEntry


@dataclass(frozen=True, slots=True)
class Parts:
    """`tests`: test files and what tests load or compare with. `sources`: everything else.

    Of files that say, among much else, which tests are run, the candidate's version is in `settings`, and in `sources`
    one that says so as the base commit does. `uncut`: those of which there is no such version.
    """

    sources: Overlay
    tests: Overlay
    settings: Overlay
    uncut: tuple[str, ...] = ()


def in_parts(
    entries: Iterable[TreeEntry], before: Mapping[str, str], roles: FileRoles, own: frozenset[str] = frozenset()
) -> Parts:
    """`before`: the base commit's texts of these files, by path. `own`: tests that count in the candidate's version."""
    of_tests: list[TreeEntry] = []
    sources: dict[str, TreeEntry] = {}
    settings: list[TreeEntry] = []
    uncut: list[str] = []
    for entry in entries:
        if roles.is_of_tests(entry.path):
            of_tests.append(entry)
            if entry.path in own:
                sources[entry.path] = entry
            continue
        sources[entry.path] = entry
        if tells_the_runner(entry.path):
            old = before.get(entry.path, "").encode()
            kept = old if entry.content is None else as_on_base(entry.path, old, entry.content)
            if kept is None:
                uncut.append(entry.path)
            elif kept != entry.content:
                settings.append(entry)
                sources[entry.path] = TreeEntry(entry.path, entry.mode, kept)
    return Parts(overlay_of(sources.values()), overlay_of(of_tests), overlay_of(settings), tuple(uncut))
