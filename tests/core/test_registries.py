"""What package managers say about their registries, and what is taken of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.environment.hints import OFFLINE_HINTS, SETUP_HINTS
from bot.core.environment.package_managers import (
    read_cargo,
    read_gem,
    read_go,
    read_maven,
    read_npm,
    read_python,
    read_yarn,
    tools,
    with_downloads,
)
from bot.core.environment.registries import (
    MAX_HOSTS,
    Address,
    Registries,
    SetUpNetwork,
    Told,
    addresses,
    network,
    read_address,
    wrong_hosts,
)

FOUND = Registries((Told("a", ("a.test", "b.test")), Told("b", ("b.test",), {"X": "https://b.test/"})))


@pytest.mark.parametrize(
    ("words", "hosts", "environment"),
    [
        (("auto",), ("a.test", "b.test"), {"X": "https://b.test/"}),
        (("auto", "python=extra.test"), ("a.test", "b.test", "python=extra.test"), {"X": "https://b.test/"}),
        (("own.test", "*.own.test"), ("own.test", "*.own.test"), {}),
        (("none",), (), OFFLINE_HINTS),
        ((), (), OFFLINE_HINTS),
    ],
)
def test_what_setup_hosts_means(words: tuple[str, ...], hosts: tuple[str, ...], environment: dict[str, str]) -> None:
    assert network(words, FOUND) == SetUpNetwork(hosts, {**SETUP_HINTS, **environment})


@pytest.mark.parametrize(
    ("words", "is_wrong"),
    [
        (("auto",), False),
        (("auto", "node=extra.test"), False),
        (("none",), False),
        (("none", "auto"), True),
        (("none", "own.test"), True),
        (("python=auto",), True),
        (("python=none", "own.test"), True),
    ],
)
def test_words_that_contradict_each_other(words: tuple[str, ...], is_wrong: bool) -> None:
    assert (wrong_hosts(words) is not None) == is_wrong


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://index.test/simple", Address("index.test", "https://index.test/simple")),
        ("http://Index.TEST./", Address("index.test", "http://index.test/")),
        ("https://index.test:443/a", Address("index.test", "https://index.test/a")),
        ("http://nexus:8081/repository/npm/", Address("nexus:8081", "http://nexus:8081/repository/npm/")),
        ("https://ann:secret@index.test/simple", Address("index.test", "https://index.test/simple")),
        ("https://index.test/simple?token=secret#secret", Address("index.test", "https://index.test/simple")),
        ("https://index.test/a1b2c3d4e5f6a7b8/simple", Address("index.test", "")),
        ("https://index.test/$TOKEN/simple", Address("index.test", "")),
        ("https://index.test/%61/simple", Address("index.test", "")),
        ("https://10.0.0.5/simple", None),
        ("https://[::1]/simple", None),
        ("https://2130706433/simple", None),
        ("https://index.1/", None),
        ("https://*.test/simple", None),
        ("https://-index.test/", None),
        (f"https://{'a' * 64}.test/", None),
        (f"https://{'a.' * 130}test/", None),
        ("https://ındex.test/", None),
        ("https://index.test:99999/", None),
        ("file:///opt/simple", None),
        ("ssh://index.test/", None),
        ("https://", None),
        ("https://[", None),
        ("", None),
    ],
)
def test_addresses(text: str, address: Address | None) -> None:
    assert read_address(text) == address


BUILT_IN = "https://index.test https://files.test\n"
UV = "error: Failed to fetch: https://index.test/simple/pip/\n  cause: error sending request for url (https://index.test/simple/pip/)\n"
UV_OWN = UV.replace("https://index.test", "https://uv.corp.test")
PIP_OWN = "global.index-url='https://user:secret@pip.corp.test/simple'\n"
MIRROR = {"PIP_INDEX_URL", "UV_DEFAULT_INDEX", "PIPENV_PYPI_MIRROR", "PDM_PYPI_URL"}


def test_python_without_a_mirror() -> None:
    """Files are elsewhere, and nothing is told to the tools in the sandbox, because they know."""
    assert read_python(("global.timeout='60'\n", BUILT_IN, UV, UV)) == Told("pip and uv", ("index.test", "files.test"))


def test_python_where_only_uv_is_there() -> None:
    told = read_python(("", "", UV, UV))
    assert (told.hosts, told.environment) == (("index.test",), {})
    assert told.problem == "pip is not there to say where files come from"


def test_a_mirror_of_pip_is_used_by_all_and_nothing_else_is() -> None:
    told = read_python((PIP_OWN, BUILT_IN, UV, UV))
    assert told.hosts == ("pip.corp.test",)
    assert told.environment == dict.fromkeys(MIRROR, "https://pip.corp.test/simple")


def test_a_mirror_of_uv_is_used_by_all() -> None:
    told = read_python(("", BUILT_IN, UV_OWN, UV))
    assert told.hosts == ("uv.corp.test",)
    assert told.environment == dict.fromkeys(MIRROR, "https://uv.corp.test/simple/")


def test_a_mirror_each() -> None:
    told = read_python((PIP_OWN, BUILT_IN, UV_OWN, UV))
    assert told.hosts == ("pip.corp.test", "uv.corp.test")
    assert told.environment["PIP_INDEX_URL"] == "https://pip.corp.test/simple"
    assert told.environment["UV_DEFAULT_INDEX"] == "https://uv.corp.test/simple/"


def test_which_of_pips_settings_wins() -> None:
    """The environment over the command's section, that one over the global one, in whatever order they are printed."""
    lines = [
        ":env:.index-url='https://env.test/simple'",
        "global.index-url='https://global.test/simple'",
        "install.index-url='https://install.test/simple'",
        "download.index-url='https://download.test/simple'",
    ]
    for config, host in ((lines, "env.test"), (lines[1:], "install.test"), (lines[1:2], "global.test")):
        assert read_python(("\n".join(config), BUILT_IN, UV, UV)).hosts == (host,)


