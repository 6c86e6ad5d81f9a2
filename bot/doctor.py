"""solvebot doctor: everything that can be checked before the first webhook, each with what to do about it."""

from __future__ import annotations

import asyncio
import errno
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from tempfile import NamedTemporaryFile

import aiohttp
import msgspec
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import ArgumentError

from bot import app
from bot.core.commands import Misread
from bot.core.matrix import plan
from bot.core.model import RepoConfig, SolveOptions
from bot.core.registries import Registries, is_auto, network
from bot.core.render import registries
from bot.engine import EngineError, check_sqlite
from bot.github.tokens import AppCredentials, AppIdentity
from bot.ports import Denied, SandboxUnusable, WorldError
from bot.registries import ask, this_host
from bot.settings import Settings, SettingsError
from bot.store.migrate import WrongSchema, migrate
from bot.store.store import opened
from bot.web.listening import OPERATORS, PUBLIC, CannotListen, Named, taken

ASK_SECONDS = 5.0
MAX_SKEW = 30.0  # seconds; GitHub refuses tokens from further ahead than 60
LITTLE_DISK = 5 * 1024**3


class Health(Enum):
    GOOD = "[green]✓[/]"
    DOUBTFUL = "[yellow]![/]"
    BAD = "[red]✗[/]"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, `found` what it is like, `remedy` what to do; "" when nothing."""

    health: Health
    what: str
    found: str
    remedy: str = ""


async def examine(env: Mapping[str, str], console: Console) -> int:
    """Print every finding as soon as it is there; 1 when one is bad."""
    bad = 0
    async for finding in _findings(env):
        _show(finding, console)
        bad += finding.health is Health.BAD
    console.print("\nReady to serve." if not bad else f"\n{bad} to mend before `solvebot serve` can work.")
    return 1 if bad else 0


def _show(finding: Finding, console: Console) -> None:
    """What no terminal will break into lines stays one line."""
    whole = not console.is_terminal
    line = f"{finding.health.value} [bold]{finding.what}[/]: {escape(finding.found)}"
    console.print(line, highlight=False, soft_wrap=whole)
    if finding.remedy:
        console.print(f"    {finding.remedy}", highlight=False, markup=False, soft_wrap=whole)


async def _findings(env: Mapping[str, str]) -> AsyncIterator[Finding]:
    try:
        settings = Settings.from_env(env, serving=True)
        yield Finding(Health.GOOD, "settings", "complete")
    except SettingsError as error:
        for problem in error.problems:
            yield Finding(Health.BAD, "settings", problem, "Set it in the environment or in .env; README lists all.")
        try:
            settings = Settings.from_env(env, serving=False)
        except SettingsError:
            return
    for check in _checks(settings):
        yield await check(settings)
    async for finding in _setup_network(settings):
        yield finding
    yield (directory := await _directory(settings))
    if directory.health is not Health.BAD:
        yield await _disk(settings)
        if "bubblewrap" in settings.sandbox:
            yield await _sandbox(settings)
        if "e2b" in settings.sandbox:
            async for finding in _e2b(settings):
                yield finding
        yield (database := await _database(settings))
        if database.health is not Health.BAD:
            yield await _line_up(settings)


def _checks(settings: Settings) -> Iterator[Callable[[Settings], Awaitable[Finding]]]:
    """Those that need nothing on the disk. What is missing has a finding already, under settings."""
    if settings.private_key.reveal():
        yield _key
    if settings.webhook_secrets:
        yield _secret
    yield _github
    if settings.model_key.reveal():
        yield _model_key
    yield from (_address, _metrics_address, _git, _engine)


async def _key(settings: Settings) -> Finding:
    try:
        await AppCredentials(AppIdentity(settings.app_id, settings.private_key.reveal()), app.SystemClock()).token()
    except (WorldError, ValueError):
        return Finding(Health.BAD, "private key", "cannot sign", "Download a new one from the App's settings page.")
    return Finding(Health.GOOD, "private key", "signs")


async def _secret(settings: Settings) -> Finding:
    if min(len(secret.reveal()) for secret in settings.webhook_secrets) < 16:
        return Finding(Health.DOUBTFUL, "webhook secret", "short", "Use 32 random characters or more.")
    return Finding(Health.GOOD, "webhook secret", f"{len(settings.webhook_secrets)} in use")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    date: str
    body: bytes


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "not in time"),
    (aiohttp.ClientConnectorDNSError, "nobody knows its name"),
    (aiohttp.ClientConnectorCertificateError, "its certificate cannot be trusted"),
    (aiohttp.ClientSSLError, "no TLS with it"),
    (aiohttp.ClientConnectorError, "no connection"),
)


async def _ask(setting: str, url: str, headers: Mapping[str, str]) -> _Answer | Finding:
    """`setting` is where the address comes from."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ASK_SECONDS)) as session,
            session.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            return _Answer(answer.status, answer.headers.get("Date", ""), await answer.read())
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
        return Finding(Health.BAD, setting, f"{url} is no address", "It begins with https:// and the name of a host.")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = next((words for kind, words in _REASONS if isinstance(error, kind)), type(error).__name__)
        return Finding(Health.DOUBTFUL, setting, f"{url} did not answer ({reason})", "Is there a network?")


