"""Plans from CI: which job is taken, and what its steps become in a sandbox."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.environment.files import Files
from bot.core.environment.places import MAX_COMMANDS, MAX_DIRECTORIES, MAX_EXPANSIONS, Places
from bot.core.environment.plan import Skipped
from bot.core.environment.tools import Tools
from bot.core.environment.workflows import MAX_SCRIPTS, Jobs, copilot_setup, jobs, plans
from bot.core.model import Toolchain

TOOLS = Tools({"python3": "3.11.2", "uv": "0.9.0", "node": "20.19.2", "npm": "9.2.0", "make": "4.3"})
WITHOUT_UV = Tools({"python3": "3.11.2"})
CI = ".github/workflows/ci.yml"
VENV = "uv venv --quiet --allow-existing --python python3 ~/venv"
PIP = "uv pip install --quiet --python ~/venv"
SYNC = "UV_PROJECT_ENVIRONMENT=~/venv uv sync --quiet --inexact"


def files(texts: dict[str, str]) -> Files:
    return Files(frozenset(texts), texts)


def read(workflow: str, others: dict[str, str] | None = None, tools: Tools = TOOLS) -> Jobs:
    return jobs(files({CI: workflow, **(others or {})}), tools)


def only(workflow: str, others: dict[str, str] | None = None, tools: Tools = TOOLS) -> Toolchain:
    found = read(workflow, others, tools)
    (plan,) = (*found.complete, *found.partial)
    return plan


def steps(*lines: str, job: str = "") -> str:
    """A workflow whose job `test` has these `run:` lines as its steps."""
    listed = "".join(f"      - run: {line}\n" for line in lines)
    return f"on: [push, pull_request]\njobs:\n  test:\n    runs-on: ubuntu-latest\n{job}    steps:\n{listed}"


FLASK_LIKE = """
name: Tests
on:
  pull_request:
    paths-ignore: ['docs/**']
  push: {branches: [main]}
jobs:
  tests:
    name: ${{ matrix.name || matrix.python }}
    runs-on: ${{ matrix.os || 'ubuntu-latest' }}
    strategy:
      matrix:
        include:
          - {python: '3.14'}
          - {name: Windows, python: '3.11', os: windows-latest}
          - {python: '3.11'}
          - {name: PyPy, python: 'pypy-3.11', tox: pypy311}
    steps:
      - uses: actions/checkone@v4
      - uses: actions/setup-python@v5
        with: {python-version: "${{ matrix.python }}"}
      - run: pip install -e .[test] -r requirements/dev.txt
      - run: pytest ${{ matrix.tox && '-x' || '' }}
        env:
          WHICH: ${{ matrix.tox || format('py{0}', matrix.python) }}
  typing:
    runs-on: ubuntu-latest
    steps:
      - run: pip install mypy
      - run: mypy
"""

GOT_LIKE = """
name: CI
on:
  - push
  - pull_request
jobs:
  test:
    name: Node.js ${{ matrix.node-version }}
    runs-on: ubuntu-latest
    strategy:
      matrix:
        node-version: [24, 22]
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-node@v5
        with:
          node-version: ${{ matrix.node-version }}
      - run: npm install
      - run: npm test