def test_more_indexes_of_pip() -> None:
    config = (
        "global.extra-index-url='\\nhttps://me:secret@one.test/simple\\nhttp://two.test:8080/simple file:///opt/simple'\n"
        "global.trusted-host='one.test'\n"
    )
    told = read_python((config, BUILT_IN, UV, UV))
    assert told.hosts == ("index.test", "files.test", "one.test", "two.test:8080")
    more = "https://one.test/simple http://two.test:8080/simple"
    trusted = "one.test two.test:8080"
    assert told.environment == {"PIP_EXTRA_INDEX_URL": more, "UV_INDEX": more, "PIP_TRUSTED_HOST": trusted}


def test_a_mirror_with_a_token_in_its_path() -> None:
    told = read_python(("global.index-url='https://corp.test/a1b2c3d4e5f6a7b8c9/simple'", BUILT_IN, UV, UV))
    assert (told.hosts, told.environment) == (("corp.test",), {})
    assert "token" in told.problem
    assert "a1b2" not in told.problem


@pytest.mark.parametrize(
    ("registry", "hosts", "url"),
    [
        ("https://npm.test/\n", ("npm.test", "node.test"), None),
        ("npm warn config a\nhttps://npm.test/\n", ("npm.test", "node.test"), None),
        ("https://t:secret@corp.test/npm/\n", ("corp.test", "node.test"), "https://corp.test/npm/"),
        ("undefined\n", (), None),
    ],
)
def test_npm(registry: str, hosts: tuple[str, ...], url: str | None) -> None:
    told = read_npm((registry, "https://npm.test/\n", "https://node.test/v20/headers.tar.gz\n"))
    assert told.hosts == hosts
    assert told.environment.get("npm_config_registry") == url
    assert told.environment.get("YARN_NPM_REGISTRY_SERVER") == url


COREPACK = (
    "/usr/lib/corepack.cjs:22089\n    throw new Error(\n\nError: Error when performing the request to "
    "https://yarn.test/yarn/-/yarn-1.22.22.tgz; for troubleshooting help, see https://help.test/corepack#troubleshooting\n"
)


def test_yarn_or_corepack_in_its_place() -> None:
    assert read_yarn(("", "", COREPACK, "")).hosts == ("yarn.test",)
    assert read_yarn(("https://classic.test\n", "Usage Error: see https://help.test/\n", "", "")).hosts == (
        "classic.test",
    )


GO = "https://go.test,direct\nsum.test\n"


