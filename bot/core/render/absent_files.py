"""What people read about files that are not in the sandbox."""

from __future__ import annotations

from bot.core.environment.absent_files import Absent, Submodule

_NAMED = 3

VERSIONS = "The sandbox has too little of the history for `git describe`, so versions made from git may be wrong there."


def lacking(absent: Absent, *, versions: bool) -> tuple[str, ...]:
    """A sentence for each kind. `versions`: those that are made from git are right."""
    said = [submodule_left_out(submodule, reason) for submodule, reason in absent.left_out[:_NAMED]]
    if (more := len(absent.left_out) - _NAMED) > 0:
        said.append(f"{more} more submodules are not in the sandbox either.")
    if absent.pointers:
        said.append(pointers(absent.pointers))
    if not versions:
        said.append(VERSIONS)
    return tuple(said)


def submodule_left_out(submodule: Submodule, reason: str) -> str:
    return (
        f"The submodule {submodule.path} is not in the sandbox: {reason} What needs it cannot be tested, unless "
        "`setup` in .github/solvebot.yml gets it from somewhere else."
    )


def pointers(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    kept = f"Kept in Git LFS: {', '.join(paths[:_NAMED])}{more}."
    return f"{kept} In the sandbox there are only pointers to them, and changes of them are not published."
