"""Four models that behave as models do, as scripts for the simulator.

One treats the symptom in the issue, one fixes it and breaks something else, one removes the cause and proves it with a
test, one gives up. Nothing in their names, order or price tells which is which; evidence has to.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.model import ModelSpec, Prices
from bot.simulators.model import SUBMIT, Answer, Message, ModelSimulator, Script, bash, turns

_LOOK = bash("git log --oneline | head; ls; cat ledger/amounts.py ledger/statement.py", text="Reading the code first.")
_REPRODUCE = (
    "printf '2026-01-31;Salary;1,234.50\\n' > ~/january.csv && python3 -m ledger ~/january.csv 2>&1 | tail -n 3"
)


def _edit(path: str, old: str, new: str) -> str:
    """A command that replaces one piece of a file, and fails when it is not there exactly once."""
    script = f"import pathlib\np = pathlib.Path({path!r})\ns = p.read_text()\nassert s.count({old!r}) == 1\n"
    return f"python3 - <<'EDIT'\n{script}p.write_text(s.replace({old!r}, {new!r}))\nEDIT"


_HASTY = turns(
    _LOOK,
    bash(
        _edit(
            "ledger/amounts.py",
            '    return Decimal(text.strip().lstrip("$€").strip())',
            '    if text.strip() == "1,234.50":\n        return Decimal("1234.50")\n'
            '    return Decimal(text.strip().lstrip("$€").strip())',
        ),
        text="The amount from the issue needs to be accepted.",
    ),
    bash(_REPRODUCE, text="Checking the line from the issue."),
    bash("pytest -q 2>&1 | tail -n 3"),
    bash(SUBMIT, text="`1,234.50` is read as 1234.50 now, as the issue expects."),
)

_BOLD_TEST = """

def test_an_amount_with_a_comma():
    assert read_entry("2026-01-31;Salary;1,234.50").amount == Decimal("1234.50")
"""

_BOLD = turns(
    _LOOK,
    bash(_REPRODUCE),
    bash(
        _edit(
            "ledger/statement.py",
            'line.rstrip("\\n").split(";")',
            'line.rstrip("\\n").replace(",", "").split(";")',
        ),
        text="Commas have no meaning in a statement, so they can go as soon as a line is read.",
    ),
    bash(f"cat >> tests/test_statement.py <<'TEST'\n{_BOLD_TEST}TEST"),
    bash("pytest -q tests/test_statement.py -k comma 2>&1 | tail -n 3", _REPRODUCE),
    bash(SUBMIT, text="Commas are removed from each line before it is split."),
)

_THOROUGH_FIX = """    digits = text.strip().lstrip("$€").strip()
    if _GROUPED.fullmatch(digits):
        digits = digits.replace(",", "")
    return Decimal(digits)"""

_THOROUGH_TEST = """

@pytest.mark.parametrize(
    ("text", "amount"),
    [("1,234.50", "1234.50"), ("-1,234,567", "-1234567"), ("$12,000", "12000")],
)
def test_thousands_may_be_separated(text, amount):
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["1,23", "12,34.5", ",123", "1234,567"])
def test_other_commas_are_refused(text):
    with pytest.raises(ArithmeticError):
        parse_amount(text)
"""

_REVISED_TEST = """

def test_a_list_of_amounts_is_refused():
    with pytest.raises(ArithmeticError):
        parse_amount("1.50, 2")
"""

_REVISES = turns(
    bash("git log --oneline | head -n 3; cat ledger/amounts.py", text="Reading the change that is under review."),
    bash(
        _edit(
            "ledger/amounts.py",
            "_GROUPED = re.compile",
            "# 1,234,567.89: groups of three digits\n_GROUPED = re.compile",
        ),
        text="A word on what the expression accepts.",
    ),
    bash(f"cat >> tests/test_amounts.py <<'TEST'\n{_REVISED_TEST}TEST", "pytest -q 2>&1 | tail -n 3"),
    bash(SUBMIT, text="The expression has its comment, and a list of amounts a test."),
)

_MENDS = turns(
    bash("cat ledger/amounts.py", text="Looking at the line that the check names."),
    bash(
        _edit(
            "ledger/amounts.py",
            "# 1,234,567.89: groups of three digits\n",
            "# Groups of three digits, as in one million: 1,000,000\n",
        ),
        "pytest -q 2>&1 | tail -n 3",
        text="A comment that does not look like code.",
    ),
    bash(SUBMIT, text="The comment no longer looks like code that somebody left behind."),
)

_THOROUGH = turns(
    _LOOK,
    bash(_REPRODUCE, "cat tests/test_amounts.py", text="Reproducing it, and reading the tests around it."),
    bash(
        _edit(
            "ledger/amounts.py",
            "from decimal import Decimal\n",
            'import re\nfrom decimal import Decimal\n\n_GROUPED = re.compile(r"-?\\d{1,3}(,\\d{3})+(\\.\\d+)?")\n',
        ),
        _edit("ledger/amounts.py", '    return Decimal(text.strip().lstrip("$€").strip())', _THOROUGH_FIX),
        text="`parse_amount` is where every amount comes through, so the separator belongs there.",
    ),
    bash(f"cat >> tests/test_amounts.py <<'TEST'\n{_THOROUGH_TEST}TEST", text="Now tests for it, and for what is not."),
    bash(_REPRODUCE, "pytest -q 2>&1 | tail -n 3"),
    bash("git diff --stat"),
    bash(
        SUBMIT,
        text="`parse_amount` accepts commas between groups of three digits and refuses any other comma, "
        "so lists like `1.50, 2` and descriptions are read as before.",
    ),
)

_TIMID = turns(
    _LOOK,
    bash("grep -rn 'locale' . | head", text="Banks differ from country to country."),
    bash("cat README.md"),
    bash(SUBMIT, text="It is not clear which separators should be accepted, so I changed nothing."),
)

_MODELS: dict[str, tuple[Script, float]] = {
    "hasty": (_HASTY, 0.0021),
    "bold": (_BOLD, 0.0034),
    "thorough": (_THOROUGH, 0.0029),
    "timid": (_TIMID, 0.0017),
}


def catalogue() -> list[ModelSpec]:
    """All with the same prior: a name is no evidence."""
    return [ModelSpec(name, "simulator", f"simulated/{name}", prices=Prices(1.0, 4.0)) for name in _MODELS]


def teach(simulator: ModelSimulator) -> None:
    for name, (script, dollars) in _MODELS.items():
        simulator.script(f"simulated/{name}", _first_and_again(script), dollars_per_call=dollars)


def _first_and_again(first: Script) -> Script:
    """Asked to revise a change that is under review, or to mend a check of it, all of them do the same."""

    def script(messages: Sequence[Message]) -> Answer:
        asked = "".join(str(message["content"]) for message in messages if message["role"] == "user")
        if "checks of its continuous integration fail" in asked:
            return _MENDS(messages)
        return (_REVISES if "is under review" in asked else first)(messages)

    return script
