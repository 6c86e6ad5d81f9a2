"""What guest and host say to each other.

A message, in both directions, is a header (kind: 1 byte, id: 4, length: 4, big-endian) and a payload: raw bytes for
`DATA`, else fields that each end with a NUL, which no path, argument or name can hold. Ids are given out by the side
that asks, the guest's with the highest bit set. A command that was started under `id` has its output under `id + 1`,
its errors under `id + 2`, its input under `id + 3`.

Nobody sends more than `WINDOW` bytes under one id that were not granted back with `CREDIT`: what nobody reads waits
where it was made.
"""

from __future__ import annotations

HEADER = 9  # bytes
CHUNK = 65_536
WINDOW = 1_048_576  # bytes under way under one id
OURS = 1 << 31  # ids of what starts in here: connections

READY, DONE, FAILED, DATA, EOF, CREDIT, EXIT, ACCEPT = range(1, 9)
START, SIGNAL, READ, WRITE, STAT, LIST, MAKE_DIR, MOVE, REMOVE, LISTEN, FREEZE, THAW, DROP = range(20, 33)
