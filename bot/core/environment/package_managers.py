"""Package managers: what they are asked about their registries, and how the answers are read.

One that prints its registry is asked for it; another is sent to fetch something through a proxy that is not there, and
says which address it could not reach. None is asked in a directory that holds anything of a repository. What can be
asked twice, with the operator's configuration and without any, tells whether there is a mirror.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError, fromstring

from bot.core.environment.registries import MAX_ANSWER, Address, Told, addresses, hosts_of, read_address

WANTED = "pip"  # a package that is asked for, and never got


@dataclass(frozen=True, slots=True)
class Question:
    """A command, what differs in its environment (None: not there), and files in the directory where it is asked."""

    words: tuple[str, ...]
    env: Mapping[str, str | None] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


Read = Callable[[Sequence[str]], Told]  # the answers, "" for a program that is not there or did not answer


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    questions: tuple[Question, ...]
    read: Read


def tools(python: str, uv: str, nowhere: str) -> tuple[Tool, ...]:
    """Whom to ask. `python`, `uv`: programs; `nowhere`: the address of a proxy that does not answer."""
    blind: dict[str, str | None] = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), nowhere)
    blind |= dict.fromkeys(("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"))
    return (
        Tool("pip and uv", tuple(_python_questions(python, uv, blind)), read_python),
        Tool("npm", _NPM, read_npm),
        Tool("yarn", tuple(_yarn_questions(blind)), read_yarn),
        Tool("go", _GO, read_go),
        Tool("cargo", (_cargo_question(nowhere),), read_cargo),
        Tool("gem", _GEM, read_gem),
        Tool("deno", (_deno_question(blind),), lambda said: _plainly("deno", said)),
        Tool("composer", _COMPOSER, lambda said: _plainly("composer", said)),
        Tool("dotnet", _DOTNET, lambda said: _plainly("dotnet", said)),
    )


def _plainly(tool: str, said: Sequence[str]) -> Told:
    return Told(tool, hosts_of(addresses("\n".join(said))))


_PYPI = "from pip._internal.models.index import PyPI as i; print(f'https://{i.netloc} https://{i.file_storage_domain}')"


def _python_questions(python: str, uv: str, blind: Mapping[str, str | None]) -> Iterator[Question]:
    yield Question((python, "-m", "pip", "config", "list"))
    yield Question((python, "-c", _PYPI))
    ask = (uv, "pip", "compile", "wanted.in", "--no-cache", "--python", python, "--color", "never")
    env: dict[str, str | None] = {**blind, "UV_HTTP_RETRIES": "0", "UV_OFFLINE": None, "UV_PYTHON_DOWNLOADS": "never"}
    env |= {"UV_INDEX": None, "UV_EXTRA_INDEX_URL": None}  # which would be asked before the default one
    yield Question(ask, env, {"wanted.in": WANTED})
    without = {"UV_DEFAULT_INDEX": None, "UV_INDEX_URL": None, "UV_CONFIG_FILE": None}
    yield Question((*ask, "--no-config"), {**env, **without}, {"wanted.in": WANTED})


_QUIET_NPM = {"npm_config_logs_max": "0", "npm_config_update_notifier": "false"}
_OWN_PACKAGE = {"package.json": "{}"}  # the directory is the project, and none above it
_NPM = (
    Question(("npm", "config", "get", "registry"), _QUIET_NPM, _OWN_PACKAGE),
    Question(
        ("npm", "config", "get", "registry"),
        {
            **_QUIET_NPM,
            "npm_config_registry": None,
            "NPM_CONFIG_REGISTRY": None,
            "npm_config_userconfig": "user.rc",
            "npm_config_globalconfig": "global.rc",
        },
        _OWN_PACKAGE,
    ),
    Question(("node", "-p", "process.release.headersUrl"), {"NODE_OPTIONS": None}),
)


def _yarn_questions(blind: Mapping[str, str | None]) -> Iterator[Question]:
    """corepack fetches yarn from where yarn's lock files say that packages are, so it answers where yarn is missing.

    yarn itself may be corepack, too, which must not fetch anything now.
    """
    env = {**blind, "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0", "NODE_OPTIONS": None}
    yield Question(("yarn", "config", "get", "registry"), env, _OWN_PACKAGE)
    yield Question(("yarn", "config", "get", "npmRegistryServer"), env, _OWN_PACKAGE)
    for version in ("1.22.22", "4.5.0"):
        yield Question(("corepack", f"yarn@{version}", "--version"), {**env, "COREPACK_HOME": "corepack"}, _OWN_PACKAGE)


_GO = (
    Question(("go", "env", "GOPROXY", "GOSUMDB"), {"GOTOOLCHAIN": "local"}),
    Question(
        ("go", "env", "GOPROXY", "GOSUMDB"),
        {"GOTOOLCHAIN": "local", "GOENV": "off", "GOPROXY": None, "GOSUMDB": None},
    ),
)
_COMPOSER = (Question(("composer", "config", "--global", "repositories"), {"COMPOSER_ALLOW_SUPERUSER": "1"}),)
_DOTNET = (Question(("dotnet", "nuget", "list", "source", "--format", "short"), {"DOTNET_NOLOGO": "1"}),)


_CARGO_PACKAGE = f"""\
[package]
name = "asked"
version = "0.0.0"
[lib]
path = "lib.rs"
[workspace]
[dependencies]
{WANTED} = "1"
"""


def _cargo_question(nowhere: str) -> Question:
    env = {"CARGO_HTTP_PROXY": nowhere, "CARGO_NET_RETRY": "0", "CARGO_NET_OFFLINE": None, "CARGO_TERM_COLOR": "never"}
    return Question(("cargo", "fetch"), env, {"Cargo.toml": _CARGO_PACKAGE, "lib.rs": ""})


_GEM = (
    Question(("gem", "sources", "--list")),
    Question(("ruby", "-ruri", "-e", "puts Gem.default_sources; puts Gem::Resolver::APISet.new.dep_uri")),
)


def _deno_question(blind: Mapping[str, str | None]) -> Question:
    return Question(
        ("deno", "cache", "--no-lock", f"jsr:@{WANTED}/{WANTED}"), {**blind, "DENO_DIR": "deno", "NO_COLOR": "1"}
    )


# ------------------------------------------------------------------------------------------------------------- answers


def _first(text: str) -> Address | None:
    return next(iter(addresses(text)), None)


def _above(address: Address | None, name: str) -> Address | None:
    """Of a package's address in an index, the index's."""
    if address is None or not address.url:
        return address
    return Address(address.host, address.url.rstrip("/").removesuffix(name))


def read_python(said: Sequence[str]) -> Told:
    """`pip config list`, the addresses that pip has built in, and the addresses that uv tried with and without its
    configuration. A mirror that only one of the two is told of is used by both, and takes the place of the default."""
    config, built_in, uv, uv_default = said
    settings = dict(_pip_settings(config))
    pip_mirror = _first(settings.get("index-url", ""))
    asked, default = (_above(_first(text), WANTED) for text in (uv, uv_default))
    uv_mirror = asked if asked != default else None
    mirrors = [mirror for mirror in (pip_mirror or uv_mirror, uv_mirror or pip_mirror) if mirror is not None]
    extra = addresses(settings.get("extra-index-url", ""))
    own = addresses(built_in) + ((default,) if default else ())
    used = tuple(mirrors) or own
    environment = dict(_python_environment(mirrors, extra, settings.get("trusted-host", "")))
    problem = "" if mirrors or len(own) > 1 or not own else "pip is not there to say where files come from"
    return Told("pip and uv", hosts_of((*used, *extra)), environment, _unsaid(mirrors) or problem)


_PIP_SETTING = re.compile(r"^(global|install|:env:)\.(index-url|extra-index-url|trusted-host)='(.*)'$", re.MULTILINE)


def _pip_settings(config: str) -> Iterator[tuple[str, str]]:
    """In the order in which pip lets one win over another."""
    found = _PIP_SETTING.findall(config[:MAX_ANSWER])
    for section in ("global", "install", ":env:"):
        yield from ((key, value.replace("\\n", " ")) for where, key, value in found if where == section)


def _python_environment(
    mirrors: Sequence[Address], extra: Sequence[Address], trusted: str
) -> Iterator[tuple[str, str]]:
    """`mirrors`: pip's and uv's."""
    if mirrors and all(mirror.url for mirror in mirrors):
        yield from dict.fromkeys(("PIP_INDEX_URL", "PIPENV_PYPI_MIRROR", "PDM_PYPI_URL"), mirrors[0].url).items()
        yield "UV_DEFAULT_INDEX", mirrors[1].url
    if more := " ".join(address.url for address in extra if address.url):
        yield "PIP_EXTRA_INDEX_URL", more
        yield "UV_INDEX", more
    named = set(trusted.split())
    used = [address for address in (*mirrors, *extra) if address.url]
    if plain := " ".join(dict.fromkeys(a.host for a in used if a.url.startswith("http:") or a.host in named)):
        yield "PIP_TRUSTED_HOST", plain


def _unsaid(mirrors: Iterable[Address]) -> str:
    """Never with the address."""
    return (
        "its mirror's address may hold a token, so sandboxes are not told it" if any(not m.url for m in mirrors) else ""
    )


def read_npm(said: Sequence[str]) -> Told:
    """Its registry, the registry that it has when nothing is configured, and where node's headers are, which addons in
    C are built with."""
    registry, default, headers = (_first(text) for text in said)
    if registry is None:
        return Told("npm")
    hosts = hosts_of(address for address in (registry, headers) if address is not None)
    if default is None or registry == default:
        return Told("npm", hosts)
    names = ("npm_config_registry", "YARN_NPM_REGISTRY_SERVER", "BUN_CONFIG_REGISTRY", "COREPACK_NPM_REGISTRY")
    return Told("npm", hosts, dict.fromkeys(names, registry.url) if registry.url else {}, _unsaid([registry]))


def read_yarn(said: Sequence[str]) -> Told:
    """The hosts of what it prints, or of what corepack could not fetch; not those of pages that explain an error."""
    configured = "\n".join(line for text in said[:2] for line in text.splitlines() if line.startswith("http"))
    tried = "\n".join(line for text in said[2:] for line in text.splitlines() if "request to http" in line)
    first = [found[0] for line in tried.splitlines() if (found := addresses(line))]
    return Told("yarn", hosts_of((*addresses(configured), *first)))


def read_go(said: Sequence[str]) -> Told:
    """GOPROXY is a list; `direct`, `off` and files name no host. GOSUMDB is a host's name, or a name and an address."""
    (proxy, sums), (usual_proxy, usual_sums) = (_two_lines(text) for text in said)
    words = [(word, read_address(word)) for word in re.split(r"[,|]", proxy) if word]
    proxies = [address for _, address in words if address is not None]
    checked = [address for address in (_sum_database(sums),) if address is not None]
    environment: dict[str, str] = {}
    if proxy != usual_proxy and all(address.url for address in proxies):
        plain = [address.url if address else word for word, address in words if address or word in ("direct", "off")]
        environment |= {"GOPROXY": ",".join(plain)} if plain else {}
    if sums != usual_sums and (sums == "off" or checked) and "@" not in sums:
        environment["GOSUMDB"] = sums
    return Told("go", hosts_of((*proxies, *checked)), environment, _unsaid(proxies))


