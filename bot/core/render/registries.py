"""What the doctor says about the registries of a machine."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.environment.registries import Told

NOTHING_FOUND = "no package manager of this machine named a registry, so set-up has no network"
NAME_THEM = "Install pip, uv or npm where the bot runs, or name the hosts in SETUP_HOSTS."
OPEN_IT = "SETUP_HOSTS=auto lets it reach the registries that this machine's package managers use."


def found(told: Told) -> str:
    """`pypi.example, files.example; told to sandboxes: PIP_INDEX_URL`."""
    hosts = ", ".join(told.hosts) or "none"
    told_to = f"; sandboxes are told of the mirror by {', '.join(sorted(told.environment))}" if told.environment else ""
    return f"{hosts}{told_to}{f' ({told.problem})' if told.problem else ''}"


def absent(tools: Sequence[str]) -> str:
    return f"not asked, because they are not on this machine: {', '.join(tools)}"
