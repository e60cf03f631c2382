"""HTTPS for a library that wants a transport: a TLS link with the methods of one.

From here the link can be taken over again, for a response without an end. There is no socket
to be had from this transport: nobody can write past the encryption.
"""

from __future__ import annotations

import asyncio
from collections import deque

from slipstream.net.link import NOBODY
from slipstream.net.tls_link import TlsLink

HIGH_BYTES, LOW_BYTES = 64 << 10, 0  # unsent: the protocol is asked to pause, and to go on
STALLED_S = 15.0  # a peer that takes nothing for so long is let go


class TlsTransport(asyncio.Transport):
    """Made once hands are shaken; the link's owner from then on.

    Args:
        link: becomes ours.
        protocol: to which it is the transport.
        loop: of the worker.
    """

    def __init__(
        self,
        link: TlsLink,
        protocol: asyncio.Protocol,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__({"peername": (link.address, 0), "sslcontext": link.context})
        self._link = link
        self._protocol = protocol
        self._loop = loop
        self._closing = False
        self._lost = False  # the protocol knows that it has ended
        self._reading = True
        self._paused = False  # the protocol
        self._waiting: deque[memoryview] = deque()  # plain bytes, encrypted when they can be sent
        self._waiting_bytes = 0
        self._stalled: asyncio.TimerHandle | None = None
        link.hand_to(self)
        link.on_drained = self._drained
        protocol.connection_made(self)

    def take_link(self) -> TlsLink:
        """Let go of the link; to the protocol the connection has ended."""
        link = self._link
        link.on_drained = None
        link.hand_to(NOBODY)
        for part in self._waiting:
            link.write_now(part.tobytes(), bounded=False)
        self._end()
        return link

    # What comes

    def received(self, data: bytes) -> None:
        """Hand it on."""
        if not self._closing:
            self._protocol.data_received(data)

    def lost(self, reason: str) -> None:  # noqa: ARG002 - the library has no use for it
        """The connection has ended."""
        self._end()

    def pause_reading(self) -> None:
        """Leave what comes where it is."""
        if self.is_reading():
            self._reading = False
            self._link.stop_watching()

    def resume_reading(self) -> None:
        """Read again."""
        if not self._reading and not self._closing:
            self._reading = True
            self._link.start()

    def is_reading(self) -> bool:
        """Whether what comes is handed on."""
        return self._reading and not self._closing

    # What goes

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send it, now or when the peer takes it."""
        if self._closing or not data:
            return
        self._waiting.append(memoryview(bytes(data)))
        self._waiting_bytes += len(data)
        self._send()
        if self.get_write_buffer_size() > HIGH_BYTES and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        """Bytes that the peer has not taken."""
        return self._waiting_bytes + self._link.unsent

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """At which of them the protocol goes on and pauses."""
        return LOW_BYTES, HIGH_BYTES

    def can_write_eof(self) -> bool:
        """TLS has no half-closed connections."""
        return False

    # The end

    def is_closing(self) -> bool:
        """Whether nothing more is sent."""
        return self._closing

    def close(self) -> None:
        """Send what is unsent, for as long as the peer takes it, then close."""
        if not self._closing:
            self._closing = True
            self._link.start()  # else nobody would see the peer leave
            if not self.get_write_buffer_size():
                self._finish()

    def abort(self) -> None:
        """Close now."""
        if not self._lost:
            self._link.abort()
            self._end()

    def _send(self) -> None:
        """Encrypt what can be sent; when all of that has gone, `_drained()` is called."""
        link = self._link
        while self._waiting and not link.unsent:
            part = self._waiting[0]
            sent = link.send_range(part)
            self._waiting_bytes -= sent
            if sent == len(part):
                self._waiting.popleft()
            else:
                self._waiting[0] = part[sent:]
                if not sent:
                    break  # it is failing
        self._watch_peer()

    def _drained(self) -> None:
        self._send()
        if self.get_write_buffer_size():
            return
        if self._closing:
            self._finish()
        elif self._paused:
            self._paused = False
            self._protocol.resume_writing()

    def _finish(self) -> None:
        """All has been sent."""
        self._link.on_drained = None
        self._link.close()
        self._end()

    def _watch_peer(self) -> None:
        """Give the peer so much time for the next batch, if there is one."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        if self._link.unsent:
            self._stalled = self._loop.call_later(STALLED_S, self.abort)

    def _end(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
        self._closing = True
        if not self._lost:
            self._lost = True
            self._waiting.clear()
            self._waiting_bytes = 0
            self._loop.call_soon(self._protocol.connection_lost, None)
