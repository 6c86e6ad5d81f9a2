"""Every setting, declared: its name in the environment, its type, its default and the sentence that README has of it.

What is derived from them and how they are read is in settings.py, what they may be in setting_rules.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.core.model import Limits
from bot.core.trigger.budgets import Budget, Period, Whose

WEBHOOK, POLL = "webhook", "poll"  # of DELIVERIES


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that shows itself only when asked."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        return self._text

    def __str__(self) -> str:
        return "<secret>"


def _setting(name: str, default: Any, doc: str) -> Any:
    return field(default=default, repr=name != "DATABASE_URL", metadata={"name": name, "doc": doc})  # it has a password


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredSettings:
    app_id: str = _setting("GITHUB_APP_ID", "", "The App's id (or client id), from its settings page.")
    private_key: Secret = _setting(
        "GITHUB_PRIVATE_KEY",
        Secret(""),
        "The App's private key: PEM text, the same in base64, or the path of the file.",
    )
    client_id: str = _setting("GITHUB_CLIENT_ID", "", "The App's client id, for signing in with GitHub.")
    client_secret: Secret = _setting(
        "GITHUB_CLIENT_SECRET", Secret(""), "The App's client secret, for signing in with GitHub."
    )
    webhook_secrets: tuple[Secret, ...] = _setting(
        "GITHUB_WEBHOOK_SECRET", (), "The webhook secret. Several, separated by commas, while you rotate it."
    )
    deliveries: str = _setting(
        "DELIVERIES",
        "webhook",
        "How GitHub's deliveries arrive: `webhook`; or `poll` where GitHub cannot reach this machine: the App's list "
        "of them is read every 15 seconds.",
    )
    api_url: str = _setting(
        "GITHUB_API_URL", "https://api.github.com", "The REST API; another one for GitHub Enterprise."
    )
    server_url: str = _setting("GITHUB_SERVER_URL", "https://github.com", "Where repositories are fetched from.")
    write_interval: float = _setting(
        "GITHUB_WRITE_INTERVAL", 1.0, "Seconds between two writes to one installation. GitHub asks for at least 1."
    )

    model_url: str = _setting(
        "MODEL_BASE_URL", "https://openrouter.ai/api/v1", "An OpenAI-compatible API: the part before /chat/completions."
    )
    model_key: Secret = _setting("MODEL_API_KEY", Secret(""), "The key for it. It never enters a sandbox or a message.")
    model_provider: str = _setting(
        "MODEL_PROVIDER", "openrouter", "What the catalogue calls the provider behind that address."
    )
    models: tuple[str, ...] = _setting(
        "MODELS",
        ("deepseek-v3.2", "gpt-5-mini"),
        "The default line-up, by names of `solvebot models list`; `auto`: the cheapest that is nearly the best.",
    )
    allow_unknown_prices: bool = _setting(
        "ALLOW_UNKNOWN_PRICES", False, "Use models without a known price. Then a budget cannot be kept."
    )

    day_dollars: float = _setting(
        "DAY_DOLLARS",
        0.0,
        "The most that all solves of a day (UTC) may cost; who asks for more is told when there is room again. "
        "0: no such limit.",
    )
    month_dollars: float = _setting("MONTH_DOLLARS", 0.0, "The same for a month.")
    repository_day_dollars: float = _setting("REPOSITORY_DAY_DOLLARS", 0.0, "The same for each repository, in a day.")
    repository_month_dollars: float = _setting("REPOSITORY_MONTH_DOLLARS", 0.0, "And in a month.")
    person_day_dollars: float = _setting("PERSON_DAY_DOLLARS", 0.0, "The same for each person who asks, in a day.")
    person_month_dollars: float = _setting("PERSON_MONTH_DOLLARS", 0.0, "And in a month.")

    attempts: int = _setting("ATTEMPTS", 3, "Runs per solve where neither the command nor the repository says.")
    max_attempts: int = _setting("MAX_ATTEMPTS", 8, "The most runs that anyone may ask for, 1 to 8.")
    max_dollars: float = _setting("MAX_DOLLARS", 2.0, "The most one solve may cost.")
    max_minutes: float = _setting("MAX_MINUTES", 30.0, "The longest one run may take.")
    max_steps: int = _setting("MAX_STEPS", 150, "The most model calls of one run.")
    max_parallel: int = _setting("MAX_PARALLEL", 3, "The most runs of one solve at a time.")
    worker_runs: int = _setting("WORKER_RUNS", 8, "The most runs of this process at a time.")

    sandbox: tuple[str, ...] = _setting(
        "SANDBOX",
        ("bubblewrap",),
        "Where sandboxes come from: `bubblewrap` on this machine, or `e2b`. With `e2b,bubblewrap`, new solves use this "
        "machine while E2B is away.",
    )
    e2b_key: Secret = _setting("E2B_API_KEY", Secret(""), "The key for E2B. It never enters a sandbox.")
    e2b_domains: tuple[str, ...] = _setting(
        "E2B_DOMAIN",
        (),
        "The domain of a self-hosted E2B, or several in order of preference, separated by commas. Empty: E2B's own.",
    )
    e2b_url: str = _setting(
        "E2B_API_URL", "", "One address for all requests, where a self-hosted E2B is reached that way."
    )
    e2b_templates: tuple[str, ...] = _setting(
        "E2B_TEMPLATE",
        (),
        "The template that sandboxes start from, or one for each ecosystem: `python=a,node=b`. None, or not found: "
        "E2B's base.",
    )
    e2b_creations: float = _setting(
        "E2B_CREATIONS_PER_SECOND", 1.0, "Sandboxes that your plan lets you create: 1 (Hobby) or 5 (Pro) a second."
    )
    e2b_machines: int = _setting(
        "E2B_MAX_SANDBOXES", 20, "Sandboxes that your plan lets you have at a time: 20 (Hobby) or 100 (Pro)."
    )
    e2b_seconds: int = _setting(
        "E2B_SANDBOX_SECONDS", 1800, "Seconds after which E2B ends a sandbox that we no longer extend."
    )
    e2b_warm: int = _setting("E2B_WARM_SANDBOXES", 0, "Sandboxes kept ready for new solves. They are paid for.")
    read_timeout: float = _setting("READ_TIMEOUT", 3.0, "Seconds for reading a file from an E2B sandbox.")

    bubblewrap: Path = _setting("BUBBLEWRAP", Path("/usr/bin/bwrap"), "The program that makes local sandboxes.")
    sandbox_toolchains: tuple[Path, ...] = _setting(
        "SANDBOX_TOOLCHAINS",
        (),
        "Directories shown read-only in every sandbox, separated by colons; their bin/ joins PATH.",
    )
    sandbox_installed_toolchains: bool = _setting(
        "SANDBOX_INSTALLED_TOOLCHAINS",
        True,
        "The same for what rustup, nvm, SDKMAN and their like installed for the user of the bot, and for Go in "
        "/usr/local/go.",
    )
    sandbox_memory: int = _setting("SANDBOX_MEMORY_MB", 2048, "Memory of one sandbox in MB.")
    sandbox_disk: int = _setting("SANDBOX_DISK_MB", 4096, "Disk of one sandbox in MB.")
    sandbox_commands: int = _setting(
        "SANDBOX_COMMANDS", 0, "The most commands in all sandboxes at a time; more wait. 0: four for each processor."
    )
    run_untrusted_code_without_isolation: bool = _setting(
        "RUN_UNTRUSTED_CODE_WITHOUT_ISOLATION",
        False,
        "Run agents as plain processes that can read what the bot can read. Only where there is nothing to read.",
    )
    setup_hosts: tuple[str, ...] = _setting(
        "SETUP_HOSTS",
        ("auto",),
        "Hosts that set-up commands may reach, separated by commas. `auto`: the registries that this machine's package "
        "managers use; `auto,example.org` adds one; `*.example.org` is all below it, `python=example.org` for Python "
        "only. `none`: no network.",
    )
    setup_private_networks: bool = _setting(
        "SETUP_PRIVATE_NETWORKS", False, "Those hosts may be in a private network, as a registry of your own may be."
    )
    download_cache: int = _setting(
        "DOWNLOAD_CACHE_MB",
        2048,
        "Disk in MB, in DATA_DIR, for downloads that set-ups in bubblewrap share; E2B and plain processes do not. "
        "0: none are kept.",
    )
    mirrors: int = _setting(
        "MIRRORS_MB", 10240, "Disk in MB, in DATA_DIR, for mirrors; beyond it the least recently used ones go."
    )
    setup_timeout: float = _setting("SETUP_TIMEOUT", 300.0, "Seconds for each set-up command of a repository.")
    search_minutes: float = _setting(
        "SETUP_MINUTES", 10.0, "After so many minutes of trying plans no further one is begun."
    )
    setup_agent: bool = _setting(
        "SETUP_AGENT",
        True,
        "Where no plan holds, let an agent look for one. Its script is tried like a plan.",
    )
    setup_agent_dollars: float = _setting(
        "SETUP_AGENT_DOLLARS", 0.25, "The most it may cost, out of the solve's dollars and at most a quarter of them."
    )
    setup_agent_steps: int = _setting("SETUP_AGENT_STEPS", 40, "The most model calls that it may make.")
    issue_tests: bool = _setting(
        "ISSUE_TESTS",
        True,
        "Let a model of another family than the candidates' write tests from the issue alone, for at most $0.05.",
    )
    comparer: bool = _setting(
        "COMPARER",
        True,
        "Let a model of another family than the candidates' compare two that are nearly equal, for at most $0.03.",
    )
    test_timeout: float = _setting("TEST_TIMEOUT", 600.0, "Seconds for one run of the tests.")
    command_timeout: float = _setting("COMMAND_TIMEOUT", 120.0, "Seconds for one command of an agent.")
    baseline_repeats: int = _setting(
        "BASELINE_REPEATS", 3, "How often the tests run on the base commit, to find flaky ones."
    )

    poll: float = _setting("ENGINE_POLL", 0.25, "Seconds until a queued or a finished run is noticed.")

    stop_seconds: float = _setting(
        "STOP_SECONDS",
        30.0,
        "Seconds that model calls and commands get to end when the bot is stopped.",
    )

    leave_seconds: float = _setting(
        "LEAVE_SECONDS",
        0.0,
        "Seconds that `solvebot web` goes on after it was told to end, while /healthz says 503, so that a proxy asks "
        "another one.",
    )

    data: Path = _setting("DATA_DIR", Path("data"), "Databases, mirrors and local sandboxes live here.")
    database_url: str = _setting(
        "DATABASE_URL", "", "postgresql://... to share the work between machines. Empty: SQLite files in DATA_DIR."
    )
    backups: Path | None = _setting(
        "BACKUP_DIR", None, "Directory in which your backups lie: how old the newest is becomes a metric."
    )
    host: str = _setting("HOST", "127.0.0.1", "Address of /webhook, /healthz, API and pages, which are for anybody.")
    port: int = _setting("PORT", 8000, "Port to listen on.")
    api: bool = _setting(
        "API",
        False,
        "Answer at /api/v1 on PORT, to those who have an access token: `solvebot tokens create`.",
    )
    admins: tuple[str, ...] = _setting(
        "ADMINS",
        (),
        "Who may see sandboxes, queue, deliveries, settings and audit: logins, or teams as `organisation/team`, for "
        "which the App needs the permission *Members: read* there.",
    )
    public_url: str = _setting(
        "PUBLIC_URL", "", "The address at which people reach this bot, without a path: `https://solvebot.example.com`."
    )
    pages: bool = _setting(
        "PAGES",
        False,
        "Pages on PORT to watch solves and steer them, for people who sign in with GitHub. They need PUBLIC_URL, "
        "GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET, and PUBLIC_URL with `/signed-in` as a callback URL of the App.",
    )
    notify_url: str = _setting(
        "NOTIFY_URL", "", "An address of yours that is told when a solve is started, decided, published and ended."
    )
    notify_secret: Secret = _setting(
        "NOTIFY_SECRET", Secret(""), "What is told to NOTIFY_URL is signed with this, as GitHub signs webhooks."
    )
    notify_private: bool = _setting(
        "NOTIFY_PRIVATE", False, "NOTIFY_URL may lead into a private network, and may begin with http://."
    )
    metrics_host: str = _setting(
        "METRICS_HOST", "127.0.0.1", "Address of /metrics and /readyz, which are for the operator alone."
    )
    metrics_port: int = _setting(
        "METRICS_PORT", 0, "Port on METRICS_HOST where `serve` and `web` answer these. 0: the one after PORT."
    )
    worker_port: int = _setting(
        "WORKER_PORT", 0, "Port on METRICS_HOST where `solvebot worker` answers these. 0: nowhere."
    )
    status_interval: float = _setting(
        "STATUS_INTERVAL", 30.0, "Seconds between edits of a status comment while nothing but progress changes."
    )
    sweep_interval: float = _setting(
        "SWEEP_INTERVAL", 600.0, "Seconds between two looks for deliveries that GitHub could not deliver. 0: never."
    )
    retention_days: int = _setting(
        "RETENTION_DAYS", 90, "Finished solves, deliveries and engine records older than this go."
    )
    log_format: str = _setting("LOG_FORMAT", "json", "json or console.")
    log_level: str = _setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")

    @property
    def limits(self) -> Limits:
        return Limits(self.max_parallel, self.max_minutes, self.max_dollars, self.max_steps)

    @property
    def budgets(self) -> tuple[Budget, ...]:
        every = (
            Budget(Whose.INSTANCE, Period.DAY, self.day_dollars),
            Budget(Whose.INSTANCE, Period.MONTH, self.month_dollars),
            Budget(Whose.REPOSITORY, Period.DAY, self.repository_day_dollars),
            Budget(Whose.REPOSITORY, Period.MONTH, self.repository_month_dollars),
            Budget(Whose.PERSON, Period.DAY, self.person_day_dollars),
            Budget(Whose.PERSON, Period.MONTH, self.person_month_dollars),
        )
        return tuple(budget for budget in every if budget.dollars)
