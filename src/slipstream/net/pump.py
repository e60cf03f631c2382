"""The pump: sends every log that has grown to the viewers of it, in rounds.

One per worker. In a round each cursor that keeps up gets one `sendfile` of the same range;
those that do not (a full socket, a newcomer, a jump) are advanced one by one. A round is cut
into slices so that accepting, reading and control never wait behind thousands of sends.

How often: with few viewers a frame leaves at once. As rounds get dear the interval grows,
to let more frames leave in one system call: `Pace` holds the rule.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic

from slipstream.log import Log
from slipstream.net.cursor import Cursor
from slipstream.net.link import describe

SLICE_S = 0.002  # with 4 ms the loop's lag had a p99 of 10 to 15 ms at 3000 viewers, with 2 ms 5
SENDS_PER_LOOK = 16  # sends between two looks at the clock: about 0.1 ms
SMALL_BYTES = 4096  # up to here `write` of a copy is 5 to 10 % cheaper than `sendfile`; bench/micro
RETRY_S = 0.02  # a socket that was full is tried again after so long, even if no log grows
SURVEY_S = 1.0


class Pace:
    """How long from the start of one round to the start of the next.

    Up to `UNSEEN_S` nobody notices, so rounds that cost more than a thirtieth of that already
    wait that long; above it, waiting costs latency and is done only to keep the pump to a
    quarter of the worker.

    Args:
        held_s: hold the interval at this many seconds; None adapts it.
    """

    UNSEEN_S = 0.030  # half of it is the median delay it adds (bench/README.md)
    UNSEEN_SHARE = 1 / 30
    SHARE = 1 / 4
    CEILING_S = 0.350

    def __init__(self, held_s: float | None = None) -> None:
        self.held_s = held_s
        self.interval_s = held_s or 0.0
        self._costs: deque[float] = deque(maxlen=9)

    def note(self, cost_s: float) -> None:
        """Take the time that a round took.

        The median counts: following one slow round would double the p99.
        """
        if self.held_s is not None:
            return
        self._costs.append(cost_s)
        cost = sorted(self._costs)[len(self._costs) // 2]
        self.interval_s = min(
            max(min(cost / self.UNSEEN_SHARE, self.UNSEEN_S), cost / self.SHARE), self.CEILING_S
        )


class Lane:
    """The cursors of one log."""

    __slots__ = ("_dirty", "behind", "keeping_up", "log", "sent")

    def __init__(self, log: Log) -> None:
        self.log = log
        self.sent = log.head  # where all that keep up are
        self.keeping_up: list[Cursor] = []  # those with fd < 0 have left it
        self.behind: dict[Cursor, None] = {}  # an ordered set
        self._dirty = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody."""
        return not self.behind and not any(cursor.fd >= 0 for cursor in self.keeping_up)

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
        self.keeping_up.append(cursor)

    def remove(self, cursor: Cursor) -> None:
        """Forget the cursor."""
        cursor.fd = -1
        self._dirty = True
        self.behind.pop(cursor, None)

    def drop_all_behind(self) -> None:
        """What they have to be sent next is no longer kept (or nobody keeps up)."""
        for cursor in self.keeping_up:
            if cursor.fd >= 0:
                self.fall_behind(cursor)
        self.sent = self.log.head

    def tidy(self) -> None:
        """Forget the places of those that have left."""
        if self._dirty:
            self.keeping_up = [cursor for cursor in self.keeping_up if cursor.fd >= 0]
            self._dirty = False


