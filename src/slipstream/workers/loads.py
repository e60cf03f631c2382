"""How many connections each worker has, so that a shared listening socket fills all evenly.

The kernel wakes every process that waits for connections, and often the same one is first.
Each tells the others its number when it has changed by much; one that has clearly more than
the least leaves the next connection to the others for a moment.
"""

from __future__ import annotations

from collections.abc import Callable

from slipstream.workers.line import Line
from slipstream.workers.messages import Census, Load
from slipstream.workers.packets import Packet

STEP = 4  # connections
SHARE = 32  # or this part of what there is
SLACK = 64  # connections, and a quarter of what there is: no worker is much slower for that


class Loads:
    """Call `changed()` when connections come or go.

    Args:
        number: of this worker.
        line: to the supervisor.
        count: how many connections this worker has.
    """

    def __init__(self, number: int, line: Line, count: Callable[[], int]) -> None:
        self._number = number
        self._line = line
        self._count = count
        self._told = 0
        self._others: dict[int, int] = {}
        line.on(Load, self._on_load)
        line.on_connected(self._on_connected)

    def changed(self) -> None:
        """Tell the others, if it is worth it."""
        if abs(self._count() - self._told) >= self._step():
            self._tell()

    def others_have_less(self) -> bool:
        """Whether another worker has clearly fewer."""
        return bool(self._others) and self._count() - min(self._others.values()) > self._step()

    def has_room(self, worker: int) -> bool:
        """Whether another worker, of those that accept connections, is not much fuller."""
        count = self._count()
        return self._others.get(worker, 1 << 31) <= count + SLACK + count // 4

    def take_census(self, census: Census) -> None:
        """Forget the workers that are no more, or that accept no more."""
        newest = max((generation for _, _, generation in census.workers.values()), default=0)
        present = {
            int(number)
            for number, (_, _, generation) in census.workers.items()
            if generation == newest
        }
        present.discard(self._number)
        self._others = {number: self._others.get(number, 0) for number in present}

    def _step(self) -> int:
        return STEP + self._told // SHARE

    def _tell(self) -> None:
        self._told = self._count()
        self._line.send(Load(self._number, self._told))

    def _on_connected(self) -> None:
        self._others = {}  # until this supervisor says who is there
        self._tell()

    def _on_load(self, load: Load, _: Packet) -> None:
        if load.worker in self._others:
            self._others[load.worker] = load.connections
