"""solvebot check URL: look at a deployment from outside, as GitHub, as a stranger and as its operator."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import msgspec
from rich.console import Console
from rich.markup import escape

from bot.core.operations.deployment import Answer, Process, Public, Suite, Verdict, exit_code, suites
from bot.core.render.deployment import ENDINGS
from bot.web.metrics import read_samples

SECONDS = 10.0  # as long as GitHub waits
MOST = 4 * 1024**2  # bytes of an answer
HIDDEN = ("/metrics", "/readyz", "/docs", "/openapi.json", "/.env", "/")
TOO_LARGE = 25 * 1024**2 + 1
PING = b'{"zen":"Design for failure.","hook_id":1}'
_MARKS = {
    Verdict.GOOD: "[green]✓[/]",
    Verdict.UNSEEN: "[blue]?[/]",
    Verdict.DOUBTFUL: "[yellow]![/]",
    Verdict.BAD: "[red]✗[/]",
}


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where it is. `secret`: of its webhook; empty where it is not known. `ca`: a file to trust, too."""

    url: str
    operators: tuple[str, ...] = ()
    secret: bytes = b""
    ca: str = ""


async def examine(deployment: Deployment, console: Console, *, as_json: bool) -> int:
    found = await look(deployment)
    if as_json:
        console.print(_json(found), markup=False, highlight=False, soft_wrap=True)
    else:
        _show(found, console)
    return exit_code(found)


def _json(found: Sequence[Suite]) -> str:
    told = [
        {"name": suite.name, "verdict": suite.verdict, "findings": [asdict(f) for f in suite.findings]}
        for suite in found
    ]
    return msgspec.json.encode({"exit_code": exit_code(found), "suites": told}).decode()


def _show(found: Sequence[Suite], console: Console) -> None:
    whole = not console.is_terminal
    for suite in found:
        console.print(f"{_MARKS[suite.verdict]} [bold]{suite.name}[/]", highlight=False)
        for each in suite.findings:
            console.print(f"    {_MARKS[each.verdict]} {escape(each.said)}", highlight=False, soft_wrap=whole)
            if each.remedy:
                console.print(f"        {each.remedy}", highlight=False, markup=False, soft_wrap=whole)
    console.print(f"\n{ENDINGS[exit_code(found)]}", highlight=False)


async def look(deployment: Deployment) -> tuple[Suite, ...]:
    trust = ssl.create_default_context()
    if deployment.ca:
        trust.load_verify_locations(deployment.ca)
    timeout = aiohttp.ClientTimeout(SECONDS)
    connector = aiohttp.TCPConnector(ssl=trust)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        public = await _public(session, deployment, trust)
        processes = await asyncio.gather(*(_process(session, url.rstrip("/")) for url in deployment.operators))
    return suites(public, processes)


async def _ask(
    session: aiohttp.ClientSession, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Answer:
    try:
        async with session.request(method, url, headers=headers, data=body or None, allow_redirects=False) as answer:
            content = await answer.content.read(MOST)
            lower = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, lower, content.decode(errors="replace"))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Answer(why=type(error).__name__)


async def _public(session: aiohttp.ClientSession, deployment: Deployment, trust: ssl.SSLContext) -> Public:
    url, parts = deployment.url.rstrip("/"), urlsplit(deployment.url)
    is_tls, host = parts.scheme == "https", parts.hostname or ""
    plain = await _ask(session, "GET", f"http://{host}/webhook") if is_tls and parts.port in (None, 443) else None
    return Public(
        is_tls=is_tls,
        is_loopback=_is_loopback(host),
        alive=await _ask(session, "GET", f"{url}/healthz"),
        plain=plain,
        certificate_days=await _certificate_days(host, parts.port or 443, trust) if is_tls else None,
        hidden={path: await _ask(session, "GET", f"{url}{path}") for path in HIDDEN},
        webhook=await _webhook(session, f"{url}/webhook", deployment.secret, trust),
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def _webhook(session: aiohttp.ClientSession, url: str, secret: bytes, trust: ssl.SSLContext) -> dict[str, Answer]:
    """Nothing that is sent here does anything: what is not signed is refused, and a ping is only answered."""
    headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": str(uuid4()), "Content-Type": "application/json"}
    forged = {**headers, "X-Hub-Signature-256": f"sha256={'0' * 64}"}
    answers = {
        "unsigned": await _ask(session, "POST", url, headers, PING),
        "forged": await _ask(session, "POST", url, forged, PING),
        "form": await _ask(session, "POST", url, {**forged, "Content-Type": "application/x-www-form-urlencoded"}, PING),
        "get": await _ask(session, "GET", url),
        "too large": await _announced(url, forged, trust),
    }
    if secret:
        signature = hmac.new(secret, PING, hashlib.sha256).hexdigest()
        signed = {**headers, "X-Hub-Signature-256": f"sha256={signature}"}
        answers["signed"] = await _ask(session, "POST", url, signed, PING)
    return answers


async def _announced(url: str, headers: Mapping[str, str], trust: ssl.SSLContext) -> Answer:
    """A body that is too large is announced, and not sent: who is to refuse it does not need it."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    told = {**headers, "Host": parts.netloc, "Content-Length": str(TOO_LARGE), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    try:
        async with asyncio.timeout(SECONDS):
            port = parts.port or (443 if is_tls else 80)
            reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=trust if is_tls else None)
            try:
                writer.write(f"POST {parts.path} HTTP/1.1\r\n{head}\r\n{{".encode())
                await writer.drain()
                status = (await reader.readline()).split()
            finally:
                writer.close()
    except (OSError, TimeoutError, ssl.SSLError, ValueError) as error:
        return Answer(why=type(error).__name__)
    return Answer(int(status[1])) if len(status) > 1 and status[1].isdigit() else Answer(why="no HTTP")


async def _certificate_days(host: str, port: int, trust: ssl.SSLContext) -> float | None:
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=trust, server_hostname=host)
            certificate = writer.get_extra_info("peercert") or {}
            writer.close()
    except (OSError, TimeoutError, ssl.SSLError):
        return None
    expires = ssl.cert_time_to_seconds(str(certificate.get("notAfter", "")))
    return (expires - datetime.now(UTC).timestamp()) / 86_400


async def _process(session: aiohttp.ClientSession, url: str) -> Process:
    ready, metrics = await asyncio.gather(_ask(session, "GET", f"{url}/readyz"), _ask(session, "GET", f"{url}/metrics"))
    samples = read_samples(metrics.text) if metrics.status == 200 else ()
    return Process(url, replace(ready, text=""), _failing(ready), metrics, samples)


class _Readiness(msgspec.Struct):
    ready: bool
    failing: dict[str, str]


def _failing(ready: Answer) -> Mapping[str, str] | None:
    try:
        return msgspec.json.decode(ready.text, type=_Readiness).failing
    except (msgspec.DecodeError, UnicodeError):
        return None