def _sum_database(said: str) -> Address | None:
    """`sum.example`, `sum.example+key` or `sum.example+key https://where.it.is`."""
    key, _, where = said.partition(" ")
    name = key.partition("+")[0]
    return read_address(where or f"https://{name}") if "." in name and "/" not in name else None


def _two_lines(text: str) -> tuple[str, str]:
    lines = [line.strip() for line in text[:MAX_ANSWER].splitlines()]
    return (lines[0], lines[1]) if len(lines) > 1 else ("", "")


def read_cargo(said: Sequence[str]) -> Told:
    """The index. Where packages are is written in it; see `cargo_index`."""
    index = cargo_index(said)
    return Told("cargo", hosts_of([index]) if index else ())


def cargo_index(said: Sequence[str]) -> Address | None:
    """The file that says where an index has its packages."""
    return next((address for address in addresses(said[0]) if address.url.endswith("/config.json")), None)


_DOWNLOADS = re.compile(r'"dl"\s*:\s*"([^"]{1,500})"')


def with_downloads(told: Told, config: str) -> Told:
    """`config`: what that file holds; "" when it could not be had."""
    match = _DOWNLOADS.search(config[:MAX_ANSWER])
    address = read_address(match[1].partition("{")[0]) if match else None
    if address is None:
        return Told(told.tool, told.hosts, told.environment, "its index did not say where packages are")
    return Told(told.tool, tuple(dict.fromkeys((*told.hosts, address.host))), told.environment)