class Pump:
    """Call `add()` for each viewer and `wake()` when a log has grown; a cursor leaves by itself.

    That it `leave()`s in the very step that closes its descriptor is a must: the number is
    somebody else's soon after.

    Args:
        loop: of the worker.
        pace: how often rounds start.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, pace: Pace) -> None:
        self.pace = pace
        self.rounds = 0
        self.busy_s = 0.0  # time spent in rounds
        self._loop = loop
        self._lanes: dict[Log, Lane] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._round: Iterator[None] | None = None
        self._round_cost_s = 0.0
        self._started_at = -1.0
        self._again = False  # a log grew during the round
        self._survey = loop.call_later(SURVEY_S, self._look_around)

    def add(self, cursor: Cursor) -> None:
        """Serve a viewer, from now on."""
        lane = self._lanes.get(cursor.log)
        if lane is None:
            lane = self._lanes[cursor.log] = Lane(cursor.log)
        cursor.lane = lane
        lane.behind[cursor] = None
        self._advance(lane, cursor, monotonic())
        if lane.behind:
            self.wake(cursor.log)

    def wake(self, log: Log) -> None:
        """A log has grown: have it sent when the next round is due."""
        if log not in self._lanes:
            return
        if self._round is not None:
            self._again = True
        elif self._timer is None:
            self._schedule(self._started_at + self.pace.interval_s - monotonic())

    def cursors(self) -> Iterator[Cursor]:
        """All that are served."""
        for lane in self._lanes.values():
            yield from lane.behind
            yield from (cursor for cursor in lane.keeping_up if cursor.fd >= 0)

    def stop(self) -> None:
        """End all rounds."""
        self._survey.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._lanes.clear()

    def _schedule(self, delay_s: float) -> None:
        self._timer = self._loop.call_later(max(delay_s, 0), self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._started_at = monotonic()
        self._round = self._send_all()
        self._round_cost_s = 0.0
        self._again = False
        self._slice()

    def _slice(self) -> None:
        """Do a part of the round."""
        assert self._round is not None
        started = monotonic()
        more = next(self._round, self) is None
        self._round_cost_s += monotonic() - started
        if more:
            self._loop.call_soon(self._slice)
            return
        self._round = None
        self.rounds += 1
        self.busy_s += self._round_cost_s
        self.pace.note(self._round_cost_s)
        due = self._started_at + self.pace.interval_s
        if self._again:
            self._schedule(due - monotonic())
        elif any(lane.behind for lane in self._lanes.values()):
            self._schedule(max(due - monotonic(), RETRY_S))

    def _send_all(self) -> Iterator[None]:
        """One round; yields where a slice may end."""
        limit = monotonic() + SLICE_S
        for lane in list(self._lanes.values()):
            lane.tidy()
            for _ in self._send_range(lane):
                if monotonic() >= limit:
                    yield
                    limit = monotonic() + SLICE_S
            for count, cursor in enumerate(list(lane.behind)):
                if count % SENDS_PER_LOOK == 0 and (now := monotonic()) >= limit:
                    yield
                    limit = monotonic() + SLICE_S
                if cursor in lane.behind:
                    self._advance(lane, cursor, now)
            if lane.is_empty:
                self._lanes.pop(lane.log, None)

    def _send_range(self, lane: Lane) -> Iterator[None]:
        """Send what is new to all that keep up, segment by segment; yields every few sends."""
        while lane.sent < lane.log.head:
            segment = lane.log.locate(lane.sent)
            if segment is None or not lane.keeping_up:
                lane.drop_all_behind()
                break
            start, end = lane.sent, segment.end
            offset, count = start - segment.start, end - start
            send = _sender(segment.fd, offset, count)
            lane.sent = end
            cursors = lane.keeping_up.copy()  # newcomers may join between two slices
            for first in range(0, len(cursors), SENDS_PER_LOOK):
                for cursor in cursors[first : first + SENDS_PER_LOOK]:
                    fd = cursor.fd
                    if fd < 0:
                        continue
                    try:
                        sent = send(fd)
                    except BlockingIOError:
                        sent = 0
                    except OSError as error:
                        cursor.give_up(describe(error))
                        continue
                    cursor.position = start + sent
                    if sent != count:
                        lane.fall_behind(cursor)
                yield
            lane.tidy()

    def _advance(self, lane: Lane, cursor: Cursor, now: float) -> None:
        reached = cursor.advance(lane.sent, now)
        if reached and cursor in lane.behind and cursor.position == lane.sent:
            lane.catch_up(cursor)

    def _look_around(self) -> None:
        """Find viewers that take nothing."""
        now = monotonic()
        for cursor in list(self.cursors()):
            cursor.survey(now)
        self._survey = self._loop.call_later(SURVEY_S, self._look_around)


def _sender(source: int, offset: int, count: int) -> Callable[[int], int]:
    """What sends a range of a file to a descriptor, the cheaper way for its size."""
    if count <= SMALL_BYTES:
        data = os.pread(source, count, offset)
        return lambda fd: os.write(fd, data)
    return lambda fd: os.sendfile(fd, source, offset, count)