"""


def test_a_job_of_pytest() -> None:
    plan = only(FLASK_LIKE, {"requirements/dev.txt": "", "pyproject.toml": ""})
    assert plan == Toolchain(
        setup=(VENV, f"{PIP} -e '.[test]' -r requirements/dev.txt"),
        test="WHICH=py3.11 pytest",
        why="CI's job `tests` in .github/workflows/ci.yml",
        ecosystem="python",
    )


def test_a_job_of_npm() -> None:
    plan = only(GOT_LIKE)
    assert plan == Toolchain(
        setup=("npm install --no-package-lock --no-audit --no-fund",),
        test="npm test",
        why="CI's job `test` in .github/workflows/ci.yml",
        ecosystem="node",
        notes=("CI tests with Node 24; the sandboxes have 20.19.2.",),
    )


def test_without_uv_pip_does_it() -> None:
    plan = only(steps("pip install .", "pytest"), tools=WITHOUT_UV)
    pip = "~/venv/bin/python -m pip install --quiet --disable-pip-version-check"
    assert plan.setup == ("python3 -m venv ~/venv", f"{pip} -e .")


@pytest.mark.parametrize(
    ("lines", "setup"),
    [
        (["python -m pip install --upgrade pip", "pytest"], ()),
        (["pip install -U pip setuptools wheel", "pytest"], ()),
        (["pip install --user .", "pytest"], (f"{PIP} -e .",)),
        (["pip install .[dev]", "pytest"], (f"{PIP} -e '.[dev]'",)),
        (["pip install dist/*.whl", "pytest"], (f"{PIP} -e .",)),
        (["python -m build", "twine check dist/*", "pip install dist/x.tar.gz", "pytest"], (f"{PIP} -e .",)),
        (["pip install ./core -e ./cli", "pytest"], (f"{PIP} -e ./core -e ./cli",)),
        (["pip install codecov pytest coveralls", "pytest"], (f"{PIP} pytest",)),
        (["uv pip install --system -e . --group dev", "pytest"], (f"{PIP} -e . --group dev",)),
        (["pipx install hatch", "pytest"], (f"{PIP} hatch",)),
        (["uv sync --locked --python 3.13 --all-extras", "uv run pytest"], (f"{SYNC} --locked --all-extras",)),
        (["uv run pytest"], (SYNC,)),
        (["uv run --group test pytest"], (f"{SYNC} --group test",)),
        (["uvx nose2"], (f"{PIP} nose2",)),
        (
            ["pip install poetry", "poetry install", "poetry run pytest"],
            (f"{PIP} pytest",),
        ),
        (["python setup.py develop", "pytest"], (f"{PIP} -e .",)),
        (["python setup.py build_ext --inplace", "pytest"], ("python setup.py build_ext --inplace",)),
        (["python -m venv venv", ". venv/bin/activate", "pip install x", "venv/bin/pytest"], (f"{PIP} x",)),
        (["if [ -f dev.txt ]; then pip install -r dev.txt; fi", "pytest"], (f"{PIP} -r dev.txt",)),
        (["if [ -f no.txt ]; then pip install -r no.txt; fi", "pytest"], ()),
        (["mkdir -p build", "python --version", "echo hello", "pytest"], ("mkdir -p build",)),
        (["pytest", "pip install coveralls", "coveralls"], ()),
        (["git config --global user.name x", "npm install -g npm", "rm -rf src", "make docs", "pytest"], ()),
    ],
)
def test_set_up_fits_the_sandbox(lines: list[str], setup: tuple[str, ...]) -> None:
    (plan,) = read(steps(*lines), {"dev.txt": "", "core/pyproject.toml": "", "cli/setup.py": ""}).complete
    assert plan.setup == (VENV, *setup)


@pytest.mark.parametrize(
    ("lines", "setup"),
    [
        (["npm ci", "npm test"], ("npm ci --no-audit --no-fund",)),
        (["npm i -g npm@9 gulp", "npm test"], ("npm install --global --prefix ~/.local gulp",)),
        (["npm i typescript@5", "npm test"], ("npm i typescript@5 --no-save --no-audit --no-fund",)),
        (["corepack enable", "pnpm install", "pnpm test"], ("pnpm install",)),
        (["yarn --frozen-lockfile", "yarn build", "yarn test"], ("yarn --frozen-lockfile", "yarn build")),
        (["bundle install", "bundle exec rake"], ("bundle config set --global path ~/gems", "bundle install")),
    ],
)
def test_set_up_of_others(lines: list[str], setup: tuple[str, ...]) -> None:
    assert only(steps(*lines), tools=Tools({})).setup == setup


@pytest.mark.parametrize(
    ("line", "test"),
    [
        ("coverage run --source x -m pytest -v", "python -m pytest -v"),
        ("python -m coverage run -m unittest discover", "python -m unittest discover"),
        ("poetry run pytest -q", "python -m pytest -q"),
        ("poetry run pytest --cov=x --cov-report xml -v", "python -m pytest -v"),
        ("pytest tests --cov x --cov-append --cov-branch --cov-report=xml -v", "pytest tests -v"),
        ("uv run python -W error -m pytest", "python -m pytest"),
        ("./venv/bin/python -m pytest", "python -m pytest"),
        ("go test -v -race -coverprofile=c.out ./...", "go test -v ./..."),
        ("cargo test --all", "cargo test --offline --all"),
        ("./gradlew check", "./gradlew --offline check"),
        ("mvn -B test", "mvn -o -B test"),
        ("pytest tests/*.py | tee log", "pytest tests/*.py | tee log"),
        ("pytest --installpkg dist/*.whl -q", "pytest -q"),
    ],
)
def test_tests_fit_the_sandbox(line: str, test: str) -> None:
    assert only(steps(line), tools=Tools({})).test == test


def test_directories_and_variables_hold_for_what_comes_after_them() -> None:
    plan = only(
        """
