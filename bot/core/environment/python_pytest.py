"""What pytest's own configuration and the texts of tests ask for: plugins, and modules that nothing else names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.core.environment.files import Files, table
from bot.core.environment.python_needs import requirement

_MOST_TEXT = 300_000  # characters of all tests together
_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


@dataclass(frozen=True, slots=True)
class PytestConfig:
    """`source`: the file it is from, empty where there is none."""

    source: str
    options: Mapping[str, str]

    @property
    def addopts(self) -> str:
        return self.options.get("addopts", "")


def ini(text: str) -> Mapping[str, Mapping[str, str]]:
    """The sections of an INI file as tox and pytest read it. Lines that are none of it are passed over."""
    sections: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    value: list[str] = []
    for line in text.splitlines():
        content = line.strip()
        if content.startswith(("#", ";")):
            continue
        if line[:1].isspace() or not content:
            value.append(content)
        elif content.startswith("[") and "]" in content:
            section, value = sections.setdefault(content[1 : content.rindex("]")], {}), []
        elif match := _KEY.match(content):
            value = [content[match.end() :]]
            section[match[1]] = value
        else:
            value = []
    return {name: {key: "\n".join(lines).strip() for key, lines in keys.items()} for name, keys in sections.items()}


_KEY = re.compile(r"([^\s=:\[][^=:]{0,100}?)\s*[=:]\s*")


def pytest_config(files: Files) -> PytestConfig:
    """From the file that pytest itself would take: the first in its order that has a section for it."""
    for path in _FILES:
        options = _options(files, path) if path in files else None
        if options is not None:
            return PytestConfig(path, {key: _as_line(value) for key, value in options.items()})
    return PytestConfig("", {})


def _options(files: Files, path: str) -> Mapping[str, object] | None:
    if path.endswith(("pytest.toml", "pytest.ini")):
        return table(files.toml(path), "pytest") if path.endswith("toml") else ini(files.text(path)).get("pytest", {})
    if path == "pyproject.toml":
        tool = table(files.toml(path), "tool")
        if "pytest" not in tool:
            return None
        return table(tool, "pytest", "ini_options") or table(tool, "pytest")
    return ini(files.text(path)).get("pytest" if path == "tox.ini" else "tool:pytest")


def _as_line(value: object) -> str:
    return " ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def plugins(config: PytestConfig, tests: Iterable[str]) -> list[str]:
    """Distributions that `addopts`, other options and the texts of `tests` ask for."""
    found = [plugin for pattern, plugin in _ADDOPTS.items() if re.search(rf"(^|\s){pattern}", config.addopts)]
    found += [_NAMED.get(name, "") for name in re.findall(r"(?:^|\s)-p[ =]?(\w+)", config.addopts)]
    found += [plugin for option, plugin in _OPTIONS.items() if option in config.options]
    required = re.findall(r"[\w.-]+(?:\s*[<>=!~]=?=?\s*[\w.,]+)*", config.options.get("required_plugins", ""))
    found += [plugin for text in required if (plugin := requirement(text))]
    texts = "\n".join(tests)[:_MOST_TEXT]
    found += [plugin for pattern, plugin in _USED.items() if re.search(pattern, texts)]
    return [plugin for plugin in dict.fromkeys(found) if plugin]


_ADDOPTS = {
    r"--(no-)?cov\b": "pytest-cov",
    r"(-n\s*[\d a]|--numprocesses|--dist\b|--maxprocesses)": "pytest-xdist",
    r"--(session-)?timeout\b": "pytest-timeout",
    r"--benchmark": "pytest-benchmark",
    r"--asyncio-mode": "pytest-asyncio",
    r"--reruns": "pytest-rerunfailures",
    r"--randomly": "pytest-randomly",
    r"--random-order": "pytest-random-order",
    r"--(ds|dc|reuse-db|create-db|(no-?)?migrations|fail-on-template-vars)\b": "pytest-django",
    r"--doctest-(plus|rst|ufunc|only)": "pytest-doctestplus",
    r"--remote-data": "pytest-remotedata",
    r"--mypy": "pytest-mypy",
    r"--flake8": "pytest-flake8",
    r"--ruff": "pytest-ruff",
    r"--black": "pytest-black",
    r"--isort": "pytest-isort",
    r"--pylint": "pytest-pylint",
    r"--pycodestyle": "pytest-pycodestyle",
    r"--pydocstyle": "pytest-pydocstyle",
    r"--(self-contained-)?html\b": "pytest-html",
    r"--nbval": "nbval",
    r"--nbmake": "nbmake",
    r"--snapshot": "syrupy",
    r"--mpl": "pytest-mpl",
    r"--(block-network|record-mode|disable-recording)": "pytest-recording",
    r"--vcr-record": "pytest-vcr",
    r"--(disable-socket|allow-hosts|allow-unix-socket)": "pytest-socket",
    r"--codspeed": "pytest-codspeed",
    r"--count\b": "pytest-repeat",
    r"--memray": "pytest-memray",
    r"--parallel-threads": "pytest-run-parallel",
    r"--instafail": "pytest-instafail",
    r"--json-report": "pytest-json-report",
    r"--forked": "pytest-forked",
    r"--alluredir": "allure-pytest",
    r"--inline-snapshot": "inline-snapshot",
    r"--typeguard-packages": "typeguard",
    r"--beartype-packages": "pytest-beartype",
    r"--hypothesis": "hypothesis",
    r"--(splits|durations-path)\b": "pytest-split",
    r"--(xdoctest|xdoc)\b": "xdoctest",
    r"--order-": "pytest-order",
    r"--flakes": "pytest-flakes",
    r"--picked": "pytest-picked",
    r"--markdown-docs": "pytest-markdown-docs",
    r"--emoji": "pytest-emoji",
    r"--spec\b": "pytest-spec",
    r"--tap-": "pytest-tap",
}

_NAMED = {  # `-p name`: the name under which a plugin can be loaded
    "xdist": "pytest-xdist",
    "pytest_cov": "pytest-cov",
    "pytest_mock": "pytest-mock",
    "timeout": "pytest-timeout",
    "pytest_timeout": "pytest-timeout",
    "pytest_asyncio": "pytest-asyncio",
    "randomly": "pytest-randomly",
    "pytest_randomly": "pytest-randomly",
    "pytest_benchmark": "pytest-benchmark",
    "pytest_django": "pytest-django",
    "pytest_twisted": "pytest-twisted",
    "pytest_trio": "pytest-trio",
    "pytest_aiohttp": "pytest-aiohttp",
    "anyio": "anyio",
    "trio": "pytest-trio",
    "hypothesispytest": "hypothesis",
    "xdoctest": "xdoctest",
    "sugar": "pytest-sugar",
    "rerunfailures": "pytest-rerunfailures",
    "syrupy": "syrupy",
}

_OPTIONS = {
    "asyncio_mode": "pytest-asyncio",
    "asyncio_default_fixture_loop_scope": "pytest-asyncio",
    "timeout": "pytest-timeout",
    "timeout_method": "pytest-timeout",
    "timeout_func_only": "pytest-timeout",
    "session_timeout": "pytest-timeout",
    "DJANGO_SETTINGS_MODULE": "pytest-django",
    "django_find_project": "pytest-django",
    "django_debug_mode": "pytest-django",
    "env": "pytest-env",
    "env_files": "pytest-dotenv",
    "env_override_existing_values": "pytest-dotenv",
    "anyio_mode": "anyio",
    "trio_mode": "pytest-trio",
    "mock_use_standalone_module": "pytest-mock",
    "mock_traceback_monkeypatch": "pytest-mock",
    "doctest_plus": "pytest-doctestplus",
    "doctest_norecursedirs": "pytest-doctestplus",
    "text_file_format": "pytest-doctestplus",
    "remote_data_strict": "pytest-remotedata",
    "qt_api": "pytest-qt",
    "xvfb_width": "pytest-xvfb",
    "bdd_features_base_dir": "pytest-bdd",
    "looponfailroots": "pytest-xdist",
    "mpl-results-path": "pytest-mpl",
    "flake8-max-line-length": "pytest-flake8",
    "markers_presence": "pytest-markers-presence",
    "typeguard-packages": "typeguard",
    "retries": "pytest-retry",
    "typing_checkers": "pytest-typing",
}

_USED = {  # marks, and fixtures among the arguments of a test
    r"\bmark\.asyncio\b": "pytest-asyncio",
    r"\bmark\.django_db\b": "pytest-django",
    r"\bmark\.timeout\b": "pytest-timeout",
    r"\bmark\.flaky\b": "pytest-rerunfailures",
    r"\bmark\.trio\b": "pytest-trio",
    r"\bmark\.(vcr|block_network)\b": "pytest-recording",
    r"\bmark\.freeze_time\b": "pytest-freezer",
    **{
        rf"\bdef test\w*\([^)]{{0,200}}\b{fixture}\b": plugin
        for fixture, plugin in {
            "mocker": "pytest-mock",
            "benchmark": "pytest-benchmark",
            "httpx_mock": "pytest-httpx",
            "requests_mock": "requests-mock",
            "aiohttp_client": "pytest-aiohttp",
            "httpserver": "pytest-httpserver",
            "httpbin": "pytest-httpbin",
            "(lazy_)?(shared_)?datadir": "pytest-datadir",
            "(data|file|num)_regression": "pytest-regressions",
            "faker": "faker",
            "qtbot": "pytest-qt",
            "fs": "pyfakefs",
            "freezer": "pytest-freezer",
            "snapshot": "syrupy",
        }.items()
    },
}
_BLOCK = re.compile(r"\"{3}.*?\"{3}|'{3}.*?'{3}", re.DOTALL)  # programs within programs
_IMPORTED = re.compile(r"^(?:from|import)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)


def imported(tests: Iterable[str], files: Files) -> list[str]:
    """Distributions of the modules that tests import and that are well known, but for the repository's own."""
    names = {name for text in tests for name in _IMPORTED.findall(_BLOCK.sub("", text))} & _DISTRIBUTIONS.keys()
    own = {part for path in files.paths for part in path.removesuffix(".py").split("/")} if names else set()
    return sorted({_DISTRIBUTIONS[name] for name in names - own})


