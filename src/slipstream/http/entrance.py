"""HTTP connections: accepted by our listener, so that our limits hold, served by the library."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web

from slipstream.http import application
from slipstream.http.access import ADDRESS
from slipstream.http.connection import HttpConnection, ReadyAnswers, nothing_ready
from slipstream.http.forwarded import client_address
from slipstream.http.tls_transport import TlsTransport
from slipstream.net.admissions import Admissions
from slipstream.net.tls_link import TlsLink


class HttpEntrance:
    """What a listener calls with each accepted socket, once `open()` has been called.

    Args:
        admissions: where the connections are counted; they are pending until they say something.
        loop: of the worker.
        trusted: gives the networks and addresses of proxies whose word counts.
    """

    def __init__(
        self,
        admissions: Admissions,
        loop: asyncio.AbstractEventLoop,
        trusted: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._admissions = admissions
        self._loop = loop
        self._trusted = trusted
        self._server: web.Server | None = None
        self._find: ReadyAnswers = nothing_ready
        self._connections: dict[web.RequestHandler, HttpConnection] = {}
        self._silent: dict[web.RequestHandler, asyncio.TimerHandle] = {}  # have asked nothing
        self._tasks: set[asyncio.Task[object]] = set()

    def open(self, server: web.Server, find: ReadyAnswers = nothing_ready) -> None:
        """Serve with protocols that `server()` makes.

        Args:
            server: of the library.
            find: answers that are ready.
        """
        self._server, usual = server, server.request_handler
        self._find = find

        def handle(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
            self._hear(request.protocol)
            connection = self._connections[request.protocol]
            request[ADDRESS] = client_address(connection.address, request.headers, self._trusted())
            connection.asked(request)
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

    def _protocol(self, address: str) -> HttpConnection:
        """What a connection that begins talks to."""
        assert self._server is not None
        inner = self._server()
        protocol = HttpConnection(
            inner, self._find, self._admissions, address, lambda: self._forget(inner)
        )
        self._connections[inner] = protocol
        self._silent[inner] = self._loop.call_later(
            application.FIRST_HEAD_S, self._lose_patience, inner
        )
        return protocol

    def _lose_patience(self, protocol: web.RequestHandler) -> None:
        del self._silent[protocol]
        protocol.force_close()

    def _forget(self, protocol: web.RequestHandler) -> None:
        self._hear(protocol)
        del self._connections[protocol]

    def _hear(self, protocol: web.RequestHandler) -> None:
        """It has said something."""
        if protocol in self._silent:
            self._silent.pop(protocol).cancel()

    async def _connect(self, protocol: HttpConnection, sock: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, sock)
        except OSError:  # it has left already
            protocol.forget()
