"""Machines that services lend us: asked for, held, given back, and looked after.

A lease is written down before its machine is asked for, and the machine carries the lease's key. So after a crash at
any point it is known which machines are ours, which one belongs to whom, and which belong to nobody. Those are killed
by `tend`, which is to be called about once a minute, by any number of workers.

A machine is healthy or it is replaced before anybody waits for it. One that no longer does what it is told, at a
service that answers, is as good as lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import structlog

from bot.core.environment.ecosystems import meant_for
from bot.core.model import SandboxId
from bot.core.resilience import circuit_breaker
from bot.core.resilience.sandbox_leases import WARM, Image, ImageId, Lease, LeaseKey, MachineId
from bot.ports import (
    Clock,
    Crowded,
    Gone,
    Ledger,
    LeftAlone,
    Rejected,
    SandboxLost,
    Unavailable,
    Unclear,
    WorldError,
)
from bot.sandbox.provider import Provider, Said, Wanted
from bot.sandbox.remote_files import OPEN_FOLDERS

log = structlog.get_logger()

_TRIES = 3  # machines in a row that may be dead on arrival
_CROWDED = 10.0  # seconds until we look again whether there is room
_MAKING = timedelta(minutes=2)  # that nobody needs for making a warm machine


@dataclass(frozen=True, slots=True)
class LendingOptions:
    seconds: int = 1800  # that a machine lives when nobody extends its life; `tend` does
    at_most: int = 20  # machines at a time, of one provider
    templates: tuple[str, ...] = ()  # `name` for all, `python=name` for one ecosystem; none is the provider's own
    probe: float = 10.0  # seconds that a new machine has to show that it works
    read: float = 3.0  # seconds for reading a file
    warm: int = 0  # machines that are kept ready for new solves


class Lender:
    """`providers` in the order of preference."""

    def __init__(self, providers: Sequence[Provider], ledger: Ledger, clock: Clock, options: LendingOptions) -> None:
        self._providers = {provider.name: provider for provider in providers}
        self._ledger = ledger
        self._clock = clock
        self._options = options
        self._unknown_images: dict[str, set[ImageId]] = {}  # by the providers' names

    @property
    def providers(self) -> Sequence[Provider]:
        return tuple(self._providers.values())

    def provider(self, name: str) -> Provider:
        if name not in self._providers:
            raise SandboxLost(f"{name} is no longer among the providers of sandboxes")
        return self._providers[name]

    async def held(self, id: SandboxId) -> tuple[Lease, MachineId]:
        lease = await self._ledger.lease(id)
        if lease is None or lease.machine is None:
            raise SandboxLost(f"there is no sandbox {id}")
        return lease, lease.machine

    async def execute(self, lease: Lease, script: str, *, timeout: float, limit: int = 131_072) -> Said:
        """On the machine that is held. Raises `SandboxLost` when it does not end it, though the service answers."""
        assert lease.machine is not None
        provider = self.provider(lease.provider)
        try:
            return await provider.execute(lease.machine, script, timeout=timeout, limit=limit)
        except Unclear as error:
            if any(machine.id == lease.machine for machine in await provider.machines()):
                await self._kill(provider, lease.machine)
            raise SandboxLost(f"it does not do what it is told: {error}") from error

    # ------------------------------------------------------------------------------------------------------- obtaining

    async def obtain(self, id: SandboxId, image: Image | None, ecosystem: str) -> None:
        """A new machine, in place of the one that there may be. What was asked for already is not asked for again."""
        lease = await self._ledger.lease(id)
        if lease is None or not _asks_for(lease, image):
            await self.close(id)
            lease = None
        elif machine := await self._made(lease):
            if await self._is_well(lease, machine):
                return
            await self._give_back(replace(lease, machine=machine))
            lease = None
        template = "" if image else next(iter(meant_for(ecosystem, self._options.templates)), "")
        if lease is None:
            if image is None and template == self._usual and await self._from_the_pool(id):
                return
            lease = await self._intend(id, image)
        await self._ask(lease, template)

    @property
    def _usual(self) -> str:
        """The template of warm machines."""
        return next(iter(meant_for("", self._options.templates)), "")

    async def _made(self, lease: Lease) -> MachineId | None:
        """The machine that a crash or a lost answer has kept from us."""
        machines = await self.provider(lease.provider).machines()
        return next((machine.id for machine in machines if machine.key == lease.key), None)

    async def _ask(self, lease: Lease, template: str) -> None:
        for _ in range(_TRIES):
            lease, machine = await self._new_machine(lease, template)
            if await self._is_well(lease, machine):
                return
            log.warning("sandbox.dead_on_arrival", sandbox=lease.sandbox, machine=machine)
            await self._give_back(replace(lease, machine=machine))
            lease = await self._write_down(replace(lease, key=_new_key()))
        await self._ledger.returned(lease.key)
        raise Unavailable(f"{_TRIES} machines in a row were dead on arrival", retry_after=_CROWDED)

    async def _new_machine(self, lease: Lease, template: str) -> tuple[Lease, MachineId]:
        provider = self.provider(lease.provider)
        wanted = Wanted(
            lease.key,
            self._options.seconds,
            template=template,
            image=lease.image,
            labels={"sandbox": lease.sandbox},
        )
        try:
            return lease, await provider.create(wanted)
        except Gone as error:
            await self._ledger.returned(lease.key)
            if wanted.image:
                await self._forget(lease.provider, wanted.image)
                raise SandboxLost(str(error)) from error
            if not wanted.template:
                raise Rejected(str(error)) from error
            log.warning("sandbox.template.unknown", template=wanted.template, reason=str(error))
            lease = await self._write_down(replace(lease, key=_new_key()))
            return lease, await provider.create(replace(wanted, key=lease.key, template=""))
        except Rejected:
            await self._ledger.returned(lease.key)
            raise

    async def _is_well(self, lease: Lease, machine: MachineId) -> bool:
        """It has a shell and our folders. From here on the lease says which machine it is."""
        provider = self.provider(lease.provider)
        try:
            said = await provider.execute(machine, OPEN_FOLDERS, timeout=self._options.probe, as_root=True)
        except (Crowded, LeftAlone):  # says nothing about the machine, and another one would only add to it
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
        """When there is no room, a warm machine makes some for one that somebody waits for."""
        try:
            while not await self._ledger.intend(lease, at_most=self._options.at_most):
                if lease.is_warm or not await self._give_up_a_warm_one(lease.provider):
                    raise Crowded(
                        f"{self._options.at_most} machines of {lease.provider} are in use", retry_after=_CROWDED
                    )
        except Rejected as error:
            raise Unavailable(f"somebody else is making {lease.sandbox}", retry_after=1.0) from error
        return lease

    async def _give_up_a_warm_one(self, provider: str) -> bool:
        for lease in await self._ledger.leases():
            if lease.is_warm and lease.provider == provider:
                await self._give_back(lease)
                return True
        return False

    async def _preferred(self) -> str:
        """The first that is well. When none is, the first says how long to wait."""
        now = self._clock.now()
        for name in self._providers:
            if circuit_breaker.wait(await self._ledger.health(name), now) is None:
                return name
        return next(iter(self._providers))

    # ---------------------------------------------------------------------------------------------------- giving back

    async def close(self, id: SandboxId) -> None:
        lease = await self._ledger.lease(id)
        if lease is not None:
            await self._give_back(lease)

    async def _give_back(self, lease: Lease) -> None:
        """Whatever the service says to it: `tend` kills what is left, because nobody has its key any more."""
        try:
            machine = lease.machine or await self._made(lease)
            if machine is not None:
                await self.provider(lease.provider).kill(machine)
        except WorldError as error:
            log.warning("sandbox.close.postponed", sandbox=lease.sandbox, reason=str(error))
        await self._ledger.returned(lease.key)

    async def delete(self, image: Image) -> None:
        """As above."""
        try:
            await self.provider(image.provider).delete_image(image.image)
        except WorldError as error:
            log.warning("sandbox.snapshot.postponed", snapshot=image.name, reason=str(error))

    async def _forget(self, provider: str, image: ImageId) -> None:
        """The service no longer has it, so under none of its names will it be asked for again."""
        for known in await self._ledger.images():
            if (known.provider, known.image) == (provider, image):
                await self._ledger.deleted(known.name)

    async def _kill(self, provider: Provider, machine: MachineId) -> None:
        try:
            await provider.kill(machine)
        except WorldError as error:
            log.warning("sandbox.kill.postponed", machine=machine, reason=str(error))

    # --------------------------------------------------------------------------------------------------------- tending

    async def tend(self) -> None:
        """Extend what is held, kill what nobody holds, keep the pool filled. About once a minute."""
        for provider in self.providers:
            for chore in (self._extend, self._reap, self._reap_images, self._fill):
                try:
                    await chore(provider)
                except Unavailable as error:
                    log.info("sandbox.tend.postponed", provider=provider.name, reason=str(error))
                except WorldError as error:  # of this service, and of this chore
                    log.error("sandbox.tend.failed", provider=provider.name, reason=str(error), remedy=error.remedy)

    async def _extend(self, provider: Provider) -> None:
        now, whole = self._clock.now(), timedelta(seconds=self._options.seconds)
        for lease in await self._ledger.leases():
            if lease.provider == provider.name and lease.machine and lease.expires_at - now < whole / 2:
                with suppress(SandboxLost, Rejected, Gone):  # whoever uses it will notice
                    await provider.extend(lease.machine, self._options.seconds)
                    await self._ledger.extended(lease.key, now + whole)

    async def _reap(self, provider: Provider) -> None:
        machines = await provider.machines()  # before the leases: whatever is in this list was written down before
        held = {lease.key: lease for lease in await self._ledger.leases()}
        for machine in machines:
            lease = held.get(machine.key) if machine.key else None
            if lease is None or lease.machine not in (None, machine.id):
                log.warning("sandbox.orphan", provider=provider.name, machine=machine.id)
                await self._kill(provider, machine.id)

    async def _reap_images(self, provider: Provider) -> None:
        """One that is unknown twice in a row: the first time, somebody may be about to write it down."""
        known = {image.image for image in await self._ledger.images()}
        unknown = set(await provider.images()) - known
        for image in unknown & self._unknown_images.get(provider.name, set()):
            log.warning("sandbox.snapshot.orphan", provider=provider.name, image=image)
            await provider.delete_image(image)
        self._unknown_images[provider.name] = unknown

    # ------------------------------------------------------------------------------------------------------------ pool

    async def _fill(self, provider: Provider) -> None:
        """Warm machines have numbers, so that two workers that fill at once do not make two of one."""
        is_first = provider.name == next(iter(self._providers))
        wanted = {f"{WARM}{number}" for number in range(self._options.warm if is_first else 0)}
        for lease in await self._ledger.leases():
            if lease.is_warm and lease.provider == provider.name:
                if lease.sandbox in wanted and not self._is_abandoned(lease):
                    wanted.discard(lease.sandbox)
                else:
                    await self._give_back(lease)
        for name in sorted(wanted):
            await self._fill_place(SandboxId(name))

    async def _fill_place(self, id: SandboxId) -> None:
        lease = await self._intend(id, None)
        try:
            await self._ask(lease, self._usual)
        except WorldError:
            await self.close(id)
            raise

    def _is_abandoned(self, lease: Lease) -> bool:
        """Whoever began to make it is no more."""
        return lease.machine is None and self._clock.now() - lease.asked_at > _MAKING

    async def _from_the_pool(self, id: SandboxId) -> bool:
        for lease in await self._ledger.leases() if self._options.warm else ():
            if lease.is_warm and lease.machine and await self._ledger.hand_over(lease.key, id):
                if await self._is_well(lease, lease.machine):
                    return True
                await self._give_back(lease)
        return False


def _asks_for(lease: Lease, image: Image | None) -> bool:
    """Is it a lease for the same that was never answered?"""
    return lease.machine is None and lease.image == (image and image.image)


def _new_key() -> LeaseKey:
    return LeaseKey(str(uuid4()))
