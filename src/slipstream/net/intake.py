"""The intake: reads the publishers, at once while they are few, in sweeps when they are many.

Reads are the dear part of taking in a stream: a callback per arrival costs 2 to 3 times what
a sweep over all publishers every 60 ms does (bench/README.md), because a sweep takes what
has gathered in one read. The price is latency, so the interval grows with the number of
publishers and a few are read at once.
"""

from __future__ import annotations

import asyncio

from slipstream.net.link import Link

SWEEP_S_PER_LINK = 0.0006  # up to 100 publishers, who are swept every
USUAL_S = 0.060
# From 240 on the interval grows again: with twice as many messages to a read each takes 0.7 of
# the time (bench/micro/ingest.py).
MANY_S_PER_LINK = 0.00025
LONGEST_S = 0.100
SHORTEST_S = 0.004  # below it a sweep gathers nothing that a callback would not
READS_PER_SWEEP = 8  # of one link, 512 KiB: what is left waits, so that nobody holds up the others


class Intake:
    """Call `add()` when a link begins to publish, `remove()` when it ends or stops.

    Args:
        loop: of the worker.
        workers: of the server, that share its publishers.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, workers: int = 1) -> None:
        self._loop = loop
        self._workers = workers
        self._links: dict[Link, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._swept = False

    @property
    def interval_s(self) -> float:
        """From one sweep to the next, in seconds; 0 while links are read at once."""
        links = len(self._links) * self._workers  # as if there were one: it costs the least
        if links * SWEEP_S_PER_LINK < SHORTEST_S:
            return 0.0
        usual = min(links * SWEEP_S_PER_LINK, USUAL_S)
        return max(usual, min(links * MANY_S_PER_LINK, LONGEST_S))

    def add(self, link: Link) -> None:
        """Read this link from now on."""
        self._links[link] = None
        if self._swept:
            link.stop_watching()
        else:
            self._choose()

    def remove(self, link: Link) -> None:
        """Leave this link to itself again."""
        if self._links.pop(link, 0) is None:
            if self._swept and link.fd >= 0:
                link.start()
            self._choose()

    def stop(self) -> None:
        """Sweep no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _choose(self) -> None:
        """Change between reading at once and sweeping."""
        sweeping = self.interval_s > 0
        if sweeping == self._swept:
            return
        self._swept = sweeping
        for link in self._links:
            if sweeping:
                link.stop_watching()
            else:
                link.start()
        if sweeping:
            self._timer = self._loop.call_later(self.interval_s, self._sweep)
        elif self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        started = self._loop.time()
        for link in list(self._links):
            for _ in range(READS_PER_SWEEP):
                if not link.read():
                    break
        if self._swept:
            self._timer = self._loop.call_at(started + self.interval_s, self._sweep)
