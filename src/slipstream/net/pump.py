"""The pump: sends every log that has grown to the viewers of it, in rounds.

One per worker. In a round each cursor that keeps up gets one system call for the same range;
those that do not (a full socket, a newcomer, a jump) are advanced one by one. Rounds are cut
into slices so that accepting, reading and control never wait behind thousands of sends.

When a log's next round is due is `net.pace`'s to say. A bug that one viewer meets costs that
viewer: rounds go on whatever happens in them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

import structlog

from slipstream.log import Log, Segment
from slipstream.net.cursor import Cursor
from slipstream.net.lane import NEVER, Lane
from slipstream.net.link import describe
from slipstream.net.pace import Pace

log = structlog.get_logger()

SLICE_S = 0.002  # with 4 ms the loop's lag had a p99 of 10 to 15 ms at 3000 viewers, with 2 ms 5
SENDS_PER_LOOK = 16  # sends between two looks at the clock: about 0.1 ms
ENCRYPTED_PER_LOOK = 4  # the same with TLS
SMALL_BYTES = 4096  # up to here `write` of a copy is 5 to 10 % cheaper than `sendfile`; bench/micro
RETRY_S = 0.02  # a socket that was full is tried again after so long, even if no log grows
LATER_S = 0.1  # so often a lane with a delay looks what has become due, even if no log grows
TOGETHER_S = 0.004  # lanes that are due so soon join a round
SURVEY_S = 1.0
OUR_ERROR = "an error of the server's own"
MAX_BUGS = 64  # kinds of bugs that are told of, once each


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
        self._lanes: dict[Log, dict[int, Lane]] = {}  # by delay
        self._due: dict[Lane, None] = {}  # those that are to have a round
        self._cost_s = 0.0  # of one round of every lane
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._round: Iterator[None] | None = None
        self._bugs: set[tuple[type[Exception], int]] = set()
        self._survey = loop.call_later(SURVEY_S, self._look_around)

    def add(self, cursor: Cursor) -> None:
        """Serve a viewer, from now on."""
        now = monotonic()
        lanes = self._lanes.setdefault(cursor.log, {})
        lane = lanes.get(cursor.delay_ms)
        if lane is None:
            lane = lanes[cursor.delay_ms] = Lane(cursor.log, cursor.delay_ms, now)
        cursor.lane = lane
        lane.behind[cursor] = None
        self._advance(lane, cursor, now)
        self._plan_next(lane, now)

    def wake(self, log: Log, picture: bool = True) -> None:
        """A log has grown: have it sent when that is due.

        Args:
            log: maybe without viewers.
            picture: whether there is a picture in it; sound may wait for the next one.
        """
        lanes = self._lanes.get(log)
        if lanes is not None:
            now = monotonic()
            for lane in lanes.values():
                self._plan(lane, self.pace.due(lane.since, now, picture=picture))

    def stop(self) -> None:
        """End all rounds."""
        self._survey.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._lanes.clear()
        self._due.clear()

    def _all_lanes(self) -> Iterator[Lane]:
        for lanes in self._lanes.values():
            yield from lanes.values()

    def _plan_next(self, lane: Lane, now: float) -> None:
        """Have a round for those that are behind, or for what becomes due by waiting."""
        soonest = self.pace.due(lane.since, now, picture=True)
        if any(not cursor.paused and cursor.position < lane.sent for cursor in lane.behind):
            self._plan(lane, max(soonest, now + RETRY_S))
        elif lane.waits:
            self._plan(lane, max(soonest, now + LATER_S))

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
        try:
            more = next(self._round, self) is None
        except Exception as error:
            self._note_bug(error)
            more = False
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
            try:
                for now in self._serve(lane):
                    if now >= limit:
                        yield
                        back = monotonic()
                        away_s += back - now
                        limit = back + SLICE_S
            except Exception as error:
                self._note_bug(error)
                lane.go_on_alone(lane.sent)
            if lane.is_empty:
                self._drop(lane)
                continue
            now = monotonic()
            self._note_cost(lane, now - lane.since - away_s)
            self._plan_next(lane, now)

    def _drop(self, lane: Lane) -> None:
        """Forget a log without viewers: it may be the last that holds its memory."""
        lanes = self._lanes.get(lane.log, {})
        lanes.pop(lane.delay_ms, None)
        if not lanes:
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
        while lane.sent < (goal := lane.goal(monotonic())):
            segment = lane.log.locate(lane.sent)
            if segment is None or not (lane.keeping_up or lane.encrypted):
                lane.go_on_alone(goal)
                break
            start, end = lane.sent, min(segment.end, goal)
            offset, count = start - segment.origin, end - start
            send, data = _sender(segment.fd, offset, count)
            lane.sent = end
            cursors = lane.keeping_up.copy()  # newcomers may join between two slices
            for first in range(0, len(cursors), SENDS_PER_LOOK):
                for cursor in cursors[first : first + SENDS_PER_LOOK]:
                    fd = cursor.fd
                    if fd < 0:
                        continue
                    try:
                        sent = send(fd, data)
                    except BlockingIOError:
                        sent = 0
                    except OSError as error:
                        cursor.link.has_left(describe(error))
                        lane.remove(cursor)
                        continue
                    except Exception as error:
                        self._note_bug(error, cursor)
                        self._give_up(lane, cursor, OUR_ERROR)
                        continue
                    if sent == count:
                        cursor.position = end
                    else:
                        cursor.position = start + sent
                        lane.fall_behind(cursor)
                yield monotonic()
            if lane.encrypted:
                yield from self._encrypt_range(lane, segment, start, end)
            lane.tidy()

    def _encrypt_range(self, lane: Lane, segment: Segment, start: int, end: int) -> Iterator[float]:
        """Send the same to all that keep up over TLS; it is read once for all of them."""
        data = memoryview(os.pread(segment.fd, end - start, start - segment.origin))
        for number, cursor in enumerate(lane.encrypted.copy(), 1):
            if cursor.fd < 0 or cursor.position != start:
                continue
            try:
                cursor.position += cursor.link.send_range(data)
            except Exception as error:
                self._note_bug(error, cursor)
                self._give_up(lane, cursor, OUR_ERROR)
                continue
            if cursor.position != end or cursor.link.unsent:
                lane.fall_behind(cursor)
            if number % ENCRYPTED_PER_LOOK == 0:
                yield monotonic()

    def _advance(self, lane: Lane, cursor: Cursor, now: float) -> None:
        try:
            reached = cursor.advance(lane.sent, now)
        except Exception as error:
            self._note_bug(error, cursor)
            self._give_up(lane, cursor, OUR_ERROR)
            return
        if not cursor.startup.is_over:
            cursor.startup.note(cursor.bytes_sent, now)
        if reached and cursor in lane.behind and cursor.position == lane.sent:
            lane.catch_up(cursor)

    def _give_up(self, lane: Lane, cursor: Cursor, reason: str) -> None:
        """End a viewer; whatever comes of that, its descriptor is not written to any more."""
        try:
            cursor.give_up(reason)
        except Exception as error:
            self._note_bug(error, cursor)
            cursor.link.abort()
        lane.remove(cursor)

    def _note_bug(self, error: Exception, cursor: Cursor | None = None) -> None:
        """Tell of it, once for each place: rounds are many."""
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        kind = type(error), place.tb_lineno if place is not None else 0
        if kind not in self._bugs and len(self._bugs) < MAX_BUGS:
            self._bugs.add(kind)
            who = None if cursor is None else cursor.link.connection_id
            log.error("pump.bug", id=who, exc_info=error)

    def _look_around(self) -> None:
        """Find viewers that take nothing, and logs that are served no more."""
        now = monotonic()
        self._survey = self._loop.call_later(SURVEY_S, self._look_around)
        for lane in list(self._all_lanes()):
            for cursor in [*lane.behind, *lane.all_that_keep_up()]:
                try:
                    cursor.survey(now)
                except Exception as error:
                    self._note_bug(error, cursor)
                    self._give_up(lane, cursor, OUR_ERROR)
            if lane.is_empty:
                self._drop(lane)
            elif now - lane.since > SURVEY_S:
                self._note_cost(lane, None)  # the log does not grow: its viewers cost nothing


def _sender(source: int, offset: int, count: int) -> tuple[Callable[[int, bytes], int], bytes]:
    """What sends a range of a file to a descriptor, the cheaper way for its size; and a copy of
    the range, if it is that which is sent.
    """
    if count <= SMALL_BYTES:
        return os.write, os.pread(source, count, offset)
    return lambda fd, _: os.sendfile(fd, source, offset, count), b""