on: push
env: {FORCE_COLOR: 1, MODE: fast}
defaults: {run: {working-directory: web}}
jobs:
  test:
    runs-on: ubuntu-latest
    env:
      TOKEN: x
      NPM_CONFIG_REGISTRY: https://elsewhere.example
      HTTPS_PROXY: http://elsewhere.example
      NAME: two words
    steps:
      - run: npm ci
      - run: |
          export EXTRA=1
          cd packages/a
          npm test -- $MODE
      - run: npm test
        working-directory: .
""",
        {"web/packages/a/package.json": ""},
    )
    assert plan.setup == ("(cd web && MODE=fast NAME='two words' npm ci --no-audit --no-fund)",)
    assert plan.test == (
        "(cd web/packages/a && MODE=fast NAME='two words' EXTRA=1 npm test -- fast)"
        " && MODE=fast NAME='two words' npm test"
    )


@pytest.mark.parametrize(
    "name", ["PIP_INDEX_URL", "HTTP_PROXY", "GH_TOKEN", "npm_config_registry", "PATH", "PYTEST_ADDOPTS", "PYTHON"]
)
def test_variables_that_choose_hosts_credentials_or_programs_are_dropped(name: str) -> None:
    assert only(steps("pytest", job=f"    env: {{{name}: x}}\n")).test == "pytest"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            ["sudo apt-get update && sudo apt-get install -y libxml2-dev gettext", "pytest"],
            "The system packages `libxml2-dev`, `gettext` need root.",
        ),
        (["docker compose up -d", "pytest"], "`docker compose up -d` is nothing for a sandbox."),
        (["curl -sL x | bash", "pytest"], "`curl -sL x | bash` is nothing for a sandbox."),
        (["pip install -r req.txt --index-url https://x", "pytest"], "It installs from another index."),
        (["pip install git+https://x", "pytest"], "It installs from an address of its own."),
        (["pip install -r absent.txt", "pytest"], "There is no `absent.txt`."),
        (["conda install x", "pytest"], "The sandboxes have no `conda`."),
        (["pip install ${{ secrets.X }}", "pytest"], "`pip install ...` needs `secrets.X`, which is not known here."),
        (["deno test"], "The sandboxes have no `deno`."),
    ],
)
def test_what_is_left_out_is_said_and_counts_against_the_plan(lines: list[str], reason: str) -> None:
    found = read(steps(*lines), {"req.txt": ""})
    assert not found.complete
    assert found.partial[0].notes == (f"{CI}: {reason}",)


@pytest.mark.parametrize(
    ("name", "whole"), [("python", True), ("node-version", True), ("os", True), ("shard", False), ("task", False)]
)
def test_one_part_of_the_tests_is_not_all_of_them(name: str, whole: bool) -> None:
    matrix = f"    strategy: {{matrix: {{{name}: [a, b]}}}}\n"
    found = read(steps(f"pytest ${{{{ matrix.{name} }}}}", job=matrix))
    assert (len(found.complete), len(found.partial)) == ((1, 0) if whole else (0, 1))


def test_a_task_runner_is_replaced_by_what_it_runs() -> None:
    tox = "[testenv]\ndeps = pytest\ncommands = pytest {posargs} tests\n"
    ran = ("pip install tox coverage", "tox --parallel auto --notest", "tox -e py")
    (plan,) = read(steps(*ran), {"tox.ini": tox, "tests/test_a.py": ""}).complete
    assert "tox" not in " ".join(plan.setup)
    assert plan.setup[0] == VENV
    assert "pytest" in (plan.test or "")
    assert "tests" in (plan.test or "")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["pip install tox", "tox -e py$(cat version)"], "makes an environment of its own, which needs the network."),
        (["make coverage"], "CI's job does not say what its tests need."),
    ],
)
def test_what_installs_only_when_it_tests_counts_against_the_plan(lines: list[str], reason: str) -> None:
    found = read(steps(*lines))
    assert not found.complete
    assert found.partial[0].notes[0].endswith(reason)


def test_benchmarks_are_no_tests() -> None:
    assert only(steps("pytest", "pytest bench/", "pytest benchmarks/a.py", "npm run test:perf")).test == "pytest"


def test_checks_stand_apart_from_tests() -> None:
    plan = only(steps("pip install -e . ruff mypy", "ruff check .", "mypy src", "pre-commit run -a", "pytest"))
    assert (plan.test, plan.checks) == ("pytest", ("ruff check .", "mypy src"))


CONDITIONS = """
on: [push]
jobs:
  test:
    runs-on: ${{ matrix.os }}
    strategy: {matrix: {os: [windows-latest, ubuntu-latest], cov: [true, false]}}
    steps:
      - run: pip install windows-thing
        if: runner.os == 'Windows'
      - run: pip install -r a.txt
        if: steps.cache.outputs.cache-hit != 'true'
      - run: pip install linux-thing
        if: startsWith(matrix.os, 'ubuntu')
      - run: pytest --strict-markers
        if: ${{ matrix.cov }}
      - run: pytest
        if: "!matrix.cov"
      - run: pytest --slow
        if: github.event_name == 'schedule'
      - run: pytest --windows
        shell: pwsh
      - run: upload
        if: failure()
