"""What the world may answer instead of doing what we ask. The tree is in the package's docstring."""

from __future__ import annotations


class WorldError(Exception):
    """`str(error)` is for the log. `remedy`, where set, is a sentence that may be shown to people.

    `dollars` is what failed calls of a model were billed all the same. `said` is what a service explained: text from
    outside, to be shown as a quotation.
    """

    said = ""  # of errors that were recorded before there was one

    def __init__(self, message: str, *, remedy: str = "", dollars: float = 0.0, said: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy
        self.dollars = dollars
        self.said = said


class Unavailable(WorldError):
    """Try again later. `retry_after` is in seconds, where the service said so."""

    def __init__(
        self, message: str, *, remedy: str = "", dollars: float = 0.0, retry_after: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy, dollars=dollars)
        self.retry_after = retry_after


class Unclear(Unavailable):
    """The answer got lost: it may have been done or not."""


class LeftAlone(Unavailable):
    """The service has failed so often that for now nobody asks it. Nothing was done."""


class StoreAway(Unavailable):
    """Our own database does not answer. Whatever was to be written down has happened nevertheless."""


class Crowded(Unavailable):
    """A limit of the service is reached. Nothing was done, and nothing is broken."""


class Denied(WorldError):
    """Credentials or permissions. An operator must act."""


class Gone(WorldError):
    """Deleted, transferred, uninstalled, or never there."""


class Rejected(WorldError):
    """Understood and refused: asking again changes nothing."""


class TooMuchText(Rejected):
    """The conversation no longer fits into the model's context."""


class HostBroken(WorldError):
    """This machine of ours does not do what it should: its disk is full, or a program fails. An operator must act."""


class SandboxLost(WorldError):
    """The machine went away. The run may be tried again; its files are gone."""


class SandboxUnusable(WorldError):
    """Isolation cannot be had here, so untrusted code must not run."""


class Unsolvable(Exception):
    """Something that a person can put right; the text says what was wrong and what to do."""
