"""Answers of HTTP over one connection that is kept: ask, be told when the whole answer is there.

As little of HTTP/1.1 (RFC 9112) as a load needs, and cheap: a body that nobody wants is thrown
away by the kernel (`recv` with MSG_TRUNC, tcp(7)), and counted.
"""

from __future__ import annotations

import re
import socket

from .client import TIMEOUT_S, ClientError, Target

HEAD_SIZE = 8 << 10  # bytes that are read to find a head; what follows it belongs to the body
DISCARD_LIMIT = 1 << 20  # bytes thrown away by one call
END_OF_HEAD = b"\r\n\r\n"
_length = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE).search
_nowhere = bytearray(DISCARD_LIMIT)  # never written to; only its length counts


class KeptConnection:
    """Connects on construction; then `ask()`, and `receive()` whenever there is something to read.

    Args:
        target: whom to ask.
        agent: who asks, as HTTP has it; servers may tell viewers apart by it.

    Attributes:
        body: of the last answer, if it was wanted.
        size: bytes of the last answer's body.
        total_bytes: of all bodies so far.
    """

    def __init__(self, target: Target, agent: str = "bench") -> None:
        self.socket = socket.create_connection((target.host, target.http_port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.body = b""
        self.size = 0
        self.total_bytes = 0
        self._fields = f"Host: {target.host}:{target.http_port}\r\nUser-Agent: {agent}\r\n\r\n"
        self._missing: int | None = None  # bytes of the body; None: the head has not come
        self._wanted = False

    def request(self, path: str) -> bytes:
        """What asks for `path`."""
        return f"GET {path} HTTP/1.1\r\n{self._fields}".encode()

    def ask(self, request: bytes, *, wanted: bool = False) -> None:
        """Send a request that is made already; `wanted`: keep the body."""
        self._missing, self._wanted = None, wanted
        self.body = b""
        self.socket.send(request)

    def receive(self) -> bool:
        """Read what has come. True: the answer is whole.

        Raises:
            ClientError: it is no answer with 200, or the connection has been closed.
        """
        if self._missing is None or self._wanted:
            data = self.socket.recv(HEAD_SIZE)
            if not data:
                raise ClientError("the server closed a connection that was to be kept")
            self.body += data
            if self._missing is None and not self._take_head():
                return False
            self._missing = self.size - len(self.body)
        else:
            self._missing -= self.socket.recv_into(_nowhere, 0, socket.MSG_TRUNC)
        if self._missing:
            return False
        self.total_bytes += self.size
        return True

    def _take_head(self) -> bool:
        head, end, rest = self.body.partition(END_OF_HEAD)
        if not end:
            return False
        length = _length(head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            raise ClientError(f"the server answered {head.decode('latin-1')}")
        self.size, self.body = int(length[1]), rest
        return True

    def close(self) -> None:
        self.socket.close()
