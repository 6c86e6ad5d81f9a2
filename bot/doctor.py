"""solvebot doctor: everything that can be checked before the first webhook, each with what to do about it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.markup import escape

from bot import app
from bot.core.commands import Misread
from bot.core.matrix import plan
from bot.core.model import RepoConfig, SolveOptions
from bot.engine import EngineError, check_sqlite
from bot.github.tokens import AppCredentials, AppIdentity
from bot.ports import SandboxUnusable, WorldError
from bot.settings import Settings, SettingsError
from bot.store.migrate import WrongSchema, migrate

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
    """Print every finding; 1 when one is bad."""
    findings = [finding async for finding in _findings(env)]
    for finding in findings:
        console.print(f"{finding.health.value} [bold]{finding.what}[/]: {escape(finding.found)}", highlight=False)
        if finding.remedy:
            console.print(f"    {finding.remedy}", highlight=False, markup=False)
    bad = sum(finding.health is Health.BAD for finding in findings)
    console.print("\nReady to serve." if not bad else f"\n{bad} to mend before `solvebot serve` can work.")
    return 1 if bad else 0


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
    checks: list[Callable[[Settings], Awaitable[Finding]]] = [
        _key, _secret, _github, _git, _database, _engine, _sandbox, _setup_network, _model_key, _line_up, _disk,
    ]  # fmt: skip
    for check in checks:
        yield await check(settings)


async def _key(settings: Settings) -> Finding:
    text = settings.private_key.reveal()
    if not text:
        return Finding(Health.BAD, "private key", "not set", "Generate one on the App's settings page.")
    try:
        await AppCredentials(AppIdentity(settings.app_id, text), app.SystemClock()).token()
    except (WorldError, ValueError):
        return Finding(Health.BAD, "private key", "cannot sign", "Download a new one from the App's settings page.")
    return Finding(Health.GOOD, "private key", "signs")


async def _secret(settings: Settings) -> Finding:
    if not settings.webhook_secrets:
        return Finding(
            Health.BAD, "webhook secret", "not set", "Use the same random text here and in the App's settings."
        )
    if min(len(secret.reveal()) for secret in settings.webhook_secrets) < 16:
        return Finding(Health.DOUBTFUL, "webhook secret", "short", "Use 32 random characters or more.")
    return Finding(Health.GOOD, "webhook secret", f"{len(settings.webhook_secrets)} in use")


async def _github(settings: Settings) -> Finding:
    """One question answers three: can GitHub be reached, does it know us, and do our clocks agree."""
    headers = {"Accept": "application/vnd.github+json"}
    if settings.app_id and settings.private_key.reveal():
        try:
            identity = AppIdentity(settings.app_id, settings.private_key.reveal())
            token = await AppCredentials(identity, app.SystemClock()).token()
            headers["Authorization"] = f"Bearer {token.value}"
        except (WorldError, ValueError):
            pass  # the key has a finding of its own
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ASK_SECONDS)) as session,
            session.get(f"{settings.api_url.rstrip('/')}/app", headers=headers) as answer,
        ):
            date, status = answer.headers.get("Date"), answer.status
            slug = (await answer.json()).get("slug", "") if status == 200 else ""
    except (aiohttp.ClientError, TimeoutError) as error:
        reason = type(error).__name__
        return Finding(
            Health.DOUBTFUL, "GitHub", f"{settings.api_url} did not answer ({reason})", "Is there a network?"
        )
    skew = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()) if date else 0.0
    if skew > MAX_SKEW:
        return Finding(Health.BAD, "clock", f"{skew:.0f} s away from GitHub's", "Let the system keep time (NTP).")
    if status != 200:
        return Finding(
            Health.BAD,
            "GitHub",
            f"does not know this App (HTTP {status})",
            "Check GITHUB_APP_ID, and that the key is the App's.",
        )
    return Finding(Health.GOOD, "GitHub", f"knows this App as {slug}; clocks agree")


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


async def _database(settings: Settings) -> Finding:
    settings.data.mkdir(parents=True, exist_ok=True)
    try:
        await asyncio.to_thread(migrate, settings.store_url)
    except (WorldError, WrongSchema) as error:
        return Finding(Health.BAD, "database", str(error), "Is DATABASE_URL right, and may we write to DATA_DIR?")
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
        await app.sandboxes(settings).check()
    except SandboxUnusable as error:
        return Finding(Health.BAD, "sandbox", str(error), error.remedy)
    return Finding(Health.GOOD, "sandbox", "bubblewrap isolates")


async def _setup_network(settings: Settings) -> Finding:
    if settings.setup_hosts:
        return Finding(Health.GOOD, "set-up", f"may reach {', '.join(settings.setup_hosts)}")
    return Finding(
        Health.DOUBTFUL,
        "set-up",
        "has no network",
        "Name your package registries in SETUP_HOSTS, if repositories need them.",
    )


async def _model_key(settings: Settings) -> Finding:
    key = settings.model_key.reveal()
    if not key:
        return Finding(Health.BAD, "model key", "not set", "Set MODEL_API_KEY.")
    if key != key.strip() or any(character.isspace() for character in key):
        return Finding(Health.BAD, "model key", "has white space in it", "Copy it again.")
    if settings.model_provider == "openrouter" and not key.startswith("sk-or-"):
        return Finding(Health.DOUBTFUL, "model key", "does not look like OpenRouter's", "Those start with sk-or-.")
    return Finding(Health.GOOD, "model key", "looks right")


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
    path: Path = settings.data
    free = shutil.disk_usage(path).free
    if free < LITTLE_DISK:
        return Finding(Health.DOUBTFUL, "disk", f"{free // 1024**3} GB free", f"Make room where {path} is.")
    return Finding(Health.GOOD, "disk", f"{free // 1024**3} GB free")
