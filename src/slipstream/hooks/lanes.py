"""What waits for delivery, in order: a lane for each stream.

In come entries of the outbox, out comes whose turn it is. Only the first of a lane is ever under
way; if it fails the whole lane waits, so the order is kept. It does no I/O, and time is told to it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable

from slipstream.hooks.outbox import Entry

FIRST_WAIT_S = 1.0
MAX_WAIT_S = 60.0
PER_URL = 8  # that are under way to one address

UrlOf = Callable[[Entry], str]


class Lanes:
    """Put `entries` in; take `next()` until there is none; say `done()` or `failed()` of each.

    Args:
        url_of: where an entry is to go.
        chance: a number from 0 to 1, so that not all come back at once.
    """

    def __init__(self, url_of: UrlOf, chance: Callable[[], float]) -> None:
        self.count = 0
        self._url_of = url_of
        self._chance = chance
        self._lanes: dict[str, deque[Entry]] = {}
        self._failures: dict[str, int] = {}  # of lanes whose first entry has failed
        self._ready: dict[str, deque[str]] = {}  # lanes by the address of their first entry
        self._resting: list[tuple[float, str]] = []  # a heap: until when, and the lane
        self._under_way: dict[str, int] = {}  # by address

    def put(self, entries: Iterable[Entry]) -> None:
        """They wait from now on; in order."""
        for entry in entries:
            self.count += 1
            lane = self._lanes.get(entry.stream)
            if lane is None:
                self._lanes[entry.stream] = deque([entry])
                self._make_ready(entry.stream)
            else:
                lane.append(entry)

    def next(self, now: float) -> tuple[Entry, str] | None:
        """Whose turn it is, and where it goes; None: nobody's now.

        Args:
            now: seconds on the monotonic clock.
        """
        while self._resting and self._resting[0][0] <= now:
            _, stream = heapq.heappop(self._resting)
            self._make_ready(stream)
        for url, lanes in self._ready.items():
            if lanes and self._under_way.get(url, 0) < PER_URL:
                stream = lanes.popleft()
                if not lanes:
                    del self._ready[url]
                self._under_way[url] = self._under_way.get(url, 0) + 1
                return self._lanes[stream][0], url
        return None

    def wakes_at(self) -> float | None:
        """When a lane has rested, if any rests."""
        return self._resting[0][0] if self._resting else None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way or could be now."""
        return not self._under_way and not self._ready

    def done(self, entry: Entry, url: str) -> None:
        """It is out of the outbox."""
        self._arrived(url)
        self._failures.pop(entry.stream, None)
        lane = self._lanes[entry.stream]
        lane.popleft()
        self.count -= 1
        if lane:
            self._make_ready(entry.stream)
        else:
            del self._lanes[entry.stream]

    def failed(self, entry: Entry, url: str, now: float) -> float:
        """It has to be tried again; returns after how many seconds: 1, 2, 4 ... 60, less some."""
        self._arrived(url)
        failures = self._failures.get(entry.stream, 0)
        self._failures[entry.stream] = failures + 1
        wait_s = min(FIRST_WAIT_S * (1 << min(failures, 16)), MAX_WAIT_S)
        wait_s *= 0.5 + self._chance() / 2
        heapq.heappush(self._resting, (now + wait_s, entry.stream))
        return wait_s

    def forget(self, before: int) -> None:
        """What has a lower number is in the outbox no more; what is under way ends by itself."""
        for lane in self._lanes.values():
            kept = [entry for entry in lane if entry.number >= before]
            first = lane[0]
            if len(kept) < len(lane):
                self.count -= len(lane)
                lane.clear()
                lane.extend(kept if kept[:1] == [first] else [first, *kept])
                self.count += len(lane)

    def _make_ready(self, stream: str) -> None:
        url = self._url_of(self._lanes[stream][0])
        self._ready.setdefault(url, deque()).append(stream)

    def _arrived(self, url: str) -> None:
        self._under_way[url] -= 1
        if not self._under_way[url]:
            del self._under_way[url]
