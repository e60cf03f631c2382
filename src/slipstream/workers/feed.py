"""Feeds: what the home of a stream tells the processes that follow it.

A feed is a place in the index of one log. When the log has grown, the entries beyond that
place are announced over a socket; the bytes themselves stay where they are. A follower that
does not read holds nobody up: its socket is full, the place stays behind, and everything that
was not announced is sent when there is room.
"""

from __future__ import annotations

import asyncio
import socket
from array import array
from collections.abc import Callable
from time import monotonic

from slipstream.log import SYNC, Log, Segment
from slipstream.net.pace import Pace
from slipstream.workers.announcements import (
    MAX_ENTRIES,
    build_entries,
    build_greeting,
    build_mark,
    build_segment,
    has_sync,
)
from slipstream.workers.messages import Since

SEND_BUFFER = 1 << 20
TOGETHER_S = 0.005  # what is due so soon is announced in one go
NEVER = float("inf")
NEVER_MARKED = -1


class Feed:
    """The hub's `Tap`: made with the log, told when it has grown, closed by either side.

    Args:
        sock: connected to the follower; becomes ours.
        log: of the stream in the format that is followed.
        loop: of the worker.
        closed: called once, when the follower has gone.
        since: where it wants to begin.
    """

    def __init__(
        self,
        sock: socket.socket,
        log: Log,
        loop: asyncio.AbstractEventLoop,
        closed: Callable[[Feed], None],
        since: Since,
    ) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.log = log
        self.sent_bytes = 0
        self._sock = sock
        self._loop = loop
        self._closed = closed
        self._segment: Segment | None = None
        self._greeting: object = None
        self._blocked = False
        self._position = self._first_position(since)
        self._marked = log.era if self._position < log.head else NEVER_MARKED
        loop.add_reader(sock.fileno(), self._readable)

    def flush(self) -> None:
        """Announce what is new."""
        while not self._blocked:
            if self._position == self.log.marked > self._marked:
                if not self._send(build_mark()):
                    return
                self._marked = self.log.marked
            if self._position == self.log.head:
                return
            segment = self.log.locate(self._position)
            if segment is None:
                self.close()  # it has not read for as long as anything is kept
                return
            if not self._announce(segment):
                return

    def close(self) -> None:
        """The stream is no more, or the follower."""
        if self._sock.fileno() < 0:
            return
        self._loop.remove_reader(self._sock.fileno())
        if self._blocked:
            self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        self._closed(self)

    def _first_position(self, since: Since) -> int:
        """Where the publication began, with the configurations that those need who followed an
        earlier one; or, if that is not kept, where somebody may start.
        """
        log = self.log
        if log.is_over and since is not Since.BEGINNING:
            return log.head
        if since is not Since.BREAK and log.era >= log.tail:
            return log.era
        syncs = [sync.position for sync in log.sync_points if sync.position >= log.era]
        if not syncs:
            return log.head
        return syncs[-1] if since is Since.BREAK else syncs[0]

    def _announce(self, segment: Segment) -> bool:
        """Announce entries of one segment, up to a mark or a new greeting.

        Returns:
            False if the socket is full.
        """
        first = segment.entry_at(self._position)
        count = min(len(segment.ends) - first, MAX_ENTRIES)
        if self._position < self.log.marked < segment.origin + segment.ends[first + count - 1]:
            count = segment.entry_at(self.log.marked) - first
        flags = segment.flags[first : first + count]
        if has_sync(flags):
            count, greeting = self._count_until_greeting(segment, first, flags)
            if greeting is not self._greeting:
                if not self._send(build_greeting(greeting)):  # type: ignore[arg-type]
                    return False
                self._greeting = greeting
            flags = flags[:count]
        if segment is not self._segment:
            offset = self._position - segment.origin
            if not self._send(build_segment(segment.capacity, offset), segment.fd):
                return False
            self._segment = segment
        ends = segment.ends[first : first + count]
        sizes = array("I", ends)
        previous = self._position - segment.origin
        for index, end in enumerate(ends):
            sizes[index] = end - previous
            previous = end
        times = segment.times[first : first + count]
        position = segment.origin + previous
        more = position < self.log.head
        if not self._send(build_entries(sizes, times, flags, more=more)):
            return False
        self._position = position
        return True

    def _count_until_greeting(
        self, segment: Segment, first: int, flags: bytearray
    ) -> tuple[int, object]:
        """How many entries share the greeting of the first sync point among them, and that."""
        greetings = {sync.position: sync.greeting for sync in self.log.sync_points}
        greeting: object = None
        start = self._position
        for index, flag in enumerate(flags):
            if flag & SYNC:
                this = greetings.get(start)
                if this is None:
                    flags[index] = flag & ~SYNC  # nobody may start there any more
                elif greeting is None:
                    greeting = this
                elif this is not greeting:
                    return index, greeting
            start = segment.origin + segment.ends[first + index]
        return len(flags), self._greeting if greeting is None else greeting

    def _send(self, data: bytes, fd: int = -1) -> bool:
        try:
            if fd < 0:
                self._sock.send(data)
            else:
                socket.send_fds(self._sock, [data], [fd])
        except BlockingIOError:
            self._blocked = True
            self._loop.add_writer(self._sock.fileno(), self._writable)
            return False
        except OSError:
            self.close()
            return False
        self.sent_bytes += len(data)
        return True

    def _writable(self) -> None:
        self._loop.remove_writer(self._sock.fileno())
        self._blocked = False
        self.flush()

    def _readable(self) -> None:
        """A follower says nothing: it has gone."""
        self.close()


