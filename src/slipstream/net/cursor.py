"""A viewer's place in a log, and how bytes get from there to its socket.

A cursor that keeps up costs the pump one `sendfile` per round. What else can happen to it is
here: a socket that is full, bytes for this viewer alone, pictures that are left out for a
viewer that lags (`net.thinning`), a jump to a newer sync point, a pause, or a viewer that wants
only some of the messages. All of it happens between two messages: whatever has begun to go
out is finished first.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from slipstream.log import Log, Segment, SyncPoint
from slipstream.net.link import Link, describe
from slipstream.net.reception import Reception
from slipstream.net.startup import Startup
from slipstream.net.thinning import Thinning

if TYPE_CHECKING:
    from slipstream.net.lane import Lane

NEVER = 1 << 62  # a position that no log reaches
CHECK_S = 0.1  # how often the lag of a cursor that is behind is looked at
SELECTED_BYTES = 64 << 10  # unsent bytes at which a cursor that selects waits


class CursorOwner(Protocol):
    """The viewer that a cursor serves."""

    def greet(self, sync: SyncPoint) -> bytes:
        """What must be sent before the bytes from `sync` on."""

    def fail(self, reason: str) -> None:
        """The viewer cannot be served any more; called once."""


class Selection(Protocol):
    """Which messages a viewer wants, and in what form; the private, slower path."""

    def select(self, message: bytes, flags: int) -> bytes:
        """The message as it is to be sent; empty if it is not."""


class Cursor:
    """Made at a sync point, then driven by the pump.

    Args:
        link: where the bytes go.
        log: where they come from.
        sync: where to start. The greeting is the owner's to send, before.
        owner: told of the end.
        ceiling_ms: a lag above it, in ms, makes the cursor jump.
        stall_s: a viewer that takes nothing for so long, in seconds, is given up.
        now: seconds on the monotonic clock.
        delay_ms: how far behind the log's end the viewer wants to be held.
        asked_at: when the viewer asked for what it gets; None: now.
    """

    __slots__ = (
        "_check_at",
        "_leap",
        "_leaving",
        "_owner",
        "_private",
        "_progress_at",
        "_reception",
        "_segment",
        "_start_position",
        "_stop",
        "_taken",
        "_thinning",
        "ceiling_ms",
        "delay_ms",
        "dropped_frames",
        "fd",
        "jumps",
        "lane",
        "link",
        "log",
        "paused",
        "position",
        "selection",
        "skipped_bytes",
        "skipped_ms",
        "stall_s",
        "start_lag_ms",
        "start_ms",
        "startup",
    )

    def __init__(
        self,
        link: Link,
        log: Log,
        sync: SyncPoint,
        owner: CursorOwner,
        *,
        ceiling_ms: int,
        stall_s: float,
        now: float,
        delay_ms: int = 0,
        asked_at: float | None = None,
    ) -> None:
        self.link = link
        self.log = log
        self.fd = -1  # the link's, while the cursor keeps up; the pump looks at little else
        self.lane: Lane | None = None
        self.position = sync.position
        self.ceiling_ms = ceiling_ms
        self.stall_s = stall_s
        self.delay_ms = delay_ms
        self.dropped_frames = 0  # left out because the viewer lagged
        self.jumps = 0
        self.skipped_ms = 0
        self.skipped_bytes = 0
        self.paused = False
        self.selection: Selection | None = None
        self._owner = owner
        self._segment: Segment | None = None
        self._start_position = sync.position
        self.start_ms = sync.time_ms
        self.startup = Startup(now if asked_at is None else asked_at, log.size_at(sync.position))
        self.start_lag_ms = max(log.head_ms - delay_ms - sync.time_ms, 0)
        self._reception = Reception(log, sync.position, delay_ms, now)
        self._thinning = Thinning()
        self._taken = 0  # bytes acknowledged when that was last looked at
        self._progress_at = now
        self._check_at = now + CHECK_S
        self._stop = NEVER  # where to stop for what waits below
        self._private: bytearray | None = None
        self._leap = False
        self._leaving = False
        link.bound_send_buffer(self._reception.buffer_size(ceiling_ms, 0))

    @property
    def bytes_sent(self) -> int:
        """Bytes of the log that the kernel has taken."""
        return self.position - self._start_position - self.skipped_bytes

    def has_all(self) -> bool:
        """Whether the viewer has received all there is in the log for it."""
        return self.paused or (self.position >= self.log.head and not self._waiting())

    def lag_ms(self) -> int:
        """What the viewer has not received, the kernel's buffer counted, in ms of the stream.

        The delay that it asked for does not count.
        """
        return self._lag_ms(self._waiting())

    # What others ask for; done between two messages

    def interject(self, data: bytes | bytearray) -> None:
        """Send bytes to this viewer alone, as soon as the message that has begun is out."""
        if self._private is None and self._at_boundary():
            self.link.write_now(data)
            if self.link.unsent:
                self._leave_fast_lane()
        else:
            self._private = (self._private or bytearray()) + data
            if self.link.has_room_for(len(self._private)):
                self._stop_at_boundary()

    def leave(self) -> None:
        """Send nothing more, once the message that has begun is out."""
        self._leaving = True
        if self.link.fd < 0 or (self._private is None and self._at_boundary()):
            self._depart()
        else:
            self._stop_at_boundary()

    def jump(self) -> None:
        """Go to the newest sync point, or wait for the next one, and greet again."""
        self._leap = True
        self._stop_at_boundary()

    def pause(self) -> None:
        """Send nothing after the message that has begun."""
        self.paused = True
        self._stop_at_boundary()

    def resume(self) -> None:
        """Go on at the newest sync point."""
        self.paused = False
        self.jump()

    def choose(self, selection: Selection | None) -> None:
        """From the next message on, send only what `selection` gives; None: everything."""
        self.selection = selection
        self._stop_at_boundary()

    def give_up(self, reason: str) -> None:
        """End the viewer, from inside the pump."""
        self._owner.fail(reason)

    # Driven by the pump

    def advance(self, target: int, now: float) -> bool:
        """Send what the socket takes, up to `target`. True: all of it, and nothing else waits."""
        link = self.link
        if link.fd < 0:
            self._depart()
            return False
        if link.unsent or link.sender not in (self, None):
            return False
        if now >= self._check_at:
            self._check_at = now + CHECK_S
            self._check_lag(now)
        while True:
            if self.position == self._stop and not self._pass_boundary():
                return False
            end = min(target, self._stop)
            if self.position >= end:
                return self._is_plain() and not link.unsent
            if self.selection is not None and self._at_boundary():
                if link.sender is self:
                    link.release()
                if not self._send_selected(end):
                    return False
            elif self._thinning.is_active:
                if not self._send_thinned(end):
                    return False
            elif not self._send_range(end):
                return False

    def survey(self, now: float) -> None:
        """Give up a viewer that has taken nothing for too long while bytes wait."""
        waiting = self._waiting()
        taken = self.bytes_sent - waiting
        if taken > self._taken or self.paused or not waiting:
            self._taken = taken
            self._progress_at = now
        elif now - self._progress_at >= self.stall_s:
            self.give_up(f"took nothing for {self.stall_s:g} s")
        if waiting and self.fd >= 0 and self._lag_ms(waiting) >= self.ceiling_ms / 2:
            self._leave_fast_lane()  # the kernel takes it all, the viewer does not

    def caught_up(self) -> None:
        """The viewer has all there was at its start: from now on its lag is its own doing."""
        self.start_lag_ms = 0
        self._segment = None

    # Inside

    def _depart(self) -> None:
        """Take the cursor out of pump and link."""
        if self.lane is not None:
            self.lane.remove(self)
            self.lane = None
        if self.link.sender is self:
            self.link.release()

    def _is_plain(self) -> bool:
        """Whether all that comes next is to be sent as it is."""
        return self._stop == NEVER and self.selection is None and not self._thinning.is_active

    def _waiting(self) -> int:
        """Bytes sent that the viewer has not acknowledged."""
        return self.link.queued() + self.link.unsent

    def _lag_ms(self, waiting: int) -> int:
        return self._reception.lag_ms(waiting, self.bytes_sent, self.position)

    def _check_lag(self, now: float) -> None:
        """Leave out more or less, or jump.

        What was skipped helps only once the bytes before it, which the kernel holds, have gone.
        Until then the lag is as it was, so what counts is how late the next byte will be.
        """
        waiting = self._waiting()
        self._reception.measure(self.bytes_sent - waiting, now)
        if self._leap or self.paused:
            return
        late_ms = self._reception.lateness_ms(waiting, self.position)
        lag_ms = min(self._lag_ms(waiting), late_ms) - self.start_lag_ms
        self._thinning.adapt(lag_ms, self.ceiling_ms)
        self.link.bound_send_buffer(self._reception.buffer_size(self.ceiling_ms, lag_ms))
        gone = self.position < self.log.tail
        if gone or lag_ms > self.ceiling_ms:
            sync = self.log.sync_point(self.delay_ms)
            if gone or (sync is not None and sync.position > self.position):
                self.jump()

    def _locate(self) -> Segment | None:
        """The segment of the next byte; a cursor keeps the one it is in, even when dropped."""
        segment = self._segment
        if segment is None or not segment.start <= self.position < segment.end:
            segment = self._segment = self.log.locate(self.position)
        return segment

    def _leave_fast_lane(self) -> None:
        if self.fd >= 0 and self.lane is not None:
            self.lane.fall_behind(self)

    def _stop_at_boundary(self) -> None:
        self._stop = self._boundary()
        self._leave_fast_lane()

    def _boundary(self) -> int:
        segment = self._locate()
        return self.position if segment is None else segment.boundary(self.position)

    def _at_boundary(self) -> bool:
        return self._boundary() == self.position

    def _pass_boundary(self) -> bool:
        """Do what waits at a message boundary. False: nothing may be sent now."""
        if self._private is not None:
            private, self._private = self._private, None
            self.link.write_now(private)
        if self._leaving:
            self._depart()
            return False
        if self._leap and not self.paused:
            sync = self.log.sync_point(self.delay_ms)
            if sync is None:
                return False
            self._leap = False
            self._land(sync)
        if not self.paused:
            self._stop = NEVER
        return not self.paused and not self.link.unsent

    def _land(self, sync: SyncPoint) -> None:
        if sync.position <= self.position:
            return  # nothing newer: going on is better than going back
        self.jumps += 1
        self.skipped_ms += max(sync.time_ms - self.log.time_at(self.position), 0)
        self._skip_to(sync.position, sync.time_ms)
        self._segment = None
        self.link.write_now(self._owner.greet(sync))

    def _skip_to(self, position: int, time_ms: int) -> None:
        self._reception.skip(self.bytes_sent, self.position, position, time_ms)
        self.skipped_bytes += position - self.position
        self.position = position

    def _lost(self) -> bool:
        """What was to be sent next is no longer kept. False: nothing can be sent now."""
        self.jump()
        return bool(self.log.sync_points)

    def _send_range(self, end: int) -> bool:
        """Send bytes of one segment as they are. False: the socket is full or the cursor lost."""
        segment = self._locate()
        if segment is None:
            return self._lost()
        count = min(end, segment.end) - self.position
        self.link.sender = self
        try:
            sent = self.link.send_file(segment.fd, self.position - segment.origin, count)
        except BlockingIOError:
            return False
        except OSError as error:
            self.link.has_left(describe(error))
            if self.lane is not None:
                self.lane.remove(self)
            return False
        self.position += sent
        return sent == count

    def _send_thinned(self, end: int) -> bool:
        """Send the next messages up to `end` that are not left out; results as above."""
        segment = self._locate()
        if segment is None:
            return self._lost()
        if segment.boundary(self.position) != self.position:
            return self._send_range(segment.boundary(self.position))
        kept = self._leave_out(segment, end)
        return not kept or self._send_range(self.position + kept)

    def _leave_out(self, segment: Segment, end: int) -> int:
        """Pass over what is left out; return how many bytes come then that are sent at once."""
        run = self._thinning.next_run(segment, self.position, min(end, segment.end))
        if run.left_out:
            self.dropped_frames += run.left_out
            self._skip_to(run.start, segment.time_at(run.start - 1))
        return run.end - run.start

    def _send_selected(self, end: int) -> bool:
        """Send the messages up to `end` that the viewer wants, each in its own form."""
        selection = self.selection
        assert selection is not None
        while self.position < end:
            segment = self._locate()
            if segment is None:
                return self._lost()
            if self._thinning.is_active and not self._leave_out(segment, end):
                continue
            index = segment.entry_at(self.position)
            size = segment.origin + segment.ends[index] - self.position
            message = os.pread(segment.fd, size, self.position - segment.origin)
            self.link.write_now(selection.select(message, segment.flags[index]), bounded=False)
            self.position += size
            if self.link.unsent > SELECTED_BYTES:
                return False
        return True