@pytest.mark.parametrize(
    ("said", "hosts", "environment"),
    [
        (GO, ("go.test", "sum.test"), {}),
        ("https://u:p@corp.test/go|https://go.test,direct\nsum.test\n", ("corp.test", "go.test", "sum.test"),
         {"GOPROXY": "https://corp.test/go,https://go.test,direct"}),
        ("https://corp.test\noff\n", ("corp.test",), {"GOPROXY": "https://corp.test", "GOSUMDB": "off"}),
        ("https://go.test,direct\nsum.test+abc https://sums.corp.test\n", ("go.test", "sums.corp.test"),
         {"GOSUMDB": "sum.test+abc https://sums.corp.test"}),
        ("off\noff\n", (), {"GOPROXY": "off", "GOSUMDB": "off"}),
        ("file:///opt/go\nsum.test\n", ("sum.test",), {}),
        ("rubbish", (), {}),
    ],
)  # fmt: skip
def test_go(said: str, hosts: tuple[str, ...], environment: dict[str, str]) -> None:
    told = read_go((said, GO))
    assert (told.hosts, told.environment) == (hosts, environment)


CARGO = "Caused by:\n  failed to download from `https://index.test/config.json`\n\nCaused by:\n  [7] Could not connect"


@pytest.mark.parametrize(
    ("config", "hosts"),
    [
        ('{"dl": "https://crates.test/crates", "api": "https://api.test"}', ("index.test", "crates.test")),
        ('{"dl": "https://crates.test/{crate}/{version}/download"}', ("index.test", "crates.test")),
        ('{"dl": "https://{prefix}.test/"}', ("index.test",)),
        ("<html>", ("index.test",)),
        ("", ("index.test",)),
    ],
)
def test_cargo(config: str, hosts: tuple[str, ...]) -> None:
    told = with_downloads(read_cargo((CARGO,)), config)
    assert told.hosts == hosts
    assert bool(told.problem) == (len(hosts) == 1)


def test_gem() -> None:
    sources = "*** CURRENT SOURCES ***\n\nhttps://gems.test/\n"
    usual = "https://gems.test/\nhttps://index.gems.test/info/\n"
    assert read_gem((sources, usual)) == Told("gem", ("gems.test", "index.gems.test"))
    mirrored = read_gem((sources.replace("gems.test", "u:p@corp.test"), usual))
    assert mirrored == Told("gem", ("corp.test",), {"BUNDLE_MIRROR__ALL": "https://corp.test/"})


SUPER_POM = """<project xmlns="http://maven.test/POM"><repositories><repository><id>central</id>
<url>https://central.test/maven2</url></repository></repositories></project>"""


@pytest.mark.parametrize(
    ("of", "hosts"),
    [
        ("*", ("corp.test",)),
        ("central", ("corp.test",)),
        ("external:*,!internal", ("corp.test",)),
        ("other", ("central.test",)),
        ("!central", ("central.test",)),
    ],
)
def test_maven(of: str, hosts: tuple[str, ...]) -> None:
    mirror = f"<mirror><mirrorOf>{of}</mirrorOf><url>https://u:secret@corp.test/maven</url></mirror>"
    settings = (
        f"<settings><servers><server><password>x</password></server></servers><mirrors>{mirror}</mirrors></settings>"
    )
    told = read_maven(SUPER_POM, (settings, ""))
    assert told.hosts == hosts
    assert "secret" not in repr(told)


HOST = re.compile(r"[a-z0-9.-]{1,253}(:\d{1,5})?")
ANSWER = st.one_of(
    st.text(max_size=200),
    st.sampled_from([BUILT_IN, UV, UV_OWN, PIP_OWN, COREPACK, GO, CARGO, SUPER_POM, "https://a:b@c.test/d\n" * 50]),
)


@given(st.lists(ANSWER, min_size=4, max_size=4))
def test_whatever_a_tool_prints_is_read(said: list[str]) -> None:
    for tool in tools("/python", "/uv", "http://127.0.0.1:1"):
        told = tool.read(said[: len(tool.questions)])
        assert len(told.hosts) <= MAX_HOSTS
        assert all(HOST.fullmatch(host) for host in told.hosts)
        for value in told.environment.values():
            assert not re.search(r"://[^/\s]*@", value)
    assert all(HOST.fullmatch(host) for host in read_maven(said[0], said[1:]).hosts)


def test_much_of_it_is_no_work() -> None:
    """Bounded, and not quadratic: a tool that prints a megabyte is read within the time of the test."""
    many = "https://" * 200_000 + " " + "".join(f"https://h{number}.test/ " for number in range(50_000))
    assert len(addresses(many)) < 10_000
    for tool in tools("/python", "/uv", "http://127.0.0.1:1"):
        assert len(tool.read([many] * len(tool.questions)).hosts) <= MAX_HOSTS