"""


def test_steps_with_conditions() -> None:
    plan = only(CONDITIONS, {"a.txt": ""})
    assert plan.setup == (VENV, f"{PIP} -r a.txt", f"{PIP} linux-thing")
    assert plan.test == "pytest --strict-markers"


@pytest.mark.parametrize(
    ("runs_on", "reason"),
    [("windows-latest", "The job `test` runs on Windows."), ("[self-hosted, macos]", "The job `test` runs on macOS.")],
)
def test_jobs_of_other_systems_are_skipped(runs_on: str, reason: str) -> None:
    found = read(f"on: push\njobs:\n  test:\n    runs-on: {runs_on}\n    steps: [{{run: pytest}}]\n")
    assert Skipped(CI, reason) in found.skipped
    assert not found.complete


def workflow(*named: tuple[str, str], services: str = "") -> str:
    listed = "".join(
        f"  {name}:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {command}\n" for name, command in named
    )
    return f"on: [pull_request]\njobs:\n{listed}{services}"


@pytest.mark.parametrize(
    ("text", "job"),
    [
        (workflow(("docs", "pytest docs"), ("unit", "pytest")), "unit"),
        (workflow(("other", "pytest a"), ("test", "pytest b")), "test"),
        (workflow(("build", "pytest a"), ("tests", "pytest b")), "tests"),
        (workflow(("test-windows", "pytest a"), ("thing", "pytest b")), "thing"),
        (workflow(("lint-and-test", "pytest a"), ("e2e", "pytest b")), "lint-and-test"),
        (workflow(("native-image-test", "pytest a"), ("asan", "pytest b"), ("build", "pytest c")), "build"),
        (workflow(("a", "sudo apt install x && pytest"), ("b", "pytest")), "b"),
        (
            workflow(("test", "pytest"), services="    services: {redis: {image: redis}}\n")
            + "  plain:\n    runs-on: ubuntu-latest\n    steps: [{run: pytest}]\n",
            "plain",
        ),
    ],
)
def test_which_job_is_taken(text: str, job: str) -> None:
    assert read(text).complete[0].why == f"CI's job `{job}` in {CI}"


def test_services_are_named() -> None:
    text = workflow(("test", "pytest"), services="    services: {postgres: {image: p}, redis: {image: r}}\n")
    assert only(text).notes == ("CI's tests have the services `postgres`, `redis`; there are none here.",)


def test_workflows_that_nobody_asks_for_on_changes_come_into_question_only_alone() -> None:
    nightly = (
        "on: {schedule: [{cron: x}]}\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{run: pytest --all}]\n"
    )
    assert only(nightly).test == "pytest --all"
    found = jobs(files({CI: nightly, ".github/workflows/z.yml": steps("pytest")}), TOOLS)
    assert [plan.test for plan in found.complete] == ["pytest"]


def test_two_ecosystems_are_two_plans() -> None:
    found = read(workflow(("backend", "pytest"), ("frontend", "npm test"), ("more", "pytest more")))
    assert [(plan.ecosystem, plan.test) for plan in found.complete] == [("python", "pytest"), ("node", "npm test")]


def test_local_actions_are_followed() -> None:
    action = """