class _App(msgspec.Struct):
    """What GitHub says about an App; the name that its comments bear."""

    slug: str


async def _github(settings: Settings) -> Finding:
    """One question answers three: can GitHub be reached, does it know us, and do our clocks agree."""
    identified = await _identification(settings)
    answer = await _ask("GITHUB_API_URL", f"{settings.api_url.rstrip('/')}/app", identified)
    if isinstance(answer, Finding):
        return answer
    skew = _skew(answer.date)
    if skew > MAX_SKEW:
        return Finding(Health.BAD, "clock", f"{skew:.0f} s away from GitHub's", "Let the system keep time (NTP).")
    if "Authorization" not in identified:
        return Finding(Health.GOOD, "GitHub", "answers, and our clocks agree")
    if answer.status != 200:
        remedy = "Check GITHUB_APP_ID, and that the key is the App's."
        return Finding(Health.BAD, "GitHub", f"does not know this App (HTTP {answer.status})", remedy)
    try:
        slug = msgspec.json.decode(answer.body, type=_App).slug
    except msgspec.DecodeError:
        remedy = "Check GITHUB_API_URL; for GitHub Enterprise it ends with /api/v3."
        return Finding(Health.BAD, "GitHub", f"{settings.api_url} does not answer as GitHub does", remedy)
    return Finding(Health.GOOD, "GitHub", f"knows this App as {slug}; clocks agree")


async def _identification(settings: Settings) -> dict[str, str]:
    """Without a token where id or key are missing or wrong: those have findings of their own."""
    headers = {"Accept": "application/vnd.github+json"}
    if settings.app_id and settings.private_key.reveal():
        with suppress(WorldError, ValueError):
            identity = AppIdentity(settings.app_id, settings.private_key.reveal())
            token = await AppCredentials(identity, app.SystemClock()).token()
            headers["Authorization"] = f"Bearer {token.value}"
    return headers


def _skew(date: str) -> float:
    """Seconds between our clock and an HTTP date; 0 where that is none."""
    try:
        return abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


async def _address(settings: Settings) -> Finding:
    return _free("address", settings.host, settings.port, PUBLIC)


async def _metrics_address(settings: Settings) -> Finding:
    return _free("metrics", settings.metrics_host, settings.own_metrics_port, OPERATORS)


def _free(what: str, host: str, port: int, named: Named) -> Finding:
    try:
        with taken(host, port, named):
            return Finding(Health.GOOD, what, f"{host}, port {port} is free")
    except CannotListen as error:
        in_use = getattr(error.__cause__, "errno", None) == errno.EADDRINUSE
        return Finding(Health.DOUBTFUL if in_use else Health.BAD, what, str(error), error.remedy)


async def _git(_settings: Settings) -> Finding:
    program = shutil.which("git")
    if program is None:
        return Finding(Health.BAD, "git", "not found", "Install git 2.38 or newer.")
    done = await asyncio.to_thread(subprocess.run, [program, "--version"], capture_output=True, text=True, check=False)
    version = done.stdout.split()[2] if done.returncode == 0 else "?"
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < (2, 38):
        return Finding(Health.BAD, "git", version, "Install git 2.38 or newer.")
    return Finding(Health.GOOD, "git", version)


async def _directory(settings: Settings) -> Finding:
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=settings.data):
            pass
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        where = settings.data.absolute()
        return Finding(Health.BAD, "DATA_DIR", f"{where}: {reason}", "Set it to a directory that we may write to.")
    return Finding(Health.GOOD, "DATA_DIR", str(settings.data.absolute()))


async def _database(settings: Settings) -> Finding:
    try:
        async with opened(settings.store_url) as store:
            await store.alive()  # which gives up after some seconds
        await asyncio.to_thread(migrate, settings.store_url)
    except (ValueError, ArgumentError):  # whose words may be half a password
        return Finding(Health.BAD, "database", "DATABASE_URL is no address", "postgresql://user:password@host/name")
    except (WorldError, WrongSchema) as error:
        remedy = "Is DATABASE_URL right?" if settings.database_url else "Is there another program's file in DATA_DIR?"
        return Finding(Health.BAD, "database", str(error).splitlines()[0], remedy)
    kind = "PostgreSQL" if settings.database_url.startswith("postgresql") else "SQLite"
    return Finding(Health.GOOD, "database", f"{kind}, up to date")


async def _engine(settings: Settings) -> Finding:
    if settings.engine_url.startswith("postgresql"):
        return Finding(Health.GOOD, "engine", "on PostgreSQL")
    try:
        return Finding(Health.GOOD, "engine", f"on SQLite {check_sqlite()}")
    except EngineError as error:
        return Finding(Health.BAD, "engine", f"SQLite {sqlite3.sqlite_version}", str(error))


