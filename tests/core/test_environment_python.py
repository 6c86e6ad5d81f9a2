"""How Python projects are set up and tested: what a person would type, from what their files say."""

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.environment import python
from bot.core.environment.files import Files
from bot.core.environment.plan import Plans
from bot.core.environment.plans import wanted
from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

PIP_ONLY = Tools({"python3": "3.11.2"})
WITH_UV = Tools({"python3": "3.11.2", "uv": "0.13.9"})
VENV = "python3 -m venv ~/venv"
PIP = "~/venv/bin/python -m pip install --quiet --disable-pip-version-check"
UV_VENV = "uv venv --quiet --allow-existing --python python3 ~/venv"
UV = "uv pip install --quiet --python ~/venv"
SYNC = "UV_PROJECT_ENVIRONMENT=~/venv uv sync --quiet --frozen --inexact --no-default-groups"
PYTEST = "python -m pytest -q"
BUILT = '[build-system]\nrequires=["x"]\n[project]\nname="thing"\n'


def found(files: dict[str, str], tools: Tools = PIP_ONLY) -> Plans:
    texts = {path: files[path] for path in wanted(list(files))}
    return python.plans(Files(frozenset(files), texts), tools)


def first(files: dict[str, str], tools: Tools = PIP_ONLY) -> Toolchain:
    return found(files, tools).plans[0]


@pytest.mark.parametrize(
    ("files", "installs", "test"),
    [
        # the project itself is always installed in place
        ({"pyproject.toml": BUILT, "tests/test_a.py": ""}, "pytest -e .", PYTEST),
        ({"setup.py": "setup()", "test_a.py": ""}, "pytest -e .", PYTEST),
        ({"setup.cfg": "[metadata]\nname = x\n", "test_a.py": ""}, "pytest -e .", PYTEST),
        ({"pyproject.toml": BUILT}, "pytest -e .", None),
        # where it is no package: what it names, and its sources found
        ({"pyproject.toml": '[project]\nname="x"\ndependencies=["y>1"]', "test_a.py": ""}, "'y>1' pytest", PYTEST),
        ({"pyproject.toml": "[tool.x]", "src/a.py": "", "test_a.py": ""}, "pytest", f"PYTHONPATH=src {PYTEST}"),
        (
            {"pytest.ini": "[pytest]\npythonpath=src", "src/a.py": "", "test_a.py": ""},
            "pytest",
            PYTEST,
        ),
        ({"requirements.txt": "x", "tests/test_a.py": ""}, "-r requirements.txt pytest", PYTEST),
        ({"tests/test_a.py": "class T(unittest.TestCase): ..."}, "pytest", PYTEST),
        ({"pyproject.toml": "[" * 9000, "test_a.py": ""}, "pytest", PYTEST),
        ({"app/tests.py": "", "b/tests.py": ""}, "pytest", f"{PYTEST} app/tests.py b/tests.py"),
        # groups and extras that are named for tests, before those of developers
        (
            {"pyproject.toml": BUILT + '[project.optional-dependencies]\ntest=["pytest"]\ndocs=["y"]', "test_a.py": ""},
            "pytest -e '.[test]'",
            PYTEST,
        ),
        (
            {
                "pyproject.toml": BUILT + '[dependency-groups]\ntests=["pytest>=8", {include-group="more"}]\n'
                'more=["trio"]\ndocs=["sphinx"]\ndev=["ruff"]',
                "test_a.py": "",
            },
            "'pytest>=8' trio -e .",
            PYTEST,
        ),
        (
            {"pyproject.toml": BUILT + '[dependency-groups]\ndev=["pytest", "ruff", "sphinx", "six"]', "test_a.py": ""},
            "pytest six -e .",
            PYTEST,
        ),
        (
            {"pyproject.toml": BUILT + '[project.optional-dependencies]\ndev=["pytest", "mypy", "thing[x]"]\nx=["y"]'},
            "pytest -e '.[x]'",
            None,
        ),
        (
            {"setup.py": "setup()", "requirements-dev.txt": "", "requirements.txt": "", "requirements/test.txt": "q"},
            "-r requirements/test.txt pytest -e .",
            None,
        ),
        (
            {"setup.py": "setup()", "requirements-dev.txt": "-e .[socks]\nsphinx\nflask\n-r other.txt\n"},
            "flask pytest -e '.[socks]'",
            None,
        ),
        (
            {
                "setup.py": "",
                "tests/expected.txt": "x",
                "tests/requirements.txt": "q",
                "requirements/test-min.txt": "r",
            },
            "-r tests/requirements.txt pytest -e .",
            None,
        ),
        # poetry
        (
            {
                "pyproject.toml": '[build-system]\nrequires=["poetry-core"]\n[tool.poetry]\nname="x"\n'
                '[tool.poetry.group.dev.dependencies]\npytest="^7.2"\nblack="*"\nfoo={version="~1.4", extras=["a"]}',
                "test_a.py": "",
            },
            "'pytest>=7.2,<8' 'foo[a]>=1.4,<1.5' -e .",
            PYTEST,
        ),
        # older customs
        (
            {"setup.py": "setup(extras_require={'x': xs, 'tests': wanted}, tests_require=['mock>1', 'tox'])"},
            "'mock>1' pytest -e '.[tests]'",
            None,
        ),
        (
            {"setup.cfg": "[metadata]\n[options]\ntests_require =\n    mock\n    six\n[x]\n"},
            "mock six pytest -e .",
            None,
        ),
        (
            {"Pipfile": '[packages]\nflask="*"\n[dev-packages]\nresponses="==0.9"\nblack="*"', "test_a.py": ""},
            "responses==0.9 flask pytest",
            PYTEST,
        ),
        # what the tests' own configuration and texts ask for
        (
            {"pytest.ini": "[pytest]\naddopts = --cov=x -n 2\nasyncio_mode=auto", "test_a.py": ""},
            "pytest pytest-cov pytest-xdist pytest-asyncio",
            PYTEST,
        ),
        (
            {"tests/test_a.py": "import yaml\nfrom dateutil import tz\nimport thing\ndef test(mocker): ..."},
            "pytest pytest-mock python-dateutil pyyaml",
            PYTEST,
        ),
        ({"yaml.py": "", "test_a.py": "import yaml\n"}, "pytest", PYTEST),
        ({"test_a.py": "A = '''\nimport numpy\n'''\nimport six"}, "pytest six", PYTEST),
    ],
)
def test_what_is_installed_and_run(files: dict[str, str], installs: str, test: str | None) -> None:
    plan = first(files)
    assert (plan.setup, plan.test) == ((VENV, f"{PIP} {installs}"), test)


