"""How many connections there may be: those that have not yet said what they want, and all.

Whoever accepts connections asks here first, and comes back when there is room.
"""

from __future__ import annotations

import ipaddress
import resource
from collections.abc import Callable

RESERVED_DESCRIPTORS = 64  # for files, logs and the API when connections have used up the rest
SPARE = RESERVED_DESCRIPTORS // 2  # of them, for connections of the API


class Admissions:
    """Counts the connections of a worker.

    Args:
        max_pending: connections that may not yet be connected (RTMP's `connect`), in total.
        max_pending_per_address: the same, for one address; loopback is exempt.
    """

    def __init__(self, *, max_pending: int = 512, max_pending_per_address: int = 32) -> None:
        self.max_pending = max_pending
        self.max_pending_per_address = max_pending_per_address
        self.pending = 0
        self.open = 0
        soft_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.max_open = min(soft_limit * 4 // 5, soft_limit - RESERVED_DESCRIPTORS)
        self.on_room: list[Callable[[], None]] = []
        self.on_change: list[Callable[[], None]] = []  # more or fewer are open
        self._by_address: dict[str, int] = {}

    def limit(self, *, max_pending: int, max_pending_per_address: int) -> None:
        """Set the limits anew. Who is there stays."""
        self.max_pending = max_pending
        self.max_pending_per_address = max_pending_per_address
        self._tell()

    @property
    def full(self) -> bool:
        """Whether nobody more may be accepted now."""
        return self.pending >= self.max_pending or self.exhausted

    @property
    def exhausted(self) -> bool:
        """Whether there are as many connections as descriptors allow."""
        return self.open >= self.max_open

    def is_crowded(self, address: str) -> bool:
        """Whether this address has all the pending connections it may have."""
        waiting = self._by_address.get(address, 0)
        return waiting >= self.max_pending_per_address and not _is_loopback(address)

    def opened(self, address: str) -> None:
        """A connection begins; it is pending until `settled()`."""
        self.pending += 1
        self._by_address[address] = self._by_address.get(address, 0) + 1
        self.count(1)

    def settled(self, address: str) -> None:
        """A connection is not pending any more. Once per connection, before it is `closed()`."""
        self.pending -= 1
        left = self._by_address[address] - 1
        if left:
            self._by_address[address] = left
        else:
            del self._by_address[address]
        self._tell()

    def closed(self) -> None:
        """A connection has ended."""
        self.count(-1)

    def count(self, more: int) -> None:
        """So many more are open, or fewer."""
        self.open += more
        if more < 0:
            self._tell()
        for callback in self.on_change:
            callback()

    def _tell(self) -> None:
        for callback in self.on_room:
            callback()


class SpareAdmissions(Admissions):
    """Counts HTTP connections among all others, and lets a few of them in when those are too many.

    So that whoever wants to know why nobody gets in, gets in.

    Args:
        others: all connections of the worker.
        max_pending: HTTP connections that have not said anything yet, in total.
        max_pending_per_address: the same, for one address; loopback is exempt.
    """

    def __init__(
        self, others: Admissions, *, max_pending: int = 512, max_pending_per_address: int = 32
    ) -> None:
        super().__init__(max_pending=max_pending, max_pending_per_address=max_pending_per_address)
        self._others = others
        others.on_room.append(self._tell)

    @property
    def exhausted(self) -> bool:
        """Whether there are as many connections as descriptors allow, the spare ones included."""
        return self._others.exhausted and self.open >= SPARE

    def count(self, more: int) -> None:
        """So many more are open, or fewer; here and in all."""
        super().count(more)
        self._others.count(more)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
