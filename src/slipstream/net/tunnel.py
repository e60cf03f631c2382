"""A TLS connection that belongs to another worker: what it says goes there through a tunnel.

The keys of a TLS connection cannot move, so it stays where hands were shaken. The other worker
gets one end of a pair of sockets, which is the connection to it; here the bytes are decrypted and
passed on, both ways, no faster than they are taken.
"""

from __future__ import annotations

import socket

from slipstream.net.link import NOBODY, Link
from slipstream.net.services import Services

HIGH_BYTES = 256 << 10  # not taken at one end: nothing more is read at the other


def open_tunnel(services: Services, link: Link) -> Link:
    """Put a tunnel between a connection and the link that is returned, which may move away.

    Args:
        services: of this worker.
        link: of the connection, which its session is about to forget.
    """
    near, far = socket.socketpair()
    Tunnel(services, link, Link(near, link.address, NOBODY, services.loop))
    return Link(far, link.address, NOBODY, services.loop)


class Tunnel:
    """Joins two links until one of them ends. A session of the worker as long as it lives.

    Args:
        services: of the worker.
        link: of the connection.
        inner: to the other worker.
    """

    __slots__ = ("_inner", "_services", "link")

    def __init__(self, services: Services, link: Link, inner: Link) -> None:
        self.link = link
        self._inner = inner
        self._services = services
        services.sessions[self] = None
        services.admissions.count(1)
        for side, other in ((link, inner), (inner, link)):
            side.hand_to(_Side(self, side, other))
            side.start()

    @property
    def is_watching(self) -> bool:
        """Only who publishes has to move."""
        return False

    def reconfigure(self) -> None:
        """The worker that has the session sees to it."""

    def ask_to_reconnect(self) -> bool:
        """The other worker asks, if it ends as well; it gets time to."""
        return True

    def close(self, reason: str) -> None:  # noqa: ARG002 - the session over there has its own
        """Send what has come, then end both."""
        if self._services.sessions.pop(self, 0) is None:
            self._services.admissions.closed()
            self.link.close()
            self._inner.close()


class _Side:
    """The owner of one of the links: writes what comes of it to the other one."""

    __slots__ = ("_link", "_other", "_tunnel")

    def __init__(self, tunnel: Tunnel, link: Link, other: Link) -> None:
        self._tunnel = tunnel
        self._link = link
        self._other = other

    def received(self, data: bytes) -> None:
        """Pass it on."""
        self._other.write_now(data, bounded=False)
        if self._other.unsent > HIGH_BYTES:
            self._link.stop_watching()
            self._other.on_drained = self._go_on

    def lost(self, reason: str) -> None:
        """One end has gone, so the other one goes."""
        self._tunnel.close(reason)

    def _go_on(self) -> None:
        self._other.on_drained = None
        if self._link.fd >= 0:
            self._link.start()