TOX = """
[tox]
envlist = lint, py{39,311}-{django42,django50}, docs
[deps]
common =
    six
    mock
[testenv]
extras = all
deps =
    {[deps]common}
    django42: Django==4.2.*
    django50: Django==5.0.*
    py39: old
    git+https://github.com/someone/nbval
setenv =
    PYTHONPATH = {toxinidir}
    COVERAGE_FILE = x
commands =
    coverage run -m pytest {posargs:-n auto tests} --cov thing -m 'not slow' \\
        --basetemp={envtmpdir}
    coverage report
"""


def test_the_best_environment_of_tox() -> None:
    files = {
        "tox.ini": TOX,
        "pyproject.toml": BUILT + '[project.optional-dependencies]\nall=["y"]',
        "tests/test_a.py": "",
    }
    plan = first(files)
    assert plan.setup[1] == f"{PIP} six mock 'Django==5.0.*' nbval pytest -e '.[all]'"
    assert plan.test == "PYTHONPATH=. python -m pytest -q tests -m 'not slow'"
    assert plan.why == "tox.ini (py311-django50)"


@pytest.mark.parametrize(
    ("envlist", "best"),
    [
        ("py27, py38, pypy3, docs", "py311"),
        ("lint-{ruff,pre-commit}, 3.1{0-5}-tests, 3.1{0-5}-mypy", "3.11-tests"),
        ("py3.11, py3.12, style", "py3.11"),
        ("py{310,311,312}-{unit,doctest}, mypy", "py311-unit"),
        ("py, docs", "py"),
        ("tests, lint", "tests"),
        ("py311-min, py311", "py311"),
        ("{,ci-}py{310,311}, fuzz", "py311"),
    ],
)
def test_which_environment_of_tox_is_best(envlist: str, best: str) -> None:
    files = {"tox.ini": f"[tox]\nenvlist = {envlist}\n[testenv]\ndeps = x\ncommands = pytest", "test_a.py": ""}
    assert first(files).why == f"tox.ini ({best})"


