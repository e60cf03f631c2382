"""The viewers of one log that are held equally far behind its end; most are not held at all.

Those that keep up stand at the same place, so that one range serves all of them. Where that
is, a lane with a delay finds by the times in the log's index. While the log does not grow its
clock goes on with ours: a publisher's hiccup does not reach viewers that are held, and when it
has gone they get the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain

from slipstream.log import Log
from slipstream.net.cursor import Cursor

NEVER = float("inf")


class Lane:
    """Made by the pump.

    Args:
        log: what is sent.
        delay_ms: how far behind its end.
        now: seconds on the monotonic clock.
    """

    __slots__ = (
        "_dirty",
        "_grown_at",
        "_head",
        "_newest_ms",
        "behind",
        "cost_s",
        "costs",
        "delay_ms",
        "due",
        "encrypted",
        "keeping_up",
        "log",
        "sent",
        "since",
    )

    def __init__(self, log: Log, delay_ms: int, now: float) -> None:
        self.log = log
        self.delay_ms = delay_ms
        self.keeping_up: list[Cursor] = []  # those with fd < 0 have left it
        self.encrypted: list[Cursor] = []  # the same, for links that encrypt
        self.behind: dict[Cursor, None] = {}  # an ordered set
        self.since = 0.0  # when its last round began
        self.due = NEVER  # when its next round is to begin
        self.costs: deque[float] = deque(maxlen=9)
        self.cost_s = 0.0  # the median of these: following one slow round doubles the p99
        self._dirty = False
        self._head = log.head  # when it was last looked at
        self._newest_ms = log.head_ms
        self._grown_at = now
        sync = log.sync_point(delay_ms)
        self.sent = log.tail if sync is None else sync.position  # where all that keep up are
        self.sent = self.goal(now)

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody."""
        return not self.behind and next(self.all_that_keep_up(), None) is None

    @property
    def waits(self) -> bool:
        """Whether the log holds what is to be sent later."""
        return self.delay_ms > 0 and self.sent < self.log.head

    def all_that_keep_up(self) -> Iterator[Cursor]:
        """Whoever is where the others are."""
        return (cursor for cursor in chain(self.keeping_up, self.encrypted) if cursor.fd >= 0)

    def goal(self, now: float) -> int:
        """Up to where the log is to be sent by `now`."""
        log = self.log
        if not self.delay_ms:
            return log.head
        if log.head != self._head:
            self._head, self._grown_at = log.head, now
            self._newest_ms = max(self._newest_ms, log.head_ms)
        clock_ms = self._newest_ms + round((now - self._grown_at) * 1000)
        return log.end_of(clock_ms - self.delay_ms, self.sent)

    def fall_behind(self, cursor: Cursor) -> None:
        """Take the cursor out of those that keep up."""
        cursor.fd = -1
        self._dirty = True
        self.behind[cursor] = None

    def catch_up(self, cursor: Cursor) -> None:
        """Put the cursor among those that keep up."""
        self.tidy()  # else one that left and comes back would stand there twice
        self.behind.pop(cursor, None)
        cursor.fd = cursor.link.fd
        cursor.caught_up()
        (self.encrypted if cursor.link.is_encrypted else self.keeping_up).append(cursor)

    def remove(self, cursor: Cursor) -> None:
        """Forget the cursor."""
        cursor.fd = -1
        self._dirty = True
        self.behind.pop(cursor, None)

    def go_on_alone(self, position: int) -> None:
        """Who keeps up no longer stands where the others do: serve each by itself, to there."""
        for cursor in self.all_that_keep_up():
            if cursor.position != position:
                self.fall_behind(cursor)
        self.sent = position

    def tidy(self) -> None:
        """Forget the places of those that have left."""
        if self._dirty:
            self.keeping_up = [cursor for cursor in self.keeping_up if cursor.fd >= 0]
            self.encrypted = [cursor for cursor in self.encrypted if cursor.fd >= 0]
            self._dirty = False
