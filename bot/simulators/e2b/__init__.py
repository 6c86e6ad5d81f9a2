"""E2B, as far as its SDK can see it: a server with state, whose sandboxes really run what they are told.

    simulator.py   e2b(...): the service, served; what a test or the demo can look at and break
    server.py      bytes -> operation -> bytes: outages, faults, keys, limits, the journal
    control.py     the control plane: sandboxes, snapshots, networks
    processes.py, files.py    what runs in every sandbox ("envd"): commands and files     people.py  its users and paths
    calls.py, connect.py      what an operation is given; the Connect protocol
    sandboxes.py   what is there, until when; pause, snapshot, fork       stage.py  all of these together, and the plan
    commands.py    who listens to a command, and how it ended             network.py  policies, and the way out
    machine.py     one sandbox's first process, and what we say to it     guest*.py    that process
    host.py, root.py          bubblewrap's walls, users, files            clock.py, faults.py  time and failures

Strictness is the point: what the SDK never sends, or what is not simulated (terminals, watching directories, volumes,
streams of input, secrets in headers), lands in `E2B.errors`, and a test that uses the simulator asserts that the list
is empty. Not noticed, because nothing tells: `root` is a name and a home here, with the rights of `user`; a fork has
the files of its origin, not its processes; memory and processors are those of this host.
"""

from bot.simulators.e2b.clock import Clock
from bot.simulators.e2b.host import Toolchain
from bot.simulators.e2b.simulator import E2B, World, e2b
from bot.simulators.e2b.stage import BOUNDLESS, HOBBY, PRO, Plan

__all__ = ["BOUNDLESS", "E2B", "HOBBY", "PRO", "Clock", "Plan", "Toolchain", "World", "e2b"]
