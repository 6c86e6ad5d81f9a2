"""What a test run said: reports of all runners that we know, and what follows from them.

formats.py    how several reports make one file           reading.py   which reader reads what; names
junit.py tap.py json_formats.py lines.py trx.py           readers: bytes to verdicts by name
verdicts.py   baseline, regressions, a candidate's own tests
"""

from bot.core.reports.formats import Document, Format, documents
from bot.core.reports.junit import MAX_REPORT, parse_junit
from bot.core.reports.text import UnreadableReport
from bot.core.reports.verdicts import (
    FLIP,
    OwnTests,
    baseline,
    canary_fails,
    combined,
    fixed,
    hidden,
    noticed_alone,
    notices,
    own_tests,
    regressions,
    report,
    shortfall,
    tell_all,
    told_alone,
)

__all__ = [
    "FLIP",
    "MAX_REPORT",
    "Document",
    "Format",
    "OwnTests",
    "UnreadableReport",
    "baseline",
    "canary_fails",
    "combined",
    "documents",
    "fixed",
    "hidden",
    "noticed_alone",
    "notices",
    "own_tests",
    "parse_junit",
    "regressions",
    "report",
    "shortfall",
    "tell_all",
    "told_alone",
]
