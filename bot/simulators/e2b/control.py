"""The control plane: sandboxes are made, found, paused, copied and ended here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.responses import Response

from bot.simulators.e2b.calls import Call, Fields, Refusal, Route, json_answer, no_content
from bot.simulators.e2b.clock import timestamp
from bot.simulators.e2b.faults import Kind
from bot.simulators.e2b.machine import GuestError, MachineGone
from bot.simulators.e2b.network import Policy
from bot.simulators.e2b.sandboxes import Image, Inside, Sandbox, SandboxState, Wanted

ENVD_VERSION = "0.6.7"
LIFETIME = 300  # seconds, when nobody says
_CPUS, _MEMORY_MB, _DISK_MB = 2, 512, 10_240
_MOST_FORKS = 20
_PAGE = 100
_BROKEN = {Kind.ZOMBIE: Inside.CLOSED, Kind.SILENT: Inside.SILENT}
_KEY = re.compile(r"[a-z0-9-]{1,255}")
_NETWORK = ("allowOut", "denyOut", "dnsServers", "allowPublicTraffic")
_CREATE = ("templateID", "timeout", "metadata", "envVars", "autoPause", "autoPauseMemory", "autoResume")


async def create(call: Call) -> Response:
    sent = call.fields(*_CREATE, "allow_internet_access", "network")
    wanted = _wanted(call, sent)
    key = call.request.headers.get("idempotency-key")
    if key is None:
        call.sandbox = await _create(call, wanted)
        return _made(call.sandbox)
    if not _KEY.fullmatch(key):
        raise Refusal(400, "Idempotency-Key must be 1 to 255 characters of a-z, 0-9 and -")
    promised = call.stage.promised.get(key)
    if promised is None:
        promised = call.stage.promised[key] = asyncio.ensure_future(_create(call, wanted))
    try:
        call.sandbox = await asyncio.shield(promised)
        return _made(call.sandbox)
    except BaseException:
        if promised.done():
            call.stage.promised.pop(key, None)  # what failed may be tried again
        raise


def _wanted(call: Call, sent: Fields) -> Wanted:
    network = sent.part("network")
    if unknown := sorted(network.sent.keys() - set(_NETWORK)):
        call.stage.errors.append(f"create: not simulated: network.{unknown[0]}")
        raise Refusal(400, f"network.{unknown[0]} is unsupported")
    return Wanted(
        template=sent.text("templateID"),
        timeout=_lifetime(call, sent),
        metadata=sent.mapping("metadata"),
        envs=sent.mapping("envVars"),
        policy=_policy(network, internet=sent.flag("allow_internet_access", True)),
        network=network.sent,
        auto_pause=sent.flag("autoPause", False),
        auto_resume=sent.part("autoResume").flag("enabled", False),
    )


def _lifetime(call: Call, sent: Fields) -> int:
    seconds = sent.number("timeout", LIFETIME)
    if seconds < 0:
        raise Refusal(400, "Timeout must be at least 0")
    if seconds > call.stage.plan.longest:
        raise Refusal(400, f"Timeout cannot be greater than {call.stage.plan.longest // 3600} hours")
    return seconds


def _policy(network: Fields, *, internet: bool) -> Policy:
    policy = Policy(network.texts("allowOut"), network.texts("denyOut"), internet)
    if problem := policy.problem():
        raise Refusal(400, problem)
    return policy


async def _create(call: Call, wanted: Wanted) -> Sandbox:
    files = _files_of(call, wanted.template)
    _count(call, creation=True)
    sandbox = await _boot(call, wanted, files)
    if call.failure is not None:
        sandbox.inside = _BROKEN.get(call.failure.kind, Inside.WELL)
    return sandbox


async def _boot(call: Call, wanted: Wanted, files: Path | None) -> Sandbox:
    try:
        return await call.stage.sandboxes.create(wanted, files)
    except (MachineGone, GuestError, OSError) as error:
        call.stage.errors.append(f"a machine could not be started: {error}")
        raise Refusal(500, "Failed to place sandbox") from error


def _files_of(call: Call, template: str) -> Path | None:
    """Of a snapshot; None for a template."""
    if template in call.stage.templates:
        return None
    image = call.stage.sandboxes.find_image(template)
    if image is None:
        raise Refusal(404, f"template '{template}' not found")
    return image.path


def _count(call: Call, *, creation: bool) -> None:
    """One more sandbox runs. Raises what the plan does not allow."""
    plan, sandboxes = call.stage.plan, call.stage.sandboxes
    if creation and not call.stage.creations.take():
        raise Refusal(429, "Rate limit exceeded, please try again later")
    running = sum(s.state is SandboxState.RUNNING for s in sandboxes.running.values()) + sandboxes.starting
    if running >= plan.concurrent:
        raise Refusal(429, f"you have reached the maximum number of concurrent E2B sandboxes ({plan.concurrent})")


def _made(sandbox: Sandbox, status: int = 201) -> Response:
    return json_answer(_access(sandbox), status)


def _access(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "templateID": sandbox.wanted.template,
        "sandboxID": sandbox.id,
        "clientID": "simulator",
        "envdVersion": ENVD_VERSION,
        "envdAccessToken": sandbox.token,
        "trafficAccessToken": None,
        "domain": None,
    }


def _known(call: Call) -> Sandbox:
    id = call.parameters["id"]
    sandbox = call.stage.sandboxes.find(id)
    if sandbox is None:
        raise Refusal(404, f"Sandbox {id} not found")
    return sandbox


async def connect(call: Call) -> Response:
    sent = call.fields("timeout", "memory")
    seconds, sandbox = _lifetime(call, sent), _known(call)
    async with sandbox.changing:
        if sandbox.state is SandboxState.RUNNING:
            call.stage.sandboxes.set_timeout(sandbox, seconds, only_longer=True)
            return _made(sandbox, 200)
        _count(call, creation=False)
        await call.stage.sandboxes.resume(sandbox, seconds, reboot=not sent.flag("memory", True))
    return _made(sandbox)


async def info(call: Call) -> Response:
    return json_answer(_row(_known(call), whole=True))


def _row(sandbox: Sandbox, *, whole: bool = False) -> dict[str, Any]:
    row: dict[str, Any] = {
        "templateID": sandbox.wanted.template,
        "alias": sandbox.wanted.template,
        "sandboxID": sandbox.id,
        "clientID": "simulator",
        "startedAt": timestamp(sandbox.started_at),
        "endAt": timestamp(sandbox.ends_at),
        "cpuCount": _CPUS,
        "memoryMB": _MEMORY_MB,
        "diskSizeMB": _DISK_MB,
        "metadata": dict(sandbox.metadata),
        "state": sandbox.state.value,
        "envdVersion": ENVD_VERSION,
    }
    if whole:
        policy = sandbox.gate.policy
        row["envdAccessToken"] = sandbox.token
        row["domain"] = None
        row["allowInternetAccess"] = policy.internet
        row["network"] = {"allowOut": list(policy.allow_out), "denyOut": list(policy.deny_out)}
        row["network"] |= {key: value for key, value in sandbox.wanted.network.items() if key not in row["network"]}
        ending = "pause" if sandbox.wanted.auto_pause else "kill"
        row["lifecycle"] = {"autoResume": sandbox.wanted.auto_resume, "onTimeout": ending}
    return row


async def list_sandboxes(call: Call) -> Response:
    states = call.query("state", "running,paused").split(",")
    if wrong := set(states) - {state.value for state in SandboxState}:
        raise Refusal(400, f"state {wrong.pop()!r} is unknown")
    wanted = [(unquote(key), unquote(value)) for key, value in parse_qsl(call.query("metadata"))]
    call.stage.sandboxes.find("")  # whose time is over is not listed
    rows = [
        sandbox
        for sandbox in call.stage.sandboxes.running.values()
        if sandbox.state.value in states
        and all(sandbox.metadata.get(key) == value for key, value in wanted)
        and call.query("template", sandbox.wanted.template) == sandbox.wanted.template
    ]
    newest_first = call.query("order", "desc") == "desc"
    rows.sort(key=lambda sandbox: (sandbox.started_at, sandbox.id), reverse=newest_first)
    page, more = _page(call, [sandbox.id for sandbox in rows])
    shown = [_row(sandbox) for sandbox in rows if sandbox.id in page]
    return json_answer(shown, headers={"X-Next-Token": more} if more else {})


def _page(call: Call, ids: Sequence[str]) -> tuple[Sequence[str], str]:
    """One page, and the token of the next: the last id of this one."""
    limit = call.query("limit", str(_PAGE))
    if not limit.isdigit() or not 1 <= int(limit) <= _PAGE:
        raise Refusal(400, f"limit must be 1 to {_PAGE}")
    after = call.query("nextToken")
    if after and after not in ids:
        raise Refusal(400, "nextToken is not valid")
    start = ids.index(after) + 1 if after else 0
    page = ids[start : start + int(limit)]
    return page, page[-1] if start + len(page) < len(ids) else ""


async def kill(call: Call) -> Response:
    call.stage.sandboxes.kill(_known(call))
    return no_content()


async def set_timeout(call: Call) -> Response:
    sent = call.fields("timeout")
    sent.number("timeout")
    call.stage.sandboxes.set_timeout(_running(call), _lifetime(call, sent))
    return no_content()


def _running(call: Call) -> Sandbox:
    sandbox = _known(call)
    if sandbox.state is not SandboxState.RUNNING:
        raise Refusal(404, f"Sandbox {sandbox.id} is not running")
    return sandbox


async def pause(call: Call) -> Response:
    call.fields("memory", "requireHealthyGuest")
    sandbox = _known(call)
    async with sandbox.changing:
        if sandbox.state is SandboxState.PAUSED:
            raise Refusal(409, f"Sandbox {sandbox.id} is already paused")
        await call.stage.sandboxes.pause(sandbox)
    return no_content()


async def snapshot(call: Call) -> Response:
    sent = call.fields("name", "memory")
    name, sandbox = sent.text("name", ""), _running(call)
    try:
        image = await call.stage.sandboxes.snapshot(sandbox, name or None)
    except OSError as error:
        _known(call)  # killed meanwhile
        call.stage.errors.append(f"a snapshot failed: {error}")
        raise Refusal(500, "Failed to create snapshot") from error
    return json_answer(_shown(image), 201)


def _shown(image: Image) -> dict[str, Any]:
    return {"snapshotID": image.id, "names": list(image.names)}


async def list_snapshots(call: Call) -> Response:
    images = [
        image
        for image in call.stage.sandboxes.images.values()
        if call.query("sandboxID", image.sandbox) == image.sandbox
        and (not call.query("name") or call.query("name") in image.names)
    ]
    page, more = _page(call, [image.id for image in images])
    return json_answer([_shown(i) for i in images if i.id in page], headers={"X-Next-Token": more} if more else {})


async def delete_snapshot(call: Call) -> Response:
    name = unquote(call.parameters["id"])
    image = call.stage.sandboxes.find_image(name)
    if image is None:
        raise Refusal(404, f"template '{name}' not found")
    await call.stage.sandboxes.delete_image(image)
    return no_content()


async def fork(call: Call) -> Response:
    """Each copy has a result of its own: the plan may allow some and not others."""
    sent = call.fields("timeout", "count")
    seconds, count, sandbox = _lifetime(call, sent), sent.number("count", 1), _running(call)
    if not 1 <= count <= _MOST_FORKS:
        raise Refusal(400, f"count must be 1 to {_MOST_FORKS}")
    results = []
    for _ in range(count):
        try:
            _count(call, creation=False)
            results.append({"sandbox": _access(await call.stage.sandboxes.fork(sandbox, seconds))})
        except Refusal as refusal:
            results.append({"error": {"code": refusal.status, "message": refusal.message}})
        except (MachineGone, GuestError, OSError) as error:
            _known(call)  # killed meanwhile
            call.stage.errors.append(f"a fork could not be started: {error}")
            results.append({"error": {"code": 500, "message": "Failed to place sandbox"}})
    return json_answer(results, 201)


async def network(call: Call) -> Response:
    """All rules are replaced; what is not named is cleared."""
    sent = call.fields("allowOut", "denyOut", "dnsServers", "allow_internet_access")
    policy = _policy(sent, internet=sent.flag("allow_internet_access", True))
    await _running(call).gate.update(policy)
    return no_content()


async def metrics(call: Call) -> Response:
    """One row. Nothing in it is measured but the time."""
    _known(call)
    now = call.stage.clock.time()
    memory, disk = _MEMORY_MB * 1024**2, _DISK_MB * 1024**2
    row = {"timestamp": timestamp(now), "timestampUnix": int(now), "cpuCount": _CPUS, "cpuUsedPct": 0.0}
    return json_answer([{**row, "memUsed": 0, "memTotal": memory, "memCache": 0, "diskUsed": 0, "diskTotal": disk}])


ROUTES = (
    Route("POST", "/v2/sandboxes", "create", create),
    Route("GET", "/v2/sandboxes", "list", list_sandboxes),
    Route("POST", "/v2/sandboxes/{id}/connect", "connect", connect),
    Route("GET", "/sandboxes/{id}", "info", info),
    Route("DELETE", "/sandboxes/{id}", "kill", kill),
    Route("POST", "/sandboxes/{id}/timeout", "timeout", set_timeout),
    Route("POST", "/sandboxes/{id}/pause", "pause", pause),
    Route("POST", "/sandboxes/{id}/snapshots", "snapshot", snapshot),
    Route("POST", "/sandboxes/{id}/fork", "fork", fork),
    Route("PUT", "/sandboxes/{id}/network", "network", network),
    Route("GET", "/sandboxes/{id}/metrics", "metrics", metrics),
    Route("GET", "/snapshots", "list_snapshots", list_snapshots),
    Route("DELETE", "/templates/{id:path}", "delete_snapshot", delete_snapshot),
)
