"""What is asked of lent sandboxes, and how to see what came of it: the rows of the fault matrix."""

from __future__ import annotations

import tarfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from bot.core.model import SandboxId, SnapshotId
from bot.core.resilience.sandbox_leases import LeaseKey
from bot.ports import Sandboxes
from bot.sandbox.provider import Wanted
from tests.contracts.fault_bench import KNOWN, PREPARED, Bench

SOON = 20.0  # seconds; more than any of these commands needs


class Comes(Enum):
    """What comes of it."""

    RIGHT = "it is done, as if nothing had happened"
    LATER = "who asked is not told; it is done by the next `tend`"
    AWAY = "Unavailable"
    CROWDED = "Crowded"
    DENIED = "Denied, at once"
    UNUSABLE = "SandboxUnusable, at once"
    LOST = "SandboxLost, at once"


@dataclass(frozen=True, slots=True)
class Scene:
    """One square of the matrix. `mark` is a name that occurs in no other."""

    bench: Bench
    id: SandboxId
    mark: str

    @property
    def file(self) -> Path:
        return self.bench.directory / self.mark

    @property
    def snapshot(self) -> SnapshotId:
        return SnapshotId(self.mark)

    @property
    def new(self) -> SandboxId:
        return SandboxId(self.mark)


Do = Callable[[Scene, Sandboxes], Awaitable[object]]
See = Callable[[Scene], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is asked of `Sandboxes`, and the requests that come of it, as the simulator calls them.

    What it answers is `answer`; what can be seen afterwards is `seen`, by `see`. `instead`: where this one promises
    something else than the others do.
    """

    requests: tuple[str, ...]
    do: Do
    see: See
    seen: object
    answer: object = None
    prepare: Callable[[Bench], Awaitable[SandboxId]] = Bench.sandbox
    instead: Mapping[Comes, Comes] = field(default_factory=dict)
    twice: object = None  # what may be seen when it was asked again after an error
    rounds: int = 1  # how often it asks the same, each time with all attempts
    replaces: bool = False  # a machine that does not live, as often as there are rounds
    mute: bool = False  # its scripts print nothing, so that nothing can be cut


# ------------------------------------------------------------------------------------------------------- what is asked


async def put(scene: Scene, boxes: Sandboxes) -> None:
    scene.file.with_suffix(".in").write_bytes(b"put")
    with tarfile.open(scene.file, "w") as archive:
        archive.add(scene.file.with_suffix(".in"), scene.mark)
    await boxes.put(scene.id, scene.file)


async def run(scene: Scene, boxes: Sandboxes) -> str:
    done = await boxes.run(scene.id, f"echo x >>{scene.mark}; echo said", timeout=SOON)
    return done.output


async def run_once(scene: Scene, boxes: Sandboxes) -> str:
    done = await boxes.run(scene.id, f"echo x >>{scene.mark}; echo said", timeout=SOON, once=scene.mark)
    return done.output


async def run_networked(scene: Scene, boxes: Sandboxes) -> str:
    done = await boxes.run(
        scene.id, f"echo x >>{scene.mark}; echo said", timeout=SOON, once=scene.mark, network=["packages.example"]
    )
    return done.output


async def take(scene: Scene, boxes: Sandboxes) -> bytes | None:
    await boxes.take(scene.id, scene.file, limit=10**7)
    with tarfile.open(scene.file) as archive:
        known = archive.extractfile("./known")
        return known.read() if known else None


async def content(scene: Scene) -> bytes | None:
    return await scene.bench.calm.read(scene.id, f"/workspace/{scene.mark}", limit=100)


async def nothing(scene: Scene) -> None:
    return None


async def new_one(scene: Scene) -> tuple[int, int]:
    """Leases and machines for the name."""
    leases = [lease for lease in await scene.bench.lent.ledger.leases() if lease.sandbox == scene.new]
    machines = [m for m in scene.bench.service.machines.values() if m.metadata.get("sandbox") == scene.new]
    assert await scene.bench.calm.read(scene.new, "/etc/passwd", limit=100)
    return len(leases), len(machines)


async def from_snapshot(scene: Scene) -> tuple[tuple[int, int], bytes | None]:
    return await new_one(scene), await scene.bench.calm.read(scene.new, KNOWN, limit=100)


async def is_kept(scene: Scene) -> tuple[bool, int]:
    image = await scene.bench.lent.ledger.image(scene.snapshot)
    ours = [i for i in scene.bench.service.images.values() if image is not None and i.id == image.image]
    return image is not None, len(ours)


async def with_snapshot(bench: Bench) -> SandboxId:
    id = await bench.sandbox()
    await bench.calm.snapshot(id, SnapshotId("bench.dropped"))
    return id


async def is_kept_no_longer(scene: Scene) -> bool:
    return "bench.dropped" not in await scene.bench.calm.snapshots()


async def close(scene: Scene, boxes: Sandboxes) -> None:
    await boxes.close(scene.id)


async def is_there(scene: Scene) -> tuple[bool, list[str]]:
    machines = scene.bench.service.machines.values()
    return await scene.bench.calm.exists(scene.id), [m.id for m in machines if m.metadata.get("sandbox") == scene.id]


async def with_orphan(bench: Bench) -> SandboxId:
    """And a lease that has to be extended."""
    wanted = Wanted(LeaseKey(bench.name().replace(".", "-")), 600, labels={"sandbox": "orphan"})
    await bench.lent.provider.create(wanted)
    return await bench.another_sandbox()


async def orphans(scene: Scene) -> list[str]:
    return [m.id for m in scene.bench.service.machines.values() if m.metadata.get("sandbox") == "orphan"]


_FROM_WITHIN = {Comes.LOST: Comes.RIGHT}  # a new machine that dies is replaced, before anybody waits for it
_BEHIND_THE_SCENES = {
    Comes.AWAY: Comes.LATER,
    Comes.CROWDED: Comes.LATER,
    Comes.LOST: Comes.RIGHT,
    Comes.DENIED: Comes.LATER,
}

LIFE = {
    "create": Deed(
        ("create", "start"),
        lambda scene, boxes: boxes.create(scene.new),
        new_one,
        seen=(1, 1),
        instead=_FROM_WITHIN,
        rounds=3,
        replaces=True,
        mute=True,
    ),
    "create from a snapshot": Deed(
        ("create", "start"),
        lambda scene, boxes: boxes.create(scene.new, snapshot=PREPARED),
        from_snapshot,
        seen=((1, 1), b"known"),
        instead=_FROM_WITHIN,
        rounds=3,
        replaces=True,
        mute=True,
    ),
    "close": Deed(
        ("kill",),
        close,
        is_there,
        seen=(False, []),
        prepare=Bench.another_sandbox,
        instead=_BEHIND_THE_SCENES,
    ),
    "tend": Deed(
        ("list", "kill", "list_snapshots", "timeout"),
        lambda scene, boxes: boxes.tend(),
        orphans,
        seen=[],
        prepare=with_orphan,
        instead=_BEHIND_THE_SCENES,
    ),
}
FILES = {
    "put": Deed(("files_write", "start"), put, content, seen=b"put", mute=True),
    "write": Deed(
        ("files_write", "start"),
        lambda scene, boxes: boxes.write(scene.id, {scene.mark: (b"written", "100644")}),
        content,
        seen=b"written",
        mute=True,
    ),
    "read": Deed(
        ("start",),
        lambda scene, boxes: boxes.read(scene.id, KNOWN, limit=100),
        nothing,
        seen=None,
        answer=b"known",
    ),
    "take": Deed(("start", "files_read"), take, nothing, seen=None, answer=b"known", mute=True),
}
COMMANDS = {
    "run": Deed(("connect", "start"), run, content, seen=b"x\n", answer="said\n", twice=b"x\nx\n"),
    "run once": Deed(("start",), run_once, content, seen=b"x\n", answer="said\n"),
    "run with network": Deed(
        ("network", "start"),
        run_networked,
        content,
        seen=b"x\n",
        answer="said\n",
        rounds=2,  # the second is whether the network is really closed again
    ),
}
SNAPSHOTS = {
    "snapshot": Deed(
        ("start", "snapshot"),
        lambda scene, boxes: boxes.snapshot(scene.id, scene.snapshot),
        is_kept,
        seen=(True, 1),
        mute=True,
    ),
    "drop snapshot": Deed(
        ("delete_snapshot",),
        lambda scene, boxes: boxes.drop_snapshot(SnapshotId("bench.dropped")),
        is_kept_no_longer,
        seen=True,
        prepare=with_snapshot,
        instead=_BEHIND_THE_SCENES,
    ),
    "check": Deed(
        ("list",),
        lambda scene, boxes: boxes.check(),
        nothing,
        seen=None,
        instead={Comes.AWAY: Comes.RIGHT, Comes.CROWDED: Comes.RIGHT, Comes.DENIED: Comes.UNUSABLE},
    ),
}


EVERYTHING = {**LIFE, **FILES, **COMMANDS, **SNAPSHOTS}