def test_tox_in_toml() -> None:
    tox = """
[tool.tox]
env_list = ["3.11", "style"]
[tool.tox.env_run_base]
dependency_groups = ["tests"]
commands = [["pytest", "-v", "--basetemp={env_tmp_dir}", {replace = "posargs", default = [], extend = true}]]
[tool.tox.env.style]
commands = [["ruff", "check"]]
[dependency-groups]
tests = ["trio", "pytest"]
"""
    plan = first({"pyproject.toml": BUILT + tox, "test_a.py": ""})
    assert plan.setup[1] == f"{PIP} trio pytest -e ."
    assert plan.test == PYTEST


@pytest.mark.parametrize(
    ("listed", "best"),
    [
        ('["fix", "type", { product = [{ prefix = "3.", start = 10, stop = 15 }] }]', "3.11"),
        ('[{ product = [["py310", "py311"], ["django42", "django50"]] }, "docs"]', "py311-django50"),
        ('[{ product = [{ prefix = "min-3.", start = 10, stop = 12 }] }, "3.11"]', "3.11"),
        ('[{ product = [{ start = 10, stop = 1000000000 }] }, { product = 7 }, {}, 3, "tests"]', "tests"),
    ],
)
def test_products_of_names_in_toml(listed: str, best: str) -> None:
    tox = f"""
env_list = {listed}
[env_run_base]
dependency_groups = ["test"]
commands = [["pytest", "-ra", {{ replace = "posargs", default = ["-n", "auto"], extend = true }}]]
[env.fix]
commands = [["prek", "run"]]
dependency_groups = ["lint"]
"""
    groups = '[dependency-groups]\ntest = ["filelock"]\nlint = ["prek"]\n'
    plan = first({"tox.toml": tox, "pyproject.toml": BUILT + groups, "test_a.py": ""})
    assert plan.why == f"tox.toml ({best})"
    assert plan.setup[1] == f"{PIP} filelock pytest -e ."


NOX = """
import nox

DEPENDENCIES = ["pytest", "trustme==1.0"]
PYPROJECT = nox.project.load_toml("pyproject.toml")

def install_all(session):
    session.install("-r", "requirements/ci.txt")

@nox.session(python=["3.10", "3.11"])
def lint(session):
    session.install("ruff")
    session.run("ruff", "check", ".")

@nox.session(name="tests")
def whatever(session: nox.Session) -> None:
    session.install(*DEPENDENCIES, "-e", ".[socks]", silent=False)
    session.install(*nox.project.dependency_groups(PYPROJECT, "more"))
    install_all(session)
    coverage = ["python", "-m", "coverage"]
    environment = {"A": "b", "COVERAGE_FILE": "x"}
    options = ("-n", "4", f"--x={session.python}")
    session.run(*coverage, "run", "-m", "pytest", *options, "tests", *session.posargs, env=environment)
    session.run("coverage", "report")
"""


def test_a_session_of_nox() -> None:
    files = {
        "noxfile.py": NOX,
        "pyproject.toml": BUILT + '[project.optional-dependencies]\nsocks=["y"]\n[dependency-groups]\nmore=["q"]',
        "tests/test_a.py": "",
        "requirements/ci.txt": "x",
    }
    plan = first(files)
    assert plan.setup[1] == f"{PIP} -r requirements/ci.txt pytest trustme==1.0 q -e '.[socks]'"
    assert (plan.test, plan.why) == ("A=b python -m pytest -q tests", "noxfile.py (tests)")


HATCH = """
[tool.hatch.envs.default]
dependencies = ["pytest", "ruff"]
[tool.hatch.envs.test]
extra-dependencies = ["anyio"]
features = ["all"]
[tool.hatch.envs.test.scripts]
test = "cov-run {args:tests}"
cov-run = "coverage run -m pytest"
[project.optional-dependencies]
all = ["y"]
"""


