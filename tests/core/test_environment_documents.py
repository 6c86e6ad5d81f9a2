"""Set-up from what editors start in, and commands in what people write for people and agents."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.environment import devcontainer, documents
from bot.core.environment.files import Files
from bot.core.environment.plan import Skipped
from bot.core.environment.recipes import Recipe
from bot.core.environment.tools import Tools

TOOLS = Tools({"python3": "3.11.2", "uv": "0.9.0", "node": "20.19.2", "npm": "9.2.0", "make": "4.3"})
VENV = "uv venv --quiet --allow-existing --python python3 ~/venv"
PIP = "uv pip install --quiet --python ~/venv"


def files(texts: dict[str, str]) -> Files:
    return Files(frozenset(texts), texts)


def setup(path: str, text: str, others: dict[str, str] | None = None) -> tuple[str, ...]:
    (found,) = devcontainer.setups(files({path: text, **(others or {})}), TOOLS)
    assert not isinstance(found, Skipped)
    assert found[1] == path
    return found[0].setup


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('{"postCreateCommand": "npm ci"}', ("npm ci --no-audit --no-fund",)),
        ('{"postCreateCommand": ["pip", "install", "-e", ".[dev, test]"]}', (VENV, f"{PIP} -e '.[dev, test]'")),
        (
            '{"postCreateCommand": {"b": "npm ci", "a": ["make", "deps"]}, "onCreateCommand": "pip install x"}',
            (VENV, f"{PIP} x", "npm ci --no-audit --no-fund", "make deps"),
        ),
        (
            '// why\n{\n  /* "postCreateCommand": "a", */\n  "name": "//b", // c\n  "updateContentCommand": "yarn"\n,}',
            ("yarn",),
        ),
        (
            '{"postCreateCommand": "sudo apt-get update && sudo apt-get install -y x && pip install -e ."}',
            (VENV, f"{PIP} -e ."),
        ),
        ('{"onCreateCommand": ".devcontainer/create.sh"}', (VENV, f"{PIP} -e .")),
        ('{"onCreateCommand": "bash .devcontainer/create.sh"}', (VENV, f"{PIP} -e .")),
        ('{"image": "x"}', ()),
        ("[]", ()),
        ('{"postCreateCommand": [1, {"a": "b"}]}', ()),
    ],
)
def test_devcontainers(text: str, lines: tuple[str, ...]) -> None:
    script = "#!/bin/bash\nset -e\npython3 -m venv .venv\n. .venv/bin/activate\npip install -e .\npre-commit install\n"
    assert setup(".devcontainer/devcontainer.json", text, {".devcontainer/create.sh": script}) == lines


def test_what_a_devcontainer_needs_root_for_is_said() -> None:
    (found,) = devcontainer.setups(
        files({".devcontainer.json": '{"postCreateCommand": "sudo apt install x && npm ci"}'}), TOOLS
    )
    assert not isinstance(found, Skipped)
    assert (found[0].complete, found[0].reasons) == (False, ("The system packages `x` need root.",))


def test_gitpod() -> None:
    text = "tasks:\n  - before: make deps\n    init: npm install\n    command: npm start\n  - init: npm run build\n"
    assert setup(".gitpod.yml", text) == (
        "make deps",
        "npm install --no-package-lock --no-audit --no-fund",
        "npm run build",
    )
    assert setup(".gitpod.yml", "tasks: [a, {init: [b]}]") == ()


def test_devcontainers_that_cannot_be_read_are_skipped() -> None:
    broken = {
        ".devcontainer/devcontainer.json": "{",
        ".devcontainer/a/devcontainer.json": "[" * 50_000,
        ".gitpod.yml": "\t",
    }
    assert devcontainer.setups(files(broken), TOOLS) == [
        Skipped(".devcontainer/devcontainer.json", "It is not valid JSON."),
        Skipped(".devcontainer/a/devcontainer.json", "It is not valid JSON."),
        Skipped(".gitpod.yml", "It is not valid YAML at line 1."),
    ]


@pytest.mark.parametrize(
    "text",
    ["/*" * 30_000, '"' + '\\"' * 30_000, "//" * 30_000, ",   " * 15_000, '"\\' * 30_000],
    ids=["comments", "escapes", "slashes", "commas", "strings"],
)
def test_comments_that_never_end_are_read_once(text: str) -> None:
    """Quadratic reading of any of these would take minutes, not the test's time."""
    assert devcontainer.setups(files({".devcontainer.json": text}), TOOLS) == [
        Skipped(".devcontainer.json", "It is not valid JSON.")
    ]


