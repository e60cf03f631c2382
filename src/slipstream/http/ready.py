"""Answers that are made once for all who ask for the same: one write each, or one `sendfile`.

A response of the library has its head put together anew each time. What is kept here is head and
body as they go over the wire, the date being that of the making. If they are long they are
kept in a memory file, of which the kernel sends the pages as they are.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from email.utils import formatdate

from aiohttp import web

from slipstream.http.application import ALWAYS
from slipstream.log.segment import open_memory

FILE_BYTES = 32 << 10  # from this length on a file is cheaper than a write
STALLED_S = 15.0  # a peer that takes nothing for so long is let go


class ReadyAnswer:
    """A whole answer in a memory file if it is long, else in memory.

    Args:
        response: whose bytes it is to have; with a body.

    Attributes:
        size: of the body, in bytes.
        length: of head and body, in bytes.
        is_long: whether it is in a file.
    """

    def __init__(self, response: web.Response) -> None:
        body = response.body
        assert isinstance(body, bytes)
        content = _head(response, len(body)) + body
        self.size = len(body)
        self.length = len(content)
        self.is_long = self.length >= FILE_BYTES
        self._content = b"" if self.is_long else content
        self._fd = -1
        if self.is_long:
            self._fd = open_memory(self.length)
            os.pwrite(self._fd, content, 0)

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    @property
    def content(self) -> bytes:
        """Head and body."""
        return os.pread(self._fd, self.length, 0) if self.is_long else self._content

    def send_file(self, fd: int, start: int) -> int:
        """Send a long one to a socket from `start` on; return where to go on.

        Raises:
            OSError: the peer has gone.
        """
        try:
            while start < self.length:
                start += os.sendfile(fd, self._fd, start, self.length - start)
        except BlockingIOError:
            pass
        return start


class Rest:
    """What a socket did not take of a long answer at once, sent as it can take more.

    Args:
        answer: a long one.
        sent: bytes that have been sent.
        fd: of the socket.
        loop: of the worker.
        on_end: called with whether all has been sent, once.
    """

    def __init__(
        self,
        answer: ReadyAnswer,
        sent: int,
        fd: int,
        loop: asyncio.AbstractEventLoop,
        on_end: Callable[[bool], None],
    ) -> None:
        self._answer = answer
        self._sent = sent
        # Our own: the transport may close its, and the number be another's.
        self._fd = os.dup(fd)
        self._loop = loop
        self._on_end = on_end
        self._moved_at = loop.time()
        loop.add_writer(self._fd, self._send)
        self._timer = loop.call_later(STALLED_S, self._look)

    def close(self) -> None:
        """Send no more."""
        if self._fd >= 0:
            self._timer.cancel()
            self._loop.remove_writer(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _send(self) -> None:
        try:
            sent = self._answer.send_file(self._fd, self._sent)
        except OSError:
            self._end(whole=False)
            return
        if sent > self._sent:
            self._sent, self._moved_at = sent, self._loop.time()
        if sent == self._answer.length:
            self._end(whole=True)

    def _look(self) -> None:
        """See whether the peer still takes something."""
        left_s = self._moved_at + STALLED_S - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        else:
            self._end(whole=False)

    def _end(self, *, whole: bool) -> None:
        self.close()
        self._on_end(whole)


def _head(response: web.Response, length: int) -> bytes:
    date = formatdate(usegmt=True)
    fields = {**ALWAYS, **response.headers, "Content-Length": length, "Date": date}
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()