inputs: {extra: {default: dev}, python: {required: true}}
runs:
  using: composite
  steps:
    - uses: actions/setup-python@v5
      with: {python-version: "${{ inputs.python }}"}
    - run: pip install -e .[${{ inputs.extra }}]
      shell: bash
"""
    text = """
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: ./.github/actions/prepare
        with: {python: '3.13'}
      - run: pytest
"""
    plan = only(text, {".github/actions/prepare/action.yml": action})
    assert plan.setup == (VENV, f"{PIP} -e '.[dev]'")
    assert plan.notes == ("CI tests with Python 3.13; the sandboxes have 3.11.2.",)


def test_workflows_of_the_same_repository_are_followed() -> None:
    inner = """
on:
  workflow_call:
    inputs: {what: {default: all}, other: {default: x}}
jobs:
  run:
    runs-on: ubuntu-latest
    steps: [{run: "pytest -m ${{ inputs.what }} ${{ inputs.other }}"}]
"""
    outer = """
on: push
jobs:
  test:
    uses: ./.github/workflows/inner.yml
    strategy: {matrix: {kind: [fast, slow]}}
    with: {what: "${{ matrix.kind }}"}
  far:
    uses: someone/else/.github/workflows/x.yml@v1
"""
    found = jobs(files({CI: outer, ".github/workflows/inner.yml": inner}), TOOLS)
    assert [plan.test for plan in found.partial] == ["pytest -m fast x"]
    assert found.partial[0].notes == (
        ".github/workflows/inner.yml: CI splits its tests by `kind`, and these are one part of them.",
    )
    assert found.skipped == (Skipped(CI, "The job `far` calls a workflow of another repository."),)


OLD = "CI tests with Python 3.9; the sandboxes have 3.11.2."


@pytest.mark.parametrize(
    ("uses", "given", "note"),
    [
        ("actions/setup-python@v5", "python-version: '3.13'", "CI tests with Python 3.13; the sandboxes have 3.11.2."),
        ("actions/setup-python@v5", "python-version: '3.11'", None),
        ("actions/setup-python@v5", "python-version: '3.x'", None),
        ("actions/setup-python@v5", "python-version: |\n            3.10\n            3.11", None),
        (
            "actions/setup-python@v5",
            "python-version-file: .python-version",
            "CI tests with Python 3.9; the sandboxes have 3.11.2.",
        ),
        ("actions/setup-node@v4", "node-version: 20.x", None),
        ("actions/setup-node@v4", "node-version-file: .nvmrc", "CI tests with Node 22; the sandboxes have 20.19.2."),
        ("actions/setup-go@v5", "go-version-file: go.mod", "CI tests with Go 1.24; the sandboxes do not have it."),
        ("actions/setup-java@v4", "java-version: 21", "CI tests with Java 21; the sandboxes do not have it."),
    ],
)
def test_versions_are_compared(uses: str, given: str, note: str | None) -> None:
    text = steps("pytest", job="").replace(
        "    steps:\n", f"    steps:\n      - uses: {uses}\n        with:\n          {given}\n"
    )
    others = {".python-version": "3.9\n", ".nvmrc": "v22\n", "go.mod": "module x\n\ngo 1.24.1\n"}
    assert only(text, others).notes == ((note,) if note else ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "It has no jobs."),
        ("a: b", "It has no jobs."),
        ("- a", "It has no jobs."),
        ("jobs: [a]", "It has no jobs."),
        ("jobs:\n\ttest: x", "It is not valid YAML at line 2."),
        ("a: " + "[" * 100, "It is nested more than 24 levels deep."),
        ("x" * 300_000, "It is larger than 256 kB."),
    ],
)
def test_workflows_that_cannot_be_read_are_skipped_with_a_reason(text: str, reason: str) -> None:
    assert read(text).skipped == (Skipped(CI, reason),)


def test_where_nothing_tests_that_is_said() -> None:
    assert read(steps("ruff check .")).skipped == (
        Skipped(".github/workflows", "No job runs a test command that is known."),
    )
    assert plans(files({}), TOOLS).skipped == ()


def test_no_more_is_read_than_a_bound_allows() -> None:
    many = {f".github/workflows/{n}.yml": steps("|\n          " + "x\n          " * 20_000) for n in range(30)}
    found = jobs(files({**many, ".github/workflows/z.yml": steps("pytest")}), TOOLS)
    assert "was not read: there are too many before it." in found.skipped[-2].reason
    assert MAX_SCRIPTS < 30 * 40_000


def test_commands_and_directories_are_looked_at_so_often_and_no_more() -> None:
    repository = files({f"d{n}/package.json": '{"scripts": {"test": "mocha"}}' for n in range(MAX_DIRECTORIES * 2)})
    places = Places(repository, TOOLS)
    found = [places.at(f"d{n}").paths for n in range(MAX_DIRECTORIES * 2)]
    assert [len(paths) for paths in found] == [1] * (MAX_DIRECTORIES - 1) + [0] * (MAX_DIRECTORIES + 1)
    expanded = [places.expand("d0", ["npm", "test", str(n)]) for n in range(MAX_EXPANSIONS * 2)]
    assert [one is not None for one in expanded] == [True] * MAX_EXPANSIONS + [False] * MAX_EXPANSIONS
    assert places.expand("d0", ["npm", "test", "0"]) is expanded[0]
    assert [places.spend() for _ in range(MAX_COMMANDS + 1)] == [True] * MAX_COMMANDS + [False]


def test_set_up_for_github_s_agent() -> None:
    text = """
