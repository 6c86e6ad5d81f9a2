"""What `solvebot up` says on its way."""

from __future__ import annotations


def made(name: str) -> str:
    return f"{name} is made."


def examined() -> str:
    return "The doctor finds nothing that keeps it from working."


def migrated(schema: str) -> str:
    return f"The database is at {schema}."


def replaced(member: str) -> str:
    return f"{member} is ready."


def done(name: str) -> str:
    return f"{name} runs."


def failed(why: str) -> str:
    return f"It did not work: {why}"


def went_back(name: str) -> str:
    return f"What ran before runs again: {name}."


def stays(old: str) -> str:
    return (
        f"{old} does not start on a database as new as this one is now. What was not replaced yet goes on running. "
        "Mend the cause and start this again; or stop all, restore the backup from before (docs/runbook.md), and start "
        "this with the source of the release before."
    )


def nothing_before() -> str:
    return "There was no release before. Nothing runs."
