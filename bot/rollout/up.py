"""`solvebot up`, top to bottom: made, examined, migrated, replaced one by one, looked at; and back when it fails."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.core.operations.rollout import Member, WayBack, members, way_back
from bot.core.render import rollout as render
from bot.ports import HostBroken
from bot.rollout.processes import Processes
from bot.rollout.releases import Release, Releases
from bot.settings import Settings, SettingsError

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class UpOptions:
    """`url`: the public address; `ca`: a certificate to trust there, "" for those of this machine."""

    root: Path
    source: Path
    webs: int
    workers: int
    url: str
    ca: str = ""


NOT_BROKEN = (0, 3)  # exit codes of `solvebot check`: all is well, or not all could be looked at


@dataclass(frozen=True, slots=True)
class Rollout:
    releases: Releases
    processes: Processes
    members: Sequence[Member]
    url: str
    ca: str
    env: Mapping[str, str]
    say: Say

    async def up(self, new: Release) -> int:
        """0, or 1 when it did not come to pass; what ran before runs then, unless the end says otherwise."""
        old = self.releases.current()
        back = way_back(old.schema() if old else None, new.schema())
        replaced: list[Member] = []
        try:
            self._examine(new)
            self._migrate(new)
            await self._replace(new, replaced)
            self._look(new)
        except HostBroken as error:
            self.say(render.failed(str(error)))
            await self._go_back(old, back, replaced)
            return 1
        self.releases.switch(new)
        await self.processes.stop_others(self.members)
        self.releases.tidy()
        self.say(render.done(new.name))
        return 0

    def _examine(self, new: Release) -> None:
        """What the doctor finds wrong with the settings, before anything that runs is touched."""
        found = new.run(self.releases.root, "doctor", "--json", env=self.env)
        try:
            findings = json.loads(found.stdout)["findings"]
        except (ValueError, KeyError, TypeError):
            raise HostBroken(f"the doctor of {new.name} did not answer: {found.stderr.strip()[-500:]}") from None
        if bad := [f"{each['what']}: {each['found']}" for each in findings if each["health"] == "bad"]:
            raise HostBroken("; ".join(bad))
        self.say(render.examined())

    def _migrate(self, new: Release) -> None:
        done = new.run(self.releases.root, "migrate", env=self.env)
        if done.returncode:
            raise HostBroken(f"the database could not be brought up to date: {done.stderr.strip()[-500:]}")
        self.say(render.migrated(new.schema()))

    async def _replace(self, new: Release, replaced: list[Member]) -> None:
        for member in self.members:
            replaced.append(member)
            await self._start_anew(member, new)
            self.say(render.replaced(member.name))

    async def _start_anew(self, member: Member, release: Release) -> None:
        await self.processes.stop(member)
        self.processes.start(member, release)
        await self.processes.ready(member)

    def _look(self, new: Release) -> None:
        operators = [word for each in self.members for word in ("--operators", f"http://127.0.0.1:{each.operators}")]
        trust = ("--ca", self.ca) if self.ca else ()
        found = new.run(self.releases.root, "check", self.url, *operators, *trust, env=self.env)
        self.say(found.stdout.rstrip())
        if found.returncode not in NOT_BROKEN:
            raise HostBroken(f"something is broken, seen from outside at {self.url} {found.stderr.strip()[-500:]}")

    async def _go_back(self, old: Release | None, back: WayBack, replaced: Sequence[Member]) -> None:
        if back is WayBack.RELEASE and old is not None:
            for member in replaced:
                await self._start_anew(member, old)
            self.say(render.went_back(old.name))
        elif back is WayBack.BY_HAND and old is not None:
            self.say(render.stays(old.name))
        else:
            for member in replaced:
                await self.processes.stop(member)
            self.say(render.nothing_before())


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Raises `HostBroken` while another one is at it."""
    root.mkdir(parents=True, exist_ok=True)
    with open(root / ".up", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HostBroken(f"another `solvebot up` is at work in {root}") from None
        yield


def port_of(env: Mapping[str, str]) -> int:
    """The first receiver's. Raises `HostBroken` where the settings cannot be read."""
    try:
        return Settings.from_env(env).port
    except SettingsError as error:
        raise HostBroken(f"these settings need you: {error}") from error


async def roll_out(options: UpOptions, env: Mapping[str, str], now: datetime, say: Say) -> int:
    """Raises `HostBroken`."""
    root = options.root.absolute()
    with alone(root):
        releases = Releases(root)
        rows = members(options.webs, options.workers, port_of(env))
        new = releases.make(options.source, now)
        say(render.made(new.name))
        rollout = Rollout(releases, Processes(root, env), rows, options.url, options.ca, env, say)
        return await rollout.up(new)