async def _sandbox(settings: Settings) -> Finding:
    if settings.run_untrusted_code_without_isolation:
        return Finding(
            Health.DOUBTFUL,
            "sandbox",
            "switched off",
            "Unset RUN_UNTRUSTED_CODE_WITHOUT_ISOLATION on any machine that matters.",
        )
    try:
        await app.local_sandboxes(settings).check()
    except SandboxUnusable as error:
        return Finding(Health.BAD, "sandbox", str(error), error.remedy)
    return Finding(Health.GOOD, "sandbox", "bubblewrap isolates")


async def _e2b(settings: Settings) -> AsyncIterator[Finding]:
    """Does the service answer, and to our key? Asked once, without anything that asks again."""
    from bot.sandbox.e2b import E2BProvider  # as in app.py

    for options in app.e2b_options(settings, "doctor"):
        where = options.api_url or options.domain or "E2B"
        try:
            await E2BProvider(replace(options, request_timeout=ASK_SECONDS)).machines()
        except Denied:
            yield Finding(Health.BAD, "E2B", f"{where} refuses the key", "Make a new one there, and set E2B_API_KEY.")
        except WorldError as error:
            reason = type(error.__cause__ or error).__name__
            yield Finding(Health.DOUBTFUL, "E2B", f"{where} did not answer ({reason})", "Is there a network?")
        else:
            yield Finding(Health.GOOD, "E2B", f"{where} takes the key")


async def _setup_network(settings: Settings) -> AsyncIterator[Finding]:
    found = await ask(this_host()) if is_auto(settings.setup_hosts) else Registries()
    for finding in reach(settings.setup_hosts, found):
        yield finding


def reach(words: Sequence[str], found: Registries) -> Iterator[Finding]:
    """What set-up may reach; with `auto`, a line for each package manager of this machine."""
    for told in found.told:
        health = Health.DOUBTFUL if told.problem else Health.GOOD
        yield Finding(health, f"registries of {told.tool}", registries.found(told))
    if found.absent:
        yield Finding(Health.GOOD, "registries", registries.absent(found.absent))
    if hosts := network(words, found).hosts:
        yield Finding(Health.GOOD, "set-up", f"may reach {', '.join(hosts)}")
    elif is_auto(words):
        yield Finding(Health.DOUBTFUL, "set-up", registries.NOTHING_FOUND, registries.NAME_THEM)
    else:
        yield Finding(Health.DOUBTFUL, "set-up", "has no network", registries.OPEN_IT)


async def _model_key(settings: Settings) -> Finding:
    """Asked for what only a key gets. At OpenRouter the list of models is not that.

    https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key
    """
    key = settings.model_key.reveal()
    if any(character.isspace() for character in key):
        return Finding(Health.BAD, "model key", "has white space in it", "Copy it again.")
    at_openrouter = settings.model_provider == "openrouter"
    url = f"{settings.model_url.rstrip('/')}/{'key' if at_openrouter else 'models'}"
    answer = await _ask("MODEL_BASE_URL", url, {"Authorization": f"Bearer {key}"})
    if isinstance(answer, Finding):
        return answer
    if answer.status in (401, 403):
        remedy = "Make a new one there, and set MODEL_API_KEY." + (" It starts with sk-or-." if at_openrouter else "")
        return Finding(Health.BAD, "model key", f"{settings.model_url} refuses it (HTTP {answer.status})", remedy)
    if answer.status != 200:
        remedy = "Check MODEL_BASE_URL; it is the part before /chat/completions."
        return Finding(Health.DOUBTFUL, "model key", f"could not be tried ({url}: HTTP {answer.status})", remedy)
    return Finding(Health.GOOD, "model key", f"{settings.model_url} takes it")


async def _line_up(settings: Settings) -> Finding:
    """The default line-up can be planned: all known, active and priced, and of the provider that we have a key for."""
    async with app.the_store(settings) as store:
        catalogue = await store.models()
    planned = plan(SolveOptions(), RepoConfig(), catalogue, app.server_limits(settings))
    if isinstance(planned, Misread):
        return Finding(Health.BAD, "models", planned.what, planned.remedy)
    names = ", ".join(dict.fromkeys(experiment.model.name for experiment in planned.experiments))
    strangers = [e.model.name for e in planned.experiments if e.model.provider != settings.model_provider]
    if strangers:
        return Finding(
            Health.BAD,
            "models",
            f"{strangers[0]} is not of {settings.model_provider}",
            "Change MODELS or MODEL_PROVIDER.",
        )
    return Finding(Health.GOOD, "models", f"by default {names}")


async def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data).free
    if free < LITTLE_DISK:
        return Finding(Health.DOUBTFUL, "disk", f"{free // 1024**3} GB free", f"Make room where {settings.data} is.")
    return Finding(Health.GOOD, "disk", f"{free // 1024**3} GB free")