class Feeds:
    """All feeds of a worker, by log; `wake()` is called whenever a log has grown.

    To announce is dear (100 µs for both ends together), so it follows the pace of the pump: at
    once while that is cheap, then with the pictures, then no more often than viewers are sent to.

    Args:
        loop: of the worker.
        pace: of the worker's pump.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, pace: Pace) -> None:
        self._loop = loop
        self._pace = pace
        self._feeds: dict[Log, list[Feed]] = {}
        self._due: dict[Log, float] = {}  # logs that have grown, and when that is to be announced
        self._since: dict[Log, float] = {}  # when a log was announced last
        self._timer: asyncio.TimerHandle | None = None
        self._bytes_of_the_gone = 0

    @property
    def sent_bytes(self) -> int:
        """Bytes that all announcements took so far."""
        living = sum(feed.sent_bytes for feeds in self._feeds.values() for feed in feeds)
        return self._bytes_of_the_gone + living

    def add(self, feed: Feed) -> None:
        """Announce what its log holds, and whatever comes."""
        self._feeds.setdefault(feed.log, []).append(feed)
        feed.flush()

    def remove(self, feed: Feed) -> None:
        """Its follower has gone."""
        feeds = self._feeds.get(feed.log, [])
        if feed in feeds:
            feeds.remove(feed)
            self._bytes_of_the_gone += feed.sent_bytes
        if not feeds:
            self._feeds.pop(feed.log, None)
            self._due.pop(feed.log, None)
            self._since.pop(feed.log, None)

    def wake(self, log: Log, picture: bool) -> None:
        """A log has grown."""
        if log not in self._feeds:
            return
        now = monotonic()
        due = self._pace.due(self._since.get(log, 0.0), now, picture=picture)
        if due <= now:
            self._announce(log, now)
        elif due < self._due.get(log, NEVER):
            self._due[log] = due
            if self._timer is None:
                self._timer = self._loop.call_later(due - now, self._on_timer)

    def flush(self, log: Log) -> None:
        """Announce what waits: nothing more will come for a while."""
        if log in self._feeds:
            self._announce(log, monotonic())

    def stop(self) -> None:
        """Announce nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _announce(self, log: Log, now: float) -> None:
        self._since[log] = now
        self._due.pop(log, None)
        for feed in list(self._feeds.get(log, ())):
            feed.flush()

    def _on_timer(self) -> None:
        self._timer = None
        now = monotonic()
        for log, due in list(self._due.items()):
            if due <= now + TOGETHER_S:
                self._announce(log, now)
        if self._due:
            wait_s = max(min(self._due.values()) - now, 0.0)
            self._timer = self._loop.call_later(wait_s, self._on_timer)
