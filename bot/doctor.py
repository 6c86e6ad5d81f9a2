"""solvebot doctor: everything that can be checked before the first webhook, each with what to do about it."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import msgspec
from rich.console import Console
from rich.markup import escape

from bot import adapters
from bot.app_checks import of_the_app
from bot.checks import DIRECTORY, MODEL_KEY, without_network
from bot.clock import SystemClock
from bot.core.environment.registries import Registries, is_auto, network
from bot.core.render import registries
from bot.core.render.doctor import KEY_CHECK, MODELS, ending, meant
from bot.findings import Finding, Health
from bot.github.tokens import AppCredentials, AppIdentity
from bot.ports import Denied, SandboxUnusable, WorldError
from bot.registries import ask, this_host
from bot.settings import Settings, SettingsError, unread
from bot.web.listening import OPERATORS, PUBLIC, CannotListen, Named, taken

ASK_SECONDS = 5.0
MAX_SKEW = 30.0  # seconds; GitHub refuses tokens from further ahead than 60


class Told(msgspec.Struct):
    """A finding as `--json` says it."""

    health: str
    what: str
    found: str
    remedy: str


async def as_json(env: Mapping[str, str], say: Callable[[str], None]) -> int:
    """All at once, for programs; 1 when one is bad."""
    found = [finding async for finding in findings(env)]
    told = [Told(finding.health.name.lower(), finding.what, finding.found, finding.remedy) for finding in found]
    bad = any(finding.health is Health.BAD for finding in found)
    said = {"ready": not bad, "conclusion": conclusion(found), "findings": told}
    say(msgspec.json.format(msgspec.json.encode(said), indent=2).decode())
    return 1 if bad else 0


async def examine(env: Mapping[str, str], console: Console) -> int:
    """Print every finding as soon as it is there; 1 when one is bad. At the end, what is still unproven."""
    found = []
    async for finding in findings(env):
        _show(finding, console)
        found.append(finding)
    console.print(f"\n{conclusion(found)}", highlight=False)
    return 1 if any(finding.health is Health.BAD for finding in found) else 0


def conclusion(found: Sequence[Finding]) -> str:
    """The last word."""
    bad = sum(finding.health is Health.BAD for finding in found)
    return ending(bad, tuple(dict.fromkeys(finding.unreached for finding in found if finding.unreached)))


def _show(finding: Finding, console: Console) -> None:
    """What no terminal will break into lines stays one line."""
    whole = not console.is_terminal
    line = f"{finding.health.value} [bold]{finding.what}[/]: {escape(finding.found)}"
    console.print(line, highlight=False, soft_wrap=whole)
    if finding.remedy:
        console.print(f"    {finding.remedy}", highlight=False, markup=False, soft_wrap=whole)


async def findings(env: Mapping[str, str]) -> AsyncIterator[Finding]:
    """One after the other, each as soon as it is known."""
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
    for wrong in unread(env):
        yield Finding(Health.DOUBTFUL, "settings", f"{wrong.name} is set, and nobody reads it", meant(wrong))
    bad = set()
    async for finding in without_network(settings):
        yield finding
        bad |= {finding.what} if finding.health is Health.BAD else set()
    async for finding in _of_this_machine(settings, has_directory=DIRECTORY not in bad):
        yield finding
    async for finding in _beyond(settings, has_model_key=bool(settings.model_key.reveal()) and MODEL_KEY not in bad):
        yield finding


async def _of_this_machine(settings: Settings, *, has_directory: bool) -> AsyncIterator[Finding]:
    yield _free("address", settings.host, settings.port, PUBLIC)
    yield _free("metrics", settings.metrics_host, settings.own_metrics_port, OPERATORS)
    if has_directory and "bubblewrap" in settings.sandbox:
        yield await _sandbox(settings)
    async for finding in _setup_network(settings):
        yield finding


async def _beyond(settings: Settings, *, has_model_key: bool) -> AsyncIterator[Finding]:
    yield (github := await _github(settings))
    if github.health is Health.GOOD and "Authorization" in await _identification(settings):
        async for finding in of_the_app(settings):
            yield finding
    if has_model_key:
        yield await _model_key(settings)
    if "e2b" in settings.sandbox:
        async for finding in lent(settings):
            yield finding


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


async def _ask(setting: str, url: str, headers: Mapping[str, str], who: str) -> _Answer | Finding:
    """`setting` is where the address comes from, `who` is asked."""
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
        return Finding(Health.DOUBTFUL, setting, f"{url} did not answer ({reason})", "Is there a network?", who)


class _App(msgspec.Struct):
    """What GitHub says about an App; the name that its comments bear."""

    slug: str


async def _github(settings: Settings) -> Finding:
    """One question answers three: can GitHub be reached, does it know us, and do our clocks agree."""
    identified = await _identification(settings)
    answer = await _ask("GITHUB_API_URL", f"{settings.api_url.rstrip('/')}/app", identified, "GitHub")
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
            token = await AppCredentials(identity, SystemClock()).token()
            headers["Authorization"] = f"Bearer {token.value}"
    return headers


def _skew(date: str) -> float:
    """Seconds between our clock and an HTTP date; 0 where that is none."""
    try:
        return abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _free(what: str, host: str, port: int, named: Named) -> Finding:
    try:
        with taken(host, port, named):
            return Finding(Health.GOOD, what, f"{host}, port {port} is free")
    except CannotListen as error:
        in_use = getattr(error.__cause__, "errno", None) == errno.EADDRINUSE
        return Finding(Health.DOUBTFUL if in_use else Health.BAD, what, str(error), error.remedy)


async def _sandbox(settings: Settings) -> Finding:
    if settings.run_untrusted_code_without_isolation:
        return Finding(
            Health.DOUBTFUL,
            "sandbox",
            "switched off",
            "Unset RUN_UNTRUSTED_CODE_WITHOUT_ISOLATION on any machine that matters.",
        )
    try:
        await adapters.local_sandboxes(settings).check()
    except SandboxUnusable as error:
        return Finding(Health.BAD, "sandbox", str(error), error.remedy)
    return Finding(Health.GOOD, "sandbox", "bubblewrap isolates")


async def lent(settings: Settings) -> AsyncIterator[Finding]:
    """Does the service answer, and to our key? Asked once, without anything that asks again."""
    from bot.sandbox.e2b.machines import E2BProvider  # as in adapters.py

    for options in adapters.e2b_options(settings, "doctor"):
        where = options.api_url or options.domain or "E2B"
        try:
            await E2BProvider(replace(options, request_timeout=ASK_SECONDS)).machines()
        except Denied:
            yield Finding(Health.BAD, "E2B", f"{where} refuses the key", "Make a new one there, and set E2B_API_KEY.")
        except WorldError as error:
            reason = type(error.__cause__ or error).__name__
            yield Finding(Health.DOUBTFUL, "E2B", f"{where} did not answer ({reason})", "Is there a network?", where)
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
    at_openrouter = settings.model_provider == "openrouter"
    url = f"{settings.model_url.rstrip('/')}/{'key' if at_openrouter else 'models'}"
    answer = await _ask("MODEL_BASE_URL", url, {"Authorization": f"Bearer {key}"}, MODELS)
    if isinstance(answer, Finding):
        return answer
    if answer.status in (401, 403):
        remedy = "Make a new one there, and set MODEL_API_KEY." + (" It starts with sk-or-." if at_openrouter else "")
        return Finding(Health.BAD, MODEL_KEY, f"{settings.model_url} refuses it (HTTP {answer.status})", remedy)
    if answer.status != 200:
        remedy = "Check MODEL_BASE_URL; it is the part before /chat/completions."
        found = f"could not be tried ({url}: HTTP {answer.status})"
        return Finding(Health.DOUBTFUL, MODEL_KEY, found, remedy, KEY_CHECK)
    return Finding(Health.GOOD, MODEL_KEY, f"{settings.model_url} takes it")