def test_an_environment_of_hatch() -> None:
    plan = first({"pyproject.toml": BUILT + HATCH, "tests/test_a.py": ""})
    assert plan.setup[1] == f"{PIP} pytest anyio -e '.[all]'"
    assert (plan.test, plan.why) == ("python -m pytest -q tests", "hatch (test)")


def test_a_lock_file_of_uv_is_taken_first_and_only_with_what_tests_need() -> None:
    manifest = BUILT + '[dependency-groups]\ntests=["pytest", "mypy"]\ndocs=["sphinx"]'
    plans = found({"pyproject.toml": manifest, "uv.lock": "", "test_a.py": "import yaml"}, WITH_UV).plans
    assert plans[0].setup == (UV_VENV, f"{SYNC} --group tests --python python3", f"{UV} pyyaml")
    assert plans[1].setup == (UV_VENV, f"{UV} pytest mypy pyyaml -e .")
    assert plans[1].why == "pyproject.toml"


def test_of_a_group_that_holds_more_than_tests_need_only_the_versions_are_taken() -> None:
    manifest = BUILT + '[dependency-groups]\ndev=["pytest", "sphinx"]'
    plans = found({"pyproject.toml": manifest, "uv.lock": "", "test_a.py": ""}, WITH_UV).plans
    assert plans[0].setup[1].endswith('" uv.lock > ~/constraints.txt')
    assert plans[0].setup[2] == f"{UV} pytest -e . -c ~/constraints.txt"


def test_versions_of_other_lock_files_are_constraints() -> None:
    plans = found({"pyproject.toml": BUILT, "poetry.lock": "", "test_a.py": ""}, WITH_UV).plans
    assert plans[0].setup[0] == UV_VENV
    assert plans[0].setup[1].endswith('" poetry.lock > ~/constraints.txt')
    assert plans[0].setup[2] == f"{UV} pytest -e . -c ~/constraints.txt"
    assert plans[1].setup == (UV_VENV, f"{UV} pytest -e .")


@pytest.mark.parametrize(
    ("asked", "versions", "program", "noted"),
    [
        (">=3.9", {"python3": "3.11.2"}, "python3", False),
        (">=3.12", {"python3": "3.11.2", "python3.12": "3.12.1", "python3.13": "3.13.0"}, "python3.13", False),
        (">=3.12", {"python3": "3.11.2"}, "python3", True),
        ("<3.11,>=3.8", {"python3": "3.11.2", "python3.10": "3.10.1"}, "python3.10", False),
        ("!=3.11.*", {"python3": "3.11.2", "python3.12": "3.12.1"}, "python3.12", False),
        ("~=3.10", {"python3": "3.11.2"}, "python3", False),
        ("==3.10.*", {"python3": "3.11.2"}, "python3", True),
        ("whatever", {"python3": "3.11.2"}, "python3", False),
        (">=3.12", {}, "python3", False),
    ],
)
def test_the_interpreter_that_fits(asked: str, versions: dict[str, str], program: str, noted: bool) -> None:
    plan = first({"pyproject.toml": f'{BUILT}requires-python="{asked}"', "test_a.py": ""}, Tools(versions))
    assert plan.setup[0] == f"{program} -m venv ~/venv"
    assert bool(plan.notes) is noted


def test_a_version_that_is_not_there_is_said_in_words() -> None:
    plan = first({"pyproject.toml": f'{BUILT}requires-python=">=3.12"', "test_a.py": ""})
    assert plan.notes == (
        "It asks for Python >=3.12, and the sandbox has 3.11.2. A newer one can be had through SANDBOX_TOOLCHAINS, or "
        "in an E2B template.",
    )


