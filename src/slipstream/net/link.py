"""One TCP connection that carries media: a non-blocking socket and what is not yet written.

The socket is ours, not a transport's: the pump writes ranges of logs straight to its
descriptor, and the intake decides when it is read. What is written here is the rest: answers,
greetings, everything meant for one peer alone.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
import termios
from collections.abc import Callable
from typing import ClassVar, Protocol

import structlog

from slipstream.net.tcp import TcpState, tcp_state

log = structlog.get_logger()

# Asked for in one read: 13 ms of 40 Mbit/s. A `recv` of this takes 1 us less than `recv_into` a
# shared buffer and the copy that has to follow; from 128 KiB on malloc maps pages, for 60 us more.
READ_BYTES = 64 << 10
READS_AT_ONCE = 8  # 512 KiB: what is left waits, so that nobody holds up the others
LINGER_S = 2.0  # how long a link that is closing may take to get rid of its last bytes
_QUEUED = struct.Struct("i")


class Sender(Protocol):
    """Whoever sends a log's bytes straight to the link's descriptor."""

    def interject(self, data: bytes | bytearray) -> None:
        """Have `data` written between two messages."""


class LinkOwner(Protocol):
    """Whoever speaks the protocol on a link."""

    def received(self, data: bytes) -> None:
        """Bytes have come."""

    def lost(self, reason: str) -> None:
        """The link has ended, by the peer or by an error; called once, never after `close()`."""


class Nobody:
    """The owner of a link that has ended: the two refer to each other no more.

    Else what a connection held would wait for the garbage collector, 3 KB for each.
    """

    def received(self, data: bytes) -> None:
        """Nothing comes any more."""

    def lost(self, reason: str) -> None:
        """It has been told."""


NOBODY = Nobody()


class Leaving(Protocol):
    """Whoever ends links whose peers have left, when there is time."""

    def add(self, link: Link, reason: str) -> None:
        """Have a link `fail()` soon."""


class Link:
    """Call `start()` once, `write()` and `close()` at will; the owner is told the rest.

    Args:
        sock: connected; becomes ours.
        address: of the peer, without the port.
        owner: told what happens.
        max_unsent: bytes that may wait for the peer beyond the kernel's own buffer; more ends
            the link.
        leaving: ends the link when the peer has left; None: that is done at once.
        connection_id: as in the log.
    """

    __slots__ = (
        "_closing",
        "_leaving",
        "_loop",
        "_owner",
        "_parting",
        "_sock",
        "_unsent",
        "_watching",
        "_writing",
        "address",
        "bytes_received",
        "connection_id",
        "fd",
        "is_muted",
        "max_unsent",
        "on_drained",
        "sender",
    )
    is_encrypted: ClassVar[bool] = False

    def __init__(
        self,
        sock: socket.socket,
        address: str,
        owner: LinkOwner,
        loop: asyncio.AbstractEventLoop,
        *,
        max_unsent: int = 64 << 10,
        leaving: Leaving | None = None,
        connection_id: str = "",
    ) -> None:
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fd = sock.fileno()  # -1 once it is closed
        self.address = address
        self.connection_id = connection_id
        self.max_unsent = max_unsent
        self.bytes_received = 0
        self.is_muted = False  # while what has been said already is gone through again
        self.sender: Sender | None = None  # while set, what is written goes through it
        self.on_drained: Callable[[], None] | None = None  # called when nothing is unsent any more
        self._sock = sock
        self._owner = owner
        self._loop = loop
        self._leaving = leaving
        self._parting: TcpState | None = None  # as the connection was when it ended
        self._unsent: bytearray | None = None
        self._writing = False
        self._watching = False
        self._closing: asyncio.TimerHandle | None = None

    @property
    def unsent(self) -> int:
        """Bytes written here that the kernel has not taken yet."""
        return len(self._unsent) if self._unsent else 0

    @property
    def came_encrypted(self) -> bool:
        """Whether the peer speaks TLS, be it with another worker: only tunnels are Unix sockets."""
        return self.is_encrypted or self._sock.family == socket.AF_UNIX

    @property
    def is_closing(self) -> bool:
        """Whether nothing more may be written."""
        return self.fd < 0 or self._closing is not None

    def hand_to(self, owner: LinkOwner, connection_id: str = "") -> None:
        """Tell somebody else from now on, who may call it otherwise in the log."""
        self._owner = owner
        self.connection_id = connection_id or self.connection_id

    def start(self) -> None:
        """Read whenever bytes come."""
        self._watching = True
        self._loop.add_reader(self.fd, self._readable)

    def stop_watching(self) -> None:
        """Read no more by itself; somebody calls `read()` from now on."""
        self._watching = False
        self._loop.remove_reader(self.fd)

    def read(self) -> bool:
        """Read once and hand it on. True if there may be more waiting."""
        if self.fd < 0:
            return False
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            self.has_left(describe(error))
            return False
        if not data:
            self.has_left("closed by the peer")
            return False
        self.bytes_received += len(data)
        if self._closing is None:  # what comes while we are closing is read and forgotten
            try:
                self._take(data)
            except Exception:  # a bug of ours costs this connection and no other
                log.exception("link.bug", id=self.connection_id, address=self.address)
                self.fail("an error of the server's own")
                return False
        return len(data) == READ_BYTES

    def write(self, data: bytes | bytearray) -> None:
        """Send whole messages, now or when the peer takes them, and never inside another one."""
        if self.sender is not None:
            self.sender.interject(data)
        else:
            self.write_now(data)

    def write_now(self, data: bytes | bytearray, *, bounded: bool = True) -> None:
        """Send `data` although somebody else sends on this link; for the sender itself.

        Not bounded is who looks at `unsent` before it writes more.
        """
        if self.fd < 0 or not data or self.is_muted:
            return
        if self._unsent:
            self._unsent += data
        else:
            try:
                count = self._sock.send(data)
            except BlockingIOError:
                count = 0
            except OSError as error:
                self.fail_later(describe(error))
                return
            if count == len(data):
                return
            self._unsent = bytearray(memoryview(data)[count:])
        if bounded and not self.has_room_for(len(self._unsent)):
            return
        if not self._writing:
            self._writing = True
            self._loop.add_writer(self.fd, self._writable)

    def has_room_for(self, unread: int) -> bool:
        """Whether so many bytes may wait for the peer; if not, the link ends."""
        if unread > self.max_unsent:
            self.fail_later(f"{unread} bytes unread, limit {self.max_unsent}")
        return unread <= self.max_unsent

    def send_file(self, source: int, offset: int, count: int) -> int:
        """Send a range of a file, or a part of it; for the sender. Return how much it was.

        Raises:
            OSError: nothing could be sent; BlockingIOError: for now.
        """
        return os.sendfile(self.fd, source, offset, count)

    def send_range(self, data: memoryview) -> int:
        """Send a range that many get, or a part of it; for the sender. Return how much it was.

        Raises:
            OSError: as above.
        """
        return self._sock.send(data)

    def queued(self) -> int:
        """Bytes that the kernel holds because the peer has not acknowledged them (1 µs)."""
        if self.fd < 0:
            return 0
        answer = fcntl.ioctl(self.fd, termios.TIOCOUTQ, b"\0\0\0\0")
        return int(_QUEUED.unpack(answer)[0])

    def tcp(self) -> TcpState | None:
        """How the connection is doing, or did; None: that is not known."""
        return self._parting if self.fd < 0 else tcp_state(self._sock)

    def bound_send_buffer(self, size: int) -> None:
        """Let the kernel hold about `size` bytes for the peer, not the megabytes it would."""
        # The kernel doubles the value to cover its own overhead (socket(7)).
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size // 2)

    def close(self) -> None:
        """Send what is unsent, then close; at most `LINGER_S` of it. The owner is not told."""
        if self.is_closing:
            return
        self._closing = self._loop.call_later(LINGER_S, self.abort)
        self._shut_down_if_done()

    def release(self) -> None:
        """The sender has finished its message and sends no more."""
        self.sender = None
        if self._closing is not None:
            self._shut_down_if_done()

    def abort(self) -> None:
        """Close now. The owner is not told."""
        if self.fd < 0:
            return
        self._loop.remove_reader(self.fd)
        if self._writing:
            self._loop.remove_writer(self.fd)
        if self._closing is not None:
            self._closing.cancel()
        self._parting = tcp_state(self._sock)
        self.fd = -1
        self._unsent = None
        self.sender = None
        self.on_drained = None
        self._owner = NOBODY
        self._sock.close()

    def fail(self, reason: str) -> None:
        """Close now and tell the owner."""
        if self.fd < 0:
            return
        told, owner = self._closing is not None, self._owner
        self.abort()
        if not told:
            owner.lost(reason)

    def _take(self, data: bytes) -> None:
        """Hand on what has been read."""
        self._owner.received(data)

    def _readable(self) -> None:
        """Read until nothing comes: libuv tells of a reset once only, be there bytes before it."""
        for _ in range(READS_AT_ONCE):
            before = self.bytes_received
            self.read()
            if self.bytes_received == before or not self._watching or self.fd < 0:
                break

    def has_left(self, reason: str) -> None:
        """Close and tell the owner, because the peer has left: soon, since others may have too."""
        if self._leaving is None:
            self.fail(reason)
        elif self.fd >= 0:
            self._loop.remove_reader(self.fd)
            self._leaving.add(self, reason)

    def fail_later(self, reason: str) -> None:
        """As `fail()`, but never inside the owner's own call."""
        self._loop.call_soon(self.fail, reason)

    def _writable(self) -> None:
        assert self._unsent is not None
        try:
            count = self._sock.send(self._unsent)
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(describe(error))
            return
        del self._unsent[:count]
        if not self._unsent:
            self._unsent = None
            self._writing = False
            self._loop.remove_writer(self.fd)
            if self._closing is not None:
                self._shut_down_if_done()
            elif self.on_drained is not None:
                self.on_drained()

    def _shut_down_if_done(self) -> None:
        """Say that no more comes and wait for the peer to leave, so that it reads all of it."""
        if self.unsent or self.sender is not None:
            return
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.abort()


def describe(error: OSError) -> str:
    """A reason for the log line."""
    return os.strerror(error.errno).lower() if error.errno else str(error)
