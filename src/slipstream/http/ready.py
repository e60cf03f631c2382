"""Answers that are made once for all who ask for the same: one write each, or one `sendfile`.

A response of the library has its head put together anew each time. What is kept here has it as
bytes. A long body is kept in a memory file, of which the kernel sends the pages as they are.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from email.utils import formatdate
from functools import lru_cache

from aiohttp import web

from slipstream.http.application import ALWAYS
from slipstream.log.segment import open_memory

FILE_BYTES = 32 << 10  # from this length on a file is cheaper than a write
STALLED_S = 15.0  # a peer that takes nothing for so long is let go


class ReadyAnswer(web.StreamResponse):
    """Give it to the library as a response, as often as you like.

    Args:
        head: without its end.
        body: follows it.
    """

    # Only what the library asks of a response that it is given: there is nothing to set.
    def __init__(self, head: bytes, body: bytes) -> None:
        self._head = head
        self._content = body
        self.size = len(body)

    @classmethod
    def of(cls, response: web.Response) -> ReadyAnswer:
        """The same answer as `response`, which is one with a body."""
        body = response.body
        assert isinstance(body, bytes)
        fields = {**ALWAYS, **response.headers, "Content-Length": len(body)}
        lines = [f"HTTP/1.1 {response.status} {response.reason}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        head = "\r\n".join([*lines, ""]).encode()
        return ReadyFile(head, body) if len(body) >= FILE_BYTES else cls(head, body)

    @property
    def keep_alive(self) -> bool:
        """The connection goes on: others do not get answers that are ready."""
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send it."""
        if request.transport is not None:
            request.transport.write(_whole(self._head) + self._content)

    async def write_eof(self, data: bytes = b"") -> None:
        """It has been sent."""


class ReadyFile(ReadyAnswer):
    """The same with a long body."""

    def __init__(self, head: bytes, body: bytes) -> None:
        super().__init__(head, b"")
        self.size = len(body)
        self._fd = open_memory(len(body))
        os.pwrite(self._fd, body, 0)

    def __del__(self) -> None:
        os.close(self._fd)

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send it; the transport has nothing to send."""
        transport = request.transport
        if transport is None:
            return
        # The transport's own socket may not be written to; this one has the same descriptor.
        shared = transport.get_extra_info("socket")
        sock = socket.socket(shared.family, shared.type, fileno=shared.fileno())
        try:
            await self._send(sock, transport)
        finally:
            sock.detach()

    async def _send(self, sock: socket.socket, transport: asyncio.Transport) -> None:
        head = _whole(self._head)
        if sock.send(head, socket.MSG_MORE) < len(head):  # nobody's buffer is that small
            transport.abort()
            return
        offset = 0
        while offset < self.size:
            try:
                offset += os.sendfile(sock.fileno(), self._fd, offset, self.size - offset)
            except BlockingIOError:
                if not await _writable(sock):
                    transport.abort()
                    return


async def _writable(sock: socket.socket) -> bool:
    """Wait until something can be sent. False: nothing was taken for too long."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    fd = os.dup(sock.fileno())  # a loop lets nobody else watch the transport's own
    loop.add_writer(fd, ready.set)
    try:
        async with asyncio.timeout(STALLED_S):
            await ready.wait()
    except TimeoutError:
        return False
    else:
        return True
    finally:
        loop.remove_writer(fd)
        os.close(fd)


def _whole(head: bytes) -> bytes:
    return head + _end(int(time.time()))


@lru_cache(maxsize=1)
def _end(second: int) -> bytes:
    """The line of a head that is not always the same, and the head's end."""
    return f"Date: {formatdate(second, usegmt=True)}\r\n\r\n".encode()
