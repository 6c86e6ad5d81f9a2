"""Test runners: how they are made to tell about single tests, to run only some files, and to notice broken ones.

shell.py      a command line, taken apart                 runner.py   what we know about a runner, and finding it
table.py      all of them: python.py javascript.py ...    reporters.py   our own, for runners that need one
recipe.py     how a command is run                        narrow.py   running only some files, or cases
breaking.py   breaking files on purpose                interpreter.py   running one script
lasting.py    no single test ends the run              cases.py   single tests of pytest
"""

from bot.core.runners.breaking import break_on_purpose, break_tests_on_purpose, canaries, failing_tests
from bot.core.runners.cases import cases
from bot.core.runners.folder import REPORT, REPORT_FOLDER
from bot.core.runners.interpreter import can_run, runs_script
from bot.core.runners.lasting import LASTING_PACKAGES, lasting
from bot.core.runners.narrow import narrow, narrow_to_cases
from bot.core.runners.python import PYTEST_IMPORTS_BY_PATH
from bot.core.runners.recipe import Recipe, recipe, tells_single_tests

__all__ = [
    "LASTING_PACKAGES",
    "PYTEST_IMPORTS_BY_PATH",
    "REPORT",
    "REPORT_FOLDER",
    "Recipe",
    "break_on_purpose",
    "break_tests_on_purpose",
    "can_run",
    "canaries",
    "cases",
    "failing_tests",
    "lasting",
    "narrow",
    "narrow_to_cases",
    "recipe",
    "runs_script",
    "tells_single_tests",
]
