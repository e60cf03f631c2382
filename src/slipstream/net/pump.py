"""The pump: sends every log that has grown to the viewers of it, in rounds.

One per worker. In a round each cursor that keeps up gets one system call for the same range;
those that do not (a full socket, a newcomer, a jump) are advanced one by one. Rounds are cut
into slices so that accepting, reading and control never wait behind thousands of sends.

When a log's next round is due is `net.pace`'s to say.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from slipstream.log import Log
from slipstream.net.cursor import Cursor
from slipstream.net.link import describe
from slipstream.net.pace import Pace

SLICE_S = 0.002  # with 4 ms the loop's lag had a p99 of 10 to 15 ms at 3000 viewers, with 2 ms 5
SENDS_PER_LOOK = 16  # sends between two looks at the clock: about 0.1 ms
SMALL_BYTES = 4096  # up to here `write` of a copy is 5 to 10 % cheaper than `sendfile`; bench/micro
RETRY_S = 0.02  # a socket that was full is tried again after so long, even if no log grows
TOGETHER_S = 0.001  # lanes that are due so soon join a round
SURVEY_S = 1.0
NEVER = float("inf")


class Lane:
    """The cursors of one log."""

    __slots__ = ("_dirty", "behind", "cost_s", "costs", "due", "keeping_up", "log", "sent", "since")

    def __init__(self, log: Log) -> None:
        self.log = log
        self.sent = log.head  # where all that keep up are
        self.keeping_up: list[Cursor] = []  # those with fd < 0 have left it
        self.behind: dict[Cursor, None] = {}  # an ordered set
        self.since = 0.0  # when its last round began
        self.due = NEVER  # when its next round is to begin
        self.costs: deque[float] = deque(maxlen=9)
        self.cost_s = 0.0  # the median of these: following one slow round doubles the p99
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
        pace: when rounds are due.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, pace: Pace) -> None:
        self.pace = pace
        self.rounds = 0
        self.busy_s = 0.0  # time spent in rounds
        self._loop = loop
        self._lanes: dict[Log, Lane] = {}
        self._due: dict[Lane, None] = {}  # those that are to have a round
        self._cost_s = 0.0  # of one round of every lane
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._round: Iterator[None] | None = None
        self._survey = loop.call_later(SURVEY_S, self._look_around)

    def add(self, cursor: Cursor) -> None:
        """Serve a viewer, from now on."""
        lane = self._lanes.get(cursor.log)
        if lane is None:
            lane = self._lanes[cursor.log] = Lane(cursor.log)
        cursor.lane = lane
        lane.behind[cursor] = None
        now = monotonic()
        self._advance(lane, cursor, now)
        if lane.behind:
            self._plan(lane, now + RETRY_S)

    def wake(self, log: Log, picture: bool = True) -> None:
        """A log has grown: have it sent when that is due.

        Args:
            log: maybe without viewers.
            picture: whether there is a picture in it; sound may wait for the next one.
        """
        lane = self._lanes.get(log)
        if lane is not None:
            self._plan(lane, self.pace.due(lane.since, monotonic(), picture=picture))

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
        self._due.clear()

    def _plan(self, lane: Lane, due: float) -> None:
        """Have a round of the lane at `due`, or earlier if that is planned already."""
        if due >= lane.due:
            return
        lane.due = due
        self._due[lane] = None
        if self._round is None and due < self._timer_at:
            self._set_timer(due)

    def _set_timer(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        self._timer = self._loop.call_later(max(due - monotonic(), 0), self._begin)

    def _begin(self) -> None:
        self._timer, self._timer_at = None, NEVER
        soon = monotonic() + TOGETHER_S
        lanes = [lane for lane in self._due if lane.due <= soon]
        self._round = self._send_all(lanes)
        self._slice()

    def _slice(self) -> None:
        """Do a part of the round."""
        assert self._round is not None
        started = monotonic()
        more = next(self._round, self) is None
        self.busy_s += monotonic() - started
        if more:
            self._loop.call_soon(self._slice)
            return
        self._round = None
        self.rounds += 1
        if self._due:
            self._set_timer(min(lane.due for lane in self._due))

    def _send_all(self, lanes: Sequence[Lane]) -> Iterator[None]:
        """One round; yields where a slice may end."""
        limit = monotonic() + SLICE_S
        for lane in lanes:
            now = lane.since = monotonic()
            lane.due = NEVER
            self._due.pop(lane, None)
            away_s = 0.0  # while the slice was over
            for now in self._serve(lane):
                if now >= limit:
                    yield
                    back = monotonic()
                    away_s += back - now
                    limit = back + SLICE_S
            if lane.is_empty:
                self._drop(lane)
                continue
            now = monotonic()
            self._note_cost(lane, now - lane.since - away_s)
            if any(not cursor.paused for cursor in lane.behind):
                self._plan(lane, max(self.pace.due(lane.since, now, picture=True), now + RETRY_S))

    def _drop(self, lane: Lane) -> None:
        """Forget a log without viewers: it may be the last that holds its memory."""
        self._lanes.pop(lane.log, None)
        self._due.pop(lane, None)
        self._note_cost(lane, None)

    def _note_cost(self, lane: Lane, cost_s: float | None) -> None:
        """Tell the pace what a round of everything costs; None: this lane costs no more."""
        before = lane.cost_s
        if cost_s is None:
            lane.cost_s = 0.0
        else:
            lane.costs.append(cost_s)
            lane.cost_s = sorted(lane.costs)[len(lane.costs) // 2]
        self._cost_s = max(self._cost_s + lane.cost_s - before, 0.0)
        self.pace.adapt(self._cost_s)

    def _serve(self, lane: Lane) -> Iterator[float]:
        """Send what one log has for its viewers; yields the time every few sends."""
        lane.tidy()
        yield from self._send_range(lane)
        now = monotonic()
        for count, cursor in enumerate(list(lane.behind), 1):
            if cursor in lane.behind:
                self._advance(lane, cursor, now)
            if count % SENDS_PER_LOOK == 0:
                now = monotonic()
                yield now

    def _send_range(self, lane: Lane) -> Iterator[float]:
        """Send what is new to all that keep up, segment by segment; yields every few sends."""
        while lane.sent < lane.log.head:
            segment = lane.log.locate(lane.sent)
            if segment is None or not lane.keeping_up:
                lane.drop_all_behind()
                break
            start, end = lane.sent, segment.end
            offset, count = start - segment.origin, end - start
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
                yield monotonic()
            lane.tidy()

    def _advance(self, lane: Lane, cursor: Cursor, now: float) -> None:
        reached = cursor.advance(lane.sent, now)
        if reached and cursor in lane.behind and cursor.position == lane.sent:
            lane.catch_up(cursor)

    def _look_around(self) -> None:
        """Find viewers that take nothing, and logs that are served no more."""
        now = monotonic()
        for cursor in list(self.cursors()):
            cursor.survey(now)
        for lane in list(self._lanes.values()):
            if lane.is_empty:
                self._drop(lane)
            elif now - lane.since > SURVEY_S:
                self._note_cost(lane, None)  # the log does not grow: its viewers cost nothing
        self._survey = self._loop.call_later(SURVEY_S, self._look_around)


def _sender(source: int, offset: int, count: int) -> Callable[[int], int]:
    """What sends a range of a file to a descriptor, the cheaper way for its size."""
    if count <= SMALL_BYTES:
        data = os.pread(source, count, offset)
        return lambda fd: os.write(fd, data)
    return lambda fd: os.sendfile(fd, source, offset, count)
