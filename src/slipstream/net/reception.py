"""How far a viewer has received what it was sent, how late that is, and how fast it takes it.

Bytes that the kernel holds were sent but not received. What was skipped meanwhile (a jump,
pictures left out) makes it a matter of book-keeping which place of the log they belong to.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from slipstream.log import Log

GRAIN_MS = 100  # skips so near to each other, in the stream's time, are kept as one
MAX_SKIPS = 128  # kept; what lies before the oldest is taken to be whole (12 KB a viewer)
RATE_S = 1.0  # over which the rate is averaged
BUFFER_MS = 1_000  # of the stream that the kernel may hold, or half the ceiling if that is less
MIN_BUFFER, MAX_BUFFER = 64 << 10, 4 << 20
NARROW_BUFFER = 16 << 10  # the least for one that is slow; a second of 128 kbit/s
USUAL_RATE = 128 << 10  # bytes per second, where the log's is not known yet


def buffer_size(log: Log, ceiling_ms: int) -> int:
    """How many bytes the kernel may hold for a viewer that has this latency ceiling."""
    rate = log.bytes_per_second() or USUAL_RATE
    size = rate * min(BUFFER_MS, ceiling_ms // 2) // 1000
    return min(max(size, MIN_BUFFER), MAX_BUFFER)


class _Skip(NamedTuple):
    """A leap over bytes that are not sent."""

    sent: int  # bytes sent before it
    before: int  # position
    after: int  # position
    time_ms: int  # at `after`


class Reception:
    """Told by a cursor what it skips, and asked how its viewer fares.

    Args:
        log: what is sent.
        start: position of the first byte.
        delay_ms: how far behind the log's end the viewer wants to be; that is not late.
        now: seconds on the monotonic clock.
    """

    __slots__ = (
        "_delay_ms",
        "_last_skip",
        "_log",
        "_rate",
        "_skips",
        "_start",
        "_taken",
        "_taken_at",
    )

    def __init__(self, log: Log, start: int, delay_ms: int, now: float) -> None:
        self._log = log
        self._start = start
        self._delay_ms = delay_ms
        self._skips: deque[_Skip] | None = None
        self._last_skip = 0  # bytes sent before the newest skip
        self._rate = 0.0  # bytes per second that the viewer takes
        self._taken = 0
        self._taken_at = now

    def skip(self, sent: int, before: int, after: int, time_ms: int) -> None:
        """The cursor goes from `before` to `after`, having sent so many bytes in all."""
        if self._skips is None:
            self._skips = deque(maxlen=MAX_SKIPS)
        self._last_skip = sent
        if not self._skips or time_ms - self._skips[-1].time_ms >= GRAIN_MS:
            self._skips.append(_Skip(sent, before, after, time_ms))

    def measure(self, taken: int, now: float) -> None:
        """Take note that the viewer has received so many bytes by now."""
        passed_s = now - self._taken_at
        if passed_s > 0:
            rate = max(taken - self._taken, 0) / passed_s
            self._rate += (rate - self._rate) * min(passed_s / RATE_S, 1.0)
            self._taken, self._taken_at = taken, now

    def buffer_size(self) -> int:
        """How many bytes the kernel may hold for this viewer if it is slow."""
        return max(int(self._rate * BUFFER_MS / 1000), NARROW_BUFFER)

    def lag_ms(self, waiting: int, sent: int, position: int) -> int:
        """How much of the stream the viewer has not received, in ms.

        Args:
            waiting: bytes sent that it has not acknowledged.
            sent: bytes sent.
            position: of the cursor.
        """
        return max(self._late_ms(self._received(waiting, sent, position)), 0)

    def lateness_ms(self, waiting: int, position: int) -> float:
        """How late the next byte will be there if the viewer takes them as it did of late."""
        return self._late_ms(position) + waiting * 1000 / max(self._rate, 1.0)

    def _late_ms(self, position: int) -> int:
        return self._log.head_ms - self._delay_ms - self._log.time_at(position)

    def _received(self, waiting: int, sent: int, position: int) -> int:
        """The position up to which the viewer has the log."""
        taken = sent - waiting
        if self._skips is None or taken >= self._last_skip:
            self._skips = None
            return max(position - waiting, self._start)
        while len(self._skips) > 1 and self._skips[1].sent <= taken:
            self._skips.popleft()
        skip = self._skips[0]
        if taken >= skip.sent:
            return skip.after + taken - skip.sent
        return max(skip.before - (skip.sent - taken), self._start)
