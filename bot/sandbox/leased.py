"""Sandboxes on machines that services lend: the `Sandboxes` port on top of providers and a ledger.

A lease is written down before its machine is asked for, and the machine carries the lease's key. So after a crash at
any point it is known which machines are ours, which one belongs to whom, and which belong to nobody. Those are killed
by `tend`, which is to be called about once a minute, by any number of workers.

A machine begins with the network off. It is healthy or it is replaced before anybody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import structlog

from bot.core import breaker
from bot.core.machines import WARM, Image, ImageId, Lease, LeaseKey, MachineId
from bot.core.model import SandboxId, SnapshotId
from bot.core.toolchain import meant_for
from bot.ports import (
    Clock,
    Crowded,
    Denied,
    Finished,
    Gone,
    Ledger,
    Rejected,
    SandboxLost,
    SandboxUnusable,
    Unavailable,
    WorldError,
)
from bot.sandbox.files import UNPACK, as_archive, read_script, take_script, write_script
from bot.sandbox.jobs import FOLDER, RESULT_LIMIT, Job, finished, run_script, stop_script
from bot.sandbox.machine_files import (
    CLOSED,
    OPEN_FOLDERS,
    cut_off_script,
    decoded,
    packed_script,
    said_script,
    used_up_script,
)
from bot.sandbox.provider import Provider, Wanted
from bot.sandbox.rooms import checked
from bot.sandbox.watch import PlanWatch

log = structlog.get_logger()

_GRACE = 30.0  # seconds that a job's script gets beyond the job
_ERRAND = 120.0  # seconds for packing and unpacking
_TRIES = 3  # machines in a row that may be dead on arrival
_CROWDED = 10.0  # seconds until we look again whether there is room


@dataclass(frozen=True, slots=True)
class LendingOptions:
    seconds: int = 1800  # that a machine lives when nobody extends its life; `tend` does
    at_most: int = 20  # machines at a time, of one provider
    templates: tuple[str, ...] = ()  # `name` for all, `python=name` for one ecosystem; none is the provider's own
    probe: float = 10.0  # seconds that a new machine has to show that it works
    read: float = 3.0  # seconds for reading a file
    warm: int = 0  # machines that are kept ready for new solves


class LeasedSandboxes:
    """`providers` in the order of preference; what began with one stays there."""

    def __init__(
        self,
        providers: Sequence[Provider],
        ledger: Ledger,
        clock: Clock,
        options: LendingOptions,
        watch: PlanWatch | None = None,
    ) -> None:
        """`watch` looks after the plan whenever the rest is tended."""
        self._providers = {provider.name: provider for provider in providers}
        self._ledger = ledger
        self._clock = clock
        self._options = options
        self._watch = watch
        self._turns: dict[SandboxId, asyncio.Lock] = {}
        self._unknown_images: dict[str, set[ImageId]] = {}  # by the providers' names

    async def check(self) -> None:
        """That the keys are good. A service that does not answer is waited for later, by those who need it."""
        for provider in self._providers.values():
            try:
                await provider.machines()
            except Denied as error:
                raise SandboxUnusable(str(error), remedy=error.remedy) from error
            except Unavailable as error:
                log.warning("sandbox.provider.away", provider=provider.name, reason=str(error))

    # ------------------------------------------------------------------------------------------------ life and death

    async def create(self, id: SandboxId, *, snapshot: SnapshotId | None = None, ecosystem: str = "") -> None:
        checked(id)
        image = None if snapshot is None else await self._image(snapshot)
        lease = await self._ledger.lease(id)
        if lease is not None and lease.machine is None and lease.image == (image and image.image):
            if machine := await self._made(lease):
                if await self._is_well(lease, machine):
                    return
                await self._return(lease)
                lease = None
        elif lease is not None:
            await self.close(id)
            lease = None
        template = "" if image else next(iter(meant_for(ecosystem, self._options.templates)), "")
        if lease is None and image is None and template == self._usual and await self._from_the_pool(id):
            return
        await self._ask(lease or await self._intend(id, image), template)

    @property
    def _usual(self) -> str:
        """The template of warm machines."""
        return next(iter(meant_for("", self._options.templates)), "")

    async def _made(self, lease: Lease) -> MachineId | None:
        """The machine that a crash or a lost answer has kept from us."""
        machines = await self._provider(lease).machines()
        return next((machine.id for machine in machines if machine.key == lease.key), None)

    async def _ask(self, lease: Lease, template: str) -> None:
        for _ in range(_TRIES):
            lease, machine = await self._new_machine(lease, template)
            if await self._is_well(lease, machine):
                return
            log.warning("sandbox.dead_on_arrival", sandbox=lease.sandbox, machine=machine)
            await self._return(replace(lease, machine=machine))
            lease = await self._write_down(replace(lease, key=_new_key()))
        await self._ledger.returned(lease.key)
        raise Unavailable(f"{_TRIES} machines in a row were dead on arrival", retry_after=_CROWDED)

    async def _new_machine(self, lease: Lease, template: str) -> tuple[Lease, MachineId]:
        provider = self._provider(lease)
        wanted = Wanted(
            lease.key,
            self._options.seconds,
            template=template,
            image=lease.image,
            labels={"sandbox": lease.sandbox},
        )
        try:
            return lease, await provider.create(wanted)
        except Rejected as error:
            await self._ledger.returned(lease.key)
            if wanted.image:
                await self._forget(lease.provider, wanted.image)
                raise SandboxLost(str(error)) from error
            if not wanted.template:
                raise
            log.warning("sandbox.template.unknown", template=wanted.template, reason=str(error))
            lease = await self._write_down(replace(lease, key=_new_key()))
            return lease, await provider.create(replace(wanted, key=lease.key, template=""))

    async def _is_well(self, lease: Lease, machine: MachineId) -> bool:
        """It has a shell and our folders. From here on the lease says which machine it is."""
        try:
            said = await self._provider(lease).execute(machine, OPEN_FOLDERS, timeout=self._options.probe, as_root=True)
        except Crowded:  # says nothing about the machine, and another one would only add to it
            raise
        except (Unavailable, SandboxLost):
            return False
        if said.exit_code != 0:
            return False
        try:
            await self._ledger.lent(lease.key, machine)
        except Gone as error:
            raise SandboxLost(f"{lease.sandbox} was closed while it was made") from error
        return True

    async def _intend(self, id: SandboxId, image: Image | None) -> Lease:
        now = self._clock.now()
        return await self._write_down(
            Lease(
                _new_key(),
                id,
                image.provider if image else await self._preferred(),
                asked_at=now,
                expires_at=now + timedelta(seconds=self._options.seconds),
                image=image.image if image else None,
            )
        )

    async def _write_down(self, lease: Lease) -> Lease:
        if not await self._ledger.intend(lease, at_most=self._options.at_most):
            raise Crowded(f"{self._options.at_most} machines of {lease.provider} are in use", retry_after=_CROWDED)
        return lease

    async def _preferred(self) -> str:
        """The first that is well. When none is, the first says how long to wait."""
        now = self._clock.now()
        for name in self._providers:
            if breaker.wait(await self._ledger.health(name), now) is None:
                return name
        return next(iter(self._providers))

    async def exists(self, id: SandboxId) -> bool:
        lease = await self._ledger.lease(id)
        return lease is not None and lease.machine is not None

    async def close(self, id: SandboxId) -> None:
        lease = await self._ledger.lease(id)
        if lease is not None:
            await self._return(lease)
        self._turns.pop(id, None)

    async def _return(self, lease: Lease) -> None:
        """When the service is away, `tend` kills it later: nobody else has the key."""
        try:
            machine = lease.machine or await self._made(lease)
            if machine is not None:
                await self._provider(lease).kill(machine)
        except Unavailable as error:
            log.warning("sandbox.close.postponed", sandbox=lease.sandbox, reason=str(error))
        await self._ledger.returned(lease.key)

    async def living(self) -> list[SandboxId]:
        return sorted(lease.sandbox for lease in await self._ledger.leases() if not lease.is_warm)

    # ----------------------------------------------------------------------------------------------------- snapshots

    async def snapshot(self, id: SandboxId, name: SnapshotId) -> None:
        checked(name)
        lease = await self._ledger.lease(id)
        if lease is None and await self._ledger.image(name) is not None:
            return
        lease, machine = await self._held(id)
        provider = self._provider(lease)
        await self._errand(lease, f"rm -rf {FOLDER}; sync")
        saved = Image(name, provider.name, await provider.save(machine, "prepared"), self._clock.now())
        if earlier := await self._ledger.saved(saved):
            await self._delete(earlier)

    async def name_snapshot(self, name: SnapshotId, another: SnapshotId) -> bool:
        checked(another)
        return await self._ledger.named(name, another)

    async def drop_snapshot(self, name: SnapshotId) -> None:
        if image := await self._ledger.deleted(name):
            await self._delete(image)

    async def snapshots(self) -> list[SnapshotId]:
        return sorted(image.name for image in await self._ledger.images())

    async def _delete(self, image: Image) -> None:
        with suppress(Unavailable):  # `tend` finds it again
            await self._providers[image.provider].delete_image(image.image)

    async def _forget(self, provider: str, image: ImageId) -> None:
        """The service no longer has it, so under none of its names will it be asked for again."""
        for known in await self._ledger.images():
            if (known.provider, known.image) == (provider, image):
                await self._ledger.deleted(known.name)

    async def _image(self, name: SnapshotId) -> Image:
        image = await self._ledger.image(name)
        if image is None:
            raise SandboxLost(f"snapshot {name} is not there")
        return image

    # ------------------------------------------------------------------------------------------------------ commands

    async def run(
        self,
        id: SandboxId,
        command: str,
        *,
        timeout: float,
        network: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        once: str | None = None,
    ) -> Finished:
        lease, machine = await self._held(id)
        job = Job(f"{lease.key} {once or uuid4()}", command, timeout, env or {})
        async with self._turn(id), self._reaching(lease, machine, network):
            return await self._run(lease, machine, job)

    async def _run(self, lease: Lease, machine: MachineId, job: Job) -> Finished:
        provider = self._provider(lease)
        if job.input is not None:
            await provider.upload(machine, job.input, job.content)
        try:
            said = await provider.execute(machine, run_script(job), timeout=job.seconds + _GRACE, limit=RESULT_LIMIT)
        except asyncio.CancelledError:
            with suppress(WorldError):
                await asyncio.shield(provider.execute(machine, stop_script(job), timeout=_GRACE))
            raise
        return finished(said, job)

    def _turn(self, id: SandboxId) -> asyncio.Lock:
        """One command at a time: at its end, whatever still runs is ended. Waiting counts against no timeout."""
        return self._turns.setdefault(id, asyncio.Lock())

    @asynccontextmanager
    async def _reaching(self, lease: Lease, machine: MachineId, hosts: Sequence[str]) -> AsyncIterator[None]:
        provider = self._provider(lease)
        if not hosts:
            if lease.networked:
                await self._cut_off(lease, machine, ())
            yield
            return
        await self._ledger.networked(lease.key, True)
        await provider.allow(machine, hosts)
        try:
            yield
        except asyncio.CancelledError:  # whoever cancels must not meet another error instead
            with suppress(WorldError):
                await asyncio.shield(self._cut_off(lease, machine, hosts))
            raise
        except Exception:
            await asyncio.shield(self._cut_off(lease, machine, hosts))
            raise
        await asyncio.shield(self._cut_off(lease, machine, hosts))

    async def _cut_off(self, lease: Lease, machine: MachineId, hosts: Sequence[str]) -> None:
        """And look whether it is true."""
        provider = self._provider(lease)
        await provider.allow(machine, ())
        said = await provider.execute(machine, cut_off_script(hosts), timeout=_GRACE)
        if said.exit_code != CLOSED:
            await provider.kill(machine)
            raise SandboxUnusable(f"{provider.name} did not take the network away: {said.output!r}")
        await self._ledger.networked(lease.key, False)

    # --------------------------------------------------------------------------------------------------------- files

    async def put(self, id: SandboxId, archive: Path) -> None:
        lease, machine = await self._held(id)
        await self._unpack(lease, machine, archive, UNPACK)

    async def write(self, id: SandboxId, files: Mapping[str, tuple[bytes, str]], *, delete: Sequence[str] = ()) -> None:
        content, script = as_archive(files), write_script(delete)
        lease, machine = await self._held(id)
        await self._unpack(lease, machine, content, script)

    async def _unpack(self, lease: Lease, machine: MachineId, archive: bytes | Path, script: str) -> None:
        path = f"{FOLDER}/{uuid4().hex}.tar"
        await self._provider(lease).upload(machine, path, archive)
        await self._errand(lease, used_up_script(script, path), "cannot be unpacked")

    async def read(self, id: SandboxId, path: str, *, limit: int) -> bytes | None:
        lease, machine = await self._held(id)
        said = await self._provider(lease).execute(
            machine, said_script(read_script(path, limit)), timeout=self._options.read, limit=2 * limit + 64
        )
        return decoded(said)

    async def take(self, id: SandboxId, into: Path, *, exclude: Sequence[str] = (), limit: int) -> None:
        lease, machine = await self._held(id)
        path = f"{FOLDER}/{uuid4().hex}.tar"
        await self._errand(lease, packed_script(take_script(exclude), path, limit), "cannot be archived")
        await self._provider(lease).download(machine, path, into, limit=limit)
        with suppress(Unavailable):
            await self._errand(lease, f"rm -f {path}")

    async def _errand(self, lease: Lease, script: str, why: str = "does not take it") -> None:
        """Raises `Rejected` when the script fails: the machine does what it is told, so it is about the files."""
        assert lease.machine is not None
        said = await self._provider(lease).execute(lease.machine, f"exec 2>&1; {script}", timeout=_ERRAND)
        if said.exit_code != 0:
            raise Rejected(f"the workspace {why}: {said.output[-2000:].decode(errors='replace')}")

    # ------------------------------------------------------------------------------------------------------- tending

    async def tend(self) -> None:
        """Kill what nobody holds, extend what is held, keep the pool filled. About once a minute."""
        if self._watch is not None:
            await self._watch.tidy()
        for provider in self._providers.values():
            try:
                await self._reap(provider)
                await self._reap_images(provider)
                await self._extend(provider)
                await self._fill(provider)
            except Unavailable as error:
                log.info("sandbox.tend.postponed", provider=provider.name, reason=str(error))
            except WorldError as error:  # of this service: the others are tended all the same
                log.error("sandbox.tend.failed", provider=provider.name, reason=str(error), remedy=error.remedy)

    async def _reap(self, provider: Provider) -> None:
        machines = await provider.machines()  # before the leases: whatever is in this list was written down before
        held = {lease.key: lease for lease in await self._ledger.leases()}
        for machine in machines:
            lease = held.get(machine.key) if machine.key else None
            if lease is None or lease.machine not in (None, machine.id):
                log.warning("sandbox.orphan", provider=provider.name, machine=machine.id)
                await provider.kill(machine.id)

    async def _reap_images(self, provider: Provider) -> None:
        """One that is unknown twice in a row: the first time, somebody may be about to write it down."""
        known = {image.image for image in await self._ledger.images()}
        unknown = set(await provider.images()) - known
        for image in unknown & self._unknown_images.get(provider.name, set()):
            log.warning("sandbox.snapshot.orphan", provider=provider.name, image=image)
            await provider.delete_image(image)
        self._unknown_images[provider.name] = unknown

    async def _extend(self, provider: Provider) -> None:
        now, whole = self._clock.now(), timedelta(seconds=self._options.seconds)
        for lease in await self._ledger.leases():
            if lease.provider == provider.name and lease.machine and lease.expires_at - now < whole / 2:
                with suppress(SandboxLost, Rejected):  # whoever uses it will notice
                    await provider.extend(lease.machine, self._options.seconds)
                    await self._ledger.extended(lease.key, now + whole)

    # ---------------------------------------------------------------------------------------------------------- pool

    async def _fill(self, provider: Provider) -> None:
        """One at a time; the provider's own limit spaces them further."""
        if provider.name != next(iter(self._providers)):
            return
        await self._forget_half_made()
        ready = sum(lease.is_warm for lease in await self._ledger.leases())
        while ready < self._options.warm:
            id = SandboxId(f"{WARM}{uuid4().hex}")
            try:
                await self._ask(await self._intend(id, None), self._usual)
            except WorldError:
                await self.close(id)
                raise
            ready += 1

    async def _forget_half_made(self) -> None:
        """Whoever began to make these is no more, and so are the machines, if there ever were any."""
        for lease in await self._ledger.leases():
            if lease.is_warm and lease.machine is None and lease.expires_at < self._clock.now():
                await self._ledger.returned(lease.key)

    async def _from_the_pool(self, id: SandboxId) -> bool:
        for lease in await self._ledger.leases() if self._options.warm else ():
            if lease.is_warm and lease.machine and await self._ledger.hand_over(lease.key, id):
                if await self._is_well(lease, lease.machine):
                    return True
                await self._return(lease)
        return False

    # ------------------------------------------------------------------------------------------------------- details

    def _provider(self, lease: Lease) -> Provider:
        if lease.provider not in self._providers:
            raise SandboxLost(f"{lease.provider} is no longer among the providers of sandboxes")
        return self._providers[lease.provider]

    async def _held(self, id: SandboxId) -> tuple[Lease, MachineId]:
        lease = await self._ledger.lease(id)
        if lease is None or lease.machine is None:
            raise SandboxLost(f"there is no sandbox {id}")
        return lease, lease.machine


def _new_key() -> LeaseKey:
    return LeaseKey(str(uuid4()))
