"""What settings may be, alone and together: each rule is a sentence for who has broken it."""

from __future__ import annotations

from dataclasses import fields
from urllib.parse import urlsplit

from bot.core.environment.registries import wrong_hosts
from bot.core.trigger.budgets import Period
from bot.declared_settings import POLL, WEBHOOK, DeclaredSettings

_ZERO_IS_FINE = (
    "stop_seconds",
    "leave_seconds",
    "write_interval",
    "sweep_interval",
    "port",
    "metrics_port",
    "worker_port",
    "sandbox_commands",
    "download_cache",
    "mirrors",
    "e2b_warm",
    "day_dollars",
    "month_dollars",
    "repository_day_dollars",
    "repository_month_dollars",
    "person_day_dollars",
    "person_month_dollars",
)
LONGEST_MONTH = 31  # days
SHORTEST_NOTIFY_SECRET = 16  # characters


def wrong(settings: DeclaredSettings) -> list[str]:
    problems = []
    for setting in fields(settings):
        value = getattr(settings, setting.name)
        zero_is_fine = setting.name in _ZERO_IS_FINE
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and (value < 0 or (value == 0 and not zero_is_fine))
        ):
            problems.append(f"{setting.metadata['name']} is {value:g}, which must be more than 0")
    if settings.retention_days < LONGEST_MONTH and any(each.period is Period.MONTH for each in settings.budgets):
        problems.append(
            f"RETENTION_DAYS is {settings.retention_days}, and what a month has cost is forgotten with its solves; "
            f"use at least {LONGEST_MONTH} with MONTH_DOLLARS"
        )
    if settings.max_attempts > 8:
        problems.append(f"MAX_ATTEMPTS is {settings.max_attempts}, use 1 to 8")
    if settings.attempts > settings.max_attempts:
        problems.append(f"ATTEMPTS is {settings.attempts}, more than MAX_ATTEMPTS, which is {settings.max_attempts}")
    if settings.sandbox not in _SANDBOXES:
        problems.append(f"SANDBOX is {','.join(settings.sandbox)!r}, use bubblewrap, e2b, or e2b,bubblewrap")
    if (wrong := wrong_hosts(settings.setup_hosts)) is not None:
        problems.append(f"SETUP_HOSTS is {wrong}")
    if settings.e2b_warm >= settings.e2b_machines:
        problems.append("E2B_WARM_SANDBOXES must be less than E2B_MAX_SANDBOXES, or there is no room for runs")
    if "e2b" in settings.sandbox and not settings.e2b_key.reveal():
        problems.append("SANDBOX names e2b, so E2B_API_KEY is needed: create one in E2B's dashboard")
    for name, url in (
        ("GITHUB_API_URL", settings.api_url),
        ("GITHUB_SERVER_URL", settings.server_url),
        ("MODEL_BASE_URL", settings.model_url),
        ("E2B_API_URL", settings.e2b_url),
        ("PUBLIC_URL", settings.public_url),
        ("NOTIFY_URL", settings.notify_url),
    ):
        if url and not _is_address(url):
            problems.append(f"{name} is {url!r}, which is no address; it starts with https://")
    problems += _wrong_pages(settings) + _wrong_notify(settings)
    if settings.deliveries not in (WEBHOOK, POLL):
        problems.append(f"DELIVERIES is {settings.deliveries!r}, use {WEBHOOK} or {POLL}")
    if settings.log_format not in ("json", "console"):
        problems.append(f"LOG_FORMAT is {settings.log_format!r}, use json or console")
    if settings.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        problems.append(f"LOG_LEVEL is {settings.log_level!r}, use DEBUG, INFO, WARNING or ERROR")
    if settings.database_url and not settings.database_url.startswith("postgresql://"):
        problems.append("DATABASE_URL must start with postgresql://; leave it empty for SQLite in DATA_DIR")
    elif settings.database_url and not _is_readable(settings.database_url):
        problems.append("DATABASE_URL cannot be read: use postgresql://user:password@host/name, with %xx for signs")
    return problems


def _wrong_pages(settings: DeclaredSettings) -> list[str]:
    """Signing in is safe over TLS alone, or where nothing leaves the machine."""
    url, problems = settings.public_url, []
    if _is_address(url):
        parts = urlsplit(url)
        if parts.path.strip("/") or parts.query or parts.fragment:
            problems.append(f"PUBLIC_URL is {url!r}, which has a path; pages and links need an address without one")
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            problems.append(f"PUBLIC_URL is {url!r}; it starts with https://, but for an address of this machine alone")
    if settings.pages:
        needed = {
            "PUBLIC_URL": url,
            "GITHUB_CLIENT_ID": settings.client_id,
            "GITHUB_CLIENT_SECRET": settings.client_secret.reveal(),
        }
        problems += [f"PAGES is on, so {name} is needed" for name, value in needed.items() if not value]
    return problems


def _is_readable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _wrong_notify(settings: DeclaredSettings) -> list[str]:
    if not settings.notify_url:
        return []
    problems = []
    if len(settings.notify_secret.reveal()) < SHORTEST_NOTIFY_SECRET:
        problems.append(f"NOTIFY_URL is set, so NOTIFY_SECRET is needed: {SHORTEST_NOTIFY_SECRET} characters or more")
    if not settings.notify_private and not settings.notify_url.startswith("https://"):
        problems.append("NOTIFY_URL must start with https://, unless NOTIFY_PRIVATE is set")
    return problems


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


_SANDBOXES = (("bubblewrap",), ("e2b",), ("e2b", "bubblewrap"))


def missing(settings: DeclaredSettings) -> list[str]:
    needed = {
        "GITHUB_APP_ID": settings.app_id,
        "GITHUB_PRIVATE_KEY": settings.private_key.reveal(),
        "GITHUB_WEBHOOK_SECRET": settings.webhook_secrets,
        "MODEL_API_KEY": settings.model_key.reveal(),
    }
    problems = [f"{name} is missing" for name, value in needed.items() if not value]
    key = settings.private_key.reveal()
    if key and "PRIVATE KEY-----" not in key:
        problems.append("GITHUB_PRIVATE_KEY is not a PEM key; download one from the App's settings page")
    return problems
