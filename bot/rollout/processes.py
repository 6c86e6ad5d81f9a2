"""What runs: processes that outlive the command which started them. A pid is believed only with its start.

Nobody starts a process again that ends by itself: that is what systemd or a container is for.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from bot.core.operations.rollout import Member, Role
from bot.ports import HostBroken
from bot.rollout.releases import Release

LOOK = 0.1  # seconds between two looks at a process of which we are not told when it ends
READY_SECONDS = 90.0
LEAVE_SECONDS = "3"  # of a receiver: a proxy that asks /healthz every second knows by then
STOP_SECONDS = 90.0  # for model calls and commands under way: more than STOP_SECONDS of the settings


class Processes:
    def __init__(self, root: Path, env: Mapping[str, str], *, within: float = READY_SECONDS) -> None:
        self._root = root
        self._env = env
        self._within = within
        self._run, self._log = root / "run", root / "log"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def runs(self, member: Member) -> bool:
        return self._pid(member) is not None

    def start(self, member: Member, release: Release) -> None:
        self._run.mkdir(exist_ok=True)
        self._log.mkdir(exist_ok=True)
        env = release.environment({**self._env, **_ports(member)})
        with open(self._log / f"{member.name}.log", "ab") as log:
            child = subprocess.Popen(
                release.argv(member.role.value), cwd=self._root, env=env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._children[member.name] = child
        state = {"pid": child.pid, "started": _started(child.pid), "release": release.name}
        (self._run / f"{member.name}.json").write_text(json.dumps(state))

    async def ready(self, member: Member) -> None:
        """Wait until it is. Raises `HostBroken` when it ends instead, or takes too long."""
        url = f"http://127.0.0.1:{member.operators}/readyz"
        try:
            async with asyncio.timeout(self._within), aiohttp.ClientSession() as session:
                while not await _answers(session, url):
                    if not self.runs(member):
                        raise HostBroken(f"{member.name} ended by itself: {self._last_words(member)}")
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise HostBroken(f"{member.name} is not ready after {self._within:g} s") from None

    async def stop(self, member: Member) -> None:
        """Ask, and wait; after STOP_SECONDS it is killed, and what it was at goes on elsewhere."""
        pid = self._pid(member)
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while self.runs(member):  # noqa: ASYNC110 - it may be nobody's child
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
        (self._run / f"{member.name}.json").unlink(missing_ok=True)

    async def stop_others(self, members: Sequence[Member]) -> None:
        """Those of a deployment that had more."""
        names = {member.name for member in members}
        for file in self._run.glob("*-*.json"):
            role, _, number = file.stem.partition("-")
            if file.stem not in names:
                await self.stop(Member(Role(role), int(number), 0, 0))

    def _pid(self, member: Member) -> int | None:
        if (child := self._children.get(member.name)) is not None:
            child.poll()  # so that one which has ended is gone
        try:
            state = json.loads((self._run / f"{member.name}.json").read_text())
            return int(state["pid"]) if _started(state["pid"]) == state["started"] else None
        except (OSError, ValueError, KeyError):
            return None

    def _last_words(self, member: Member) -> str:
        lines = (self._log / f"{member.name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1][-500:] if lines else "it said nothing"


def _started(pid: int) -> str:
    """In ticks since the machine's own start; "" when it is gone, or only waits to be buried."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _ports(member: Member) -> dict[str, str]:
    if member.role is Role.WORKER:
        return {"WORKER_PORT": str(member.operators)}
    return {"PORT": str(member.port), "METRICS_PORT": str(member.operators), "LEAVE_SECONDS": LEAVE_SECONDS}


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(5)) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