on: workflow_dispatch
jobs:
  copilot-setup-steps:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/setup-node@v4
        with: {node-version: 24}
      - run: npm ci
      - run: npx playwright install
"""
    found = copilot_setup(files({".github/workflows/copilot-setup-steps.yml": text}), TOOLS)
    assert isinstance(found, tuple)
    recipe, path = found
    assert path == ".github/workflows/copilot-setup-steps.yml"
    assert (recipe.setup, recipe.tests, recipe.ecosystem) == (("npm ci --no-audit --no-fund",), (), "node")
    assert recipe.reasons == ("`npx playwright install` is nothing for a sandbox.",)
    assert copilot_setup(files({}), TOOLS) is None
    other = files({".github/workflows/copilot-setup-steps.yml": steps("npm ci")})
    assert copilot_setup(other, TOOLS) == Skipped(path, "It has no job `copilot-setup-steps`.")


KEYS = ["on", "jobs", "test", "steps", "run", "uses", "with", "if", "env", "strategy", "matrix", "include", "runs-on"]
WORDS = ["push", "pytest", "npm test", "ubuntu-latest", "${{ matrix.x }}", "./.github/workflows/ci.yml", "a && b", ""]
TREES = st.recursive(
    st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


def written(tree: object) -> str:
    """As YAML, whose flow style is close to JSON."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {written(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(written, tree)) + "]"
    return f"'{tree}'"


@settings(max_examples=200, deadline=None)
@given(TREES, TREES)
def test_no_workflow_makes_it_raise(job: object, top: object) -> None:
    for text in (written(top), f"on: push\njobs: {{test: {written(job)}}}", f"jobs: {written(job)}"):
        assert isinstance(read(text), Jobs)


def test_what_another_job_has_built_is_missed() -> None:
    found = read(
        steps("npm ci", "npx jest").replace("- run: npx", "- uses: actions/download-artifact@v4\n      - run: npx")
    )
    assert (found.complete, [plan.test for plan in found.partial]) == ((), ["npx jest"])
