"""What can be known before the first webhook without the network: the doctor asks, and so does every start.

No such check costs more than some tenths of a second. What is bad here cannot work, so nothing is begun with it; what
is doubtful may, so it is said.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from functools import partial
from tempfile import NamedTemporaryFile

import structlog
from sqlalchemy.exc import ArgumentError

from bot import adapters, assembly
from bot.clock import SYSTEM_CLOCK
from bot.core.choosing.experiments import plan
from bot.core.model import RepoConfig, SolveOptions
from bot.core.trigger.commands import Misread
from bot.engine import EngineError, check_sqlite
from bot.findings import Finding, Health, Unfit
from bot.github.git import neutral
from bot.github.tokens import AppCredentials, AppIdentity
from bot.ports import WorldError
from bot.settings import Settings
from bot.store.migrate import migrate
from bot.store.schema import WrongSchema
from bot.store.store import opened
from bot.web.receiving import LEAST_SECRET

MODEL_KEY = "model key"
DIRECTORY = "DATA_DIR"
LITTLE_DISK = 5 * 1024**3
_GIT_REMEDY = "Install git 2.38 or newer."

log = structlog.get_logger()


async def refuse_what_cannot_work(settings: Settings) -> None:
    """For a start. Raises `Unfit` with all that is bad; what is doubtful goes to the log."""
    bad = []
    async for finding in without_network(settings):
        if finding.health is Health.BAD:
            bad.append(finding)
        elif finding.health is Health.DOUBTFUL:
            log.warning("start.doubtful", what=finding.what, found=finding.found, remedy=finding.remedy)
    if bad:
        raise Unfit(bad)


async def without_network(settings: Settings) -> AsyncIterator[Finding]:
    """What is missing altogether has a finding already, under settings. The database counts as ours."""
    if settings.private_key.reveal():
        yield await _key(settings)
    if settings.webhook_secrets:
        yield _secret(settings)
    if any(character.isspace() for character in settings.model_key.reveal()):
        yield Finding(Health.BAD, MODEL_KEY, "has white space in it", "Copy it again.")
    yield await of_git(shutil.which("git"))
    yield _engine(settings)
    yield (directory := _directory(settings))
    if directory.health is not Health.BAD:
        yield _disk(settings)
        yield (database := await _database(settings))
        if database.health is not Health.BAD:
            yield await _line_up(settings)


async def _key(settings: Settings) -> Finding:
    try:
        await AppCredentials(AppIdentity(settings.app_id, settings.private_key.reveal()), SYSTEM_CLOCK).token()
    except (WorldError, ValueError):
        return Finding(Health.BAD, "private key", "cannot sign", "Download a new one from the App's settings page.")
    return Finding(Health.GOOD, "private key", "signs")


def _secret(settings: Settings) -> Finding:
    if min(len(secret.reveal()) for secret in settings.webhook_secrets) < LEAST_SECRET:
        found = f"has fewer than {LEAST_SECRET} characters"
        return Finding(Health.BAD, "webhook secret", found, "Use 32 random ones, here and on the App's settings page.")
    return Finding(Health.GOOD, "webhook secret", f"{len(settings.webhook_secrets)} in use")


async def of_git(program: str | None, *, seconds: float = 10.0) -> Finding:
    """`program` is started, and answers within so many seconds, or it is none of use."""
    if program is None:
        return Finding(Health.BAD, "git", "not found", _GIT_REMEDY)
    ask = partial(
        subprocess.run, [program, "--version"], env=neutral(), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    try:
        done = await asyncio.to_thread(ask, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return Finding(Health.BAD, "git", f"{program} does not answer", _GIT_REMEDY)
    except OSError as error:
        return Finding(Health.BAD, "git", f"{program}: {(error.strerror or 'cannot be started').lower()}", _GIT_REMEDY)
    version = re.match(r"git version ([0-9]{1,3})\.([0-9]{1,3})\S*", done.stdout)
    if version is None:
        return Finding(Health.BAD, "git", f"{program} does not say its version", _GIT_REMEDY)
    found = version[0].removeprefix("git version ")
    if (int(version[1]), int(version[2])) < (2, 38):
        return Finding(Health.BAD, "git", found, _GIT_REMEDY)
    return Finding(Health.GOOD, "git", found)


def _directory(settings: Settings) -> Finding:
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=settings.data):
            pass
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        where = settings.data.absolute()
        return Finding(Health.BAD, DIRECTORY, f"{where}: {reason}", "Set it to a directory that we may write to.")
    return Finding(Health.GOOD, DIRECTORY, str(settings.data.absolute()))


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


def _engine(settings: Settings) -> Finding:
    if settings.engine_url.startswith("postgresql"):
        return Finding(Health.GOOD, "engine", "on PostgreSQL")
    try:
        return Finding(Health.GOOD, "engine", f"on SQLite {check_sqlite()}")
    except EngineError as error:
        return Finding(Health.BAD, "engine", f"SQLite {sqlite3.sqlite_version}", str(error))


async def _line_up(settings: Settings) -> Finding:
    """The default line-up can be planned: all known, active and priced, and of the provider that we have a key for."""
    async with adapters.the_store(settings) as store:
        catalogue = await store.models()
    planned = plan(SolveOptions(), RepoConfig(), catalogue, assembly.server_limits(settings))
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


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data).free
    if free < LITTLE_DISK:
        return Finding(Health.DOUBTFUL, "disk", f"{free // 1024**3} GB free", f"Make room where {settings.data} is.")
    return Finding(Health.GOOD, "disk", f"{free // 1024**3} GB free")