@pytest.mark.parametrize(
    ("files", "test"),
    [
        # Django says where its settings are, and has tests where pytest does not look
        (
            {
                "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')",
                "app/tests.py": "",
                "app/test_more.py": "",
            },
            f"DJANGO_SETTINGS_MODULE=site.settings {PYTEST} app/test_more.py app/tests.py",
        ),
        (
            {"manage.py": "", "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE=x", "a/tests.py": "", "test_b.py": ""},
            PYTEST,
        ),
        # two modules of one name
        ({"a/test_x.py": "", "b/test_x.py": ""}, f"{PYTEST} --import-mode=importlib"),
        ({"a/test_x.py": "", "b/test_x.py": "", "a/__init__.py": "", "b/__init__.py": ""}, PYTEST),
        ({"a/test_x.py": "", "b/test_x.py": "", "b/__init__.py": ""}, PYTEST),
        # unittest's own runner, where pytest finds the same
        (
            {"tox.ini": "[testenv]\ncommands=python -m unittest discover -v -s tests -t .", "tests/test_a.py": ""},
            f"{PYTEST} tests",
        ),
        (
            {"tox.ini": "[testenv]\ncommands=coverage run -m unittest a.test_x", "a/test_x.py": ""},
            f"{PYTEST} a/test_x.py",
        ),
        (
            {"tox.ini": "[testenv]\ncommands=python -m unittest discover -p '*.py'", "tests/test_a.py": ""},
            "python -m unittest discover -p '*.py'",
        ),
        (
            {"tox.ini": "[testenv]\ncommands=python -m unittest -v a.tests", "a/tests/smoke.py": ""},
            "python -m unittest -v a.tests",
        ),
        (
            {
                "tox.ini": "[testenv]\nsetenv=\n X=1\ncommands=python -Wd -m django test {posargs:tests}",
                "tests/test_a.py": "",
            },
            "X=1 python -m django test tests",
        ),
        # warnings are errors, but a newer pytest's own
        (
            {"pytest.ini": "[pytest]\nfilterwarnings =\n  once::Warning\n  error", "test_a.py": ""},
            f"{PYTEST} -W ignore::pytest.PytestDeprecationWarning",
        ),
        ({"pytest.ini": "[pytest]\nfilterwarnings = ignore:an error:Warning", "test_a.py": ""}, PYTEST),
        # files of another name
        ({"checks.py": "", "pytest.ini": "[pytest]\npython_files=checks.py"}, PYTEST),
        ({"test.py": "", "pytest.ini": "[pytest]\ntestpaths=test.py"}, PYTEST),
    ],
)
def test_the_command_that_runs_the_tests(files: dict[str, str], test: str) -> None:
    assert first(files).test == test


def test_django_is_installed_with_its_plugin() -> None:
    assert first({"manage.py": "", "a/tests.py": ""}).setup[1] == f"{PIP} pytest django pytest-django"


def test_plans_for_what_the_first_one_cannot_do() -> None:
    plans = found({"setup.py": "setup()", "runtests.py": "", "tests/test_a.py": "import six\n"}, WITH_UV).plans
    assert [(plan.why, plan.setup[1:], plan.test) for plan in plans] == [
        ("setup.py", (f"{UV} pytest six -e .",), PYTEST),
        (
            "setup.py, the project last",
            (
                f"{UV} pytest six 'setuptools<81' wheel",
                f"{UV} --no-build-isolation -e .",
                f"{UV} --no-build-isolation --no-deps -e .",
            ),
            PYTEST,
        ),
        (
            "setup.py, what can be installed of it",
            (
                f"{UV} pytest",
                f'for each in pytest six; do {UV} "$each" || true; done',
                f"{UV} -e . || {UV} -e . || {UV} --no-deps -e . || true",
            ),
            f"{PYTEST} -o addopts= -W ignore::DeprecationWarning",
        ),
        ("setup.py, runtests.py", (f"{UV} pytest six -e .",), "python runtests.py"),
        ("setup.py, unittest", (f"{UV} pytest six -e .",), "python -m unittest discover -v -s tests"),
        ("setup.py, as the sandbox is", (), "python3 -m pytest -q"),
        ("setup.py, unittest, as the sandbox is", (), "python3 -m unittest discover -v -s tests"),
    ]


def test_what_is_not_installed_is_found_all_the_same() -> None:
    plans = found({"pyproject.toml": BUILT, "src/thing/__init__.py": "", "tests/test_a.py": ""}).plans
    forgiving = next(plan for plan in plans if plan.why.endswith("what can be installed of it"))
    assert forgiving.test == f"PYTHONPATH=src {PYTEST} -o addopts= -W ignore::DeprecationWarning"


