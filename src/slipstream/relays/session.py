"""One connection to another server, as an RTMP client: what a push and a pull have in common.

The protocol itself is `rtmp.ClientConnection`, which does no I/O; the bytes are `Link`'s and the
pump's. A redirection is told and not followed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from abc import ABC, abstractmethod
from functools import cache

from slipstream.net.deadline import Deadline
from slipstream.net.link import Link
from slipstream.net.services import Services
from slipstream.net.tls_link import TlsLink
from slipstream.rtmp import ClientConnection, Connected, Ended, EnhancedCapabilities, Event, RtmpUrl
from slipstream.tls import TlsConnection, client_context

ANSWER_S = 15.0  # for all that has to be said before media; servers keep players waiting 10 s


class Session(ABC):
    """Call `begin()` once, then wait for `ended`.

    Attributes:
        ended: done when the connection is over; the reason.
        began_at: when media were let through, in the loop's time; None if that has not been.
        bytes: of media, sent or received.
        frames: messages of media, sent or received.
        refusal: with which words the server ended it, as it said them.

    Args:
        services: of this worker.
        sock: connected.
        url: of the stream, at the other server.
        stream: its name here.
        connection_id: as in the log.
        capabilities: what we can do, to be announced.
    """

    def __init__(
        self,
        services: Services,
        sock: socket.socket,
        url: RtmpUrl,
        stream: str,
        connection_id: str,
        capabilities: EnhancedCapabilities,
    ) -> None:
        loop = services.loop
        self.services = services
        self.url = url
        self.stream = stream
        self.connection_id = connection_id
        self.address = str(sock.getpeername()[0])
        self.ended: asyncio.Future[str] = loop.create_future()
        self.began_at: float | None = None
        self.bytes = 0
        self.frames = 0
        self.refusal = ""
        self.server = EnhancedCapabilities()  # what it has announced
        self.connection = ClientConnection(
            url.app, url.tc_url, random_bytes=os.urandom, capabilities=capabilities
        )
        self.link = self._make_link(sock)
        self.link.max_unsent = services.settings.max_unread
        self._may_write = False
        self.deadline = Deadline(services.loop, self.close)

    @property
    def encrypted(self) -> bool:
        """Whether it goes over TLS."""
        return self.link.is_encrypted

    # What the worker asks of all connections when it ends

    @property
    @abstractmethod
    def is_watching(self) -> bool:
        """Whether it is a viewer here."""

    def reconfigure(self) -> None:  # noqa: B027 - none of them needs to know
        """Relays are worked out anew by those who make them."""

    def ask_to_reconnect(self) -> bool:
        """It is ours: nobody is to be asked."""
        return False

    # Its life

    def begin(self) -> None:
        """Say what is wanted, and read the answers."""
        self.services.sessions[self] = None
        self.deadline.expect("an answer", ANSWER_S)
        if isinstance(self.link, TlsLink):
            self.link.shake_hands()
        else:
            self.link.start()
            self._speak(self.link)

    def received(self, data: bytes) -> None:
        """Handle what was read at once."""
        now = self.services.loop.time()
        for event in self.connection.receive_data(data, now):
            self._handle(event, now)
            if self.link.is_closing:
                return
        self.flush()
        if self.connection.error is not None:
            self.close(f"the server does not speak RTMP as it should: {self.connection.error}")

    def lost(self, reason: str) -> None:
        """The link has ended."""
        self._forget(reason)

    def close(self, reason: str) -> None:
        """Take leave of the server, and end."""
        if not self.link.is_closing:
            self.connection.close()
            self.flush()
            self._forget(reason)
            self.link.close()

    def flush(self) -> None:
        """Send what the protocol has to say, between two messages of media."""
        if self._may_write:
            data = self.connection.data_to_send()
            if data:
                self.link.write(data)

    # For push and pull

    @abstractmethod
    def take(self, event: Event, now: float) -> None:
        """Act on an event of the protocol."""

    @abstractmethod
    def leave(self) -> None:
        """Leave the hub; the connection is over."""

    @abstractmethod
    def measure(self) -> None:
        """Bring `bytes` and `frames` up to date."""

    @property
    def lag_ms(self) -> int:
        """What the server has not received, in ms of the stream."""
        return 0

    # Inside

    def _make_link(self, sock: socket.socket) -> Link:
        loop, leaving = self.services.loop, self.services.farewells
        if not self.url.tls:
            return Link(sock, self.address, self, loop, leaving=leaving)
        tls = TlsConnection(_context(), self.url.host)
        return TlsLink(
            *(sock, self.address, self, loop, tls), on_established=self._speak, leaving=leaving
        )

    def _speak(self, _: Link) -> None:
        """Say what has had to wait: the connection carries bytes from now on."""
        self._may_write = True
        self.flush()

    def _handle(self, event: Event, now: float) -> None:
        if isinstance(event, Connected):
            self.server = event.enhanced
        elif isinstance(event, Ended):
            self.refusal = event.description
            self.close(f"the server said: {_words(event)}")
        else:
            self.take(event, now)

    def _forget(self, reason: str) -> None:
        """Take the connection out of everything that knows it."""
        self.deadline.met()
        self.measure()
        self.leave()
        self.services.sessions.pop(self, None)
        if not self.ended.done():
            self.ended.set_result(reason)


@cache
def _context() -> ssl.SSLContext:
    """One for all: to read the authorities that are known takes 20 ms."""
    return client_context()


def _words(event: Ended) -> str:
    words = f"{event.description} ({event.code})" if event.description else event.code
    if event.redirect:
        return f"{words}, try {event.redirect}, which is not followed"
    return words or "the end, without a reason"
