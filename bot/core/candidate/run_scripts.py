"""Scripts that a run wrote on its way to see the problem: most are deleted again, so they are read from its commands.

A script that ends with another exit code before the change than after it says something about every candidate. It is
small, and it only looks: what writes files is how a model edits, and no reproduction.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from posixpath import normpath

from bot.core.candidate.untracked_files import is_reproduction
from bot.core.model import Script
from bot.core.runners import can_run

MAX_SCRIPTS = 4  # of one run, the last ones: a model gets better at it
MAX_SCRIPT = 8_000  # characters
_MAX_COMMAND = 100_000
_MAX_COMMANDS = 400

# `cat > repro.py <<'EOF'`, `cat <<EOF > repro.py`, `python3 - <<'EOF'`: what stands before the text, and its end.
_BEGINS = re.compile(
    r"^(?P<line>[^\n]{0,300}?)<<-?[ \t]*(?P<quote>['\"]?)(?P<end>\w{1,40})(?P=quote)(?P<rest>[^\n]{0,300})$"
)
_INTO = re.compile(r"(?:^|[\s;&])(?:cat\b[^|;&>]*>|tee)[ \t]*(?P<path>[\w./~-]{1,200})(?:\s|$)")
_FED = re.compile(r"(?:^|[\s;&/])(?P<program>python3?|node|sh|bash)(?:[ \t]+-)?[ \t]*$")
_SUFFIXES = {"python": ".py", "python3": ".py", "node": ".js", "sh": ".sh", "bash": ".sh"}
_EDITS = re.compile(
    r"""open\([^)\n]{0,200},\s*(?:mode\s*=\s*)?['"][rbt]*[wax+] | \bwrite_(?:text|bytes)\( | \bwriteFile(?:Sync)?\(
    | \bsed\s+-i | \bgit\s+(?:apply|checkout|stash|reset) | ^[ \t]*(?:cat|tee)\b[^\n]{0,200}> | \b(?:rm|mv)\s""",
    re.VERBOSE | re.MULTILINE,
)


def scripts_written(commands: Sequence[str], taken: Container[str]) -> tuple[Script, ...]:
    """By the commands of a run, in the order of their last versions. `taken`: paths that are part of something else.

    Each is run from the top, so of a path elsewhere only the name is kept.
    """
    found: dict[str, Script] = {}
    for script in _written(commands[-_MAX_COMMANDS:]):
        found.pop(script.path, None)
        if script.path not in taken and len(script.text) <= MAX_SCRIPT and not _EDITS.search(script.text):
            found[script.path] = script
    once = {script.text: script for script in found.values()}
    return tuple(once.values())[-MAX_SCRIPTS:]


def kept_scripts(left: Iterable[Script], written: Iterable[Script]) -> tuple[Script, ...]:
    """What lies there at the end stands over what was written earlier under the same name."""
    found = {script.path: script for script in written} | {script.path: script for script in left}
    return tuple(found.values())[-MAX_SCRIPTS:]


def is_script(path: str) -> bool:
    """Of files that are dropped as scratch: those that may be reproductions."""
    return can_run(path) and is_reproduction(path)


def _written(commands: Sequence[str]) -> Iterator[Script]:
    for number, command in enumerate(commands, 1):
        lines = command[:_MAX_COMMAND].split("\n")
        at = 0
        while at < len(lines):
            begins = _BEGINS.match(lines[at]) if "<<" in lines[at] else None
            at += 1
            if begins is None:
                continue
            start = at
            while at < len(lines) and lines[at].strip() != begins["end"]:
                at += 1
            if at < len(lines) and (path := _path(begins, number)):
                yield Script(path, "\n".join(lines[start:at]) + "\n")
            at += 1


def _path(begins: re.Match[str], number: int) -> str:
    """Where the text goes; "" where it is no script that can be run."""
    line = f"{begins['line'].rstrip()} {begins['rest'].strip()}".rstrip()
    if into := _INTO.search(line):
        path = into["path"]
        path = path.rpartition("/")[2] if path.startswith(("/", "~")) else normpath(path)
        return path if can_run(path) and not path.startswith("..") else ""
    fed = _FED.search(begins["line"])
    return f"inline_{number}{_SUFFIXES[fed['program']]}" if fed else ""
