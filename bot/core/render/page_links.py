"""Where people watch a solve, for those who read of it on GitHub."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from bot.core.model import SolveId


@dataclass(frozen=True, slots=True)
class PageLinks:
    """`site`: the address at which people reach the pages; "" where there are none."""

    site: str = ""

    def url(self, solve: SolveId) -> str:
        """ "" where there is no page."""
        return f"{self.site.rstrip('/')}/solves/{quote(solve, safe='')}" if self.site else ""

    def of(self, solve: SolveId) -> str:
        """As Markdown; "" where there is no page."""
        return f"[see it work]({self.url(solve)})" if self.site else ""


NO_PAGES = PageLinks()
