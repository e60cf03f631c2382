"""What other workers announce, read at once while little is followed, gathered when it is much.

A worker that follows twenty streams would be woken for every picture of each of them, and a wake-up
costs more than what there is to do then. So all sockets are watched through one descriptor,
and when there are many it is not watched but looked at: as often as publishers are (`net.intake`),
at moments that both have in common. The descriptor is watched again as soon as nothing comes.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable

import structlog

from slipstream.net.intake import SHORTEST_S, next_turn

log = structlog.get_logger()

LOOK_S_PER_SOCKET = 0.0006
LONGEST_S = 0.010


class Gathering:
    """Call `add()` for each socket, and `remove()` before it is closed.

    Args:
        loop: of the worker.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._readers: dict[int, Callable[[], None]] = {}
        self._epoll: select.epoll | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def interval_s(self) -> float:
        """From one look to the next, in seconds; 0 while each socket is read at once."""
        wanted = min(len(self._readers) * LOOK_S_PER_SOCKET, LONGEST_S)
        return wanted if wanted >= SHORTEST_S else 0.0

    def add(self, fd: int, readable: Callable[[], None]) -> None:
        """Have `readable` called when there is something to read."""
        if self._epoll is None:
            self._epoll = select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._look)
        self._readers[fd] = readable
        self._epoll.register(fd, select.EPOLLIN)

    def remove(self, fd: int) -> None:
        """Watch it no more."""
        if self._readers.pop(fd, None) is None or self._epoll is None:
            return
        self._epoll.unregister(fd)
        if not self._readers:
            if self._timer is None:
                self._loop.remove_reader(self._epoll.fileno())
            else:
                self._timer.cancel()
                self._timer = None
            self._epoll.close()
            self._epoll = None

    def _look(self) -> None:
        """Read all that has come."""
        epoll = self._epoll
        assert epoll is not None
        came = epoll.poll(0)
        for fd, _ in came:
            readable = self._readers.get(fd)
            if readable is None:
                continue
            try:
                readable()
            except Exception:  # the others are to be read all the same
                log.exception("follow.bug")
        if epoll is not self._epoll:
            return  # all have gone meanwhile
        interval_s = self.interval_s if came else 0.0
        if interval_s and self._timer is None:
            self._loop.remove_reader(epoll.fileno())
        elif not interval_s and self._timer is not None:
            self._timer = None
            self._loop.add_reader(epoll.fileno(), self._look)
        if interval_s:
            due = next_turn(self._loop.time(), interval_s)
            self._timer = self._loop.call_at(due, self._look)
