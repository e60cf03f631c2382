"""One end of the connection between a worker and its supervisor: packets, in order.

It never blocks and belongs to no event loop: its owner watches the descriptor, calls
`receive()` when it is readable, and `flush()` when it is writable while `blocked` says so.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from contextlib import suppress

from slipstream.workers import descriptors
from slipstream.workers.messages import Message
from slipstream.workers.packets import MAX_PACKET, Packet, decode, encode

PACKETS_PER_TURN = 64  # received at once, so that the owner has a turn as well
MAX_FDS = 2


class Channel:
    """Packets over a connected AF_UNIX SEQPACKET socket.

    Args:
        sock: connected; becomes ours.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sent_bytes = 0
        self.received_bytes = 0
        self._sock = sock
        self._unsent: deque[tuple[bytes, list[int]]] = deque()
        self._finishing = False

    def fileno(self) -> int:
        """The descriptor, to be watched; -1 once it is closed."""
        return self._sock.fileno()

    @property
    def blocked(self) -> bool:
        """Whether packets wait until the socket is writable."""
        return bool(self._unsent)

    def send(self, message: Message, *, body: bytes = b"", fd: int = -1) -> None:
        """Send a packet, now or when there is room. A descriptor is duplicated, and stays ours."""
        data, fds = encode(Packet(message, body, fd))
        owned = [os.dup(number) if number == fd else number for number in fds]
        self._unsent.append((data, owned))
        if len(self._unsent) == 1:
            self.flush()

    def finish(self) -> None:
        """Send nothing after what waits: the other end reads to an end, and may go on sending."""
        self._finishing = True
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as there is room. Who is gone gets nothing, and no error."""
        while self._unsent:
            data, fds = self._unsent[0]
            try:
                socket.send_fds(self._sock, [data], fds)
            except BlockingIOError:
                return
            except OSError:
                self._forget_unsent()
                return
            self._unsent.popleft()
            self.sent_bytes += len(data)
            _close_all(fds)
        if self._finishing:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_WR)

    def receive(self) -> list[Packet] | None:
        """Return the packets that have come; None when there are no more and the end is reached.

        Raises:
            ValueError: the other end is of a version that speaks otherwise.
        """
        packets: list[Packet] = []
        while len(packets) < PACKETS_PER_TURN:
            try:
                data, fds = descriptors.receive(self._sock, MAX_PACKET + 1, MAX_FDS)
            except BlockingIOError:
                break
            except OSError:
                data, fds = b"", []
            if not data:
                return packets or None
            self.received_bytes += len(data)
            packets.append(decode(data, fds))
        return packets

    def close(self) -> None:
        """Say no more."""
        self._forget_unsent()
        self._sock.close()

    def _forget_unsent(self) -> None:
        while self._unsent:
            _close_all(self._unsent.popleft()[1])


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
