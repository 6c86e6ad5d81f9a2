"""What a deployment that was looked at from outside is like, suite by suite.

A look brings answers, or that there was none; from them, and from nothing else, comes what is well and what is not.
What could not be looked at is said as such, and is never taken for well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import isfinite, isnan

from bot.core.render import deployment as words

MONTH = 30 * 86_400
LEAST_HSTS = 6 * MONTH  # seconds; browsers' own lists want a year
CERTIFICATE_SOON = 14.0  # days; what renews by itself does so earlier
QUEUE_SLOW, QUEUE_STUCK = 30.0, 300.0  # seconds that the oldest delivery waits
LEAST_DISK = 0.10  # share that is free
BACKUP_LATE, BACKUP_OLD = 26 * 3600.0, 50 * 3600.0  # seconds: one night missed, two
MOST_FAILED = 0.5  # share of calls, or of solves
FEW = 4  # of which no share is taken


class Verdict(Enum):
    """From well to bad; the worst of a suite is the suite's."""

    GOOD = "good"
    UNSEEN = "unseen"
    DOUBTFUL = "doubtful"
    BAD = "bad"


_SEVERITY = {verdict: place for place, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Found:
    verdict: Verdict
    said: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    name: str
    findings: tuple[Found, ...]

    @property
    def verdict(self) -> Verdict:
        return max((each.verdict for each in self.findings), key=_SEVERITY.__getitem__, default=Verdict.UNSEEN)


@dataclass(frozen=True, slots=True)
class Answer:
    """Headers have lower-case names. `why`: there was no answer, and why not."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Public:
    """As a stranger sees it. `certificate_days`: None where there is none. `plain`: the same over http, if asked.

    `webhook`: by what was sent; "signed" is left out where nobody told the secret.
    """

    is_tls: bool
    is_loopback: bool
    alive: Answer
    plain: Answer | None
    certificate_days: float | None
    hidden: Mapping[str, Answer]
    webhook: Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Process:
    """As its operator sees it. `failing`: what /readyz says; None where that cannot be read."""

    url: str
    ready: Answer
    failing: Mapping[str, str] | None
    metrics: Answer
    samples: tuple[Sample, ...]

    def values(self, name: str, **labels: str) -> list[float]:
        return [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]

    def word(self, label: str) -> str:
        return next((s.labels.get(label, "") for s in self.samples if s.name == "solvebot_build_info"), "")

    @property
    def works(self) -> bool:
        return self.word("role") in ("serve", "worker")


def suites(public: Public, processes: Sequence[Process]) -> tuple[Suite, ...]:
    """All ten, in the order in which one would mend them."""
    shares = {
        "tls": _tls(public),
        "health": _health(public, processes),
        "surface": _surface(public),
        "webhook": _webhook(public),
        "metrics": _metrics(processes),
        "database": _database(processes),
        "engine": _engine(processes),
        "sandboxes": _sandboxes(processes),
        "models": _models(processes),
        "backups": _backups(processes),
    }
    return tuple(Suite(name, tuple(found)) for name, found in shares.items())


def exit_code(found: Iterable[Suite]) -> int:
    """0: all is well, doubts included. 1: something is bad. 3: nothing is, but not all could be looked at."""
    verdicts = {each.verdict for suite in found for each in suite.findings}
    if Verdict.BAD in verdicts:
        return 1
    return 3 if Verdict.UNSEEN in verdicts else 0


def _good(said: str) -> Found:
    return Found(Verdict.GOOD, said)


def _tls(public: Public) -> Iterator[Found]:
    """HTTPS with a certificate that lasts, plain HTTP only as the way there, and headers that a browser keeps to."""
    if not public.is_tls:
        yield Found(Verdict.UNSEEN if public.is_loopback else Verdict.BAD, *words.no_tls(public.is_loopback))
        return
    if public.alive.why:
        yield Found(Verdict.BAD, *words.no_answer("/healthz", public.alive.why))
        return
    days = public.certificate_days
    if days is not None:
        lasts = Verdict.GOOD if days >= CERTIFICATE_SOON else Verdict.DOUBTFUL
        yield Found(lasts, *words.certificate(days, is_soon=days < CERTIFICATE_SOON))
    if public.plain is not None:
        yield _redirect(public.plain)
    yield from _headers(public.alive.headers)


def _redirect(plain: Answer) -> Found:
    if plain.why:
        return _good(words.plain_closed())
    if plain.status in (301, 307, 308) and plain.headers.get("location", "").startswith("https://"):
        return _good(words.plain_redirects())
    return Found(Verdict.BAD, *words.plain_answers(plain.status))


def _headers(headers: Mapping[str, str]) -> Iterator[Found]:
    age = _max_age(headers.get("strict-transport-security", ""))
    if age < LEAST_HSTS:
        yield Found(Verdict.BAD, *words.no_hsts())
    else:
        yield _good(words.hsts(age // 86_400))
    if headers.get("x-content-type-options", "").lower() != "nosniff":
        yield Found(Verdict.DOUBTFUL, *words.no_nosniff())
    if any(character.isdigit() for character in headers.get("server", "")):
        yield Found(Verdict.DOUBTFUL, *words.server_tells(headers["server"]))


def _max_age(header: str) -> int:
    for part in header.lower().split(";"):
        name, _, value = part.strip().partition("=")
        digits = value.strip('"')
        if name == "max-age" and digits.isascii() and digits.isdigit() and len(digits) < 12:
            return int(digits)
    return 0


def _health(public: Public, processes: Sequence[Process]) -> Iterator[Found]:
    if public.alive.status == 200 and public.alive.text.strip() == "ok":
        yield _good(words.alive())
    else:
        yield Found(Verdict.BAD, *words.no_answer("/healthz", public.alive.why or str(public.alive.status)))
    if not processes:
        yield Found(Verdict.UNSEEN, *words.no_operators())
    for process in processes:
        if process.failing is None:
            reason = process.ready.why or str(process.ready.status)
            yield Found(Verdict.BAD, *words.no_answer(f"{process.url}/readyz", reason))
        elif process.failing:
            yield Found(Verdict.BAD, *words.not_ready(process.url, process.failing))
        else:
            yield _good(words.ready(process.url, process.word("role")))


def _surface(public: Public) -> Iterator[Found]:
    """Strangers find the webhook and whether it lives; all else is not there."""
    open_ = [path for path, answer in public.hidden.items() if 200 <= answer.status < 400]
    silent = [path for path, answer in public.hidden.items() if answer.why]
    for path in open_:
        yield Found(Verdict.BAD, *words.exposed(path))
    if silent:
        yield Found(Verdict.UNSEEN, *words.no_answer(silent[0], public.hidden[silent[0]].why))
    if not open_ and not silent:
        yield _good(words.nothing_exposed(list(public.hidden)))


EXPECTED: Mapping[str, tuple[int, ...]] = {
    "unsigned": (401,),
    "forged": (401,),
    "form": (415,),
    "get": (405,),
    "too large": (413,),
    "signed": (202,),
}
"""What is sent to the webhook, and how it has to be answered."""


def _webhook(public: Public) -> Iterator[Found]:
    for sent, expected in EXPECTED.items():
        answer = public.webhook.get(sent)
        if answer is None:
            yield Found(Verdict.UNSEEN, *words.not_sent(sent))
        elif answer.status in expected:
            yield _good(words.answered_rightly(sent, answer.status))
        else:
            yield Found(Verdict.BAD, *words.answered_wrongly(sent, answer.why or str(answer.status), expected[0]))


def _metrics(processes: Sequence[Process]) -> Iterator[Found]:
    if not processes:
        yield Found(Verdict.UNSEEN, *words.no_operators())
    for process in processes:
        if not process.word("role"):
            reason = process.metrics.why or str(process.metrics.status)
            yield Found(Verdict.BAD, *words.no_metrics(process.url, reason))
        else:
            yield _good(words.metrics(process.url, len({sample.name for sample in process.samples})))


def _seen(processes: Sequence[Process]) -> list[Process]:
    return [process for process in processes if process.word("role")]


def _database(processes: Sequence[Process]) -> Iterator[Found]:
    """It answers everybody, all expect the same tables, and who shares it can: SQLite is for one process."""
    seen = _seen(processes)
    if not seen:
        yield Found(Verdict.UNSEEN, *words.no_operators())
        return
    for process in seen:
        if process.values("solvebot_database_answers") != [1.0]:
            yield Found(Verdict.BAD, *words.database_silent(process.url))
    schemas = sorted({process.word("schema") for process in seen})
    if len(schemas) > 1:
        yield Found(Verdict.BAD, *words.schemas_differ(schemas))
    else:
        yield _good(words.schema(schemas[0]))
    kinds = {process.word("database") for process in seen}
    if kinds == {"sqlite"} and len(seen) > 1:
        yield Found(Verdict.BAD, *words.shared_sqlite(len(seen)))
    elif kinds == {"sqlite"}:
        yield Found(Verdict.GOOD, *words.sqlite())
    free, whole = seen[0].values("solvebot_disk_bytes", of="free"), seen[0].values("solvebot_disk_bytes", of="all")
    if free and whole and whole[0] > 0:
        share = free[0] / whole[0]
        yield Found(Verdict.GOOD if share >= LEAST_DISK else Verdict.DOUBTFUL, *words.disk(share, LEAST_DISK))


def _engine(processes: Sequence[Process]) -> Iterator[Found]:
    """Somebody works, all of one version, and no delivery waits long."""
    seen = _seen(processes)
    working = [process for process in seen if process.works]
    if not working:
        verdict = Verdict.UNSEEN if not seen or all(process.word("role") == "web" for process in seen) else Verdict.BAD
        yield Found(verdict, *words.no_worker())
        return
    failing = [process.url for process in working if process.failing is None or "engine" in process.failing]
    if failing:
        yield Found(Verdict.BAD, *words.engine_fails(failing))
    else:
        yield _good(words.workers(len(working)))
    versions = sorted({process.word("version") for process in seen})
    if len(versions) > 1:
        yield Found(Verdict.DOUBTFUL, *words.versions_differ(versions))
    waits = [value for process in seen for value in process.values("solvebot_delivery_waiting_seconds")]
    longest = max((wait for wait in waits if isfinite(wait)), default=0.0)
    if longest > QUEUE_STUCK:
        yield Found(Verdict.BAD, *words.queue(longest))
    elif longest > QUEUE_SLOW:
        yield Found(Verdict.DOUBTFUL, *words.queue(longest))
    else:
        yield _good(words.queue_moves())


def _sandboxes(processes: Sequence[Process]) -> Iterator[Found]:
    """A worker proves its sandboxes before it begins, so one that is up has them; what is lent may fail later."""
    working = [process for process in _seen(processes) if process.works]
    if not working:
        yield Found(Verdict.UNSEEN, *words.no_worker())
        return
    kinds = sorted({process.word("sandbox") for process in working})
    if "none" in kinds:
        yield Found(Verdict.BAD, *words.no_isolation())
    else:
        yield _good(words.isolated(kinds))
    for provider, state in _circuits(working):
        if state != "closed":
            yield Found(Verdict.BAD if state == "open" else Verdict.DOUBTFUL, *words.circuit(provider, state))


def _circuits(working: Sequence[Process]) -> Iterator[tuple[str, str]]:
    told = {
        sample.labels.get("provider", ""): sample.labels.get("state", "")
        for process in working
        for sample in process.samples
        if sample.name == "solvebot_sandbox_circuit" and sample.value == 1
    }
    yield from sorted(told.items())


def _models(processes: Sequence[Process]) -> Iterator[Found]:
    """What their answers were since the workers began; few answers say nothing."""
    calls: dict[str, list[float]] = {}
    for process in processes:
        for sample in process.samples:
            if sample.name == "solvebot_model_calls_total" and isfinite(sample.value):
                both = calls.setdefault(sample.labels.get("model", ""), [0.0, 0.0])
                both[sample.labels.get("outcome") != "answered"] += sample.value
    if not calls:
        yield Found(Verdict.UNSEEN, *words.no_calls())
    for model, (answered, failed) in sorted(calls.items()):
        if answered + failed >= FEW and failed > MOST_FAILED * (answered + failed):
            yield Found(Verdict.BAD, *words.model_fails(model, int(failed), int(answered + failed)))
        else:
            yield _good(words.model_answers(model, int(answered), int(answered + failed)))


def _backups(processes: Sequence[Process]) -> Iterator[Found]:
    ages = [age for process in processes for age in process.values("solvebot_backup_age_seconds") if not isnan(age)]
    if not ages:
        yield Found(Verdict.UNSEEN, *words.backups_unknown())
        return
    youngest = min(ages)
    if not isfinite(youngest):
        yield Found(Verdict.BAD, *words.no_backup())
    elif youngest > BACKUP_LATE:
        yield Found(Verdict.BAD if youngest > BACKUP_OLD else Verdict.DOUBTFUL, *words.backup_late(youngest))
    else:
        yield _good(words.backup(youngest))