_DISTRIBUTIONS = {
    "attr": "attrs",
    "attrs": "attrs",
    "aiohttp": "aiohttp",
    "aioresponses": "aioresponses",
    "anyio": "anyio",
    "asgiref": "asgiref",
    "bs4": "beautifulsoup4",
    "bottle": "bottle",
    "black": "black",
    "boto3": "boto3",
    "chardet": "chardet",
    "click": "click",
    "cloudpickle": "cloudpickle",
    "cryptography": "cryptography",
    "dateutil": "python-dateutil",
    "ddt": "ddt",
    "django": "django",
    "docutils": "docutils",
    "dotenv": "python-dotenv",
    "execnet": "execnet",
    "factory": "factory-boy",
    "faker": "faker",
    "fakeredis": "fakeredis",
    "fastapi": "fastapi",
    "flask": "flask",
    "freezegun": "freezegun",
    "hamcrest": "pyhamcrest",
    "httpretty": "httpretty",
    "httpx": "httpx",
    "hypothesis": "hypothesis",
    "jinja2": "jinja2",
    "jsonschema": "jsonschema",
    "lxml": "lxml",
    "matplotlib": "matplotlib",
    "mock": "mock",
    "moto": "moto",
    "mypy": "mypy",
    "msgpack": "msgpack",
    "networkx": "networkx",
    "nose": "pynose",
    "numpy": "numpy",
    "packaging": "packaging",
    "pandas": "pandas",
    "parameterized": "parameterized",
    "pexpect": "pexpect",
    "PIL": "pillow",
    "pkg_resources": "setuptools<81",
    "polib": "polib",
    "portend": "portend",
    "pretend": "pretend",
    "psutil": "psutil",
    "pydantic": "pydantic",
    "pyfakefs": "pyfakefs",
    "pylint": "pylint",
    "pygments": "pygments",
    "pyparsing": "pyparsing",
    "pytest_asyncio": "pytest-asyncio",
    "pytest_httpserver": "pytest-httpserver",
    "pytest_mock": "pytest-mock",
    "pytest_twisted": "pytest-twisted",
    "pytz": "pytz",
    "redis": "redis",
    "requests": "requests",
    "requests_mock": "requests-mock",
    "respx": "respx",
    "responses": "responses",
    "rich": "rich",
    "ruamel": "ruamel.yaml",
    "scipy": "scipy",
    "setuptools": "setuptools",
    "simplejson": "simplejson",
    "six": "six",
    "sklearn": "scikit-learn",
    "sortedcontainers": "sortedcontainers",
    "sqlalchemy": "sqlalchemy",
    "sphinx": "sphinx",
    "starlette": "starlette",
    "sybil": "sybil",
    "tabulate": "tabulate",
    "testfixtures": "testfixtures",
    "testtools": "testtools",
    "time_machine": "time-machine",
    "toml": "toml",
    "tomli": "tomli",
    "tomli_w": "tomli-w",
    "tomlkit": "tomlkit",
    "tornado": "tornado",
    "tqdm": "tqdm",
    "trio": "trio",
    "trustme": "trustme",
    "twisted": "twisted",
    "typeguard": "typeguard",
    "typing_extensions": "typing-extensions",
    "ujson": "ujson",
    "urllib3": "urllib3",
    "vcr": "vcrpy",
    "webtest": "webtest",
    "werkzeug": "werkzeug",
    "xmltodict": "xmltodict",
    "yaml": "pyyaml",
    "yarl": "yarl",
    "zope": "zope.interface",
}
