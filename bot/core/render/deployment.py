"""What is said about a deployment that was looked at from outside: what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Told = tuple[str, str]
"""What was found, and the remedy."""

_SENT = {
    "unsigned": "a delivery without signature",
    "forged": "a delivery with a wrong signature",
    "form": "a delivery as a form",
    "get": "a GET",
    "too large": "a body that is announced as larger than 25 MB",
    "signed": "a signed ping",
}
_GIVE_OPERATORS = "Give the address of /metrics of each process: --operators http://127.0.0.1:8001"


def no_tls(is_loopback: bool) -> Told:
    if is_loopback:
        return "this is the bot itself, without the proxy", "Check the address that GitHub uses, too."
    return "there is no TLS", "Put a proxy in front that speaks HTTPS; deploy/Caddyfile is one."


def no_answer(path: str, why: str) -> Told:
    return f"{path} does not answer as it should ({why})", "Is it running? Its log says why not."


def certificate(days: float, *, is_soon: bool) -> Told:
    return f"the certificate holds for {days:.0f} days", "Does the proxy renew it? Its log says." if is_soon else ""


def plain_closed() -> str:
    return "there is no plain HTTP"


def plain_redirects() -> str:
    return "plain HTTP leads to HTTPS"


def plain_answers(status: int) -> Told:
    return f"plain HTTP answers with {status}", "Let the proxy redirect all of it to https://."


def hsts(days: int) -> str:
    return f"browsers keep to HTTPS for {days} days"


def no_hsts() -> Told:
    return "Strict-Transport-Security is missing or short", "Let the proxy send max-age=31536000."


def no_nosniff() -> Told:
    return "X-Content-Type-Options is not nosniff", "Let the proxy send it."


def server_tells(server: str) -> Told:
    return f"the header Server tells a version: {server[:60]}", "Let the proxy leave it out."


def alive() -> str:
    return "it answers"


def no_operators() -> Told:
    return "nobody said where the processes tell how they are", _GIVE_OPERATORS


def ready(url: str, role: str) -> str:
    return f"{url} ({role or 'unknown'}) is ready"


def not_ready(url: str, failing: Mapping[str, str]) -> Told:
    told = "; ".join(f"{name} {problem}" for name, problem in sorted(failing.items())[:5])
    return f"{url} is not ready: {told[:300]}", "docs/runbook.md says what to look at."


def exposed(path: str) -> Told:
    return (
        f"strangers can read {path}",
        "Let the proxy pass on HOST and PORT only; METRICS_HOST is private.",
    )


def nothing_exposed(paths: Sequence[str]) -> str:
    return f"strangers get nothing from {', '.join(paths)}"


def not_sent(sent: str) -> Told:
    return f"{_SENT[sent]} was not sent", "Set GITHUB_WEBHOOK_SECRET here to what the bot has."


def answered_rightly(sent: str, status: int) -> str:
    return f"{_SENT[sent]} gets {status}"


def answered_wrongly(sent: str, got: str, expected: int) -> Told:
    remedy = (
        "Is it the secret of the bot that answers there?"
        if sent == "signed"
        else "Does all of /webhook reach the bot, unchanged?"
    )
    return f"{_SENT[sent]} gets {got}, not {expected}", remedy


def metrics(url: str, number: int) -> str:
    return f"{url} tells {number} metrics"


def no_metrics(url: str, why: str) -> Told:
    return f"{url}/metrics cannot be read ({why})", "Is it METRICS_HOST and METRICS_PORT (WORKER_PORT) of a process?"


def database_silent(url: str) -> Told:
    return f"the database does not answer {url}", "Is it up, and is DATABASE_URL right?"


def schema(revision: str) -> str:
    return f"all expect revision {revision}"


def schemas_differ(revisions: Sequence[str]) -> Told:
    return (
        f"processes expect different tables: {', '.join(revisions)}",
        "Restart those of the older version.",
    )


def sqlite() -> Told:
    return "SQLite, of one process", ""


def shared_sqlite(number: int) -> Told:
    return f"{number} processes with SQLite", "Set DATABASE_URL to a PostgreSQL that all of them share."


def disk(share: float, least: float) -> Told:
    remedy = "Make room, or lower RETENTION_DAYS and DOWNLOAD_CACHE_MB." if share < least else ""
    return f"{100 * share:.0f} % of the disk is free", remedy


def no_worker() -> Told:
    return "no worker was looked at", "Set WORKER_PORT for the workers, and give it as one more --operators."


def engine_fails(urls: Sequence[str]) -> Told:
    return f"the engine does not work at {', '.join(urls)}", "Restart it: what was under way goes on."


def workers(number: int) -> str:
    return f"{number} {'process works' if number == 1 else 'processes work'}"


def versions_differ(versions: Sequence[str]) -> Told:
    return (
        f"processes of different versions: {', '.join(versions)}",
        "Restart those of the older version.",
    )


def queue(seconds: float) -> Told:
    return f"a delivery has waited for {seconds:.0f} s", "Do the workers run, and does the database answer them?"


def queue_moves() -> str:
    return "no delivery waits long"


def isolated(kinds: Sequence[str]) -> str:
    return f"{', '.join(kinds)}: proved when the worker began"


def no_isolation() -> Told:
    return "agents run without isolation", "Unset RUN_UNTRUSTED_CODE_WITHOUT_ISOLATION."


def circuit(provider: str, state: str) -> Told:
    return f"{provider} is left alone for now ({state})", "solvebot sandboxes reset-breaker, once it works again."


def no_calls() -> Told:
    return "no model has been asked yet", "solvebot doctor tries the key; a solve tries the rest."


def model_answers(model: str, answered: int, asked: int) -> str:
    return f"{model} answered {answered} of {asked} times"


def model_fails(model: str, failed: int, asked: int) -> Told:
    return (
        f"{model} failed {failed} of {asked} times",
        "Key, credit, price? See solvebot doctor, and the log.",
    )


def backups_unknown() -> Told:
    return "nobody knows of a backup", "Set BACKUP_DIR to where deploy/backup puts them."


def no_backup() -> Told:
    return "there is no backup in BACKUP_DIR", "Run deploy/backup, and see why its timer does not."


def backup(seconds: float) -> str:
    return f"the newest is {seconds / 3600:.0f} h old"


def backup_late(seconds: float) -> Told:
    return f"the newest is {seconds / 3600:.0f} h old", "Run deploy/backup, and see why its timer does not."


ENDINGS = {
    0: "All is well.",
    1: "Something is broken.",
    3: "Nothing is broken, but not all could be looked at.",
}
"""By exit code."""
