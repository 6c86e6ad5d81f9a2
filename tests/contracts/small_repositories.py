"""Small repositories, one for each kind of failure that was measured, and for each source of plans."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

from bot.core.model import RepoConfig

# A build backend within the repository, so that nothing has to be installed to build it: PEP 517 and 660.
_BACKEND = """\
import os, subprocess, zipfile

def _version():
    if not os.path.exists("version-from-git"):
        return "9.0"
    told = subprocess.run(["git", "describe", "--tags"], capture_output=True, text=True, check=True).stdout
    return told.strip().lstrip("v").replace("-", "+", 1).replace("-", ".")

def build_wheel(directory, config_settings=None, metadata_directory=None):
    raise SystemExit("only in place")

def build_editable(directory, config_settings=None, metadata_directory=None):
    version, name = _version(), open("name").read().strip()
    info, file = f"{name}-{version}.dist-info", f"{name}-{version}-py3-none-any.whl"
    files = {
        f"{name}.pth": os.path.abspath("src"),
        f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(os.path.join(directory, file), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return file
"""
_BUILDS = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def package(name: str, more: str = "", files: Mapping[str, str] | None = None) -> dict[str, str]:
    """A project in a src/ layout with two tests, and with no dependencies at run time."""
    return {
        "backend.py": _BACKEND,
        "name": name,
        "pyproject.toml": f'{_BUILDS}[project]\nname = "{name}"\ndynamic = ["version"]\n{more}',
        f"src/{name}/__init__.py": "def double(x):\n    return 2 * x\n",
        "tests/test_double.py": (
            f"import pytest\nfrom {name} import double\n\n\n@pytest.mark.parametrize('x', [1, 2])\n"
            "def test_double(x):\n    assert double(x) == x + x\n"
        ),
        **{path: dedent(text) for path, text in (files or {}).items()},
    }


APP = {
    "app.py": "def one():\n    return 1\n",
    "test_app.py": dedent(
        """\
        import unittest
        from app import one

        class One(unittest.TestCase):
            def test_one(self):
                self.assertEqual(one(), 1)
        """
    ),
}


def app(files: Mapping[str, str]) -> dict[str, str]:
    """One module with one test of unittest, and these."""
    return {**APP, "conftest.py": "", **{path: dedent(text) for path, text in files.items()}}


def node(**scripts: str) -> dict[str, str]:
    """A package with two tests, and with these scripts."""
    return {
        "index.js": "module.exports = () => 1;\n",
        "test/one.test.js": (
            "const test = require('node:test');\nconst assert = require('node:assert');\nconst one = require('..');\n"
            "test('is one', () => assert.equal(one(), 1));\ntest('is odd', () => assert.equal(one() % 2, 1));\n"
        ),
        "package.json": json.dumps({"name": "one", "main": "index.js", "scripts": scripts}),
    }


@dataclass(frozen=True)
class Kind:
    """`passing`: how many single tests pass. `words`: stand in the plan, or in what its tests print.

    `tag`: of the first of its two commits.
    """

    files: Mapping[str, str]
    passing: int
    words: str = ""
    tag: str = ""
    config: RepoConfig | None = None


# As much of it as pytest needs.
_INICONFIG = """\
class IniConfig: ...

class ParseError(Exception): ...

class SectionWrapper: ...

def double(x):
    return 2 * x
"""
_NAMES = {"a/test_twin.py": "import app\n\ndef test_a():\n    assert app.one()\n"}
_NAMES["b/test_twin.py"] = _NAMES["a/test_twin.py"].replace("test_a", "test_b")

FAILURES = {
    "a version from git": Kind(
        package(
            "vers",
            files={
                "version-from-git": "",
                "tests/test_version.py": """\
                    from importlib.metadata import version

                    def test_version():
                        assert version("vers").startswith("1.2")
                    """,
            },
        ),
        3,
        tag="v1.2",
    ),
    "a package that nothing asks to install": Kind(package("layout"), 2),
    "a test that takes the runner with it": Kind(
        package("crashes", files={"tests/test_a.py": "import os\n\n\ndef test_a():\n    os.abort()\n"}),
        2,
        "a time limit for each test",
    ),
    "a dependency of its own test runner": Kind(
        package("iniconfig", files={"src/iniconfig/__init__.py": _INICONFIG}), 2
    ),
    "groups for docs and lint": Kind(
        package("groups", '[dependency-groups]\ntest = ["pytest"]\ndocs = ["no-docs"]\nlint = ["no-lint"]\n'), 2
    ),
    "a mixed group": Kind(package("mixed", '[dependency-groups]\ndev = ["pytest", "ruff", "sphinx", "tox"]\n'), 2),
    "lint before tests": Kind(node(test="xo && node --test && tsd"), 2, "xo"),
    "tests behind scripts": Kind(node(test="npm run lint && npm run unit", lint="eslint .", unit="node --test"), 2),
    "a service that is not there": Kind(
        app(
            {
                "test_service.py": """\
                    import socket, app

                    def test_with():
                        socket.create_connection(("db", 5432), 1)

                    def test_without():
                        assert app.one() == 1
                    """
            }
        ),
        2,
    ),
    "one file that cannot be collected": Kind(app({"test_broken.py": "import no_such_module\n"}), 1, "no_such_module"),
    "twin names of test files": Kind(app(_NAMES), 3),
    "options of a plugin that cannot be had": Kind(app({"pytest.ini": "[pytest]\naddopts = --no-such-option\n"}), 1),
    "a project below the top": Kind({f"backend/{path}": text for path, text in package("below").items()}, 2, "backend"),
    "tests of unittest": Kind(APP, 1),
}

_COPILOT = """\
jobs:
  copilot-setup-steps:
    runs-on: ubuntu-latest
    steps:
      - run: pip install -e . pytest
"""
_CI = """\
on: [push]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: pip install -e . pytest
      - run: pytest tests/other_spec.py
"""
_NOX = """\
import nox

@nox.session
def tests(session):
    session.install("pytest", ".")
    session.run("pytest")
"""
_DEVCONTAINER = '{\n  // for editors\n  "postCreateCommand": "pip install -e . pytest",\n}'
_TOX = "[testenv]\ndeps = pytest\ncommands = pytest {posargs} tests\n"
_HATCH = '[tool.hatch.envs.test]\ndependencies = ["pytest"]\n[tool.hatch.envs.test.scripts]\nrun = "pytest"\n'
_AGENTS = "Run the tests:\n\n```sh\npip install pytest\npython -m pytest -o python_files='*_spec.py' check\n```\n"
_SAID = RepoConfig(
    setup=("uv venv -q ~/venv", "uv pip install -q --python ~/venv pytest -e ."), test="~/venv/bin/pytest tests"
)

SOURCES = {
    "what the repository says itself": Kind(package("said"), 2, "from .github/solvebot.yml", config=_SAID),
    "copilot-setup-steps": Kind(
        package("steps", files={".github/workflows/copilot-setup-steps.yml": _COPILOT}), 2, "copilot-setup-steps.yml"
    ),
    "a devcontainer": Kind(
        package(
            "box",
            files={
                ".devcontainer/devcontainer.json": '{\n  // x\n  "postCreateCommand": "pip install -e . pytest",\n}'
            },
        ),
        2,
        "devcontainer.json",
    ),
    "the job of CI": Kind(
        package(
            "jobs",
            files={
                ".github/workflows/ci.yml": _CI,
                "tests/other_spec.py": "def test_other():\n    from jobs import double\n    assert double(0) == 0\n",
            },
        ),
        1,
        "job `test`",
    ),
    "tox": Kind(
        package("toxed", files={"tox.ini": "[testenv]\ndeps = pytest\ncommands = pytest {posargs} tests\n"}),
        2,
        "tox.ini",
    ),
    "nox": Kind(package("noxed", files={"noxfile.py": _NOX}), 2, "noxfile.py"),
    "hatch": Kind(package("hatched", _HATCH), 2, "hatch"),
    "what is written for people": Kind(
        {
            "app.py": APP["app.py"],
            "check/app_spec.py": "import app\n\ndef test_one():\n    assert app.one() == 1\n",
            "AGENTS.md": _AGENTS,
        },
        1,
        "AGENTS.md",
    ),
}
