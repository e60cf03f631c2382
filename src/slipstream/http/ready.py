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
from slipstream.http.tls_transport import TlsTransport
from slipstream.log.segment import open_memory

FILE_BYTES = 32 << 10  # from this length on a file is cheaper than a write
PIECE_BYTES = 128 << 10  # with TLS
STALLED_S = 15.0  # a peer that takes nothing for so long is let go


class ReadyAnswer(web.StreamResponse):
    """Give it to the library as a response, as often as you like.

    Args:
        response: whose bytes it is to have; with a body.

    Attributes:
        size: of the body, in bytes.
    """

    # Nothing of the library's own is set: this is all that it asks of a response.
    def __init__(self, response: web.Response) -> None:
        body = response.body
        assert isinstance(body, bytes)
        self.size = len(body)
        self._set_content(_head(response, self.size) + body)

    @property
    def keep_alive(self) -> bool:
        """The connection goes on: others do not get answers that are ready."""
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send it; the transport has nothing to send before."""
        if request.transport is not None:
            request.transport.write(self._content)

    async def write_eof(self, data: bytes = b"") -> None:
        """It has been sent."""

    def _set_content(self, content: bytes) -> None:
        self._content = content


class ReadyFile(ReadyAnswer):
    """The same if it is long."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """See `ReadyAnswer`."""
        transport = request.transport
        if transport is None:
            return
        if isinstance(transport, TlsTransport):
            await self._send_encrypted(request, transport)
            return
        fd = transport.get_extra_info("socket").fileno()
        try:
            sent = os.sendfile(fd, self._fd, 0, self._length)
        except BlockingIOError:
            sent = 0
        if sent < self._length:
            # Our own: while we wait the transport may close its, and the number be another's.
            fd = os.dup(fd)
            try:
                await self._send_rest(fd, sent, transport)
            finally:
                os.close(fd)

    async def _send_encrypted(self, request: web.BaseRequest, transport: TlsTransport) -> None:
        """The kernel cannot do it: piece by piece, the next one when the peer has taken one."""
        try:
            for start in range(0, self._length, PIECE_BYTES):
                transport.write(os.pread(self._fd, PIECE_BYTES, start))
                async with asyncio.timeout(STALLED_S):
                    await request.writer.drain()
        except TimeoutError:
            transport.abort()

    async def _send_rest(self, fd: int, sent: int, transport: asyncio.Transport) -> None:
        while sent < self._length:
            try:
                sent += os.sendfile(fd, self._fd, sent, self._length - sent)
            except BlockingIOError:
                if not await _writable(fd):
                    transport.abort()
                    return

    def _set_content(self, content: bytes) -> None:
        self._length = len(content)
        self._fd = open_memory(self._length)
        os.pwrite(self._fd, content, 0)

    def __del__(self) -> None:
        os.close(self._fd)


def make_ready(response: web.Response) -> ReadyAnswer:
    """An answer of the kind that is cheaper for so many bytes."""
    body = response.body
    kind: Callable[[web.Response], ReadyAnswer] = ReadyAnswer
    if isinstance(body, bytes) and len(body) >= FILE_BYTES:
        kind = ReadyFile
    return kind(response)


def _head(response: web.Response, length: int) -> bytes:
    date = formatdate(usegmt=True)
    fields = {**ALWAYS, **response.headers, "Content-Length": length, "Date": date}
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def _writable(fd: int) -> bool:
    """Wait until something can be sent. False: nothing was taken for too long."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
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
