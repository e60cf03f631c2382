"""A follower: fills a log with what another process writes, from its announcements."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress

import structlog

from slipstream.formats import Flag, Greeting
from slipstream.log import SYNC, Log
from slipstream.workers import descriptors
from slipstream.workers.announcements import (
    MAX_PACKET,
    EntriesAnnounced,
    GreetingAnnounced,
    MarkAnnounced,
    SegmentAnnounced,
    parse_announcement,
)

log = structlog.get_logger()

PACKETS_PER_TURN = 32
_NEWS = Flag.VIDEO | SYNC  # of an entry that viewers wait for: a picture, or a sound without any


class Follower:
    """Call `start()` once, `close()` when the log is to grow from here no more.

    Args:
        sock: connected to the home's feed; becomes ours.
        log: to be filled.
        loop: of the worker.
        grown: called after the log has grown, with where it stood before, whether there is a
            picture in it, and whether some of it had been there before this was followed.
        ended: called once, when the home has gone.
    """

    def __init__(
        self,
        sock: socket.socket,
        log: Log,
        loop: asyncio.AbstractEventLoop,
        grown: Callable[[int, bool, bool], None],
        ended: Callable[[], None],
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._log = log
        self._loop = loop
        self._grown = grown
        self._ended = ended
        self._told = log.head  # up to where `grown` has been called
        self._picture = False  # since then
        self._older = True  # since then: what had been there when this was made
        self._more = False  # older entries are yet to come: nobody starts at those
        self._greeting: Greeting = ()
        self._segment: tuple[int, int, int] | None = None  # descriptor, capacity, offset
        self.received_bytes = 0

    def start(self) -> None:
        """Begin to read."""
        self._loop.add_reader(self._sock.fileno(), self._readable)

    def close(self) -> None:
        """Take what has been announced, and no more."""
        if self._sock.fileno() < 0:
            return
        with suppress(ValueError):
            while self._receive():
                pass
        self._abort()

    def _abort(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
        if self._segment is not None:
            os.close(self._segment[0])
            self._segment = None

    def _readable(self) -> None:
        try:
            goes_on = self._receive() is not None
        except ValueError as error:
            log.warning("follow.unreadable", reason=str(error))
            goes_on = False
        if not goes_on:
            self._abort()
            self._ended()

    def _receive(self) -> bool | None:
        """Take some announcements. True: maybe there are more; None: the home has gone."""
        more, gone = True, False
        for _ in range(PACKETS_PER_TURN):
            try:
                data, fds = descriptors.receive(self._sock, MAX_PACKET, 1)
            except BlockingIOError:
                more = False
                break
            except OSError:
                data, fds = b"", []
            if not data:
                gone = True
                break
            self.received_bytes += len(data)
            self._take(data, fds)
            if not self._more:
                break  # there is seldom another one; if so, the loop tells
        if gone or not self._more:
            self._tell()
        return None if gone else more

    def _tell(self) -> None:
        if self._log.head > self._told:
            head, picture, older = self._told, self._picture, self._older
            self._told, self._picture, self._older = self._log.head, False, False
            self._grown(head, picture, older)

    def _take(self, data: bytes, fds: list[int]) -> None:
        """Obey one announcement."""
        announcement = parse_announcement(data)
        if isinstance(announcement, EntriesAnnounced):
            if self._segment is not None:
                self._log.adopt(*self._segment)
                self._segment = None
            batch = announcement.batch
            batch.greetings += [self._greeting for flag in batch.flags if flag & SYNC]
            if self._log.is_over:
                self._log.mark()
            self._log.note(batch)
            self._picture |= not self._picture and any(map(_NEWS.__and__, batch.flags))
            self._more = announcement.more
        elif isinstance(announcement, SegmentAnnounced):
            self._segment = fds[0], announcement.capacity, announcement.offset
        elif isinstance(announcement, GreetingAnnounced):
            self._greeting = announcement.greeting
        elif isinstance(announcement, MarkAnnounced):
            self._tell()
            self._log.finish()
            self._older = False