def read_gem(said: Sequence[str]) -> Told:
    """Its sources, and what it has when nothing is configured: the same, and the index that belongs to them."""
    sources, usual = (addresses(text) for text in said)
    if not usual or set(sources) <= set(usual):
        return Told("gem", hosts_of((*sources, *usual)))
    environment = {"BUNDLE_MIRROR__ALL": sources[0].url} if sources[0].url else {}
    return Told("gem", hosts_of(sources), environment, _unsaid(sources[:1]))


# --------------------------------------------------------------------------------------------------------------- maven


def read_maven(super_pom: str, settings: Sequence[str]) -> Told:
    """The repository that every project begins with, or the mirror that the operator's settings put in its place."""
    mirrors = [address for text in settings for address in _maven_mirrors(text)]
    usual = [address for element in _elements(super_pom, "repository") for address in addresses(_child(element, "url"))]
    problem = (
        "name the mirror to Maven in a settings.xml of your toolchain: sandboxes are not told it" if mirrors else ""
    )
    return Told("maven", hosts_of(mirrors or usual), {}, problem)


def _maven_mirrors(settings: str) -> Iterator[Address]:
    for mirror in _elements(settings, "mirror"):
        if re.search(r"\*|\bcentral\b(?<!!central)", _child(mirror, "mirrorOf")):
            yield from addresses(_child(mirror, "url"))


def _elements(text: str, name: str) -> list[Element]:
    """Whatever the namespace; none of what is no XML."""
    try:
        root = fromstring(text[:MAX_ANSWER].encode())
    except ParseError:
        return []
    return [element for element in root.iter() if element.tag.rpartition("}")[2] == name]


def _child(element: Element, name: str) -> str:
    return next((child.text or "" for child in element if child.tag.rpartition("}")[2] == name), "")