def test_of_a_list_with_a_version_that_cannot_be_built_all_others_are_installed(tmp_path: Path) -> None:
    """The line is run, by an installer that knows no greenlet of that version and no nothere of any."""
    lists = {
        "requirements.txt": "a==1\n# no\n-r b.txt\ngreenlet==1.1.2 ; x\n    # via a\nnothere~=2\nb[c]>=2 # why\nd @ e\n"
    }
    plans = found({"setup.py": "", "test_a.py": "", **lists}, WITH_UV).plans
    forgiving = next(plan for plan in plans if plan.why.endswith("what can be installed of it"))
    line = next(line for line in forgiving.setup if "-r requirements.txt" in line)
    installer = (
        'uv() { case "${@: -1}" in requirements.txt|greenlet=*|nothere*) return 1;; *) echo "${@: -1}";; esac; }'
    )
    (tmp_path / "requirements.txt").write_text(lists["requirements.txt"])
    done = subprocess.run(["bash", "-c", f"{installer}\n{line}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.split() == ["a==1", "greenlet", "b[c]>=2", "d"]


def test_django_without_its_database_server() -> None:
    plans = found({"pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE=x", "test_a.py": ""}).plans
    assert f"DATABASE_URL=sqlite:///:memory: SQLITE=1 {PYTEST}" in [plan.test for plan in plans]


def test_an_editable_of_meson_is_built_with_what_stands_in_the_environment() -> None:
    manifest = '[build-system]\nrequires=["meson-python", "cython>=3"]\nbuild-backend="mesonpy"\n[project]\nname="x"'
    assert first({"pyproject.toml": manifest, "test_a.py": ""}).setup[1:] == (
        f"{PIP} pytest meson-python 'cython>=3' ninja",
        f"{PIP} --no-build-isolation -e .",
        f"{PIP} --no-build-isolation --no-deps -e .",
    )


TASKS = """
[tool.poe.tasks]
unit = "pytest tests/unit"
types = {cmd = "mypy src"}
all = ["types", "unit"]
[tool.pdm.scripts]
test = {composite = ["pytest -n auto", "ruff check"]}
[tool.taskipy.tasks]
t = "coverage run -m pytest && coverage report"
"""
INVOKE = """
from invoke import task

@task
def run_tests(c, x=False):
    c.run("pytest -v")
"""


@pytest.mark.parametrize(
    ("command", "tests", "checks"),
    [
        ("tox -e lint,py311", ("python -m pytest -q tests",), ("ruff check .",)),
        ("tox", ("python -m pytest -q tests",), ()),
        ("tox run -f py", ("python -m pytest -q tests",), ()),
        ("nox -s tests", ("A=b python -m pytest -q tests",), ()),
        ("nox -s lint", (), ("ruff check .",)),
        ("hatch test tests -v", ("python -m pytest -q tests",), ()),
        ("hatch run test:test", ("python -m pytest -q tests",), ()),
        ("poe unit -q", ("python -m pytest -q tests/unit",), ()),
        ("poe all", ("python -m pytest -q tests/unit",), ("mypy src",)),
        ("pdm run test", (PYTEST,), ("ruff check",)),
        ("task t", (PYTEST,), ()),
        ("inv run-tests", (PYTEST,), ()),
    ],
)
def test_commands_that_only_start_others(command: str, tests: tuple[str, ...], checks: tuple[str, ...]) -> None:
    files = {
        "tox.ini": "[tox]\nenvlist=py\n[testenv]\ncommands=pytest tests\n[testenv:lint]\ncommands=ruff check .",
        "noxfile.py": NOX,
        "pyproject.toml": TASKS + HATCH,
        "tasks.py": INVOKE,
        "tests/unit/test_a.py": "",
    }
    texts = {path: files[path] for path in wanted(list(files))}
    expanded = python.expand(command.split(), Files(frozenset(files), texts), PIP_ONLY)
    assert expanded is not None
    assert (expanded.tests, expanded.checks) == (tests, checks)
    assert bool(expanded.setup) is bool(tests)


@pytest.mark.parametrize(
    "command", ["pytest tests", "make test", "tox -e nothing", "poe other", "hatch build", "nox -s x"]
)
def test_commands_that_start_nothing_that_can_be_read(command: str) -> None:
    assert python.expand(command.split(), Files(frozenset(), {}), PIP_ONLY) is None


SCRAPS = st.sampled_from(
    [
        *(
            "[testenv]",
            "[tox]",
            "envlist =",
            "deps =",
            "commands =",
            "{posargs:",
            "{[testenv]deps}",
            "py{1,2}",
            "}",
            "{",
        ),
        *("import nox\n", "@nox.session\n", "def tests(session):", " session.run(*(", "(" * 90, "-" * 99, "\n", "\0"),
        *("[project]\n", "name=1\n", "[dependency-groups]\n", 'a=[{include-group="a"}]\n', "-r x\n"),
        "[tool.hatch.envs.test]\n",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(SCRAPS | st.text(max_size=20), max_size=25).map("".join))
def test_nothing_that_files_say_makes_it_raise(text: str) -> None:
    names = ("tox.ini", "noxfile.py", "pyproject.toml", "setup.cfg", "setup.py", "hatch.toml", "pytest.ini", "tox.toml")
    files = {**dict.fromkeys((*names, "requirements-dev.txt", "tests/test_a.py"), text), "uv.lock": ""}
    assert isinstance(found(files, WITH_UV), Plans)


LONG = 200_000
MANY = range(20_000)
FUNCTIONS = "".join(f"def f{n}(s):\n    f{n + 1}(s); f{n + 1}(s)\n" for n in range(3000))
LISTS = "".join(f"A{n} = [{f'*A{n + 1}, ' * 200}]\n" for n in range(30))
INCLUDED = "{include-group='g#'},"
SESSION = "import nox\n@nox.session\ndef tests(s):\n"
GROUPS = "[dependency-groups]\n" + "".join(f"g{n} = [{INCLUDED * 60}]\n".replace("#", str(n + 1)) for n in range(60))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tox.ini", "[testenv]\ndeps = " + "{[testenv]deps}" * 5000),
        ("tox.ini", "[testenv]\ndeps =\n" + "  {a,b,c,d}{a,b,c,d}{a,b,c,d}{a,b,c,d}: x\n" * 5000),
        ("tox.ini", "[tox]\nenvlist = " + "py{1-9999}" * 9000),
        ("tox.ini", "".join(f"[testenv:{{a,b,c}}{{d,e,f}}{n}]\n" for n in MANY)),
        ("tox.ini", "[testenv]\ncommands = pytest " + "a/b " * 60_000),
        ("tox.ini", "[testenv]\ncommands = " + "pytest a b c d e f\n  " * 9000),
        ("tox.ini", "[testenv]\ndeps = a" + "!" * LONG),
        ("tox.ini", "[testenv]\ndeps = a" + "=!" * 90),
        ("noxfile.py", SESSION + "    f0(s)\n" + FUNCTIONS),
        ("noxfile.py", SESSION + "    s.install(*A0)\n" * 300 + LISTS),
        ("noxfile.py", "-" * LONG + "1"),
        ("noxfile.py", "(" * LONG),
        ("noxfile.py", "f." + "a." * 90_000 + "b"),
        ("pyproject.toml", GROUPS + "test = [{include-group='g0'}]"),
        ("pyproject.toml", "[tool.poe.tasks]\ntest=[" + "'test'," * 9000 + "]"),
        ("setup.py", "extras_require={" + "'a': [" * 30_000),
        ("setup.cfg", "[options.extras_require]\n" + "a\n" * 60_000),
        ("requirements-dev.txt", "-r requirements-test.txt\n" * 9000),
        ("requirements-test.txt", "-r requirements-dev.txt\n-r requirements-test.txt\n" * 900),
        ("tests/test_a.py", "def test(" * 25_000),
        ("pytest.ini", "[pytest]\naddopts = " + "-p " * 60_000),
        ("manage.py", "DJANGO_SETTINGS_MODULE', '" * 9000),
    ],
)
def test_hostile_files_cost_milliseconds(path: str, text: str) -> None:
    """Two seconds, on a machine that has much else to do."""
    files = {"requirements-dev.txt": "x", "requirements-test.txt": "y", "tests/test_a.py": "", path: text[:262_144]}
    begun = time.process_time()
    plans = found(files, WITH_UV)
    assert time.process_time() - begun < 2
    assert isinstance(plans, Plans)
