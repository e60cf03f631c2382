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

# What the kernel may hold. Pictures are left out from three quarters of the ceiling on, and that
# helps only once what the kernel has is gone: so that may not take all of the last quarter.
BUFFER_SHARE = 1 / 6  # of the ceiling
MAX_BUFFER_MS = 1_000
SETTLED_S = 2.0  # after a keyframe a log seems to have a higher rate than it has
USUAL_RATE = 128 << 10  # bytes per second, where the log's is not known yet
MIN_BUFFER, MAX_BUFFER = 64 << 10, 4 << 20
MIN_NARROW_BUFFER = 32 << 10  # for one that lags; 1 Mbit/s over a way of 200 ms


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
        "_log_rate",
        "_rate",
        "_since",
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
        self._log_rate = 0  # and that it is sent; 0: not looked at yet
        self._taken = 0
        self._taken_at = self._since = now

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
            over_s = min(max(now - self._since, passed_s), RATE_S)
            self._rate += (rate - self._rate) * min(passed_s / over_s, 1.0)
            self._taken, self._taken_at = taken, now

    def buffer_size(self, ceiling_ms: int, lag_ms: float) -> int:
        """How many bytes the kernel may hold for a viewer with this latency ceiling and lag.

        A part of a second of the stream; if it lags, of what it takes, if that is less.
        """
        if not self._log_rate or self._taken_at - self._since >= SETTLED_S:
            self._log_rate = self._log.bytes_per_second() or USUAL_RATE
        share_ms = min(ceiling_ms * BUFFER_SHARE, MAX_BUFFER_MS)
        usual = min(max(self._log_rate * share_ms / 1000, MIN_BUFFER), MAX_BUFFER)
        if lag_ms < share_ms:
            return int(usual)
        return int(min(usual, max(self._rate * share_ms / 1000, MIN_NARROW_BUFFER)))

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
