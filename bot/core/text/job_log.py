"""The log of a job as people see it on GitHub, for agents: nothing that is hidden from people is in it.

A terminal's codes hide text: concealed, or written over by what comes behind a carriage return. Both are left out, as
are invisible characters, the times before each line, and long encoded data.
"""

from __future__ import annotations

import re

from bot.core.text.cleaning import visible

MOST = 200_000  # characters of the end that are read
_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z ", re.MULTILINE)
_MARKS = re.compile(r"^##\[(?:group|endgroup|command|error|warning|debug|section)\]", re.MULTILINE)
_CONCEALED = re.compile(r"\x1b\[(?:\d{1,3};){0,4}8m[^\x1b]*")
_COLOURS = re.compile(r"\x1b\[[0-9;:?]{0,20}[A-Za-z]")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{400,}={0,2}")
_AFTER = "Post job cleanup."  # what the runner says when the job is over


def readable_log(raw: str) -> str:
    """At most its last 200,000 characters."""
    text = _STAMP.sub("", raw[-MOST:].replace("\r\n", "\n"))
    text = _COLOURS.sub("", _CONCEALED.sub("", text))
    text = "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))
    text = _ENCODED.sub("(encoded data left out)", visible(_MARKS.sub("", text)))
    before, found, _ = text.partition(f"\n{_AFTER}")
    return (before if found else text).rstrip()
