"""A link whose bytes are encrypted on their way: to its owner and to the pump it is like any other.

No more is encrypted than the socket takes: what it does not take waits as one batch of records,
and until that has gone nothing follows. So a viewer that lags does so in the log, as it would
without TLS. The kernel cannot send a file's pages here: each byte is read, encrypted and
written, for each viewer.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from typing import ClassVar, Protocol

from slipstream.net.link import Leaving, Link, LinkOwner
from slipstream.tls import TlsConnection, TlsError

BATCH_BYTES = 64 << 10  # plain bytes that are encrypted for one `send`: four whole records


class Turns(Protocol):
    """Whoever says when links may go on that shake hands, which costs milliseconds."""

    def add(self, link: TlsLink) -> None:
        """Have it `go_on()` soon."""


class TlsLink(Link):
    """Call `start()` on a server's side, `shake_hands()` on a client's; then see `Link`.

    Until hands are shaken nothing may be written, and the owner hears at most that it is `lost()`.

    Args:
        tls: the connection's end that we are.
        on_established: called once hands are shaken; the place to `hand_to()` somebody.
        turns: says when the next step of that may be taken; None: at once.
    """

    __slots__ = ("_on_established", "_said_goodbye", "_tls", "_turns")
    is_encrypted: ClassVar[bool] = True

    def __init__(
        self,
        sock: socket.socket,
        address: str,
        owner: LinkOwner,
        loop: asyncio.AbstractEventLoop,
        tls: TlsConnection,
        *,
        on_established: Callable[[TlsLink], None],
        turns: Turns | None = None,
        leaving: Leaving | None = None,
    ) -> None:
        super().__init__(sock, address, owner, loop, leaving=leaving)
        self._tls = tls
        self._on_established: Callable[[TlsLink], None] | None = on_established
        self._turns = turns
        self._said_goodbye = False

    @property
    def context(self) -> ssl.SSLContext:
        """What the connection began with, or what was chosen for the name that the peer asked."""
        return self._tls.context

    def shake_hands(self) -> None:
        """Begin, as a client."""
        self.start()
        self._take(b"")

    def go_on(self) -> None:
        """Take the next step of the handshake: it is our turn."""
        if self.fd >= 0:
            self.start()
            self.read()

    def write_now(self, data: bytes | bytearray, *, bounded: bool = True) -> None:
        """See `Link`."""
        if self.fd >= 0 and data and not self.is_muted:
            super().write_now(self._tls.encrypt(data), bounded=bounded)

    def send_file(self, source: int, offset: int, count: int) -> int:
        """See `Link`."""
        sent = 0
        while sent < count and not self.unsent and self.fd >= 0:
            data = os.pread(source, min(count - sent, BATCH_BYTES), offset + sent)
            super().write_now(self._tls.encrypt(data), bounded=False)
            sent += len(data)
        return sent

    def send_range(self, data: memoryview) -> int:
        """See `Link`."""
        size = len(data)
        if size <= BATCH_BYTES and not self._unsent:
            Link.write_now(self, self._tls.encrypt(data), bounded=False)
            return size
        sent = 0
        while sent < size and not self.unsent and self.fd >= 0:
            sent += self.send_range(data[sent : sent + BATCH_BYTES])
        return sent

    def _readable(self) -> None:
        if self._tls.is_established or self._turns is None:
            super()._readable()
        else:
            self.stop_watching()
            self._turns.add(self)

    def _take(self, data: bytes) -> None:
        """Hand on the plain bytes of what has been read."""
        tls = self._tls
        try:
            plain = tls.receive_data(data)
        except TlsError as error:
            super().write_now(tls.data_to_send())
            self.fail(str(error))
            return
        answers = tls.data_to_send()
        if answers:
            super().write_now(answers)
        if self._on_established is not None and tls.is_established:
            then, self._on_established = self._on_established, None
            self._turns = None
            then(self)
        if plain and not self.is_closing:
            self._owner.received(plain)
        if tls.has_ended:
            self.has_left("closed by the peer")

    def _shut_down_if_done(self) -> None:
        """As a plain link does, but TLS has a last word of its own."""
        if self.unsent or self.sender is not None:
            return
        if not self._said_goodbye:
            self._said_goodbye = True
            super().write_now(self._tls.close(), bounded=False)
        super()._shut_down_if_done()
