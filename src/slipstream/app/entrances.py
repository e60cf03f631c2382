"""Where connections come in: listening sockets, and connections from other workers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from slipstream.http.entrance import HttpEntrance
from slipstream.net.admissions import Admissions
from slipstream.net.link import NOBODY, Link
from slipstream.net.listener import Accept, Listener
from slipstream.net.proxies import Proxies
from slipstream.net.rtmp_session import RtmpSession
from slipstream.net.services import Services
from slipstream.net.tls_entrance import TlsEntrance
from slipstream.net.tls_link import TlsLink
from slipstream.tls import Certificates

SHARED_ACCEPTS_PER_TURN = 4  # of a socket that other workers accept from as well


class Sockets(NamedTuple):
    """That listen, by what is spoken there."""

    rtmp: Sequence[socket.socket]
    http: Sequence[socket.socket]
    rtmps: Sequence[socket.socket] = ()
    https: Sequence[socket.socket] = ()


class Entrances:
    """All of one worker. `start()`, then `stop()`; both once.

    Attributes:
        http: takes in what speaks HTTP.

    Args:
        sockets: become ours.
        services: of the worker.
        http_admissions: who may come in over HTTP.
        certificates: shown to who comes encrypted.
        others_have_less: whether another worker that shares the sockets has fewer connections;
            None: there is no other.
    """

    def __init__(
        self,
        sockets: Sockets,
        services: Services,
        http_admissions: Admissions,
        certificates: Certificates,
        others_have_less: Callable[[], bool] | None,
    ) -> None:
        self._services = services
        self._certificates = certificates
        self._others_have_less = others_have_less
        self._proxies = Proxies(self._trusted_proxies, services.loop)
        self.http = HttpEntrance(http_admissions, services.loop, self._trusted_proxies)
        rtmp, http = services.admissions, http_admissions
        rtmps = self._encrypted(partial(RtmpSession, services), rtmp)
        https = self._encrypted(self.http.take_encrypted, http)
        self._listeners = [
            *(self._listener(sock, self._accept, rtmp) for sock in sockets.rtmp),
            *(self._listener(sock, self.http, http) for sock in sockets.http),
            *(self._listener(sock, rtmps, rtmp) for sock in sockets.rtmps),
            *(self._listener(sock, https, http) for sock in sockets.https),
        ]

    def start(self) -> None:
        """Accept connections."""
        for listener in self._listeners:
            listener.start()

    def stop(self) -> None:
        """Accept nobody any more."""
        for listener in self._listeners:
            listener.stop()
        self._proxies.stop()

    def receive(
        self,
        sock: socket.socket,
        address: str,
        connection_id: str,
        said: Sequence[bytes],
        permit: bytes,
    ) -> None:
        """Take over a connection from another worker, for a stream whose home is here."""
        self._services.admissions.opened(address)
        RtmpSession(self._services, self._link(sock, address), connection_id).repeat(said, permit)

    def _accept(self, sock: socket.socket, address: str) -> RtmpSession:
        """Take in a connection that speaks RTMP."""
        return RtmpSession(self._services, self._link(sock, address))

    def _link(self, sock: socket.socket, address: str) -> Link:
        services = self._services
        return Link(sock, address, NOBODY, services.loop, leaving=services.farewells)

    def _encrypted(
        self, accept: Callable[[TlsLink], object], admissions: Admissions
    ) -> TlsEntrance:
        """What takes in connections that speak the same over TLS."""
        services = self._services
        return TlsEntrance(
            lambda: self._certificates.context,
            accept,
            admissions,
            services.loop,
            within_s=lambda: services.settings.handshake_s,
            leaving=services.farewells,
        )

    def _listener(self, sock: socket.socket, accept: Accept, admissions: Admissions) -> Listener:
        loop, proxies = self._services.loop, self._proxies
        if self._others_have_less is None:
            return Listener(sock, accept, admissions, loop, proxies=proxies)
        return Listener(
            sock,
            accept,
            admissions,
            loop,
            per_turn=SHARED_ACCEPTS_PER_TURN,
            others_have_less=self._others_have_less,
            proxies=proxies,
        )

    def _trusted_proxies(self) -> Sequence[str]:
        return self._services.settings.trusted_proxies
