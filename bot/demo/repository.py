"""A small but real project with a history, a test suite, and a bug that somebody reports with a traceback."""

from __future__ import annotations

from textwrap import dedent

NAME = "octo/ledger"
MAINTAINER = "maya"

_README = """\
# ledger

Totals from a bank statement in CSV: `python3 -m ledger statement.csv`.

A line is `date;description;amount`, as most banks export it.
"""

_AMOUNTS = '''\
"""Amounts of money as people and banks write them."""

from decimal import Decimal


def parse_amount(text):
    """`" $12.50"` is `Decimal("12.50")`. A sign of currency and spaces around are fine."""
    return Decimal(text.strip().lstrip("$€").strip())


def split_amounts(text):
    """`"1.50, 2, 3.25"` is a list of three amounts."""
    return [parse_amount(part) for part in text.split(",")]


def format_amount(amount):
    """Two digits and a separator for thousands: `1,234.50`."""
    return f"{amount:,.2f}"
'''

_STATEMENT = '''\
"""A statement is a list of entries, one per line of the file."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ledger.amounts import parse_amount


@dataclass(frozen=True)
class Entry:
    day: date
    description: str
    amount: Decimal


def read_entry(line):
    """`2026-01-03;Coffee, large;3.50`"""
    day, description, amount = line.rstrip("\\n").split(";")
    return Entry(date.fromisoformat(day), description, parse_amount(amount))


def read_statement(lines):
    return [read_entry(line) for line in lines if line.strip()]
'''

_REPORT = '''\
"""What people want to know about a statement."""

from collections import defaultdict
from decimal import Decimal

from ledger.amounts import format_amount


def total(entries):
    return sum((entry.amount for entry in entries), Decimal(0))


def by_month(entries):
    months = defaultdict(Decimal)
    for entry in entries:
        months[entry.day.strftime("%Y-%m")] += entry.amount
    return dict(months)


def report(entries):
    lines = [f"{month}  {format_amount(amount)}" for month, amount in sorted(by_month(entries).items())]
    return "\\n".join([*lines, f"total    {format_amount(total(entries))}"])
'''

_MAIN = """\
import sys

from ledger.report import report
from ledger.statement import read_statement


def main(path):
    with open(path) as file:
        print(report(read_statement(file)))


if __name__ == "__main__":
    main(sys.argv[1])
"""

_TEST_AMOUNTS = """\
from decimal import Decimal

import pytest

from ledger.amounts import format_amount, parse_amount, split_amounts


@pytest.mark.parametrize(
    ("text", "amount"),
    [("12.50", "12.50"), (" $12.50", "12.50"), ("€ 3", "3"), ("-7.25", "-7.25"), ("0", "0")],
)
def test_parse_amount(text, amount):
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "abc", "1.2.3"])
def test_what_is_not_an_amount_is_refused(text):
    with pytest.raises(ArithmeticError):
        parse_amount(text)


def test_split_amounts():
    assert split_amounts("1.50, 2, 3.25") == [Decimal("1.50"), Decimal(2), Decimal("3.25")]


def test_format_amount():
    assert format_amount(Decimal("1234.5")) == "1,234.50"
"""

_TEST_STATEMENT = """\
from datetime import date
from decimal import Decimal

from ledger.statement import Entry, read_entry, read_statement


def test_read_entry():
    assert read_entry("2026-01-03;Coffee;3.50\\n") == Entry(date(2026, 1, 3), "Coffee", Decimal("3.50"))


def test_a_description_keeps_its_commas():
    assert read_entry("2026-01-03;Coffee, large;3.50").description == "Coffee, large"


def test_empty_lines_are_skipped():
    assert read_statement(["\\n", "2026-01-03;Coffee;3.50\\n", "  \\n"]) == [read_entry("2026-01-03;Coffee;3.50")]
"""

_TEST_REPORT = """\
from ledger.report import by_month, report, total
from ledger.statement import read_statement

LINES = ["2026-01-03;Coffee;3.50", "2026-01-09;Salary;-100", "2026-02-01;Rent;700"]


def test_total():
    assert total(read_statement(LINES)) == 603.5


def test_by_month():
    assert by_month(read_statement(LINES)) == {"2026-01": -96.5, "2026-02": 700}


def test_report():
    assert report(read_statement(LINES)).splitlines()[-1] == "total    603.50"
"""

_PYPROJECT = """\
[project]
name = "ledger"
version = "0.3.0"

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["."]
"""

_CONFIG = """\
test: "pytest -q"
attempts: 4
models: [hasty, bold, thorough, timid]
"""

_FIRST = {"README.md": _README, "pyproject.toml": _PYPROJECT, ".gitignore": "__pycache__/\n.pytest_cache/\n"}
_SECOND = {
    "ledger/__init__.py": "",
    "ledger/amounts.py": _AMOUNTS.replace('.strip().lstrip("$€").strip())', ".strip())"),
    "ledger/statement.py": _STATEMENT,
    "tests/test_statement.py": _TEST_STATEMENT,
}
_THIRD = {"ledger/report.py": _REPORT, "ledger/__main__.py": _MAIN, "tests/test_report.py": _TEST_REPORT}
_FOURTH = {"ledger/amounts.py": _AMOUNTS, "tests/test_amounts.py": _TEST_AMOUNTS}
_FIFTH = {".github/solvebot.yml": _CONFIG}

HISTORY: tuple[tuple[str, dict[str, str]], ...] = (
    ("Start a ledger", _FIRST),
    ("Read statements", _SECOND),
    ("Report by month", _THIRD),
    ("Fix amounts with a sign of currency in front", _FOURTH),
    ("Let Solvebot help", _FIFTH),
)

ISSUE_TITLE = "Crash on amounts with a thousands separator"
ISSUE_BODY = dedent(
    """\
    My bank writes large amounts with a comma, and then nothing works any more:

    ```
    $ python3 -m ledger january.csv
    Traceback (most recent call last):
      File "ledger/__main__.py", line 13, in <module>
        main(sys.argv[1])
      File "ledger/__main__.py", line 9, in main
        print(report(read_statement(file)))
      File "ledger/statement.py", line 25, in read_statement
        return [read_entry(line) for line in lines if line.strip()]
      File "ledger/statement.py", line 21, in read_entry
        return Entry(date.fromisoformat(day), description, parse_amount(amount))
      File "ledger/amounts.py", line 8, in parse_amount
        return Decimal(text.strip().lstrip("$€").strip())
    decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]
    ```

    The line is `2026-01-31;Salary;1,234.50`. I would expect the amount 1234.50.
    """
)

REVIEW = "Nearly. A list of amounts must stay refused: please add a test for that."
REVIEW_OF_A_LINE = "A word on what this accepts, please."

CHECK = "lint"
CHECK_LOG = """ledger/amounts.py:4:1: this comment looks like code that somebody left behind
Found 1 error.
"""
