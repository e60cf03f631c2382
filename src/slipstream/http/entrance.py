"""HTTP connections: accepted by our listener, so that our limits hold, served by the library."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from slipstream.http import application
from slipstream.http.tls_transport import TlsTransport
from slipstream.net.admissions import Admissions
from slipstream.net.tls_link import TlsLink


class HttpEntrance:
    """What a listener calls with each accepted socket, once `open()` has been called.

    Args:
        admissions: where the connections are counted; they are pending until they say something.
        loop: of the worker.
    """

    def __init__(self, admissions: Admissions, loop: asyncio.AbstractEventLoop) -> None:
        self._admissions = admissions
        self._loop = loop
        self._server: web.Server | None = None
        self._silent: dict[asyncio.BaseProtocol, asyncio.TimerHandle] = {}  # have asked nothing
        self._tasks: set[asyncio.Task[object]] = set()

    def open(self, server: web.Server) -> None:
        """Serve with protocols that `server()` makes."""
        self._server, usual = server, server.request_handler

        def handle(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
            self._forget(request.protocol)
            return usual(request)

        server.request_handler = handle

    def __call__(self, sock: socket.socket, address: str) -> None:
        """Take a connection in."""
        sock.setblocking(False)
        protocol = self._protocol(address)
        task = self._loop.create_task(self._connect(protocol, sock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def take_encrypted(self, link: TlsLink) -> None:
        """Take a connection in that speaks TLS: HTTPS."""
        TlsTransport(link, self._protocol(link.address), self._loop)

    def _protocol(self, address: str) -> _Counted:
        """The library's, for a connection that begins."""
        assert self._server is not None
        inner = self._server()
        self._silent[inner] = self._loop.call_later(
            application.FIRST_HEAD_S, self._lose_patience, inner
        )
        return _Counted(inner, self._admissions, address, lambda: self._forget(inner))

    def _lose_patience(self, protocol: web.RequestHandler) -> None:
        del self._silent[protocol]
        protocol.force_close()

    def _forget(self, protocol: web.RequestHandler) -> None:
        if protocol in self._silent:
            self._silent.pop(protocol).cancel()

    async def _connect(self, protocol: _Counted, sock: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, sock)
        except OSError:  # it has left already
            protocol.forget()


class _Counted(asyncio.Protocol):
    """The library's protocol, with its connection counted."""

    def __init__(
        self,
        inner: asyncio.Protocol,
        admissions: Admissions,
        address: str,
        on_lost: Callable[[], None],
    ) -> None:
        self._inner = inner
        self._admissions = admissions
        self._address = address
        self._on_lost = on_lost
        self._pending = True
        self._open = True
        self.pause_writing = inner.pause_writing  # type: ignore[method-assign]
        self.resume_writing = inner.resume_writing  # type: ignore[method-assign]
        self.eof_received = inner.eof_received  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._settle()
        self._inner.data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.forget()
        self._inner.connection_lost(error)

    def forget(self) -> None:
        """The connection is no more."""
        self._settle()
        if self._open:
            self._open = False
            self._admissions.closed()
            self._on_lost()

    def _settle(self) -> None:
        if self._pending:
            self._pending = False
            self._admissions.settled(self._address)