def told(path: str, text: str) -> list[Recipe]:
    return [recipe for recipe, _ in documents.recipes(files({path: text, "dev.txt": ""}), TOOLS)]


CACHETOOLS_LIKE = """
# Guide

### Testing
```bash
pytest                # Run all tests
pytest --cov=x        # With coverage
tox                   # All environments
pytest tests/test_a.py::test_b
```
"""

ANYIO_LIKE = """
- **Install the project**: `pip install --group test -e .`.
- **Run tests**: `pytest` (runs from the `tests/` directory).
- **Linting**: run `pre-commit run -a`.
"""

CONTRIBUTING = """
Fork it, then:

```console
$ git clone https://example.invalid/x
$ cd project
$ python -m venv .venv
$ source .venv/bin/activate
$ pip install -r dev.txt
installing ...
$ npm ci
```

Then run the tests:

    $ npm test

Or one of them with `npm test -- <name>`.

```python
import pytest
```
"""

RST = """
Testing
=======

Install with ``pip install -e .`` and run::

    $ python -m pytest -k one
    $ python -m pytest
"""


@pytest.mark.parametrize(
    ("path", "text", "lines", "test"),
    [
        (".github/copilot-instructions.md", CACHETOOLS_LIKE, (VENV,), "pytest"),
        ("AGENTS.md", ANYIO_LIKE, (VENV, f"{PIP} --group test -e ."), "pytest"),
        ("CONTRIBUTING.md", CONTRIBUTING, (VENV, f"{PIP} -r dev.txt", "npm ci --no-audit --no-fund"), "npm test"),
        ("CONTRIBUTING.rst", RST, (VENV, f"{PIP} -e ."), "python -m pytest"),
        (
            "README.md",
            "Use it: `pip install thing`. Develop: `pip install -e .`, `pytest`.",
            (VENV, f"{PIP} -e ."),
            "pytest",
        ),
        ("readme.md", "```sh\nmake deps\nmake test\n```", (), "make test"),
    ],
)
def test_documents(path: str, text: str, lines: tuple[str, ...], test: str) -> None:
    (recipe,) = told(path, text)
    assert (recipe.setup, recipe.tests) == (lines, (test,))


@pytest.mark.parametrize(
    "text",
    ["", "Run the tests.", "`pytest <file>`", "`tox`", "```python\npytest\n```", "`sudo apt install x`", "`npm start`"],
)
def test_documents_that_do_not_say_how_to_test(text: str) -> None:
    assert told("CONTRIBUTING.md", text) == []


def test_what_is_written_for_agents_comes_first() -> None:
    texts = {"README.md": "`npm test`", "contributing.md": "`pytest`", "AGENTS.md": "`make test`"}
    found = [path for _, path in documents.recipes(files(texts), TOOLS)]
    assert found == ["AGENTS.md", "contributing.md", "README.md"]


VALUES = st.recursive(
    st.none() | st.sampled_from(["npm ci", "a && b", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["postCreateCommand", "onCreateCommand", "tasks", "init"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(VALUES, st.text(alphabet=st.sampled_from('{}[]",:/*\\ \n`$#-a'), max_size=80))
def test_no_file_makes_it_raise(value: object, text: str) -> None:
    for written in (json.dumps(value), text):
        texts = {
            ".devcontainer.json": written,
            ".gitpod.yml": written,
            "AGENTS.md": written,
            "CONTRIBUTING.rst": written,
        }
        devcontainer.setups(files(texts), TOOLS)
        list(documents.recipes(files(texts), TOOLS))
