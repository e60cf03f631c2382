"""Connections that begin with TLS: hands are shaken here, then they go on as links.

A handshake costs about a millisecond of the processor. A thousand viewers that come back in
one moment must not hold up those who are there: their steps are taken a few at a time.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from socket import socket
from time import monotonic

import structlog

from slipstream.net.admissions import Admissions
from slipstream.net.link import Leaving
from slipstream.net.tls_link import TlsLink
from slipstream.tls import TlsConnection

log = structlog.get_logger()

SLICE_S = 0.002  # as the pump's


class Handshakes:
    """The links' `Turns`. Args: the worker's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[TlsLink] = deque()

    def add(self, link: TlsLink) -> None:
        """Have a link go on soon."""
        if not self._waiting:
            self._loop.call_soon(self._slice)
        self._waiting.append(link)

    def _slice(self) -> None:
        limit = monotonic() + SLICE_S
        try:
            while self._waiting:
                self._waiting.popleft().go_on()
                if monotonic() >= limit:
                    return
        finally:
            if self._waiting:
                self._loop.call_soon(self._slice)


class TlsEntrance:
    """What a listener calls with each accepted socket.

    Args:
        context: gives the certificates for a new connection; None: there are none just now.
        accept: called with each link once hands are shaken, before anything is handed on.
        admissions: where the connections are counted.
        loop: of the worker.
        within_s: how long a handshake may take.
        leaving: of the links.
    """

    def __init__(
        self,
        context: Callable[[], ssl.SSLContext | None],
        accept: Callable[[TlsLink], object],
        admissions: Admissions,
        loop: asyncio.AbstractEventLoop,
        *,
        within_s: Callable[[], float],
        leaving: Leaving | None = None,
    ) -> None:
        self._context = context
        self._accept = accept
        self._admissions = admissions
        self._loop = loop
        self._within_s = within_s
        self._leaving = leaving
        self._handshakes = Handshakes(loop)

    def __call__(self, sock: socket, address: str) -> None:
        """Take a connection in."""
        context = self._context()
        if context is None:
            sock.close()
            self._forget(address, "there is no certificate")
            return
        guest = _Guest(address, self._accept, self._forget)
        link = TlsLink(
            sock,
            address,
            guest,
            self._loop,
            TlsConnection(context),
            on_established=guest.enter,
            turns=self._handshakes,
            leaving=self._leaving,
        )
        within_s = self._within_s()
        reason = f"the TLS handshake did not come within {within_s:g} s"
        guest.deadline = self._loop.call_later(within_s, link.fail, reason)
        link.start()

    def _forget(self, address: str, reason: str) -> None:
        """A connection has ended before hands were shaken."""
        self._admissions.settled(address)
        self._admissions.closed()
        log.debug("tls.failed", address=address, reason=reason)


class _Guest:
    """The owner of a link until hands are shaken."""

    __slots__ = ("_accept", "_address", "_forget", "deadline")

    def __init__(
        self,
        address: str,
        accept: Callable[[TlsLink], object],
        forget: Callable[[str, str], None],
    ) -> None:
        self.deadline: asyncio.TimerHandle | None = None
        self._address = address
        self._accept = accept
        self._forget = forget

    def enter(self, link: TlsLink) -> None:
        """Hands are shaken."""
        self._stop_waiting()
        self._accept(link)

    def received(self, data: bytes) -> None:
        """Nothing is handed on before hands are shaken."""

    def lost(self, reason: str) -> None:
        """It has failed."""
        self._stop_waiting()
        self._forget(self._address, reason)

    def _stop_waiting(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
